package dev.sluice.reverse;

import dev.sluice.capture.Capture;
import dev.sluice.capture.StaleGeneration;
import dev.sluice.change.RowKey;
import dev.sluice.conflict.ConflictRules;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.postgres.SqlFailure;
import dev.sluice.postgres.Target;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqliteFailure;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.Conflict;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way back: while PostgreSQL has traffic, its commits are brought into SQLite. {@link #prepare} sets it up while
 * SQLite still has traffic, {@link #start} makes it run, {@link #heartbeat} proves that it does. Everything before the
 * update of {@code sluice.control} that gives PostgreSQL the traffic is our own and dropped; what follows is applied, whole
 * transactions exactly once and in order, until the control row says otherwise. The source must be fenced by then.
 * {@link #awaitMarker} says when a change of the control row has come through. Thread-safe.
 */
public final class ReverseStream implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ReverseStream.class);

    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration PAUSE_MAX = Duration.ofSeconds(5);
    private static final Duration STOP_WAIT = Duration.ofSeconds(60);
    private static final double NEARLY_LOST = 0.5;
    private static final int CUTS_MAX = 5;
    private static final Duration HOLD_LOOK = Duration.ofMillis(500);

    /** Where no cut is to be made. */
    static final long NO_CUT = Long.MAX_VALUE;

    private final SqliteFile file;
    private final Target target;
    private final MigrationPlan plan;
    private final Options options;
    private final Listener listener;
    private final Slot slot;

    private final Object lock = new Object();
    private Thread runner; // guarded by lock
    private Thread watcher; // guarded by lock
    private long generation; // guarded by lock
    private boolean closed; // guarded by lock
    private Engine engine; // guarded by lock
    private String blocked; // guarded by lock
    private boolean lost; // guarded by lock
    private long beatSent; // guarded by lock
    private long beatSentNanos; // guarded by lock
    private boolean drained; // guarded by lock: it has ended at the cut
    private final Map<String, Set<String>> known = new ConcurrentHashMap<>();
    private volatile long cut = NO_CUT;
    private volatile boolean grown;
    private volatile List<SchemaNotice> notices = List.of();
    private TargetShape looked; // belongs to whoever looks, see growth()
    private Growth found; // likewise
    private final AtomicReference<ReverseApplier> applier = new AtomicReference<>();
    private volatile Touches touches = Touches.UNHEARD;
    private volatile boolean streaming;
    private volatile Ledger.Entry durable;
    private volatile Slot.State slotState;
    private volatile RuntimeException failure;
    private volatile ConflictRules rules = ConflictRules.DEFAULT;

    /**
     * What may be chosen.
     *
     * @param folder where transactions go that are larger than memory; its files are removed
     * @param memoryBytes of one transaction, and of what is applied at once
     * @param spillBytesMax of one transaction's file
     * @param busy how long one attempt waits for a lock of the source
     * @param beat how often a heartbeat is sent, which also lets PostgreSQL forget its log
     * @param retainedWarnBytes log kept for the slot from which a warning is given
     */
    public record Options(Path folder, long memoryBytes, long spillBytesMax, Duration busy, Duration beat,
            long retainedWarnBytes) {

        public static Options in(Path folder) {
            return new Options(folder, 64L << 20, 64L << 30, Duration.ofSeconds(5), Duration.ofSeconds(5), 4L << 30);
        }
    }

    /** Hears what happens, on threads of the stream: return at once. */
    public interface Listener {

        Listener NONE = new Listener() {};

        /** @param reason one sentence; called again when it changes */
        default void onBlocked(String reason) {}

        default void onHealed() {}

        default void onNotice(SchemaNotice notice) {}
    }

    public ReverseStream(String migration, SqliteFile file, Target target, MigrationPlan plan, Options options,
            Listener listener) {
        this.file = file;
        this.target = target;
        this.plan = plan;
        this.options = options;
        this.listener = listener;
        this.slot = new Slot(migration, plan, target.url().effectiveDatabase());
    }

    /** What to do with rows that somebody wrote to SQLite in spite of the fence; to be said before {@link #start}. */
    public ReverseStream resolving(ConflictRules chosen) {
        rules = chosen;
        return this;
    }

    // ---- set up ----

    /** Why the stream can't be set up, one sentence each; changes nothing. */
    public List<String> obstacles(Connection connection) throws SQLException {
        List<String> obstacles = new ArrayList<>(slot.obstacles(connection));
        try (SqliteSession session = file.openReader(options.busy())) {
            tables(session);
        } catch (SourceRefusal e) {
            obstacles.add(e.getMessage());
        }
        return obstacles;
    }

    /** What will not come back, or may become a problem, one sentence each; nothing that stops a cutover. */
    public List<String> warnings(Connection connection) throws SQLException {
        List<String> warnings = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT current_setting('max_slot_wal_keep_size')")) {
            row.next();
            if (row.getString(1).equals("-1")) {
                warnings.add("PostgreSQL keeps log for the slot without a limit (max_slot_wal_keep_size = -1): if Sluice stands"
                        + " still for long its disk fills; set a limit that the disk can hold");
            }
        }
        for (TablePlan table : plan.tables()) {
            table.columns().stream().filter(column -> column.using() != null).forEach(column -> warnings.add("column "
                    + table.source() + "." + column.source() + " is made by an expression and has no way back: it stays as it"
                    + " is in SQLite"));
        }
        return warnings;
    }

    /**
     * Makes publication and slot and remembers in the source where they begin. Where the stream is set up already it is
     * left as it is.
     *
     * @throws IllegalStateException if PostgreSQL has traffic and the stream is not whole: then changes are lost
     */
    public void prepare(long takenGeneration) throws SQLException {
        try (SqliteSession writer = file.openWriter(options.busy()); Connection connection = target.connect()) {
            if (whyNotWhole(connection, Ledger.read(writer)) == null) {
                return;
            }
            Intake.Mark mark = control(connection);
            if (!mark.traffic().equals("sqlite")) {
                throw new IllegalStateException("the reverse stream can't be set up while PostgreSQL has traffic: "
                        + whyNotWhole(connection, Ledger.read(writer)));
            }
            connection.setAutoCommit(false);
            try {
                slot.publish(connection);
                connection.commit();
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
            }
            slot.drop(connection);
            long start = slot.create(connection);
            String system = Slot.system(connection);
            Ledger.alone(writer, takenGeneration, () -> Ledger.begin(writer,
                    new Ledger.Entry(slot.name(), system, start, 0, mark.traffic(), mark.epoch(), mark.version(), 0)));
        }
    }

    /** True if slot, publication and the source's own record are there and belong together. */
    public boolean isPrepared() throws SQLException {
        try (SqliteSession session = file.openReader(options.busy()); Connection connection = target.connect()) {
            return whyNotWhole(connection, Ledger.read(session)) == null;
        }
    }

    /** Why nothing that PostgreSQL commits could be told to be missing, in one sentence; null if all is well. */
    private String whyNotWhole(Connection connection, Ledger.Entry entry) throws SQLException {
        if (entry == null || !entry.slot().equals(slot.name())) {
            return "the source knows of no reverse stream of this migration";
        }
        Slot.State state = slot.state(connection);
        if (state == null) {
            return "PostgreSQL has lost the replication slot " + slot.name() + ": it was dropped, or another server took over";
        }
        if (state.isLost()) {
            return "PostgreSQL gave up the replication slot " + slot.name() + " because it kept more log than"
                    + " max_slot_wal_keep_size allows";
        }
        if (!entry.system().equals(Slot.system(connection))) {
            return "another PostgreSQL answers than the one that the slot " + slot.name() + " was made in";
        }
        if (state.confirmed() > entry.lsn()) {
            return "the slot " + slot.name() + " has gone on to " + text(state.confirmed()) + " and SQLite has nothing behind "
                    + text(entry.lsn()) + ": one of the two was put back in time, or another program reads the slot";
        }
        if (!slot.isPublished(connection)) {
            return "the publication " + slot.publication() + " is gone or lacks tables of the plan";
        }
        return null;
    }

    private Intake.Mark control(Connection connection) throws SQLException {
        try (var query = connection.prepareStatement(
                "SELECT traffic, epoch, version FROM sluice.control WHERE migration = ?")) {
            query.setString(1, slot.migration());
            try (ResultSet row = query.executeQuery()) {
                if (!row.next()) {
                    throw new IllegalStateException("PostgreSQL knows nothing of migration " + slot.migration());
                }
                return new Intake.Mark(row.getString(1), row.getLong(2), row.getLong(3));
            }
        }
    }

    private List<StreamTable> tables(SqliteSession session) throws SQLException {
        SourceSchema schema = SchemaReader.read(session);
        List<StreamTable> tables = new ArrayList<>();
        for (TablePlan table : plan.tables()) {
            SourceTable source = schema.table(table.source());
            if (source == null || !table.names(source)) {
                throw new SourceRefusal("table " + table.source() + " of the source is gone or has another key than planned, so"
                        + " nothing can be brought back into it");
            }
            StreamTable streamed = new StreamTable(tables.size(), table, source);
            streamed.rehearse(session);
            tables.add(streamed);
        }
        return tables;
    }

    // ---- run ----

    /** Makes the stream run until {@link #close}; it starts itself anew after every failure. Set up before. */
    public void start(long takenGeneration) {
        synchronized (lock) {
            if (runner != null || closed) {
                throw new IllegalStateException("the reverse stream was started before");
            }
            generation = takenGeneration;
            runner = new Thread(this::run, "sluice-reverse");
            runner.setDaemon(true);
            watcher = new Thread(this::watch, "sluice-reverse-watch");
            watcher.setDaemon(true);
            runner.start();
            watcher.start();
        }
    }

    private void run() {
        Duration pause = FIRST_PAUSE;
        while (!isClosed()) {
            long began = System.nanoTime();
            String reason;
            try {
                reason = runOnce();
            } catch (StaleGeneration e) {
                failure = e;
                block(e.getMessage());
                return;
            } catch (SQLException | RuntimeException e) {
                LOG.debug("the reverse stream could not start: {}", kinds(e));
                reason = sentence(e);
            }
            streaming = false;
            if (isClosed() || isDrained()) {
                return;
            }
            if (reason == null) {
                continue; // it was held, and may go on
            }
            if (failure != null) {
                block(failure.getMessage());
                return;
            }
            block(reason);
            pause = System.nanoTime() - began > PAUSE_MAX.toNanos() * 4 ? FIRST_PAUSE
                    : pause.multipliedBy(2).compareTo(PAUSE_MAX) > 0 ? PAUSE_MAX : pause.multipliedBy(2);
            waitFor(pause);
        }
    }

    /** Runs an engine until it ends; returns why it did, null if another is to be run at once. */
    private String runOnce() throws SQLException {
        List<StreamTable> tables;
        try (SqliteSession session = file.openReader(options.busy()); Connection connection = target.connect()) {
            Ledger.Entry entry = Ledger.read(session);
            String why = whyNotWhole(connection, entry);
            if (why != null) {
                synchronized (lock) {
                    lost = true;
                }
                return why + "; changes that PostgreSQL has are lost for SQLite, so a rollback needs a new copy";
            }
            Capture.checkGeneration(session, generation);
            slot.shapeBefore(connection).columns().forEach((table, columns) -> know(table, columns.keySet()));
            growth(connection).refused().forEach(notice -> {
                if (notice.column() != null) {
                    know(notice.table(), List.of(notice.column()));
                }
            });
            slot.release(connection); // who still reads it is older, or a connection of ours that was lost
            tables = tables(session);
        }
        TransactionBuffer.clear(options.folder(), slot.name());
        SchemaAhead ahead;
        try (ReverseApplier running = new ReverseApplier(file, options.busy(), generation, tables, options.memoryBytes(),
                this::isClosed, () -> cut, this::onProgress);
                Intake intake = new Intake(slot.migration(), plan.schema(), tables, known, () -> new TransactionBuffer(
                        options.folder(), slot.name(), options.memoryBytes(), options.spillBytesMax()), running)) {
            durable = running.entry();
            running.tell(touches);
            if (rules.detects()) {
                running.resolve(target, slot.migration(), rules);
            }
            applier.set(running);
            LedgerOffsets.provide(slot.name(), () -> running.entry().lsn());
            Engine current = new Engine(target, slot, slot.tables(), this::onStreaming, intake);
            synchronized (lock) {
                if (closed) {
                    return null;
                }
                engine = current;
            }
            Throwable error = current.run();
            LOG.debug("the reverse stream's engine has ended: {}", kinds(error));
            noteStale(error);
            ahead = SchemaAhead.in(error);
            if (ahead == null) {
                return sentence(error);
            }
        } finally {
            LedgerOffsets.forget(slot.name());
            synchronized (lock) {
                engine = null;
            }
        }
        hold(ahead);
        return null;
    }

    /** Nothing runs: either this was the cut, or rows came with columns that are due, or with some that never will be. */
    private void hold(SchemaAhead ahead) throws SQLException {
        if (cut != NO_CUT) {
            synchronized (lock) {
                drained = true;
                lock.notifyAll();
            }
            return;
        }
        Growth growth;
        try (Connection connection = target.connect()) {
            growth = growth(connection);
        }
        if (ahead.aliens().stream().noneMatch(growth::isDue)) {
            ahead.aliens().forEach(alien -> know(alien.table(), List.of(alien.column()))); // refused, or gone again
            return;
        }
        LOG.info("event=reverse_held reason=\"{}\"", String.join("; ", growth.due("")));
        grown = true;
        synchronized (lock) {
            while (!closed && cut == NO_CUT && grown) { // what was due may be gone again
                try {
                    lock.wait(HOLD_LOOK.toMillis());
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }
    }

    private void know(String table, Collection<String> columns) {
        known.computeIfAbsent(table, t -> ConcurrentHashMap.newKeySet()).addAll(columns);
    }

    private boolean isDrained() {
        synchronized (lock) {
            return drained;
        }
    }

    private void noteStale(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof StaleGeneration stale) {
                failure = stale;
            }
        }
    }

    private String sentence(Throwable error) {
        SQLException sqlite = SqliteFailure.in(error);
        if (sqlite != null) {
            return SqliteFailure.sentence(sqlite, file.path(), true);
        }
        String ours = null;
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            ours = isOurs(cause) ? cause.getMessage() : ours; // the innermost says most
        }
        return ours != null ? ours : error == null ? "the stream of PostgreSQL's changes ended"
                : SqlFailure.sentence(error, target.url());
    }

    /** Only our own sentences are known to hold no values. */
    private static boolean isOurs(Throwable thrown) {
        StackTraceElement[] trace = thrown.getStackTrace();
        return thrown instanceof RuntimeException && trace.length > 0 && trace[0].getClassName().startsWith("dev.sluice.")
                && !(thrown.getCause() instanceof SQLException);
    }

    /** What failed and where, without messages, which may quote a value. */
    private static String kinds(Throwable error) {
        StringBuilder kinds = new StringBuilder();
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            StackTraceElement[] trace = cause.getStackTrace();
            kinds.append(kinds.length() == 0 ? "" : ", caused by ").append(cause.getClass().getSimpleName())
                    .append(trace.length == 0 ? "" : " at " + trace[0]);
        }
        return kinds.toString();
    }

    private void onStreaming() {
        streaming = true;
        boolean healed;
        synchronized (lock) {
            healed = blocked != null;
            blocked = null;
            lost = false;
            lock.notifyAll();
        }
        if (healed) {
            listener.onHealed();
        }
    }

    private void onProgress() {
        ReverseApplier running = applier.get();
        if (running != null) {
            durable = running.entry();
        }
        synchronized (lock) {
            lock.notifyAll();
        }
    }

    private void block(String reason) {
        boolean changed;
        synchronized (lock) {
            changed = !Objects.equals(blocked, reason);
            blocked = reason;
            lock.notifyAll();
        }
        if (changed) {
            LOG.warn("event=reverse_blocked reason=\"{}\"", reason);
            listener.onBlocked(reason);
        }
    }

    private boolean isClosed() {
        synchronized (lock) {
            return closed;
        }
    }

    /** Returns early when the stream is closed. */
    private void waitFor(Duration pause) {
        long deadline = System.nanoTime() + pause.toNanos();
        synchronized (lock) {
            long left = pause.toMillis();
            while (!closed && left > 0) {
                try {
                    lock.wait(left);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
                left = (deadline - System.nanoTime()) / 1_000_000;
            }
        }
    }

    // ---- prove ----

    /**
     * Sends a heartbeat and waits until it came through the stream and is on disk in SQLite.
     *
     * @return how long that took
     * @throws TimeoutException if it takes longer; its message says why as far as that is known
     */
    public Duration heartbeat(Duration within) throws SQLException, TimeoutException, InterruptedException {
        long began = System.nanoTime();
        long beat = beat();
        await(within, "the heartbeat", () -> durable != null && durable.beat() >= beat);
        return Duration.ofNanos(System.nanoTime() - began);
    }

    private long beat() throws SQLException {
        try (Connection connection = target.connect()) {
            return beat(connection);
        }
    }

    private long beat(Connection connection) throws SQLException {
        long beat = slot.beat(connection);
        synchronized (lock) {
            if (durable == null || durable.beat() >= beatSent) {
                beatSentNanos = System.nanoTime();
            }
            beatSent = Math.max(beatSent, beat);
        }
        return beat;
    }

    /**
     * Waits until the change of the control row to {@code traffic} in {@code epoch} has come through, and with it
     * everything that was committed before it.
     *
     * @throws TimeoutException if it takes longer; its message says why as far as that is known
     */
    public void awaitMarker(long epoch, String traffic, Duration within) throws TimeoutException, InterruptedException {
        await(within, "the change to traffic " + traffic + " in epoch " + epoch, () -> durable != null
                && (durable.epoch() > epoch || durable.epoch() == epoch && durable.traffic().equals(traffic)));
    }

    private interface Condition {
        boolean holds();
    }

    private void await(Duration within, String what, Condition condition) throws TimeoutException, InterruptedException {
        long deadline = System.nanoTime() + within.toNanos();
        synchronized (lock) {
            while (!condition.holds()) {
                long left = (deadline - System.nanoTime() + 999_999) / 1_000_000;
                if (left <= 0 || closed || failure != null) {
                    throw new TimeoutException(what + " did not come through the reverse stream within " + within.toMillis()
                            + " ms" + (closed ? ": the stream was closed" : blocked != null ? ": " + blocked : ""));
                }
                lock.wait(left);
            }
        }
    }

    // ---- compare and mend ----

    /** Tells {@code hearer} of every row that is about to change. To be called before {@link #start}. */
    public void tell(Touches hearer) {
        touches = hearer;
    }

    /** The end of the last transaction that {@code session} sees the effects of; 0 where no stream was set up. */
    public static long position(SqliteSession session) throws SQLException {
        Ledger.Entry entry = Ledger.read(session);
        return entry == null ? 0 : entry.lsn();
    }

    /** Printed keys and values of the rows of {@code table} that are parked, by target column. */
    public static List<Map<String, String>> parkedRows(SqliteSession session, String table) throws SQLException {
        return Ledger.parkedRows(session, table);
    }

    /**
     * Makes rows of the source as the target has them, between two of its transactions.
     *
     * @param rows by key, as the target printed them: the columns that come back in the plan's order, and the rowid's last
     * @param gone keys of rows that the target does not have
     * @param stale tells which of them the stream has changed since they were looked at: those stay as they are
     * @return how many rows were written or deleted
     * @throws TimeoutException if it takes longer; then it is not known whether it happened
     */
    public int mend(String table, Map<RowKey, String[]> rows, List<RowKey> gone, Predicate<RowKey> stale, Duration within)
            throws SQLException, TimeoutException, InterruptedException {
        ReverseApplier running = applier.get();
        if (running == null || !streaming) {
            throw new TimeoutException("the reverse stream does not run");
        }
        CompletableFuture<Integer> done = new CompletableFuture<>();
        running.mend(new Mend(table, rows.entrySet().stream().map(row -> new Mend.Printed(row.getKey(), row.getValue()))
                .toList(), gone, stale, done));
        beat(); // wakes it where nothing else comes
        try {
            return done.get(within.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof SQLException sql ? sql : new SQLException("rows could not be mended", e.getCause());
        }
    }

    // ---- look ----

    /** How the stream stands, as far as known; asks nobody. */
    public StreamHealth health() {
        Slot.State state = slotState;
        ReverseApplier running = applier.get();
        Ledger.Entry entry = durable;
        String why;
        boolean gone;
        long behindSeconds;
        synchronized (lock) {
            why = blocked;
            gone = lost;
            behindSeconds = entry == null || entry.beat() >= beatSent ? 0
                    : (System.nanoTime() - beatSentNanos) / 1_000_000_000;
        }
        long behind = state == null || entry == null ? -1 : Math.max(0, state.current() - entry.lsn());
        long retained = state == null ? -1 : state.current() - state.restart();
        return new StreamHealth(streaming && why == null, why, gone || state != null && state.isLost(),
                entry == null ? null : text(entry.lsn()), behind, behindSeconds, retained,
                state == null ? null : state.safeBytes(), running == null ? 0 : running.transactions(),
                running == null ? 0 : running.rows(), running == null ? 0 : running.parkedRows(),
                running == null ? null : running.lastCommit(), warnings(state, retained));
    }

    private List<String> warnings(Slot.State state, long retained) {
        List<String> warnings = new ArrayList<>();
        if (state == null) {
            return warnings;
        }
        if (state.safeBytes() != null && !state.isLost()
                && state.safeBytes() < NEARLY_LOST * (state.safeBytes() + Math.max(retained, 0))) {
            warnings.add(String.format("PostgreSQL gives up the slot %s when another %,d bytes of log are written, and with it the"
                    + " way back: let Sluice catch up, or raise max_slot_wal_keep_size", slot.name(), state.safeBytes()));
        }
        if (retained > options.retainedWarnBytes()) {
            warnings.add(String.format("PostgreSQL keeps %,d bytes of log for the slot %s: let Sluice catch up before the disk"
                    + " fills", retained, slot.name()));
        }
        return warnings;
    }

    /** Rows that SQLite could not take, by table and key. */
    public List<ParkedReverse> parked(int rowsMax) throws SQLException {
        try (SqliteSession session = file.openReader(options.busy())) {
            return Ledger.parked(session, rowsMax);
        }
    }

    /**
     * Tries a parked row again, with other texts for the target columns in {@code edits}; false if it is parked still.
     *
     * @throws SourceRefusal if the stream does not run
     */
    public boolean place(ParkedReverse row, Map<String, String> edits) throws SQLException {
        try {
            return running().again(row, edits);
        } catch (IllegalArgumentException e) {
            throw new SourceRefusal(e.getMessage(), e);
        }
    }

    /** Does what the operator has decided of a conflict: the version that came from PostgreSQL, or the one that is there. */
    public void resolve(Conflict conflict, boolean incoming) throws SQLException {
        running().resolve(conflict, incoming);
    }

    /** Forgets a parked row. */
    public void discard(ParkedReverse row) throws SQLException {
        running().discard(row);
    }

    private ReverseApplier running() {
        ReverseApplier running = applier.get();
        if (running == null || !streaming) {
            throw new SourceRefusal("PostgreSQL's commits don't come back at present, and parked rows of the way back can only be"
                    + " dealt with while they do: sluice status says why");
        }
        return running;
    }

    static String text(long lsn) {
        return String.format("%X/%08X", lsn >>> 32, lsn & 0xFFFFFFFFL);
    }

    // ---- watch ----

    private void watch() {
        Set<SchemaNotice> known = new HashSet<>();
        while (!isClosed()) {
            try (Connection connection = target.connect()) {
                slotState = slot.state(connection);
                beat(connection);
                lookAtSchema(connection);
                for (SchemaNotice notice : notices) {
                    if (known.add(notice)) {
                        LOG.warn("event=target_schema_changed kind={} notice=\"{}\"", notice.kind(), notice.sentence());
                        listener.onNotice(notice);
                    }
                }
            } catch (SQLException | RuntimeException e) {
                LOG.debug("the reverse stream could not be looked at: {}", kinds(e)); // the stream itself says why
            }
            waitFor(options.beat());
        }
    }

    // ---- what the application does to PostgreSQL's schema ----

    /** What a rollback would lose of PostgreSQL's schema, as last looked at; what is followed is not among it. */
    public List<SchemaNotice> notices() {
        return notices;
    }

    /** True if PostgreSQL has columns or tables that SQLite can be given, see {@link #follow}. */
    public boolean isSchemaAhead() {
        return grown;
    }

    /** What of PostgreSQL's schema SQLite is still to be given, one sentence each; looks at once. */
    public List<String> unfollowed(Connection connection) throws SQLException {
        lookAtSchema(connection);
        return growth(connection).due(", and SQLite does not have it yet");
    }

    private void lookAtSchema(Connection connection) throws SQLException {
        TargetShape before = slot.shapeBefore(connection);
        Set<String> planned = new HashSet<>();
        plan.tables().forEach(table -> planned.add(table.target()));
        Growth growth = growth(connection);
        List<SchemaNotice> seen = new ArrayList<>(growth.refused());
        slot.shape(connection).since(before, planned).stream()
                .filter(notice -> switch (notice.kind()) {
                    case TABLE_ADDED, COLUMN_ADDED -> false; // due, or refused with a reason
                    default -> true;
                }).forEach(seen::add);
        notices = List.copyOf(seen);
        grown = growth.isDue();
    }

    /** Looks closely only where something has changed. */
    private synchronized Growth growth(Connection connection) throws SQLException {
        TargetShape now = slot.shape(connection);
        if (!now.equals(looked)) {
            try (SqliteSession session = file.openReader(options.busy())) {
                found = Growth.look(connection, plan, slot, slot.shapeBefore(connection), now, SchemaReader.read(session));
            }
            looked = now;
        }
        return found;
    }

    /**
     * Gives SQLite the columns and tables that the application has made in PostgreSQL, at one position of the stream. The
     * stream has ended afterwards, whatever came of it: close it, see to what SQLite has by {@link Grown#read}, and open
     * another.
     *
     * @param within how long the stream may take until it has come to that position
     * @return false if there was nothing to do
     * @throws TimeoutException if it takes longer
     * @throws SourceRefusal if SQLite refuses what is to be made
     */
    public boolean follow(Duration within) throws SQLException, TimeoutException, InterruptedException {
        SourceSchema source;
        try (SqliteSession session = file.openReader(options.busy())) {
            source = SchemaReader.read(session);
        }
        for (int attempt = 0; attempt < CUTS_MAX; attempt++) {
            Growth growth;
            TargetShape before;
            try (Connection connection = target.connect()) {
                before = slot.shapeBefore(connection);
                growth = growth(connection);
            }
            if (!growth.isDue()) {
                grown = false;
                return false;
            }
            try (Graft graft = new Graft(target, slot, plan, before)) {
                graft.ready(growth);
                if (graft.cut(growth, source, this::cut)) {
                    beat();
                    await(within, "the position at which SQLite gets PostgreSQL's new columns and tables", () -> drained);
                    graft.write(file, options.busy(), takenGeneration());
                    return true;
                }
            }
        }
        throw new TimeoutException("PostgreSQL's schema changes faster than SQLite can be given it");
    }

    private void cut(long position) {
        synchronized (lock) {
            cut = position;
            lock.notifyAll();
        }
    }

    private long takenGeneration() {
        synchronized (lock) {
            return generation;
        }
    }

    // ---- end ----

    /**
     * Takes slot, publication and heartbeat away and gives the tables back what was set for the stream. To be called when
     * nothing of it is needed any more, after {@link #close}; rows that are parked stay in the source.
     */
    public void remove(long takenGeneration) throws SQLException {
        try (Connection connection = target.connect()) {
            slot.drop(connection);
            connection.setAutoCommit(false);
            try {
                slot.unpublish(connection);
                connection.commit();
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        }
        try (SqliteSession writer = file.openWriter(options.busy())) {
            if (Capture.state(writer) != null) {
                Ledger.end(writer, takenGeneration);
            }
        }
    }

    /** Stops the stream; what is under way in SQLite is finished or rolled back. The slot stays. */
    @Override
    public void close() {
        Thread[] threads;
        synchronized (lock) {
            closed = true;
            threads = new Thread[] {watcher, runner};
            lock.notifyAll();
        }
        long deadline = System.nanoTime() + STOP_WAIT.toNanos();
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread != null && thread.isAlive() && System.nanoTime() < deadline) {
                Engine current;
                synchronized (lock) {
                    current = engine;
                }
                if (current != null) {
                    current.stop(); // refused while it starts, so it is said again
                }
                try {
                    thread.join(100);
                } catch (InterruptedException e) {
                    interrupted = true; // whoever stops us must still find no thread of ours
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
