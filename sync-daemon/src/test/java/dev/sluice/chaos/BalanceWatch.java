package dev.sluice.chaos;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;

/**
 * Reads the target as an application would, snapshot after snapshot. While the phase, seen in the same snapshot, is
 * {@code replicating}, what transactions of the source never change must hold: the sum of all accounts, and that the two
 * legs of a transfer are there together.
 */
final class BalanceWatch {

    private final ChaosPostgres server;
    private final String database;
    private final Thread thread = new Thread(this::work, "balance-watch");
    private final List<String> broken = new CopyOnWriteArrayList<>();
    private volatile boolean stopped;
    private volatile long snapshots;
    private volatile long looks;

    BalanceWatch(ChaosPostgres server, String database) {
        this.server = server;
        this.database = database;
        thread.start();
    }

    /** Snapshots in which the promise held or was broken. */
    long snapshots() {
        return snapshots;
    }

    /** Snapshots in any phase. */
    long looks() {
        return looks;
    }

    List<String> broken() {
        return broken;
    }

    private void work() {
        while (!stopped) {
            try (Connection connection = server.connect(database); Statement statement = connection.createStatement()) {
                connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
                connection.setAutoCommit(false);
                while (!stopped) {
                    look(statement);
                    connection.rollback();
                    LockSupport.parkNanos(8_000_000);
                }
            } catch (SQLException e) {
                LockSupport.parkNanos(50_000_000); // there is no schema yet, or PostgreSQL is being restarted
            }
        }
    }

    private void look(Statement statement) throws SQLException {
        String phase;
        try (ResultSet row = statement.executeQuery("SELECT phase FROM sluice.migration")) {
            phase = row.next() ? row.getString(1) : "none";
        }
        looks++;
        if (!phase.equals("replicating")) {
            return;
        }
        String found;
        try (ResultSet row = statement.executeQuery("""
                SELECT (SELECT sum(cents) FROM accounts),
                       (SELECT count(*) FROM (SELECT FROM ledger GROUP BY transfer HAVING sum(cents) <> 0) t),
                       (SELECT string_agg(seq::text, ',') FROM sluice.watermark)
                """)) {
            row.next();
            found = row.getLong(1) == ChaosSchema.CENTS && row.getLong(2) == 0 ? null
                    : "accounts hold " + row.getLong(1) + " instead of " + ChaosSchema.CENTS + ", " + row.getLong(2)
                    + " transfers are half there, at watermark " + row.getString(3);
        }
        snapshots++;
        if (found != null && broken.size() < 20) {
            broken.add(found);
        }
    }

    void end() throws InterruptedException {
        stopped = true;
        thread.join(60_000);
    }
}
