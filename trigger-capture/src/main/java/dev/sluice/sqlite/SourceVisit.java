package dev.sluice.sqlite;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it that reading leaves nothing beside the source. A connection that may only read creates {@code -wal} and
 * {@code -shm} for a file in WAL mode, but can't remove them when it is the last to close. To be closed after all other
 * sessions on the file.
 */
public final class SourceVisit implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(SourceVisit.class);

    private final SqliteFile file;
    private final boolean walBefore;

    public SourceVisit(SqliteFile file) {
        this.file = file;
        this.walBefore = exists("-wal") || exists("-shm");
    }

    public SqliteFile file() {
        return file;
    }

    /**
     * If the two files came into being during the visit, lets SQLite itself remove them, as the last connection of any
     * application does: under its locks, and only if nobody else has the file open. Never deletes them by hand.
     */
    @Override
    public void close() {
        if (walBefore) {
            return;
        }
        try {
            file.dropEmptyWal();
        } catch (SQLException | IOException e) {
            LOG.debug("-wal and -shm stay beside the source, as after any reader", e);
        }
    }

    private boolean exists(String suffix) {
        return Files.exists(Path.of(file.path() + suffix));
    }
}
