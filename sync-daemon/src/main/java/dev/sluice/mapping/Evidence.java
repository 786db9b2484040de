package dev.sluice.mapping;

import dev.sluice.change.Value;
import dev.sluice.mapping.TimeCodecs.Epochs;
import java.util.ArrayList;
import java.util.List;

/**
 * What the stored values of one column say about the codecs it may get: every candidate that one value would not
 * survive is out. Not thread-safe.
 */
public final class Evidence {

    /** Counts before about 1973 in an epoch column are durations or small numbers rather than times. */
    private static final long PLAUSIBLE_SECONDS_MIN = 100_000_000L;

    private final List<Codec> candidates;
    private final List<Codec> surviving;
    private final long[] fitting;
    private final Codec withoutValues;
    private long count;
    private boolean implausibleEpoch;

    /**
     * @param candidates best first
     * @param withoutValues what to take if no value was seen
     */
    public Evidence(List<Codec> candidates, Codec withoutValues) {
        this.candidates = candidates;
        this.surviving = new ArrayList<>(candidates);
        this.fitting = new long[candidates.size()];
        this.withoutValues = withoutValues;
    }

    /** Takes one stored value into account; NULL says nothing. */
    public void add(Value value) {
        if (value.isNull()) {
            return;
        }
        count++;
        for (int i = surviving.size() - 1; i >= 0; i--) {
            if (!surviving.get(i).fits(value)) {
                // how far a candidate came before it fell, for the report
                fitting[candidates.indexOf(surviving.get(i))] = count - 1;
                surviving.remove(i);
            }
        }
        if (value instanceof Value.Int number && number.value() != 0 && number.value() < PLAUSIBLE_SECONDS_MIN) {
            implausibleEpoch = true;
        }
    }

    /** Values seen, without NULLs. */
    public long count() {
        return count;
    }

    /** The best codec that every value seen survives, or null if none of the candidates does. */
    public Codec choose() {
        if (count == 0) {
            return withoutValues;
        }
        return surviving.stream()
                .filter(codec -> !(codec instanceof Epochs && implausibleEpoch))
                .findFirst().orElse(null);
    }

    /** The candidate that the declaration asked for most and that some value broke, or null. */
    public Codec refused() {
        Codec best = null;
        long most = 0;
        for (int i = 0; i < candidates.size() && candidates.get(i) != choose(); i++) {
            if (fitting[i] > most) {
                most = fitting[i];
                best = candidates.get(i);
            }
        }
        return best;
    }
}
