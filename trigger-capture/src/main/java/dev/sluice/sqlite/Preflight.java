package dev.sluice.sqlite;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** Looks at a source before anything else does, and says in one sentence why it can't be used. */
public final class Preflight {

    private static final Duration LOCK_WAIT = Duration.ofSeconds(30);

    private Preflight() {}

    /**
     * Checks that the file can be read, and with {@code willWrite} that capture can be installed in it; changes nothing.
     *
     * @throws SourceRefusal with what is wrong and what to do
     */
    public static void check(SqliteFile file, boolean willWrite) {
        checkPath(file.path(), willWrite);
        try {
            if (willWrite && file.onNetworkFileSystem()) {
                throw new SourceRefusal(file.path() + " is on filesystem type " + file.fileSystemType()
                        + " (E09): SQLite's locks are not reliable there, so run Sluice on the machine that has the disk");
            }
        } catch (IOException e) {
            throw new SourceRefusal("the filesystem of " + file.path() + " can't be asked for its type: " + e.getMessage(), e);
        }
        try (SqliteSession session = file.openReader(LOCK_WAIT)) {
            session.number("PRAGMA schema_version");
            session.number("SELECT count(*) FROM sqlite_master");
            String first = session.text("PRAGMA quick_check(1)");
            if (!"ok".equals(first)) {
                throw new SourceRefusal(file.path() + " is corrupt (E10; first error: " + first
                        + "): repair it before the migration, for example with sqlite3 .recover");
            }
        } catch (SQLException e) {
            throw refusal(file.path(), e);
        }
        if (willWrite) {
            checkWritable(file);
        }
    }

    private static void checkPath(Path path, boolean willWrite) {
        if (!Files.exists(path)) {
            throw new SourceRefusal("there is no file " + path + ": check --source");
        }
        if (Files.isDirectory(path)) {
            throw new SourceRefusal(path + " is a directory: name the SQLite file in it");
        }
        if (!Files.isReadable(path)) {
            throw new SourceRefusal(path + " may not be read by this user: run Sluice as the file's owner");
        }
        if (willWrite && !(Files.isWritable(path) && Files.isWritable(path.getParent()))) {
            throw new SourceRefusal(path + " or its directory may not be written by this user, and capture needs triggers"
                    + " in it: run Sluice as the file's owner, or use `sluice migrate` with the application stopped");
        }
    }

    private static void checkWritable(SqliteFile file) {
        try (SqliteSession session = file.openWriter(LOCK_WAIT)) {
            session.beginImmediate();
            session.rollback();
        } catch (SQLException e) {
            throw refusal(file.path(), e);
        }
    }

    private static SourceRefusal refusal(Path path, SQLException e) {
        SQLiteErrorCode code = e instanceof SQLiteException sqlite ? sqlite.getResultCode() : SQLiteErrorCode.UNKNOWN_ERROR;
        String sentence = switch (SQLiteErrorCode.getErrorCode(code.code & 0xFF)) {
            case SQLITE_NOTADB -> path + " is not a SQLite database, or it is encrypted: check --source";
            case SQLITE_CORRUPT -> path + " is corrupt (E10): repair it before the migration, for example with sqlite3 .recover";
            case SQLITE_BUSY, SQLITE_LOCKED -> path + " was locked for " + LOCK_WAIT.toSeconds()
                    + " s (E08): another process holds it with locking_mode=EXCLUSIVE or a long transaction; end that first";
            case SQLITE_CANTOPEN -> path + " can't be opened: the directory must be writable for SQLite's -wal and -shm"
                    + " files, or belong to the same user";
            case SQLITE_READONLY -> path + " is read-only for this user: run Sluice as the file's owner";
            case SQLITE_IOERR -> path + " can't be read from disk (" + code.name() + "): check the disk and its space";
            case SQLITE_FULL -> "the disk of " + path + " is full: make room first";
            default -> path + " can't be used (" + code.name() + "): check it with sqlite3 and PRAGMA integrity_check";
        };
        return new SourceRefusal(sentence, e);
    }
}
