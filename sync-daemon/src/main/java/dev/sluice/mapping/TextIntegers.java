package dev.sluice.mapping;

import dev.sluice.change.Value;

/**
 * An integer type for a column whose values are text: each the plain digits of one integer, as in a TEXT column that
 * refers to an INTEGER key. SQLite compares the two by affinity, PostgreSQL needs one type.
 *
 * @param bytes 2, 4 or 8
 */
record TextIntegers(int bytes) implements Codec {

    private static final int DIGITS_MAX = 20;

    @Override
    public String id() {
        return "integertext:" + bytes;
    }

    @Override
    public String type() {
        return number().type();
    }

    private NumberCodecs.Integers number() {
        return new NumberCodecs.Integers(bytes);
    }

    @Override
    public boolean fits(Value value) {
        Value parsed = parsed(value);
        return parsed != null && number().fits(parsed);
    }

    /** The integer that the text is the one spelling of, or null: {@code 007} and {@code +7} would not come back. */
    private static Value parsed(Value value) {
        if (!(value instanceof Value.Text text) || text.utf8().length == 0 || text.utf8().length > DIGITS_MAX) {
            return null;
        }
        String digits = text.decoded();
        try {
            long number = digits == null ? 0 : Long.parseLong(digits);
            return Long.toString(number).equals(digits) ? Value.of(number) : null;
        } catch (NumberFormatException e) {
            return null;
        }
    }

    @Override
    public String text(Value value) {
        return number().text(parsed(value));
    }

    @Override
    public void binary(Value value, BinaryRow row) {
        number().binary(parsed(value), row);
    }

    @Override
    public Value decode(String text) {
        return Value.of(text);
    }
}
