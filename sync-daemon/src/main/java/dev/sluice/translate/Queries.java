package dev.sluice.translate;

import dev.sluice.change.Value;
import dev.sluice.schema.Affinity;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Renders whole queries. One object serves one view: names of subqueries and aliases are unique in all of its text, so
 * that no inner name can hide an outer one in PostgreSQL that it does not hide in SQLite.
 */
final class Queries {

    /** What can be read from. */
    interface Relations {

        /** Null if there is no such table. */
        Catalog.Relation table(String name);

        /** Null if there is no such view; {@link Untranslatable} if it has no translation. */
        View view(String name);
    }

    /** Another view, with the result columns of its query. */
    record View(String targetName, List<Output> outputs) {}

    /** A result column: its name in SQLite, its name here, and what it holds, seen from outside once it is rendered. */
    record Output(String sourceName, String targetName, Term term) {}

    /** A rendered query with its result columns; their SQL is only meaningful inside the query. */
    record Rendered(String sql, List<Output> outputs, boolean oneRow) {}

    /** A common table expression; {@code outputs} is null as long as it is not rendered. */
    record Common(String sourceName, String targetName, List<Output> outputs) {}

    final Relations relations;
    private final Identifiers identifiers;
    private final Set<String> aliases = new HashSet<>();
    final Set<String> notes = new LinkedHashSet<>();

    Queries(Relations relations, Identifiers identifiers) {
        this.relations = relations;
        this.identifiers = identifiers;
    }

    /** @param names the names to give to the result columns, empty for SQLite's own */
    Rendered render(Query query, List<String> names) {
        return query(query, null, List.of(), names, false);
    }

    // -- a whole query -----------------------------------------------------------------------------------------------

    Rendered query(Query query, Scope outer, List<Common> visible, List<String> names, boolean nested) {
        List<Common> commons = new ArrayList<>(visible);
        List<String> with = new ArrayList<>();
        boolean recursive = false;
        query.with().forEach(common -> commons.add(new Common(common.name(), null, null)));
        for (Query.Common common : query.with()) {
            boolean self = reads(common.query(), common.name());
            String targetName = alias(common.name());
            Rendered rendered = self ? recursive(common, targetName, outer, commons)
                    : query(common.query(), outer, commons, common.columns(), true);
            recursive |= self;
            commons.set(visible.size() + with.size(), new Common(common.name(), targetName, rendered.outputs()));
            with.add(Identifiers.quote(targetName) + "(" + quoted(rendered.outputs()) + ") AS (" + rendered.sql()
                    + ")");
        }
        List<Core> cores = new ArrayList<>();
        for (Query.Core core : query.cores()) {
            cores.add(core(core, outer, commons, nested));
        }
        List<Output> outputs = outputs(cores, names);
        String sql = compound(cores, query.operators(), outputs);
        boolean oneRow = cores.size() == 1 && cores.get(0).oneRow();
        if (!query.orderBy().isEmpty()) {
            boolean plain = cores.size() == 1 && cores.get(0).scope() != null && !cores.get(0).distinct();
            sql = plain ? sql + " ORDER BY " + order(query.orderBy(), cores.get(0))
                    : wrapped(sql, query.orderBy(), cores, outputs);
        }
        Long limit = bound(query.limit());
        Long offset = bound(query.offset());
        if (limit != null && limit >= 0) {
            sql += " LIMIT " + limit;
            if (query.orderBy().isEmpty() && !oneRow) {
                notes.add("It takes a number of rows (LIMIT) in no defined order: PostgreSQL may take others.");
            }
            oneRow |= limit <= 1;
        }
        if (offset != null && offset > 0) {
            sql += " OFFSET " + offset;
        }
        String prefix = with.isEmpty() ? "" : (recursive ? "WITH RECURSIVE " : "WITH ") + String.join(", ", with) + " ";
        return new Rendered(prefix + sql, outputs, oneRow);
    }

    /** LIMIT and OFFSET: a negative one is none. */
    private static Long bound(Expr expr) {
        if (expr == null) {
            return null;
        }
        Term term = new Expressions((table, column) -> null, Expressions.Place.VIEW).render(expr);
        if (term.constant() instanceof Value.Int number) {
            return number.value();
        }
        throw new Untranslatable("its LIMIT is not a constant");
    }

    /** A core before its columns are brought to the type that all cores of a compound share. */
    record Core(String head, List<String> sourceNames, List<List<Term>> rows, String tail, Scope scope,
            boolean distinct, boolean oneRow) {

        List<Term> terms(int column) {
            return rows.stream().map(row -> row.get(column)).toList();
        }

        int width() {
            return sourceNames.size();
        }
    }

    /** Names and types of the result columns, over all cores. */
    private List<Output> outputs(List<Core> cores, List<String> names) {
        Core first = cores.get(0);
        List<String> sourceNames = names.isEmpty() ? unique(first.sourceNames()) : names;
        List<Output> outputs = new ArrayList<>();
        Set<String> taken = new HashSet<>();
        for (int i = 0; i < first.width(); i++) {
            int column = i;
            List<Term> alternatives = cores.stream().flatMap(core -> core.terms(column).stream()).toList();
            Term term = alternatives.size() == 1 ? single(alternatives.get(0))
                    : compoundShape(alternatives, sourceNames.get(i));
            outputs.add(new Output(sourceNames.get(i), uniqueName(sourceNames.get(i), taken), term));
        }
        return outputs;
    }

    /** A result column of a single SELECT: as it is, but a computed condition is SQLite's 0 or 1. */
    private Term single(Term term) {
        if (term.isNull()) {
            return Term.of("NULL::text", PgKind.TEXT);
        }
        boolean computed = term.affinity() == null && !term.unsure();
        Expressions expressions = new Expressions((table, column) -> null, Expressions.Place.VIEW);
        if (term.kind() == PgKind.BOOLEAN && computed) {
            return expressions.integer(term);
        }
        if (term.constant() instanceof Value.Text) {
            return Term.of(term.sql() + "::text", PgKind.TEXT);
        }
        return term.constant() instanceof Value.Int ? Term.of(Arithmetic.wide(term), PgKind.INTEGER)
                .withFloor(term.floor(), term.small()).withWide() : term;
    }

    private static Term compoundShape(List<Term> alternatives, String name) {
        Expressions expressions = new Expressions((table, column) -> null, Expressions.Place.VIEW);
        try {
            Term shape = expressions.unify(alternatives).shape();
            String collation = alternatives.get(0).collation();
            boolean flag = shape.kind() == PgKind.BOOLEAN
                    && alternatives.stream().anyMatch(term -> term.affinity() != null);
            Term typed = shape.isNull() ? Term.of("", PgKind.TEXT) : shape.kind() == PgKind.BOOLEAN && !flag
                    ? Term.of("", PgKind.INTEGER).withFloor(0L, true) : shape;
            return typed.withCollation(collation, false).withUnsureAffinity();
        } catch (Untranslatable e) {
            throw new Untranslatable("its column " + name
                    + " has one type in one part and another type in another part");
        }
    }

    /**
     * Every core with its columns in the shared type and under the shared names; SQLite combines strictly from the
     * left.
     */
    private String compound(List<Core> cores, List<String> operators, List<Output> outputs) {
        String sql = text(cores.get(0), cores.size() > 1, outputs);
        for (int i = 1; i < cores.size(); i++) {
            String operator = operators.get(i - 1);
            if (!operator.equals("UNION ALL")) {
                outputs.forEach(output -> distinguishable(output.term(), "its " + operator));
            }
            boolean nested = i > 1 && !(operator.equals(operators.get(i - 2)) && operator.startsWith("UNION"));
            sql = (nested ? "(" + sql + ")" : sql) + " " + operator + " " + text(cores.get(i), true, outputs);
        }
        return sql;
    }

    private static String text(Core core, boolean compound, List<Output> outputs) {
        Expressions expressions = new Expressions((table, column) -> null, Expressions.Place.VIEW);
        boolean typed = compound || core.rows().size() > 1;
        List<String> rows = new ArrayList<>();
        for (List<Term> row : core.rows()) {
            List<String> columns = new ArrayList<>();
            for (int i = 0; i < row.size(); i++) {
                Output output = outputs.get(i);
                String sql = typed ? typed(expressions, row.get(i), output.term()) : output.term().sql();
                boolean named = core.scope() == null || sql.equals(Identifiers.quote(output.targetName()))
                        || sql.endsWith("." + Identifiers.quote(output.targetName()));
                columns.add(named ? sql : sql + " AS " + Identifiers.quote(output.targetName()));
            }
            rows.add(core.scope() == null ? "(" + String.join(", ", columns) + ")" : String.join(", ", columns));
        }
        return core.head() + String.join(", ", rows) + core.tail();
    }

    /** One column of one core, cast so that all cores agree. */
    private static String typed(Expressions expressions, Term term, Term shape) {
        if (term.isNull()) {
            return "NULL::" + shape.kind().typeName();
        }
        return switch (shape.kind()) {
            case INTEGER -> Arithmetic.wide(term);
            case DOUBLE -> Arithmetic.asDouble(term);
            case NUMERIC -> term.constant() instanceof Value.Real real
                    ? Constants.shortestNumeric(real.value()) : expressions.integer(term).sql() + "::numeric";
            // One collation for all parts, or the view has none
            case TEXT -> term.affinity() == null || term.unsure()
                    ? "(" + expressions.text(term) + "::text COLLATE \"C\")" : expressions.text(term) + "::text";
            default -> term.sql();
        };
    }

    /** ORDER BY over a compound or DISTINCT: only its result columns can be named. */
    private String wrapped(String sql, List<Query.Order> orderBy, List<Core> cores, List<Output> outputs) {
        String name = alias("q");
        List<Output> outside = outside(name, outputs);
        List<String> terms = new ArrayList<>();
        for (Query.Order order : orderBy) {
            Integer position = position(order.expression(), cores.get(0), outputs);
            if (position == null) {
                throw new Untranslatable("it sorts by something that is not among its columns");
            }
            Expr expr = order.expression();
            Term term = outside.get(position).term();
            terms.add(direction(expr instanceof Expr.Collate collate
                    ? term.withCollation(collate.collation(), true) : term, order));
        }
        return "SELECT * FROM (" + sql + ") AS " + Identifiers.quote(name) + " ORDER BY " + String.join(", ", terms);
    }

    /** Which result column an ORDER BY term means, by number, name or the same expression; null if none. */
    private static Integer position(Expr expr, Core core, List<Output> outputs) {
        Expr plain = expr instanceof Expr.Collate collate ? collate.operand() : expr;
        if (plain instanceof Expr.Literal literal && literal.value() instanceof Value.Int number) {
            return number.value() >= 1 && number.value() <= outputs.size() ? (int) number.value() - 1 : null;
        }
        for (int i = 0; i < outputs.size(); i++) {
            if (plain instanceof Expr.Name name && name.table() == null
                    && core.sourceNames().get(i).equalsIgnoreCase(name.column())) {
                return i;
            }
        }
        if (core.scope() != null) {
            String sql = core.scope().render(plain).sql();
            for (int i = 0; i < outputs.size(); i++) {
                if (core.rows().get(0).get(i).sql().equals(sql)) {
                    return i;
                }
            }
        }
        return null;
    }

    private String order(List<Query.Order> orderBy, Core core) {
        List<String> terms = new ArrayList<>();
        for (Query.Order order : orderBy) {
            terms.add(direction(orderTerm(order.expression(), core), order));
        }
        return String.join(", ", terms);
    }

    private static Term orderTerm(Expr expr, Core core) {
        Expr plain = expr instanceof Expr.Collate collate ? collate.operand() : expr;
        Term term = null;
        if (plain instanceof Expr.Literal literal && literal.value() instanceof Value.Int number) {
            if (number.value() < 1 || number.value() > core.width()) {
                throw new Untranslatable("it sorts by a column number that it does not have");
            }
            term = core.rows().get(0).get((int) number.value() - 1);
        } else if (plain instanceof Expr.Name name && name.table() == null) {
            for (int i = 0; i < core.width() && term == null; i++) {
                term = core.sourceNames().get(i).equalsIgnoreCase(name.column()) ? core.rows().get(0).get(i) : null;
            }
        }
        if (term == null) {
            return core.scope().render(expr);
        }
        return expr instanceof Expr.Collate collate ? term.withCollation(collate.collation(), true) : term;
    }

    /** NULL is the smallest value in SQLite and the greatest in PostgreSQL. */
    static String direction(Term term, Query.Order order) {
        String sql = new Expressions((table, column) -> null, Expressions.Place.VIEW).comparison.sortable(term);
        boolean first = order.nulls() == null ? !order.descending() : order.nulls().equals("FIRST");
        return sql + (order.descending() ? " DESC" : "") + (first ? " NULLS FIRST" : " NULLS LAST");
    }

    /** Values that are different texts in SQLite's eyes only if they are in PostgreSQL's. */
    static void distinguishable(Term term, String what) {
        boolean text = term.kind().isText() || term.kind() == PgKind.JSON;
        if (text && term.collation() != null && !term.collation().equals("BINARY") || term.kind() == PgKind.CITEXT) {
            throw new Untranslatable(what + " finds texts equal that differ in case or trailing blanks, and which one"
                    + " is shown is left to chance");
        }
        boolean opaque = !text && !term.kind().isNumber() && term.kind() != PgKind.BYTEA && !term.isNull();
        if (opaque && term.form() == null || term.kind() == PgKind.JSON) {
            throw new Untranslatable(what + " compares " + Expressions.describe(term)
                    + ", and SQLite compares what is stored");
        }
    }

    // -- WITH RECURSIVE ----------------------------------------------------------------------------------------------

    private Rendered recursive(Query.Common common, String targetName, Scope outer, List<Common> visible) {
        Query query = common.query();
        boolean simple = query.cores().size() == 2 && query.operators().get(0).startsWith("UNION")
                && query.orderBy().isEmpty()
                && query.limit() == null && query.with().isEmpty()
                && query.cores().get(1) instanceof Query.Select && !coreReads(query.cores().get(0), common.name());
        if (!simple) {
            throw new Untranslatable("its recursive query " + common.name()
                    + " is more than one start and one step, or is sorted or limited");
        }
        Core start = core(query.cores().get(0), outer, visible, true);
        List<Output> first = new ArrayList<>();
        for (Output output : outputs(List.of(start), common.columns())) {
            Term term = output.term();
            // What the step makes of it is not known yet
            Term open = Term.of("", term.kind()).withAffinity(term.affinity()).withCollation(term.collation(), false)
                    .withMixed(term.mixed()).withForm(term.form()).withUnsureAffinity();
            first.add(new Output(output.sourceName(), output.targetName(), open));
        }
        List<Common> commons = new ArrayList<>(visible);
        commons.add(new Common(common.name(), targetName, first));
        Core step = core(query.cores().get(1), outer, commons, true);
        if (step.width() != start.width()) {
            throw new Untranslatable("the parts of " + common.name() + " differ in width");
        }
        for (int i = 0; i < first.size(); i++) {
            Term term = step.rows().get(0).get(i);
            PgKind kind = first.get(i).term().kind();
            boolean same = term.isNull() || term.kind() == kind || kind == PgKind.INTEGER
                    && term.kind() == PgKind.BOOLEAN
                    || kind.isText() && term.kind().isText();
            if (!same) {
                throw new Untranslatable("the column " + first.get(i).sourceName() + " of " + common.name()
                        + " changes its type on the way");
            }
        }
        return new Rendered(compound(List.of(start, step), query.operators(), first), first, false);
    }

    private static boolean reads(Query query, String table) {
        return query.cores().stream().anyMatch(core -> coreReads(core, table));
    }

    private static boolean coreReads(Query.Core core, String table) {
        return core instanceof Query.Select select && select.from() != null && fromReads(select.from(), table);
    }

    private static boolean fromReads(Query.From from, String table) {
        if (from instanceof Query.Join join) {
            return fromReads(join.left(), table) || fromReads(join.right(), table);
        } else if (from instanceof Query.Derived derived) {
            return reads(derived.query(), table);
        }
        return from instanceof Query.Table named && named.name().equalsIgnoreCase(table);
    }

    // -- one SELECT --------------------------------------------------------------------------------------------------

    private Core core(Query.Core core, Scope outer, List<Common> commons, boolean nested) {
        if (core instanceof Query.Values values) {
            Expressions expressions = new Scope(this, outer, commons, nested);
            List<List<Term>> rows = values.rows().stream()
                    .map(row -> row.stream().map(expressions::render).toList()).toList();
            List<String> names = new ArrayList<>();
            for (int i = 1; i <= rows.get(0).size(); i++) {
                names.add("column" + i);
            }
            return new Core("VALUES ", names, rows, "", null, false, rows.size() == 1);
        }
        return new Scope(this, outer, commons, nested).select((Query.Select) core);
    }

    // -- names -------------------------------------------------------------------------------------------------------

    /** The result columns as they are seen behind FROM, under a table's name. */
    static List<Output> outside(String table, List<Output> outputs) {
        List<Output> seen = new ArrayList<>();
        for (Output output : outputs) {
            Term inner = output.term();
            boolean opaque = !inner.kind().isText() && !inner.kind().isNumber(); // a text's form is of the clock
            Term term = Term.of(Identifiers.quote(table) + "." + Identifiers.quote(output.targetName()), inner.kind())
                    .withAffinity(inner.affinity()).withCollation(inner.collation(), false).withMixed(inner.mixed())
                    .withFloor(inner.floor(), inner.small()).withForm(opaque ? inner.form() : null);
            boolean unsure = inner.unsure() || inner.affinity() == null || inner.affinity() == Affinity.BLOB;
            seen.add(new Output(output.sourceName(), output.targetName(), unsure ? term.withUnsureAffinity() : term));
        }
        return seen;
    }

    static String named(String targetName, String alias) {
        return Identifiers.quote(targetName) + (alias.equals(targetName) ? "" : " AS " + Identifiers.quote(alias));
    }

    private static String quoted(List<Output> outputs) {
        return outputs.stream().map(output -> Identifiers.quote(output.targetName())).collect(Collectors.joining(", "));
    }

    /** A name for something behind FROM that no other thing in the view has. */
    String alias(String sourceName) {
        return uniqueName(sourceName, aliases);
    }

    private String uniqueName(String sourceName, Set<String> taken) {
        String wanted = identifiers.targetName(sourceName);
        String name = wanted;
        for (int n = 2; !taken.add(name); n++) {
            name = identifiers.targetName(Identifiers.shortened(wanted, "_" + n));
        }
        return name;
    }

    /** SQLite's own way to tell equal result names apart: {@code id}, {@code id:1}. */
    private static List<String> unique(List<String> names) {
        List<String> unique = new ArrayList<>();
        Set<String> taken = new HashSet<>();
        for (String name : names) {
            String stem = name.replaceFirst(":\\d+$", "");
            String candidate = name;
            for (int n = 1; !taken.add(Identifiers.foldAscii(candidate)); n++) {
                candidate = stem + ":" + n;
            }
            unique.add(candidate);
        }
        return unique;
    }
}
