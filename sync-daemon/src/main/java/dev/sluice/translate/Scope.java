package dev.sluice.translate;

import dev.sluice.change.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/** The names under which one SELECT sees columns, and its rules about grouping. */
final class Scope extends Expressions {

    /** A column of something behind FROM: null if not carried, hidden if USING merged it into another. */
    private record Field(String sourceName, Term carried, boolean hidden) {

        Term term() {
            if (carried == null) {
                throw notCarried(sourceName);
            }
            return carried;
        }
    }

    /**
     * Something behind FROM under its name.
     *
     * @param key SQL of the columns that determine a row, empty if not known
     * @param rowid the column that {@code rowid} means, or null
     */
    private record Source(String alias, List<Field> fields, Set<String> key, String rowid) {}

    private final Queries queries;
    private final Scope outer;
    private final List<Queries.Common> commons;
    private final List<Source> sources = new ArrayList<>();
    private final Map<String, Expr> results = new HashMap<>();
    private final Aggregates aggregates = new Aggregates(this);
    private Map<String, Expr.Window> windows = Map.of();
    private Set<String> groups;
    private int aggregateDepth;
    private int aliasDepth;
    private final boolean nested;

    /** @param nested false for the view's own SELECT, true for one inside it */
    Scope(Queries queries, Scope outer, List<Queries.Common> commons, boolean nested) {
        super((table, column) -> null, Place.VIEW, queries.notes);
        this.queries = queries;
        this.nested = nested;
        this.outer = outer;
        this.commons = commons;
    }

    Queries.Core select(Query.Select select) {
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
                || select.outputs().stream().anyMatch(output -> Aggregates.in(output.expression()));
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
            terms.forEach(term -> Queries.distinguishable(term, "its DISTINCT"));
        }
        boolean oneRow = grouped && select.groupBy().isEmpty() || select.from() == null;
        return new Queries.Core(select.distinct() ? "SELECT DISTINCT " : "SELECT ", names, List.of(terms),
                fromSql + where + groupBy + having, this, select.distinct(), oneRow);
    }

    /** One GROUP BY key, as it must be repeated wherever it is used. */
    private String group(Expr expr, Query.Select select) {
        Expr key = expr;
        if (expr instanceof Expr.Literal literal) {
            boolean number = literal.value() instanceof Value.Int n && n.value() >= 1
                    && n.value() <= select.outputs().size();
            Expr chosen = number ? select.outputs().get((int) ((Value.Int) literal.value()).value() - 1).expression()
                    : null;
            if (chosen == null) {
                throw new Untranslatable("it groups by a constant");
            }
            key = chosen;
        }
        Term term = render(key);
        Queries.distinguishable(term, "its GROUP BY");
        if (!term.sql().contains("\"")) { // no column: PostgreSQL would take a number for a position
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
        if (groups != null && aggregateDepth == 0 && !(expr instanceof Expr.Literal) && !Aggregates.in(expr)) {
            Term whole = ungrouped(expr);
            if (whole != null && groups.contains(whole.sql())) {
                return whole;
            }
        }
        return super.render(expr);
    }

    /** The expression as it would stand in GROUP BY, null if it can't stand there. */
    private Term ungrouped(Expr expr) {
        try {
            return inAggregate(() -> super.render(expr));
        } catch (Untranslatable e) { // a name that means an aggregate
            return null;
        }
    }

    // -- FROM ----------------------------------------------------------------------------------------------------

    /** The sources of a FROM clause in order, and its SQL, to be asked for when all sources are known. */
    private record Joined(List<Source> sources, Supplier<String> sql) {}

    private Joined from(Query.From from) {
        if (from instanceof Query.Table table) {
            return table(table);
        } else if (from instanceof Query.Derived derived) {
            Queries.Rendered rendered = queries.query(derived.query(), outer, commons, List.of(), true);
            String name = queries.alias(derived.alias() == null ? "q" : derived.alias());
            Source source = new Source(derived.alias() == null ? "" : derived.alias(),
                    fields(Queries.outside(name, rendered.outputs())), Set.of(), null);
            sources.add(source);
            return new Joined(List.of(source), () -> "(" + rendered.sql() + ") AS " + Identifiers.quote(name));
        }
        return join((Query.Join) from);
    }

    private List<Field> fields(List<Queries.Output> outputs) {
        return outputs.stream().map(output -> new Field(output.sourceName(), output.term(), false)).toList();
    }

    private Joined table(Query.Table table) {
        if (table.schema() != null && !table.schema().equalsIgnoreCase("main")) {
            throw new Untranslatable("it reads from another database, " + table.schema());
        }
        String name = table.alias() == null ? table.name() : table.alias();
        String alias = queries.alias(name);
        if (table.schema() == null) {
            for (int i = commons.size() - 1; i >= 0; i--) {
                Queries.Common common = commons.get(i);
                if (common.sourceName().equalsIgnoreCase(table.name())) {
                    if (common.outputs() == null) {
                        throw new Untranslatable("its WITH reads " + table.name() + " before defining it");
                    }
                    Source source = new Source(name, fields(Queries.outside(alias, common.outputs())), Set.of(), null);
                    sources.add(source);
                    return new Joined(List.of(source), () -> Queries.named(common.targetName(), alias));
                }
            }
        }
        Queries.View view = queries.relations.view(table.name());
        if (view != null) {
            Source source = new Source(name, fields(Queries.outside(alias, view.outputs())), Set.of(), null);
            sources.add(source);
            return new Joined(List.of(source), () -> Queries.named(view.targetName(), alias));
        }
        Catalog.Relation relation = queries.relations.table(table.name());
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
            boolean carried = column.column() != Columns.NOT_CARRIED;
            fields.add(new Field(column.sourceName(), carried ? term(sql, column.column()) : null, false));
            if (relation.primaryKey().stream().anyMatch(part -> part.equalsIgnoreCase(column.sourceName()))) {
                key.add(sql);
            }
        }
        Source source = new Source(name, fields, key, relation.rowid());
        sources.add(source);
        return new Joined(List.of(source), () -> Queries.named(relation.targetName(), alias));
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
            conditions.add(comparison.compare("=", a, b).sql());
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
                        ? new Field(field.sourceName(), field.carried(), true) : field).toList();
        sources.set(sources.indexOf(source), new Source(source.alias(), fields, source.key(), source.rowid()));
    }

    // -- subqueries ----------------------------------------------------------------------------------------------

    @Override
    Term scalar(Query query) {
        Queries.Rendered rendered = queries.query(query, this, commons, List.of(), true);
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
        return Term.condition("(EXISTS (" + queries.query(query, this, commons, List.of(), true).sql() + "))");
    }

    @Override
    Term in(Term operand, Query query, boolean negated) {
        Queries.Rendered rendered = queries.query(query, this, commons, List.of(), true);
        if (rendered.outputs().size() != 1) {
            throw new Untranslatable("it uses a row value");
        }
        String name = queries.alias("q");
        Term item = Queries.outside(name, rendered.outputs()).get(0).term();
        Comparison.Pair pair = comparison.align(operand, item, false);
        if (!pair.comparable()) {
            throw new Untranslatable("it looks for " + describe(operand) + " among values that are " + describe(item));
        }
        boolean asIs = pair.right().equals(item.sql());
        String sql = asIs ? rendered.sql() : "SELECT " + pair.right() + " FROM (" + rendered.sql() + ") AS "
                + Identifiers.quote(name);
        return Term.condition("(" + pair.left() + (negated ? " NOT IN (" : " IN (") + sql + "))");
    }

    // -- aggregates and windows --------------------------------------------------------------------------------------

    @Override
    Term aggregate(Expr.Call call) {
        if (groups == null || aggregateDepth > 0) {
            throw new Untranslatable("it uses the aggregate function " + call.name() + " where PostgreSQL does not");
        }
        return inAggregate(() -> aggregates.call(call, ""));
    }

    @Override
    Term window(Expr.Call call) {
        return aggregates.window(call, windows);
    }

    /** Renders something over the rows of a group, where every column may be named. */
    private <T> T inAggregate(Supplier<T> rendering) {
        aggregateDepth++;
        try {
            return rendering.get();
        } finally {
            aggregateDepth--;
        }
    }
}
