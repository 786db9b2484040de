package dev.sluice.change;

import java.util.List;

/**
 * What identifies a row in its table: the values of the key columns in key order, or the rowid alone. {@code -0.0} is
 * folded to {@code 0.0}, because SQLite takes both for one key.
 */
public record RowKey(List<Value> parts) {

    public RowKey(List<Value> parts) {
        // rows by the million pass here: nearly all keys are as they should be
        this.parts = hasZero(parts) ? parts.stream().map(RowKey::folded).toList() : List.copyOf(parts);
    }

    public static RowKey of(Value... parts) {
        return new RowKey(List.of(parts));
    }

    /** True if some part is NULL: such a key does not identify a row (SQLite allows several). */
    public boolean hasNull() {
        return parts.contains(Value.NULL);
    }

    private static boolean hasZero(List<Value> parts) {
        for (int i = 0; i < parts.size(); i++) {
            if (parts.get(i) instanceof Value.Real real && real.value() == 0.0) {
                return true;
            }
        }
        return false;
    }

    private static Value folded(Value part) {
        return part instanceof Value.Real real && real.value() == 0.0 ? Value.of(0.0) : part;
    }
}
