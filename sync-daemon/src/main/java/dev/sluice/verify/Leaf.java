package dev.sluice.verify;

import dev.sluice.change.RowKey;
import java.util.Arrays;

/**
 * A range of one table's keys, as it was when both sides were compared there: a leaf of the table's hash tree.
 *
 * @param after the last key before it; null for the table's start
 * @param last its last key; null for the table's end, however many keys come there later
 * @param rows how many rows of it the source has
 * @param parked how many of them are parked
 * @param sourceHash SHA-256 over the source's rows
 * @param targetHash likewise over the target's; the same exactly if the rows are
 * @param seq the changelog row up to which the target had everything then
 * @param lsn the end of the last transaction of the target that the source had then; 0 while the source took the writes
 * @param dirty true if it has to be looked at again
 */
public record Leaf(RowKey after, RowKey last, long rows, long parked, byte[] sourceHash, byte[] targetHash, long seq, long lsn,
        boolean dirty) {

    /** True if both sides had the same rows. */
    public boolean isEqual() {
        return parked == 0 && Arrays.equals(sourceHash, targetHash);
    }

    Leaf soiled() {
        return dirty ? this : new Leaf(after, last, rows, parked, sourceHash, targetHash, seq, lsn, true);
    }
}
