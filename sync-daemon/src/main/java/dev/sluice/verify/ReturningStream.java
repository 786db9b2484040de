package dev.sluice.verify;

import dev.sluice.change.RowKey;
import dev.sluice.sqlite.SqliteSession;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** The stream that brings PostgreSQL's commits back into the source, as a comparison needs it. */
public interface ReturningStream {

    /**
     * Waits until the source has everything that was committed in PostgreSQL when this was called; some seconds at most.
     *
     * @return false if it did not come in time
     */
    boolean pass() throws SQLException, InterruptedException;

    /** The end of the last transaction that {@code session} sees the effects of. */
    long position(SqliteSession session) throws SQLException;

    /** What was printed of the rows of {@code table} that the source could not take, by target column. */
    List<Map<String, String>> parkedRows(SqliteSession session, String table) throws SQLException;

    /**
     * Makes rows of the source as PostgreSQL has them.
     *
     * @param rows what PostgreSQL printed, by key
     * @param gone keys of rows that it does not have
     * @param stale tells which of them have changed since
     * @return how many were written or deleted
     */
    int mend(String table, Map<RowKey, String[]> rows, List<RowKey> gone, Predicate<RowKey> stale)
            throws SQLException, InterruptedException;
}
