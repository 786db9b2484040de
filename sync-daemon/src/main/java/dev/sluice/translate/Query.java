package dev.sluice.translate;

import java.util.List;
import java.util.Map;

/**
 * A SELECT or VALUES statement of SQLite's SQL.
 *
 * @param operators between the cores: {@code UNION}, {@code UNION ALL}, {@code INTERSECT} or {@code EXCEPT}
 * @param limit null if none; {@code offset} likewise
 */
record Query(List<Common> with, boolean recursive, List<Core> cores, List<String> operators, List<Order> orderBy,
        Expr limit, Expr offset) {

    /** One table of a WITH clause; no columns named means the query's own. */
    record Common(String name, List<String> columns, Query query) {}

    /** @param nulls {@code FIRST}, {@code LAST} or null if not said */
    record Order(Expr expression, boolean descending, String nulls) {}

    /** One SELECT or VALUES of a compound. */
    sealed interface Core permits Select, Values {}

    /** @param from null if none; so are {@code where} and {@code having} */
    record Select(boolean distinct, List<Output> outputs, From from, Expr where, List<Expr> groupBy, Expr having,
            Map<String, Expr.Window> windows) implements Core {}

    record Values(List<List<Expr>> rows) implements Core {}

    /**
     * A result column.
     *
     * @param expression null for a star
     * @param table of {@code t.*}
     * @param alias null if none
     * @param text the expression as written
     */
    record Output(Expr expression, String table, String alias, String text) {}

    /** What stands behind FROM. */
    sealed interface From permits Table, Derived, Join {}

    /** @param schema null if not said; so is {@code alias} */
    record Table(String schema, String name, String alias) implements From {}

    record Derived(Query query, String alias) implements From {}

    /**
     * @param kind {@code INNER}, {@code LEFT}, {@code RIGHT} or {@code FULL}
     * @param on null if none
     * @param using empty if none
     */
    record Join(From left, From right, String kind, boolean natural, Expr on, List<String> using) implements From {}
}
