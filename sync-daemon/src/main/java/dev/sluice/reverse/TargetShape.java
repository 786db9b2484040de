package dev.sluice.reverse;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
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
 * What the target schema declares at one moment, or what of it SQLite is known to have a counterpart of.
 *
 * @param columns types by column by table, partitions left out
 * @param pieces everything else that a rollback would not take along: definitions by name by table, those of no table
 *     under the empty name; null where an older release did not look
 */
record TargetShape(Map<String, LinkedHashMap<String, String>> columns, Map<String, LinkedHashMap<String, String>> pieces) {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final TypeReference<LinkedHashMap<String, LinkedHashMap<String, String>>> NAMED = new TypeReference<>() {};

    static TargetShape read(Connection connection, String schema) throws SQLException {
        return new TargetShape(named(connection, schema, """
                SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                WHERE n.nspname = ? AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                ORDER BY c.relname, a.attnum
                """), named(connection, schema, """
                WITH t AS (SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                           WHERE n.nspname = ? AND c.relkind IN ('r', 'p') AND NOT c.relispartition)
                SELECT t.relname, format('constraint %I', o.conname), pg_get_constraintdef(o.oid)
                FROM t JOIN pg_constraint o ON o.conrelid = t.oid WHERE o.contype IN ('c', 'f', 'u', 'p', 'x')
                UNION ALL
                SELECT t.relname, format('index %I', c.relname), pg_get_indexdef(i.indexrelid)
                FROM t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class c ON c.oid = i.indexrelid
                WHERE NOT EXISTS (SELECT 1 FROM pg_constraint o WHERE o.conindid = i.indexrelid AND o.conrelid = t.oid)
                UNION ALL
                SELECT t.relname, format('trigger %I', g.tgname), pg_get_triggerdef(g.oid)
                FROM t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT g.tgisinternal AND g.tgname <> '_sluice_fence'
                UNION ALL
                SELECT t.relname, format('NOT NULL of column %s', a.attname), 'NOT NULL'
                FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
                UNION ALL
                SELECT t.relname, format('DEFAULT of column %s', a.attname),
                       CASE WHEN a.attidentity <> '' THEN 'identity' ELSE pg_get_expr(d.adbin, d.adrelid) END
                FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
                LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
                WHERE a.attidentity <> '' OR d.oid IS NOT NULL
                UNION ALL
                SELECT '', format('view %I', c.relname), pg_get_viewdef(c.oid)
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = ? AND c.relkind IN ('v', 'm')
                UNION ALL
                SELECT '', format('type %I', y.typname), string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)
                FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace JOIN pg_enum e ON e.enumtypid = y.oid
                WHERE n.nspname = ? GROUP BY y.typname
                """));
    }

    private static Map<String, LinkedHashMap<String, String>> named(Connection connection, String schema, String sql)
            throws SQLException {
        Map<String, LinkedHashMap<String, String>> named = new LinkedHashMap<>();
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            for (int i = 1; i <= sql.chars().filter(c -> c == '?').count(); i++) {
                query.setString(i, schema);
            }
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    LinkedHashMap<String, String> table = named.computeIfAbsent(row.getString(1), t -> new LinkedHashMap<>());
                    if (row.getString(2) != null) {
                        table.put(row.getString(2), row.getString(3));
                    }
                }
            }
        }
        return named;
    }

    /** What has become of {@code before}, seen from here, one notice for each thing that SQLite does not have so. */
    List<SchemaNotice> since(TargetShape before, Set<String> planned) {
        List<SchemaNotice> notices = new ArrayList<>();
        for (String table : columns.keySet()) {
            if (!before.columns.containsKey(table)) {
                notices.add(new SchemaNotice(SchemaNotice.Kind.TABLE_ADDED, table, null, "table " + table + " was made in"
                        + " PostgreSQL: SQLite has none, so a rollback would lose its rows"));
            } else if (planned.contains(table)) {
                compareColumns(table, before.columns.get(table), notices);
            }
        }
        for (String table : planned) {
            if (!columns.containsKey(table)) {
                notices.add(new SchemaNotice(SchemaNotice.Kind.TABLE_GONE, table, null, "table " + table + " is gone from"
                        + " PostgreSQL (dropped or renamed): SQLite keeps the rows it had, and after a rollback nothing can"
                        + " follow it"));
            }
        }
        if (before.pieces != null) {
            comparePieces(before, planned, notices);
        }
        return notices;
    }

    private void compareColumns(String table, Map<String, String> before, List<SchemaNotice> notices) {
        Map<String, String> now = columns.get(table);
        now.forEach((column, type) -> {
            String place = "column " + table + "." + column;
            if (!before.containsKey(column)) {
                notices.add(new SchemaNotice(SchemaNotice.Kind.COLUMN_ADDED, table, column, place + " was added in PostgreSQL:"
                        + " SQLite has none, so a rollback would lose its values"));
            } else if (!before.get(column).equals(type)) {
                notices.add(new SchemaNotice(SchemaNotice.Kind.COLUMN_CHANGED, table, column, place + " is a " + type
                        + " in PostgreSQL now, which a rollback would lose: values that SQLite has no form for are parked"));
            }
        });
        before.keySet().stream().filter(column -> !now.containsKey(column)).forEach(column -> notices.add(new SchemaNotice(
                SchemaNotice.Kind.COLUMN_GONE, table, column, "column " + table + "." + column + " is gone from PostgreSQL"
                        + " (dropped or renamed): SQLite keeps the values it had, new rows get none, and after a rollback"
                        + " PostgreSQL can't follow until it is there again")));
    }

    private void comparePieces(TargetShape before, Set<String> planned, List<SchemaNotice> notices) {
        Set<String> places = new HashSet<>(planned);
        places.retainAll(before.columns.keySet());
        places.retainAll(columns.keySet());
        places.add("");
        for (String table : places) {
            Map<String, String> was = before.pieces.getOrDefault(table, new LinkedHashMap<>());
            Map<String, String> now = pieces.getOrDefault(table, new LinkedHashMap<>());
            String of = table.isEmpty() ? "" : " of table " + table;
            now.forEach((piece, definition) -> {
                String[] named = piece.split(" of column ", 2);
                if (named.length == 2 && !before.columns.get(table).containsKey(named[1])) {
                    return; // the column itself is named
                }
                if (!was.containsKey(piece)) {
                    notices.add(new SchemaNotice(SchemaNotice.Kind.PIECE_ADDED, table, null, piece + of + " was made in"
                            + " PostgreSQL: SQLite has no such, so a rollback would lose it"));
                } else if (!was.get(piece).equals(definition)) {
                    notices.add(new SchemaNotice(SchemaNotice.Kind.PIECE_CHANGED, table, null, piece + of + " was changed in"
                            + " PostgreSQL: SQLite has it as it was, so a rollback would lose the change"));
                }
            });
            was.keySet().stream().filter(piece -> !now.containsKey(piece)).filter(piece -> {
                String[] named = piece.split(" of column ", 2);
                return named.length < 2 || columns.get(table).containsKey(named[1]);
            }).forEach(piece -> notices.add(new SchemaNotice(SchemaNotice.Kind.PIECE_GONE, table, null, piece + of
                    + " is gone from PostgreSQL: SQLite has its own still, so a rollback would bring it back")));
        }
    }

    static String json(Map<String, ?> named) {
        try {
            return JSON.writeValueAsString(named);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("strings are always JSON", e);
        }
    }

    /** Null for null. */
    static Map<String, LinkedHashMap<String, String>> named(String json) {
        try {
            return json == null ? null : JSON.readValue(json, NAMED);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("what sluice.reverse holds can't be read", e);
        }
    }
}
