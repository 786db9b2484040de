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

    private final CoreStatement statement;
    /** The driver's own cursor, null where the statement is stepped without it. */
    private final ResultSet rows;
    /** Where it is stepped without: whether the row that running it has led to is still to come, and whether all is read. */
    private boolean waiting;
    private boolean ended;
    private final boolean wideText;
    private final boolean bigEndian;

    /** Runs {@code query}, whose parameters are bound already, on a connection that {@link SqliteFile} opened. */
    SqliteRows(PreparedStatement query, boolean wideText, boolean bigEndian) throws SQLException {
        this.statement = (CoreStatement) query;
        this.wideText = wideText;
        this.bigEndian = bigEndian;
        this.rows = query.executeQuery();
    }

    /**
     * Runs {@code query} with {@code parameters} without a cursor of the driver's, which would ask for every column's name
     * each time: that costs more than reading one row by its key.
     */
    SqliteRows(DB db, PreparedStatement query, Object[] parameters, boolean wideText, boolean bigEndian) throws SQLException {
        this.statement = (CoreStatement) query;
        this.wideText = wideText;
        this.bigEndian = bigEndian;
        this.rows = null;
        this.waiting = db.execute(statement, parameters);
        this.ended = !waiting;
    }

    public boolean next() throws SQLException {
        return rows == null ? step() : rows.next();
    }

    private boolean step() throws SQLException {
        if (waiting || ended) {
            boolean first = waiting;
            waiting = false;
            return first;
        }
        int code = statement.pointer.safeRunInt(DB::step);
        if (code == Codes.SQLITE_ROW) {
            return true;
        }
        ended = true;
        statement.pointer.safeRunInt(DB::reset);
        if (code != Codes.SQLITE_DONE) {
            statement.pointer.safeRunConsume((db, pointer) -> db.throwex(code));
        }
        return false;
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
        return statement.pointer.safeRun((db, pointer) -> db.column_long(pointer, column));
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
        if (rows != null) {
            rows.close();
        } else if (!ended) {
            ended = true;
            statement.pointer.safeRunInt(DB::reset);
        }
    }
}
