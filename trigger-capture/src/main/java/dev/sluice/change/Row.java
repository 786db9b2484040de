package dev.sluice.change;

/**
 * One row as SQLite stores it.
 *
 * @param key what identifies it
 * @param values the stored columns in the table's column order (generated columns are not stored, so not here)
 */
public record Row(RowKey key, Value[] values) {

    /** Bytes of content, for limits; not the size in any file. */
    public long size() {
        long size = 16;
        for (Value value : values) {
            size += value instanceof Value.Text text ? text.utf8().length
                    : value instanceof Value.Blob blob ? blob.content().length : 8;
        }
        return size;
    }
}
