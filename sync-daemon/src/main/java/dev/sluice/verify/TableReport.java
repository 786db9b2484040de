package dev.sluice.verify;

import java.util.List;

/**
 * What verification found for one table.
 *
 * @param rows source rows compared
 * @param parked source rows that are parked, so rightly not in the target
 * @param sourceHash the root (hex) of the hash tree over all typed rows of the source, in key order
 * @param targetHash the same over the target; equal exactly if every row is
 * @param differenceCount how many rows differ
 * @param differences the first of them
 * @param repaired how many differences were mended
 * @param restless rows that changed whenever they were looked at, so that nothing is known of them
 */
public record TableReport(
        String table, long rows, long parked, String sourceHash, String targetHash, long differenceCount,
        List<Difference> differences, long repaired, long restless) {

    /** True if the target holds exactly the source's rows; a parked row is one that it doesn't hold. */
    public boolean isEqual() {
        return differenceCount == 0 && parked == 0 && restless == 0;
    }
}
