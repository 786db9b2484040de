package dev.sluice.migration;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sluice.announce.Announcer;
import dev.sluice.announce.Hooks;
import dev.sluice.capture.Capture;
import dev.sluice.capture.Fence;
import dev.sluice.change.RowKey;
import dev.sluice.cutover.AnswerLost;
import dev.sluice.cutover.Move;
import dev.sluice.cutover.Observer;
import dev.sluice.conflict.ConflictRules;
import dev.sluice.cutover.Outcome;
import dev.sluice.cutover.Patience;
import dev.sluice.cutover.Protocol;
import dev.sluice.cutover.State;
import dev.sluice.cutover.Step;
import dev.sluice.cutover.Switchover;
import dev.sluice.cutover.Traffic;
import dev.sluice.cutover.Wish;
import dev.sluice.declare.Sequences;
import dev.sluice.fence.TargetFence;
import dev.sluice.follow.Follower;
import dev.sluice.phase.Phase;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.postgres.LastingSession;
import dev.sluice.postgres.Reconnect;
import dev.sluice.postgres.SqlFailure;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.reverse.ParkedReverse;
import dev.sluice.reverse.ReverseStream;
import dev.sluice.reverse.SchemaNotice;
import dev.sluice.reverse.StreamHealth;
import dev.sluice.reverse.Touches;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.Conflict;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.MigrationStore.SourceFacts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves the writes of one live migration to PostgreSQL and back, and keeps the stream of PostgreSQL's commits. {@link
 * #move} belongs to the follow thread; the stream may be opened and removed by others.
 */
final class TrafficSwitch {

    private static final Logger LOG = LoggerFactory.getLogger(TrafficSwitch.class);

    private static final Duration PROOF_WAIT = Duration.ofSeconds(60);
    private static final Duration RETRY_PAUSE = Duration.ofMillis(10);
    private static final Duration RETRY_PAUSE_MAX = Duration.ofMillis(500);
    private static final int FAILURES_MAX = 5;
    private static final Duration ANSWER_MAX = Duration.ofSeconds(20);
    private static final Duration DRAIN_LOOK = Duration.ofMillis(20);
    private static final Set<Step> GIVES_WRITES = EnumSet.of(Step.FLIP, Step.UNFENCE, Step.LIFT, Step.RECALL);
    private static final long DISK_ROOM_MIN = 100L << 20;

    private final String name;
    private final SqliteFile file;
    private final Target target;
    private final Reconnect reconnect;
    private final MigrationStore store;
    private final SwitchSettings settings;
    private final ConflictRules conflicts;
    private final Duration busyTimeout;
    private final BooleanSupplier stopping;
    private final AtomicReference<String> acting = new AtomicReference<>();

    private volatile Listening listening;
    private ReverseStream reverse; // guarded by this
    private boolean clean; // guarded by this: nothing of a stream is left in the target
    private volatile String installation;

    /**
     * What the follow thread knows when it moves the writes.
     *
     * @param greeting see {@link LastingSession.Greeting}
     * @param tail what applies the rest of the changelog
     * @param schemaHash of the schema that PostgreSQL has a copy of
     */
    record Ground(MigrationPlan plan, SourceSchema schema, long generation, boolean replicationRole,
            LastingSession.Greeting greeting, Tail tail, String schemaHash) {}

    /** What applies the changelog over a session. */
    interface Tail {
        Follower follower(LastingSession over, SourceFacts facts) throws SQLException, InterruptedException;
    }

    /** What came of a move, and what was done. */
    record Result(Outcome outcome, List<SwitchReport.Step> steps) {

        long generation() {
            return outcome.state().generation();
        }

        /** True if it is not known who takes writes. */
        boolean unknown() {
            return outcome.traffic().isEmpty();
        }

        /** True if the wish was fulfilled. */
        boolean done() {
            return outcome.kind() == Outcome.Kind.DONE;
        }

        /** The phase that this comes to, as far as is known without asking PostgreSQL again. */
        Phase phase(Wish wish) {
            return outcome.traffic().map(PostgresSide::decided)
                    .orElse(wish == Wish.ROLL_BACK ? Phase.ROLLING_BACK : Phase.CUTTING_OVER);
        }

        SwitchReport report(Wish wish, Phase phase, long epoch, List<Gate.Look> gates) {
            boolean done = phase == (wish == Wish.ROLL_BACK ? Phase.REPLICATING : Phase.SWITCHED);
            String now = switch (phase) {
                case SWITCHED -> "PostgreSQL takes the writes (epoch " + epoch + ")";
                case REPLICATING, CATCHING_UP -> "SQLite takes the writes (epoch " + epoch + ")";
                default -> "No side takes writes until PostgreSQL has been asked; it is tried for ever, see sluice status and"
                        + " sluice repair";
            };
            return new SwitchReport(done, (done ? "" : "Given up: " + outcome.reason() + ". ") + now + ".", epoch,
                    outcome.pause().orElse(null), gates, steps,
                    List.of(), List.of());
        }
    }

    TrafficSwitch(String name, SqliteFile file, Target target, Reconnect reconnect, MigrationStore store,
            SwitchSettings settings, ConflictRules conflicts, Duration busyTimeout, BooleanSupplier stopping) {
        this.conflicts = conflicts;
        this.name = name;
        this.file = file;
        this.target = target;
        this.reconnect = reconnect;
        this.store = store;
        this.settings = settings;
        this.busyTimeout = busyTimeout;
        this.stopping = stopping;
    }

    /** Hears of the stream, and of every row that it changes. */
    interface Listening extends Touches {

        /** It is about to run. */
        void opening() throws SQLException;

        /** It has stopped. */
        void closed();
    }

    /** To be called before any stream is opened. */
    void listen(Listening hearer) {
        listening = hearer;
    }

    SwitchSettings settings() {
        return settings;
    }

    /** Runs one act at a time; on the operator's thread. */
    <T> T exclusively(String act, Callable<T> work) throws Exception {
        if (!acting.compareAndSet(null, act)) {
            throw new TargetRefusal("a " + acting.get() + " is under way: wait for its end");
        }
        try {
            return work.call();
        } finally {
            acting.set(null);
        }
    }

    // ---- the stream of PostgreSQL's commits ----

    /** Sets the stream up, unless it is, and makes it run. */
    synchronized void openReverse(MigrationPlan plan, long generation) throws SQLException {
        if (reverse != null) {
            return;
        }
        try {
            Files.createDirectories(settings.folder());
        } catch (IOException e) {
            throw new TargetRefusal("the folder " + settings.folder() + " for large transactions can't be made ("
                    + e.getMessage() + "): choose another stateDir", e);
        }
        ReverseStream stream = stream(plan, ReverseStream.Listener.NONE);
        stream.resolving(conflicts);
        clean = false;
        listening.opening();
        stream.tell(listening);
        stream.prepare(generation);
        stream.start(generation);
        reverse = stream;
    }

    /** Waits until a heartbeat has come through the stream; returns how long it took. */
    Duration proveReverse() throws SQLException, InterruptedException {
        try {
            return stream().heartbeat(PROOF_WAIT);
        } catch (TimeoutException e) {
            throw new TargetRefusal("the reverse stream is not proven: " + e.getMessage(), e);
        }
    }

    private ReverseStream stream(MigrationPlan plan, ReverseStream.Listener listener) {
        return new ReverseStream(name, file, target, plan, ReverseStream.Options.in(settings.folder()), listener);
    }

    private synchronized ReverseStream stream() {
        if (reverse == null) {
            throw new IllegalStateException("the reverse stream is not open");
        }
        return reverse;
    }

    /** Waits until SQLite has what PostgreSQL has committed by now; false if it does not come in time. */
    boolean passMark(Duration within) throws SQLException, InterruptedException {
        ReverseStream stream;
        synchronized (this) {
            stream = reverse;
        }
        try {
            return stream != null && stream.heartbeat(within) != null;
        } catch (TimeoutException e) {
            LOG.debug("a mark did not come through the stream", e);
            return false;
        }
    }

    /** Makes rows of SQLite as PostgreSQL has them, see {@link ReverseStream#mend}; 0 if the stream does not run. */
    int mend(String table, Map<RowKey, String[]> rows, List<RowKey> gone, Predicate<RowKey> stale, Duration within)
            throws SQLException, InterruptedException {
        try {
            return stream().mend(table, rows, gone, stale, within);
        } catch (TimeoutException | IllegalStateException e) {
            LOG.debug("rows were not mended", e);
            return 0;
        }
    }

    synchronized boolean isStreaming() {
        return reverse != null;
    }

    /** Stops the stream and takes what it needs out of the target, unless that is known to be clean. */
    synchronized void removeReverse(MigrationPlan plan, long generation) throws SQLException {
        if (reverse == null && clean) {
            return;
        }
        ReverseStream stream = reverse != null ? reverse : stream(plan, ReverseStream.Listener.NONE);
        stream.close();
        reverse = null;
        listening.closed();
        stream.remove(generation);
        clean = true;
    }

    /** As {@link #removeReverse}, unless somebody is about to use it. */
    void removeForgottenReverse(MigrationPlan plan, long generation) throws SQLException {
        if (acting.get() == null) {
            removeReverse(plan, generation);
        }
    }

    /** Stops the stream; what it needs stays in the target. */
    synchronized void close() {
        if (reverse != null) {
            reverse.close();
            reverse = null;
            listening.closed();
        }
    }

    /** Why PostgreSQL's commits don't come back at present, or null. */
    synchronized String blocked() {
        StreamHealth health = reverse == null ? null : reverse.health();
        return health == null ? null : health.blocked();
    }

    /** Rows of PostgreSQL that SQLite could not take. */
    List<ParkedReverse> parkedReverse(MigrationPlan plan, int rowsMax) throws SQLException {
        ReverseStream stream;
        synchronized (this) {
            stream = reverse;
        }
        return plan == null ? List.of() : (stream != null ? stream : stream(plan, ReverseStream.Listener.NONE)).parked(rowsMax);
    }

    /** Tries one of them again, see {@link ReverseStream#place}. */
    boolean placeReverse(ParkedReverse row, Map<String, String> edits) throws SQLException {
        return requireReverse().place(row, edits);
    }

    void discardReverse(ParkedReverse row) throws SQLException {
        requireReverse().discard(row);
    }

    void resolveReverse(Conflict conflict, boolean incoming) throws SQLException {
        requireReverse().resolve(conflict, incoming);
    }

    private synchronized ReverseStream requireReverse() {
        if (reverse == null) {
            throw new TargetRefusal("SQLite has the traffic: what was parked on the way back is only kept to be looked at");
        }
        return reverse;
    }

    /** What the operator should know of the stream. */
    List<String> notes() {
        List<String> notes = new ArrayList<>();
        synchronized (this) {
            if (reverse != null) {
                notes.addAll(reverse.health().warnings());
                if (reverse.health().parkedRows() > 0) {
                    notes.add(reverse.health().parkedRows() + " rows of PostgreSQL can't be held by SQLite and are parked there, in"
                            + " _sluice_parked_reverse");
                }
            }
        }
        notes.addAll(losses());
        if (settings.announcer().failed() != null) {
            notes.add(settings.announcer().failed());
        }
        return notes;
    }

    /** What of PostgreSQL's schema a rollback would lose, one sentence each. */
    synchronized List<String> losses() {
        return reverse == null ? List.of() : reverse.notices().stream().map(SchemaNotice::sentence).toList();
    }

    /** True if PostgreSQL has tables or columns that SQLite is to be given. */
    synchronized boolean isSchemaAhead() {
        return reverse != null && reverse.isSchemaAhead();
    }

    /** Which those are, one sentence each; looks at once. */
    List<String> unfollowed(Connection connection) throws SQLException {
        return stream().unfollowed(connection);
    }

    /**
     * Gives SQLite what PostgreSQL was given; the stream has ended then and is to be closed, whatever came of it.
     *
     * @return false if there was nothing to do
     */
    boolean follow() throws SQLException, InterruptedException {
        try {
            return stream().follow(PROOF_WAIT);
        } catch (TimeoutException e) {
            throw new SQLException(e.getMessage() + "; it is tried again", e);
        }
    }

    /** Age of the oldest heartbeat that PostgreSQL has and SQLite has not; 0 if there is none. */
    synchronized long secondsBehind() {
        return reverse == null ? 0 : reverse.health().behindSeconds();
    }

    /** What is taken up, the stream's part read from its last look. */
    synchronized Sizes sizes(long changelogRows, long changelogBytes) {
        StreamHealth health = reverse == null ? null : reverse.health();
        return new Sizes(changelogRows, changelogBytes, walBytes(), health == null ? 0 : health.retainedBytes(),
                health == null ? 0 : health.behindBytes(), health == null || health.safeBytes() == null ? -1 : health.safeBytes());
    }

    private long walBytes() {
        try {
            return file.walSize();
        } catch (IOException e) {
            LOG.debug("the size of the source's write-ahead log is not known", e);
            return -1;
        }
    }

    /** How far the stream is behind, as a clause. */
    synchronized String lag() {
        StreamHealth health = reverse == null ? null : reverse.health();
        return health == null ? "the reverse stream is not open" : health.streaming()
                ? "the reverse stream is " + Math.max(0, health.behindBytes()) + " bytes of log behind"
                : health.blocked() == null ? "the reverse stream is about to run"
                : "the reverse stream does not run: " + health.blocked();
    }

    /** The audit log is out of reach with its database: this one act stands in a file. */
    Path noteGivenUp(String actor) throws IOException {
        Files.createDirectories(settings.folder());
        Path kept = settings.folder().resolve("target-given-up.jsonl");
        Files.writeString(kept, JsonNodeFactory.instance.objectNode().put("migration", name).put("at", Instant.now().toString())
                .put("actor", actor).put("act", "target given up as lost") + "\n", StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
        return kept;
    }

    // ---- gates ----

    /** Those that ask the target or the disk. */
    void gates(Gates gates, MigrationPlan plan, LastingSession session) throws SQLException, InterruptedException {
        TargetFence fence = new TargetFence(name, plan);
        ReverseStream probe = stream(plan, ReverseStream.Listener.NONE);
        session.run(connection -> {
            List<String> missing = fence.missing(connection);
            List<String> waiting = fence.inTheWay(connection);
            gates.look(Gate.FENCE, missing.isEmpty(), missing.isEmpty()
                    ? "PostgreSQL refuses other writers" + (waiting.isEmpty() ? "" : "; the flip would wait for "
                            + String.join(", ", waiting))
                    : "these tables are not fenced, so somebody may have written to them: " + String.join(", ", missing));
            List<String> exhausted = Sequences.read(connection, plan).exhausted(connection);
            gates.look(Gate.SEQUENCES, exhausted.isEmpty(), exhausted.isEmpty() ? "PostgreSQL's next numbers are known"
                    : "these sequences have no number left: " + String.join(", ", exhausted));
            return null;
        });
        try (Connection connection = target.connect()) {
            List<String> obstacles = probe.obstacles(connection);
            gates.look(Gate.REVERSE, obstacles.isEmpty(), obstacles.isEmpty()
                    ? "PostgreSQL's commits can be streamed back" : String.join("; ", obstacles));
        }
        disk(gates);
    }

    List<String> warnings(MigrationPlan plan) throws SQLException {
        try (Connection connection = target.connect()) {
            return stream(plan, ReverseStream.Listener.NONE).warnings(connection);
        }
    }

    private void disk(Gates gates) {
        try {
            long free = Files.getFileStore(file.path()).getUsableSpace();
            long wanted = Math.max(DISK_ROOM_MIN, Files.size(file.path()) / 10);
            gates.look(Gate.DISK, free >= wanted, String.format("%,d MB are free beside the source, %,d are wanted", free >> 20,
                    wanted >> 20));
        } catch (IOException e) {
            gates.look(Gate.DISK, false, "the disk of " + file.path() + " can't be looked at: " + e.getMessage());
        }
    }

    // ---- the move ----

    /**
     * Takes the protocol from wherever it stands to where it is wished, or back.
     *
     * @param order null to go on until it is settled, however long that takes
     */
    Result move(Wish wish, SwitchOrder order, Ground ground) throws InterruptedException {
        long began = System.nanoTime();
        Duration limit = order == null ? ANSWER_MAX : order.timeout();
        // a lost connection must not use up the time in which the fence has to be lifted
        Duration answer = Duration.ofMillis(Math.max(1_000, Math.min(ANSWER_MAX.toMillis(), limit.toMillis() / 4)));
        LastingSession session = new LastingSession(target, reconnect, ground.replicationRole(), ground.greeting(), answer);
        try (SqliteSide source = new SqliteSide(file, min(busyTimeout, limit.dividedBy(4)), ground.schemaHash(),
                () -> numbersOf(session, ground));
                PostgresSide there = new PostgresSide(target.url(), session, store, ground.plan(), answer.dividedBy(2),
                        (over, generation) -> ground.tail().follower(over, source.adopted(over.once(store::source))),
                        this::numbersOfSource, order == null || order.forced().contains(Gate.PARKED))) {
            Result result = drive(new Protocol(source, there, this::drainedTo), State.unknown(ground.generation()), wish, order,
                    began + limit.toNanos(), session);
            try {
                remember(session, source);
            } catch (SQLException | RuntimeException e) {
                LOG.debug("what we changed in the source's schema is taken for somebody else's", e);
            }
            return result;
        }
    }

    /** The application's triggers were dropped and made again by us: SQLite's counter moved, and no row got another number. */
    private void remember(LastingSession session, SqliteSide source) throws SQLException {
        session.once(connection -> {
            SourceFacts known = store.source(connection);
            SourceFacts adopted = source.adopted(known);
            if (!adopted.equals(known)) {
                store.saveSource(connection, adopted);
                connection.commit();
            }
            return null;
        });
    }

    private static Duration min(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    private Result drive(Protocol protocol, State start, Wish wish, SwitchOrder order, long deadline, LastingSession session)
            throws InterruptedException {
        List<SwitchReport.Step> steps = new ArrayList<>();
        AtomicReference<String> lastFailure = new AtomicReference<>();
        Outcome outcome = new Switchover(protocol, new Observer() {
            @Override
            public void before(Step step, long epoch) throws Vetoed {
                if (step == Step.DECIDE) {
                    requireFollowed(session);
                }
                try {
                    hook(wish, true, step, deadline);
                } catch (Hooks.Veto e) {
                    throw new Vetoed(e.getMessage());
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new Vetoed("the daemon is stopping");
                }
            }

            @Override
            public void after(Move move, Duration took) {
                Step step = move.step();
                steps.add(new SwitchReport.Step(step.label(), step.meaning(), took));
                LOG.info("event=step migration={} step={} answer={} ms={}{}", name, step.label(), move.answer(), took.toMillis(),
                        move.reason().isEmpty() ? "" : " reason=\"" + move.reason() + "\"");
                if (!move.reason().isEmpty()) {
                    lastFailure.set(move.reason());
                }
                if (move.answer() == Move.Answer.YES) {
                    say(step, move.to());
                    hookQuietly(wish, step, deadline);
                }
            }
        }, System::nanoTime).run(start, wish, patience(order, deadline, lastFailure));
        if (outcome.kind() == Outcome.Kind.OUTDATED) {
            throw new IllegalStateException(outcome.reason() + ": stop this one");
        }
        return new Result(outcome, steps);
    }

    /** DDL passes the fence: what came behind it is not in SQLite. */
    private void requireFollowed(LastingSession session) throws Observer.Vetoed {
        try {
            List<String> due = session.once(this::unfollowed);
            if (!due.isEmpty()) {
                throw new Observer.Vetoed(String.join("; ", due) + ": try again in a moment");
            }
        } catch (SQLException | RuntimeException e) {
            LOG.debug("the target's schema can't be looked at", e);
            throw new Observer.Vetoed("PostgreSQL's schema can't be looked at, which may have grown: try again");
        }
    }

    private Patience patience(SwitchOrder order, long deadline, AtomicReference<String> lastFailure) {
        return new Patience() {
            @Override
            public Optional<String> giveUp() {
                return stopping.getAsBoolean() ? Optional.of("the daemon is stopping")
                        : order != null && System.nanoTime() > deadline
                                ? Optional.of("it took longer than " + order.timeout().toMillis() + " ms"
                                        + (lastFailure.get() == null ? "" : ", the last trouble being: " + lastFailure.get()))
                                : Optional.empty();
            }

            @Override
            public boolean again(int failures) throws InterruptedException {
                if (failures > FAILURES_MAX && System.nanoTime() > deadline) {
                    return false; // asked again by the follow thread, for as long as it takes
                }
                long pause = Math.min(RETRY_PAUSE.toNanos() * failures, RETRY_PAUSE_MAX.toNanos());
                long left = deadline - System.nanoTime();
                new CountDownLatch(1).await(left > 0 ? Math.min(pause, left) : pause, TimeUnit.NANOSECONDS);
                return true;
            }
        };
    }

    private void say(Step step, State state) {
        Announcer announcer = settings.announcer();
        switch (step) {
            case FENCE_SOURCE -> announcer.say(Traffic.FENCED, Traffic.SQLITE, state.epoch() + 1, installation());
            case FENCE_TARGET -> announcer.say(Traffic.FENCED, Traffic.POSTGRES, state.epoch(), installation());
            case FLIP, UNFENCE -> announcer.say(Traffic.POSTGRES, null, state.epoch(), installation());
            case LIFT -> announcer.say(Traffic.SQLITE, null, state.epoch(), installation());
            case RECALL -> sayRecalled(announcer);
            default -> { }
        }
    }

    /** A cutover of an earlier daemon was taken back when this one started, without PostgreSQL. */
    void saidRecalled() {
        sayRecalled(settings.announcer());
        hookQuietly(Wish.CUT_OVER, Step.RECALL, System.nanoTime());
    }

    /** PostgreSQL was not asked, so only SQLite says which epoch goes on. */
    private void sayRecalled(Announcer announcer) {
        try (SqliteSession look = file.openReader(busyTimeout)) {
            announcer.say(Traffic.SQLITE, null, Fence.state(look).trafficEpoch(), installation());
        } catch (SQLException | RuntimeException e) {
            LOG.debug("the source can't be asked for its epoch; the register's is announced later", e);
        }
    }

    private void hook(Wish wish, boolean before, Step step, long deadline) throws Hooks.Veto, InterruptedException {
        // once a side takes writes again nobody waits for the hook
        boolean hurry = before || !GIVES_WRITES.contains(step);
        settings.announcer().hook(wish == Wish.ROLL_BACK ? "rollback" : "cutover", before, step,
                hurry ? Duration.ofNanos(Math.max(0, deadline - System.nanoTime())) : ChronoUnit.FOREVER.getDuration());
    }

    private void hookQuietly(Wish wish, Step step, long deadline) {
        try {
            hook(wish, false, step, deadline);
        } catch (Hooks.Veto e) {
            LOG.debug("only a hook before a fence may say no", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Capture may have been installed anew. */
    void forgetInstallation() {
        installation = null;
    }

    /** The id of the capture in the source, or null as long as it can't be read. */
    String installation() {
        if (installation == null) {
            try (SqliteSession look = file.openReader(busyTimeout)) {
                Capture.State state = Capture.state(look);
                installation = state == null ? null : state.epoch();
            } catch (SQLException | RuntimeException e) {
                LOG.debug("the source can't be asked for its installation", e);
            }
        }
        return installation;
    }

    private boolean drainedTo(long epoch) throws AnswerLost {
        try {
            stream().awaitMarker(epoch, Traffic.FENCED.label(), DRAIN_LOOK);
            return true;
        } catch (TimeoutException e) {
            String why = blocked();
            if (why != null) {
                throw new AnswerLost(why);
            }
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AnswerLost("the daemon is stopping");
        }
    }

    private Map<String, Long> numbersOfSource() throws SQLException {
        try (SqliteSession look = file.openReader(busyTimeout)) {
            return Sources.sequences(look);
        }
    }

    private Map<String, Long> numbersOf(LastingSession session, Ground ground) throws AnswerLost {
        List<String> autoincrement = ground.schema().tables().stream().filter(SourceTable::autoincrement)
                .map(SourceTable::name).toList();
        try {
            return session.once(connection -> Sequences.read(connection, ground.plan()).forSource(connection, autoincrement));
        } catch (SQLException e) {
            throw new AnswerLost(SqlFailure.sentence(e, target.url()));
        }
    }
}
