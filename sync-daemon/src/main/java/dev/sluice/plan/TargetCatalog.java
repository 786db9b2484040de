package dev.sluice.plan;

import dev.sluice.translate.Identifiers;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The tables that the target schema has already: made by the application's own migrations.
 *
 * @param tables by name
 * @param relations names of all relations of the schema, indexes and views included
 */
public record TargetCatalog(Map<String, ExistingTable> tables, List<String> relations) {

    /** A target that holds nothing. */
    public static final TargetCatalog EMPTY = new TargetCatalog(Map.of(), List.of());

    /**
     * @param keys the column sets of primary key and plain unique constraints and indexes
     * @param hasRows true if it is not empty
     * @param guarded true if it has foreign keys or triggers, which must not fire for replicated rows
     */
    public record ExistingTable(String name, List<ExistingColumn> columns, List<List<String>> keys, boolean hasRows,
            boolean guarded) {

        /** By exact name; null if there is none. */
        public ExistingColumn column(String columnName) {
            return columns.stream().filter(c -> c.name().equals(columnName)).findFirst().orElse(null);
        }
    }

    /**
     * @param type as {@code format_type} prints it
     * @param base the type itself, or what a domain stands for, in the end
     * @param labels of an enum, else null
     * @param loose true if its collation takes different texts for equal
     */
    public record ExistingColumn(String name, String type, String base, List<String> labels, boolean notNull,
            boolean hasDefault, boolean generated, boolean loose) {}

    /**
     * The catalog without what {@code plan} has made, and with the rows that it brought not counted: as the plan found
     * it, but for what the application changed since.
     */
    public TargetCatalog before(MigrationPlan plan) {
        Set<String> ours = new HashSet<>();
        Set<String> theirs = new HashSet<>();
        plan.tables().forEach(table -> (table.existing() ? theirs : ours).add(table.target()));
        plan.held().forEach(table -> (table.ours() ? ours : theirs).add(table.target()));
        Map<String, ExistingTable> left = new LinkedHashMap<>();
        tables.forEach((name, table) -> {
            if (!ours.contains(name)) {
                left.put(name, theirs.contains(name)
                        ? new ExistingTable(name, table.columns(), table.keys(), false, table.guarded()) : table);
            }
        });
        return new TargetCatalog(left, plan.taken());
    }

    /** Reads the schema; an absent schema is empty. */
    public static TargetCatalog read(Connection connection, String schema) throws SQLException {
        Map<String, ExistingTable> tables = new LinkedHashMap<>();
        for (String name : texts(connection, """
                SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = ? AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname
                """, schema)) {
            tables.put(name, new ExistingTable(name, columns(connection, schema, name), keys(connection, schema, name),
                    hasRows(connection, schema, name), isGuarded(connection, schema, name)));
        }
        return new TargetCatalog(tables, texts(connection, """
                SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ?
                """, schema));
    }

    private static List<ExistingColumn> columns(Connection connection, String schema, String table)
            throws SQLException {
        List<ExistingColumn> columns = new ArrayList<>();
        try (PreparedStatement query = connection.prepareStatement("""
                WITH RECURSIVE base AS (
                    SELECT oid AS domain, oid, typtype, typbasetype, -1 AS mod, false AS notnull, false AS filled
                    FROM pg_type WHERE typtype = 'd'
                    UNION ALL
                    SELECT b.domain, t.oid, t.typtype, t.typbasetype, d.typtypmod, b.notnull OR d.typnotnull,
                           b.filled OR d.typdefault IS NOT NULL
                    FROM base b JOIN pg_type d ON d.oid = b.oid JOIN pg_type t ON t.oid = d.typbasetype
                    WHERE b.typtype = 'd')
                SELECT a.attname, format_type(a.atttypid, a.atttypmod),
                       CASE WHEN b.oid IS NULL THEN format_type(a.atttypid, a.atttypmod) ELSE format_type(b.oid, b.mod) END,
                       (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e
                        WHERE e.enumtypid = coalesce(b.oid, a.atttypid)),
                       a.attnotnull OR coalesce(b.notnull, false),
                       a.atthasdef OR a.attidentity <> '' OR coalesce(b.filled, false), a.attgenerated <> '',
                       coalesce(NOT l.collisdeterministic, false)
                FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation
                JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                LEFT JOIN base b ON b.domain = a.atttypid AND b.typtype <> 'd'
                WHERE n.nspname = ? AND c.relname = ? AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
                """)) {
            query.setString(1, schema);
            query.setString(2, table);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    Array labels = row.getArray(4);
                    columns.add(new ExistingColumn(row.getString(1), row.getString(2), row.getString(3),
                            labels == null ? null : List.of((String[]) labels.getArray()), row.getBoolean(5),
                            row.getBoolean(6), row.getBoolean(7), row.getBoolean(8)));
                }
            }
        }
        return columns;
    }

    private static List<List<String>> keys(Connection connection, String schema, String table) throws SQLException {
        List<List<String>> keys = new ArrayList<>();
        try (PreparedStatement query = connection.prepareStatement("""
                SELECT array_agg(a.attname::text ORDER BY k.ord)
                FROM pg_index i
                JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, ord)
                JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                WHERE n.nspname = ? AND c.relname = ? AND i.indisunique AND i.indisvalid AND i.indimmediate
                  AND i.indpred IS NULL AND i.indexprs IS NULL AND k.ord <= i.indnkeyatts
                GROUP BY i.indexrelid, i.indisprimary ORDER BY i.indisprimary DESC
                """)) {
            query.setString(1, schema);
            query.setString(2, table);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    keys.add(List.of((String[]) row.getArray(1).getArray()));
                }
            }
        }
        return keys;
    }

    private static boolean hasRows(Connection connection, String schema, String table) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(
                "SELECT EXISTS (SELECT 1 FROM " + Identifiers.quote(schema) + "." + Identifiers.quote(table) + ")");
                ResultSet row = query.executeQuery()) {
            row.next();
            return row.getBoolean(1);
        }
    }

    private static boolean isGuarded(Connection connection, String schema, String table) throws SQLException {
        return !texts(connection, """
                SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relname = ?
                  AND t.tgname <> '_sluice_fence'
                """, schema, table).isEmpty();
    }

    private static List<String> texts(Connection connection, String sql, String... parameters) throws SQLException {
        List<String> texts = new ArrayList<>();
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                query.setString(i + 1, parameters[i]);
            }
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    texts.add(row.getString(1));
                }
            }
        }
        return texts;
    }

    /** The table that a source table's rows go to, or null: by the given name, else by its spelling in any case. */
    ExistingTable match(String sourceName, String ruleName, String foldedName) {
        for (String name : new String[] {ruleName, foldedName, sourceName}) {
            if (name != null && tables.containsKey(name)) {
                return tables.get(name);
            }
        }
        List<ExistingTable> alike = ruleName != null ? List.of()
                : tables.values().stream().filter(t -> t.name().equalsIgnoreCase(sourceName)).toList();
        return alike.size() == 1 ? alike.get(0) : null;
    }
}
