package dev.sluice.mapping;

import dev.sluice.change.Value;
import java.math.BigDecimal;
import java.math.RoundingMode;

/** Codecs for integers, booleans, doubles and decimals. */
final class NumberCodecs {

    private NumberCodecs() {}

    /** {@code smallint}, {@code integer} or {@code bigint}; {@code bytes} is 2, 4 or 8. */
    record Integers(int bytes) implements Codec {
        @Override
        public String id() {
            return type();
        }

        @Override
        public String type() {
            return bytes == 8 ? "bigint" : bytes == 4 ? "integer" : "smallint";
        }

        @Override
        public boolean fits(Value value) {
            return value instanceof Value.Int number
                    && (bytes == 8 || number.value() >> (bytes * 8 - 1) == number.value() >> 63);
        }

        @Override
        public boolean within(Codec wider) {
            return Codec.super.within(wider) || wider instanceof Decimals decimals && decimals.holdsIntegers();
        }

        @Override
        public String text(Value value) {
            return Long.toString(((Value.Int) value).value());
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            long number = ((Value.Int) value).value();
            if (bytes == 8) {
                row.longField(number);
            } else if (bytes == 4) {
                row.intField((int) number);
            } else {
                row.shortField((int) number);
            }
        }

        @Override
        public Value decode(String text) {
            return Value.of(Long.parseLong(text));
        }
    }

    /** How SQLite holds a truth value: the two values that mean true and false. */
    enum TruthForm {
        INTEGER(Value.of(1), Value.of(0)),
        T_F(Value.of("t"), Value.of("f")),
        WORDS(Value.of("true"), Value.of("false"));

        private final Value yes;
        private final Value no;

        TruthForm(Value yes, Value no) {
            this.yes = yes;
            this.no = no;
        }
    }

    /** {@code boolean}. */
    record Booleans(TruthForm form) implements Codec {
        @Override
        public String id() {
            return "boolean:" + form;
        }

        @Override
        public String type() {
            return "boolean";
        }

        @Override
        public boolean fits(Value value) {
            return value.equals(form.yes) || value.equals(form.no);
        }

        @Override
        public boolean within(Codec wider) {
            return Codec.super.within(wider) || form != TruthForm.INTEGER && wider.equals(Codecs.TEXT);
        }

        @Override
        public String text(Value value) {
            return value.equals(form.yes) ? "true" : "false";
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            row.byteField(value.equals(form.yes) ? 1 : 0);
        }

        @Override
        public Value decode(String text) {
            return text.startsWith("t") ? form.yes : form.no;
        }
    }

    /**
     * {@code double precision} or {@code real}. Where the column's affinity turns whole reals into integers
     * ({@code wholeIsInteger}), a whole number comes back as an integer.
     */
    record Doubles(boolean single, boolean wholeIsInteger) implements Codec {

        /** Up to here every integer is a double of its own. */
        private static final long EXACT_MAX = 1L << 53;

        @Override
        public String id() {
            return (single ? "real" : "double") + (wholeIsInteger ? ":whole" : "");
        }

        @Override
        public String type() {
            return single ? "real" : "double precision";
        }

        @Override
        public boolean fits(Value value) {
            if (value instanceof Value.Int number) {
                // compared on both sides: Math.abs has no positive for the smallest long
                return wholeIsInteger && number.value() <= EXACT_MAX && number.value() >= -EXACT_MAX
                        && (!single || (long) (float) number.value() == number.value());
            }
            return value instanceof Value.Real real
                    && (!single || (float) real.value() == real.value())
                    && back(real.value()).equals(value);
        }

        @Override
        public String text(Value value) {
            return Double.toString(number(value));
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            if (single) {
                row.intField(Float.floatToRawIntBits((float) number(value)));
            } else {
                row.longField(Double.doubleToRawLongBits(number(value)));
            }
        }

        @Override
        public Value decode(String text) {
            return back(single ? Float.parseFloat(text) : Double.parseDouble(text));
        }

        private static double number(Value value) {
            return value instanceof Value.Int number ? number.value() : ((Value.Real) value).value();
        }

        private Value back(double number) {
            boolean whole = wholeIsInteger && number == Math.rint(number) && Math.abs(number) <= EXACT_MAX
                    && !(number == 0 && 1 / number < 0);
            return whole ? Value.of((long) number) : Value.of(number);
        }
    }

    /**
     * {@code numeric}, or {@code numeric(precision, scale)} if {@code precision > 0}. Numbers come back by the column's
     * affinity: with {@code wholeIsInteger} a whole number that an integer can hold is one, else all are reals.
     */
    record Decimals(int precision, int scale, boolean wholeIsInteger) implements Codec {

        /** PostgreSQL prints at most 131,072 digits before the point; SQLite's numbers never have more than 309. */
        private static final BigDecimal LONG_MIN = BigDecimal.valueOf(Long.MIN_VALUE);
        private static final BigDecimal LONG_MAX = BigDecimal.valueOf(Long.MAX_VALUE);

        private static final long UNKNOWN = Long.MIN_VALUE;
        /** Up to here every integer is a double of its own, and shorter than 16 digits. */
        private static final double EXACT_UNITS_MAX = 1e15;
        private static final double[] POWERS = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14,
            1e15};

        @Override
        public String id() {
            return "numeric:" + precision + ":" + scale + (wholeIsInteger ? ":whole" : "");
        }

        @Override
        public String type() {
            return precision > 0 ? "numeric(" + precision + "," + scale + ")" : "numeric";
        }

        /** True if every number that SQLite may store in such a column as an integer fits. */
        boolean holdsIntegers() {
            return precision == 0 && wholeIsInteger;
        }

        @Override
        public boolean within(Codec wider) {
            return Codec.super.within(wider) || wider instanceof Decimals decimals && decimals.precision == 0
                    && decimals.wholeIsInteger == wholeIsInteger;
        }

        /**
         * The number in units of the last place, where that is quick to say: of the decimals that a double can mean, one
         * with {@code scale} digits is found by rounding, and a division of two exact doubles is rounded correctly, so that
         * it proves that the number comes back. {@link #UNKNOWN} if the long way has to be gone.
         */
        private long unscaled(Value value) {
            if (precision == 0 || scale > 15) {
                return UNKNOWN;
            }
            double power = POWERS[scale];
            if (value instanceof Value.Int number) {
                return Math.abs((double) number.value()) < EXACT_UNITS_MAX / power ? number.value() * (long) power : UNKNOWN;
            }
            if (!(value instanceof Value.Real real)) {
                return UNKNOWN;
            }
            double units = Math.rint(real.value() * power);
            // no zeros, of which there are two, and nothing that isn't exact or has other rules
            return units != 0 && Math.abs(units) < EXACT_UNITS_MAX && units / power == real.value() ? (long) units : UNKNOWN;
        }

        private boolean fits(long units, Value value) {
            boolean whole = units % (long) POWERS[scale] == 0;
            return (precision > 15 || Math.abs(units) < (long) POWERS[precision])
                    && (wholeIsInteger && whole) == (value instanceof Value.Int); // it comes back as an integer
        }

        @Override
        public boolean appendIfFits(Value value, BinaryRow row) {
            long units = unscaled(value);
            if (units == UNKNOWN) {
                return Codec.super.appendIfFits(value, row);
            }
            if (!fits(units, value)) {
                return false;
            }
            NumericBinary.write(units, scale, row);
            return true;
        }

        @Override
        public boolean fits(Value value) {
            long units = unscaled(value);
            if (units != UNKNOWN) {
                return fits(units, value);
            }
            BigDecimal decimal = decimal(value);
            if (decimal == null) {
                return false;
            }
            BigDecimal stripped = decimal.stripTrailingZeros();
            if (precision > 0 && decimal.signum() != 0
                    && (stripped.scale() > scale || stripped.precision() - stripped.scale() > precision - scale)) {
                return false;
            }
            return back(decimal).equals(value);
        }

        @Override
        public String text(Value value) {
            long units = unscaled(value);
            return units == UNKNOWN ? decimal(value).toPlainString() : BigDecimal.valueOf(units, scale).toPlainString();
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            long units = unscaled(value);
            if (units != UNKNOWN) {
                NumericBinary.write(units, scale, row);
                return;
            }
            BigDecimal decimal = decimal(value);
            if (precision > 0) {
                decimal = decimal.setScale(scale, RoundingMode.UNNECESSARY);
            }
            NumericBinary.write(decimal, row);
        }

        @Override
        public Value decode(String text) {
            return switch (text) {
                case "NaN" -> Value.of(Double.NaN);
                case "Infinity" -> Value.of(Double.POSITIVE_INFINITY);
                case "-Infinity" -> Value.of(Double.NEGATIVE_INFINITY);
                default -> exactly(new BigDecimal(text));
            };
        }

        private Value exactly(BigDecimal decimal) {
            Value value = back(decimal);
            BigDecimal meant = decimal(value);
            if (meant == null || meant.compareTo(decimal) != 0) {
                throw new IllegalArgumentException("a number between two doubles");
            }
            return value;
        }

        private static BigDecimal decimal(Value value) {
            if (value instanceof Value.Int number) {
                return BigDecimal.valueOf(number.value());
            }
            if (value instanceof Value.Real real && Double.isFinite(real.value())) {
                BigDecimal decimal = new BigDecimal(Double.toString(real.value()));
                // 5.0 is written as 5, so that equal numbers look equal
                return decimal.signum() == 0 ? BigDecimal.ZERO
                        : decimal.scale() > 0 ? decimal.stripTrailingZeros() : decimal;
            }
            return null;
        }

        private Value back(BigDecimal decimal) {
            BigDecimal stripped = decimal.signum() == 0 ? BigDecimal.ZERO : decimal.stripTrailingZeros();
            if (wholeIsInteger && stripped.scale() <= 0
                    && stripped.compareTo(LONG_MIN) >= 0 && stripped.compareTo(LONG_MAX) <= 0) {
                return Value.of(stripped.longValueExact());
            }
            return Value.of(decimal.doubleValue());
        }
    }
}
