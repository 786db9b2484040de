package dev.sluice.verify;

import dev.sluice.plan.MigrationPlan;
import dev.sluice.store.MigrationStore;
import dev.sluice.tail.Limits;

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
}
