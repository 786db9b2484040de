package dev.sluice.datasource;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Logger;
import javax.sql.DataSource;

/**
 * Hands out connections of the side that takes writes, and waits while neither does. Put the pools <em>under</em> it, one
 * of each side: a pool above it would go on lending connections of the old side. A connection that was handed out before
 * a switch stays what it is; its writes are refused ({@link #isRefusedWrite}): roll back, close it, take a new one, and do
 * the whole transaction again. Thread-safe.
 */
public final class TrafficDataSource implements DataSource {

    /** How often to look again during a pause: a file and a row can only be asked. */
    private static final long LOOK_NS = 2_000_000;
    /** SQLITE_CONSTRAINT, the only code there is for RAISE(ABORT, …); its text must decide (sqlite.org/rescode.html). */
    private static final int SQLITE_CONSTRAINT = 19;
    private static final String SQLITE_REFUSAL = "sluice: writes have moved to PostgreSQL";
    private static final String POSTGRES_REFUSAL = "SL001";

    /** The side that takes writes. */
    public enum Side {

        SQLITE("SQLite"), POSTGRES("PostgreSQL");

        private final String product;

        Side(String product) {
            this.product = product;
        }
    }

    /** Knows which side takes writes. Called on the threads that want connections, several at a time. */
    @FunctionalInterface
    public interface Sign {

        /**
         * The side, or empty while neither takes writes.
         *
         * @throws SQLException if that can't be known; nothing is handed out then
         */
        Optional<Side> read() throws SQLException;
    }

    private final Sign sign;
    private final DataSource sqlite;
    private final DataSource postgres;
    private final Duration waitMax;

    /** @param waitMax how long {@link #getConnection} waits through a pause */
    public TrafficDataSource(Sign sign, DataSource sqlite, DataSource postgres, Duration waitMax) {
        this.sign = sign;
        this.sqlite = sqlite;
        this.postgres = postgres;
        this.waitMax = waitMax;
    }

    /** Follows the flag file that the daemon writes. */
    public static TrafficDataSource followingFile(Path flagFile, DataSource sqlite, DataSource postgres,
            Duration waitMax) {
        return new TrafficDataSource(new FlagSign(flagFile), sqlite, postgres, waitMax);
    }

    /** Asks the control rows in both databases, each time; for applications that can't see the daemon's files. */
    public static TrafficDataSource followingRows(String migration, DataSource sqlite, DataSource postgres,
            Duration waitMax) {
        return new TrafficDataSource(new RowSign(migration, sqlite, postgres), sqlite, postgres, waitMax);
    }

    /**
     * A connection of the side that takes writes.
     *
     * @throws SQLTransientConnectionException if neither side does for longer than the limit: try again later
     */
    @Override
    public Connection getConnection() throws SQLException {
        long deadline = System.nanoTime() + waitMax.toNanos();
        while (true) {
            Optional<Side> side = sign.read();
            if (side.isPresent()) {
                return (side.get() == Side.SQLITE ? sqlite : postgres).getConnection();
            }
            if (System.nanoTime() >= deadline) {
                throw new SQLTransientConnectionException("neither SQLite nor PostgreSQL has taken writes for "
                        + waitMax.toMillis() + " ms: a switch takes longer than expected, see \"sluice status\"", "08001");
            }
            LockSupport.parkNanos(LOOK_NS);
            if (Thread.currentThread().isInterrupted()) {
                throw new SQLTransientConnectionException("interrupted while waiting for a side that takes writes",
                        "08001");
            }
        }
    }

    /** The side that takes writes now, empty during a pause. */
    public Optional<Side> side() throws SQLException {
        return sign.read();
    }

    /**
     * True if {@code connection} is not of the side that takes writes: close it before the next transaction. Ask it
     * where a connection is kept for long.
     */
    public boolean isStale(Connection connection) throws SQLException {
        String product = connection.getMetaData().getDatabaseProductName();
        return sign.read().map(side -> !side.product.equalsIgnoreCase(product)).orElse(false);
    }

    /** True if the write was refused because the other side takes writes: it was not done, so do it again there. */
    public static boolean isRefusedWrite(SQLException failure) {
        int depth = 0;
        for (Throwable cause = failure; cause != null && depth < 50; cause = cause.getCause(), depth++) {
            SQLException next = cause instanceof SQLException first ? first : null;
            for (; next != null && depth < 50; next = next.getNextException(), depth++) {
                String text = String.valueOf(next.getMessage());
                if (POSTGRES_REFUSAL.equals(next.getSQLState())
                        || next.getErrorCode() == SQLITE_CONSTRAINT && text.indexOf(SQLITE_REFUSAL) >= 0) {
                    return true;
                }
            }
        }
        return false;
    }

    // ---- the rest of the interface ----

    /** The two data sources know who logs in. */
    @Override
    public Connection getConnection(String user, String password) throws SQLException {
        throw new SQLFeatureNotSupportedException("name the user in the data sources of the two sides");
    }

    @Override
    public PrintWriter getLogWriter() {
        return null;
    }

    @Override
    public void setLogWriter(PrintWriter out) throws SQLException {
        throw new SQLFeatureNotSupportedException("set it on the data sources of the two sides");
    }

    @Override
    public void setLoginTimeout(int seconds) throws SQLException {
        throw new SQLFeatureNotSupportedException("set it on the data sources of the two sides");
    }

    @Override
    public int getLoginTimeout() {
        return 0;
    }

    @Override
    public Logger getParentLogger() {
        return Logger.getLogger(TrafficDataSource.class.getPackageName());
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        if (!isWrapperFor(type)) {
            throw new SQLException("this data source is no " + type.getName());
        }
        return type.cast(this);
    }

    @Override
    public boolean isWrapperFor(Class<?> type) {
        return type.isInstance(this);
    }
}
