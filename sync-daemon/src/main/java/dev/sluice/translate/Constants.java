package dev.sluice.translate;

import dev.sluice.change.Value;
import dev.sluice.schema.Affinity;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.HexFormat;
import java.util.regex.Pattern;

/** Literal values: how SQLite converts them, and how PostgreSQL writes them. */
final class Constants {

    /** Integers up to 2^53 are exact as a double. */
    static final long EXACT_AS_DOUBLE_MAX = 1L << 53;

    private static final Pattern NUMERIC_TEXT =
            Pattern.compile("[ \\t\\n\\x0B\\f\\r]*([+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?)[ \\t\\n\\x0B\\f\\r]*");

    private Constants() {}

    /** The literal in PostgreSQL's SQL; negative numbers in parentheses: {@code -1::text} means {@code -(1::text)}. */
    static String literal(Value value) {
        if (value instanceof Value.Int integer) {
            return integer.value() == Long.MIN_VALUE ? "'-9223372036854775808'::bigint"
                    : signed(Long.toString(integer.value()));
        }
        if (value instanceof Value.Real real) {
            double number = real.value();
            boolean plain = number == 0 || Math.abs(number) >= 1e-5 && Math.abs(number) < 1e15;
            String text = Double.isInfinite(number) ? Double.toString(number)
                    : plain ? shortest(number).toPlainString() : shortest(number).toString();
            return "'" + (number == 0 && 1 / number < 0 ? "-0" : text) + "'::double precision";
        }
        if (value instanceof Value.Text text) {
            return text(text);
        }
        if (value instanceof Value.Blob blob) {
            return "'\\x" + HexFormat.of().formatHex(blob.content()) + "'::bytea";
        }
        return "NULL";
    }

    /** A string literal, right under {@code standard_conforming_strings = on}, PostgreSQL's default since 9.1. */
    static String literal(String text) {
        return "'" + text.replace("'", "''") + "'";
    }

    private static String text(Value.Text text) {
        if (!text.isPlain()) {
            throw new Untranslatable("it holds a text that PostgreSQL can't store (NUL or invalid UTF-8)");
        }
        return literal(text.decoded());
    }

    /** A real as a literal of type numeric that compares with an integer exactly as the double does. */
    static String exactNumeric(double value) {
        if (Double.isInfinite(value)) {
            throw new Untranslatable("it compares an integer with infinity");
        }
        return signed(new BigDecimal(value).toPlainString());
    }

    /** A real as the shortest decimal that names it, as a numeric column holds it. */
    static String shortestNumeric(double value) {
        if (Double.isInfinite(value)) {
            throw new Untranslatable("it compares a decimal with infinity");
        }
        return signed(shortest(value).toPlainString());
    }

    private static String signed(String number) {
        return number.startsWith("-") ? "(" + number + ")" : number;
    }

    /** Double.toString is not always the shortest before Java 19. */
    static BigDecimal shortest(double value) {
        BigDecimal exact = new BigDecimal(value);
        for (int precision = 1; precision < 17; precision++) {
            BigDecimal rounded = exact.round(new MathContext(precision));
            if (rounded.doubleValue() == value) {
                return rounded;
            }
        }
        return exact.round(new MathContext(17));
    }

    /** The number that a text is by SQLite's rules for a column of numeric affinity, or null if it is none. */
    static Value numberIn(String text) {
        var matcher = NUMERIC_TEXT.matcher(text);
        if (!matcher.matches()) {
            return null;
        }
        String number = matcher.group(1);
        if (matcher.group(3) == null && number.indexOf('.') < 0) {
            BigInteger exact = new BigInteger(number);
            if (exact.bitLength() <= 63) {
                return Value.of(exact.longValue());
            }
        }
        return integerIfExact(Double.parseDouble(number));
    }

    /** SQLite stores a real as an integer where that loses nothing (sqlite3VdbeIntegerAffinity). */
    private static Value integerIfExact(double value) {
        long integer = (long) value;
        boolean exact = integer == value && integer > Long.MIN_VALUE && integer < Long.MAX_VALUE;
        return exact ? Value.of(integer) : Value.of(value);
    }

    /** The value that is stored when {@code value} is put into a column of this affinity. */
    static Value stored(Value value, Affinity affinity) {
        switch (affinity) {
            case TEXT:
                return value instanceof Value.Int || value instanceof Value.Real ? Value.of(text(value)) : value;
            case BLOB:
                return value;
            default:
                Value number = value;
                if (value instanceof Value.Text text && text.decoded() != null) {
                    Value parsed = numberIn(text.decoded());
                    number = parsed == null ? value : parsed;
                }
                if (affinity == Affinity.REAL) {
                    return number instanceof Value.Int integer ? Value.of((double) integer.value()) : number;
                }
                return number instanceof Value.Real real ? integerIfExact(real.value()) : number;
        }
    }

    /** A literal as SQLite's text of it. */
    static String text(Value value) {
        if (value instanceof Value.Int integer) {
            return Long.toString(integer.value());
        }
        if (value instanceof Value.Text text && text.decoded() != null) {
            return text.decoded();
        }
        if (value instanceof Value.Real real) {
            return realText(real.value());
        }
        throw new Untranslatable("it makes a text of a blob");
    }

    /** Only where all versions of SQLite write the same: up to 15 digits, no exponent. */
    private static String realText(double value) {
        BigDecimal decimal = shortest(value);
        int pointAt = decimal.precision() - decimal.scale(); // digits in front of the point
        boolean exponent = decimal.signum() != 0 && (pointAt < -3 || pointAt > 15);
        if (Double.isInfinite(value) || decimal.precision() > 15 || exponent) {
            throw new Untranslatable("versions of SQLite write the number " + value + " differently as text");
        }
        String plain = decimal.stripTrailingZeros().toPlainString();
        return plain.contains(".") ? plain : plain + ".0";
    }

    /** Folds an operator over two literals; null if it is not known here. */
    static Value fold(String operator, Value left, Value right) {
        if (left.isNull() || right.isNull()) {
            return Value.NULL;
        }
        if (operator.equals("||")) {
            return left instanceof Value.Blob || right instanceof Value.Blob ? null
                    : Value.of(text(left) + text(right));
        }
        if (left instanceof Value.Int a && right instanceof Value.Int b) {
            try {
                return switch (operator) {
                    case "+" -> Value.of(Math.addExact(a.value(), b.value()));
                    case "-" -> Value.of(Math.subtractExact(a.value(), b.value()));
                    case "*" -> Value.of(Math.multiplyExact(a.value(), b.value()));
                    case "/" -> b.value() == 0 ? Value.NULL : divide(a.value(), b.value());
                    case "%" -> b.value() == 0 ? Value.NULL : Value.of(b.value() == -1 ? 0 : a.value() % b.value());
                    case "&" -> Value.of(a.value() & b.value());
                    case "|" -> Value.of(a.value() | b.value());
                    case "<<" -> shift(a.value(), b.value());
                    case ">>" -> shift(a.value(), -b.value());
                    default -> null;
                };
            } catch (ArithmeticException e) {
                return null;
            }
        }
        if (isNumber(left) && isNumber(right)) {
            double a = asDouble(left);
            double b = asDouble(right);
            Double answer = switch (operator) {
                case "+" -> Double.valueOf(a + b);
                case "-" -> Double.valueOf(a - b);
                case "*" -> Double.valueOf(a * b);
                case "/" -> Double.valueOf(b == 0 ? Double.NaN : a / b);
                default -> null;
            };
            return answer == null ? null : answer.isNaN() ? Value.NULL : Value.of(answer);
        }
        return null;
    }

    private static Value divide(long a, long b) {
        if (a == Long.MIN_VALUE && b == -1) {
            throw new ArithmeticException("a real in SQLite");
        }
        return Value.of(a / b);
    }

    private static Value shift(long value, long left) {
        if (left <= -64) {
            return Value.of(value < 0 ? -1 : 0);
        }
        return Value.of(left >= 64 ? 0 : left >= 0 ? value << left : value >> -left);
    }

    static boolean isNumber(Value value) {
        return value instanceof Value.Int || value instanceof Value.Real;
    }

    static double asDouble(Value value) {
        return value instanceof Value.Int integer ? integer.value() : ((Value.Real) value).value();
    }
}
