package dev.sluice.migration;

import dev.sluice.announce.TrafficFeed;
import dev.sluice.apply.HaltedByConflict;
import dev.sluice.audit.AuditMirror;
import dev.sluice.capture.Capture;
import dev.sluice.capture.Fence;
import dev.sluice.capture.Obstacle;
import dev.sluice.change.Position;
import dev.sluice.change.RowKey;
import dev.sluice.conflict.ConflictRules;
import dev.sluice.copy.BulkCopy;
import dev.sluice.copy.CopyProgress;
import dev.sluice.copy.Valve;
import dev.sluice.cutover.Traffic;
import dev.sluice.cutover.Wish;
import dev.sluice.declare.Declarations;
import dev.sluice.fence.TargetFence;
import dev.sluice.follow.Follower;
import dev.sluice.follow.SourceChanged;
import dev.sluice.phase.Phase;
import dev.sluice.phase.RunState;
import dev.sluice.plan.Declaration.Stage;
import dev.sluice.plan.Drift;
import dev.sluice.plan.MappingRules;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.Retyping;
import dev.sluice.plan.TablePlan;
import dev.sluice.plan.Widening;
import dev.sluice.postgres.LastingSession;
import dev.sluice.postgres.Reconnect;
import dev.sluice.postgres.SqlFailure;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetCheck;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.reverse.Grown;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.Audit;
import dev.sluice.store.ChunkProgress;
import dev.sluice.store.ControlRow;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.MigrationStore.SourceFacts;
import dev.sluice.store.ParkedRow;
import dev.sluice.store.StoreSchema;
import dev.sluice.store.TargetWentBack;
import dev.sluice.store.Watermark;
import dev.sluice.tail.HealScan;
import dev.sluice.tail.HistoryDiverged;
import dev.sluice.tail.Limits;
import dev.sluice.tail.Snapshot;
import dev.sluice.tail.SourceReader;
import dev.sluice.verify.SamePoint;
import dev.sluice.verify.Subject;
import dev.sluice.verify.Verifier;
import dev.sluice.verify.VerifyReport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A migration that runs beside the live application: installs capture, copies, catches up, follows. One thread, {@code
 * follow-NAME}, owns the way of the data; every other thread asks it. All state that outlives the process stands in the
 * target; start it again with the same name and it goes on.
 */
public final class LiveMigration implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(LiveMigration.class);

    /** The mode under which the store knows such a migration. */
    static final String MODE = "live";

    private static final Duration RETRY_PAUSE = Duration.ofSeconds(2);
    private static final Duration VISIT_PAUSE = Duration.ofSeconds(3);
    private static final Duration CANCEL_GRACE = Duration.ofSeconds(20);
    private static final Duration FENCE_WAIT = Duration.ofSeconds(5);
    private static final int VERSIONS_PER_TURN = 2_000;

    private final String name;
    private final SqliteFile file;
    private final Target target;
    private final Options options;
    private final Planning planning;
    private final SchemaDrift drift;
    private final TargetGrowth growth;
    private final ChangelogLimit limit;
    private final TrafficSwitch traffic;
    private final CopyProgress progress;
    private final MigrationStore store;
    private final Reconnect reconnect;
    private final Valve valve = new Valve();
    private final Thread thread;
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Upkeep upkeep;
    private final AuditMirror audit;
    private final Requests requests = new Requests(ended);
    private final Standing standing;
    private final SwitchActs acts;
    private final Verifications verifications;
    private final RowActs rows;

    // what belongs to the follow thread
    private SourceReader reader;
    private LastingSession session;
    private Follower follower;
    private SourceSchema schema;
    private boolean behind;
    private Map<String, SourceTable> sources = Map.of();
    private volatile long generation; // written by the follow thread
    private boolean replicationRole;
    private FutureTask<Void> heldTried; // run when the tables that are held are followed again, or held again
    private boolean heldLookedAt;
    private boolean wentBack;
    private boolean takingGeneration;
    private long recalledAt; // the generation that the source was given by ourselves, 0 for none
    private boolean moving; // the stored phase may lie behind ours: a rollback has been decided
    private String planSeen;
    private boolean widenAgain;
    private long widenedAtNanos;
    private long visitedAtNanos;
    private long idleSinceNanos;
    private long seenNanos; // what was committed before this moment of a replicating source is in the target

    /**
     * How it may use the machine.
     *
     * @param chunk limits of a copy chunk
     * @param batch limits of one piece of the changelog
     * @param pollInterval how often an idle follower looks for commits
     * @param purgeKeepRows changelog rows kept behind the watermark, for healing after a power loss
     * @param purgeKeepMinutes likewise in the key journal
     * @param changelogBytesMax beyond which capture is taken out of the source; 0 for a fifth of what the disk has free
     * @param widen true to take the bound off a type that a new value exceeds
     * @param step limits of one step of a verification
     * @param conflicts what to do with rows that both sides have changed
     */
    public record Options(int workers, Limits chunk, Limits batch, Duration pollInterval, Duration busyTimeout,
            long purgeKeepRows, int purgeKeepMinutes, long changelogBytesMax, boolean widen, String version, Limits step,
            ConflictRules conflicts) {

        /** Looks for no conflicts. */
        public Options(int workers, Limits chunk, Limits batch, Duration pollInterval, Duration busyTimeout,
                long purgeKeepRows, int purgeKeepMinutes, long changelogBytesMax, boolean widen, String version, Limits step) {
            this(workers, chunk, batch, pollInterval, busyTimeout, purgeKeepRows, purgeKeepMinutes, changelogBytesMax, widen,
                    version, step, ConflictRules.DEFAULT);
        }

        /** Compares in steps as large as the copy's chunks. */
        public Options(int workers, Limits chunk, Limits batch, Duration pollInterval, Duration busyTimeout,
                long purgeKeepRows, int purgeKeepMinutes, boolean widen, String version) {
            this(workers, chunk, batch, pollInterval, busyTimeout, purgeKeepRows, purgeKeepMinutes, 0, widen, version, chunk);
        }
    }

    /** Looks at both sides and plans, when there is no stored plan yet; may take as long as a census takes. */
    public interface Planning {
        Preparation prepare() throws SQLException, InterruptedException;
    }

    /** @param rules for tables and columns that come later; {@code planning} has applied them to those that are there */
    public LiveMigration(String name, SqliteFile file, Target target, Options options, MappingRules rules, Planning planning,
            CopyProgress progress) {
        this(name, file, target, options, rules, planning, progress, SwitchSettings.quiet(name, file, target));
    }

    /** @param switching how the writes are moved, and who hears of it */
    public LiveMigration(String name, SqliteFile file, Target target, Options options, MappingRules rules, Planning planning,
            CopyProgress progress, SwitchSettings switching) {
        this.name = name;
        this.file = file;
        this.target = target;
        this.options = options;
        this.planning = planning;
        this.progress = progress;
        this.store = new MigrationStore(name);
        this.audit = new AuditMirror(name, switching.auditFile(name));
        this.upkeep = new Upkeep(file, store, options, audit);
        this.standing = new Standing(name, file, valve);
        this.limit = new ChangelogLimit(name, file, options.changelogBytesMax(), standing::note);
        this.drift = new SchemaDrift(file, target, store, rules, options.busyTimeout());
        this.growth = new TargetGrowth(file, store, options.busyTimeout());
        this.reconnect = new Reconnect(target.url(), EnumSet.of(SqlFailure.UNREACHABLE, SqlFailure.TRANSIENT,
                SqlFailure.DISK_FULL, SqlFailure.READ_ONLY), new Reconnect.Listener() {
                    @Override
                    public void onBlocked(String reason) {
                        standing.block(reason);
                    }

                    @Override
                    public void onHealed() {
                        standing.unblock();
                    }
                });
        this.traffic = new TrafficSwitch(name, file, target, reconnect, store, switching, options.conflicts(),
                options.busyTimeout(), valve::isStopped);
        this.verifications = new Verifications(name, file, target, reconnect, store, new ForVerifications(), options);
        this.traffic.listen(verifications.listening());
        this.thread = new Thread(this::work, "follow-" + name);
        this.acts = new SwitchActs(name, file, store, standing, requests, traffic, verifications, options.busyTimeout(),
                new ForActs());
        this.rows = new RowActs(name, target, store, standing, requests, traffic, audit, new ForRows());
    }

    /** Tells {@code events} what happens; before the start. */
    public void listen(MigrationEvents events) {
        standing.events = events;
    }

    public void start() {
        limit.start();
        thread.start();
        verifications.start();
    }

    // ---- what others may ask ----

    /** Waits for the end; true if it came in time. */
    public boolean awaitEnd(Duration timeout) throws InterruptedException {
        return ended.await(timeout.toMillis(), TimeUnit.MILLISECONDS);
    }

    public String name() {
        return name;
    }

    /** False when nothing is done any more. */
    public boolean isAlive() {
        return thread.isAlive();
    }

    /** Why it ended by itself, or null. */
    public Exception failure() {
        return standing.failure;
    }

    public Phase phase() {
        return standing.phase;
    }

    /** Whether it moves at present. */
    public RunState run() {
        return standing.run;
    }

    public MigrationPlan plan() {
        return standing.plan;
    }

    public void pause() throws Exception {
        if (standing.phase == Phase.SWITCHED) {
            throw new TargetRefusal("PostgreSQL's commits can't be paused, as the way back would be lost with its log: sluice"
                    + " rollback or sluice complete");
        }
        valve.pause();
        standing.run = RunState.PAUSED;
        savePaused(true);
    }

    public void resume() throws Exception {
        valve.resume();
        standing.run = RunState.RUNNING;
        savePaused(false);
    }

    private void savePaused(boolean paused) throws SQLException {
        try (Connection connection = target.connect()) {
            store.setPaused(connection, paused);
        }
    }

    /** Ends the migration: nothing of ours stays in the source; the target keeps its tables as they are. */
    public void cancel() throws Exception {
        if (standing.phase == Phase.CUTTING_OVER || standing.phase == Phase.SWITCHED || standing.phase == Phase.ROLLING_BACK) {
            throw new TargetRefusal("can't cancel in phase " + standing.phase.label() + ": roll back first, then SQLite has everything");
        }
        valve.stop();
        thread.join(CANCEL_GRACE.toMillis());
        thread.interrupt(); // it may be waiting for a target that is away
        thread.join(CANCEL_GRACE.toMillis());
        if (thread.isAlive()) {
            throw new TargetRefusal("the migration does not stop within " + 2 * CANCEL_GRACE.toSeconds()
                    + " s, so nothing was removed: try again, or stop the daemon and run `sluice cancel --source`");
        }
        verifications.close();
        // written first: a daemon that is started again finishes what a crash in here leaves
        SQLException away = null;
        try (Connection connection = target.connect()) {
            store.cancel(connection);
        } catch (SQLException e) {
            away = e;
        }
        try (SqliteSession writer = file.openWriter(options.busyTimeout())) {
            Capture.uninstall(writer);
        }
        Sources.dropEmptyWal(file);
        standing.phase = Phase.CANCELLED;
        LOG.info("event=cancelled migration={}: the source holds nothing of Sluice any more", name);
        if (away != null) {
            throw new TargetRefusal("the source is free of Sluice, but the target could not be told ("
                    + SqlFailure.sentence(away, target.url()) + "): remove the rows of migration " + name
                    + " from schema sluice there when it is back");
        }
        removeFromTarget();
    }

    private void removeFromTarget() throws SQLException {
        try (Connection connection = target.connect()) {
            connection.setAutoCommit(false);
            if (standing.plan != null) {
                new TargetFence(name, standing.plan).remove(connection, FENCE_WAIT);
            }
            StoreSchema.remove(connection, name);
            connection.commit();
        }
    }

    /** A cancel was cut off by a crash. */
    private void finishCancel() throws SQLException {
        try (SqliteSession writer = file.openWriter(options.busyTimeout())) {
            Capture.uninstall(writer);
        }
        removeFromTarget();
        LOG.info("event=cancelled migration={}: finished what an earlier process had begun", name);
    }

    /**
     * Compares tables while the application writes.
     *
     * @param tables source tables, empty for all
     * @param repair true to mend what differs from the source
     */
    public VerifyReport verify(Collection<String> tables, boolean repair) throws Exception {
        return verifications.verify(Verifications.Order.of(tables, repair, "daemon"));
    }

    /** Verifications that go on by themselves. */
    public Verifications verifications() {
        return verifications;
    }

    /** What a verification needs of the follow thread. */
    private final class ForVerifications implements Verifications.Ground {

        @Override
        public MigrationPlan plan() {
            return standing.plan;
        }

        @Override
        public Phase phase() {
            return standing.phase;
        }

        @Override
        public boolean isPaused() {
            return valve.isPaused();
        }

        @Override
        public long appliedSeq() {
            Watermark at = standing.watermark;
            return at == null ? -1 : at.seq();
        }

        @Override
        public TrafficSwitch traffic() {
            return traffic;
        }

        @Override
        public boolean sequencesDue(long seq) {
            return upkeep.sequencesDue(seq);
        }

        @Override
        public SamePoint samePoint() {
            return LiveMigration.this::moment;
        }

        @Override
        public void mended(boolean any) throws Exception {
            requests.ask(LiveMigration.this::retryParkedRows); // a mended row may have stood in the way of a parked one
            if (any) {
                requests.ask(LiveMigration.this::sealRepair);
            }
        }
    }

    private void requireReplicating(String what) {
        if (standing.phase != Phase.REPLICATING) {
            throw new TargetRefusal("can't " + what + " in phase " + standing.phase.label() + ": wait for replicating");
        }
        if (valve.isPaused()) {
            throw new TargetRefusal("can't " + what + " while paused: resume first");
        }
    }

    /** On the follow thread, which alone knows when the source is open. */
    private List<Subject> subjects(Collection<String> tables) {
        requireOpen();
        List<Subject> subjects = new ArrayList<>();
        for (TablePlan table : standing.plan.tables()) {
            if (tables.isEmpty() || tables.stream().anyMatch(table.source()::equalsIgnoreCase)) {
                subjects.add(new Subject(table, sources.get(table.source())));
            }
        }
        for (String wanted : tables) {
            if (standing.plan.table(wanted) == null && standing.plan.held(wanted) == null) {
                throw new TargetRefusal("table " + wanted + " is not part of the migration");
            }
        }
        return subjects;
    }

    private void requireOpen() {
        if (reader == null || follower == null) {
            throw new TargetRefusal("the source can't be read at present: look at the status, and try again");
        }
    }

    /** A moment of equality, made by the follow thread. */
    private <R, T> T moment(SamePoint.SourceRead<R> source, SamePoint.TargetRead<R, T> there)
            throws SQLException, InterruptedException {
        try {
            return requests.ask(() -> {
                requireOpen();
                return follower.at(source, there);
            });
        } catch (SQLException | InterruptedException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new SQLException(Preparation.sentence(e), e);
        }
    }

    /** The first parked rows, oldest first. */
    public List<ParkedRow> parkedRows(int rowsMax) throws SQLException {
        try (Connection connection = target.connect()) {
            return store.parked(connection, rowsMax);
        }
    }

    /** Tries every parked row again with the value that the source has now; returns how many are parked still. */
    public long retryParked() throws Exception {
        requireReplicating("retry parked rows");
        return requests.ask(() -> {
            takeOverTypes();
            return standing.phase == Phase.REPLICATING ? retryParkedRows() : status().parked(); // else a comparison retries them
        });
    }

    /** Re-reads one table while the application writes, and mends whatever differs; one that is held is tried again. */
    public VerifyReport resync(String table) throws Exception {
        return resync(table, false, "daemon");
    }

    /** @param whereMismatched true to read only ranges that differed when they were compared, or changed since */
    public VerifyReport resync(String table, boolean whereMismatched, String actor) throws Exception {
        if (standing.plan != null && standing.plan.held(table) != null) {
            requireReplicating("resync");
            FutureTask<Void> tried = new FutureTask<>(() -> null);
            requests.ask(() -> heldTried = tried);
            requests.await(tried);
            if (standing.plan.held(table) != null) {
                throw new TargetRefusal(standing.plan.held(table).reason());
            }
        }
        return verifications.verify(new Verifications.Order(List.of(table), !whereMismatched, true, 100, false, actor));
    }

    /** What an operator does with single rows, and the audit log. */
    public RowActs rows() {
        return rows;
    }

    // ---- the writes move ----

    /**
     * Moves the writes to PostgreSQL. Until that has happened any failure leaves them with SQLite.
     *
     * @return what was done; not {@code done} if a gate is closed or it was given up
     */
    public SwitchReport cutover(SwitchOrder order) throws Exception {
        return acts.cutover(order);
    }

    /** Moves the writes back to SQLite, with everything that was written on PostgreSQL. */
    public SwitchReport rollback(SwitchOrder order) throws Exception {
        return acts.rollback(order);
    }

    /**
     * Ends the migration on PostgreSQL: no way back is left, and nothing of ours there.
     *
     * @param cleanSource true to take capture, and with it the fence, out of the source too
     */
    public SwitchReport complete(SwitchOrder order, boolean cleanSource) throws Exception {
        return acts.complete(order, cleanSource);
    }

    /**
     * Ends what stands half way, and says what it did.
     *
     * @param targetIsLost the operator's word that PostgreSQL is gone for good and nothing can reach it: SQLite gets the
     *     writes back although PostgreSQL can't be asked, and the migration ends
     */
    public SwitchReport repair(SwitchOrder order, boolean targetIsLost) throws Exception {
        return targetIsLost ? acts.giveTargetUp(order) : acts.repair(order);
    }

    /** Who takes writes, and a way to wait for a change. */
    public TrafficFeed traffic() {
        return traffic.settings().announcer().feed();
    }

    public StatusSnapshot status() {
        return standing.snapshot(target.url().toString(), traffic, verifications.standing());
    }

    /** What it takes up on both sides; asks the source, nobody else. */
    public Sizes sizes() {
        return traffic.sizes(standing.changelogRows(), limit.bytes());
    }

    /** How often writes have moved. */
    public long epoch() {
        return standing.epoch();
    }

    /** How often work in the target was tried again. */
    public long targetRetries() {
        return reconnect.retries();
    }

    /** State of the breaker before the target: {@code closed}, {@code open}, {@code half_open}. */
    public String targetBreaker() {
        return reconnect.breakerState();
    }

    /** Stops at the next chunk or batch; what is committed stays, and a restart goes on from there. */
    @Override
    public void close() {
        valve.stop();
        verifications.stopSoon();
        try {
            if (!ended.await(20, TimeUnit.SECONDS)) {
                thread.interrupt();
                ended.await(10, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            thread.interrupt();
            Thread.currentThread().interrupt();
        }
        verifications.close();
    }

    // ---- the follow thread ----

    private void work() {
        try {
            SourceChanged change = null;
            while (!valve.isStopped()) {
                SourceChanged answered = change;
                change = null;
                try {
                    if (answered != null) {
                        sourceChanged(answered);
                        heldLookedAt = heldTried != null;
                    } else {
                        if (reader == null && !streams()) {
                            open();
                        }
                        if (standing.phase == Phase.CANCELLED) {
                            finishCancel();
                            return;
                        }
                        if (standing.phase == Phase.COMPLETED) {
                            try (SqliteSession writer = file.openWriter(options.busyTimeout())) {
                                claimSource(writer); // what the stream keeps there is removed under our generation
                            }
                            finishComplete();
                            return;
                        }
                        if (reader != null || streams()) {
                            step();
                        }
                    }
                } catch (SourceChanged | HistoryDiverged e) {
                    change = e instanceof SourceChanged known ? known
                            : new SourceChanged(SourceChanged.Kind.HISTORY, e.getMessage());
                    if (answered != null) {
                        retryLater(e); // it changes faster than it can be looked at
                    }
                } catch (HaltedByConflict e) {
                    standing.block(e.getMessage()); // the source stays open: a decision is tried at once
                    requests.runWithin(RETRY_PAUSE);
                } catch (TargetWentBack e) {
                    targetWentBack(e);
                } catch (SQLException | Unfit | UncheckedIOException e) {
                    SqlFailure kind = SqlFailure.of(e);
                    if (standing.plan == null && (kind == SqlFailure.PERMISSION || kind == SqlFailure.MISSING)) {
                        // a wrong password or database at the first look: the operator must decide
                        throw new TargetRefusal(SqlFailure.sentence(e, target.url()), e);
                    }
                    retryLater(e);
                } catch (SourceRefusal e) {
                    if (follower == null) {
                        throw e; // nothing is followed yet: the operator must decide
                    }
                    retryLater(e);
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("stopped", e);
        } catch (Throwable e) {
            // the thread's edge: whoever waits for the end reads it
            standing.failure = e instanceof Exception exception ? exception : new IllegalStateException(e.toString(), e);
            standing.run = RunState.blocked(Preparation.sentence(standing.failure));
            LOG.error("event=failed migration={} reason=\"{}\"", name, Preparation.sentence(standing.failure));
            LOG.debug("failed", e);
        } finally {
            verifications.stopSoon();
            limit.close();
            closeReader();
            traffic.close();
            if (session != null) {
                session.close();
            }
            ended.countDown();
        }
    }

    private void retryLater(Exception e) throws InterruptedException {
        LOG.debug("step failed", e);
        standing.block(e instanceof SQLException sql && sql.getSQLState() == null && Files.notExists(file.path()) ? gone()
                : Preparation.sentence(e, file.path()));
        closeReader();
        requests.runWithin(RETRY_PAUSE);
    }

    private void closeReader() {
        if (reader != null) {
            try {
                reader.close();
            } catch (SQLException e) {
                LOG.debug("closing the source", e);
            }
            reader = null;
        }
    }

    private void enter(Connection connection, Phase next) throws SQLException {
        store.enter(connection, standing.phase, next);
        connection.commit();
        LOG.info("event=phase migration={} from={} to={}", name, standing.phase.label(), next.label());
        standing.phase = next;
    }

    /** Loads the stored migration or plans a new one, and takes a generation on both sides. */
    private void open() throws SQLException, InterruptedException {
        if (generation == 0) {
            recallSource();
        }
        MigrationStore.Stored stored = reconnect.call(() -> {
            try (Connection connection = target.connect()) {
                return store.load(connection);
            }
        });
        if (stored == null) {
            requireOpenSource();
            stored = create();
        } else {
            reconnect.call(this::renewStore);
        }
        if (!stored.mode().equals(MODE)) {
            throw new TargetRefusal("the target holds an unfinished one-shot migration named " + name
                    + ": run `sluice migrate` again, or choose another --name");
        }
        if (!stored.source().equals(file.path().toString())) {
            throw new TargetRefusal("migration " + name + " in the target belongs to " + stored.source()
                    + ": choose another --name for " + file.path());
        }
        standing.plan = stored.plan();
        standing.phase = stored.phase();
        if (stored.paused()) {
            valve.pauseUnlessAsked(); // the target may not have heard our own word
            standing.run = valve.isPaused() ? RunState.PAUSED : standing.run;
        }
        if (session == null) {
            replicationRole = reconnect.call(this::mayKeepTriggersQuiet);
            session = new LastingSession(target, reconnect, replicationRole, this::meet);
        }
        if (generation == 0) {
            generation = takeGeneration();
        }
        boolean paused = stored.paused();
        planSeen = session.run(connection -> {
            meet(connection);
            if (paused != valve.isPaused()) {
                store.setPaused(connection, valve.isPaused());
                connection.commit();
            }
            return store.standing(connection).plan();
        });
        if (standing.phase.successors().isEmpty()) {
            return;
        }
        if (standing.phase != Phase.CREATED && !settled()) {
            return;
        }
        SourceSchema now = Preparation.schema(file, options.busyTimeout());
        if (standing.phase != Phase.CREATED && !now.hash().equals(standing.plan.schemaHash())) {
            throw new SourceChanged(SourceChanged.Kind.SCHEMA, "the schema of " + file.path() + " was changed");
        }
        if (standing.phase != Phase.CREATED) {
            use(now);
        }
        reader = new SourceReader(file, options.busyTimeout());
        session.run(connection -> {
            Map<String, Long> rows = new TreeMap<>();
            store.chunks(connection).forEach(chunk -> rows.merge(chunk.table(), chunk.rows(), Long::sum));
            standing.copied.putAll(rows);
            standing.parked(store.parkedCounts(connection));
            return null;
        });
        if (standing.phase != Phase.CREATED) {
            follower = follower();
            takeOverTypes();
        }
        standing.unblock();
    }

    /**
     * A daemon that died in a cutover may have left the source fenced. Where no flip was sent the fence is lifted without
     * PostgreSQL, which may be gone. The generation that this takes is used for nothing else.
     */
    private void recallSource() throws SQLException {
        Fence.State fence;
        try (SqliteSession look = file.openReader(options.busyTimeout())) {
            fence = Fence.state(look);
        }
        if (fence != null && fence.recall()) {
            try (SqliteSession writer = file.openWriter(options.busyTimeout())) {
                recalledAt = Capture.takeGeneration(writer);
                Fence.recall(writer, recalledAt);
            }
            LOG.warn("event=recalled migration={}: a cutover was cut off before the flip; SQLite takes writes again", name);
            traffic.saidRecalled();
        }
    }

    /**
     * Ends what a crash has left half way of a cutover or rollback; true if SQLite has traffic and is to be followed. While
     * PostgreSQL has it, the stream of its commits runs.
     */
    private boolean settled() throws SQLException, InterruptedException {
        Fence.State fence;
        try (SqliteSession look = file.openReader(options.busyTimeout())) {
            fence = Fence.state(look);
        }
        standing.register = session.run(connection -> new ControlRow(name).ask(connection));
        if (fence == null) {
            return true; // capture is gone: following finds that out, and what is to be done
        }
        try (SqliteSession writer = file.openWriter(options.busyTimeout())) {
            claimSource(writer);
        }
        adoptGrowth();
        if (!standing.register.traffic().equals(ControlRow.SQLITE) || fence.fenced() || standing.phase == Phase.CUTTING_OVER
                || standing.phase == Phase.ROLLING_BACK) {
            announce(fence); // hooks tell what is true
            move(Wish.SETTLE, null, result -> {});
        }
        if (standing.phase == Phase.SWITCHED) {
            traffic.openReverse(standing.plan, generation);
            announce(null);
            standing.unblock();
            return false;
        }
        traffic.removeForgottenReverse(standing.plan, generation);
        announce(null);
        return true;
    }

    /** Takes the protocol to an end, on this thread. */
    private TrafficSwitch.Result move(Wish wish, SwitchOrder order, Consumer<TrafficSwitch.Result> decided)
            throws SQLException, InterruptedException {
        Phase before = standing.phase;
        moving = true;
        try {
            TrafficSwitch.Result result = traffic.move(wish, order, new TrafficSwitch.Ground(standing.plan,
                    Preparation.schema(file, options.busyTimeout()), generation, replicationRole, this::meet, this::follower,
                    standing.plan.schemaHash()));
            generation = result.generation();
            decided.accept(result);
            if (result.unknown()) { // said before PostgreSQL is waited for
                standing.phase = wish == Wish.ROLL_BACK || standing.phase == Phase.ROLLING_BACK ? Phase.ROLLING_BACK : Phase.CUTTING_OVER;
            }
            standing.phase = session.run(connection -> {
                standing.register = new ControlRow(name).ask(connection);
                Phase stored = store.standing(connection).phase();
                // a copy or a comparison goes on where it stood; in between the two sides decide, not what is stored
                Phase now = result.unknown() ? stored == Phase.ROLLING_BACK ? stored : Phase.CUTTING_OVER
                        : stored.hasReached(Phase.REPLICATING) ? PostgresSide.decided(Traffic.of(standing.register.traffic())) : stored;
                store.setPhase(connection, now);
                if (order != null || !result.unknown()) { // settling is tried again and again until PostgreSQL answers
                    new Audit(name).append(connection, order == null ? Audit.DAEMON : order.actor(), wish.label() + "_ended",
                            SwitchReport.outcome(result, before, now, standing.epoch()));
                }
                connection.commit();
                return now;
            });
            return result;
        } finally {
            moving = false;
        }
    }

    /** What is left to do when it is decided; a crash in here is gone on from. Returns where the audit log was left. */
    private Path finishComplete() throws SQLException, InterruptedException {
        Path kept = keepAudit();
        traffic.removeReverse(standing.plan, generation);
        session.run(connection -> {
            new TargetFence(name, standing.plan).remove(connection, FENCE_WAIT);
            connection.commit();
            return null;
        });
        removeFromTarget();
        LOG.info("event=completed migration={}: PostgreSQL holds nothing of Sluice any more; the audit log is {}", name, kept);
        return kept;
    }

    /** Writes the rest of the audit log to its file: the target is about to forget the migration. */
    private Path keepAudit() throws SQLException, InterruptedException {
        session.run(connection -> {
            try {
                audit.flush(connection);
                return null;
            } catch (IOException e) {
                throw new TargetRefusal("the audit log can't be left at " + audit.file() + " (" + e.getMessage()
                        + "): see that its folder may be written", e);
            }
        });
        return audit.file();
    }

    /** What the acts of an operator ask of this thread. */
    private final class ForActs implements SwitchActs.FollowThread {

        @Override
        public LastingSession session() {
            return session;
        }

        @Override
        public long generation() {
            return generation;
        }

        @Override
        public TrafficSwitch.Result move(Wish wish, SwitchOrder order, Consumer<TrafficSwitch.Result> decided)
                throws SQLException, InterruptedException {
            return LiveMigration.this.move(wish, order, decided);
        }

        @Override
        public void settle() throws SQLException, InterruptedException {
            settled();
        }

        @Override
        public void follow() throws SQLException, InterruptedException {
            followTarget();
        }

        @Override
        public void leaveSource() {
            closeReader();
            follower = null;
        }

        @Override
        public void closeSource() {
            closeReader();
        }

        @Override
        public Path finishComplete() throws SQLException, InterruptedException {
            return LiveMigration.this.finishComplete();
        }

        @Override
        public void stopSoon() {
            valve.stop();
        }

        @Override
        public boolean stop() throws InterruptedException {
            valve.stop();
            thread.interrupt();
            thread.join(CANCEL_GRACE.toMillis());
            return !thread.isAlive();
        }
    }

    /** What the acts on single rows ask of this thread. */
    private final class ForRows implements RowActs.FollowThread {

        @Override
        public LastingSession session() {
            return session;
        }

        @Override
        public Follower follower() {
            requireOpen();
            return follower;
        }

        @Override
        public SourceTable source(String table) {
            return sources.get(table);
        }
    }

    /** @param fence what an earlier daemon has left; null where the register tells all */
    private void announce(Fence.State fence) {
        ControlRow.Content now = standing.register;
        String installation = traffic.installation();
        if (now != null && installation != null) {
            Traffic before = standing.phase == Phase.ROLLING_BACK ? Traffic.POSTGRES : Traffic.SQLITE;
            Traffic said = Traffic.of(now.traffic());
            boolean held = said == Traffic.SQLITE && fence != null && fence.fenced();
            traffic.settings().announcer().say(held ? Traffic.FENCED : said, before,
                    held ? Math.max(now.epoch(), fence.trafficEpoch()) : now.epoch(), installation);
        }
    }

    /** An older release may have made it. */
    private Void renewStore() throws SQLException {
        try (Connection connection = target.connect()) {
            connection.setAutoCommit(false);
            StoreSchema.renew(connection);
            connection.commit();
            return null;
        }
    }

    /** What PostgreSQL took since a cutover would be planned away by a migration that begins anew. */
    private void requireOpenSource() throws SQLException {
        try (SqliteSession look = file.openReader(options.busyTimeout())) {
            Fence.State fence = Fence.state(look);
            if (fence != null && fence.fenced()) {
                throw new SourceRefusal("the writes of " + file.path() + " have moved to PostgreSQL (epoch " + fence.trafficEpoch()
                        + "), and the target knows no migration " + name + ": either it was completed, or --target is another"
                        + " database; to use the file as a source again, take the fence out of it with sluice cancel --source "
                        + file.path() + " --switched");
            }
        }
    }

    /** A target that goes away while it is looked at comes back, as at any other time. */
    private Preparation prepared() throws SQLException, InterruptedException {
        try {
            return planning.prepare();
        } catch (TargetRefusal e) {
            if (e.getCause() instanceof SQLException away && SqlFailure.of(away).heals()) {
                throw away;
            }
            throw e;
        }
    }

    private MigrationStore.Stored create() throws SQLException, InterruptedException {
        Preparation preparation = prepared();
        preparation.requireFit();
        return reconnect.call(() -> {
            try (Connection connection = target.connect()) {
                connection.setAutoCommit(false);
                StoreSchema.create(connection);
                if (store.load(connection) == null) {
                    store.create(connection, file.path().toString(), MODE, preparation.plan(), options.version());
                }
                connection.commit();
                return store.load(connection);
            }
        });
    }

    private boolean mayKeepTriggersQuiet() throws SQLException {
        try (Connection connection = target.connect()) {
            boolean may = TargetCheck.of(connection, target.schema(), 0).replicationRole();
            MigrationPlan planned = standing.plan;
            boolean keysMade = store.declarations(connection).keySet().stream()
                    .anyMatch(ordinal -> planned.declarations().get(ordinal).stage() == Stage.FOREIGN_KEY);
            if (!may && keysMade) {
                throw new TargetRefusal("the target's role may not set session_replication_role any more, and the foreign"
                        + " keys that were made would act on replicated rows: grant it again");
            }
            return may;
        }
    }

    /** Writes our generation into the source; where that knows a greater one already, both sides get one greater still. */
    private void claimSource(SqliteSession writer) throws SQLException, InterruptedException {
        Capture.State capture = Capture.state(writer);
        if (capture == null || capture.generation() == generation) {
            return;
        }
        session.run(connection -> {
            store.requireGeneration(connection, generation);
            return null;
        });
        long taken = Capture.takeGeneration(writer, generation);
        if (taken != generation) {
            takingGeneration = true;
            try {
                session.run(connection -> {
                    store.setGeneration(connection, taken);
                    connection.commit();
                    return null;
                });
                generation = taken;
            } finally {
                takingGeneration = false;
            }
        }
    }

    /**
     * Takes the next generation. One that the source knows already was taken before, and the target has forgotten it: then
     * commits were lost, and with them perhaps some that no changelog row tells of, so everything is compared.
     */
    private long takeGeneration() throws SQLException, InterruptedException {
        Capture.State capture;
        try (SqliteSession look = file.openReader(options.busyTimeout())) {
            capture = Capture.state(look);
        }
        return session.run(connection -> {
            SourceFacts facts = store.source(connection);
            long taken = store.takeGeneration(connection);
            boolean behind = capture != null && facts != null && capture.epoch().equals(facts.epoch())
                    && capture.generation() >= taken;
            boolean known = behind && capture.generation() != recalledAt;
            if (behind) {
                taken = capture.generation() + 1;
                store.setGeneration(connection, taken);
            }
            if ((known || wentBack) && (standing.phase == Phase.COPYING || standing.phase.hasReached(Phase.CATCHING_UP))) {
                LOG.warn("event=resync migration={} tables=all: the target has lost commits, some perhaps without a changelog row",
                        name);
                store.addRechecks(connection, standing.plan.tables().stream().map(TablePlan::source).toList());
                leaveReplicating(connection);
            }
            connection.commit();
            wentBack = false;
            return taken;
        });
    }

    /** Takes a new one while it runs: a target that goes back behind this moment is known by its lower generation. */
    private void renewGeneration() throws SQLException, InterruptedException {
        try {
            generation = session.run(connection -> {
                if (!takingGeneration) {
                    store.requireGeneration(connection, generation);
                }
                long taken = store.takeGeneration(connection);
                takingGeneration = true; // from here on the stored one may be ours although no answer comes
                connection.commit();
                return taken;
            });
        } finally {
            takingGeneration = false;
        }
    }

    /** Rows were mended of which no changelog row tells: a target that forgets them again must be compared again. */
    private Void sealRepair() throws SQLException, InterruptedException {
        requireOpen();
        try {
            renewGeneration();
            try (SqliteSession writer = file.openWriter(options.busyTimeout())) {
                claimSource(writer);
            }
            follower = follower();
        } catch (SQLException | RuntimeException e) {
            closeReader(); // everything is opened anew, with the generation that is stored
            throw e;
        }
        return null;
    }

    /** A new connection may lead to a target that has lost commits of ours. */
    private void meet(Connection connection) throws SQLException {
        upkeep.forgetSequences();
        if (generation == 0) {
            return; // nothing is known yet
        }
        MigrationStore.Standing there = store.standing(connection);
        if (there != null && there.standby()) {
            throw SqlFailure.standby(); // it may only be late: waited for until it takes writes
        }
        if (there != null && there.generation() > generation && !takingGeneration) {
            store.requireGeneration(connection, generation); // ends us: what a newer daemon did is no target that went back
        }
        Watermark confirmed = follower == null ? null : follower.confirmed();
        if (there == null || there.generation() < generation || !moving && there.phase().ordinal() < standing.phase.ordinal()
                || confirmed != null && there.seq() < confirmed.seq()) {
            throw new TargetWentBack("the target has lost commits of migration " + name
                    + " (it was restored, or failed over to a replica that lagged)", true);
        }
        if (planSeen != null && !planSeen.equals(there.plan())) {
            throw new TargetWentBack("the target holds another plan of migration " + name, false);
        }
    }

    /** Everything that we knew of the target is forgotten; what it holds is read again, and compared where it must be. */
    private void targetWentBack(TargetWentBack e) {
        LOG.warn("event=target_went_back migration={} reason=\"{}\"", name, e.getMessage());
        closeReader();
        traffic.close(); // whether there is a stream to go on with is looked at anew
        follower = null;
        standing.watermark = null;
        verifications.forget();
        planSeen = null;
        generation = 0;
        wentBack |= e.lossy();
    }

    private Follower follower() throws SQLException, InterruptedException {
        return follower(session, session.run(store::source));
    }

    /** @param facts what the source is known to be */
    private Follower follower(LastingSession over, SourceFacts facts) throws SQLException {
        SourceState look = SourceState.of(file, standing.plan, options.busyTimeout());
        if (look.capture() == null || !look.capture().epoch().equals(facts.epoch())) {
            throw new SourceChanged(SourceChanged.Kind.HISTORY, "the capture that was installed in " + file.path() + " is gone");
        }
        if (!look.damaged().isEmpty()) {
            throw new SourceChanged(SourceChanged.Kind.SCHEMA, "capture triggers are missing or were altered");
        }
        reader.follow(look.capture(), look.schema());
        return new Follower(file, reader, over, store, standing.plan, options.conflicts(), generation, options.batch(), new Follower.Expected(
                new SqliteFile.Identity(facts.device(), facts.inode()), facts.schemaHash(), look.captureHash(),
                renumbered().isEmpty() ? Follower.Expected.ANY_VERSION : facts.schemaVersion()), this::fellBehind);
    }

    /** The application writes faster than PostgreSQL takes it: until it has caught up this is no replica of one commit. */
    private void fellBehind(Connection connection) throws SQLException {
        if (standing.phase == Phase.REPLICATING || behind) {
            leaveReplicating(connection);
            behind = true;
        }
    }

    /** Back to catching_up, in the caller's transaction; our own phase is not ahead of the stored one if that fails. */
    private void leaveReplicating(Connection connection) throws SQLException {
        if (standing.phase == Phase.REPLICATING || standing.phase == Phase.CATCHING_UP) {
            store.enter(connection, Phase.REPLICATING, Phase.CATCHING_UP);
            standing.phase = Phase.CATCHING_UP;
        }
    }

    private void step() throws SQLException, InterruptedException {
        if (!valve.isPaused()) {
            switch (standing.phase) {
                case CREATED -> install();
                case COPYING -> copy();
                case CATCHING_UP -> catchUp();
                case REPLICATING -> follow();
                case SWITCHED -> stream();
                case CUTTING_OVER, ROLLING_BACK -> settled();
                case COMPLETED, CANCELLED ->
                    throw new IllegalStateException("migration " + name + " has ended in phase " + standing.phase.label());
            }
            mirrorAudit();
        } else {
            requests.runWithin(Duration.ofMillis(100));
        }
    }

    private void mirrorAudit() throws SQLException, InterruptedException {
        if (valve.isStopped() || standing.phase.successors().isEmpty()) {
            return;
        }
        String trouble = upkeep.mirrorAudit(session, standing);
        if (trouble != null) {
            standing.note(trouble);
        }
    }

    // ---- phase created ----

    private void install() throws SQLException, InterruptedException {
        Declarations declarations = new Declarations(standing.plan, store);
        session.run(connection -> {
            declarations.run(connection, EnumSet.of(Stage.GROUND, Stage.TABLE));
            return null;
        });
        fenceTarget();
        if (valve.isStopped()) {
            return;
        }
        SourceSchema present = Preparation.schema(file, options.busyTimeout());
        if (!present.hash().equals(standing.plan.schemaHash())) {
            redraw(present); // planning may have taken hours
            return;
        }
        use(present);
        SqliteFile.Identity identity = identity();
        boolean ours;
        try (SqliteSession writer = file.openWriter(options.busyTimeout())) {
            String epoch = session.run(connection -> intendedEpoch(connection, identity));
            ours = Capture.install(writer, new ArrayList<>(sources.values()), schema.hash(), epoch).epoch().equals(epoch);
            if (ours) {
                claimSource(writer);
            }
        }
        SourceState look = SourceState.of(file, standing.plan, options.busyTimeout());
        if (!ours || !look.damaged().isEmpty()) {
            throw new SourceRefusal(file.path() + " is captured already, for another migration or another choice of tables:"
                    + " remove that with `sluice cancel --source " + file.path() + "`, if no other daemon follows it");
        }
        Map<String, List<RowKey>> parts = new LinkedHashMap<>();
        for (TablePlan table : standing.plan.tables()) {
            parts.put(table.source(), Parts.of(reader, sources.get(table.source()), table.rows(), options.workers()));
        }
        session.run(connection -> {
            store.setGeneration(connection, generation);
            store.saveSource(connection, new SourceFacts(look.capture().epoch(), identity.device(), identity.inode(),
                    schema.hash(), look.schemaVersion()));
            store.resetWatermark(connection,
                    new Watermark(look.capture().head().seq(), look.capture().head().nonce(), false));
            for (Map.Entry<String, List<RowKey>> table : parts.entrySet()) {
                store.createChunks(connection, table.getKey(), table.getValue());
            }
            enter(connection, Phase.COPYING);
            standing.register = new ControlRow(name).ask(connection);
            connection.rollback();
            return null;
        });
        announce(null); // an application that is started by the flag file must find one before anything is moved
        follower = follower();
    }

    /** From here on PostgreSQL refuses every writer but us, so that nothing of theirs is overwritten or lost. */
    private void fenceTarget() throws SQLException, InterruptedException {
        try {
            session.run(connection -> {
                new TargetFence(name, standing.plan).raise(connection, FENCE_WAIT);
                connection.commit();
                return null;
            });
        } catch (TargetRefusal e) {
            standing.note(e.getMessage() + "; until then nothing keeps others from writing there, and a cutover is refused");
        }
    }

    /** The epoch that capture is to be installed under, written down before: what has another one is not ours. */
    private String intendedEpoch(Connection connection, SqliteFile.Identity identity) throws SQLException {
        if (store.source(connection) == null) {
            store.saveSource(connection, new SourceFacts(UUID.randomUUID().toString(), identity.device(), identity.inode(),
                    standing.plan.schemaHash(), 0));
            connection.commit();
        }
        return store.source(connection).epoch();
    }

    private SqliteFile.Identity identity() {
        try {
            return file.identity();
        } catch (IOException e) {
            throw new SourceRefusal("the source file " + file.path() + " can't be looked at: " + e.getMessage(), e);
        }
    }

    // ---- phase copying ----

    private void copy() throws SQLException, InterruptedException {
        Declarations declarations = new Declarations(standing.plan, store);
        CopyProgress counting = new CopyProgress() {
            @Override
            public void copied(String table, long rows, long bytes) {
                standing.copied.merge(table, rows, Long::sum);
                progress.copied(table, rows, bytes);
            }

            @Override
            public void parked(String table, long rows) {
                standing.addParked(table, rows);
                progress.parked(table, rows);
            }

            @Override
            public void finished(String table) {
                progress.finished(table);
            }
        };
        BulkCopy copy = new BulkCopy(file, standing.plan, sources, target, reconnect, store, generation,
                new BulkCopy.Settings(options.workers(), options.chunk(), options.busyTimeout(), replicationRole,
                        schema.hash(), true), valve, counting,
                (connection, table) -> {
                    declarations.run(connection, EnumSet.of(Stage.KEY, Stage.INDEX), table);
                    declarations.analyze(connection, table);
                });
        if (copy.run()) {
            boolean history = historyIsWhole();
            session.run(connection -> {
                if (!history) {
                    store.addRechecks(connection, sources.keySet());
                }
                enter(connection, Phase.CATCHING_UP);
                return null;
            });
        }
    }

    /** False if the source has lost changelog rows that a chunk's snapshot showed: it went back in time since. */
    private boolean historyIsWhole() throws SQLException, InterruptedException {
        List<Position> heads = session.run(store::chunks).stream().map(ChunkProgress::head)
                .filter(head -> head != null).distinct().toList();
        try (Snapshot snapshot = reader.open()) {
            for (Position head : heads) {
                if (HealScan.commonRow(snapshot, List.of(head).iterator()) == null) {
                    LOG.warn("event=history_lost migration={}: the source went back in time during the copy", name);
                    return false;
                }
            }
            return true;
        }
    }

    // ---- phase catching up ----

    private void catchUp() throws SQLException, InterruptedException {
        Declarations declarations = new Declarations(standing.plan, store);
        long connected = session.run(connection -> {
            declarations.run(connection, EnumSet.of(Stage.KEY, Stage.INDEX)); // made, unless the target has lost them again
            return session.opened();
        });
        if (!drainPieces() || !recheck()) {
            return;
        }
        session.run(connection -> {
            declarations.run(connection, EnumSet.of(Stage.UNIQUE, Stage.CHECK, Stage.VIEW));
            declarations.analyzeUnknown(connection);
            return null;
        });
        if (!drainPieces()) {
            return;
        }
        if (replicationRole) {
            session.run(connection -> {
                declarations.run(connection, EnumSet.of(Stage.FOREIGN_KEY));
                return null;
            });
        } else {
            // a cascade of PostgreSQL's would delete rows that SQLite kept, if the application doesn't enforce its keys
            standing.note("foreign keys are not made, because the role may not set session_replication_role: grant it and start anew,"
                    + " or run those that sluice plan prints before moving over");
        }
        try (SqliteSession sequences = file.openReader(options.busyTimeout())) {
            Map<String, Long> remembered = Sources.sequences(sequences);
            session.run(connection -> {
                declarations.setSequences(connection, remembered);
                return null;
            });
        }
        fenceTarget(); // made, unless a table is new
        Follower.Turn last = follower.turn(true);
        applied(last);
        if (!last.watermark().consistent()) {
            return; // the application writes faster than we apply: again
        }
        boolean entered = session.run(connection -> {
            if (session.opened() != connected) {
                return false; // the target may have lost some of it: once more, where most is done
            }
            enter(connection, Phase.REPLICATING);
            return true;
        });
        seenNanos = System.nanoTime();
        if (entered) {
            widen();
        }
    }

    /** Applies the backlog piece by piece; false if it was stopped or paused before the end. */
    private boolean drainPieces() throws SQLException, InterruptedException {
        Follower.Turn turn;
        do {
            if (valve.isPaused() || valve.isStopped()) {
                return false;
            }
            turn = follower.turn(false);
            applied(turn);
        } while (!turn.watermark().consistent());
        return true;
    }

    private void applied(Follower.Turn turn) throws SQLException, InterruptedException {
        standing.watermark = turn.watermark();
        standing.changesApplied += turn.changes();
        turn.written().forEach((table, written) -> standing.events.applied(table, written.upserts(), written.deletes()));
        if (turn.watermark().consistent()) {
            standing.consistentAt = Instant.now();
        }
        if (turn.parked() > 0 || turn.rows() > 0 && !standing.parked().isEmpty()) {
            standing.parked(session.run(store::parkedCounts));
        }
        standing.unblock();
    }

    // ---- phase replicating ----

    private void follow() throws SQLException, InterruptedException {
        if (heldLookedAt) {
            heldLookedAt = false;
            heldTried.run(); // all that follows from the look was done: it replicates again
            heldTried = null;
        } else if (heldTried != null) {
            throw new SourceChanged(SourceChanged.Kind.SCHEMA, "tables that are held are tried again");
        }
        long looked = System.nanoTime();
        if (standing.watermark == null || follower.sourceChanged()) {
            long began = System.nanoTime();
            Follower.Turn turn = follower.turn(true);
            standing.unblock(); // somebody may have decided a conflict
            if (turn.changes() > 0) {
                standing.appliedNanos += System.nanoTime() - began;
                standing.events.visible(Duration.ofNanos(System.nanoTime() - seenNanos));
            }
            seenNanos = began; // the turn has read everything that was committed by then
            applied(turn);
            if (behind) {
                behind = false;
                LOG.info("event=phase migration={} from=replicating to=catching_up: the application writes faster than"
                        + " PostgreSQL takes it", name);
                return;
            }
            idleSinceNanos = System.nanoTime();
            visitedAtNanos = idleSinceNanos;
            if (turn.parked() > 0) {
                widen();
            }
        } else {
            seenNanos = looked;
            // an application that is silent for a second, and more so for half a minute, costs next to nothing
            long idleSeconds = (System.nanoTime() - idleSinceNanos) / 1_000_000_000L;
            int slower = idleSeconds < 1 ? 1 : idleSeconds < 30 ? 10 : 20;
            requests.runWithin(options.pollInterval().multipliedBy(slower));
        }
        requests.runOne();
        if (reader == null || valve.isStopped()) {
            return; // a command found that all must be opened anew, or was where we were interrupted
        }
        Watermark at = standing.watermark;
        if (at != null) {
            upkeep.raiseSequences(at, standing.plan, session);
        }
        visit();
        follower.readVersions(VERSIONS_PER_TURN);
        if (widenAgain && System.nanoTime() - widenedAtNanos > Upkeep.PAUSE.toNanos()) {
            widen();
        }
        if (at != null) {
            upkeep.purge(at, generation, session);
        }
    }

    // ---- phase switched ----

    private boolean streams() {
        return standing.phase == Phase.SWITCHED && traffic.isStreaming();
    }

    /** PostgreSQL's commits come back on threads of their own; this one looks after them. */
    private void stream() throws SQLException, InterruptedException {
        requests.runWithin(Duration.ofMillis(100));
        if (standing.phase != Phase.SWITCHED || valve.isStopped()) {
            return;
        }
        if (visit()) {
            announce(null); // mends a flag file that somebody removed
        }
        String reason = traffic.blocked();
        if (reason != null) {
            standing.block(reason);
            return;
        }
        if (traffic.isSchemaAhead()) {
            followTarget();
        }
        standing.unblock();
    }

    /** Gives SQLite the tables and columns that PostgreSQL was given; the stream is opened anew. */
    private void followTarget() throws SQLException, InterruptedException {
        boolean ended = true;
        try {
            ended = traffic.follow();
        } catch (SourceRefusal e) {
            throw new Unfit(e.getMessage());
        } finally {
            if (ended) {
                traffic.close();
            }
        }
        if (ended) {
            settled();
        }
    }

    /** SQLite may have been given tables and columns that the stored plan does not know of yet. */
    private void adoptGrowth() throws SQLException, InterruptedException {
        Grown grown = growth.left();
        if (grown == null) {
            return;
        }
        if (grown.from().equals(standing.plan)) {
            long version = growth.capture(grown, generation);
            session.run(connection -> {
                store.requireGeneration(connection, generation);
                growth.save(connection, grown, version);
                commitPlan(connection);
                return null;
            });
            standing.plan = grown.plan();
            grown.news().forEach(standing::note);
        }
        growth.forget(generation);
    }

    /**
     * While the application is silent nothing else would tell that the target is away, or that it went back; true if it was
     * time to look.
     */
    private boolean visit() throws SQLException, InterruptedException {
        if (System.nanoTime() - visitedAtNanos <= VISIT_PAUSE.toNanos()) {
            return false;
        }
        session.run(connection -> {
            store.requireGeneration(connection, generation);
            return null;
        });
        visitedAtNanos = System.nanoTime();
        return true;
    }

    private void commitPlan(Connection connection) throws SQLException {
        planSeen = null; // whether this arrives is not known before the answer
        connection.commit();
        planSeen = store.standing(connection).plan();
    }

    /** Takes the bound off a type whose bound parked rows, where PostgreSQL can do so without rewriting the table. */
    private void widen() throws SQLException, InterruptedException {
        if (standing.parked().isEmpty() || !options.widen()) {
            return;
        }
        MigrationPlan before = standing.plan;
        Widening.Outcome outcome = session.run(connection -> {
            Widening.Outcome changed = Widening.widen(connection, before, store.parked(connection, 1_000).stream()
                    .filter(row -> row.column() != null).map(row -> new Widening.Column(row.table(), row.column())).toList());
            if (changed.plan() != before) {
                store.savePlan(connection, changed.plan());
                commitPlan(connection);
            }
            return changed;
        });
        widenAgain = outcome.busy();
        widenedAtNanos = System.nanoTime();
        if (outcome.plan() != before) {
            standing.plan = outcome.plan();
            follower.use(standing.plan);
            Widening.difference(before, standing.plan).forEach(standing::note);
            retryParkedRows();
            widen(); // a row that fits in this column may not fit in its next
        }
    }

    /** The operator may have widened a column: then its table is compared, as its values were made by PostgreSQL's cast. */
    private void takeOverTypes() throws SQLException, InterruptedException {
        MigrationPlan before = standing.plan;
        Retyping.Outcome outcome = session.run(connection -> {
            Retyping.Outcome found = Retyping.look(connection, before, sources);
            if (!found.tables().isEmpty()) {
                store.requireGeneration(connection, generation);
                store.savePlan(connection, found.plan());
                remember(connection, found.tables());
                commitPlan(connection);
            }
            return found;
        });
        outcome.refused().forEach(standing::note);
        if (outcome.plan() != before) {
            standing.plan = outcome.plan();
            follower.use(standing.plan);
            Widening.difference(before, standing.plan).forEach(standing::note);
        }
    }

    private long retryParkedRows() throws SQLException, InterruptedException {
        List<ParkedRow> rows = session.run(connection -> store.parked(connection, 10_000));
        Map<String, Set<RowKey>> keys = new TreeMap<>();
        rows.forEach(row -> keys.computeIfAbsent(row.table(), t -> new HashSet<>()).add(row.key()));
        for (Map.Entry<String, Set<RowKey>> table : keys.entrySet()) {
            follower.again(sources.get(table.getKey()), table.getValue());
        }
        follower.use(standing.plan);
        standing.parked(session.run(store::parkedCounts));
        return standing.parkedRows();
    }

    // ---- a source that is not what it was ----

    /** The source as it can't be followed; blocks until somebody has changed that. */
    private static final class Unfit extends RuntimeException {
        Unfit(String message) {
            super(message);
        }
    }

    private void sourceChanged(SourceChanged change) throws SQLException, InterruptedException {
        LOG.warn("event=source_changed migration={} kind={} reason=\"{}\"", name, change.kind(), change.getMessage());
        closeReader();
        traffic.forgetInstallation();
        if (standing.phase == Phase.CREATED || valve.isStopped()) {
            return; // nothing was read yet: open() looks at everything
        }
        if (!Files.exists(file.path())) {
            throw new Unfit(gone());
        }
        SourceState before = followed(SourceState.of(file, standing.plan, options.busyTimeout()));
        use(before.schema());
        reader = new SourceReader(file, options.busyTimeout());
        SourceFacts known = session.run(store::source);
        boolean sameEpoch = before.capture() != null && before.capture().epoch().equals(known.epoch());
        boolean continues = sameEpoch && change.kind() == SourceChanged.Kind.SCHEMA;
        // before anything is mended in the source: after that nothing there would tell of the gap, nor that the target
        // is no replica of one commit until the gap is closed
        session.run(connection -> {
            store.requireGeneration(connection, generation);
            remember(connection, sameEpoch ? before.damaged() : sources.keySet());
            connection.commit();
            return null;
        });
        if (!before.damaged().isEmpty() && before.capture() != null) {
            renewGeneration();
        }
        try (SqliteSession writer = file.openWriter(options.busyTimeout())) {
            if (before.capture() == null) {
                Capture.install(writer, new ArrayList<>(sources.values()), before.schema().hash());
            }
            claimSource(writer);
            if (!before.damaged().isEmpty()) {
                Capture.repair(writer, generation, before.damaged());
            }
            Capture.release(writer, generation, before.left(standing.plan));
        }
        SourceState now = SourceState.of(file, standing.plan, options.busyTimeout());
        Set<String> toCompare = new HashSet<>(sameEpoch ? before.damaged() : sources.keySet());
        if (now.schemaVersion() != known.schemaVersion()) {
            toCompare.addAll(renumbered());
        }
        accept(now, before.schema().hash(), sameEpoch, toCompare);
        if (sameEpoch && !continues) {
            if (follower.heal()) {
                LOG.info("event=history_healed migration={}: the rows that the source lost or rewrote were read again", name);
            } else {
                accept(now, before.schema().hash(), false, sources.keySet());
            }
        }
        standing.unblock();
    }

    /** That tables have to be compared, and that they are no replica until then: one is never stored without the other. */
    private void remember(Connection connection, Collection<String> toCompare) throws SQLException {
        store.addRechecks(connection, toCompare);
        if (!toCompare.isEmpty()) {
            leaveReplicating(connection);
        }
    }

    private String gone() {
        return "the source file " + file.path() + " is gone: put it back, or cancel the migration";
    }

    /** Tables whose rows VACUUM may have numbered anew. */
    private List<String> renumbered() {
        return sources.values().stream().filter(Obstacle::rowidsCanMove).map(SourceTable::name).toList();
    }

    /** What the source is once plan and target are in line with its schema. */
    private SourceState followed(SourceState look) throws SQLException, InterruptedException {
        if (look.schema().hash().equals(standing.plan.schemaHash()) && standing.plan.held().isEmpty()) {
            return look;
        }
        redraw(look.schema());
        SourceState again = SourceState.of(file, standing.plan, options.busyTimeout()); // what is damaged is asked by the new plan
        if (!again.schema().hash().equals(standing.plan.schemaHash())) {
            throw new SourceChanged(SourceChanged.Kind.SCHEMA, "the schema of " + file.path() + " was changed again");
        }
        return again;
    }

    /** Brings plan and target in line with the schema {@code now}. */
    private void redraw(SourceSchema now) throws SQLException, InterruptedException {
        MigrationPlan old = standing.plan;
        Drift drifted = drift.look(old, now);
        session.run(connection -> {
            store.requireGeneration(connection, generation);
            drift.apply(connection, old, drifted);
            if (drifted.isDue()) {
                leaveReplicating(connection);
            }
            commitPlan(connection);
            return null;
        });
        standing.plan = drifted.plan();
        drifted.forgotten().forEach(standing.copied::remove);
        standing.parked(session.run(store::parkedCounts));
        drifted.news().forEach(standing::note);
        standing.plan.held().forEach(table -> LOG.warn("event=held migration={} table={} reason=\"{}\"", name, table.source(),
                table.reason()));
    }

    /** Goes on with the source as {@code now} declares it, which is what the plan was made for. */
    private void use(SourceSchema now) {
        schema = now;
        sources = Sources.of(now, standing.plan);
    }

    /**
     * Takes the source as it is for the truth from now on. That tables have to be compared is remembered in the same
     * transaction: whoever comes after us must know it.
     */
    private void accept(SourceState now, String schemaHash, boolean sameHistory, Collection<String> toCompare)
            throws SQLException, InterruptedException {
        SqliteFile.Identity identity = identity();
        Position head = now.capture().head();
        if (follower != null) {
            follower.forgetWatermark();
        }
        session.run(connection -> {
            store.setGeneration(connection, generation);
            store.saveSource(connection, new SourceFacts(now.capture().epoch(), identity.device(), identity.inode(),
                    schemaHash, now.schemaVersion()));
            if (!sameHistory) {
                store.resetWatermark(connection, new Watermark(head.seq(), head.nonce(), false));
                store.clearJournal(connection);
            }
            remember(connection, toCompare);
            connection.commit();
            return null;
        });
        standing.watermark = null;
        follower = follower();
    }

    /**
     * Compares the tables that have changes in no changelog, and mends what differs, while the application writes; false
     * if it was stopped or paused before the end.
     */
    private boolean recheck() throws SQLException, InterruptedException {
        List<String> tables = session.run(store::rechecks);
        for (String table : tables) {
            LOG.info("event=resync migration={} table={}", name, table);
            Verifier verifier = new Verifier(standing.plan, store, follower, options.step(), true);
            VerifyReport report;
            try {
                report = verifier.verify(subjects(List.of(table)), (compared, done) -> {},
                        () -> valve.isStopped() || valve.isPaused());
            } catch (Verifier.Stopped e) {
                return false;
            }
            session.run(connection -> {
                store.removeRecheck(connection, table);
                connection.commit();
                return null;
            });
            LOG.info("event=resynced migration={} table={} rows={} mended={}", name, table, report.rows(),
                    report.differenceCount());
        }
        if (!tables.isEmpty()) {
            retryParkedRows();
        }
        return true;
    }
}
