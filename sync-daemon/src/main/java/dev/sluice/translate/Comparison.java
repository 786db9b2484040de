package dev.sluice.translate;

import dev.sluice.change.Value;
import dev.sluice.schema.Affinity;
import java.util.List;
import java.util.stream.Collectors;

/**
 * How SQLite compares: storage classes, affinities and collations (sqlite.org/datatype3.html, sections 4 and 7) are
 * applied at translation time to what is known of both sides.
 */
final class Comparison {

    private final Expressions expressions;

    Comparison(Expressions expressions) {
        this.expressions = expressions;
    }

    /**
     * Two operands made comparable: SQL for both, or, where SQLite orders them by storage class alone, that order.
     *
     * @param left null if the classes decide
     * @param classOrder below 0 if every left value is less than every right value
     */
    record Pair(String left, String right, Term leftTerm, Term rightTerm, int classOrder) {

        boolean comparable() {
            return left != null;
        }

        String condition(String operator) {
            if (comparable()) {
                String word = operator.equals("IS") ? "IS NOT DISTINCT FROM"
                        : operator.equals("IS NOT") ? "IS DISTINCT FROM" : operator;
                return "(" + left + " " + word + " " + right + ")";
            }
            if (operator.equals("IS") || operator.equals("IS NOT")) {
                String bothNull = leftTerm.constant() != null || rightTerm.constant() != null
                        ? "false" : "(" + leftTerm.sql() + " IS NULL AND " + rightTerm.sql() + " IS NULL)";
                return operator.equals("IS") ? bothNull : "(NOT " + bothNull + ")";
            }
            boolean answer = switch (operator) {
                case "=" -> false;
                case "<>" -> true;
                case "<", "<=" -> classOrder < 0;
                default -> classOrder > 0;
            };
            String present = List.of(leftTerm, rightTerm).stream().filter(term -> term.constant() == null)
                    .map(term -> term.sql() + " IS NOT NULL").collect(Collectors.joining(" AND "));
            return present.isEmpty() ? Boolean.toString(answer) : "(CASE WHEN " + present + " THEN " + answer + " END)";
        }
    }

    Term compare(String operator, Term left, Term right) {
        if (left.isNull() || right.isNull()) {
            if (operator.startsWith("IS")) {
                Term other = left.isNull() ? right : left;
                String test = operator.equals("IS") ? " IS NULL)" : " IS NOT NULL)";
                return Term.condition(other.isNull() ? Boolean.toString(operator.equals("IS")) : "(" + other.sql()
                        + test);
            }
            return Term.condition("NULL::boolean");
        }
        boolean ordering = operator.startsWith("<") && !operator.equals("<>") || operator.startsWith(">");
        Term flag = left.kind() == PgKind.BOOLEAN && left.constant() == null ? left : right;
        Term other = flag == left ? right : left;
        if (!ordering && flag.kind() == PgKind.BOOLEAN && flag.constant() == null
                && other.constant() instanceof Value.Int number && (number.value() == 0 || number.value() == 1)) {
            return flag(flag.sql(), operator, number.value() == 1);
        }
        return Term.condition(align(left, right, ordering).condition(operator));
    }

    /** A boolean against 0 or 1, so that an index over the column itself stays usable. */
    private static Term flag(String sql, String operator, boolean wanted) {
        boolean positive = wanted == (operator.equals("=") || operator.equals("IS"));
        if (operator.startsWith("IS")) {
            return Term.condition("(" + sql + (operator.equals("IS") ? " IS " : " IS NOT ")
                    + (wanted ? "TRUE)" : "FALSE)"));
        }
        return Term.condition(positive ? sql : "(NOT " + sql + ")");
    }

    enum StorageClass {
        NUMBER,
        TEXT,
        BLOB,
        /** A date, time, UUID or JSONB: how SQLite holds it is only known by its form. */
        OPAQUE
    }

    static StorageClass classOf(Term term) {
        return switch (term.kind()) {
            case BOOLEAN, INTEGER, NUMERIC, DOUBLE -> StorageClass.NUMBER;
            case TEXT, CITEXT, JSON -> StorageClass.TEXT;
            case BYTEA -> StorageClass.BLOB;
            default -> StorageClass.OPAQUE;
        };
    }

    private static boolean hasNumericAffinity(Term term) {
        return term.affinity() != null && term.affinity().isNumeric();
    }

    /**
     * Brings both sides into a form in which PostgreSQL compares them as SQLite does. NULL literals compare as NULL.
     */
    Pair align(Term left, Term right, boolean ordering) {
        if (left.isNull() || right.isNull()) {
            return new Pair("NULL::boolean", "NULL::boolean", left, right, 0);
        }
        StorageClass leftClass = classOf(left);
        StorageClass rightClass = classOf(right);
        if (leftClass == StorageClass.OPAQUE || rightClass == StorageClass.OPAQUE) {
            return opaque(left, right, ordering);
        }
        if (leftClass == rightClass) {
            return switch (leftClass) {
                case NUMBER -> numbers(left, right);
                case TEXT -> texts(left, right, ordering);
                default -> new Pair(left.sql(), right.sql(), left, right, 0);
            };
        }
        if (leftClass != StorageClass.BLOB && rightClass != StorageClass.BLOB) {
            Term number = leftClass == StorageClass.NUMBER ? left : right;
            Term text = number == left ? right : left;
            if (left.unsure() || right.unsure()) {
                throw new Untranslatable("it compares a number with a text, and versions of SQLite do that "
                        + "differently");
            }
            if (hasNumericAffinity(number)) { // SQLite turns the text into a number if it looks like one
                if (text.constant() == null) {
                    throw new Untranslatable("it compares a number with a text that may look like a number");
                }
                Value parsed = Constants.numberIn(Constants.text(text.constant()));
                if (parsed != null) {
                    Term converted = Term.constant(parsed);
                    return number == left ? numbers(left, converted) : numbers(converted, right);
                }
            } else if (text.affinity() == Affinity.TEXT) { // SQLite turns the number into a text
                String sql = expressions.text(number);
                Term converted = number.constant() == null
                        ? Term.of(sql, PgKind.TEXT) : Term.constant(Value.of(Constants.text(number.constant())));
                return number == left ? texts(converted, right, ordering) : texts(left, converted, ordering);
            } // a text in a column of numeric affinity is one that looks like no number
        }
        return new Pair(null, null, left, right, leftClass.compareTo(rightClass)); // NUMBER < TEXT < BLOB
    }

    private Pair opaque(Term left, Term right, boolean ordering) {
        if (left.kind() == right.kind() && left.form() != null && left.form().equals(right.form())
                && left.constant() == null && right.constant() == null) {
            return new Pair(left.sql(), right.sql(), left, right, 0);
        }
        String literal = Times.literal(left, right);
        if (literal != null) {
            return new Pair(left.sql(), literal, left, right, 0);
        }
        literal = Times.literal(right, left);
        if (literal != null) {
            return new Pair(literal, right.sql(), left, right, 0);
        }
        Term a = classOf(left) == StorageClass.OPAQUE ? Times.stored(left, expressions.place) : left;
        Term b = classOf(right) == StorageClass.OPAQUE ? Times.stored(right, expressions.place) : right;
        if (a != null && b != null) {
            return align(a, b, ordering);
        }
        Term what = classOf(left) == StorageClass.OPAQUE ? left : right;
        throw new Untranslatable("it compares " + Expressions.describe(what)
                + " with something else, and SQLite compares what is stored instead");
    }

    private Pair numbers(Term left, Term right) {
        PgKind wider = left.kind().compareTo(right.kind()) > 0 ? left.kind() : right.kind();
        boolean doubles = left.kind() == PgKind.DOUBLE && right.kind() == PgKind.DOUBLE;
        String a = doubles || left.kind() == PgKind.BOOLEAN && right.kind() == PgKind.BOOLEAN
                ? left.sql() : number(left, right, wider);
        String b = doubles || left.kind() == PgKind.BOOLEAN && right.kind() == PgKind.BOOLEAN
                ? right.sql() : number(right, left, wider);
        return new Pair(a, b, left, right, 0);
    }

    /** One side of a comparison of unlike numbers; SQLite compares integers and reals by their exact values. */
    private static String number(Term term, Term other, PgKind wider) {
        switch (term.kind()) {
            case BOOLEAN:
                return term.sql() + "::int";
            case INTEGER:
                if (wider == PgKind.DOUBLE && other.constant() == null && !term.small()) {
                    throw new Untranslatable("it compares an integer with a real, and PostgreSQL rounds the integer");
                }
                return term.sql();
            case NUMERIC:
                return wider == PgKind.DOUBLE && other.constant() == null ? term.sql() + "::double precision"
                        : term.sql();
            default:
                if (term.constant() instanceof Value.Real real && other.kind() == PgKind.NUMERIC) {
                    return Constants.shortestNumeric(real.value());
                } else if (term.constant() instanceof Value.Real real) {
                    return Constants.exactNumeric(real.value());
                }
                return term.sql();
        }
    }

    private Pair texts(Term left, Term right, boolean ordering) {
        if (ordering && (mayHideNumber(left, right) || mayHideNumber(right, left))) {
            throw new Untranslatable("it compares a text column of numeric affinity with a text that may look "
                    + "like a number");
        }
        String collation = left.explicit() ? left.collation() : right.explicit() ? right.collation()
                : left.collation() != null ? left.collation() : right.collation();
        if (collation == null || collation.equals("BINARY")) {
            // Every collation of PostgreSQL but a nondeterministic one finds the same texts equal; computed texts may
            // have collations that conflict
            boolean exact = !ordering && isBinary(left) && isBinary(right) && (left.constant() != null
                    || right.constant() != null || isColumn(left) && isColumn(right));
            String a = exact ? expressions.text(left) : "(" + expressions.text(left) + " COLLATE \"C\")";
            return new Pair(a, expressions.text(right), left, right, 0);
        }
        return new Pair(collated(expressions.text(left), collation), collated(expressions.text(right), collation),
                left, right, 0);
    }

    private static boolean isColumn(Term term) {
        return term.affinity() != null && !term.unsure();
    }

    private static boolean isBinary(Term term) {
        return term.kind() == PgKind.TEXT && (term.explicit() || term.collation() == null
                || term.collation().equals("BINARY"));
    }

    /** A text column of numeric affinity makes numbers of the other side's texts; its own values are no numbers. */
    private static boolean mayHideNumber(Term column, Term other) {
        return hasNumericAffinity(column) && !hasNumericAffinity(other)
                && (other.constant() == null || Constants.numberIn(Constants.text(other.constant())) != null);
    }

    /** A text as SQLite's collation sees it: what is equal there is the same text here, in the same order. */
    static String collated(String text, String collation) {
        return switch (collation) {
            case "BINARY" -> "(" + text + " COLLATE \"C\")";
            case "NOCASE" -> "lower(" + text + " COLLATE \"C\")";
            case "RTRIM" -> "rtrim(" + text + " COLLATE \"C\", ' ')";
            case Expressions.SOMEWHERE_INSIDE -> throw new Untranslatable("it has COLLATE inside a larger expression");
            default -> throw new Untranslatable("it uses the collation " + collation
                    + ", which the application defines");
        };
    }

    /** A term as PostgreSQL must sort it to keep SQLite's order. */
    String sortable(Term term) {
        if (term.isNull()) {
            return "NULL::int";
        }
        return switch (classOf(term)) {
            case NUMBER, BLOB -> term.sql();
            case TEXT -> collated(expressions.text(term), term.collation() == null ? "BINARY" : term.collation());
            case OPAQUE -> {
                if (term.form() == null) {
                    throw new Untranslatable("it sorts by " + Expressions.describe(term)
                            + ", and SQLite sorts what is stored instead");
                }
                yield term.sql();
            }
        };
    }
}
