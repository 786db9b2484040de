package dev.sluice.bench;

import static dev.sluice.console.Amounts.count;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What was measured; parts that were not are null or empty, and so are figures that this machine can't give.
 *
 * @param equal true if every row was proven equal on both sides at the end; null if nothing was migrated
 */
public record BenchReport(Machine machine, Source source, Copy copy, Latency latency, List<CatchUp> catchUps,
        Switching switching, List<Writer> writers, Boolean equal, long rowsCompared, double secondsComparing) {

    /** Where it ran. */
    public record Machine(int processors, String java, String sqlite, String postgres) {}

    /** The reference set. */
    public record Source(double scale, long rows, long fileMb, double secondsToMake) {}

    /**
     * The bulk copy beside a writing application, with capture installed.
     *
     * @param censusSeconds for reading every value and planning
     * @param copySeconds for tables, capture, rows, keys and plain indexes
     * @param finishSeconds for catching up, unique indexes and foreign keys
     * @param clientCpuSeconds of the migrating process from its start
     * @param serverCpuSeconds of all of the server's processes, null where it is on another machine
     * @param peakMemoryMb of the migrating process
     * @param floor null where it could not be measured
     * @param floorProblem why not
     */
    public record Copy(long rows, double censusSeconds, double copySeconds, double finishSeconds, double rowsPerSecond,
            double clientCpuSeconds, Double serverCpuSeconds, long peakMemoryMb, String heap, Floor floor,
            String floorProblem) {

        /** Everything but the census. */
        @JsonProperty
        public double moveSeconds() {
            return copySeconds + finishSeconds;
        }

        @JsonProperty
        public double seconds() {
            return censusSeconds + moveSeconds();
        }

        /** How many times the floor the way from empty tables to foreign keys took; null without a floor. */
        @JsonProperty
        public Double timesFloor() {
            return floor == null ? null : moveSeconds() / floor.seconds;
        }

        /** As {@link #timesFloor}, with the census. */
        @JsonProperty
        public Double timesFloorWithCensus() {
            return floor == null ? null : seconds() / floor.seconds;
        }
    }

    /** See {@link dev.sluice.bench.Floor}. */
    public record Floor(double seconds, double foreignKeySeconds, Double serverCpuSeconds) {}

    /**
     * From COMMIT in SQLite to an answer in PostgreSQL, in milliseconds.
     *
     * @param clientCpu cores that the migrating process used meanwhile
     * @param serverCpu likewise of the server, the reader's questions included
     */
    public record Latency(int commits, double commitsPerSecond, double p50, double p95, double p99, double most,
            double clientCpu, Double serverCpu) {}

    /** A backlog worked off. */
    public record CatchUp(String kind, int changes, double seconds, double changesPerSecond, double clientCpuSeconds,
            Double serverCpuSeconds, long peakMemoryMb) {}

    /**
     * Writes moved to PostgreSQL and back while an application makes them.
     *
     * @param there of the cutovers
     * @param back of the rollbacks
     */
    public record Switching(int flips, int commitsPerSecond, double seconds, Pauses there, Pauses back) {}

    /**
     * From the last write that one side acknowledged to the first that the other did, in milliseconds, by the
     * application's clock.
     *
     * @param reportedP50 from the fence to the end of it, by Sluice
     * @param steps the median of each step, also of those before the fence
     */
    public record Pauses(double p50, double p99, double most, double reportedP50, Map<String, Double> steps) {}

    /**
     * A statement with and without the triggers.
     *
     * @param bareMicros processor time a row without them
     * @param capturedMicros likewise with them
     * @param timesCpu the median of the rounds' ratios
     * @param timesWall the same of elapsed time
     */
    public record Writer(String statement, int rowsPerTransaction, boolean uniqueIndex, double bareMicros,
            double capturedMicros, double timesCpu, double timesWall) {}

    /** The report as a table for people. */
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add(machine.processors + " processors, Java " + machine.java + ", SQLite " + machine.sqlite
                + (machine.postgres == null ? "" : ", PostgreSQL " + machine.postgres));
        if (source != null) {
            lines.add(String.format(Locale.ROOT, "reference set at scale %s: %,d rows, %,d MB", plain(source.scale),
                    source.rows, source.fileMb));
        }
        if (copy != null) {
            addCopy(lines);
        }
        if (latency != null) {
            addLatency(lines);
        }
        if (!catchUps.isEmpty()) {
            addCatchUps(lines);
        }
        if (switching != null) {
            addSwitching(lines);
        }
        if (!writers.isEmpty()) {
            addWriters(lines);
        }
        if (equal != null) {
            lines.add("");
            lines.add(equal ? "Both sides are equal: " + count(rowsCompared) + " rows compared"
                    : "BOTH SIDES DIFFER: these figures are worth nothing");
        }
        return lines;
    }

    private void addCopy(List<String> lines) {
        lines.add("");
        lines.add("COPY with capture installed, beside a writing application    wall s   CPU s client + server    × floor");
        if (copy.floor == null) {
            lines.add("  the floor was not measured: " + copy.floorProblem);
        } else {
            lines.add(String.format(Locale.ROOT, "  %-58s %7.1f   %5.1f + %5s            1.00",
                    "floor: COPY from binary files, indexes, foreign keys", copy.floor.seconds, 0.0,
                    number(copy.floor.serverCpuSeconds, "%.1f")));
        }
        lines.add(String.format(Locale.ROOT, "  %-58s %7.1f                            %s",
                "tables, rows, keys, indexes, foreign keys", copy.moveSeconds(), number(copy.timesFloor(), "%.2f")));
        lines.add(String.format(Locale.ROOT, "  %-58s %7.1f   %5.1f + %5s            %s", "the same with the census",
                copy.seconds(), copy.clientCpuSeconds, number(copy.serverCpuSeconds, "%.1f"),
                number(copy.timesFloorWithCensus(), "%.2f")));
        lines.add(String.format(Locale.ROOT, "  census %.1f s, copy %.1f s, finish %.1f s; %,.0f rows/s;"
                + " peak memory %d MB (heap at most %s)", copy.censusSeconds, copy.copySeconds, copy.finishSeconds,
                copy.rowsPerSecond, copy.peakMemoryMb, copy.heap));
    }

    private void addLatency(List<String> lines) {
        lines.add("");
        lines.add(String.format(Locale.ROOT, "FOLLOW at %.0f commits/s                 p50 ms   p95 ms   p99 ms   most ms",
                latency.commitsPerSecond));
        lines.add(String.format(Locale.ROOT, "  COMMIT to visible in PostgreSQL      %8.1f %8.1f %8.1f %9.1f", latency.p50,
                latency.p95, latency.p99, latency.most));
        lines.add(String.format(Locale.ROOT, "  %,d commits; cores used: %.2f client + %s server", latency.commits,
                latency.clientCpu, number(latency.serverCpu, "%.2f")));
    }

    private void addCatchUps(List<String> lines) {
        lines.add("");
        lines.add("CATCHING UP                        changes   wall s   changes/s   CPU s client + server   memory MB");
        for (CatchUp one : catchUps) {
            lines.add(String.format(Locale.ROOT, "  %-26s %,13d %8.1f %,11.0f   %5.1f + %5s %19d",
                    one.kind.equals("hot") ? "the same hundred rows" : "mixed, ever other rows", one.changes, one.seconds,
                    one.changesPerSecond, one.clientCpuSeconds, number(one.serverCpuSeconds, "%.1f"), one.peakMemoryMb));
        }
    }

    private void addSwitching(List<String> lines) {
        lines.add("");
        lines.add(String.format(Locale.ROOT, "CUTOVER at %d commits/s, %d times each way    p50 ms   p99 ms   most ms   p50 by Sluice",
                switching.commitsPerSecond, switching.flips));
        addPauses(lines, "writes stand still, to PostgreSQL", switching.there);
        addPauses(lines, "writes stand still, back to SQLite", switching.back);
    }

    private static void addPauses(List<String> lines, String what, Pauses pauses) {
        lines.add(String.format(Locale.ROOT, "  %-42s %8.1f %8.1f %9.1f %15.1f", what, pauses.p50, pauses.p99, pauses.most,
                pauses.reportedP50));
        lines.add("    steps (p50 ms): " + pauses.steps.entrySet().stream()
                .map(step -> String.format(Locale.ROOT, "%s %.1f", step.getKey(), step.getValue())).collect(Collectors.joining(", ")));
    }

    private void addWriters(List<String> lines) {
        lines.add("");
        lines.add("WRITER with capture triggers      rows/commit   unique index   CPU µs/row        × CPU   × wall");
        for (Writer one : writers) {
            lines.add(String.format(Locale.ROOT, "  %-28s %14d   %12s   %6.1f → %6.1f   %5.2f    %5.2f", one.statement,
                    one.rowsPerTransaction, one.uniqueIndex ? "yes" : "no", one.bareMicros, one.capturedMicros,
                    one.timesCpu, one.timesWall));
        }
    }

    private static String number(Double number, String format) {
        return number == null ? "–" : String.format(Locale.ROOT, format, number);
    }

    private static String plain(double number) {
        return java.math.BigDecimal.valueOf(number).stripTrailingZeros().toPlainString();
    }
}
