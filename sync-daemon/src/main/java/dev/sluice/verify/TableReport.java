package dev.sluice.verify;

import java.util.List;

/**
 * What verification found for one table.
 *
 * @param rows source rows compared
 * @param parked source rows that are parked, so rightly not in the target
 * @param sourceHash SHA-256 (hex) over all typed rows of the source, in scan order
 * @param targetHash the same over the target; equal exactly if every row is
 * @param differenceCount how many rows differ
 * @param differences the first of them
 * @param repaired how many differences were mended
 */
public record TableReport(
        String table, long rows, long parked, String sourceHash, String targetHash, long differenceCount,
        List<Difference> differences, long repaired) {

    /** True if the target holds exactly the source's rows; a parked row is one that it doesn't hold. */
    public boolean isEqual() {
        return differenceCount == 0 && parked == 0;
    }
}
