package dev.sluice.verify;

import dev.sluice.apply.Applier;
import dev.sluice.change.ChangeBatch;
import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.TableChange;
import dev.sluice.change.Value;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.store.MigrationStore;
import dev.sluice.tail.Chunk;
import dev.sluice.tail.Limits;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Compares while the source takes the writes: each step at a moment of its own ({@link SamePoint}) at which the target has
 * exactly what the source had. Mends on request in the transaction that found the difference.
 */
final class ForwardComparison implements Comparison {

    /** Rows with NULL in their key that are listed at most. */
    private static final int WITHOUT_KEY_MAX = 10_000;

    private final MigrationPlan plan;
    private final Applier applier;
    private final MigrationStore store;
    private final SamePoint samePoint;
    private final Limits limits;
    private final Choice choice;
    private final Map<String, TargetRows> targets = new HashMap<>();

    /**
     * What may be chosen.
     *
     * @param repair true to mend what differs
     * @param leafRows rows of a leaf at most
     * @param showValues true to keep the values that differ, for people
     */
    record Choice(boolean repair, int leafRows, boolean showValues) {}

    ForwardComparison(MigrationPlan plan, MigrationStore store, SamePoint samePoint, Limits limits, Choice choice) {
        this.plan = plan;
        this.applier = new Applier(store, plan);
        this.store = store;
        this.samePoint = samePoint;
        this.limits = limits;
        this.choice = choice;
    }

    /** Where the target stands. */
    long seq() throws SQLException, InterruptedException {
        return samePoint.at(snapshot -> 0L, (nothing, target) -> store.lockWatermark(target).seq());
    }

    @Override
    public Step step(Subject subject, RowKey after, RowKey upTo) throws SQLException, InterruptedException {
        return samePoint.at(snapshot -> snapshot.range(subject.source(), after, upTo, limits),
                (chunk, target) -> compare(subject, target, after, upTo, chunk));
    }

    private Step compare(Subject subject, Connection target, RowKey after, RowKey upTo, Chunk chunk) throws SQLException {
        TargetRows targetRows = targetRows(subject);
        Map<RowKey, Row> here = new LinkedHashMap<>();
        chunk.rows().forEach(row -> here.put(row.key(), row));
        boolean end = chunk.end() || chunk.last().equals(upTo);
        RowKey last = end ? upTo : chunk.last();
        Map<RowKey, Value[]> there = targetRows.isNumbered() ? targetRows.range(target, after, last)
                : targetRows.find(target, here.keySet());
        List<RowKey> absent = here.keySet().stream().filter(key -> !there.containsKey(key)).toList();
        Set<RowKey> parked = absent.isEmpty() ? Set.of()
                : new HashSet<>(store.parkedAmong(target, subject.plan().source(), absent));
        List<Difference> differences = new ArrayList<>();
        List<Leaf> leaves = new RangeComparison(targetRows, choice.leafRows(), false, choice.showValues()).leaves(
                new RangeComparison.Range(after, last, store.lockWatermark(target).seq(), 0), here, there, parked, differences);
        List<Row> toWrite = new ArrayList<>();
        List<RowKey> toDelete = new ArrayList<>();
        for (Difference difference : differences) {
            if (difference.kind() == Difference.Kind.EXTRA) {
                toDelete.add(difference.key());
            } else {
                toWrite.add(here.get(difference.key()));
            }
        }
        return new Step(leaves, end ? null : chunk.last(), differences, 0,
                mend(subject, target, toWrite, toDelete));
    }

    private TargetRows targetRows(Subject subject) {
        return targets.computeIfAbsent(subject.plan().source(), table -> new TargetRows(plan.schema(), subject.plan()));
    }

    // ---- tables whose keys have no order that both sides share ----

    @Override
    public void rest(Subject subject, boolean doubtful, Found found, Stop stop) throws SQLException, InterruptedException {
        TargetRows targetRows = targetRows(subject);
        if (targetRows.isNumbered()) {
            return; // every step has asked for the same range on both sides
        }
        boolean doubt = withoutKey(subject, found) | doubtful;
        long[] counts = samePoint.<Long, long[]>at(snapshot -> snapshot.count(subject.source()),
                (count, target) -> new long[] {count, targetRows.count(target),
                    store.parkedCounts(target).getOrDefault(subject.plan().source(), 0L)});
        if (counts[2] != 0 || counts[0] != counts[1] || doubt) {
            findExtras(subject, targetRows, found, stop);
        }
    }

    /** Rows with NULL in their key can't be in the target; true if there are any. */
    private boolean withoutKey(Subject subject, Found found) throws SQLException, InterruptedException {
        return samePoint.<Set<RowKey>, Boolean>at(snapshot -> {
            Set<RowKey> keys = new HashSet<>();
            snapshot.withoutKey(subject.source(), WITHOUT_KEY_MAX).forEach(row -> keys.add(row.key()));
            return keys;
        }, (keys, target) -> {
            if (keys.isEmpty()) {
                return false;
            }
            Set<RowKey> parked = new HashSet<>(store.parkedAmong(target, subject.plan().source(), keys));
            keys.removeAll(parked);
            found.found(keys.stream().map(key -> new Difference(Difference.Kind.MISSING, key, List.of())).toList(),
                    parked.size(), 0);
            return true;
        });
    }

    private void findExtras(Subject subject, TargetRows targetRows, Found found, Stop stop)
            throws SQLException, InterruptedException {
        String[] after = null;
        TargetRows.Page page;
        do {
            stop.check();
            String[] from = after;
            // the keys are read outside of the moment, then asked for on both sides at one
            page = samePoint.at(snapshot -> 0, (nothing, target) -> targetRows.keysAfter(target, from, limits.rowsMax()));
            List<RowKey> keys = page.keys();
            Extras extras = samePoint.at(snapshot -> snapshot.find(subject.source(), keys).keySet(), (present, target) -> {
                List<RowKey> extra = targetRows.find(target, keys).keySet().stream().filter(key -> !present.contains(key))
                        .toList();
                return new Extras(extra, mend(subject, target, List.of(), extra));
            });
            // a key that no source can have is asked for by nobody, and can't be named to the target either
            List<RowKey> all = new ArrayList<>(extras.found);
            keys.stream().filter(TargetRows::isForeign).forEach(all::add);
            found.found(all.stream().map(key -> new Difference(Difference.Kind.EXTRA, key, List.of())).toList(), 0,
                    extras.repaired);
            after = keys.isEmpty() ? null : page.last();
        } while (after != null);
    }

    private record Extras(List<RowKey> found, long repaired) {}

    /** Brings the source's rows to the target, carefully: other rows may hold their unique values still. */
    private long mend(Subject subject, Connection target, List<Row> toWrite, List<RowKey> toDelete) throws SQLException {
        if (!choice.repair() || toWrite.isEmpty() && toDelete.isEmpty()) {
            return 0;
        }
        applier.loadParked(target);
        applier.apply(target, new ChangeBatch("", 0, 0, 0, true,
                List.of(new TableChange(subject.plan().source(), new HashSet<>(toDelete), toWrite)), List.of()), true);
        return toDelete.size() + (long) toWrite.size();
    }
}
