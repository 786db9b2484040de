package dev.sluice.census;

import java.util.List;

/**
 * What one table holds.
 *
 * @param table its name
 * @param bytes content of the values: 8 per number, the length of texts and blobs
 * @param columns the stored columns in order
 * @param keyNulls rows with a NULL in the declared primary key, which SQLite allows and PostgreSQL does not
 * @param largestRow bytes of the largest row
 * @param problem null if every row was read, else why not, in one sentence; then all else counts only what was read
 */
public record TableCensus(
        String table, long rows, long bytes, List<ColumnCensus> columns, long keyNulls, long largestRow,
        String problem) {

    /** Finds a column without regard to ASCII case, as SQLite does; null if there is none. */
    public ColumnCensus column(String name) {
        return columns.stream().filter(column -> column.name().equalsIgnoreCase(name)).findFirst().orElse(null);
    }

    /** False if some row could not be read. */
    public boolean isWhole() {
        return problem == null;
    }
}
