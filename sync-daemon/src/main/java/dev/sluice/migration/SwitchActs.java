package dev.sluice.migration;

import dev.sluice.capture.Capture;
import dev.sluice.capture.Fence;
import dev.sluice.cutover.Step;
import dev.sluice.cutover.Wish;
import dev.sluice.phase.Phase;
import dev.sluice.phase.RunState;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.postgres.LastingSession;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.Audit;
import dev.sluice.store.ControlRow;
import dev.sluice.store.MigrationStore;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an operator does with the writes of a live migration: moves them, moves them back, makes an end of it. Called on any
 * thread but the follow thread, which does the work.
 */
final class SwitchActs {

    private static final Logger LOG = LoggerFactory.getLogger(LiveMigration.class); // operators know one name

    /** A move that failed is settled within this, unless PostgreSQL is gone. */
    private static final Duration SETTLING = Duration.ofSeconds(2);

    private final String name;
    private final SqliteFile file;
    private final MigrationStore store;
    private final Standing standing;
    private final Requests requests;
    private final TrafficSwitch traffic;
    private final Verifications verifications;
    private final Duration busyTimeout;
    private final FollowThread thread;

    /** The follow thread of the migration. But for {@link #stop} everything here is for work that runs on it. */
    interface FollowThread {

        LastingSession session();

        /** The generation under which it holds both sides. */
        long generation();

        /**
         * Takes the protocol to an end, and takes over what has come of it.
         *
         * @param decided told what came of it before that: taking over waits for PostgreSQL, which may be gone
         */
        TrafficSwitch.Result move(Wish wish, SwitchOrder order, Consumer<TrafficSwitch.Result> decided)
                throws SQLException, InterruptedException;

        /** Ends what stands half way. */
        void settle() throws SQLException, InterruptedException;

        /** Gives SQLite the tables and columns that PostgreSQL was given. */
        void follow() throws SQLException, InterruptedException;

        /** The source is not followed any more: PostgreSQL has the traffic. */
        void leaveSource();

        /** Everything of the source is opened anew. */
        void closeSource();

        /** What is left to do once the completion is decided. Returns where the audit log was left. */
        Path finishComplete() throws SQLException, InterruptedException;

        /** It ends after the present request. */
        void stopSoon();

        /** Ends it, from another thread; false if it does not end in some seconds. */
        boolean stop() throws InterruptedException;
    }

    SwitchActs(String name, SqliteFile file, MigrationStore store, Standing standing, Requests requests, TrafficSwitch traffic,
            Verifications verifications, Duration busyTimeout, FollowThread thread) {
        this.name = name;
        this.file = file;
        this.store = store;
        this.standing = standing;
        this.requests = requests;
        this.traffic = traffic;
        this.verifications = verifications;
        this.busyTimeout = busyTimeout;
        this.thread = thread;
    }

    SwitchReport cutover(SwitchOrder order) throws Exception {
        requireTarget("cut over");
        if (standing.phase == Phase.REPLICATING && !order.forced().contains(Gate.VERIFICATION)) {
            verifications.freshen(traffic.settings().verifiedWithin(), order.actor(), () -> requireTarget("cut over"));
        }
        List<Gate.Look> gates = answered(order, () -> gates(order));
        List<Gate.Look> closed = gates.stream().filter(gate -> !gate.lets()).toList();
        if (order.dryRun()) {
            List<String> notes = new ArrayList<>(traffic.warnings(standing.plan));
            if (standing.phase == Phase.REPLICATING) {
                notes.add(0, answered(order, this::expectedPause));
            }
            return SwitchReport.wouldCutOver(gates, closed, standing.epoch(), notes);
        }
        if (!closed.isEmpty()) {
            return SwitchReport.refused(gates, closed, standing.epoch());
        }
        return traffic.exclusively("cutover", () -> {
            answered(order, () -> audit(order, "cutover", gates));
            MigrationPlan planned = standing.plan;
            try {
                traffic.openReverse(planned, thread.generation());
                Duration beat = traffic.proveReverse();
                LOG.info("event=reverse_proven migration={} ms={}", name, beat.toMillis());
            } catch (SQLException | RuntimeException e) {
                dropStream(planned);
                throw e;
            }
            return moved(Wish.CUT_OVER, order, gates, planned);
        });
    }

    SwitchReport rollback(SwitchOrder order) throws Exception {
        if (standing.phase != Phase.SWITCHED) {
            throw new TargetRefusal("can't roll back in phase " + standing.phase.label()
                    + ": SQLite takes the writes, or is about to");
        }
        if (order.dryRun()) {
            List<String> due = standing.run.kind() == RunState.Kind.BLOCKED ? List.of()
                    : answered(order, () -> thread.session().run(traffic::unfollowed));
            return SwitchReport.wouldRollBack(standing.epoch(), traffic.lag(), due, traffic.losses());
        }
        requireTarget("roll back");
        return traffic.exclusively("rollback", () -> {
            answered(order, () -> audit(order, "rollback", List.of()));
            requests.ask(this::follow);
            return moved(Wish.ROLL_BACK, order, List.of(), standing.plan);
        });
    }

    /** Who is away is not waited for: nothing was moved yet. */
    private void requireTarget(String act) {
        if (standing.run.kind() == RunState.Kind.BLOCKED) {
            throw new TargetRefusal("can't " + act + " while the migration is blocked: " + standing.run.reason());
        }
    }

    /** Work of the follow thread that needs PostgreSQL, before anything is moved. */
    private <T> T answered(SwitchOrder order, Callable<T> work) throws Exception {
        try {
            return requests.askWithin(order.timeout(), work);
        } catch (TimeoutException e) {
            throw new TargetRefusal("there was no answer within " + order.timeout().toMillis() + " ms ("
                    + standing.run.label() + "): nothing was moved, try again");
        }
    }

    /** Moves the writes. What became of them is said when it is decided, also if PostgreSQL is gone by then. */
    private SwitchReport moved(Wish wish, SwitchOrder order, List<Gate.Look> gates, MigrationPlan planned) throws Exception {
        CompletableFuture<SwitchReport> answer = new CompletableFuture<>();
        AtomicReference<SwitchReport> provisional = new AtomicReference<>();
        SwitchReport report = null;
        try {
            report = requests.ask(() -> {
                if (wish == Wish.CUT_OVER) {
                    requirePlan(planned);
                }
                SwitchReport ended = move(wish, order, gates, decided -> {
                    provisional.set(decided);
                    answer.completeOnTimeout(decided, SETTLING.toMillis(), TimeUnit.MILLISECONDS);
                });
                if (wish == Wish.CUT_OVER && standing.phase == Phase.SWITCHED) {
                    thread.leaveSource();
                }
                if (!answer.complete(ended) && isFollowing()) {
                    dropStream(planned); // whoever asked was answered long ago
                }
                return ended;
            }, answer);
            return report;
        } finally {
            if ((report == null || report != provisional.get()) && isFollowing()) {
                dropStream(planned);
            }
        }
    }

    /** SQLite has traffic, and nothing stands half way. */
    private boolean isFollowing() {
        return standing.phase == Phase.REPLICATING || standing.phase == Phase.CATCHING_UP;
    }

    /** What is not needed before the next cutover; one that can't be dropped now is when the daemon looks again. */
    private void dropStream(MigrationPlan planned) {
        try {
            traffic.removeReverse(planned, thread.generation());
        } catch (SQLException | RuntimeException e) {
            LOG.warn("event=stream_left migration={} reason=\"{}\"", name, Preparation.sentence(e));
        }
    }

    SwitchReport complete(SwitchOrder order, boolean cleanSource) throws Exception {
        if (standing.phase != Phase.SWITCHED) {
            throw new TargetRefusal("can't complete in phase " + standing.phase.label() + ": only a migration whose writes go to"
                    + " PostgreSQL can be completed");
        }
        if (order.dryRun()) {
            return SwitchReport.wouldComplete(standing.epoch(), cleanSource);
        }
        return traffic.exclusively("completion", () -> {
            requests.ask(() -> audit(order, "complete", List.of()));
            Path kept = requests.ask(() -> {
                thread.session().run(connection -> {
                    store.requireGeneration(connection, thread.generation());
                    store.setPhase(connection, Phase.COMPLETED);
                    connection.commit();
                    return null;
                });
                standing.phase = Phase.COMPLETED;
                Path audit = thread.finishComplete();
                thread.stopSoon();
                return audit;
            });
            if (cleanSource) {
                try (SqliteSession writer = file.openWriter(busyTimeout)) {
                    Capture.uninstallSwitched(writer, thread.generation(), true);
                }
                Sources.dropEmptyWal(file);
            }
            return SwitchReport.completed(standing.epoch(), kept, cleanSource);
        });
    }

    /** Beside a cutover or rollback: one that waits for PostgreSQL is what is to be repaired. */
    SwitchReport repair(SwitchOrder order) throws Exception {
        Phase before = standing.phase;
        try {
            return requests.askWithin(order.timeout(), () -> {
                thread.settle();
                return SwitchReport.repaired(before, standing.phase, standing.epoch());
            });
        } catch (TimeoutException e) {
            throw new TargetRefusal("it is not settled within " + order.timeout().toMillis() + " ms (" + standing.run.label()
                    + "): it goes on trying by itself, and nothing is lost meanwhile");
        }
    }

    /** SQLite gets the writes back although PostgreSQL can't be asked, and the migration ends. */
    SwitchReport giveTargetUp(SwitchOrder order) throws Exception {
        if (standing.run.kind() != RunState.Kind.BLOCKED) {
            throw new TargetRefusal("the target answers, so it is not lost: sluice repair, sluice rollback or sluice cancel");
        }
        LOG.warn("event=target_given_up migration={} actor={}: SQLite gets the writes back without PostgreSQL's word", name,
                order.actor());
        if (!thread.stop()) {
            throw new TargetRefusal("the migration does not stop in time: try again");
        }
        try (SqliteSession writer = file.openWriter(busyTimeout)) {
            long taken = Capture.takeGeneration(writer); // nothing of ours that is under way can touch the source any more
            if (Fence.state(writer).fenced()) {
                Capture.uninstallSwitched(writer, taken, true);
            } else {
                Capture.uninstall(writer);
            }
        }
        Sources.dropEmptyWal(file);
        Path kept = traffic.noteGivenUp(order.actor());
        standing.phase = Phase.CANCELLED;
        return SwitchReport.targetGivenUp(kept);
    }

    // ---- on the follow thread ----

    /** What PostgreSQL was given a moment ago would be lost by going back now. */
    private Void follow() throws SQLException, InterruptedException {
        List<String> due = thread.session().run(traffic::unfollowed);
        if (!due.isEmpty()) {
            try {
                thread.follow();
                traffic.proveReverse();
            } catch (SQLException | RuntimeException e) {
                throw new TargetRefusal("nothing was moved, as it would be lost that " + String.join("; ", due) + " ("
                        + Preparation.sentence(e) + ")", e);
            }
        }
        return null;
    }

    /** DDL passes every fence: what came last is named, not lost in silence. */
    private List<String> lost() {
        List<String> lost = new ArrayList<>();
        try {
            lost.addAll(thread.session().once(traffic::unfollowed));
        } catch (SQLException | RuntimeException e) {
            LOG.debug("the target's schema can't be looked at", e);
            lost.add("PostgreSQL's schema could not be looked at after the move: compare it with SQLite's");
        }
        lost.addAll(traffic.losses());
        return lost;
    }

    private SwitchReport move(Wish wish, SwitchOrder order, List<Gate.Look> gates, Consumer<SwitchReport> provisional)
            throws SQLException, InterruptedException {
        Phase before = standing.phase;
        TrafficSwitch.Result result = thread.move(wish, order, decided -> {
            if (!decided.done()) {
                provisional.accept(decided.report(wish, decided.phase(wish), standing.epoch(), gates));
            }
        });
        if (result.unknown()) {
            thread.move(Wish.SETTLE, null, decided -> {}); // PostgreSQL is there again
        }
        if (before == Phase.SWITCHED && standing.phase != Phase.SWITCHED) {
            thread.closeSource();
        }
        standing.unblock();
        SwitchReport report = result.report(wish, standing.phase, standing.epoch(), gates);
        standing.events.moved(wish.label(), report);
        return wish == Wish.ROLL_BACK && report.done() ? report.withNotes(lost()) : report;
    }

    private void requirePlan(MigrationPlan planned) {
        if (standing.plan != planned || standing.phase != Phase.REPLICATING) {
            throw new TargetRefusal("the source's schema was changed while the cutover was prepared: try again");
        }
    }

    private Void audit(SwitchOrder order, String act, List<Gate.Look> gates) throws SQLException, InterruptedException {
        thread.session().run(connection -> {
            store.requireGeneration(connection, thread.generation());
            new Audit(name).append(connection, order.actor(), act, SwitchReport.detail(order, gates));
            connection.commit();
            return null;
        });
        return null;
    }

    private List<Gate.Look> gates(SwitchOrder order) throws SQLException, InterruptedException {
        Gates gates = new Gates(order.forced());
        boolean runs = standing.phase == Phase.REPLICATING && standing.run.kind() == RunState.Kind.RUNNING;
        gates.look(Gate.PHASE, runs, standing.phase.label() + ", " + standing.run.label()
                + (runs ? "" : ": wait for replicating, running"));
        if (!runs) {
            return gates.looks();
        }
        long lag = standing.lag();
        gates.look(Gate.LAG, lag >= 0 && lag <= order.maxLag(), lag < 0 ? "not known: the source can't be read at present"
                : lag + " changes wait, " + order.maxLag() + " may");
        Verifications.Freshness fresh = verifications.freshness(traffic.settings().verifiedWithin());
        gates.look(Gate.VERIFICATION, fresh.enough(), fresh.says());
        long rows = standing.parkedRows();
        gates.look(Gate.PARKED, rows == 0, rows == 0 ? "no row is parked"
                : rows + " rows are parked and would be missing on PostgreSQL: sluice parked");
        boolean same = SourceState.of(file, standing.plan, busyTimeout).isAsPlanned(standing.plan);
        gates.look(Gate.DRIFT, same, same ? "the source's schema is the one that was planned for"
                : "tables are held, or the source's schema was changed a moment ago: sluice status");
        traffic.gates(gates, standing.plan, thread.session());
        standing.events.looked(gates.looks());
        return gates.looks();
    }

    /** What the pause of a cutover would come to, as a sentence. */
    private String expectedPause() throws SQLException, InterruptedException {
        long began = System.nanoTime();
        thread.session().run(connection -> {
            new ControlRow(name).ask(connection);
            connection.commit();
            return null;
        });
        long transaction = Math.max(1, (System.nanoTime() - began) / 1_000_000);
        long waiting = Math.max(0, standing.lag());
        double perChange = standing.appliedNanos == 0 ? 0
                : standing.appliedNanos / 1e6 / Math.max(1, standing.changesApplied);
        long steps = Step.ofCutover().size() - 1;
        return String.format("the pause would be about %,d ms: %d transactions of some %,d ms each, and %,d changes that wait",
                Math.round(2.0 * steps * transaction + waiting * perChange), steps, 2 * transaction, waiting);
    }
}
