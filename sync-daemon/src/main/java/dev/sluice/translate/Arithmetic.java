package dev.sluice.translate;

import dev.sluice.change.Value;

/** How SQLite calculates: 64-bit integers, doubles, NULL for a division by zero. Overflow fails in PostgreSQL. */
final class Arithmetic {

    private final Expressions expressions;

    Arithmetic(Expressions expressions) {
        this.expressions = expressions;
    }

    /** An operator over two numbers, or {@code ||}. */
    Term operator(String operator, Term left, Term right) {
        if (left.isNull() || right.isNull()) {
            return Term.constant(Value.NULL);
        }
        if (left.constant() != null && right.constant() != null) {
            Value folded = Constants.fold(operator, left.constant(), right.constant());
            if (folded != null) {
                return Term.constant(folded);
            }
        }
        if (operator.equals("||")) {
            return Term.of("(" + expressions.text(left) + " || " + expressions.text(right) + ")", PgKind.TEXT);
        }
        Term a = numeric(left);
        Term b = numeric(right);
        boolean integers = isInteger(a) && isInteger(b);
        return switch (operator) {
            case "+", "-", "*" -> integers ? sumOrProduct(operator, a, b) : real(operator, a, b);
            case "/" -> integers ? quotient(a, b) : realQuotient(a, b);
            case "%" -> {
                if (!integers) {
                    throw new Untranslatable("it takes the remainder of a real number");
                }
                String sql = "(" + wide(a) + " % " + divisor(b) + ")";
                Long floor = a.floor() != null && a.floor() >= 0 ? (Long) 0L : null;
                yield Term.of(sql, PgKind.INTEGER).withWide().withFloor(floor, false);
            }
            case "&", "|" -> Term.of("(" + wide(a) + " " + operator + " " + wide(b) + ")", PgKind.INTEGER).withWide();
            case "<<", ">>" -> {
                if (!(b.constant() instanceof Value.Int bits) || bits.value() < 0 || bits.value() > 63) {
                    throw new Untranslatable("it shifts by a number of bits that is not between 0 and 63 for certain");
                }
                yield Term.of("(" + wide(a) + " " + operator + " " + bits.value() + ")", PgKind.INTEGER).withWide();
            }
            default -> throw new Untranslatable("it uses the operator " + operator);
        };
    }

    /** An operand of arithmetic: a number, or a text that holds one for certain. */
    private static Term numeric(Term term) {
        if (term.number() != null) {
            return Term.of(term.number(), PgKind.INTEGER).withWide().withFloor(0L, true);
        }
        if (term.constant() instanceof Value.Text text) {
            Value parsed = Constants.numberIn(Constants.text(text));
            if (parsed != null) {
                return Term.constant(parsed);
            }
        }
        if (!term.kind().isNumber()) {
            throw new Untranslatable("it calculates with " + Expressions.describe(term));
        }
        return term;
    }

    static boolean isInteger(Term term) {
        return term.kind() == PgKind.INTEGER || term.kind() == PgKind.BOOLEAN;
    }

    /** An integer as bigint: SQLite calculates with 64 bits. */
    static String wide(Term term) {
        if (!isInteger(term)) {
            throw new Untranslatable("it uses " + Expressions.describe(term) + " where an integer is needed");
        }
        return term.kind() == PgKind.BOOLEAN ? term.sql() + "::int::bigint"
                : term.wide() ? term.sql() : term.sql() + "::bigint";
    }

    private static Term sumOrProduct(String operator, Term a, Term b) {
        String left = a.constant() != null ? a.sql() : wide(a); // one bigint makes the operation one of bigint
        String right = b.constant() != null ? b.sql() : wide(b);
        if (a.constant() != null && b.constant() != null) {
            left = wide(a);
        }
        Long floor = null;
        if (a.floor() != null && b.floor() != null) {
            try {
                floor = operator.equals("+") ? (Long) Math.addExact(a.floor(), b.floor())
                        : operator.equals("*") && a.floor() >= 0 && b.floor() >= 0
                                ? (Long) Math.multiplyExact(a.floor(), b.floor()) : null;
            } catch (ArithmeticException e) {
                floor = null;
            }
        }
        if (operator.equals("-") && a.floor() != null && b.constant() instanceof Value.Int n
                && Math.abs(n.value()) < 1 << 30) {
            floor = Math.abs(a.floor()) < 1L << 60 ? (Long) (a.floor() - n.value()) : null;
        }
        return Term.of("(" + left + " " + operator + " " + right + ")", PgKind.INTEGER).withWide()
                .withFloor(floor, false);
    }

    /** SQLite answers NULL where the divisor is 0; PostgreSQL would fail. */
    private static String divisor(Term b) {
        if (b.constant() instanceof Value.Int number) {
            return number.value() == 0 ? "NULL::bigint" : b.sql();
        }
        return "nullif(" + wide(b) + ", 0)";
    }

    private static Term quotient(Term a, Term b) {
        Long floor = a.floor() != null && a.floor() >= 0 && b.floor() != null && b.floor() >= 0 ? (Long) 0L : null;
        return Term.of("(" + wide(a) + " / " + divisor(b) + ")", PgKind.INTEGER).withWide().withFloor(floor, false);
    }

    private static Term realQuotient(Term a, Term b) {
        if (a.mixed() && b.kind() != PgKind.DOUBLE || b.mixed() && a.kind() != PgKind.DOUBLE || a.mixed()
                && b.mixed()) {
            throw new Untranslatable("it divides numbers that may be integers in one row and reals in another");
        }
        String zeroSafe = b.constant() != null && Constants.asDouble(b.constant()) != 0
                ? asDouble(b) : "nullif(" + asDouble(b) + ", 0)";
        return Term.of(finite("(" + asDouble(a) + " / " + zeroSafe + ")", a, b), PgKind.DOUBLE);
    }

    private Term real(String operator, Term a, Term b) {
        boolean mixed = (a.mixed() || isInteger(a)) && (b.mixed() || isInteger(b));
        boolean large = isInteger(a) && !a.small() || isInteger(b) && !b.small();
        if (mixed && large && expressions.place != Expressions.Place.VIEW) {
            throw new Untranslatable("it calculates with an integer and a number that is an integer in some rows only");
        }
        if (mixed) {
            expressions.notes.add("It calculates with decimals; whole numbers beyond 2^53 lose their last "
                    + "digits in PostgreSQL.");
        }
        String sql = "(" + asDouble(a) + " " + operator + " " + asDouble(b) + ")";
        return Term.of(finite(sql, a, b), PgKind.DOUBLE).withMixed(mixed);
    }

    /** Infinity minus infinity is NULL in SQLite and NaN in PostgreSQL. */
    private static String finite(String sql, Term a, Term b) {
        boolean safe = isInteger(a) || isInteger(b) || a.kind() == PgKind.NUMERIC || b.kind() == PgKind.NUMERIC
                || isFiniteConstant(a) || isFiniteConstant(b);
        return safe ? sql : "nullif(" + sql + ", 'NaN')";
    }

    private static boolean isFiniteConstant(Term term) {
        return term.constant() != null && !Double.isInfinite(Constants.asDouble(term.constant()))
                && Constants.asDouble(term.constant()) != 0;
    }

    static String asDouble(Term term) {
        if (term.constant() instanceof Value.Int number && term.small()) {
            return Constants.literal(Value.of((double) number.value()));
        }
        return switch (term.kind()) {
            case BOOLEAN -> term.sql() + "::int::double precision";
            case INTEGER, NUMERIC -> term.sql() + "::double precision";
            default -> term.sql();
        };
    }
}
