package dev.sluice.migration;

import dev.sluice.change.Position;
import dev.sluice.cutover.AnswerLost;
import dev.sluice.cutover.Claim;
import dev.sluice.cutover.Register;
import dev.sluice.cutover.TargetSide;
import dev.sluice.cutover.Traffic;
import dev.sluice.declare.Sequences;
import dev.sluice.fence.TargetFence;
import dev.sluice.follow.Follower;
import dev.sluice.follow.SourceChanged;
import dev.sluice.phase.Phase;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.postgres.LastingSession;
import dev.sluice.postgres.SqlFailure;
import dev.sluice.postgres.TargetUrl;
import dev.sluice.store.ControlRow;
import dev.sluice.store.MigrationStore;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The target in a cutover or rollback. The phase is stored in the transactions that decide it. Used by one thread. */
final class PostgresSide implements TargetSide, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(PostgresSide.class);
    private static final FenceChange FENCE_STAYS = connection -> {};

    private final TargetUrl url;
    private final LastingSession session;
    private final MigrationStore store;
    private final ControlRow control;
    private final MigrationPlan plan;
    private final TargetFence fence;
    private final Duration lockWait;
    private final Tail tail;
    private final Numbers numbers;
    private final boolean mayPark;
    private Follower follower;
    /** Made before the fence, which may change what a follower expects of the source. */
    private Follower prepared;
    private Sequences sequences;

    /** What applies the changelog over {@code session}; made when it is first needed. */
    interface Tail {
        Follower follower(LastingSession session, long generation) throws SQLException, InterruptedException;
    }

    /** What {@code sqlite_sequence} says, by table. */
    interface Numbers {
        Map<String, Long> last() throws SQLException;
    }

    /**
     * @param session whose answers are waited for within a bound
     * @param lockWait how long the flip and the fence wait for vacuum, DDL and writers in flight
     * @param mayPark true if the operator goes over although rows are parked
     */
    PostgresSide(TargetUrl url, LastingSession session, MigrationStore store, MigrationPlan plan, Duration lockWait, Tail tail,
            Numbers numbers, boolean mayPark) {
        this.url = url;
        this.session = session;
        this.store = store;
        this.control = new ControlRow(store.migration());
        this.plan = plan;
        this.fence = new TargetFence(store.migration(), plan);
        this.lockWait = lockWait;
        this.tail = tail;
        this.numbers = numbers;
        this.mayPark = mayPark;
    }

    @Override
    public boolean takeGeneration(long generation) throws AnswerLost {
        return call(connection -> {
            if (control.ask(connection).generation() > generation) {
                return false;
            }
            store.setGeneration(connection, generation);
            connection.commit();
            return true;
        });
    }

    @Override
    public Register ask() throws AnswerLost {
        follower = null; // it reads the watermark anew
        prepared = null;
        sequences = null;
        return call(connection -> {
            ControlRow.Content row = control.ask(connection);
            store.lockWatermark(connection);
            connection.commit();
            return new Register(Traffic.of(row.traffic()), row.epoch(), row.version(), row.generation());
        });
    }

    @Override
    public boolean begin(Claim claim) throws AnswerLost {
        boolean begun = move(connection -> control.begin(connection, of(claim)), FENCE_STAYS,
                moved -> Phase.CUTTING_OVER);
        if (begun) {
            prepare(claim.generation());
        }
        return begun;
    }

    /** What can be done while the application still writes: from the fence on it waits. */
    private void prepare(long generation) throws AnswerLost {
        try {
            prepared = tail.follower(session, generation);
            prepared.piece();
            sequences = session.once(connection -> Sequences.read(connection, plan));
        } catch (SQLException | RuntimeException e) {
            throw lost(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AnswerLost("the daemon is stopping");
        }
    }

    @Override
    public Drained drain(long generation, Position head) throws AnswerLost {
        try {
            if (piece(generation).watermark().seq() < head.seq()) {
                return Drained.MORE;
            }
            refuseParked();
            return Drained.DONE;
        } catch (IllegalStateException e) {
            LOG.debug("refused", e);
            follower = null;
            return Drained.REFUSED;
        } catch (SQLException | RuntimeException e) {
            follower = null;
            throw lost(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AnswerLost("the daemon is stopping");
        }
    }

    /** Nobody would find them missing before PostgreSQL has taken writes without them. */
    private void refuseParked() throws SQLException, AnswerLost {
        long parked = mayPark ? 0 : session.once(store::parkedCounts).values().stream().mapToLong(Long::longValue).sum();
        if (parked > 0) {
            throw new AnswerLost(parked + " of the last rows do not fit in PostgreSQL and were parked: sluice parked");
        }
    }

    private Follower.Turn piece(long generation) throws SQLException, InterruptedException {
        if (prepared != null) {
            follower = prepared;
            prepared = null;
            try {
                return follower.piece();
            } catch (SourceChanged e) {
                LOG.debug("the fence changed the schema that was expected", e);
                follower = null;
            }
        }
        if (follower == null) {
            follower = tail.follower(session, generation);
        }
        return follower.piece();
    }

    @Override
    public boolean setSequences(Claim claim) throws AnswerLost {
        Map<String, Long> last;
        try {
            last = numbers.last();
        } catch (SQLException | RuntimeException e) {
            throw lost(e);
        }
        return call(connection -> {
            boolean holds = control.holds(connection, of(claim), ControlRow.SQLITE);
            if (holds) {
                (sequences != null ? sequences : Sequences.read(connection, plan)).raise(connection, last);
                connection.commit();
            }
            return holds;
        });
    }

    @Override
    public boolean supersede(Claim claim) throws AnswerLost {
        return move(connection -> control.supersede(connection, of(claim)), FENCE_STAYS);
    }

    @Override
    public boolean flip(Claim claim) throws AnswerLost {
        return move(connection -> control.flip(connection, of(claim)), connection -> fence.lift(connection, lockWait));
    }

    @Override
    public boolean fence(Claim claim) throws AnswerLost {
        return move(connection -> control.fence(connection, of(claim)), connection -> fence.raise(connection, lockWait));
    }

    @Override
    public boolean unfence(Claim claim) throws AnswerLost {
        return move(connection -> control.unfence(connection, of(claim)), connection -> fence.lift(connection, lockWait));
    }

    @Override
    public boolean settle(Claim claim) throws AnswerLost {
        return move(connection -> control.settle(connection, of(claim)), FENCE_STAYS);
    }

    private interface Change {
        Optional<ControlRow.Content> on(Connection connection) throws SQLException;
    }

    private interface FenceChange {
        void on(Connection connection) throws SQLException;
    }

    private boolean move(Change change, FenceChange fenceChange) throws AnswerLost {
        return move(change, fenceChange, PostgresSide::decided);
    }

    /** The register first, which holds its row; only where the claim holds the fence and the phase follow it. */
    private boolean move(Change change, FenceChange fenceChange, Function<Traffic, Phase> phase) throws AnswerLost {
        return call(connection -> {
            Optional<ControlRow.Content> moved = change.on(connection);
            if (moved.isEmpty()) {
                return false;
            }
            fenceChange.on(connection);
            store.setPhase(connection, phase.apply(Traffic.of(moved.get().traffic())));
            connection.commit();
            return true;
        });
    }

    /** The phase of a migration in which nothing else is under way. */
    static Phase decided(Traffic traffic) {
        return switch (traffic) {
            case SQLITE -> Phase.REPLICATING;
            case FENCED -> Phase.ROLLING_BACK;
            case POSTGRES -> Phase.SWITCHED;
        };
    }

    private static ControlRow.Claim of(Claim claim) {
        return new ControlRow.Claim(claim.generation(), claim.version(), claim.epoch());
    }

    private <T> T call(LastingSession.Work<T> work) throws AnswerLost {
        try {
            return session.once(work);
        } catch (SQLException | RuntimeException e) {
            throw lost(e);
        }
    }

    private AnswerLost lost(Exception e) {
        LOG.debug("the target did not answer", e);
        session.close();
        return new AnswerLost(e instanceof SQLException sql && SqlFailure.of(sql) != SqlFailure.OTHER
                ? SqlFailure.sentence(sql, url) : Preparation.sentence(e));
    }

    @Override
    public void close() {
        session.close();
    }
}
