package dev.sluice.conflict;

import dev.sluice.change.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What is to be done with an arriving version.
 *
 * @param act exactly one thing
 * @param kind how the versions disagree; null if they don't
 * @param kept with {@link Act#MERGE} the columns that stay as the existing row has them, else empty
 */
public record Verdict(Act act, ConflictKind kind, Set<Integer> kept) {

    /** The things that can be done. */
    public enum Act {
        /** The arriving version is written. */
        APPLY,
        /** The existing version stays. */
        KEEP_EXISTING,
        /** Some columns of each. */
        MERGE,
        /** The existing version stays, the arriving one is put aside where the operator sees it. */
        PARK,
        /** Nothing is done, and nothing behind it either, until the operator has decided. */
        HALT
    }

    public Verdict {
        kept = java.util.Collections.unmodifiableSet(new TreeSet<>(kept));
    }

    static Verdict of(Act act, ConflictKind kind) {
        return new Verdict(act, kind, Set.of());
    }

    public boolean isConflict() {
        return kind != null;
    }

    /** The row that {@link Act#MERGE} asks for. */
    public List<Value> merged(List<Value> incoming, List<Value> existing) {
        List<Value> merged = new ArrayList<>(incoming);
        kept.forEach(column -> merged.set(column, existing.get(column)));
        return merged;
    }
}
