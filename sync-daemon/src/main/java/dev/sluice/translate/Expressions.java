package dev.sluice.translate;

import dev.sluice.change.Value;
import dev.sluice.schema.Affinity;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Renders parsed expressions. What SQLite decides for every row by its values is decided here, once, by what is known
 * of the columns; where that is not enough, {@link Untranslatable}.
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
    static final String SOMEWHERE_INSIDE = "?";

    final Place place;
    final Set<String> notes;
    private final Columns columns;
    final Comparison comparison = new Comparison(this);
    private final Arithmetic arithmetic = new Arithmetic(this);
    private final Functions functions = new Functions(this);

    Expressions(Columns columns, Place place) {
        this(columns, place, new LinkedHashSet<>());
    }

    /** @param notes takes what the operator should know */
    Expressions(Columns columns, Place place, Set<String> notes) {
        this.columns = columns;
        this.place = place;
        this.notes = notes;
    }

    // -- what the surroundings decide ---------------------------------------------------------------------------------

    /** The column as a term, null if there is none of that name. */
    Term column(String table, String name) {
        Columns.Column column = columns.find(table, name);
        if (column == Columns.NOT_CARRIED) {
            throw notCarried(name);
        }
        return column == null ? null : term(Identifiers.quote(column.targetName()), column);
    }

    static Untranslatable notCarried(String column) {
        return new Untranslatable("it reads the column " + column + ", which PostgreSQL does not get");
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
                .withAffinity(affinity).withCollation(column.collation(), false).withMixed(mixed)
                .withForm(column.form());
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
                return Term.of("(~ " + Arithmetic.wide(operand) + ")", PgKind.INTEGER).withWide();
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
                        : Term.of("(- " + Arithmetic.wide(operand) + ")", PgKind.INTEGER).withWide();
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
                return comparison.compare(operator, render(binary.left()), render(binary.right()));
            case "->", "->>":
                throw new Untranslatable("it takes a JSON text apart, and the type of the answer depends on the data");
            default:
                return arithmetic.operator(operator, plain(render(binary.left())), plain(render(binary.right())));
        }
    }

    private String rows(Expr.Row left, Expr.Row right, String operator) {
        List<String> parts = new ArrayList<>();
        for (int i = 0; i < left.items().size(); i++) {
            parts.add(comparison.compare(operator, render(left.items().get(i)), render(right.items().get(i))).sql());
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
        return comparison.compare(is.negated() ? "IS NOT" : "IS", left, right);
    }

    private Term between(Expr.Between between) {
        Term operand = render(between.operand());
        Comparison.Pair low = comparison.align(operand, render(between.low()), true);
        Comparison.Pair high = comparison.align(operand, render(between.high()), true);
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
        List<Comparison.Pair> pairs = new ArrayList<>();
        for (Expr item : in.items()) {
            // a IN (x, y) means a = +x OR a = +y: the items have no affinity and no collation of their own
            Term value = render(item);
            if (value.explicit()) {
                throw new Untranslatable("it has COLLATE in a list of IN, which SQLite heeds only sometimes");
            }
            pairs.add(comparison.align(operand, value.withAffinity(null).withCollation(null, false), false));
        }
        String sql;
        if (pairs.stream().allMatch(pair -> pair.comparable() && pair.left().equals(pairs.get(0).left()))) {
            sql = "(" + pairs.get(0).left() + " IN ("
                    + pairs.stream().map(Comparison.Pair::right).collect(Collectors.joining(", ")) + "))";
        } else {
            sql = "(" + pairs.stream().map(pair -> pair.condition("=")).collect(Collectors.joining(" OR ")) + ")";
        }
        return Term.condition(in.negated() ? "(NOT " + sql + ")" : sql);
    }

    private Term collate(Expr.Collate collate) {
        Term operand = render(collate.operand());
        if (!Set.of("BINARY", "NOCASE", "RTRIM").contains(collate.collation())) {
            throw new Untranslatable("it uses the collation " + collate.collation()
                    + ", which the application defines");
        }
        return operand.withCollation(collate.collation(), true);
    }

    private Term choice(Expr.Case choice) {
        List<Term> results = new ArrayList<>();
        List<String> conditions = new ArrayList<>();
        Term operand = choice.operand() == null ? null : render(choice.operand());
        for (Expr.When when : choice.whens()) {
            Term condition = render(when.condition());
            conditions.add(operand == null ? truth(plain(condition))
                    : comparison.compare("=", operand, condition).sql());
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

    // -- values ------------------------------------------------------------------------------------------------------

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
                Term stored = Comparison.classOf(term) == Comparison.StorageClass.OPAQUE ? Times.stored(term, place)
                        : null;
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
                } else if (Arithmetic.isInteger(term)) {
                    return integer(term).withAffinity(affinity);
                } else if (term.kind().isText() && term.constant() == null) {
                    return Term.of(leadingInteger(text(term)), PgKind.INTEGER).withWide().withAffinity(affinity);
                } else if (term.kind() == PgKind.DOUBLE || term.kind() == PgKind.NUMERIC) {
                    return Term.of("trunc(" + term.sql() + ")::bigint", PgKind.INTEGER).withWide()
                            .withAffinity(affinity);
                }
                break;
            case REAL:
                if (term.kind().isNumber()) {
                    return Term.of(Arithmetic.asDouble(term), PgKind.DOUBLE).withAffinity(affinity);
                }
                break;
            case NUMERIC:
                if (Arithmetic.isInteger(term)) {
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
        if (present.stream().allMatch(Arithmetic::isInteger)) {
            Long floor = present.stream().anyMatch(term -> term.floor() == null) ? null
                    : present.stream().map(Term::floor).min(Long::compare).orElseThrow();
            boolean small = present.stream().allMatch(Term::small);
            return unified(alternatives, Term.of("", PgKind.INTEGER).withFloor(floor, small),
                    term -> integer(term).sql());
        }
        if (present.stream().allMatch(term -> term.kind().isNumber())) {
            boolean mixed = present.stream().anyMatch(term -> term.mixed() || Arithmetic.isInteger(term));
            if (present.stream().noneMatch(term -> term.kind() == PgKind.DOUBLE && term.constant() == null)
                    && present.stream().anyMatch(term -> term.kind() == PgKind.NUMERIC)) {
                return unified(alternatives, Term.of("", PgKind.NUMERIC).withMixed(true),
                        term -> term.constant() instanceof Value.Real real
                                ? Constants.shortestNumeric(real.value()) : integer(term).sql());
            }
            if (present.stream().anyMatch(term -> Arithmetic.isInteger(term) && !term.small())) {
                throw new Untranslatable("its answer is an integer in one case and a real in another");
            }
            return unified(alternatives, Term.of("", PgKind.DOUBLE).withMixed(mixed), Arithmetic::asDouble);
        }
        if (present.stream().allMatch(term -> Comparison.classOf(term) == Comparison.StorageClass.TEXT)) {
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

    private static Unified unified(List<Term> alternatives, Term shape, java.util.function.Function<Term,
            String> render) {
        return new Unified(alternatives.stream().map(term -> term.isNull() ? "NULL" : render.apply(term)).toList(),
                shape);
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
