package dev.sluice.translate;

import dev.sluice.change.Value;
import dev.sluice.schema.Affinity;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Renders parsed expressions. SQLite's rules for comparing (sqlite.org/datatype3.html, sections 4 and 7) are applied
 * here, at translation time, to what is known of both sides; where that is not enough, {@link Untranslatable}.
 */
class Expressions {

    /** Where the expression stands, and so which functions may appear. */
    enum Place {
        /** CHECK, index or generated column: PostgreSQL wants functions that always give the same answer. */
        DECLARATION,
        VIEW,
        /** DEFAULT: the clock and random numbers are allowed. */
        DEFAULT
    }

    private static final Set<String> TRUE_FALSE = Set.of("true", "false");

    /** The collation of an expression with COLLATE inside: known to SQLite, but nothing that anyone means. */
    private static final String SOMEWHERE_INSIDE = "?";

    final Place place;
    final Set<String> notes = new LinkedHashSet<>();
    private final Columns columns;
    private final Functions functions = new Functions(this);

    Expressions(Columns columns, Place place) {
        this.columns = columns;
        this.place = place;
    }

    // -- what the surroundings decide ----------------------------------------------------------------------------------

    /** The column as a term, null if there is none of that name. */
    Term column(String table, String name) {
        Columns.Column column = columns.find(table, name);
        return column == null ? null : term(Identifiers.quote(column.targetName()), column);
    }

    Term scalar(Query query) {
        throw new Untranslatable("it holds a subquery, which PostgreSQL allows in views only");
    }

    Term exists(Query query) {
        return scalar(query);
    }

    Term in(Term operand, Query query, boolean negated) {
        return scalar(query);
    }

    Term window(Expr.Call call) {
        throw new Untranslatable("it uses the window function " + call.name());
    }

    Term aggregate(Expr.Call call) {
        throw new Untranslatable("it uses the aggregate function " + call.name());
    }

    // -- terms -------------------------------------------------------------------------------------------------------

    /** A column as it stands in the target. */
    static Term term(String sql, Columns.Column column) {
        Affinity affinity = column.affinity();
        boolean mixed = column.kind() == PgKind.NUMERIC
                || column.kind() == PgKind.DOUBLE && (affinity == Affinity.INTEGER || affinity == Affinity.NUMERIC);
        Term term = Term.of(sql, column.kind())
                .withAffinity(affinity).withCollation(column.collation(), false).withMixed(mixed).withForm(column.form());
        return column.kind() == PgKind.BOOLEAN ? term.withFloor(0L, true) : term;
    }

    Term render(Expr expr) {
        Term term = inner(expr);
        // SQLite's COLLATE goes on working in every expression around it
        return !(expr instanceof Expr.Collate) && collates(expr) ? term.withCollation(SOMEWHERE_INSIDE, true) : term;
    }

    private static boolean collates(Expr expr) {
        return expr instanceof Expr.Collate || Expr.children(expr).stream().anyMatch(Expressions::collates);
    }

    private Term inner(Expr expr) {
        if (expr instanceof Expr.Literal literal) {
            return Term.constant(literal.value());
        } else if (expr instanceof Expr.Name name) {
            return name(name);
        } else if (expr instanceof Expr.Current current) {
            return functions.current(current.what());
        } else if (expr instanceof Expr.Unary unary) {
            return unary(unary);
        } else if (expr instanceof Expr.Binary binary) {
            return binary(binary);
        } else if (expr instanceof Expr.Is is) {
            return is(is);
        } else if (expr instanceof Expr.Collate collate) {
            return collate(collate);
        } else if (expr instanceof Expr.Between between) {
            return between(between);
        } else if (expr instanceof Expr.InList in) {
            return in(in);
        } else if (expr instanceof Expr.InQuery in) {
            return in(render(in.operand()), in.query(), in.negated());
        } else if (expr instanceof Expr.Like like) {
            return Patterns.match(this, like);
        } else if (expr instanceof Expr.Case choice) {
            return choice(choice);
        } else if (expr instanceof Expr.Cast cast) {
            return cast(plain(render(cast.operand())), Affinity.of(cast.type()));
        } else if (expr instanceof Expr.Exists exists) {
            return exists(exists.query());
        } else if (expr instanceof Expr.Scalar scalar) {
            return scalar(scalar.query());
        } else if (expr instanceof Expr.Call call) {
            return call.window() != null ? window(call) : functions.call(call);
        }
        throw new Untranslatable("it uses a row value");
    }

    private Term name(Expr.Name name) {
        if (name.schema() != null && !name.schema().equalsIgnoreCase("main")) {
            throw new Untranslatable("it reads from another database, " + name.schema());
        }
        Term column = column(name.table(), name.column());
        if (column != null) {
            return column;
        }
        String word = Identifiers.foldAscii(name.column());
        if (name.table() == null && name.quoted()) {
            return Term.constant(Value.of(name.column())); // SQLite: a string where no column has that name
        }
        if (name.table() == null && TRUE_FALSE.contains(word)) {
            return Term.constant(Value.of(word.equals("true") ? 1 : 0)).withSql(word.equals("true") ? "1" : "0");
        }
        throw new Untranslatable("there is no column "
                + (name.table() == null ? "" : name.table() + ".") + name.column() + " to read");
    }

    /** The operand of anything that does not look at collations. */
    static Term plain(Term term) {
        return term.explicit() ? term.withCollation(null, false) : term;
    }

    // -- conditions --------------------------------------------------------------------------------------------------

    /** A term as PostgreSQL's boolean: SQLite takes every number but 0 for true. */
    String truth(Term term) {
        if (term.isNull()) {
            return "NULL::boolean";
        }
        if (term.constant() != null) {
            Value value = term.constant() instanceof Value.Text text
                    ? Constants.numberIn(Constants.text(text)) : term.constant();
            if (value == null || !Constants.isNumber(value)) {
                throw new Untranslatable("it takes a text for a condition");
            }
            return Constants.asDouble(value) != 0 ? "true" : "false";
        }
        return switch (term.kind()) {
            case BOOLEAN -> term.sql();
            case INTEGER, NUMERIC, DOUBLE -> "(" + term.sql() + " <> 0)";
            default -> throw new Untranslatable("it takes " + describe(term) + " for a condition");
        };
    }

    Term condition(Expr expr) {
        return Term.condition(truth(render(expr)));
    }

    private Term unary(Expr.Unary unary) {
        Term operand = render(unary.operand());
        switch (unary.operator()) {
            case "NOT":
                return Term.condition("(NOT " + truth(plain(operand)) + ")");
            case "+":
                return operand.withAffinity(null);
            case "~":
                plain(operand);
                if (operand.constant() instanceof Value.Int number) {
                    return Term.constant(Value.of(~number.value()));
                }
                return Term.of("(~ " + wide(operand) + ")", PgKind.INTEGER).withWide();
            default:
                plain(operand);
                if (operand.constant() instanceof Value.Int number && number.value() != Long.MIN_VALUE) {
                    return Term.constant(Value.of(-number.value()));
                } else if (operand.constant() instanceof Value.Real number) {
                    return Term.constant(Value.of(-number.value()));
                } else if (operand.isNull()) {
                    return operand;
                }
                return operand.kind() == PgKind.DOUBLE || operand.kind() == PgKind.NUMERIC
                        ? Term.of("(- " + operand.sql() + ")", operand.kind()).withMixed(operand.mixed())
                        : Term.of("(- " + wide(operand) + ")", PgKind.INTEGER).withWide();
        }
    }

    private Term binary(Expr.Binary binary) {
        String operator = binary.operator();
        switch (operator) {
            case "AND", "OR":
                String left = truth(plain(render(binary.left())));
                String right = truth(plain(render(binary.right())));
                return Term.condition("(" + left + " " + operator + " " + right + ")");
            case "=", "<>", "<", "<=", ">", ">=":
                if (binary.left() instanceof Expr.Row a && binary.right() instanceof Expr.Row b
                        && a.items().size() == b.items().size() && (operator.equals("=") || operator.equals("<>"))) {
                    String all = rows(a, b, "=");
                    return Term.condition(operator.equals("=") ? all : "(NOT " + all + ")");
                }
                return compare(operator, render(binary.left()), render(binary.right()));
            case "->", "->>":
                throw new Untranslatable("it takes a JSON text apart, and the type of the answer depends on the data");
            default:
                return arithmetic(operator, plain(render(binary.left())), plain(render(binary.right())));
        }
    }

    private String rows(Expr.Row left, Expr.Row right, String operator) {
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < left.items().size(); i++) {
            parts.add(compare(operator, render(left.items().get(i)), render(right.items().get(i))).sql());
        }
        return "(" + String.join(" AND ", parts) + ")";
    }

    private Term is(Expr.Is is) {
        if (is.right() instanceof Expr.Name name && name.table() == null && !name.quoted()
                && TRUE_FALSE.contains(Identifiers.foldAscii(name.column())) && column(null, name.column()) == null) {
            return Term.condition("(" + truth(plain(render(is.left()))) + (is.negated() ? " IS NOT " : " IS ")
                    + name.column().toUpperCase(java.util.Locale.ROOT) + ")");
        }
        Term left = render(is.left());
        Term right = render(is.right());
        if (right.isNull() && left.constant() == null) {
            return Term.condition("(" + left.sql() + (is.negated() ? " IS NOT NULL)" : " IS NULL)"));
        }
        return compare(is.negated() ? "IS NOT" : "IS", left, right);
    }

    private Term between(Expr.Between between) {
        Term operand = render(between.operand());
        Pair low = align(operand, render(between.low()), true);
        Pair high = align(operand, render(between.high()), true);
        String sql;
        if (low.comparable() && high.comparable() && low.left().equals(high.left())) {
            sql = "(" + low.left() + " BETWEEN " + low.right() + " AND " + high.right() + ")";
        } else {
            sql = "(" + low.condition(">=") + " AND " + high.condition("<=") + ")";
        }
        return Term.condition(between.negated() ? "(NOT " + sql + ")" : sql);
    }

    private Term in(Expr.InList in) {
        if (in.operand() instanceof Expr.Row) {
            throw new Untranslatable("it uses a row value");
        }
        Term operand = render(in.operand());
        if (in.items().isEmpty()) {
            return Term.condition(in.negated() ? "true" : "false");
        }
        List<Pair> pairs = new ArrayList<>();
        for (Expr item : in.items()) {
            // a IN (x, y) means a = +x OR a = +y: the items have no affinity and no collation of their own
            Term value = render(item);
            if (value.explicit()) {
                throw new Untranslatable("it has COLLATE in a list of IN, which SQLite heeds only sometimes");
            }
            pairs.add(align(operand, value.withAffinity(null).withCollation(null, false), false));
        }
        String sql;
        if (pairs.stream().allMatch(pair -> pair.comparable() && pair.left().equals(pairs.get(0).left()))) {
            sql = "(" + pairs.get(0).left() + " IN ("
                    + pairs.stream().map(Pair::right).collect(Collectors.joining(", ")) + "))";
        } else {
            sql = "(" + pairs.stream().map(pair -> pair.condition("=")).collect(Collectors.joining(" OR ")) + ")";
        }
        return Term.condition(in.negated() ? "(NOT " + sql + ")" : sql);
    }

    private Term collate(Expr.Collate collate) {
        Term operand = render(collate.operand());
        if (!Set.of("BINARY", "NOCASE", "RTRIM").contains(collate.collation())) {
            throw new Untranslatable("it uses the collation " + collate.collation() + ", which the application defines");
        }
        return operand.withCollation(collate.collation(), true);
    }

    private Term choice(Expr.Case choice) {
        List<Term> results = new ArrayList<>();
        List<String> conditions = new ArrayList<>();
        Term operand = choice.operand() == null ? null : render(choice.operand());
        for (Expr.When when : choice.whens()) {
            Term condition = render(when.condition());
            conditions.add(operand == null ? truth(plain(condition)) : compare("=", operand, condition).sql());
            results.add(plain(render(when.result())));
        }
        results.add(choice.otherwise() == null ? Term.constant(Value.NULL) : plain(render(choice.otherwise())));
        return choose(conditions, results);
    }

    /** CASE over one result more than there are conditions. */
    Term choose(List<String> conditions, List<Term> results) {
        Unified unified = unify(results);
        StringBuilder sql = new StringBuilder("(CASE");
        for (int i = 0; i < conditions.size(); i++) {
            sql.append(" WHEN ").append(conditions.get(i)).append(" THEN ").append(unified.sql().get(i));
        }
        if (!results.get(results.size() - 1).isNull()) {
            sql.append(" ELSE ").append(unified.sql().get(results.size() - 1));
        }
        return unified.shape().withSql(sql.append(" END)").toString());
    }

    // -- comparing ---------------------------------------------------------------------------------------------------

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
                return Term.condition(other.isNull() ? Boolean.toString(operator.equals("IS")) : "(" + other.sql() + test);
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
            return Term.condition("(" + sql + (operator.equals("IS") ? " IS " : " IS NOT ") + (wanted ? "TRUE)" : "FALSE)"));
        }
        return Term.condition(positive ? sql : "(NOT " + sql + ")");
    }

    private enum StorageClass {
        NUMBER,
        TEXT,
        BLOB,
        /** A date, time, UUID or JSONB: how SQLite holds it is only known by its form. */
        OPAQUE
    }

    private static StorageClass classOf(Term term) {
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

    /** Brings both sides into a form in which PostgreSQL compares them as SQLite does. NULL literals compare as NULL. */
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
                throw new Untranslatable("it compares a number with a text, and versions of SQLite do that differently");
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
                String sql = text(number);
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
        Term a = classOf(left) == StorageClass.OPAQUE ? Times.stored(left, place) : left;
        Term b = classOf(right) == StorageClass.OPAQUE ? Times.stored(right, place) : right;
        if (a != null && b != null) {
            return align(a, b, ordering);
        }
        Term what = classOf(left) == StorageClass.OPAQUE ? left : right;
        throw new Untranslatable("it compares " + describe(what)
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
                return wider == PgKind.DOUBLE && other.constant() == null ? term.sql() + "::double precision" : term.sql();
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
            throw new Untranslatable("it compares a text column of numeric affinity with a text that may look like a number");
        }
        String collation = left.explicit() ? left.collation() : right.explicit() ? right.collation()
                : left.collation() != null ? left.collation() : right.collation();
        if (collation == null || collation.equals("BINARY")) {
            // Every collation of PostgreSQL but a nondeterministic one finds the same texts equal; computed texts may
            // have collations that conflict
            boolean exact = !ordering && isBinary(left) && isBinary(right) && (left.constant() != null
                    || right.constant() != null || isColumn(left) && isColumn(right));
            String a = exact ? text(left) : "(" + text(left) + " COLLATE \"C\")";
            return new Pair(a, text(right), left, right, 0);
        }
        return new Pair(collated(text(left), collation), collated(text(right), collation), left, right, 0);
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
            case SOMEWHERE_INSIDE -> throw new Untranslatable("it has COLLATE inside a larger expression");
            default -> throw new Untranslatable("it uses the collation " + collation + ", which the application defines");
        };
    }

    /** A term as PostgreSQL must sort it to keep SQLite's order. */
    String sortable(Term term) {
        if (term.isNull()) {
            return "NULL::int";
        }
        return switch (classOf(term)) {
            case NUMBER, BLOB -> term.sql();
            case TEXT -> collated(text(term), term.collation() == null ? "BINARY" : term.collation());
            case OPAQUE -> {
                if (term.form() == null) {
                    throw new Untranslatable("it sorts by " + describe(term) + ", and SQLite sorts what is stored instead");
                }
                yield term.sql();
            }
        };
    }

    // -- values ------------------------------------------------------------------------------------------------------

    private Term arithmetic(String operator, Term left, Term right) {
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
            return Term.of("(" + text(left) + " || " + text(right) + ")", PgKind.TEXT);
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
    private Term numeric(Term term) {
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
            throw new Untranslatable("it calculates with " + describe(term));
        }
        return term;
    }

    private static boolean isInteger(Term term) {
        return term.kind() == PgKind.INTEGER || term.kind() == PgKind.BOOLEAN;
    }

    /** An integer as bigint: SQLite calculates with 64 bits. */
    String wide(Term term) {
        if (!isInteger(term)) {
            throw new Untranslatable("it uses " + describe(term) + " where an integer is needed");
        }
        return term.kind() == PgKind.BOOLEAN ? term.sql() + "::int::bigint"
                : term.wide() ? term.sql() : term.sql() + "::bigint";
    }

    private Term sumOrProduct(String operator, Term a, Term b) {
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
        if (operator.equals("-") && a.floor() != null && b.constant() instanceof Value.Int n && Math.abs(n.value()) < 1 << 30) {
            floor = Math.abs(a.floor()) < 1L << 60 ? (Long) (a.floor() - n.value()) : null;
        }
        return Term.of("(" + left + " " + operator + " " + right + ")", PgKind.INTEGER).withWide().withFloor(floor, false);
    }

    /** SQLite answers NULL where the divisor is 0; PostgreSQL would fail. */
    private String divisor(Term b) {
        if (b.constant() instanceof Value.Int number) {
            return number.value() == 0 ? "NULL::bigint" : b.sql();
        }
        return "nullif(" + wide(b) + ", 0)";
    }

    private Term quotient(Term a, Term b) {
        Long floor = a.floor() != null && a.floor() >= 0 && b.floor() != null && b.floor() >= 0 ? (Long) 0L : null;
        return Term.of("(" + wide(a) + " / " + divisor(b) + ")", PgKind.INTEGER).withWide().withFloor(floor, false);
    }

    private Term realQuotient(Term a, Term b) {
        if (a.mixed() && b.kind() != PgKind.DOUBLE || b.mixed() && a.kind() != PgKind.DOUBLE || a.mixed() && b.mixed()) {
            throw new Untranslatable("it divides numbers that may be integers in one row and reals in another");
        }
        String zeroSafe = b.constant() != null && Constants.asDouble(b.constant()) != 0
                ? asDouble(b) : "nullif(" + asDouble(b) + ", 0)";
        return Term.of(finite("(" + asDouble(a) + " / " + zeroSafe + ")", a, b), PgKind.DOUBLE);
    }

    private Term real(String operator, Term a, Term b) {
        boolean mixed = (a.mixed() || isInteger(a)) && (b.mixed() || isInteger(b));
        boolean large = isInteger(a) && !a.small() || isInteger(b) && !b.small();
        if (mixed && large && place != Place.VIEW) {
            throw new Untranslatable("it calculates with an integer and a number that is an integer in some rows only");
        }
        if (mixed) {
            notes.add("It calculates with decimals; whole numbers beyond 2^53 lose their last digits in PostgreSQL.");
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

    /** A term as SQLite's text of it. */
    String text(Term term) {
        if (term.constant() != null && !term.isNull()) {
            return Constants.literal(Value.of(Constants.text(term.constant())));
        }
        return switch (term.kind()) {
            case TEXT -> term.sql();
            case CITEXT, JSON, INTEGER -> term.sql() + "::text";
            case BOOLEAN -> term.sql() + "::int::text";
            default -> {
                if (term.isNull()) {
                    yield "NULL::text";
                }
                Term stored = classOf(term) == StorageClass.OPAQUE ? Times.stored(term, place) : null;
                if (stored != null) {
                    yield text(stored);
                }
                throw new Untranslatable("it makes a text of " + describe(term)
                        + ", which PostgreSQL writes differently");
            }
        };
    }

    /** CAST, and what storing into a column of that affinity does to a text or number of known kind. */
    Term cast(Term term, Affinity affinity) {
        if (term.isNull()) {
            return term;
        }
        switch (affinity) {
            case TEXT:
                if (term.constant() != null) {
                    return Term.constant(Value.of(Constants.text(term.constant()))).withAffinity(affinity);
                }
                return Term.of(text(term), PgKind.TEXT).withAffinity(affinity).withCollation(term.collation(), false)
                        .withNumber(term.number());
            case INTEGER:
                if (term.number() != null) {
                    return Term.of(term.number(), PgKind.INTEGER).withWide().withFloor(0L, true).withAffinity(affinity)
                            .withForm(term.form());
                } else if (isInteger(term)) {
                    return integer(term).withAffinity(affinity);
                } else if (term.kind().isText() && term.constant() == null) {
                    return Term.of(leadingInteger(text(term)), PgKind.INTEGER).withWide().withAffinity(affinity);
                } else if (term.kind() == PgKind.DOUBLE || term.kind() == PgKind.NUMERIC) {
                    return Term.of("trunc(" + term.sql() + ")::bigint", PgKind.INTEGER).withWide().withAffinity(affinity);
                }
                break;
            case REAL:
                if (term.kind().isNumber()) {
                    return Term.of(asDouble(term), PgKind.DOUBLE).withAffinity(affinity);
                }
                break;
            case NUMERIC:
                if (isInteger(term)) {
                    return integer(term).withAffinity(affinity);
                } else if (term.kind() == PgKind.DOUBLE || term.kind() == PgKind.NUMERIC) {
                    return term.withAffinity(affinity).withMixed(true);
                }
                break;
            default:
                if (term.kind() == PgKind.BYTEA) {
                    return term.withAffinity(affinity);
                }
        }
        throw new Untranslatable("it casts " + describe(term) + " to " + affinity);
    }

    /** The integer that a text starts with, 0 if it starts with none; too many digits fail in PostgreSQL. */
    private static String leadingInteger(String text) {
        return "(CASE WHEN " + text + " IS NOT NULL THEN coalesce(substring(" + text
                + " COLLATE \"C\", '^[ \\t\\n\\v\\f\\r]*([+-]?[0-9]+)')::bigint, 0) END)";
    }

    /** A boolean as the integer that it is in SQLite. */
    Term integer(Term term) {
        return term.kind() == PgKind.BOOLEAN
                ? Term.of(term.sql() + "::int", PgKind.INTEGER).withFloor(0L, true) : term;
    }

    /**
     * Alternatives brought to one type.
     *
     * @param sql of each alternative
     * @param shape what all have in common
     */
    record Unified(List<String> sql, Term shape) {}

    /** Finds the one PostgreSQL type for the alternatives of CASE, coalesce, a compound SELECT. */
    Unified unify(List<Term> alternatives) {
        List<Term> present = alternatives.stream().filter(term -> !term.isNull()).toList();
        if (present.isEmpty()) {
            return new Unified(alternatives.stream().map(Term::sql).toList(), Term.constant(Value.NULL));
        }
        Term first = present.get(0);
        if (present.stream().allMatch(term -> term.kind() == PgKind.BOOLEAN)) {
            return unified(alternatives, Term.condition(""), Term::sql);
        }
        if (present.stream().allMatch(Expressions::isInteger)) {
            Long floor = present.stream().anyMatch(term -> term.floor() == null) ? null
                    : present.stream().map(Term::floor).min(Long::compare).orElseThrow();
            boolean small = present.stream().allMatch(Term::small);
            return unified(alternatives, Term.of("", PgKind.INTEGER).withFloor(floor, small), term -> integer(term).sql());
        }
        if (present.stream().allMatch(term -> term.kind().isNumber())) {
            boolean mixed = present.stream().anyMatch(term -> term.mixed() || isInteger(term));
            if (present.stream().noneMatch(term -> term.kind() == PgKind.DOUBLE && term.constant() == null)
                    && present.stream().anyMatch(term -> term.kind() == PgKind.NUMERIC)) {
                return unified(alternatives, Term.of("", PgKind.NUMERIC).withMixed(true),
                        term -> term.constant() instanceof Value.Real real
                                ? Constants.shortestNumeric(real.value()) : integer(term).sql());
            }
            if (present.stream().anyMatch(term -> isInteger(term) && !term.small())) {
                throw new Untranslatable("its answer is an integer in one case and a real in another");
            }
            return unified(alternatives, Term.of("", PgKind.DOUBLE).withMixed(mixed), Expressions::asDouble);
        }
        if (present.stream().allMatch(term -> classOf(term) == StorageClass.TEXT)) {
            return unified(alternatives, Term.of("", PgKind.TEXT), this::text);
        }
        if (present.stream().allMatch(term -> term.kind() == PgKind.BYTEA)) {
            return unified(alternatives, Term.of("", PgKind.BYTEA), Term::sql);
        }
        if (present.stream().allMatch(term -> term.kind() == first.kind() && first.kind() != PgKind.OTHER
                && (term.form() == null ? first.form() == null : term.form().equals(first.form())))
                && (present.size() == 1 || first.form() != null)) {
            return unified(alternatives, Term.of("", first.kind()).withForm(first.form()), Term::sql);
        }
        throw new Untranslatable("its answer has one type in one case and another type in another");
    }

    private static Unified unified(List<Term> alternatives, Term shape, java.util.function.Function<Term, String> render) {
        return new Unified(alternatives.stream().map(term -> term.isNull() ? "NULL" : render.apply(term)).toList(), shape);
    }

    static String describe(Term term) {
        return switch (term.kind()) {
            case BOOLEAN -> "a boolean";
            case INTEGER -> "an integer";
            case NUMERIC -> "a decimal";
            case DOUBLE -> "a real";
            case TEXT, CITEXT -> "a text";
            case BYTEA -> "a blob";
            case TIMESTAMP, TIMESTAMPTZ -> "a timestamp column";
            case DATE -> "a date column";
            case TIME -> "a time column";
            case JSON, JSONB -> "a JSON column";
            case UUID -> "a UUID column";
            case OTHER -> "a value of unknown type";
        };
    }
}
