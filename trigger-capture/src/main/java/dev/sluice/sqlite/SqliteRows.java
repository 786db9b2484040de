package dev.sluice.sqlite;

import dev.sluice.change.Value;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.sqlite.core.Codes;
import org.sqlite.core.CoreStatement;
import org.sqlite.core.DB;

/**
 * Steps through a query and reads every column with its storage class and its exact bytes. JDBC's own getters decide
 * per column and turn invalid UTF-8 into U+FFFD; here each value is asked for its class. Not thread-safe.
 */
public final class SqliteRows implements AutoCloseable {

    private final ResultSet rows;
    private final CoreStatement statement;
    private final boolean wideText;
    private final boolean bigEndian;

    /** Runs {@code query}, whose parameters are bound already, on a connection that {@link SqliteFile} opened. */
    SqliteRows(PreparedStatement query, boolean wideText, boolean bigEndian) throws SQLException {
        this.statement = (CoreStatement) query;
        this.wideText = wideText;
        this.bigEndian = bigEndian;
        this.rows = query.executeQuery();
    }

    public boolean next() throws SQLException {
        return rows.next();
    }

    /** Reads columns {@code from … from + values.length - 1} (0-based) of the current row into {@code values}. */
    public void read(int from, Value[] values) throws SQLException {
        statement.pointer.safeRunConsume((db, pointer) -> {
            for (int i = 0; i < values.length; i++) {
                values[i] = value(db, pointer, from + i);
            }
        });
    }

    /** Reads column {@code column} (0-based) of the current row. */
    public Value value(int column) throws SQLException {
        return statement.pointer.safeRun((db, pointer) -> value(db, pointer, column));
    }

    public long longValue(int column) throws SQLException {
        return rows.getLong(column + 1);
    }

    private Value value(DB db, long pointer, int column) throws SQLException {
        return switch (db.column_type(pointer, column)) {
            case Codes.SQLITE_INTEGER -> Value.of(db.column_long(pointer, column));
            case Codes.SQLITE_FLOAT -> Value.of(db.column_double(pointer, column));
            case Codes.SQLITE_TEXT -> {
                // In a UTF-16 file these are the stored UTF-16 bytes, as long as nobody has asked for text before.
                byte[] stored = bytes(db, pointer, column);
                yield new Value.Text(wideText ? WideText.toUtf8(stored, bigEndian) : stored);
            }
            case Codes.SQLITE_BLOB -> new Value.Blob(bytes(db, pointer, column));
            default -> Value.NULL;
        };
    }

    private static byte[] bytes(DB db, long pointer, int column) throws SQLException {
        byte[] bytes = db.column_blob(pointer, column);
        return bytes == null ? new byte[0] : bytes;
    }

    @Override
    public void close() throws SQLException {
        rows.close();
    }
}
