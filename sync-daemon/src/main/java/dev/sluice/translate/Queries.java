package dev.sluice.translate;

import dev.sluice.change.Value;
import dev.sluice.schema.Affinity;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
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

    /** A column of something behind FROM; hidden if USING merged it into another. */
    private record Field(String sourceName, Term term, boolean hidden) {}

    /** Something behind FROM under its name. {@code key} are the quoted names that determine a row, empty if unknown. */
    private record Source(String alias, List<Field> fields, Set<String> key, String rowid) {}

    /** A common table expression. */
    private record Common(String sourceName, String targetName, List<Output> outputs) {}

    private static final Set<String> WINDOW_FUNCTIONS = Set.of("row_number", "rank", "dense_rank", "percent_rank", "cume_dist",
            "ntile", "lag", "lead", "first_value", "last_value", "nth_value");

    private static final Set<String> AGGREGATES = Set.of("count", "sum", "total", "avg", "min", "max", "group_concat",
            "string_agg");

    private final Relations relations;
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

    private Rendered query(Query query, Scope outer, List<Common> visible, List<String> names, boolean nested) {
        List<Common> commons = new ArrayList<>(visible);
        List<String> with = new ArrayList<>();
        boolean recursive = false;
        for (Query.Common common : query.with()) {
            boolean self = reads(common.query(), common.name());
            String targetName = alias(common.name());
            Rendered rendered = self ? recursive(common, targetName, outer, commons)
                    : query(common.query(), outer, commons, common.columns(), true);
            recursive |= self;
            commons.add(new Common(common.name(), targetName, rendered.outputs()));
            with.add(Identifiers.quote(targetName) + "(" + quoted(rendered.outputs()) + ") AS (" + rendered.sql() + ")");
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
            sql = plain ? sql + " ORDER BY " + order(query.orderBy(), cores.get(0)) : wrapped(sql, query.orderBy(), cores, outputs);
        }
        Long limit = bound(query.limit());
        Long offset = bound(query.offset());
        if (limit != null && limit >= 0) {
            sql += " LIMIT " + limit;
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
    private record Core(String head, List<String> sourceNames, List<List<Term>> rows, String tail, Scope scope,
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
        return term.constant() instanceof Value.Int ? Term.of(expressions.wide(term), PgKind.INTEGER)
                .withFloor(term.floor(), term.small()).withWide() : term;
    }

    private static Term compoundShape(List<Term> alternatives, String name) {
        Expressions expressions = new Expressions((table, column) -> null, Expressions.Place.VIEW);
        try {
            Term shape = expressions.unify(alternatives).shape();
            String collation = alternatives.get(0).collation();
            boolean flag = shape.kind() == PgKind.BOOLEAN && alternatives.stream().anyMatch(term -> term.affinity() != null);
            Term typed = shape.isNull() ? Term.of("", PgKind.TEXT) : shape.kind() == PgKind.BOOLEAN && !flag
                    ? Term.of("", PgKind.INTEGER).withFloor(0L, true) : shape;
            return typed.withCollation(collation, false).withUnsureAffinity();
        } catch (Untranslatable e) {
            throw new Untranslatable("its column " + name + " has one type in one part and another type in another part");
        }
    }

    /** Every core with its columns in the shared type and under the shared names; SQLite combines strictly from the left. */
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
            case INTEGER -> expressions.wide(term);
            case DOUBLE -> Expressions.asDouble(term);
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
    private static String direction(Term term, Query.Order order) {
        String sql = new Expressions((table, column) -> null, Expressions.Place.VIEW).sortable(term);
        boolean first = order.nulls() == null ? !order.descending() : order.nulls().equals("FIRST");
        return sql + (order.descending() ? " DESC" : "") + (first ? " NULLS FIRST" : " NULLS LAST");
    }

    /** Values that are different texts in SQLite's eyes only if they are in PostgreSQL's. */
    private static void distinguishable(Term term, String what) {
        boolean text = term.kind().isText() || term.kind() == PgKind.JSON;
        if (text && term.collation() != null && !term.collation().equals("BINARY") || term.kind() == PgKind.CITEXT) {
            throw new Untranslatable(what + " finds texts equal that differ in case or trailing blanks, and which one"
                    + " is shown is left to chance");
        }
        boolean opaque = !text && !term.kind().isNumber() && term.kind() != PgKind.BYTEA && !term.isNull();
        if (opaque && term.form() == null || term.kind() == PgKind.JSON) {
            throw new Untranslatable(what + " compares " + Expressions.describe(term) + ", and SQLite compares what is stored");
        }
    }

    // -- WITH RECURSIVE ----------------------------------------------------------------------------------------------

    private Rendered recursive(Query.Common common, String targetName, Scope outer, List<Common> visible) {
        Query query = common.query();
        boolean simple = query.cores().size() == 2 && query.operators().get(0).startsWith("UNION") && query.orderBy().isEmpty()
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
            boolean same = term.isNull() || term.kind() == kind || kind == PgKind.INTEGER && term.kind() == PgKind.BOOLEAN
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
            Expressions expressions = new Scope(outer, commons, nested);
            List<List<Term>> rows = values.rows().stream()
                    .map(row -> row.stream().map(expressions::render).toList()).toList();
            List<String> names = new ArrayList<>();
            for (int i = 1; i <= rows.get(0).size(); i++) {
                names.add("column" + i);
            }
            return new Core("VALUES ", names, rows, "", null, false, rows.size() == 1);
        }
        return new Scope(outer, commons, nested).select((Query.Select) core);
    }

    /** The names under which one SELECT sees columns, and its rules about grouping. */
    private final class Scope extends Expressions {

        private final Scope outer;
        private final List<Common> commons;
        private final List<Source> sources = new ArrayList<>();
        private final Map<String, Expr> results = new HashMap<>();
        private Map<String, Expr.Window> windows = Map.of();
        private Set<String> groups;
        private int aggregateDepth;
        private int aliasDepth;
        private final boolean nested;

        Scope(Scope outer, List<Common> commons, boolean nested) {
            super((table, column) -> null, Place.VIEW);
            this.nested = nested;
            this.outer = outer;
            this.commons = commons;
        }

        Core select(Query.Select select) {
            windows = select.windows();
            Joined from = select.from() == null ? null : from(select.from());
            String fromSql = from == null ? "" : " FROM " + from.sql().get();
            for (Query.Output output : select.outputs()) {
                if (output.alias() != null && output.expression() != null) {
                    results.putIfAbsent(Identifiers.foldAscii(output.alias()), output.expression());
                }
            }
            String where = select.where() == null ? "" : " WHERE " + truth(render(select.where()));
            boolean grouped = !select.groupBy().isEmpty() || select.having() != null
                    || select.outputs().stream().anyMatch(output -> aggregates(output.expression()));
            String groupBy = "";
            if (grouped) {
                Set<String> keys = new LinkedHashSet<>();
                for (Expr expr : select.groupBy()) {
                    keys.add(group(expr, select));
                }
                groups = keys;
                groupBy = keys.isEmpty() ? "" : " GROUP BY " + String.join(", ", keys);
            }
            String having = select.having() == null ? "" : " HAVING " + truth(render(select.having()));
            List<String> names = new ArrayList<>();
            List<Term> terms = new ArrayList<>();
            for (Query.Output output : select.outputs()) {
                if (output.expression() == null) {
                    star(output.table(), names, terms);
                } else {
                    terms.add(render(output.expression()));
                    names.add(output.alias() != null ? output.alias() : defaultName(output));
                }
            }
            if (select.distinct()) {
                terms.forEach(term -> distinguishable(term, "its DISTINCT"));
            }
            Queries.this.notes.addAll(notes);
            boolean oneRow = grouped && select.groupBy().isEmpty() || select.from() == null;
            return new Core(select.distinct() ? "SELECT DISTINCT " : "SELECT ", names, List.of(terms),
                    fromSql + where + groupBy + having, this, select.distinct(), oneRow);
        }

        /** One GROUP BY key, as it must be repeated wherever it is used. */
        private String group(Expr expr, Query.Select select) {
            Expr key = expr;
            if (expr instanceof Expr.Literal literal) {
                boolean number = literal.value() instanceof Value.Int n && n.value() >= 1 && n.value() <= select.outputs().size();
                Expr chosen = number ? select.outputs().get((int) ((Value.Int) literal.value()).value() - 1).expression() : null;
                if (chosen == null) {
                    throw new Untranslatable("it groups by a constant");
                }
                key = chosen;
            }
            Term term = render(key);
            distinguishable(term, "its GROUP BY");
            boolean literal = Set.of("true", "false", "NULL::boolean").contains(term.sql());
            if (term.constant() != null || literal) {
                throw new Untranslatable("it groups by a constant");
            }
            return term.sql();
        }

        /** The name that SQLite gives to a result column without AS: as spelled, but in the view itself as declared. */
        private String defaultName(Query.Output output) {
            if (output.expression() instanceof Expr.Name name) {
                if (nested) {
                    return name.column();
                }
                Field field = field(name.table(), name.column());
                Source rowid = field == null ? rowidSource(name.table(), name.column()) : null;
                if (rowid != null) {
                    return rowid.rowid();
                }
                for (Scope scope = outer; field == null && scope != null; scope = scope.outer) {
                    field = scope.field(name.table(), name.column());
                }
                return field == null ? name.column() : field.sourceName();
            }
            return output.text();
        }

        private void star(String table, List<String> names, List<Term> terms) {
            boolean found = false;
            for (Source source : sources) {
                if (table != null && !source.alias().equalsIgnoreCase(table)) {
                    continue;
                }
                found = true;
                for (Field field : source.fields()) {
                    if (!(table == null && field.hidden())) {
                        names.add(field.sourceName());
                        terms.add(checked(field.term(), source));
                    }
                }
            }
            if (!found) {
                throw new Untranslatable("there is no table " + table + " to read");
            }
        }

        // -- names ---------------------------------------------------------------------------------------------------

        private Field field(String table, String name) {
            Field found = null;
            for (Source source : sources) {
                if (table != null && !source.alias().equalsIgnoreCase(table)) {
                    continue;
                }
                for (Field field : source.fields()) {
                    if (field.sourceName().equalsIgnoreCase(name) && !(table == null && field.hidden())) {
                        if (found != null && table == null) {
                            throw new Untranslatable("the name " + name + " fits more than one table");
                        }
                        found = found == null ? field : found;
                    }
                }
            }
            return found;
        }

        /** The table whose rowid the name means, null if it is no such name. */
        private Source rowidSource(String table, String name) {
            if (!Set.of("rowid", "oid", "_rowid_").contains(Identifiers.foldAscii(name))) {
                return null;
            }
            for (Source source : sources) {
                if (table == null ? sources.size() == 1 : source.alias().equalsIgnoreCase(table)) {
                    if (source.rowid() == null) {
                        throw new Untranslatable("it reads the hidden rowid of " + source.alias());
                    }
                    return source;
                }
            }
            return null;
        }

        @Override
        Term column(String table, String name) {
            Field field = field(table, name);
            if (field != null) {
                Source owner = sources.stream().filter(source -> source.fields().contains(field)).findFirst().orElseThrow();
                return checked(field.term(), owner);
            }
            Source rowid = rowidSource(table, name);
            if (rowid != null) {
                return column(rowid.alias(), rowid.rowid());
            }
            Expr result = table == null ? results.get(Identifiers.foldAscii(name)) : null;
            if (result != null && aliasDepth == 0) {
                aliasDepth++;
                try {
                    return render(result);
                } finally {
                    aliasDepth--;
                }
            }
            return outer == null ? null : outer.column(table, name);
        }

        /** In a grouped query a column must be part of the key or follow from it. */
        private Term checked(Term term, Source owner) {
            if (groups != null && aggregateDepth == 0 && !groups.contains(term.sql())
                    && (owner.key().isEmpty() || !groups.containsAll(owner.key()))) {
                throw new Untranslatable("it shows a column that is not in its GROUP BY, so which row it comes from is left"
                        + " to chance");
            }
            return term;
        }

        @Override
        Term render(Expr expr) {
            if (groups != null && aggregateDepth == 0 && !(expr instanceof Expr.Literal) && !aggregates(expr)) {
                Term whole = ungrouped(expr);
                if (whole != null && groups.contains(whole.sql())) {
                    return whole;
                }
            }
            return super.render(expr);
        }

        /** The expression as it would stand in GROUP BY, null if it can't stand there. */
        private Term ungrouped(Expr expr) {
            aggregateDepth++;
            try {
                return super.render(expr);
            } catch (Untranslatable e) { // a name that means an aggregate
                return null;
            } finally {
                aggregateDepth--;
            }
        }

        // -- FROM ----------------------------------------------------------------------------------------------------

        /** The sources of a FROM clause in order, and its SQL, to be asked for when all sources are known. */
        private record Joined(List<Source> sources, java.util.function.Supplier<String> sql) {}

        private Joined from(Query.From from) {
            if (from instanceof Query.Table table) {
                return table(table);
            } else if (from instanceof Query.Derived derived) {
                Rendered rendered = query(derived.query(), outer, commons, List.of(), true);
                String name = alias(derived.alias() == null ? "q" : derived.alias());
                Source source = new Source(derived.alias() == null ? "" : derived.alias(),
                        fields(outside(name, rendered.outputs())), Set.of(), null);
                sources.add(source);
                return new Joined(List.of(source), () -> "(" + rendered.sql() + ") AS " + Identifiers.quote(name));
            }
            return join((Query.Join) from);
        }

        private List<Field> fields(List<Output> outputs) {
            return outputs.stream().map(output -> new Field(output.sourceName(), output.term(), false)).toList();
        }

        private Joined table(Query.Table table) {
            if (table.schema() != null && !table.schema().equalsIgnoreCase("main")) {
                throw new Untranslatable("it reads from another database, " + table.schema());
            }
            String name = table.alias() == null ? table.name() : table.alias();
            String alias = alias(name);
            if (table.schema() == null) {
                for (int i = commons.size() - 1; i >= 0; i--) {
                    Common common = commons.get(i);
                    if (common.sourceName().equalsIgnoreCase(table.name())) {
                        Source source = new Source(name, fields(outside(alias, common.outputs())), Set.of(), null);
                        sources.add(source);
                        return new Joined(List.of(source), () -> named(common.targetName(), alias));
                    }
                }
            }
            View view = relations.view(table.name());
            if (view != null) {
                Source source = new Source(name, fields(outside(alias, view.outputs())), Set.of(), null);
                sources.add(source);
                return new Joined(List.of(source), () -> named(view.targetName(), alias));
            }
            Catalog.Relation relation = relations.table(table.name());
            if (relation == null) {
                throw new Untranslatable(Identifiers.foldAscii(table.name()).startsWith("sqlite_")
                        ? "it reads SQLite's own table " + table.name()
                        : "it reads " + table.name() + ", which does not exist in PostgreSQL");
            }
            String prefix = Identifiers.quote(alias) + ".";
            List<Field> fields = new ArrayList<>();
            Set<String> key = new HashSet<>();
            for (Catalog.NamedColumn column : relation.columns()) {
                String sql = prefix + Identifiers.quote(column.column().targetName());
                fields.add(new Field(column.sourceName(), term(sql, column.column()), false));
                if (relation.primaryKey().stream().anyMatch(part -> part.equalsIgnoreCase(column.sourceName()))) {
                    key.add(sql);
                }
            }
            Source source = new Source(name, fields, key, relation.rowid());
            sources.add(source);
            return new Joined(List.of(source), () -> named(relation.targetName(), alias));
        }

        private Joined join(Query.Join join) {
            Joined left = from(join.left());
            Joined right = from(join.right());
            List<String> shared = new ArrayList<>(join.using());
            if (join.natural()) {
                for (Source source : right.sources()) {
                    for (Field field : source.fields()) {
                        if (visible(left.sources(), field.sourceName()) != null && !field.hidden()) {
                            shared.add(field.sourceName());
                        }
                    }
                }
            }
            List<String> conditions = new ArrayList<>();
            for (String name : shared) {
                Term a = visible(left.sources(), name);
                Term b = visible(right.sources(), name);
                if (a == null || b == null || !join.kind().equals("INNER") && !join.kind().equals("LEFT")) {
                    throw new Untranslatable("it joins USING columns in a way that PostgreSQL does not know");
                }
                conditions.add(compare("=", a, b).sql());
            }
            if (!shared.isEmpty()) {
                right.sources().forEach(source -> hide(source, shared));
            }
            List<Source> now = new ArrayList<>(left.sources());
            now.addAll(sources.subList(sources.size() - right.sources().size(), sources.size()));
            return new Joined(now, () -> {
                List<String> all = new ArrayList<>(conditions);
                if (join.on() != null) {
                    all.add(truth(render(join.on())));
                }
                boolean composed = join.right() instanceof Query.Join;
                String rightSql = composed ? "(" + right.sql().get() + ")" : right.sql().get();
                if (join.kind().equals("FULL") && !(join.on() instanceof Expr.Binary on && on.operator().equals("="))) {
                    throw new Untranslatable("its FULL JOIN is not by one equality");
                }
                if (all.isEmpty() && join.kind().equals("INNER")) {
                    return left.sql().get() + " CROSS JOIN " + rightSql;
                }
                return left.sql().get() + (join.kind().equals("INNER") ? " JOIN " : " " + join.kind() + " JOIN ") + rightSql
                        + " ON " + (all.isEmpty() ? "true" : String.join(" AND ", all));
            });
        }

        /** The column of that name that an unqualified name means. */
        private Term visible(List<Source> among, String name) {
            for (Source source : among) {
                for (Field field : source.fields()) {
                    if (field.sourceName().equalsIgnoreCase(name) && !field.hidden()) {
                        return field.term();
                    }
                }
            }
            return null;
        }

        /** After USING the right side's columns are only seen under their table's name. */
        private void hide(Source source, List<String> names) {
            List<Field> fields = source.fields().stream()
                    .map(field -> names.stream().anyMatch(field.sourceName()::equalsIgnoreCase)
                            ? new Field(field.sourceName(), field.term(), true) : field).toList();
            sources.set(sources.indexOf(source), new Source(source.alias(), fields, source.key(), source.rowid()));
        }

        // -- subqueries ----------------------------------------------------------------------------------------------

        @Override
        Term scalar(Query query) {
            Rendered rendered = query(query, this, commons, List.of(), true);
            if (rendered.outputs().size() != 1) {
                throw new Untranslatable("it uses a row value");
            }
            Term term = rendered.outputs().get(0).term();
            // SQLite takes the first row, PostgreSQL fails where there is a second
            String sql = rendered.oneRow() ? rendered.sql() : limited(rendered.sql(), query);
            return Term.of("(" + sql + ")", term.kind()).withAffinity(term.affinity()).withMixed(term.mixed())
                    .withForm(term.form());
        }

        private String limited(String sql, Query query) {
            if (query.limit() != null || query.offset() != null) {
                throw new Untranslatable("it takes one value of a subquery that has a LIMIT of its own");
            }
            return sql + " LIMIT 1";
        }

        @Override
        Term exists(Query query) {
            return Term.condition("(EXISTS (" + query(query, this, commons, List.of(), true).sql() + "))");
        }

        @Override
        Term in(Term operand, Query query, boolean negated) {
            Rendered rendered = query(query, this, commons, List.of(), true);
            if (rendered.outputs().size() != 1) {
                throw new Untranslatable("it uses a row value");
            }
            String name = alias("q");
            Term item = outside(name, rendered.outputs()).get(0).term();
            Pair pair = align(operand, item, false);
            if (!pair.comparable()) {
                throw new Untranslatable("it looks for " + describe(operand) + " among values that are " + describe(item));
            }
            boolean asIs = pair.right().equals(item.sql());
            String sql = asIs ? rendered.sql() : "SELECT " + pair.right() + " FROM (" + rendered.sql() + ") AS "
                    + Identifiers.quote(name);
            return Term.condition("(" + pair.left() + (negated ? " NOT IN (" : " IN (") + sql + "))");
        }

        // -- aggregates and windows ----------------------------------------------------------------------------------

        @Override
        Term aggregate(Expr.Call call) {
            if (groups == null || aggregateDepth > 0) {
                throw new Untranslatable("it uses the aggregate function " + call.name() + " where PostgreSQL does not");
            }
            return aggregate(call, "");
        }

        /** @param over {@code OVER (…)} or nothing */
        private Term aggregate(Expr.Call call, String over) {
            aggregateDepth += over.isEmpty() ? 1 : 0;
            try {
                List<Term> a = call.arguments().stream().map(argument -> plain(render(argument))).toList();
                String filter = call.filter() == null ? "" : " FILTER (WHERE " + truth(render(call.filter())) + ")";
                String tail = filter + over;
                String distinct = call.distinct() ? "DISTINCT " : "";
                if (call.distinct()) {
                    a.forEach(term -> distinguishable(term, "its DISTINCT"));
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
            } finally {
                aggregateDepth -= over.isEmpty() ? 1 : 0;
            }
        }

        private Term sum(String name, String distinct, Term term, String tail) {
            if (!term.kind().isNumber() || term.constant() != null) {
                throw new Untranslatable("it sums up " + describe(term));
            }
            boolean whole = term.kind() == PgKind.INTEGER || term.kind() == PgKind.BOOLEAN;
            if (!whole) {
                notes.add("It adds up fractions: the last digits of a sum may differ, in SQLite too from version to version.");
            }
            String argument = distinct + (whole ? wide(term) : term.sql());
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
                    sortable(term);
                    yield shape.withSql(name + "(" + term.sql() + ")" + tail);
                }
                default -> throw new Untranslatable("it takes the " + name + " of " + describe(term));
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
                notes.add("It joins texts in no defined order (" + call.name() + "): PostgreSQL may join them in another.");
            } else {
                order = " ORDER BY " + call.orderBy().stream().map(term -> direction(render(term.expression()), term))
                        .collect(Collectors.joining(", "));
            }
            return Term.of("string_agg(" + distinct + text(a.get(0)) + ", " + separator.sql() + order + ")" + tail, PgKind.TEXT);
        }

        @Override
        Term window(Expr.Call call) {
            String over = " OVER (" + definition(call.window()) + ")";
            if (AGGREGATES.contains(call.name())) {
                if (call.distinct()) {
                    throw new Untranslatable("it uses DISTINCT in a window function");
                }
                return aggregate(call, over);
            }
            if (!WINDOW_FUNCTIONS.contains(call.name()) || call.filter() != null) {
                throw new Untranslatable("it uses the window function " + call.name());
            }
            List<Term> a = call.arguments().stream().map(argument -> plain(render(argument))).toList();
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
            if (!(term.constant() instanceof Value.Int number) || number.value() < 0 || number.value() > Integer.MAX_VALUE) {
                throw new Untranslatable("a window function counts by something that is not a constant");
            }
            return term.sql();
        }

        private String definition(Expr.Window window) {
            Expr.Window known = window.base() == null ? null : windows.get(Identifiers.foldAscii(window.base()));
            if (window.base() != null) {
                if (known == null || known.base() != null || !window.partitionBy().isEmpty() || !window.orderBy().isEmpty()
                        || window.frame() != null) {
                    throw new Untranslatable("it builds one window upon another");
                }
                return definition(known);
            }
            List<String> parts = new ArrayList<>();
            if (!window.partitionBy().isEmpty()) {
                List<String> keys = new ArrayList<>();
                for (Expr expr : window.partitionBy()) {
                    Term term = render(expr);
                    boolean folded = term.collation() != null && !term.collation().equals("BINARY");
                    keys.add(folded ? collated(text(term), term.collation()) : sortable(term));
                }
                parts.add("PARTITION BY " + String.join(", ", keys));
            }
            if (!window.orderBy().isEmpty()) {
                parts.add("ORDER BY " + window.orderBy().stream()
                        .map(term -> direction(render(term.expression()), term)).collect(Collectors.joining(", ")));
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

    // -- names -------------------------------------------------------------------------------------------------------

    /** True if an aggregate function of this very query is called in the expression; null is none. */
    private static boolean aggregates(Expr expr) {
        if (expr instanceof Expr.Call call && call.window() == null) {
            boolean scalar = (call.name().equals("min") || call.name().equals("max")) && call.arguments().size() > 1;
            if (!scalar && (AGGREGATES.contains(call.name()) || call.star() || call.distinct())) {
                return true;
            }
        }
        return expr != null && Expr.children(expr).stream().anyMatch(Queries::aggregates);
    }

    /** The result columns as they are seen behind FROM, under a table's name. */
    private static List<Output> outside(String table, List<Output> outputs) {
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

    private static String named(String targetName, String alias) {
        return Identifiers.quote(targetName) + (alias.equals(targetName) ? "" : " AS " + Identifiers.quote(alias));
    }

    private static String quoted(List<Output> outputs) {
        return outputs.stream().map(output -> Identifiers.quote(output.targetName())).collect(Collectors.joining(", "));
    }

    /** A name for something behind FROM that no other thing in the view has. */
    private String alias(String sourceName) {
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
