package dev.sluice.migration;

import dev.sluice.capture.Capture;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes capture out of the source before its changelog fills the application's disk (E11): while the target is away
 * nothing is purged. Whoever follows finds no capture then, installs it again and compares every table. Has a thread of
 * its own, because the follower's waits for the target.
 */
final class ChangelogLimit implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ChangelogLimit.class);

    private static final Duration PAUSE = Duration.ofSeconds(5);
    private static final int SAMPLE_ROWS = 200;

    /** What SQLite adds to a row's content: its number, header and share of the page. */
    private static final int ROW_OVERHEAD_BYTES = 12;

    private final SqliteFile file;
    private final long bytesMax;
    private final Consumer<String> note;
    private final ScheduledExecutorService timer;
    private volatile long bytes;
    private long readAt = -1; // when the file had last been written to

    /**
     * @param bytesMax what the changelog may take; 0 for a fifth of what the disk has free, the changelog included
     * @param note hears why capture was removed
     */
    ChangelogLimit(String name, SqliteFile file, long bytesMax, Consumer<String> note) {
        this.file = file;
        this.bytesMax = bytesMax;
        this.note = note;
        this.timer = Executors.newSingleThreadScheduledExecutor(work -> {
            Thread thread = new Thread(work, "changelog-" + name);
            thread.setDaemon(true);
            return thread;
        });
    }

    void start() {
        timer.scheduleWithFixedDelay(this::look, PAUSE.toMillis(), PAUSE.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** What the changelog takes, as it was last looked at. */
    long bytes() {
        return bytes;
    }

    private void look() {
        try {
            long written = file.writtenAtMillis();
            if (written != readAt) {
                try (SqliteSession session = file.openReader(Duration.ofMillis(200))) {
                    bytes = bytes(session);
                }
                readAt = written;
            }
            long limit = bytesMax > 0 ? bytesMax : (file.freeBytes() + bytes) / 5;
            if (bytes > limit) {
                remove(bytes, limit);
                readAt = -1;
            }
        } catch (SQLException | IOException | SourceRefusal e) {
            LOG.debug("the changelog's size is looked at another time", e);
        } catch (RuntimeException e) {
            LOG.warn("event=changelog_unwatched: its size can't be looked at", e); // the timer must go on
        }
    }

    /** Estimated from the newest rows; 0 where nothing is captured. */
    private static long bytes(SqliteSession session) throws SQLException {
        session.begin();
        Capture.State capture = Capture.state(session);
        if (capture == null) {
            return 0;
        }
        StringBuilder length = new StringBuilder("9");
        for (int i = 1; i <= capture.keyColumns(); i++) {
            length.append(" + coalesce(length(CAST(k").append(i).append(" AS BLOB)), 0)");
        }
        long sampled = session.number("SELECT coalesce(sum(" + length + "), 0) / max(count(*), 1) FROM (SELECT * FROM"
                + " \"_sluice_changelog\" ORDER BY seq DESC LIMIT " + SAMPLE_ROWS + ")");
        // purging takes the oldest rows only, so the numbers have few gaps
        long rows = session.number("SELECT max(seq) - min(seq) FROM \"_sluice_changelog\"");
        return rows * (sampled + ROW_OVERHEAD_BYTES);
    }

    private void remove(long bytes, long limit) throws SQLException {
        try (SqliteSession writer = file.openWriter(Duration.ofSeconds(5))) {
            Capture.uninstall(writer);
        }
        note.accept(String.format("the changelog in the source had grown to %,d MB, its limit is %,d MB: capture was removed,"
                + " so that the application's disk does not fill; every table is compared anew when the target takes"
                + " changes again (E11)", bytes >> 20, limit >> 20));
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
