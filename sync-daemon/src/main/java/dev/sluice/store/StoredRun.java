package dev.sluice.store;

import java.time.Instant;
import java.util.List;

/**
 * One verification, as {@code sluice.verification} keeps it.
 *
 * @param run its number, from 1
 * @param tables source tables; empty for all
 * @param whole true to read everything, false to read only what changed since both sides were last compared
 * @param share how much of the time it may work, in percent
 * @param traffic which side took the writes while it ran
 * @param epoch how often the writes had moved by then
 * @param planHash of what was planned when it began
 * @param fromSeq changelog row of the first moment compared
 * @param toSeq of the last
 * @param reason why it stopped or is not whole, one sentence; or null
 * @param findings JSON: what is wrong beside rows; or null
 * @param evidence JSON: the evidence file; null before it has ended
 */
public record StoredRun(long run, State state, List<String> tables, boolean whole, boolean repair, int share, String actor,
        String traffic, long epoch, String schemaHash, String planHash, String toolVersion, long fromSeq, long toSeq,
        Instant createdAt, Instant startedAt, Instant endedAt, String reason, String findings, String evidence) {

    /** How it stands. */
    public enum State {
        PENDING, RUNNING, VERIFIED, MISMATCHED, STALE, STOPPED;

        /** As it is written in SQL and JSON. */
        public String label() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }

        /** True if it goes on by itself, also after a restart. */
        public boolean isOpen() {
            return this == PENDING || this == RUNNING;
        }
    }

    /**
     * One table of it.
     *
     * @param state {@code pending}, {@code running} or {@code done}
     * @param total rows that it is expected to have
     * @param done rows compared so far
     * @param rows of the whole tree when the table was done
     * @param differences that were found, mended or not
     * @param remaining differences that are there still
     * @param restless rows that never rested long enough to be compared
     * @param listed JSON: the first differences
     */
    public record Table(int ordinal, String table, String state, long total, long done, long rows, long parked,
            String sourceRoot, String targetRoot, long differences, long repaired, long remaining, long restless, String listed) {

        public static final String PENDING = "pending";
        public static final String RUNNING = "running";
        public static final String DONE = "done";

        /** True if both sides hold the same rows. */
        public boolean isEqual() {
            return isDone() && remaining == 0 && restless == 0 && parked == 0;
        }

        public boolean isDone() {
            return state.equals(DONE);
        }
    }
}
