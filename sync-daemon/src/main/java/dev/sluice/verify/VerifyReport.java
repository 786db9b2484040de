package dev.sluice.verify;

import java.time.Instant;
import java.util.List;

/**
 * The outcome of a verification.
 *
 * @param fromSeq changelog position of the first moment compared; 0 without capture
 * @param toSeq of the last
 * @param held why tables were not compared, one sentence each: they can't be followed at present
 */
public record VerifyReport(
        List<TableReport> tables, long fromSeq, long toSeq, Instant startedAt, Instant endedAt,
        List<String> held) {

    public VerifyReport withHeld(List<String> sentences) {
        return new VerifyReport(tables, fromSeq, toSeq, startedAt, endedAt, sentences);
    }

    public boolean isEqual() {
        return held.isEmpty() && tables.stream().allMatch(TableReport::isEqual);
    }

    public long rows() {
        return tables.stream().mapToLong(TableReport::rows).sum();
    }

    public long differenceCount() {
        return tables.stream().mapToLong(TableReport::differenceCount).sum();
    }

    public long parked() {
        return tables.stream().mapToLong(TableReport::parked).sum();
    }
}
