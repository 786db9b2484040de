package dev.sluice.sqlite;

import java.nio.file.Path;
import java.sql.SQLException;
import org.sqlite.NativeLibraryNotFoundException;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** What an error of SQLite means; the only place that reads its result codes (sqlite.org/rescode.html). */
public final class SqliteFailure {

    private SqliteFailure() {}

    /** The error of SQLite that {@code failure} is or was caused by; null if it has none. */
    public static SQLException of(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLiteException sqlite) {
                return sqlite;
            }
        }
        return null;
    }

    /** True where the file, its disk or its locks are at fault, and not a statement. */
    public static boolean concernsFile(SQLException e) {
        return switch (primary(e)) {
            case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL, SQLITE_NOTADB, SQLITE_CORRUPT, SQLITE_READONLY,
                    SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH, SQLITE_FULL, SQLITE_IOERR, SQLITE_NOLFS -> true;
            default -> false;
        };
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
        return switch (primary(e)) {
            case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL -> "the database " + path + " is held with"
                    + " locking_mode=EXCLUSIVE or by a transaction that does not end (E08): a live capture is"
                    + " impossible until the application lets go of the lock";
            case SQLITE_NOTADB -> path + " is not a SQLite database, or it is encrypted: name a plain SQLite file";
            case SQLITE_CORRUPT -> corrupt(path, code.message);
            case SQLITE_READONLY -> writing
                    ? path + " can't be written (" + code.name() + "): check permissions and the mount, or use"
                            + " migrate, which only reads"
                    : path + " needs recovery by a process that may write (" + code.name()
                            + "): let the application open it once, or run sluice as the user who owns it";
            case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH -> path + " or its journal can't be opened (" + code.name()
                    + "): check the permissions of the file, of its -wal and -shm, and of the folder, and that its disk"
                    + " has room";
            case SQLITE_FULL -> "the disk of " + path + " is full: make room there";
            case SQLITE_IOERR, SQLITE_NOLFS -> "the disk of " + path + " fails or is full (" + code.name()
                    + "): make room there or check it";
            case SQLITE_ERROR -> path + " can't be read by SQLite (" + code.name()
                    + "): its schema is of a newer format or needs an extension that is not here";
            default -> path + " can't be used (" + code.name() + ")";
        };
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

    /** The low byte of an extended code is the primary one. */
    static SQLiteErrorCode primary(SQLException e) {
        return e instanceof SQLiteException sqlite ? SQLiteErrorCode.getErrorCode(sqlite.getResultCode().code & 0xff)
                : SQLiteErrorCode.UNKNOWN_ERROR;
    }
}
