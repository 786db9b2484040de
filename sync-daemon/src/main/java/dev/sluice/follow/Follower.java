package dev.sluice.follow;

import dev.sluice.apply.Applier;
import dev.sluice.apply.HaltedByConflict;
import dev.sluice.change.ChangeBatch;
import dev.sluice.change.Position;
import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.TableChange;
import dev.sluice.conflict.ConflictRules;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.postgres.LastingSession;
import dev.sluice.postgres.Pipeline;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.store.ConflictStore;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.Watermark;
import dev.sluice.tail.HealScan;
import dev.sluice.tail.HistoryDiverged;
import dev.sluice.tail.Limits;
import dev.sluice.tail.Snapshot;
import dev.sluice.tail.SourceReader;
import dev.sluice.verify.SamePoint;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Brings the target to the source's present, batch by batch; every batch and its watermark are one transaction. Used
 * by one thread only.
 */
public final class Follower implements SamePoint {

    /** How often a moment of equality is tried for while the application writes faster than we read. */
    private static final int MOMENT_ATTEMPTS_MAX = 1_000;

    /** A transaction of more pieces than this is committed although the source has gone on meanwhile. */
    private static final int PIECES_MAX = 500;

    private static final String NOT_OURS = "another daemon follows this migration: stop one of the two";

    /** How often a silent source is asked whether it is still the same file. */
    private static final Duration IDENTITY_PAUSE = Duration.ofMillis(500);

    private final SqliteFile file;
    private final SourceReader reader;
    private final LastingSession session;
    private final MigrationStore store;
    private final long generation;
    private final Limits limits;
    private final Expected expected;
    private final Behind behind;
    private final ConflictRules rules;
    private boolean dirty = true;
    private Applier applier;
    private Watermark known;
    private long knownSince = -1;
    private long identifiedAtNanos = System.nanoTime();

    /**
     * The source that the watermark speaks of.
     *
     * @param captureHash of our own triggers, read when they were known to be whole
     * @param schemaVersion what SQLite's counter of schema changes must say, or {@link #ANY_VERSION} where nothing hangs
     *     on it: VACUUM moves it, and may number rows anew that have no other name
     */
    public record Expected(SqliteFile.Identity identity, String schemaHash, String captureHash, long schemaVersion) {
        public static final long ANY_VERSION = -1;
    }

    /** Told, in the transaction itself, that it will commit before the target equals the source again. */
    public interface Behind {
        void fellBehind(Connection connection) throws SQLException;
    }

    /**
     * What one turn did.
     *
     * @param changes changelog rows passed
     * @param rows rows written or deleted in the target
     * @param parked rows parked
     * @param watermark afterwards
     * @param written how many rows of each source table were looked at, those that are there and those that are gone
     */
    public record Turn(long changes, long rows, long parked, Watermark watermark, Map<String, Written> written) {}

    /** Rows of one table that were brought to the target: upserted as the source has them, or deleted there. */
    public record Written(long upserts, long deletes) {

        private Written plus(Written other) {
            return new Written(upserts + other.upserts, deletes + other.deletes);
        }
    }

    public Follower(SqliteFile file, SourceReader reader, LastingSession session, MigrationStore store,
            MigrationPlan plan, long generation, Limits limits, Expected expected, Behind behind) {
        this(file, reader, session, store, plan, ConflictRules.DEFAULT, generation, limits, expected, behind);
    }

    /** @param rules what to do with rows that somebody else has changed in the target */
    public Follower(SqliteFile file, SourceReader reader, LastingSession session, MigrationStore store, MigrationPlan plan,
            ConflictRules rules, long generation, Limits limits, Expected expected, Behind behind) {
        this.behind = behind;
        this.rules = rules;
        this.file = file;
        this.reader = reader;
        this.session = session;
        this.store = store;
        this.generation = generation;
        this.limits = limits;
        this.expected = expected;
        this.applier = new Applier(store, plan, rules);
    }

    /** From now on rows are written by {@code plan}, for example after a column was widened. */
    public void use(MigrationPlan plan) {
        applier = new Applier(store, plan, rules);
        knownSince = -1;
    }

    /** The last watermark that the target is known to have committed, or null if none is known. */
    public Watermark confirmed() {
        return known;
    }

    /** The watermark is about to be set anew by somebody else. */
    public void forgetWatermark() {
        known = null;
        knownSince = -1;
    }

    /**
     * True if another connection has committed to the source since the last turn, or another file lies in its place,
     * which the open one would never tell (looked at now and then); costs some microseconds.
     */
    public boolean sourceChanged() throws SQLException {
        return dirty || reader.changed() || !isExpectedFile();
    }

    private boolean isExpectedFile() {
        long now = System.nanoTime();
        if (now - identifiedAtNanos < IDENTITY_PAUSE.toNanos()) {
            return true; // every turn asks as well
        }
        identifiedAtNanos = now;
        try {
            return file.identity().equals(expected.identity());
        } catch (IOException e) {
            return false; // gone: the next turn says so
        }
    }

    /**
     * Applies what the changelog holds.
     *
     * @param whole true to end at a consistent point in any case, with one transaction however long the backlog is;
     *     false to apply at most one piece of it
     */
    public Turn turn(boolean whole) throws SQLException, InterruptedException {
        return session.run(connection -> turn(connection, whole, null).turn);
    }

    /** As {@link #turn} of one piece, but says at once when the target is away. */
    public Turn piece() throws SQLException {
        return session.once(connection -> turn(connection, false, null).turn);
    }

    @Override
    public <R, T> T at(SourceRead<R> source, TargetRead<R, T> target) throws SQLException, InterruptedException {
        return session.run(connection -> {
            for (int attempt = 0; attempt < MOMENT_ATTEMPTS_MAX; attempt++) {
                Moment<R> moment = turn(connection, true, source);
                if (moment.turn.watermark.consistent()) {
                    // holds the watermark's row until the commit, so that nobody else applies anything meanwhile
                    requireOurs(store.advance(connection, generation, moment.turn.watermark, moment.turn.watermark));
                    knownSince = -1; // it may park rows or bring parked ones
                    T result = target.read(moment.read, connection);
                    connection.commit();
                    return result;
                }
            }
            throw new SQLException("the source is written to faster than it can be read");
        });
    }

    /**
     * Applies rows as the source has them at this moment, though nothing has touched them: what was parked may fit now, and
     * what the operator has decided can be done. Returns how many are parked again.
     */
    public long again(SourceTable table, Set<RowKey> keys) throws SQLException, InterruptedException {
        try {
            return at(snapshot -> snapshot.find(table, keys), (found, connection) -> {
                applier.loadParked(connection);
                Set<RowKey> gone = new HashSet<>(keys);
                gone.removeAll(found.keySet());
                return applier.apply(connection, new ChangeBatch("", 0, 0, 0, true, List.of(new TableChange(table.name(), gone,
                        List.copyOf(found.values()))), List.of()), true).parked();
            });
        } catch (HaltedByConflict e) {
            throw session.run(connection -> halted(connection, e));
        }
    }

    /**
     * Brings a row to the target that the source does not have so.
     *
     * @throws TargetRefusal if the target does not take it; nothing is changed then
     */
    public void place(String table, Row row) throws SQLException, InterruptedException {
        at(snapshot -> null, (nothing, connection) -> {
            applier.loadParked(connection);
            if (applier.apply(connection, new ChangeBatch("", 0, 0, 0, true, List.of(new TableChange(table, Set.of(),
                    List.of(row))), List.of()), true).parked() > 0) {
                throw new TargetRefusal("PostgreSQL does not take the row of " + table + " so either: it stays parked");
            }
            return null;
        });
    }

    /**
     * After the source lost its latest commits (power loss, restore of a recent backup): reads again every row that the
     * target's journal or the changelog names behind the last changelog row that both still have. False if they have
     * none in common, so that everything must be compared.
     */
    public boolean heal() throws SQLException, InterruptedException {
        return session.run(connection -> {
            List<ChangeBatch.Touch> journal = store.journal(connection);
            Position common;
            ChangeBatch again;
            try (Snapshot snapshot = reader.open()) {
                common = HealScan.commonRow(snapshot,
                        journal.stream().map(touch -> new Position(touch.seq(), touch.nonce())).iterator());
                if (common == null) {
                    return false;
                }
                again = new ChangeBatch("", common.seq(), common.seq(), common.nonce(), false,
                        snapshot.reread(journal.stream().filter(touch -> touch.seq() > common.seq()).toList()), List.of());
            }
            Watermark at = store.lockWatermark(connection);
            requireOurs(store.advance(connection, generation, at, new Watermark(common.seq(), common.nonce(), false)));
            applier.loadParked(connection);
            applier.apply(connection, again, true);
            store.forgetJournalAfter(connection, common.seq());
            syncSource();
            forgetWatermark(); // it goes back, and whether this arrives is not known before the answer
            connection.commit();
            return true;
        });
    }

    /** A turn, and what was read from the source in its last snapshot. */
    private record Moment<R>(Turn turn, R read) {}

    private <R> Moment<R> turn(Connection connection, boolean whole, SourceRead<R> read) throws SQLException {
        try {
            return turn(connection, whole, read, false);
        } catch (HaltedByConflict e) {
            throw halted(connection, e);
        } catch (SQLException e) {
            if (!Applier.isWorthCare(e)) {
                throw e;
            }
            connection.rollback();
            knownSince = -1;
            try {
                return turn(connection, whole, read, true);
            } catch (HaltedByConflict halt) {
                throw halted(connection, halt);
            }
        }
    }

    /** What the operator is to decide must be there to look at, though nothing of the turn is. */
    private HaltedByConflict halted(Connection connection, HaltedByConflict halt) throws SQLException {
        connection.rollback();
        knownSince = -1;
        new ConflictStore(store.migration()).record(connection, List.of(halt.conflict()));
        connection.commit();
        return halt;
    }

    /**
     * Reads some more rows of tables whose changes by others are looked for, so that these are known again; nothing where
     * no policy asks for it. Returns true while there is more.
     */
    public boolean readVersions(int rowsMax) throws SQLException, InterruptedException {
        if (!rules.detects()) {
            return false;
        }
        return session.run(connection -> {
            Watermark at = watermark(connection);
            if (!applier.hasUnreadVersions()) {
                return false;
            }
            requireOurs(store.advance(connection, generation, at, at)); // what is read is what was applied
            applier.readVersions(connection, rowsMax);
            connection.commit();
            return applier.hasUnreadVersions();
        });
    }

    private <R> Moment<R> turn(Connection connection, boolean whole, SourceRead<R> read, boolean careful)
            throws SQLException {
        dirty = true; // until this turn has ended well: a failure must not hide what was there to do
        Watermark at = watermark(connection);
        int pieces = 0;
        long start = at.seq();
        long rows = 0;
        long parked = 0;
        boolean written = false;
        Map<String, Written> byTable = new HashMap<>();
        R fromSource;
        boolean more;
        do {
            ChangeBatch batch;
            checkIdentity();
            // everything is in memory before the target is written: the snapshot must not wait for PostgreSQL
            try (Snapshot snapshot = reader.open()) {
                checkSchema(snapshot);
                batch = snapshot.changes(new Position(at.seq(), at.nonce()), limits);
                fromSource = read == null ? null : read.read(snapshot);
            } catch (HistoryDiverged e) {
                throw new SourceChanged(e.reason() == HistoryDiverged.Reason.FILE_REPLACED
                        ? SourceChanged.Kind.REPLACED : SourceChanged.Kind.HISTORY, e.getMessage());
            }
            Watermark to = new Watermark(batch.toSeq(), batch.toNonce(), batch.consistent());
            if (!to.equals(at)) {
                Pipeline pipeline = new Pipeline(connection);
                store.advance(pipeline, generation, at, to, NOT_OURS);
                Applier.Applied applied = applier.apply(pipeline, batch, careful);
                store.appendJournal(pipeline, batch);
                pipeline.send();
                rows += applied.rows();
                parked += applied.parked();
                batch.changes().forEach(change -> byTable.merge(change.table(),
                        new Written(change.upserts().size(), change.deletes().size()), Written::plus));
                written = true;
                at = to;
            }
            more = !batch.consistent();
            pieces++;
        } while (more && whole && pieces < PIECES_MAX);
        if (more && whole) {
            behind.fellBehind(connection);
        }
        if (written) {
            syncSource();
            // if the answer to this is lost, the watermark is asked for anew and says whether it happened
            knownSince = -1;
            connection.commit();
            known = at;
            knownSince = session.opened();
        }
        dirty = more;
        return new Moment<>(new Turn(at.seq() - start, rows, parked, at, byTable), fromSource);
    }

    private static void requireOurs(boolean advanced) {
        if (!advanced) {
            throw new IllegalStateException(NOT_OURS);
        }
    }

    private Watermark watermark(Connection connection) throws SQLException {
        if (knownSince != session.opened()) {
            known = store.lockWatermark(connection);
            applier.loadParked(connection);
            applier.endUnlooked(connection);
            connection.commit();
            knownSince = session.opened();
        }
        return known;
    }

    private void checkIdentity() {
        try {
            if (!file.identity().equals(expected.identity())) {
                throw new SourceChanged(SourceChanged.Kind.REPLACED,
                        "another file lies at " + file.path() + " (it was replaced or restored)");
            }
        } catch (IOException e) {
            throw new SourceChanged(SourceChanged.Kind.REPLACED, "the source file " + file.path() + " is gone");
        }
    }

    private void checkSchema(Snapshot snapshot) throws SQLException {
        if (!snapshot.schemaHash().equals(expected.schemaHash())) {
            throw new SourceChanged(SourceChanged.Kind.SCHEMA, "the schema of " + file.path() + " was changed");
        }
        if (!snapshot.captureHash().equals(expected.captureHash())) {
            throw new SourceChanged(SourceChanged.Kind.SCHEMA, "capture triggers in " + file.path() + " were changed");
        }
        if (expected.schemaVersion() != Expected.ANY_VERSION && snapshot.schemaVersion() != expected.schemaVersion()) {
            throw new SourceChanged(SourceChanged.Kind.SCHEMA,
                    "rows of " + file.path() + " that have no key may have been numbered anew (VACUUM)");
        }
    }

    /** What PostgreSQL commits must not be lost in SQLite by a power cut. */
    private void syncSource() {
        try {
            file.syncWal();
        } catch (IOException e) {
            throw new SourceRefusal("the write-ahead log of " + file.path() + " can't be synced to disk: check the disk", e);
        }
    }
}
