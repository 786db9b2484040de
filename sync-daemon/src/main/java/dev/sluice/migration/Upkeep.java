package dev.sluice.migration;

import dev.sluice.audit.AuditMirror;
import dev.sluice.capture.Capture;
import dev.sluice.declare.Declarations;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.postgres.LastingSession;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.ConflictStore;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.Watermark;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is done every few seconds while a migration replicates, and is never urgent. Belongs to the follow thread. */
final class Upkeep {

    private static final Logger LOG = LoggerFactory.getLogger(Upkeep.class);

    static final Duration PAUSE = Duration.ofSeconds(5);

    private static final Duration IDLE_PURGE_PAUSE = Duration.ofMinutes(1);
    private static final Duration PURGE_STEP_PAUSE = Duration.ofMillis(50);
    private static final Duration PURGE_WAIT = Duration.ofMillis(200);
    private static final int PURGE_ROWS_MAX = 5_000;
    private static final long NEVER = -1;

    private final SqliteFile file;
    private final MigrationStore store;
    private final LiveMigration.Options options;
    private final AuditMirror audit;
    private long mirroredAtNanos;
    private long purgedAtNanos;
    private long purgedTo = NEVER;
    private long sequencesRaisedNanos = System.nanoTime();
    private long sequencesRaisedAt = NEVER;

    Upkeep(SqliteFile file, MigrationStore store, LiveMigration.Options options, AuditMirror audit) {
        this.audit = audit;
        this.file = file;
        this.store = store;
        this.options = options;
    }

    /**
     * Writes new entries of the audit log to its file, and counts the conflicts that are open; returns a sentence where the
     * file can't be written, else null.
     */
    String mirrorAudit(LastingSession session, Standing standing) throws SQLException, InterruptedException {
        if (System.nanoTime() - mirroredAtNanos < PAUSE.toNanos()) {
            return null;
        }
        mirroredAtNanos = System.nanoTime();
        return session.run(connection -> {
            if (options.conflicts().detects()) {
                standing.openConflicts = new ConflictStore(store.migration()).open(connection);
            }
            try {
                audit.flush(connection);
                return null;
            } catch (IOException e) {
                LOG.warn("event=audit_not_mirrored file={}", audit.file(), e);
                return "the audit log can't be written to " + audit.file() + " (" + e.getClass().getSimpleName()
                        + "): see to its folder and the disk; PostgreSQL has every entry";
            }
        });
    }

    /** Keeps the changelog short: rows far behind the watermark go, a few thousand at a time. */
    void purge(Watermark watermark, long generation, LastingSession session) throws SQLException, InterruptedException {
        long keepFrom = watermark.seq() - options.purgeKeepRows();
        Duration pause = keepFrom == purgedTo ? IDLE_PURGE_PAUSE : PAUSE;
        if (keepFrom <= 1 || System.nanoTime() - purgedAtNanos < pause.toNanos()) {
            return;
        }
        purgedAtNanos = System.nanoTime();
        try (SqliteSession writer = file.openWriter(PURGE_WAIT)) {
            if (Capture.purge(writer, generation, keepFrom, PURGE_ROWS_MAX) >= Capture.STEP_ROWS) {
                purgedAtNanos -= PAUSE.minus(PURGE_STEP_PAUSE).toNanos(); // there is more, but writers come first
                return;
            }
        } catch (SQLException e) {
            LOG.debug("the changelog is purged another time", e); // the application is busy; it comes first
            return;
        }
        session.run(connection -> {
            store.trimJournal(connection, keepFrom, options.purgeKeepMinutes());
            connection.commit();
            return null;
        });
        purgedTo = keepFrom;
    }

    /** Sequences follow the keys that came, so that the application can move over at any time. */
    void raiseSequences(Watermark watermark, MigrationPlan plan, LastingSession session)
            throws SQLException, InterruptedException {
        if (watermark.seq() == sequencesRaisedAt || System.nanoTime() - sequencesRaisedNanos < PAUSE.toNanos()) {
            return;
        }
        sequencesRaisedNanos = System.nanoTime();
        sequencesRaisedAt = watermark.seq();
        try (SqliteSession look = file.openReader(options.busyTimeout())) {
            Map<String, Long> remembered = Sources.sequences(look);
            session.run(connection -> {
                new Declarations(plan, store).setSequences(connection, remembered);
                return null;
            });
        }
    }

    /** True if sequences were not raised yet to what came up to {@code seq}; whoever asks raises them. */
    boolean sequencesDue(long seq) {
        boolean due = sequencesRaisedAt != seq;
        sequencesRaisedAt = seq;
        return due;
    }

    /** The target may be another one, or an older one, than the one whose sequences were raised. */
    void forgetSequences() {
        sequencesRaisedAt = NEVER;
    }
}
