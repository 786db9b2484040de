package dev.sluice.change;

import java.util.List;

/**
 * The seam between capture and apply: the net effect of the changelog rows {@code (fromSeq, toSeq]}, with the rows as
 * one read snapshot showed them.
 *
 * @param epoch the source's identity as written at install; a batch of another epoch is never applied
 * @param fromSeq exclusive: the watermark that this batch continues
 * @param toSeq inclusive: the watermark after it
 * @param toNonce the random number that stands in the changelog row {@code toSeq}
 * @param consistent true if {@code toSeq} was the newest changelog row of the snapshot, so that after this batch the
 *     target equals the source as it was at one commit
 * @param changes one element per touched table
 * @param touched every changelog row of the batch, for the key journal that heals a source that went back in time
 */
public record ChangeBatch(
        String epoch, long fromSeq, long toSeq, long toNonce, boolean consistent,
        List<TableChange> changes, List<Touch> touched) {

    /** One changelog row: which row of which table was touched. */
    public record Touch(long seq, long nonce, int tableId, RowKey key) {}

    public boolean isEmpty() {
        return toSeq == fromSeq;
    }

    public long rowCount() {
        return changes.stream().mapToLong(c -> c.deletes().size() + (long) c.upserts().size()).sum();
    }
}
