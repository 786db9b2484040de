package dev.sluice.bench;

import dev.sluice.postgres.Secret;
import dev.sluice.postgres.TargetUrl;
import java.time.Duration;
import java.util.Set;

/**
 * What to measure, and on what.
 *
 * @param scale 1 for the whole reference set of 2,227,000 rows
 * @param parts what to measure
 * @param target an empty database, or null for a PostgreSQL of the bench's own
 * @param password of the target, or null where ~/.pgpass has it or none is needed
 * @param heap the largest heap of the process that migrates, as {@code java -Xmx} takes it
 * @param workers threads that copy
 * @param follow how long commits are timed
 * @param commitsPerSecond of the application while they are
 * @param changes size of a backlog to catch up with
 * @param flips how often writes are moved each way
 */
public record BenchOptions(double scale, Set<Part> parts, TargetUrl target, Secret password, String heap, int workers,
        Duration follow, int commitsPerSecond, int changes, int flips) {

    /** What can be measured by itself. */
    public enum Part { COPY, LATENCY, CATCHUP, CUTOVER, WRITER }

    public BenchOptions {
        if (!(scale >= 0.001 && scale <= 100)) {
            throw new IllegalArgumentException("--scale must be from 0.001 to 100");
        }
        if (parts.isEmpty()) {
            throw new IllegalArgumentException("--parts must name one of copy, latency, catchup, cutover, writer");
        }
        if (!heap.matches("[1-9][0-9]{0,6}[mMgG]")) {
            throw new IllegalArgumentException("--heap must be a size such as 256m or 2g");
        }
        if (workers < 1 || workers > 64) {
            throw new IllegalArgumentException("--workers must be from 1 to 64");
        }
        if (follow.toSeconds() < 1 || follow.toSeconds() > 3600) {
            throw new IllegalArgumentException("--seconds must be from 1 to 3600");
        }
        if (commitsPerSecond < 1 || commitsPerSecond > 5_000) {
            throw new IllegalArgumentException("--commits must be from 1 to 5000 a second");
        }
        if (changes < 100 || changes > 100_000_000) {
            throw new IllegalArgumentException("--changes must be from 100 to 100000000");
        }
        if (flips < 1 || flips > 1_000) {
            throw new IllegalArgumentException("--flips must be from 1 to 1000");
        }
        parts = Set.copyOf(parts);
    }

    /** True if a target is needed at all. */
    boolean migrates() {
        return !parts.equals(Set.of(Part.WRITER));
    }
}
