package dev.sluice.mapping;

import dev.sluice.change.Value;
import dev.sluice.mapping.NumberCodecs.Decimals;
import dev.sluice.mapping.TextCodecs.Escaped;
import dev.sluice.mapping.TextCodecs.Texts;
import dev.sluice.mapping.TimeCodecs.Epochs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What the stored values of one column say about the codecs it may get: every candidate that one value would not
 * survive is out. The few that the declaration asks for are followed on after they fell, so that a report can say how
 * many values broke them. Not thread-safe.
 */
public final class Evidence {

    /** For values whose row has no number to name it by. */
    public static final long NO_ROW = Long.MIN_VALUE;

    /** Counts before about 1973 in an epoch column are durations or small numbers rather than times. */
    private static final long PLAUSIBLE_SECONDS_MIN = 100_000_000L;

    /** So many values are tried on every candidate asked for; then only the best of them are followed on. */
    private static final int TRIED_WITH_ALL = 64;
    private static final int FOLLOWED_MAX = 2;
    private static final int ROWS_NAMED_MAX = 3;

    /** Smaller values fit the codec of last resort. */
    private static final int LARGE = Codec.BYTES_MAX / 2;

    private final List<Codec> candidates;
    private final List<Codec> surviving;
    /** Those of the surviving that have to be asked: the others fit whatever one of these fits. */
    private List<Codec> tried;
    private final Codec withoutValues;
    private List<Asked> asked;
    private long count;
    private boolean implausibleEpoch;
    private final boolean holdsAnything;
    private long tooLarge;
    private boolean json;

    /** A codec that the declaration asks for, and how far the values let it have its way. */
    private static final class Asked {
        final Codec codec;
        final int rank;
        final long[] rows = new long[ROWS_NAMED_MAX];
        boolean fallen;
        long broken;

        Asked(Codec codec, int rank) {
            this.codec = codec;
            this.rank = rank;
        }
    }

    /**
     * A codec that the declaration asks for and that some values would not survive.
     *
     * @param broken how many values it can't hold
     * @param rows the numbers of up to three of their rows; empty where rows have none
     */
    public record Refused(Codec codec, long broken, List<Long> rows) {}

    /**
     * @param candidates best first
     * @param withoutValues what to take if no value was seen
     */
    public Evidence(List<Codec> candidates, Codec withoutValues) {
        this.candidates = candidates;
        this.surviving = new ArrayList<>(candidates);
        this.tried = notWithin(surviving);
        this.json = allowsJson();
        this.withoutValues = withoutValues;
        this.holdsAnything = candidates.contains(Codecs.ANYTHING) || candidates.contains(Codecs.ANYTHING_AS_TEXT);
        this.asked = new ArrayList<>();
        for (Codec codec : askedFor(candidates, withoutValues)) {
            int rank = candidates.indexOf(codec);
            asked.add(new Asked(candidates.get(rank), rank));
        }
    }

    /** The candidates that are there for the declaration's sake; the rest are there to hold whatever came instead. */
    private static Set<Codec> askedFor(List<Codec> candidates, Codec withoutValues) {
        Set<Codec> asked = new LinkedHashSet<>();
        int general = candidates.indexOf(Codecs.BIGINT);
        asked.addAll(candidates.subList(0, Math.max(general, 0)));
        candidates.stream().filter(codec -> codec instanceof Texts text && text.lengthMax() > 0).forEach(asked::add);
        if (withoutValues != null && !(withoutValues instanceof Escaped) && candidates.contains(withoutValues)) {
            asked.add(withoutValues);
        }
        if (!candidates.contains(Codecs.ANYTHING) && !candidates.contains(Codecs.ANYTHING_AS_TEXT)) {
            asked.addAll(candidates); // the target's type is given: each of them is a way to fill it
        }
        return asked;
    }

    /** Takes one stored value into account; NULL says nothing. */
    public void add(Value value) {
        add(value, NO_ROW);
    }

    /** Takes the value that row number {@code row} holds into account; NULL says nothing. */
    public void add(Value value, long row) {
        if (value.isNull()) {
            return;
        }
        boolean large = !(value instanceof Value.Int) && !(value instanceof Value.Real) && value.bytes().length >= LARGE;
        if (holdsAnything && large && candidates.stream().noneMatch(codec -> codec.fits(value))) {
            tooLarge++;
            return;
        }
        count++;
        while (removeFallen(value, large ? surviving : tried)) {
            tried = notWithin(surviving); // what stood behind the fallen has to speak for itself now
        }
        for (int i = 0; i < asked.size(); i++) {
            Asked one = asked.get(i);
            if (one.fallen && !one.codec.fits(value)) {
                if (one.broken < ROWS_NAMED_MAX) {
                    one.rows[(int) one.broken] = row;
                }
                one.broken++;
            }
        }
        if (count == TRIED_WITH_ALL && asked.size() > FOLLOWED_MAX) {
            // stable: of two that lost equally many the better one stays
            asked.sort(Comparator.comparingLong((Asked one) -> one.broken).thenComparingInt(one -> one.rank));
            asked = new ArrayList<>(asked.subList(0, FOLLOWED_MAX));
        }
        if (value instanceof Value.Int number && number.value() != 0 && number.value() < PLAUSIBLE_SECONDS_MIN) {
            implausibleEpoch = true;
        }
    }

    /** Removes those of {@code codecs} that {@code value} doesn't fit; true if there was one. */
    private boolean removeFallen(Value value, List<Codec> codecs) {
        List<Codec> fallen = null;
        for (int i = 0; i < codecs.size(); i++) {
            if (!codecs.get(i).fits(value)) {
                fallen = fallen == null ? new ArrayList<>() : fallen;
                fallen.add(codecs.get(i));
            }
        }
        if (fallen == null) {
            return false;
        }
        surviving.removeAll(fallen);
        json = json && allowsJson();
        for (Asked one : asked) {
            one.fallen |= fallen.contains(one.codec);
        }
        return true;
    }

    /** Without those that a better one stands for. */
    private static List<Codec> notWithin(List<Codec> codecs) {
        List<Codec> rest = new ArrayList<>();
        for (Codec codec : codecs) {
            if (rest.stream().noneMatch(better -> better.within(codec))) {
                rest.add(codec);
            }
        }
        return rest;
    }

    private boolean allowsJson() {
        return surviving.stream().anyMatch(codec -> codec instanceof TextCodecs.Json);
    }

    /** True if {@code value}, the last one that was added, is JSON for certain; false says nothing. */
    public boolean provesJson(Value value) {
        return json && value.bytes().length < LARGE;
    }

    /** Values seen, without NULLs and those that are too large. */
    public long count() {
        return count;
    }

    /** Values that not even the codec of last resort can hold; they say nothing about the others. */
    public long tooLarge() {
        return tooLarge;
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

    /** The codec that the declaration asks for most and that some value broke, or null if it has its way. */
    public Refused refused() {
        Codec chosen = choose();
        int rank = count == 0 || chosen == null ? -1 : candidates.indexOf(chosen);
        // another of the forms that the declaration asks for is no refusal, a wider decimal is one
        boolean granted = chosen != null && askedFor(candidates, withoutValues).contains(chosen);
        return asked.stream()
                .filter(one -> one.broken > 0 && (rank < 0 || one.rank < rank))
                .filter(one -> !(one.codec instanceof Epochs && implausibleEpoch))
                .filter(one -> !granted || one.codec instanceof Decimals decimals && decimals.precision() > 0)
                .min(Comparator.comparingLong((Asked one) -> one.broken).thenComparingInt(one -> one.rank))
                .map(one -> new Refused(one.codec, one.broken, rows(one)))
                .orElse(null);
    }

    private static List<Long> rows(Asked one) {
        return Arrays.stream(one.rows, 0, (int) Math.min(one.broken, ROWS_NAMED_MAX))
                .filter(row -> row != NO_ROW).boxed().toList();
    }
}
