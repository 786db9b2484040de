package dev.sluice.mapping;

import dev.sluice.change.Value;

/**
 * How the values of one column live in PostgreSQL: the type, and the way there and back. The law of every codec:
 * if {@code fits(v)} then {@code decode(what PostgreSQL prints for text(v))} equals {@code v}, in storage class and
 * bytes. NULL is not a codec's business. Immutable and thread-safe.
 */
public interface Codec {

    /** PostgreSQL's limit on one field is 1 GB, and a message that carries a row may not be larger either. */
    int BYTES_MAX = 1_000_000_000;

    /** Names the codec with its parameters; {@link Codecs#parse} makes the same codec of it. Stored in plans. */
    String id();

    /** The PostgreSQL type as written in DDL. */
    String type();

    /**
     * The type that text may be cast to explicitly: without a length, because {@code x::varchar(3)} cuts in silence where
     * an assignment raises; {@code char} and {@code bit} alone mean a length of one.
     */
    default String castType() {
        String base = type().replaceAll("\\(.*?\\)", "").replaceAll("\\s+", " ").trim();
        return switch (base) {
            case "char", "character" -> "bpchar";
            case "bit" -> "varbit";
            default -> base;
        };
    }

    /** The codec that a plan keeps when this one was found to fit: another one where the target may change its type's values. */
    default Codec planned() {
        return this;
    }

    /** True if {@code value} (not NULL) comes back exactly as it was. */
    boolean fits(Value value);

    /**
     * True if every value of less than half of {@link #BYTES_MAX} that fits here is known to fit {@code wider} too, so
     * that the census need not ask that as well; false says nothing.
     */
    default boolean within(Codec wider) {
        return wider instanceof TextCodecs.Escaped;
    }

    /** A value that fits as PostgreSQL's input text for the type. */
    String text(Value value);

    /** Appends a value that fits as a field of a binary COPY: length and content. */
    void binary(Value value, BinaryRow row);

    /** Appends {@code value} (not NULL) as {@link #binary} does; false, and nothing appended, if it doesn't fit. */
    default boolean appendIfFits(Value value, BinaryRow row) {
        if (!fits(value)) {
            return false;
        }
        binary(value, row);
        return true;
    }

    /**
     * The value that a field holds, given what PostgreSQL prints for {@code field::text}.
     *
     * @throws RuntimeException for what {@link #text} never wrote, so that no change made in the target goes unseen
     */
    Value decode(String text);

    /**
     * False only for types that keep a value's meaning but not its bytes (jsonb, which an operator asked for): then
     * comparing uses {@link #canonical}.
     */
    default boolean exact() {
        return true;
    }

    /** The form in which two values count as the same; the value itself for exact codecs. */
    default Value canonical(Value value) {
        return value;
    }

    /**
     * For dates and times: how SQLite writes them, as a strftime pattern ({@code %s} for epoch seconds, {@code %s000} for
     * milliseconds), if all values have one fixed width; otherwise null.
     */
    default String strftime() {
        return null;
    }

    /** False if binary COPY can't be used because the type's binary form isn't known here. */
    default boolean hasBinary() {
        return true;
    }
}
