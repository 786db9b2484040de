package dev.sluice.apply;

import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.mapping.Codec;
import java.util.ArrayList;
import java.util.List;

/** The forms under which a key can stand in the target. */
final class KeySpellings {

    private static final Value ZERO = Value.of(0.0);
    private static final Value NEGATIVE_ZERO = Value.of(-0.0);

    private KeySpellings() {}

    /** True if the target may hold {@code key} in another spelling than it has. */
    static boolean areSeveral(RowKey key) {
        return key.parts().contains(ZERO);
    }

    /**
     * Keys are folded from -0.0 to 0.0, as SQLite compares them, but the row may have been stored as -0.0: both spellings
     * are given. Empty if the target's types can't hold the key, so that it is not there.
     *
     * @param codecs of the key's parts, in order
     */
    static List<List<Value>> of(RowKey key, List<Codec> codecs) {
        List<List<Value>> spellings = List.of(List.of());
        for (int i = 0; i < codecs.size(); i++) {
            Value part = key.parts().get(i);
            Codec codec = codecs.get(i);
            List<Value> forms = (part.equals(ZERO) ? List.of(part, NEGATIVE_ZERO) : List.of(part)).stream()
                    .filter(form -> !form.isNull() && codec.fits(form)).toList();
            List<List<Value>> longer = new ArrayList<>();
            for (List<Value> start : spellings) {
                for (Value form : forms) {
                    List<Value> parts = new ArrayList<>(start);
                    parts.add(form);
                    longer.add(parts);
                }
            }
            spellings = longer;
        }
        return spellings;
    }
}
