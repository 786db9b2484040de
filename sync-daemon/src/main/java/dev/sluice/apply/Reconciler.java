package dev.sluice.apply;

import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.TableChange;
import dev.sluice.change.Value;
import dev.sluice.conflict.Baseline;
import dev.sluice.conflict.ConflictKind;
import dev.sluice.conflict.Direction;
import dev.sluice.conflict.Resolver;
import dev.sluice.conflict.TablePolicy;
import dev.sluice.conflict.Verdict;
import dev.sluice.plan.TablePlan;
import dev.sluice.store.Conflict;
import dev.sluice.store.ConflictStore;
import dev.sluice.store.ParkedRow;
import dev.sluice.store.RowPrint;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Looks what stands in the target before a table's changes are written, and has the resolver decide where somebody else
 * has changed it since. For one table under a policy that asks for it; all methods run in the caller's transaction. Not
 * thread-safe.
 */
final class Reconciler {

    private static final int ROWS_PER_LOOK = 5_000;

    private final ConflictStore conflicts;
    private final TablePlan plan;
    private final TablePolicy policy;
    private final ExistingRows existing;
    private boolean whole;

    Reconciler(ConflictStore conflicts, TablePlan plan, TablePolicy policy, ExistingRows existing) {
        this.conflicts = conflicts;
        this.plan = plan;
        this.policy = policy;
        this.existing = existing;
    }

    /**
     * Takes over what is known; begins anew where it was remembered in another form, or before PostgreSQL last had the
     * traffic.
     */
    void load(Connection connection, ConflictStore.Versions known, long epoch) throws SQLException {
        String form = "epoch " + epoch + (policy.needsColumns() ? ", columns " : ", row ") + String.join(", ", existing.columns());
        if (known == null || !known.form().equals(form)) {
            conflicts.begin(connection, plan.source(), form);
            whole = false;
        } else {
            whole = known.whole();
        }
    }

    /** True once a row that nothing is remembered of is one that neither side had. */
    boolean isWhole() {
        return whole;
    }

    /** Remembers some more of the rows that are in the target, which Sluice has written. Returns true if all are now. */
    boolean readMore(Connection connection, int rowsMax) throws SQLException {
        ConflictStore.Versions known = conflicts.versions(connection).get(plan.source());
        ExistingRows.Page page = existing.after(connection, known.readTo(), rowsMax);
        Map<RowKey, RowPrint> prints = new HashMap<>();
        page.rows().forEach((key, version) -> prints.put(key, RowPrint.of(version, policy.needsColumns())));
        conflicts.remember(connection, plan.source(), prints, true);
        whole = page.rows().size() < rowsMax;
        conflicts.read(connection, plan.source(), page.last() == null ? known.readTo() : page.last(), whole);
        return whole;
    }

    /**
     * What is left to write once every row has its verdict.
     *
     * @param change what is written
     * @param parked rows that are kept aside, while the target keeps what it has
     * @param prints what is remembered of written rows, by key
     * @param agreed keys of rows that come without a conflict
     */
    record Settled(TableChange change, List<ParkedRow> parked, Map<RowKey, RowPrint> prints, Set<RowKey> agreed) {}

    /** Decides every row of {@code change}; what was decided is written down. */
    Settled settle(Connection connection, TableChange change, long seq) throws SQLException {
        Map<RowKey, Row> arriving = new LinkedHashMap<>();
        change.deletes().forEach(key -> arriving.put(key, null));
        change.upserts().forEach(row -> arriving.put(row.key(), row));
        List<Row> upserts = new ArrayList<>();
        Set<RowKey> deletes = new HashSet<>();
        List<ParkedRow> parked = new ArrayList<>();
        Map<RowKey, RowPrint> prints = new HashMap<>();
        Set<RowKey> agreed = new LinkedHashSet<>();
        List<Conflict> met = new ArrayList<>();
        List<RowKey> keys = List.copyOf(arriving.keySet());
        for (int from = 0; from < keys.size(); from += ROWS_PER_LOOK) {
            List<RowKey> some = keys.subList(from, Math.min(keys.size(), from + ROWS_PER_LOOK));
            Map<RowKey, List<Value>> there = existing.lock(connection, some);
            Map<RowKey, Baseline> known = conflicts.baselines(connection, plan.source(), some, whole);
            for (RowKey key : some) {
                Row row = arriving.get(key);
                List<Value> incoming = row == null ? null : existing.version(row);
                List<Value> stands = there.get(key);
                Baseline baseline = known.get(key);
                Verdict verdict = Resolver.resolve(baseline, incoming, stands, policy);
                if (verdict.isConflict()) {
                    verdict = asDecided(connection, key, verdict, incoming, stands, seq, met);
                } else {
                    agreed.add(key);
                }
                switch (verdict.act()) {
                    case APPLY -> {
                        if (row == null) {
                            deletes.add(key);
                        } else {
                            if (change.deletes().contains(key)) {
                                deletes.add(key); // stands there in another spelling
                            }
                            upserts.add(row);
                            prints.put(key, RowPrint.of(incoming, policy.needsColumns()));
                        }
                    }
                    case MERGE -> {
                        upserts.add(existing.with(row, verdict.merged(incoming, stands)));
                        prints.put(key, merged(baseline, incoming, verdict.kept()));
                    }
                    case KEEP_EXISTING -> { }
                    case PARK -> parked.add(new ParkedRow(plan.source(), key, row, verdict.kind().code(), "the row of "
                            + plan.source() + " was changed in PostgreSQL outside of Sluice (" + verdict.kind().code()
                            + "): sluice conflicts list", null, seq, null));
                    case HALT -> throw new HaltedByConflict(Conflict.met(Direction.FORWARD, plan.source(), key, verdict, existing.columns(),
                            incoming, stands, seq));
                }
            }
        }
        conflicts.record(connection, met);
        return new Settled(new TableChange(change.table(), deletes, upserts), parked, prints, agreed);
    }

    /** What stayed is not what both sides have: it goes on being a change of the target's. */
    private static RowPrint merged(Baseline baseline, List<Value> incoming, Set<Integer> kept) {
        RowPrint before = baseline instanceof RowPrint print && print.hasColumns() ? print
                : RowPrint.of(Collections.nCopies(incoming.size(), Value.NULL), true);
        Set<Integer> taken = new HashSet<>();
        for (int column = 0; column < incoming.size(); column++) {
            if (!kept.contains(column)) {
                taken.add(column);
            }
        }
        return before.with(incoming, taken);
    }

    /** What the operator has decided for just these two versions goes before the policy. */
    private Verdict asDecided(Connection connection, RowKey key, Verdict verdict, List<Value> incoming, List<Value> stands,
            long seq, List<Conflict> met) throws SQLException {
        Conflict decided = conflicts.decided(connection, plan.source(), key, RowPrint.hash(incoming), RowPrint.hash(stands));
        if (decided == null) {
            if (verdict.act() != Verdict.Act.HALT) {
                met.add(Conflict.met(Direction.FORWARD, plan.source(), key, verdict, existing.columns(), incoming, stands, seq));
            }
            return verdict;
        }
        conflicts.close(connection, decided.id());
        return new Verdict(decided.decision() == Conflict.Decision.INCOMING ? Verdict.Act.APPLY : Verdict.Act.KEEP_EXISTING,
                verdict.kind(), Set.of());
    }

    /**
     * Remembers what both sides have now, after it was written.
     *
     * @param refused keys of rows that the target did not take and has nothing of
     */
    void remember(Connection connection, Settled settled, Set<RowKey> refused) throws SQLException {
        Map<RowKey, RowPrint> prints = new HashMap<>(settled.prints());
        prints.keySet().removeAll(refused);
        conflicts.remember(connection, plan.source(), prints, false);
        Set<RowKey> gone = new HashSet<>(settled.change().deletes());
        gone.removeAll(prints.keySet());
        gone.addAll(refused);
        conflicts.removed(connection, plan.source(), gone);
        conflicts.closeAll(connection, plan.source(), settled.agreed());
    }

    /** A row that the target refused, where that must stop everything. */
    void requireParking(ParkedRow refused) {
        for (ConflictKind kind : ConflictKind.values()) {
            if (kind.isRefusal() && kind.code().equals(refused.code())) {
                Verdict verdict = Resolver.refused(kind, policy);
                if (verdict.act() == Verdict.Act.HALT) {
                    throw new HaltedByConflict(Conflict.met(Direction.FORWARD, plan.source(), refused.key(), verdict, existing.columns(),
                            refused.row() == null ? null : existing.version(refused.row()), null, refused.seq()));
                }
            }
        }
    }
}
