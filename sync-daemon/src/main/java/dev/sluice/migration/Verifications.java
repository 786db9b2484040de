package dev.sluice.migration;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.capture.Capture;
import dev.sluice.capture.CapturedTable;
import dev.sluice.change.RowKey;
import dev.sluice.declare.Sequences;
import dev.sluice.phase.Phase;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.postgres.LastingSession;
import dev.sluice.postgres.Reconnect;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.reverse.ReverseStream;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.Audit;
import dev.sluice.store.ControlRow;
import dev.sluice.store.Keys;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.StoredRun;
import dev.sluice.store.StoredRun.State;
import dev.sluice.store.VerificationStore;
import dev.sluice.tail.KeyOrder;
import dev.sluice.tail.Limits;
import dev.sluice.tail.SourceReader;
import dev.sluice.verify.CatalogCheck;
import dev.sluice.verify.Difference;
import dev.sluice.verify.Evidence;
import dev.sluice.verify.Findings;
import dev.sluice.verify.ReturningStream;
import dev.sluice.verify.RunScan;
import dev.sluice.verify.SamePoint;
import dev.sluice.verify.Scans;
import dev.sluice.verify.Subject;
import dev.sluice.verify.TableReport;
import dev.sluice.verify.Touched;
import dev.sluice.verify.Trees;
import dev.sluice.verify.Verifier;
import dev.sluice.verify.VerifyReport;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The verifications of one live migration: made, watched and stopped by whoever asks, carried out one after the other by a
 * thread of their own, {@code verify-NAME}. What they have done stands in the target, so that a restarted daemon goes on
 * where they were. Thread-safe.
 */
public final class Verifications implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(LiveMigration.class); // operators know one name

    /** How often the trees take over what changed. */
    private static final Duration DIGEST_PAUSE = Duration.ofSeconds(2);
    private static final Duration IDLE_MAX = Duration.ofSeconds(30);
    private static final Duration LOOK_PAUSE = Duration.ofMillis(100);
    private static final Duration REST_MAX = Duration.ofSeconds(20);
    private static final Duration CLOSE_WAIT = Duration.ofSeconds(10);
    /** How old the look at what changed since the last whole verification may be when a cutover begins. */
    private static final Duration CHECKED_WITHIN = Duration.ofMinutes(1);
    private static final Duration MARK_WAIT = Duration.ofSeconds(3);
    private static final Duration MEND_WAIT = Duration.ofSeconds(30);
    private static final int BEGINNINGS_MAX = 5;
    private static final int RUNS_LISTED_MAX = 20;
    private static final Set<State> OPEN = EnumSet.of(State.PENDING, State.RUNNING);

    private final String name;
    private final SqliteFile file;
    private final Target target;
    private final MigrationStore migrationStore;
    private final VerificationStore store;
    private final Ground ground;
    private final Limits limits;
    private final Duration busyTimeout;
    private final String version;
    private final Touched touched = new Touched();
    private final LastingSession session;
    private final Thread thread;
    private final Map<Long, CompletableFuture<VerifyReport>> awaited = new ConcurrentHashMap<>();
    private final Map<Long, Map<String, List<Difference>>> shown = new ConcurrentHashMap<>();

    private final Object lock = new Object();
    private boolean closed; // guarded by lock
    private long toStop; // guarded by lock: a run that is to stop
    private long running; // guarded by lock: the run under way, 0 for none
    private long runningSinceNanos; // guarded by lock
    private long doneBefore; // guarded by lock: rows that the run had compared when this process took it up
    private boolean asked; // guarded by lock: something is to be looked at
    private boolean forget; // guarded by lock: the target may not be where it was
    private volatile StoredRun whole; // the newest one over everything that has ended, as the target knows it
    private volatile StoredRun checked; // the newest one over all tables that has ended, whole or not
    private volatile long epoch;

    // what belongs to the thread
    private final Trees trees;
    private SourceReader reader; // while PostgreSQL takes the writes
    private long digestedNanos;
    private Looked looked; // null where the next look is due
    private boolean again; // a look is due soon, whatever else happens
    private long restedNanos;
    private volatile Hashed hashed = new Hashed(null, null);

    /** What a verification needs of its migration. Called on the verifications' thread. */
    interface Ground {

        MigrationPlan plan();

        Phase phase();

        boolean isPaused();

        /** The newest changelog row that the target has; -1 if not known. */
        long appliedSeq();

        /** True if sequences were not raised yet to what came with the changelog up to {@code seq}; on the follow thread. */
        boolean sequencesDue(long seq);

        /** Moments at which both sides are equal, while SQLite takes the writes. */
        SamePoint samePoint();

        /** Has the stream that brings PostgreSQL's commits back. */
        TrafficSwitch traffic();

        /** Rows were mended: parked ones may find their place now, and a target that forgets it must be compared again. */
        void mended(boolean any) throws Exception;
    }

    /**
     * What is asked for.
     *
     * @param tables source tables, empty for all
     * @param whole true to read everything, false to read only what changed since both sides were last compared
     * @param share how much of the time it may work, in percent
     */
    public record Order(List<String> tables, boolean whole, boolean repair, int share, boolean showValues, String actor) {

        public Order {
            tables = List.copyOf(tables);
        }

        /** Everything, at full speed. */
        public static Order of(Collection<String> tables, boolean repair, String actor) {
            return new Order(List.copyOf(tables), true, repair, 100, false, actor);
        }
    }

    /**
     * A run as it stands.
     *
     * @param state as stored, or {@code STALE} for one that was verified and says nothing of the present any more
     * @param eta how long it still takes, as far as can be said; or null
     * @param shown differences with their values, where they were asked for and are in memory still, by table
     */
    public record View(StoredRun run, State state, String because, List<StoredRun.Table> tables, Duration eta,
            Map<String, List<Difference>> shown) {

        public long rowsDone() {
            return tables.stream().mapToLong(StoredRun.Table::done).sum();
        }

        public long rowsTotal() {
            return tables.stream().mapToLong(StoredRun.Table::total).sum();
        }
    }

    /**
     * What is proven at present.
     *
     * @param label {@code unverified}, {@code verifying}, {@code verified}, {@code mismatched} or {@code stale}
     * @param at when the last verification of everything ended, or null
     */
    record Proof(String label, Instant at) {}

    /** What the gate of a cutover wants to know; {@code says} what to do where it is not enough. */
    record Freshness(boolean enough, String says) {}

    Verifications(String name, SqliteFile file, Target target, Reconnect reconnect, MigrationStore migrationStore, Ground ground,
            LiveMigration.Options options) {
        this.name = name;
        this.file = file;
        this.target = target;
        this.migrationStore = migrationStore;
        this.store = new VerificationStore(name);
        this.ground = ground;
        this.limits = options.step();
        this.busyTimeout = options.busyTimeout();
        this.version = options.version();
        this.trees = new Trees(store, touched);
        this.session = new LastingSession(target, reconnect, false);
        this.thread = new Thread(this::work, "verify-" + name);
    }

    void start() {
        thread.start();
    }

    /** Hears of the stream that brings PostgreSQL's commits back. */
    TrafficSwitch.Listening listening() {
        return new TrafficSwitch.Listening() {
            @Override
            public void opening() throws SQLException {
                touched.open();
                try (Connection connection = target.connect()) {
                    store.beginStreaming(connection); // from here on only memory knows which rows change
                }
            }

            @Override
            public void closed() {
                touched.close();
            }

            @Override
            public void touched(String table, Collection<RowKey> keys, long lsn) {
                touched.touch(table, keys, lsn);
            }
        };
    }

    // ---- what others ask ----

    /** Makes a run, which begins at once. Refused while another one is open. */
    public StoredRun create(Order order) throws SQLException {
        MigrationPlan plan = requirePlan(order.tables());
        boolean switched = ground.phase() == Phase.SWITCHED;
        StoredRun run = withConnection(connection -> {
            List<StoredRun> open = store.open(connection);
            if (!open.isEmpty()) {
                throw new TargetRefusal("a verification is running already (run " + open.get(0).run()
                        + "): wait for it, or stop it with sluice verify stop");
            }
            ControlRow.Content register = register(connection);
            StoredRun made = store.create(connection, new StoredRun(0, State.PENDING, order.tables(), order.whole(),
                    order.repair(), order.share(), order.actor(), switched ? ControlRow.POSTGRES : ControlRow.SQLITE,
                    register.epoch(), plan.schemaHash(), planHash(), version, 0, 0, null, null, null, null, null, null));
            awaited.put(made.run(), new CompletableFuture<>());
            if (order.showValues()) {
                shown.put(made.run(), Map.of());
            }
            connection.commit();
            return made;
        });
        wake();
        return run;
    }

    private MigrationPlan requirePlan(List<String> tables) {
        Phase phase = ground.phase();
        MigrationPlan plan = ground.plan();
        if (phase != Phase.REPLICATING && phase != Phase.SWITCHED) {
            throw new TargetRefusal("can't verify in phase " + phase.label() + ": wait for replicating");
        }
        if (phase == Phase.REPLICATING && ground.isPaused()) {
            throw new TargetRefusal("can't verify while paused: resume first");
        }
        for (String wanted : tables) {
            if (plan.table(wanted) == null && plan.held(wanted) == null) {
                throw new TargetRefusal("table " + wanted + " is not part of the migration");
            }
        }
        return plan;
    }

    /** Makes a run and waits for its end. */
    public VerifyReport verify(Order order) throws Exception {
        return await(create(order).run());
    }

    /** Waits for the end of a run that this process carries out; throws what ended it before its end. */
    public VerifyReport await(long run) throws Exception {
        return await(run, () -> {});
    }

    private VerifyReport await(long run, Runnable meanwhile) throws Exception {
        CompletableFuture<VerifyReport> report = awaited.get(run);
        if (report == null) {
            throw new TargetRefusal("verification " + run + " is not under way here");
        }
        while (true) {
            try {
                return report.get(1, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                throw e.getCause() instanceof Exception cause ? cause : e;
            } catch (TimeoutException e) {
                if (!thread.isAlive()) {
                    throw new TargetRefusal("the migration has ended");
                }
                meanwhile.run();
            }
        }
    }

    /** A run, the newest one where {@code run} is 0; null if there is none. */
    public View view(long run) throws SQLException {
        return withConnection(connection -> {
            StoredRun found = run == 0 ? store.latest(connection, 1).stream().findFirst().orElse(null)
                    : store.run(connection, run).orElse(null);
            return found == null ? null : view(connection, found);
        });
    }

    /** The newest runs, newest first. */
    public List<View> views() throws SQLException {
        return withConnection(connection -> {
            List<View> views = new ArrayList<>();
            for (StoredRun run : store.latest(connection, RUNS_LISTED_MAX)) {
                views.add(view(connection, run));
            }
            return views;
        });
    }

    private View view(Connection connection, StoredRun run) throws SQLException {
        List<StoredRun.Table> tables = store.tables(connection, run.run());
        String because = run.state() == State.VERIFIED ? whyStale(connection, run) : null;
        return new View(run, because == null ? run.state() : State.STALE, because == null ? run.reason() : because, tables,
                eta(run, tables), shown.getOrDefault(run.run(), Map.of()));
    }

    private String whyStale(Connection connection, StoredRun run) throws SQLException {
        ControlRow.Content register = register(connection);
        if (register.epoch() != run.epoch()) {
            return "the writes have moved since (epoch " + register.epoch() + ")";
        }
        return ground.plan() != null && !planHash().equals(run.planHash()) ? "the schema or a type was changed since" : null;
    }

    private Duration eta(StoredRun run, List<StoredRun.Table> tables) {
        synchronized (lock) {
            long done = tables.stream().mapToLong(StoredRun.Table::done).sum() - doneBefore;
            long left = tables.stream().filter(table -> !table.isDone())
                    .mapToLong(table -> Math.max(0, table.total() - table.done())).sum();
            return run.run() != running || done <= 0 ? null
                    : Duration.ofNanos((long) ((double) (System.nanoTime() - runningSinceNanos) / done * left));
        }
    }

    /** Ends a run before its time; it can be resumed. False if it is not open. */
    public boolean stop(long run) throws SQLException {
        boolean open = withConnection(connection -> store.run(connection, run).filter(found -> found.state().isOpen())
                .isPresent());
        if (open) {
            synchronized (lock) {
                toStop = run;
            }
            wake();
        }
        return open;
    }

    /** Goes on with a run that was stopped, where it stood. False if it is not stopped. */
    public boolean resume(long run) throws SQLException {
        requirePlan(List.of());
        boolean resumed = withConnection(connection -> {
            if (!store.open(connection).isEmpty()) {
                throw new TargetRefusal("another verification is running: wait for it, or stop it with sluice verify stop");
            }
            boolean entered = store.enter(connection, run, EnumSet.of(State.STOPPED), State.PENDING, null);
            connection.commit();
            return entered;
        });
        if (resumed) {
            awaited.put(run, new CompletableFuture<>());
            wake();
        }
        return resumed;
    }

    private ControlRow.Content register(Connection connection) throws SQLException {
        return new ControlRow(name).look(connection).orElseThrow(() -> new TargetRefusal(
                "PostgreSQL does not know migration " + name + " any more"));
    }

    // ---- what it is worth ----

    /** As the status shows it; asks nobody. */
    Proof standing() {
        synchronized (lock) {
            if (running != 0) {
                return new Proof("verifying", whole == null ? null : whole.endedAt());
            }
        }
        StoredRun last = whole;
        StoredRun newest = checked;
        return last == null ? new Proof("unverified", null)
                : new Proof(newest != null && newest.state() == State.MISMATCHED ? State.MISMATCHED.label()
                        : isOfThePresent(last) ? last.state().label() : State.STALE.label(), last.endedAt());
    }

    private boolean isOfThePresent(StoredRun run) {
        return run.epoch() == epoch && ground.plan() != null && planHash().equals(run.planHash());
    }

    /**
     * Looks again at what changed since everything was found equal, if that is not too long ago; else does nothing.
     *
     * @param meanwhile asked about once a second; what it throws ends the waiting, not the verification
     */
    void freshen(Duration within, String actor, Runnable meanwhile) throws Exception {
        StoredRun last = whole;
        if (last != null && last.state() == State.VERIFIED && isOfThePresent(last)
                && last.endedAt().plus(within).isAfter(Instant.now())) {
            await(create(new Order(List.of(), false, false, 100, false, actor)).run(), meanwhile);
        }
    }

    /** Whether everything was found equal lately, and what changed since with it. */
    Freshness freshness(Duration within) {
        StoredRun last = whole;
        StoredRun newest = checked;
        if (last == null) {
            return new Freshness(false, "not verified since PostgreSQL has the tables: sluice verify");
        }
        if (last.state() == State.MISMATCHED || newest.state() == State.MISMATCHED) {
            return new Freshness(false, "the last verification found differences: sluice verify show names them");
        }
        if (last.state() != State.VERIFIED || !isOfThePresent(last)) {
            return new Freshness(false, "the writes have moved, or a type was changed, since the verification of "
                    + last.endedAt() + ": sluice verify");
        }
        if (!last.endedAt().plus(within).isAfter(Instant.now())) {
            return new Freshness(false, "too old, it ended at " + last.endedAt() + ": sluice verify");
        }
        boolean lately = newest.state() == State.VERIFIED && isOfThePresent(newest)
                && newest.endedAt().plus(CHECKED_WITHIN).isAfter(Instant.now());
        return new Freshness(lately, "equal at " + last.endedAt() + " (run " + last.run() + ", epoch " + last.epoch()
                + "), what changed since at " + newest.endedAt() + " (run " + newest.run() + ", changelog row " + newest.toSeq()
                + ")" + (lately ? "" : ": that is too long ago, sluice verify --changed"));
    }

    /** The target may have lost commits: what is known is read again. */
    void forget() {
        synchronized (lock) {
            forget = true;
        }
        whole = null;
        checked = null;
    }

    private void remember(Connection connection) throws SQLException {
        epoch = register(connection).epoch();
        whole = store.newest(connection, true);
        checked = store.newest(connection, false);
    }

    private interface Work<T> {
        T run(Connection connection) throws SQLException;
    }

    private <T> T withConnection(Work<T> work) throws SQLException {
        try (Connection connection = target.connect()) {
            connection.setAutoCommit(false);
            T result = work.run(connection);
            connection.rollback();
            return result;
        }
    }

    private void wake() {
        synchronized (lock) {
            asked = true;
            lock.notifyAll();
        }
    }

    // ---- the thread ----

    private void work() {
        try {
            while (!isClosed()) {
                Looked now = new Looked(ground.appliedSeq(), ground.phase(), System.nanoTime());
                try {
                    again = false;
                    look();
                    looked = again ? null : now;
                } catch (SQLException | RuntimeException e) {
                    LOG.debug("verifications are looked at another time", e);
                    looked = null;
                }
                while (!pause(DIGEST_PAUSE) && nothingHappened() && !isClosed()) {
                    LOG.trace("nothing to look at"); // an application that is silent costs next to nothing
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("stopped", e);
        } finally {
            session.close();
            awaited.values().forEach(report -> report.completeExceptionally(
                    new TargetRefusal("the migration has ended, or the daemon is stopping")));
        }
    }

    /** True if neither side has changed since the last look, which is not long ago. */
    private boolean nothingHappened() {
        Looked last = looked;
        synchronized (lock) {
            if (forget || last == null) {
                return false;
            }
        }
        return last.seq == ground.appliedSeq() && last.phase == ground.phase() && touched.isEmpty()
                && System.nanoTime() - last.nanos < IDLE_MAX.toNanos();
    }

    private void look() throws SQLException, InterruptedException {
        if (!isReady()) {
            return;
        }
        boolean anew;
        synchronized (lock) {
            anew = forget;
            forget = false;
        }
        if (anew) {
            trees.forget();
        }
        List<StoredRun> open = session.run(connection -> {
            remember(connection);
            return store.open(connection);
        });
        for (StoredRun run : open) {
            again = true; // there may be more by then, and this one may wait for something
            perform(run);
        }
        if (isReady()) {
            digest();
        }
    }

    private boolean isReady() {
        Phase phase = ground.phase();
        return ground.plan() != null && (phase == Phase.REPLICATING || phase == Phase.SWITCHED);
    }

    private boolean isClosed() {
        synchronized (lock) {
            return closed;
        }
    }

    /** True if it was ended because somebody asks. */
    private boolean pause(Duration atMost) throws InterruptedException {
        long deadline = System.nanoTime() + atMost.toNanos();
        synchronized (lock) {
            long left = atMost.toMillis();
            while (!closed && !asked && left > 0) {
                lock.wait(left);
                left = (deadline - System.nanoTime()) / 1_000_000;
            }
            boolean wanted = asked;
            asked = false;
            return wanted;
        }
    }

    /** Takes over into the trees what changed. */
    private void digest() throws SQLException, InterruptedException {
        digestedNanos = System.nanoTime();
        session.run(connection -> {
            trees.digest(connection, new LiveSource(), planHash());
            return null;
        });
    }

    private String planHash() {
        MigrationPlan plan = ground.plan();
        Hashed known = hashed;
        if (known.plan != plan) {
            known = new Hashed(plan, HexFormat.of().formatHex(Keys.sha256().digest(plan.toJson().getBytes(StandardCharsets.UTF_8))));
            hashed = known;
        }
        return known.hash;
    }

    private record Looked(long seq, Phase phase, long nanos) {}

    private record Hashed(MigrationPlan plan, String hash) {}

    /** The source as it is when somebody asks. */
    private final class LiveSource implements Trees.Source {

        private Map<String, SourceTable> tables;
        private boolean utf8;

        @Override
        public Map<Integer, String> captured() throws SQLException {
            try (SqliteSession look = file.openReader(busyTimeout)) {
                Capture.State state = Capture.state(look);
                if (state == null) {
                    return null;
                }
                Map<Integer, String> names = new HashMap<>();
                for (CapturedTable table : state.tables()) {
                    TablePlan plan = ground.plan().table(table.name());
                    names.put(table.id(), plan == null ? table.name() : plan.source());
                }
                return names;
            }
        }

        @Override
        public Comparator<RowKey> order(String table) throws SQLException {
            read();
            SourceTable source = tables.get(table);
            return source == null ? null : order(source);
        }

        Comparator<RowKey> order(SourceTable source) {
            return utf8 || source.identity().columns().isEmpty() ? new KeyOrder(source) : null;
        }

        void read() throws SQLException {
            if (tables == null) {
                try (SqliteSession look = file.openReader(busyTimeout)) {
                    look.begin();
                    utf8 = "UTF-8".equals(look.text("PRAGMA encoding"));
                    tables = Sources.of(SchemaReader.read(look), ground.plan());
                }
            }
        }

        List<Subject> subjects(List<String> wanted) throws SQLException {
            read();
            List<Subject> subjects = new ArrayList<>();
            for (TablePlan table : ground.plan().tables()) {
                if (wanted.isEmpty() || wanted.stream().anyMatch(table.source()::equalsIgnoreCase)) {
                    subjects.add(new Subject(table, tables.get(table.source())));
                }
            }
            return subjects;
        }
    }

    // ---- one run ----

    private void perform(StoredRun run) throws InterruptedException {
        CompletableFuture<VerifyReport> report = awaited.computeIfAbsent(run.run(), number -> new CompletableFuture<>());
        try {
            if (run.epoch() != epoch) {
                end(run, State.STALE, "the writes moved before it had ended");
                report.completeExceptionally(new TargetRefusal("the writes moved before verification " + run.run()
                        + " had ended: verify again"));
                return;
            }
            begin(run);
            report.complete(compare(run));
        } catch (InterruptedException e) {
            throw e; // the daemon stops: the run stays open and goes on with the next one
        } catch (Verifier.Stopped e) {
            if (!isClosed()) {
                end(run, State.STOPPED, "stopped on request: sluice verify resume goes on");
                report.completeExceptionally(e);
            }
        } catch (Exception e) {
            LOG.debug("verification {} ended", run.run(), e);
            if (!isClosed()) {
                endQuietly(run, Preparation.sentence(e, file.path()));
                report.completeExceptionally(e);
            }
        } finally {
            closeReaderQuietly();
            synchronized (lock) {
                running = 0;
                toStop = toStop == run.run() ? 0 : toStop;
            }
            if (report.isDone()) {
                awaited.remove(run.run(), report);
            }
        }
    }

    private void begin(StoredRun run) throws SQLException, InterruptedException {
        List<StoredRun.Table> known = session.run(connection -> {
            store.enter(connection, run.run(), OPEN, State.RUNNING, null);
            trees.begin(connection, planHash());
            connection.commit();
            return store.tables(connection, run.run());
        });
        if (!run.whole()) {
            arrive(run);
        }
        digest();
        synchronized (lock) {
            running = run.run();
            runningSinceNanos = System.nanoTime();
            doneBefore = known.stream().mapToLong(StoredRun.Table::done).sum();
        }
        restedNanos = System.nanoTime();
        LOG.info("event=verifying migration={} run={} whole={} tables={}", name, run.run(), run.whole(),
                run.tables().isEmpty() ? "all" : run.tables().size());
    }

    /** Waits until everything that was committed by now has arrived, so that it is known what changed. */
    private void arrive(StoredRun run) throws SQLException, InterruptedException {
        if (run.traffic().equals(ControlRow.SQLITE)) {
            ground.samePoint().at(snapshot -> 0, (nothing, target) -> 0);
            return;
        }
        while (!new Stream().pass()) {
            checkGoingOn(run);
        }
    }

    private VerifyReport compare(StoredRun run) throws Exception {
        Instant began = Instant.now();
        long fromSeq = session.run(store::seq);
        List<TableReport> tables = List.of();
        RunScan scan = null;
        MigrationPlan plan = null;
        for (int beginning = 0; plan != ground.plan() && beginning < BEGINNINGS_MAX; beginning++) {
            plan = ground.plan();
            LiveSource source = new LiveSource();
            List<Subject> subjects = source.subjects(run.tables());
            if (beginning > 0 || !planHash().equals(run.planHash())) {
                // a column was widened meanwhile: the old types can't name every key that is there now
                String schemaHash = plan.schemaHash();
                session.run(connection -> {
                    store.forgetTables(connection, run.run());
                    store.plan(connection, run.run(), schemaHash, planHash());
                    connection.commit();
                    return null;
                });
                digest();
            }
            scan = new RunScan(run, store, session, trees, rows -> beat(run));
            tables = scan.tables(subjects, subject -> source.order(subject.source()), scans(run, plan));
        }
        boolean mended = tables.stream().anyMatch(table -> table.repaired() > 0);
        if (run.repair() && run.traffic().equals(ControlRow.SQLITE)) {
            ground.mended(mended);
        }
        Map<String, List<Difference>> values = scan.shown();
        shown.computeIfPresent(run.run(), (number, none) -> values);
        List<String> held = ground.plan().held().stream().filter(table -> run.tables().isEmpty()
                || run.tables().stream().anyMatch(table.source()::equalsIgnoreCase)).map(MigrationPlan.Held::reason).toList();
        long toSeq = session.run(store::seq);
        VerifyReport report = new VerifyReport(tables, fromSeq, toSeq, began, Instant.now(), held);
        finish(run, report, findings(run));
        return report;
    }

    /** What is wrong beside rows; of the whole only. */
    private List<Findings.Finding> findings(StoredRun run) throws SQLException, InterruptedException {
        if (!run.tables().isEmpty()) {
            return List.of();
        }
        boolean forward = run.traffic().equals(ControlRow.SQLITE);
        LiveSource source = new LiveSource();
        source.read();
        List<Findings.Finding> findings = new ArrayList<>(session.run(connection ->
                new CatalogCheck(ground.plan(), migrationStore, forward).run(connection, source.tables, run.whole())));
        if (forward) {
            findings.addAll(ground.samePoint().at(snapshot -> Sources.sequences(snapshot.session()),
                    (remembered, connection) -> sequences(connection, remembered, run.repair())));
        }
        return findings;
    }

    /** On the follow thread: sequences follow the rows some seconds behind, so they are brought along first if that is due. */
    private List<Findings.Finding> sequences(Connection connection, Map<String, Long> remembered, boolean repair)
            throws SQLException {
        Sequences sequences = Sequences.read(connection, ground.plan());
        if (ground.sequencesDue(store.seq(connection))) {
            sequences.raise(connection, remembered);
        }
        List<Findings.Finding> findings = new ArrayList<>();
        for (Sequences.Low low : sequences.low(connection, remembered)) {
            findings.add(new Findings.Finding("sequence", low.name(), !repair, "sequence " + low.name() + " of " + low.table()
                    + " stands at " + low.given() + " although " + low.taken() + " is taken: " + (repair
                            ? "it was raised" : "sluice verify --repair raises it")));
        }
        if (repair) {
            sequences.raise(connection, remembered);
        }
        return findings;
    }

    private Scans scans(StoredRun run, MigrationPlan plan) throws SQLException {
        Scans.Wish wish = new Scans.Wish(run.repair(), shown.containsKey(run.run()));
        if (run.traffic().equals(ControlRow.SQLITE)) {
            return Scans.forward(plan, migrationStore, ground.samePoint(), limits, wish);
        }
        closeReader();
        reader = new SourceReader(file, busyTimeout);
        return Scans.backward(plan, migrationStore, store, session, reader, new Stream(), touched, limits, wish,
                rows -> beat(run));
    }

    private void closeReaderQuietly() {
        try {
            closeReader();
        } catch (SQLException e) {
            LOG.debug("closing the source", e);
        }
    }

    private void closeReader() throws SQLException {
        if (reader != null) {
            reader.close();
            reader = null;
        }
    }

    /** The stream back, as long as PostgreSQL has the traffic. */
    private final class Stream implements ReturningStream {

        @Override
        public boolean pass() throws SQLException, InterruptedException {
            if (ground.phase() != Phase.SWITCHED) {
                throw new TargetRefusal("the writes have moved while it ran: verify again");
            }
            return ground.traffic().passMark(MARK_WAIT);
        }

        @Override
        public long position(SqliteSession look) throws SQLException {
            return ReverseStream.position(look);
        }

        @Override
        public List<Map<String, String>> parkedRows(SqliteSession look, String table) throws SQLException {
            return ReverseStream.parkedRows(look, table);
        }

        @Override
        public int mend(String table, Map<RowKey, String[]> rows, List<RowKey> gone, Predicate<RowKey> stale)
                throws SQLException, InterruptedException {
            return ground.traffic().mend(table, rows, gone, stale, MEND_WAIT);
        }
    }

    private void finish(StoredRun run, VerifyReport report, List<Findings.Finding> findings)
            throws SQLException, InterruptedException {
        State state = session.run(connection -> {
            store.note(connection, run.run(), report.fromSeq(), report.toSeq(), Findings.json(findings));
            List<StoredRun.Table> tables = store.tables(connection, run.run());
            boolean equal = report.held().isEmpty() && tables.stream().allMatch(StoredRun.Table::isEqual)
                    && findings.stream().noneMatch(Findings.Finding::fatal);
            boolean restless = tables.stream().anyMatch(table -> table.restless() > 0)
                    && tables.stream().allMatch(table -> table.remaining() == 0);
            boolean moved = register(connection).epoch() != run.epoch();
            State ended = moved || restless && !equal ? State.STALE : equal ? State.VERIFIED : State.MISMATCHED;
            if (!store.enter(connection, run.run(), OPEN, ended, moved ? "the writes moved while it ran"
                    : ended == State.STALE ? "some rows never rested long enough to be compared"
                    : report.held().isEmpty() ? null : String.join("; ", report.held()))) {
                return ended; // it had happened, only the answer was lost
            }
            keep(connection, run.run(), tables);
            connection.commit();
            remember(connection);
            return ended;
        });
        LOG.info("event=verified migration={} run={} state={} tables={} rows={} differences={} parked={}", name, run.run(),
                state.label(), report.tables().size(), report.rows(), report.differenceCount(), report.parked());
    }

    /** Writes the evidence, and a note of it into the audit log. */
    private void keep(Connection connection, long run, List<StoredRun.Table> tables) throws SQLException {
        StoredRun ended = store.run(connection, run).orElseThrow();
        Map.Entry<Long, String> audit = store.auditPosition(connection);
        Evidence evidence = Evidence.of(name, file.path().toString(), target.url().toString(), ended, tables,
                new Evidence.AuditPosition(audit.getKey(), audit.getValue()));
        store.saveEvidence(connection, run, evidence.json().toString());
        ObjectNode detail = evidence.summary();
        if (ended.repair()) {
            detail.put("repaired", tables.stream().mapToLong(StoredRun.Table::repaired).sum());
        }
        new Audit(name).append(connection, ended.actor(), ended.repair() ? "repair rows" : "verify", detail.toString());
    }

    /** What a run that has ended has shown. */
    public Evidence evidence(View view) {
        return Optional.ofNullable(view.run().evidence()).flatMap(Evidence::read).orElseThrow(() -> new TargetRefusal(
                "verification " + view.run().run() + " has no report, as it is " + view.state().label()));
    }

    private void end(StoredRun run, State state, String why) {
        try {
            session.once(connection -> {
                store.enter(connection, run.run(), OPEN, state, why);
                connection.commit();
                return null;
            });
        } catch (SQLException e) {
            LOG.debug("the end of verification {} is not written", run.run(), e); // it goes on when the target is back
        }
    }

    private void endQuietly(StoredRun run, String why) {
        end(run, State.STOPPED, why);
        LOG.warn("event=verification_stopped migration={} run={} reason=\"{}\"", name, run.run(), why);
    }

    /** After every step: stops, rests, and takes over what changed meanwhile. */
    private void beat(StoredRun run) throws SQLException, InterruptedException {
        checkGoingOn(run);
        long worked = System.nanoTime() - restedNanos;
        if (run.share() < 100) {
            long rest = Math.min(REST_MAX.toNanos(), worked * (100 - run.share()) / run.share());
            long deadline = System.nanoTime() + rest;
            while (System.nanoTime() < deadline) {
                again |= pause(Duration.ofNanos(Math.min(LOOK_PAUSE.toNanos(), deadline - System.nanoTime())));
                checkGoingOn(run);
            }
        }
        restedNanos = System.nanoTime();
        if (System.nanoTime() - digestedNanos > DIGEST_PAUSE.toNanos()) {
            digest();
        }
    }

    private void checkGoingOn(StoredRun run) {
        synchronized (lock) {
            if (closed || toStop == run.run()) {
                throw new Verifier.Stopped();
            }
        }
    }

    /** As {@link #close}, but does not wait for it. */
    void stopSoon() {
        synchronized (lock) {
            closed = true;
            lock.notifyAll();
        }
    }

    /** Stops; a run under way stays open, so that the next start goes on with it. */
    @Override
    public void close() {
        stopSoon();
        try {
            thread.join(CLOSE_WAIT.toMillis());
            thread.interrupt(); // it may be waiting for a target that is away
            thread.join(CLOSE_WAIT.toMillis());
        } catch (InterruptedException e) {
            thread.interrupt();
            Thread.currentThread().interrupt();
        }
    }
}
