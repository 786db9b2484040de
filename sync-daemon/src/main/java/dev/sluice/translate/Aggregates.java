package dev.sluice.translate;

import dev.sluice.change.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Functions over the rows of a group or a window. */
final class Aggregates {

    private static final Set<String> WINDOW_FUNCTIONS = Set.of("row_number", "rank", "dense_rank", "percent_rank",
            "cume_dist",
            "ntile", "lag", "lead", "first_value", "last_value", "nth_value");

    private static final Set<String> FUNCTIONS = Set.of("count", "sum", "total", "avg", "min", "max", "group_concat",
            "string_agg");

    private final Scope scope;

    Aggregates(Scope scope) {
        this.scope = scope;
    }

    /** True if an aggregate function of this very query is called in the expression; null is none. */
    static boolean in(Expr expr) {
        if (expr instanceof Expr.Call call && call.window() == null) {
            boolean scalar = (call.name().equals("min") || call.name().equals("max")) && call.arguments().size() > 1;
            if (!scalar && (FUNCTIONS.contains(call.name()) || call.star() || call.distinct())) {
                return true;
            }
        }
        return expr != null && Expr.children(expr).stream().anyMatch(Aggregates::in);
    }

    /** @param over {@code OVER (…)} or nothing */
    Term call(Expr.Call call, String over) {
        List<Term> a = call.arguments().stream().map(argument -> Expressions.plain(scope.render(argument))).toList();
        String filter = call.filter() == null ? "" : " FILTER (WHERE " + scope.truth(scope.render(call.filter())) + ")";
        String tail = filter + over;
        String distinct = call.distinct() ? "DISTINCT " : "";
        if (call.distinct()) {
            a.forEach(term -> Queries.distinguishable(term, "its DISTINCT"));
        }
        if (!call.orderBy().isEmpty() && !call.name().equals("group_concat") && !call.name().equals("string_agg")) {
            throw new Untranslatable("it sorts inside the aggregate function " + call.name());
        }
        if (call.name().equals("count") && (call.star() || a.isEmpty())) {
            return Term.of("count(*)" + tail, PgKind.INTEGER).withWide().withFloor(0L, true);
        }
        if (a.isEmpty()) {
            throw new Untranslatable("it calls " + call.name() + " in an unknown way");
        }
        Term term = a.get(0);
        return switch (call.name()) {
            case "count" -> Term.of("count(" + distinct + term.sql() + ")" + tail, PgKind.INTEGER).withWide()
                    .withFloor(0L, true);
            case "sum", "total", "avg" -> sum(call.name(), distinct, term, tail);
            case "min", "max" -> extreme(call.name(), term, tail);
            case "group_concat", "string_agg" -> concatenation(call, distinct, a, tail);
            default -> throw new Untranslatable("it uses the aggregate function " + call.name()
                    + ", for which PostgreSQL has no equal");
        };
    }

    private Term sum(String name, String distinct, Term term, String tail) {
        if (!term.kind().isNumber() || term.constant() != null) {
            throw new Untranslatable("it sums up " + Expressions.describe(term));
        }
        boolean whole = term.kind() == PgKind.INTEGER || term.kind() == PgKind.BOOLEAN;
        if (!whole) {
            scope.notes.add("It adds up fractions: the last digits of a sum may differ, in SQLite too from "
                    + "version to version.");
        }
        String argument = distinct + (whole ? Arithmetic.wide(term) : term.sql());
        String sum = "sum(" + argument + ")" + tail;
        return switch (name) {
            case "sum" -> whole ? Term.of("(" + sum + ")::bigint", PgKind.INTEGER).withWide()
                    .withFloor(term.floor() != null && term.floor() >= 0 ? (Long) 0L : null, false)
                    : Term.of(sum, term.kind()).withMixed(term.mixed());
            case "total" -> Term.of("coalesce((" + sum + ")::double precision, 0)", PgKind.DOUBLE);
            default -> Term.of("((" + sum + ")::double precision / nullif(count(" + argument + ")" + tail + ", 0))",
                    PgKind.DOUBLE);
        };
    }

    private Term extreme(String name, Term term, String tail) {
        Term shape = Term.of("", term.kind()).withMixed(term.mixed()).withForm(term.form()).withFloor(term.floor(),
                term.small());
        return switch (term.kind()) {
            case INTEGER, NUMERIC, DOUBLE -> shape.withSql(name + "(" + term.sql() + ")" + tail);
            case BOOLEAN -> Term.of(name + "(" + term.sql() + "::int)" + tail, PgKind.INTEGER).withFloor(0L, true);
            case TEXT -> {
                if (term.collation() != null && !term.collation().equals("BINARY")) {
                    throw new Untranslatable("it takes the " + name + " of texts under a collation");
                }
                yield Term.of(name + "(" + term.sql() + " COLLATE \"C\")" + tail, PgKind.TEXT);
            }
            case TIMESTAMP, TIMESTAMPTZ, DATE, TIME -> {
                scope.comparison.sortable(term);
                yield shape.withSql(name + "(" + term.sql() + ")" + tail);
            }
            default -> throw new Untranslatable("it takes the " + name + " of " + Expressions.describe(term));
        };
    }

    private Term concatenation(Expr.Call call, String distinct, List<Term> a, String tail) {
        Term separator = a.size() > 1 ? a.get(1) : Term.constant(Value.of(","));
        if (!(separator.constant() instanceof Value.Text)) {
            throw new Untranslatable("it joins texts with a separator that is not constant");
        }
        String order = "";
        if (call.distinct() && !call.orderBy().isEmpty()) {
            throw new Untranslatable("it joins distinct texts in an order");
        }
        if (call.orderBy().isEmpty()) {
            scope.notes.add("It joins texts in no defined order (" + call.name()
                    + "): PostgreSQL may join them in another.");
        } else {
            order = " ORDER BY " + call.orderBy().stream()
                    .map(term -> Queries.direction(scope.render(term.expression()), term))
                    .collect(Collectors.joining(", "));
        }
        return Term.of("string_agg(" + distinct + scope.text(a.get(0)) + ", " + separator.sql() + order + ")" + tail,
                PgKind.TEXT);
    }

    Term window(Expr.Call call, Map<String, Expr.Window> windows) {
        String over = " OVER (" + definition(call.window(), windows) + ")";
        if (FUNCTIONS.contains(call.name())) {
            if (call.distinct()) {
                throw new Untranslatable("it uses DISTINCT in a window function");
            }
            return call(call, over);
        }
        if (!WINDOW_FUNCTIONS.contains(call.name()) || call.filter() != null) {
            throw new Untranslatable("it uses the window function " + call.name());
        }
        List<Term> a = call.arguments().stream().map(argument -> Expressions.plain(scope.render(argument))).toList();
        switch (call.name()) {
            case "row_number", "rank", "dense_rank":
                return Term.of(call.name() + "()" + over, PgKind.INTEGER).withWide().withFloor(1L, true);
            case "percent_rank", "cume_dist":
                return Term.of(call.name() + "()" + over, PgKind.DOUBLE);
            case "ntile":
                return Term.of("ntile(" + count(a.get(0)) + ")" + over, PgKind.INTEGER).withFloor(1L, true);
            default:
                break;
        }
        Term value = a.get(0);
        String arguments = value.sql();
        if (a.size() > 1) {
            arguments += ", " + count(a.get(1));
        }
        if (value.constant() != null || a.size() > 2) {
            throw new Untranslatable("it calls " + call.name() + " with a constant or a default");
        }
        return Term.of(call.name() + "(" + arguments + ")" + over, value.kind()).withMixed(value.mixed())
                .withForm(value.form());
    }

    private String count(Term term) {
        if (!(term.constant() instanceof Value.Int number) || number.value() < 0
                || number.value() > Integer.MAX_VALUE) {
            throw new Untranslatable("a window function counts by something that is not a constant");
        }
        return term.sql();
    }

    private String definition(Expr.Window window, Map<String, Expr.Window> windows) {
        Expr.Window known = window.base() == null ? null : windows.get(Identifiers.foldAscii(window.base()));
        if (window.base() != null) {
            if (known == null || known.base() != null || !window.partitionBy().isEmpty() || !window.orderBy().isEmpty()
                    || window.frame() != null) {
                throw new Untranslatable("it builds one window upon another");
            }
            return definition(known, windows);
        }
        List<String> parts = new ArrayList<>();
        if (!window.partitionBy().isEmpty()) {
            List<String> keys = new ArrayList<>();
            for (Expr expr : window.partitionBy()) {
                Term term = scope.render(expr);
                boolean folded = term.collation() != null && !term.collation().equals("BINARY");
                keys.add(folded ? Comparison.collated(scope.text(term), term.collation())
                        : scope.comparison.sortable(term));
            }
            parts.add("PARTITION BY " + String.join(", ", keys));
        }
        if (!window.orderBy().isEmpty()) {
            parts.add("ORDER BY " + window.orderBy().stream()
                    .map(term -> Queries.direction(scope.render(term.expression()), term))
                    .collect(Collectors.joining(", ")));
        }
        if (window.frame() != null) {
            if (window.frame().startsWith("RANGE") && window.frame().matches(".*\\d.*")) {
                throw new Untranslatable("its window is a range of values");
            }
            parts.add(window.frame());
        }
        return String.join(" ", parts);
    }
}
