package dev.sluice.migration;

import dev.sluice.change.RowKey;
import dev.sluice.schema.SourceTable;
import dev.sluice.tail.Snapshot;
import dev.sluice.tail.SourceReader;
import java.sql.SQLException;
import java.util.List;

/** Into how many parts a table's copy is cut, so that several workers share a large one. */
final class Parts {

    /** Smaller tables are not worth a second connection. */
    private static final long ROWS_PER_PART_MIN = 100_000;

    private Parts() {}

    static List<RowKey> of(SourceReader reader, SourceTable table, long rows, int workers) throws SQLException {
        int parts = (int) Math.max(1, Math.min(workers * 2L, rows / ROWS_PER_PART_MIN));
        try (Snapshot snapshot = reader.open()) {
            return snapshot.split(table, parts);
        }
    }
}
