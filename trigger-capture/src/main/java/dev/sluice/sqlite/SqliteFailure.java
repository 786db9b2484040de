package dev.sluice.sqlite;

import java.sql.SQLException;
import java.util.Map;
import org.sqlite.SQLiteErrorCode;

/** What a failure of SQLite's means. The only place that reads its result codes (sqlite.org/rescode.html). */
public enum SqliteFailure {
    /** Somebody holds a lock. */
    BUSY("the application holds a lock on the source file that does not end: let it finish its transaction"),
    CORRUPT("the source file is damaged: repair it, for example with .recover of the sqlite3 shell"),
    NOT_DATABASE("the source file is not a SQLite database any more, or it is encrypted: put the right file back"),
    READ_ONLY("the source file can't be written: check its permissions, its folder's and the mount"),
    CANT_OPEN("the source file can't be opened: check that it is there, and that this user may read it, its -wal and -shm"
            + " and its folder"),
    FULL("the disk of the source file is full: make room"),
    IO("the disk of the source file fails: check it"),
    /** A value or a statement is beyond SQLite's limits. */
    TOO_BIG("a value or a statement is larger than SQLite takes"),
    NO_MEMORY("SQLite got no memory: give the process more"),
    /** SQLite's general error: a table, function or collation that is not there, among others. */
    STATEMENT("SQLite can't run a statement on the source: its schema was changed, or needs an extension that is not here"),
    OTHER("SQLite failed on the source");

    private static final Map<SQLiteErrorCode, SqliteFailure> CODES = Map.ofEntries(
            Map.entry(SQLiteErrorCode.SQLITE_BUSY, BUSY), Map.entry(SQLiteErrorCode.SQLITE_LOCKED, BUSY),
            Map.entry(SQLiteErrorCode.SQLITE_PROTOCOL, BUSY), Map.entry(SQLiteErrorCode.SQLITE_CORRUPT, CORRUPT),
            Map.entry(SQLiteErrorCode.SQLITE_NOTADB, NOT_DATABASE), Map.entry(SQLiteErrorCode.SQLITE_READONLY, READ_ONLY),
            Map.entry(SQLiteErrorCode.SQLITE_CANTOPEN, CANT_OPEN), Map.entry(SQLiteErrorCode.SQLITE_PERM, CANT_OPEN),
            Map.entry(SQLiteErrorCode.SQLITE_AUTH, CANT_OPEN), Map.entry(SQLiteErrorCode.SQLITE_FULL, FULL),
            Map.entry(SQLiteErrorCode.SQLITE_IOERR, IO), Map.entry(SQLiteErrorCode.SQLITE_NOLFS, IO),
            Map.entry(SQLiteErrorCode.SQLITE_TOOBIG, TOO_BIG), Map.entry(SQLiteErrorCode.SQLITE_NOMEM, NO_MEMORY),
            Map.entry(SQLiteErrorCode.SQLITE_ERROR, STATEMENT), Map.entry(SQLiteErrorCode.SQLITE_SCHEMA, STATEMENT));

    private final String sentence;

    SqliteFailure(String sentence) {
        this.sentence = sentence;
    }

    /** Of an exception that SQLite's driver threw. */
    public static SqliteFailure of(SQLException e) {
        // the low byte of an extended code is the primary one
        return CODES.getOrDefault(SQLiteErrorCode.getErrorCode(e.getErrorCode() & 0xFF), OTHER);
    }

    /** What is wrong and what to do, for people. */
    public static String sentence(SQLException e) {
        SqliteFailure failure = of(e);
        // only where the code says little: SQLite's own words then name the table or function, never a value
        return failure == STATEMENT || failure == OTHER ? failure.sentence + " (" + String.valueOf(e.getMessage()).replaceFirst("^\\[\\w+]\\s*", "") + ")"
                : failure.sentence;
    }
}
