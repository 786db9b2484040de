package dev.sluice.migration;

import java.time.Instant;
import java.util.List;

/**
 * Where a migration stands, for people, JSON and metrics.
 *
 * @param phase its label, see {@link dev.sluice.phase.Phase}
 * @param run {@code running}, {@code paused} or {@code blocked(reason)}
 * @param traffic who takes writes
 * @param seq the highest changelog row applied
 * @param lagChanges changelog rows not applied yet, -1 if not known
 * @param lagSeconds how long ago the target last equalled the source, 0 while it does
 * @param rowsTotal as counted when the plan was made
 * @param rowsCopied by the bulk copy
 * @param changesApplied changelog rows applied since this daemon started
 * @param verification {@code unverified}, {@code verifying}, {@code verified}, {@code mismatched}, {@code stale}
 * @param verifiedAt of the last whole verification, or null
 * @param notes what the operator should know, each one sentence
 * @param next what to do next, one sentence
 */
public record StatusSnapshot(
        String migration, String source, String target, String phase, String meaning, String run, String traffic,
        long seq, long lagChanges, double lagSeconds, long rowsTotal, long rowsCopied, long changesApplied,
        long parked, String verification, Instant verifiedAt, Instant startedAt, List<TableStatus> tables,
        List<String> notes, String next) {

    /** One table: rows as planned, rows copied, rows parked. */
    public record TableStatus(String source, String target, long rows, long copied, long parked) {}
}
