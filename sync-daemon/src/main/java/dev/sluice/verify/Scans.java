package dev.sluice.verify;

import dev.sluice.plan.MigrationPlan;
import dev.sluice.postgres.LastingSession;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.VerificationStore;
import dev.sluice.tail.Limits;
import dev.sluice.tail.SourceReader;

/** How a run compares both sides, and how once more after it has mended something. */
public final class Scans {

    final Comparison first;
    final Comparison again;

    private Scans(Comparison first, Comparison again) {
        this.first = first;
        this.again = again;
    }

    /**
     * What a run wants.
     *
     * @param repair true to mend what differs from the side that takes the writes
     * @param showValues true to keep differing values in memory, for people
     */
    public record Wish(boolean repair, boolean showValues) {}

    /** While the source takes the writes. */
    public static Scans forward(MigrationPlan plan, MigrationStore store, SamePoint samePoint, Limits limits, Wish wish) {
        return new Scans(
                new ForwardComparison(plan, store, samePoint, limits, new ForwardComparison.Choice(wish.repair(),
                        Verifier.LEAF_ROWS, wish.showValues())),
                new ForwardComparison(plan, store, samePoint, limits, new ForwardComparison.Choice(false,
                        Verifier.LEAF_ROWS, false)));
    }

    /**
     * While the target takes the writes.
     *
     * @param session to the target, the calling thread's own, as is {@code reader}
     * @param beat called while it waits for the stream; may end the run
     */
    public static Scans backward(MigrationPlan plan, MigrationStore migrationStore, VerificationStore store,
            LastingSession session, SourceReader reader, ReturningStream stream, Touched touched, Limits limits, Wish wish,
            RunScan.Heartbeat beat) {
        BackwardComparison.Ground ground = new BackwardComparison.Ground(plan, migrationStore, store, session, reader, stream,
                touched);
        return new Scans(
                new BackwardComparison(ground, limits, new ForwardComparison.Choice(wish.repair(), Verifier.LEAF_ROWS,
                        wish.showValues()), () -> beat.beat(-1)),
                new BackwardComparison(ground, limits, new ForwardComparison.Choice(false, Verifier.LEAF_ROWS, false),
                        () -> beat.beat(-1)));
    }
}
