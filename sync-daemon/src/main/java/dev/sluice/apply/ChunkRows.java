package dev.sluice.apply;

import dev.sluice.change.Row;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.ParkedRow;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** The rows of one chunk of the bulk copy, ready to be sent; from {@link Applier#chunk}. Not thread-safe. */
public final class ChunkRows {

    private final TableWriter writer;
    private final MigrationStore store;
    private final List<ParkedRow> parked = new ArrayList<>();
    /** Those of a table that has no binary form. */
    private final List<Row> rows = new ArrayList<>();
    private boolean any;

    ChunkRows(TableWriter writer, MigrationStore store) {
        this.writer = writer;
        this.store = store;
        writer.begin();
    }

    /** Takes a row that was just read. */
    public void add(Row row) {
        if (writer.isBinary() && writer.append(row)) {
            any = true;
            return;
        }
        ParkedRow misfit = writer.misfit(row, 0);
        if (misfit != null) {
            parked.add(misfit);
        } else {
            rows.add(row);
        }
    }

    /** Appends the rows to the target's table and parks those that it can't hold; returns how many. Repeatable. */
    public int write(Connection connection) throws SQLException {
        if (any) {
            writer.copyAppended(connection);
        }
        writer.copyTexts(connection, rows);
        store.park(connection, parked);
        return parked.size();
    }
}
