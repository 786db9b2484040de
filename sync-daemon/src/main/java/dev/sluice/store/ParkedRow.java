package dev.sluice.store;

import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import java.time.Instant;

/**
 * A row that could not be represented or applied, kept whole.
 *
 * @param table the source table
 * @param row its values, or null where they are too large to keep beside the target
 * @param code short and stable, for metrics
 * @param reason one sentence without values
 * @param column the source column at fault, or null
 * @param seq the changelog row it came with, 0 from the copy
 * @param parkedAt null until stored
 */
public record ParkedRow(
        String table, RowKey key, Row row, String code, String reason, String column, long seq, Instant parkedAt) {

    /** A larger row is only named: it stays in the source. */
    static final long BYTES_KEPT_MAX = 64L * 1024 * 1024;
}
