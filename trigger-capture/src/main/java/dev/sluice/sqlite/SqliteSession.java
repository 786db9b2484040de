package dev.sluice.sqlite;

import dev.sluice.change.Value;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.sqlite.SQLiteConnection;
import org.sqlite.SQLiteJDBCLoader;

/**
 * One connection to the source. Transactions are said in SQL ({@link #begin}, {@link #beginImmediate}, {@link #commit},
 * {@link #rollback}), so that it is visible when a snapshot starts and ends. Not thread-safe.
 */
public final class SqliteSession implements AutoCloseable {

    private final Connection connection;
    private final boolean wideText;
    private final boolean bigEndian;

    SqliteSession(Connection connection) throws SQLException {
        this.connection = connection;
        String encoding = text("PRAGMA encoding");
        this.wideText = !"UTF-8".equals(encoding);
        this.bigEndian = "UTF-16be".equals(encoding);
    }

    public PreparedStatement prepare(String sql) throws SQLException {
        return connection.prepareStatement(sql);
    }

    /** Runs a bound query and reads its rows exactly; close the result before the statement is used again. */
    public SqliteRows rows(PreparedStatement query) throws SQLException {
        return new SqliteRows(query, wideText, bigEndian);
    }

    /**
     * Runs a query with these parameters, each in its own storage class as {@link #bind} has it; close the result before
     * the statement is used again.
     */
    public SqliteRows rows(PreparedStatement query, List<Value> parameters) throws SQLException {
        Object[] bound = new Object[parameters.size()];
        for (int i = 0; i < bound.length; i++) {
            bound[i] = parameter(sendable(parameters.get(i)));
        }
        return new SqliteRows(((SQLiteConnection) connection).getDatabase(), query, bound, wideText, bigEndian);
    }

    private static Object parameter(Value value) {
        if (value instanceof Value.Int number) {
            return number.value();
        }
        if (value instanceof Value.Real real) {
            return real.value();
        }
        if (value instanceof Value.Text text) {
            String decoded = text.decoded();
            return decoded == null ? text.utf8() : decoded;
        }
        return value instanceof Value.Blob blob ? blob.content() : null;
    }

    /** Runs one statement; SQLite's driver ignores everything behind the first semicolon, so never two. */
    public void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** Starts a deferred transaction; the snapshot begins with the first read in it. */
    public void begin() throws SQLException {
        execute("BEGIN");
    }

    /** Starts a transaction that holds the write lock; waits for it as long as the busy timeout says. */
    public void beginImmediate() throws SQLException {
        execute("BEGIN IMMEDIATE");
    }

    public void commit() throws SQLException {
        execute("COMMIT");
    }

    /** Ends the transaction without effect; nothing happens where none is open. */
    public void rollback() throws SQLException {
        try {
            execute("ROLLBACK");
        } catch (SQLException e) {
            if (!e.getMessage().contains("no transaction is active")) { // SQLite has no code of its own for this
                throw e;
            }
        }
    }

    /** The first column of the first row as a number; the query must return a row. */
    public long number(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            if (!row.next()) {
                throw new SQLException("no row: " + sql);
            }
            return row.getLong(1);
        }
    }

    /** The first column of the first row as text, or null where there is no row. */
    public String text(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? row.getString(1) : null;
        }
    }

    /** The first column of every row as text. */
    public List<String> texts(String sql) throws SQLException {
        List<String> texts = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            while (row.next()) {
                texts.add(row.getString(1));
            }
        }
        return texts;
    }

    /** SQLite's own version, for example {@code 3.53.2}. */
    public static String version() {
        return SQLiteJDBCLoader.getVersion();
    }

    /** Changes whenever another connection has committed to the file; costs about 15 µs. */
    public long dataVersion() throws SQLException {
        return number("PRAGMA data_version");
    }

    /** True in a file whose text is stored as UTF-16. */
    public boolean wideText() {
        return wideText;
    }

    /**
     * Binds {@code value} in its own storage class. Text that is not valid UTF-8 can only travel as bytes: the SQL must
     * then say {@code CAST(? AS TEXT)} (see {@link #needsCast}). In a UTF-16 file pass the value through {@link
     * #sendable} first.
     */
    public static void bind(PreparedStatement statement, int index, Value value) throws SQLException {
        statement.setObject(index, parameter(value));
    }

    /**
     * What to {@link #bind} for a value in this file: the value itself, or the bytes that a CAST turns into text
     * which is not valid Unicode in a UTF-16 file.
     */
    public Value sendable(Value value) {
        return wideText && value instanceof Value.Text text && needsCast(text)
                ? Value.of(WideText.toUtf16(text.utf8(), bigEndian)) : value;
    }

    /** True for text that is not valid UTF-8, which {@link #bind} sends as bytes. */
    public static boolean needsCast(Value value) {
        return value instanceof Value.Text text && !text.isUtf8();
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
