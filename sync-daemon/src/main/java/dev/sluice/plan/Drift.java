package dev.sluice.plan;

import java.util.List;
import java.util.Set;

/**
 * What becomes of a plan, and of the target, because the source's schema was changed while it is followed.
 *
 * @param plan the plan from now on
 * @param kept for each declaration of {@code plan}, the ordinal of the old plan's declaration that made it, or -1 where it
 *     is to be run
 * @param undone ordinals of the old plan's declarations that are taken back, in the order of doing so
 * @param changes what is done to tables, after that
 * @param compare tables, by their source names, whose rows must be compared: they are new or may lack values
 * @param forgotten source tables of which nothing remains: gone, held, or made anew
 * @param news sentences about what happened, for the operator
 */
public record Drift(MigrationPlan plan, List<Integer> kept, List<Integer> undone, List<Change> changes,
        Set<String> compare, Set<String> forgotten, List<String> news) {

    /** One statement on a target table, on behalf of a source table. */
    public record Change(String table, String sql) {}

    /** True if the target is touched, or has to be. */
    public boolean isDue() {
        return !undone.isEmpty() || !changes.isEmpty() || !compare.isEmpty() || kept.contains(-1);
    }
}
