package dev.sluice.verify;

import dev.sluice.change.RowKey;
import java.sql.SQLException;

/** One way to compare both sides of a table while the application writes to one of them. Used by one thread. */
interface Comparison {

    /**
     * Compares the next rows.
     *
     * @param after the last key before them; null for the table's start
     * @param upTo the last key that may be among them; null for the table's end
     */
    Step step(Subject subject, RowKey after, RowKey upTo) throws SQLException, InterruptedException;

    /**
     * Looks for rows that no step can meet.
     *
     * @param doubtful true if something was found already, so that counting rows proves nothing
     * @param found what is found is told, piece by piece
     */
    void rest(Subject subject, boolean doubtful, Found found, Stop stop) throws SQLException, InterruptedException;

    /** Hears of rows outside of all leaves. */
    interface Found {
        /** @param parked rows of the source that are parked and that no leaf counts */
        void found(Iterable<Difference> differences, long parked, long repaired);
    }

    /** Ends a comparison that is to stop. */
    interface Stop {
        /** @throws Verifier.Stopped if it is to stop */
        void check() throws SQLException, InterruptedException;
    }
}
