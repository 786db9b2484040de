package dev.sluice.tail;

import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import java.util.List;

/**
 * Rows of a table in scan order.
 *
 * @param last where the next chunk goes on: the rowid, or the primary key of a WITHOUT ROWID table; null if the chunk
 *     is empty. It is not the key of the last row where a table with a rowid is identified by a declared key.
 * @param end true if no row is left in the range
 */
public record Chunk(List<Row> rows, RowKey last, boolean end) {}
