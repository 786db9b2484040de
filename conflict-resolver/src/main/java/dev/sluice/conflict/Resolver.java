package dev.sluice.conflict;

import dev.sluice.change.Value;
import dev.sluice.conflict.Baseline.Same;
import dev.sluice.conflict.Verdict.Act;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Decides between two versions of a row, given what both sides had last. Pure, total and deterministic. A version is the
 * row's values in an order that stays the same, or null where the row is not there.
 */
public final class Resolver {

    private static final Resolver RULES = new Resolver(ConflictTable.RULES);

    private final ConflictTable table;

    Resolver(ConflictTable table) {
        this.table = table;
    }

    /** What to do with a version that arrives. */
    public static Verdict resolve(Baseline baseline, List<Value> incoming, List<Value> existing, TablePolicy policy) {
        return RULES.decide(baseline, incoming, existing, policy);
    }

    /** What to do with a row that the receiving side refused for a reason that concerns this row alone. */
    public static Verdict refused(ConflictKind kind, TablePolicy policy) {
        return RULES.decide(kind, policy);
    }

    /** How the versions disagree; empty where they don't, or where it can't be known. */
    public static Optional<ConflictKind> kind(Baseline baseline, List<Value> incoming, List<Value> existing) {
        Same outside = baseline.row(existing);
        if (outside != Same.NO || java.util.Objects.equals(incoming, existing)) {
            return Optional.empty();
        }
        if (baseline.row(incoming) == Same.YES) {
            return Optional.of(ConflictKind.CHANGED_OUTSIDE);
        }
        if (incoming == null) {
            return Optional.of(ConflictKind.DELETE_UPDATE);
        }
        if (existing == null) {
            return Optional.of(ConflictKind.UPDATE_DELETE);
        }
        return Optional.of(baseline.row(null) == Same.YES ? ConflictKind.INSERT_INSERT : ConflictKind.UPDATE_UPDATE);
    }

    Verdict decide(ConflictKind refusal, TablePolicy policy) {
        if (!refusal.isRefusal()) {
            throw new IllegalArgumentException(refusal + " has two versions");
        }
        // no stance writes such a row, so each cell is one of two
        return Verdict.of(table.cell(refusal, policy.stance()) == Ruling.HALT ? Act.HALT
                : table.cell(refusal, policy.stance()) == Ruling.PARK ? Act.PARK : Act.APPLY, refusal);
    }

    Verdict decide(Baseline baseline, List<Value> incoming, List<Value> existing, TablePolicy policy) {
        Optional<ConflictKind> found = policy.detects() ? kind(baseline, incoming, existing) : Optional.empty();
        if (found.isEmpty()) {
            return Verdict.of(Act.APPLY, null);
        }
        ConflictKind kind = found.get();
        boolean both = incoming != null && existing != null;
        if (both && !policy.columns().isEmpty() && policy.stance() != Stance.HALT) {
            return byColumn(kind, baseline, incoming, existing, policy);
        }
        return switch (table.cell(kind, policy.stance())) {
            case APPLY -> Verdict.of(Act.APPLY, kind);
            case KEEP -> Verdict.of(Act.KEEP_EXISTING, kind);
            case NEWER -> Verdict.of(younger(kind == ConflictKind.CHANGED_OUTSIDE, incoming, existing, policy.newestBy()),
                    kind);
            case MERGE -> byColumn(kind, baseline, incoming, existing, policy);
            case PARK -> Verdict.of(Act.PARK, kind);
            case HALT -> Verdict.of(Act.HALT, kind);
        };
    }

    /**
     * Which is the younger version; parked where that can't be told.
     *
     * @param old true if what arrives is what both had before
     */
    private static Act younger(boolean old, List<Value> incoming, List<Value> existing, int column) {
        if (column < 0) {
            return old ? Act.KEEP_EXISTING : Act.APPLY; // what arrives comes after what is there
        }
        if (incoming == null || existing == null) {
            return Act.PARK; // a row that is gone has no time
        }
        OptionalInt order = compare(incoming.get(column), existing.get(column));
        return order.isEmpty() || order.getAsInt() == 0 ? Act.PARK
                : order.getAsInt() > 0 ? Act.APPLY : Act.KEEP_EXISTING;
    }

    /** Numbers by value, texts and blobs by their bytes, as SQLite does; empty for NULL and for what has no order. */
    private static OptionalInt compare(Value one, Value other) {
        if (one instanceof Value.Int a && other instanceof Value.Int b) {
            return OptionalInt.of(Long.compare(a.value(), b.value()));
        }
        if (isNumber(one) && isNumber(other)) {
            return OptionalInt.of(Double.compare(number(one), number(other)));
        }
        if (!one.isNull() && one.storageClass() == other.storageClass()) {
            return OptionalInt.of(Arrays.compareUnsigned(one.bytes(), other.bytes()));
        }
        return OptionalInt.empty();
    }

    private static boolean isNumber(Value value) {
        return value instanceof Value.Int || value instanceof Value.Real;
    }

    private static double number(Value value) {
        return value instanceof Value.Int number ? number.value() : ((Value.Real) value).value();
    }

    /** Every column in which the two differ goes to one side; one that can't go to either parks the row, or halts. */
    private Verdict byColumn(ConflictKind kind, Baseline baseline, List<Value> incoming, List<Value> existing,
            TablePolicy policy) {
        if (incoming == null || existing == null) {
            throw new IllegalStateException("a row can't be merged with none: the table is wrong");
        }
        Set<Integer> kept = new HashSet<>();
        Act worst = null;
        int differing = 0;
        for (int column = 0; column < incoming.size(); column++) {
            Value arriving = incoming.get(column);
            Value there = existing.get(column);
            if (arriving.equals(there)) {
                continue;
            }
            differing++;
            Act act = column(kind, baseline, column, incoming, existing, policy);
            if (act == Act.KEEP_EXISTING) {
                kept.add(column);
            } else if (act == Act.HALT || act == Act.PARK && worst == null) {
                worst = act;
            }
        }
        if (worst != null) {
            return Verdict.of(worst, kind);
        }
        return kept.isEmpty() ? Verdict.of(Act.APPLY, kind)
                : kept.size() == differing ? Verdict.of(Act.KEEP_EXISTING, kind) : new Verdict(Act.MERGE, kind, kept);
    }

    private Act column(ConflictKind kind, Baseline baseline, int column, List<Value> incoming, List<Value> existing,
            TablePolicy policy) {
        if (baseline.column(column, existing.get(column)) == Same.YES) {
            return Act.APPLY; // nobody touched it there
        }
        boolean old = kind == ConflictKind.CHANGED_OUTSIDE || baseline.column(column, incoming.get(column)) == Same.YES;
        Ruling ruling = table.cell(kind, policy.stance());
        if (old && (policy.stance() == Stance.MERGE || ruling == Ruling.MERGE)) {
            return Act.KEEP_EXISTING; // only there; what the column's own policy is for is that both did
        }
        Stance own = policy.columns().get(column);
        return switch (own == null ? ruling : table.cell(kind, own)) {
            case APPLY -> Act.APPLY;
            case KEEP -> Act.KEEP_EXISTING;
            case NEWER -> younger(old, incoming, existing, policy.newestBy());
            case MERGE -> Act.PARK; // both did
            case PARK -> Act.PARK;
            case HALT -> Act.HALT;
        };
    }
}
