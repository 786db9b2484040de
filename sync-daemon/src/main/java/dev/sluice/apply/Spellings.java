package dev.sluice.apply;

import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.mapping.Codec;
import java.util.ArrayList;
import java.util.List;

/** Keys are folded from -0.0 to 0.0, as SQLite takes both for one; in the target the row may stand under either. */
public final class Spellings {

    private static final Value ZERO = Value.of(0.0);
    private static final Value MINUS_ZERO = Value.of(-0.0);

    private Spellings() {}

    /** True if the target may hold {@code key} in another spelling. */
    static boolean several(RowKey key) {
        return key.parts().contains(ZERO);
    }

    /** All ways in which a target with {@code codecs} may hold {@code key}; none if its types can't hold it. */
    public static List<List<Value>> of(RowKey key, List<Codec> codecs) {
        List<List<Value>> spellings = List.of(List.of());
        for (int i = 0; i < codecs.size(); i++) {
            Value part = key.parts().get(i);
            List<List<Value>> longer = new ArrayList<>();
            for (Value form : part.equals(ZERO) ? List.of(ZERO, MINUS_ZERO) : List.of(part)) {
                if (!form.isNull() && codecs.get(i).fits(form)) {
                    for (List<Value> start : spellings) {
                        List<Value> spelling = new ArrayList<>(start);
                        spelling.add(form);
                        longer.add(spelling);
                    }
                }
            }
            spellings = longer;
        }
        return spellings;
    }
}
