package dev.sluice.sqlite;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** Looks at a source before anything else does, changes nothing, and refuses one that can't be used. */
public final class Preflight {

    /** How long a lock may be held before it counts as held for good. */
    public static final Duration LOCK_WAIT = Duration.ofSeconds(30);

    /**
     * Up to this size a file in a rollback journal mode is checked for corruption: the application can't commit while
     * the check reads, which takes about 10 ms per megabyte at most.
     */
    private static final long BLOCKING_CHECK_BYTES_MAX = 32L << 20;

    /** Results of PRAGMA integrity_check that speak of values, or of full-text indexes, and not of a broken file. */
    private static final Pattern NOT_CORRUPTION = Pattern.compile(
            "(?s)(ok|(NULL|NUMERIC|TEXT|non-\\w+) value in .*|CHECK constraint failed in .*"
            + "|(malformed|unable to validate the) inverted index .*)");

    private Preflight() {}

    /** Checks with a wait of {@link #LOCK_WAIT} for locks. */
    public static void check(SqliteFile file, boolean willWrite) {
        check(file, willWrite, LOCK_WAIT);
    }

    /**
     * Checks that the file can be read, and written if {@code willWrite}.
     *
     * @param lockWait how long to wait for a lock of the application
     * @throws SourceRefusal with one sentence that says what is wrong and what to do
     */
    public static void check(SqliteFile file, boolean willWrite, Duration lockWait) {
        checkPath(file.path(), willWrite);
        checkFileSystem(file);
        try (SqliteSession session = file.openReader(lockWait)) {
            session.number("SELECT count(*) FROM sqlite_master");
            boolean wal = "wal".equalsIgnoreCase(session.text("PRAGMA journal_mode"));
            if (wal || file.size() <= BLOCKING_CHECK_BYTES_MAX) {
                checkIntegrity(file, session);
            }
        } catch (SQLException e) {
            throw refusal(file, e, false);
        } catch (IOException e) {
            throw new SourceRefusal("the size of " + file.path() + " can't be read: check its file system", e);
        }
        if (willWrite) {
            try (SqliteSession session = file.openWriter(lockWait)) {
                session.beginImmediate(); // proves that the write lock can be had; nothing is written
                session.rollback();
            } catch (SQLException e) {
                throw refusal(file, e, true);
            }
        }
        try {
            file.dropEmptyWal();
        } catch (SQLException | IOException e) {
            throw new SourceRefusal(file.path() + " changed while it was being looked at: try again", e);
        }
    }

    /**
     * Checks the whole file for corruption, indexes included. In a rollback journal mode the application can't commit
     * meanwhile, so {@link #check} does this to small files only.
     */
    public static void checkIntegrity(SqliteFile file, Duration lockWait) {
        try (SqliteSession session = file.openReader(lockWait)) {
            checkIntegrity(file, session);
        } catch (SQLException e) {
            throw refusal(file, e, false);
        }
    }

    private static void checkPath(Path path, boolean willWrite) {
        if (Files.notExists(path)) {
            throw new SourceRefusal("there is no file " + path + ": check the path");
        }
        if (Files.isDirectory(path)) {
            throw new SourceRefusal(path + " is a directory: name the SQLite file in it");
        }
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new SourceRefusal(path + " is not a regular file: name a SQLite file");
        }
        if (!Files.isReadable(path)) { // asks access(2); opens nothing
            throw new SourceRefusal("no permission to read " + path + ": run sluice as the user who owns it");
        }
        if (willWrite && !Files.isWritable(path)) {
            throw new SourceRefusal(path + " is read-only for this user, but capture has to write to it: run"
                    + " sluice as the user who owns it, or use migrate, which only reads");
        }
        if (willWrite && !Files.isWritable(path.getParent())) {
            throw new SourceRefusal("the folder " + path.getParent() + " is read-only for this user, but SQLite"
                    + " needs to write its journal there: give it write permission");
        }
    }

    private static void checkFileSystem(SqliteFile file) {
        try {
            if (file.onNetworkFileSystem()) {
                throw new SourceRefusal("the database " + file.path() + " is on a file system of type "
                        + file.fileSystemType() + ", where SQLite's locks are not reliable (E09): run sluice on"
                        + " the machine that has the disk");
            }
        } catch (IOException e) {
            throw new SourceRefusal("the file system of " + file.path() + " can't be asked for its type", e);
        }
    }

    private static void checkIntegrity(SqliteFile file, SqliteSession session) throws SQLException {
        List<String> results;
        try {
            results = session.texts("PRAGMA integrity_check(10000)");
        } catch (SQLiteException e) {
            if (SqliteFailure.of(e) != SqliteFailure.STATEMENT) {
                throw e;
            }
            return; // an index needs a collation or a function that only the application has
        }
        for (String result : results) {
            if (!NOT_CORRUPTION.matcher(result).matches()) {
                throw corrupt(file, result.strip().lines().reduce((first, last) -> last).orElse(result), null);
            }
        }
    }

    private static SourceRefusal corrupt(SqliteFile file, String error, Throwable cause) {
        return new SourceRefusal(SqliteFailure.corrupt(file.path(), error), cause);
    }

    private static SourceRefusal refusal(SqliteFile file, SQLException e, boolean writing) {
        return new SourceRefusal(SqliteFailure.sentence(e, file.path(), writing), e);
    }
}
