package dev.sluice.demo;

import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import org.sqlite.SQLiteConfig;

/** The sample application's connection to either database, with its statements prepared once. Not thread-safe. */
final class ShopConnection implements AutoCloseable {

    private static final int BUSY_TIMEOUT_MS = 5_000;

    private final Connection connection;
    private final boolean postgres;
    private final Map<String, PreparedStatement> prepared = new HashMap<>();

    private ShopConnection(Connection connection, boolean postgres) {
        this.connection = connection;
        this.postgres = postgres;
    }

    /** Opens, or creates, the file the way web applications do: WAL, synchronous NORMAL, foreign keys on. */
    static ShopConnection sqlite(Path file) throws SQLException {
        SQLiteConfig config = new SQLiteConfig();
        config.setBusyTimeout(BUSY_TIMEOUT_MS);
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.NORMAL);
        config.enforceForeignKeys(true);
        return new ShopConnection(config.createConnection("jdbc:sqlite:" + file), false);
    }

    /** @param address {@code postgresql://user@host:port/database} */
    static ShopConnection postgres(String address, String password) throws SQLException {
        URI place = URI.create(address);
        return new ShopConnection(DriverManager.getConnection("jdbc:postgresql://" + place.getRawAuthority().replaceFirst(".*@", "")
                + place.getRawPath() + "?stringtype=unspecified", place.getUserInfo(), password), true);
    }

    boolean isPostgres() {
        return postgres;
    }

    /** Whichever of the two this database understands. */
    String either(String sqlite, String inPostgres) {
        return postgres ? inPostgres : sqlite;
    }

    /** Runs a statement; returns how many rows it changed. */
    int run(String sql, Object... values) throws SQLException {
        return bound(sql, values).executeUpdate();
    }

    /** The first column of the first row, or {@code none} where there is no row. */
    long number(long none, String sql, Object... values) throws SQLException {
        try (ResultSet row = bound(sql, values).executeQuery()) {
            return row.next() ? row.getLong(1) : none;
        }
    }

    /** How many rows all tables hold. */
    long rows() throws SQLException {
        long rows = 0;
        for (String table : ShopSchema.TABLES) {
            rows += number(0, "SELECT count(*) FROM " + table);
        }
        return rows;
    }

    private PreparedStatement bound(String sql, Object... values) throws SQLException {
        PreparedStatement statement = prepared.get(sql);
        if (statement == null) {
            statement = connection.prepareStatement(sql);
            prepared.put(sql, statement);
        }
        for (int i = 0; i < values.length; i++) {
            statement.setObject(i + 1, values[i]);
        }
        return statement;
    }

    /** In SQLite takes the write lock at once, as a transaction that reads before it writes should. */
    void begin() throws SQLException {
        run(either("BEGIN IMMEDIATE", "BEGIN"));
    }

    void commit() throws SQLException {
        run("COMMIT");
    }

    void rollback() throws SQLException {
        run("ROLLBACK");
    }

    @Override
    public void close() throws SQLException {
        for (PreparedStatement statement : prepared.values()) {
            statement.close();
        }
        connection.close();
    }
}
