package dev.sluice.sqlite;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Map;
import org.sqlite.NativeLibraryNotFoundException;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** What a failure of SQLite's means. The only place that reads its result codes (sqlite.org/rescode.html). */
public enum SqliteFailure {
    /** Somebody holds a lock. */
    BUSY,
    CORRUPT,
    NOT_DATABASE,
    READ_ONLY,
    CANT_OPEN,
    FULL,
    IO,
    /** A value or a statement is beyond SQLite's limits. */
    TOO_BIG,
    NO_MEMORY,
    /** A UNIQUE index or a primary key holds the value already. */
    UNIQUE,
    NOT_NULL,
    CHECK,
    /** A value of a class that a STRICT table or an INTEGER PRIMARY KEY does not take. */
    TYPE,
    /** Another rule of the schema, for example a trigger's RAISE. */
    CONSTRAINT,
    /** SQLite's general error: a table, function or collation that is not there, among others. */
    STATEMENT,
    OTHER;

    private static final Map<SQLiteErrorCode, SqliteFailure> CODES = Map.ofEntries(
            Map.entry(SQLiteErrorCode.SQLITE_BUSY, BUSY), Map.entry(SQLiteErrorCode.SQLITE_LOCKED, BUSY),
            Map.entry(SQLiteErrorCode.SQLITE_PROTOCOL, BUSY), Map.entry(SQLiteErrorCode.SQLITE_CORRUPT, CORRUPT),
            Map.entry(SQLiteErrorCode.SQLITE_NOTADB, NOT_DATABASE), Map.entry(SQLiteErrorCode.SQLITE_READONLY, READ_ONLY),
            Map.entry(SQLiteErrorCode.SQLITE_CANTOPEN, CANT_OPEN), Map.entry(SQLiteErrorCode.SQLITE_PERM, CANT_OPEN),
            Map.entry(SQLiteErrorCode.SQLITE_AUTH, CANT_OPEN), Map.entry(SQLiteErrorCode.SQLITE_FULL, FULL),
            Map.entry(SQLiteErrorCode.SQLITE_IOERR, IO), Map.entry(SQLiteErrorCode.SQLITE_NOLFS, IO),
            Map.entry(SQLiteErrorCode.SQLITE_TOOBIG, TOO_BIG), Map.entry(SQLiteErrorCode.SQLITE_NOMEM, NO_MEMORY),
            Map.entry(SQLiteErrorCode.SQLITE_ERROR, STATEMENT), Map.entry(SQLiteErrorCode.SQLITE_SCHEMA, STATEMENT),
            Map.entry(SQLiteErrorCode.SQLITE_CONSTRAINT, CONSTRAINT), Map.entry(SQLiteErrorCode.SQLITE_MISMATCH, TYPE));

    /** Of an exception that SQLite's driver threw. */
    public static SqliteFailure of(SQLException e) {
        if (e instanceof SQLiteException sqlite) {
            switch (sqlite.getResultCode()) {
                case SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID:
                    return UNIQUE;
                case SQLITE_CONSTRAINT_NOTNULL:
                    return NOT_NULL;
                case SQLITE_CONSTRAINT_CHECK:
                    return CHECK;
                case SQLITE_CONSTRAINT_DATATYPE:
                    return TYPE;
                default:
                    break;
            }
        }
        // the low byte of an extended code is the primary one
        return CODES.getOrDefault(SQLiteErrorCode.getErrorCode(e.getErrorCode() & 0xFF), OTHER);
    }

    /** True where the schema refuses one row, so that others may still be written. */
    public boolean concernsRow() {
        return switch (this) {
            case UNIQUE, NOT_NULL, CHECK, TYPE, CONSTRAINT, TOO_BIG -> true;
            default -> false;
        };
    }

    /** The error of SQLite that {@code failure} is or was caused by; null if it has none. */
    public static SQLException in(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLiteException sqlite) {
                return sqlite;
            }
        }
        return null;
    }

    /**
     * One sentence: what is wrong with the file, and what to do. Never a value of a row.
     *
     * @param writing true if it was to be written
     */
    public static String sentence(SQLException e, Path path, boolean writing) {
        if (isLibraryMissing(e)) {
            return "SQLite's library can't be unpacked in " + System.getProperty("java.io.tmpdir") + ": make room there, let"
                    + " libraries be loaded from it, or name another folder with -Djava.io.tmpdir";
        }
        SQLiteErrorCode code =
                e instanceof SQLiteException sqlite ? sqlite.getResultCode() : SQLiteErrorCode.UNKNOWN_ERROR;
        return switch (of(e)) {
            case BUSY -> "the database " + path + " is held with locking_mode=EXCLUSIVE or by a transaction that does not"
                    + " end (E08): nothing can be read or captured until the application lets go of the lock";
            case NOT_DATABASE -> path + " is not a SQLite database, or it is encrypted: name a plain SQLite file";
            case CORRUPT -> corrupt(path, code.message);
            case READ_ONLY -> code == SQLiteErrorCode.SQLITE_READONLY_DIRECTORY
                    ? path + " is in WAL mode, and SQLite reads such a file only where it may make a -shm beside it: give"
                            + " this user the right to write in " + path.toAbsolutePath().getParent()
                            + ", or name a copy of the file"
                    : writing
                    ? path + " can't be written (" + code.name() + "): check permissions and the mount, or use"
                            + " migrate, which only reads"
                    : path + " needs recovery by a process that may write (" + code.name()
                            + "): let the application open it once, or run sluice as the user who owns it";
            case CANT_OPEN -> path + " or its journal can't be opened (" + code.name()
                    + "): check the permissions of the file, of its -wal and -shm, and of the folder, and that its disk"
                    + " has room";
            case FULL -> "the disk of " + path + " is full: make room there";
            case IO -> "the disk of " + path + " fails or is full (" + code.name() + "): make room there or check it";
            case TOO_BIG -> path + " holds a value that is larger than SQLite gives out here";
            case NO_MEMORY -> "SQLite got no memory to read " + path + ": give the process more";
            // SQLite's own words name a table or function, never a value
            case STATEMENT -> path + " can't be read by SQLite (" + code.name() + "): its schema was changed, is of a newer"
                    + " format, or needs an extension that is not here (" + words(e) + ")";
            case UNIQUE, NOT_NULL, CHECK, TYPE, CONSTRAINT -> path + " refused a row (" + code.name() + ")";
            case OTHER -> path + " can't be used (" + code.name() + ")";
        };
    }

    private static String words(SQLException e) {
        return String.valueOf(e.getMessage()).replaceFirst("^\\[\\w+]\\s*", "");
    }

    private static boolean isLibraryMissing(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof NativeLibraryNotFoundException) {
                return true;
            }
        }
        return false;
    }

    static String corrupt(Path path, String error) {
        return "the database " + path + " is corrupt (first error: " + error
                + ") (E10): repair it before the migration, for example with .recover of the sqlite3 shell";
    }
}
