package dev.sluice.schema;

import dev.sluice.change.Value;
import dev.sluice.schema.RowIdentity.Kind;
import dev.sluice.schema.SourceColumn.Generation;
import dev.sluice.schema.SourceIndex.Origin;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqlText;
import dev.sluice.sqlite.SqliteRows;
import dev.sluice.sqlite.SqliteSession;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Reads what a file declares, in one snapshot, without changing anything. What SQLite's pragmas answer is asked of
 * them; the rest comes from the stored statements.
 */
public final class SchemaReader {

    /** Every object of ours in the source has a name that starts so, and no other object has. */
    public static final String OUR_PREFIX = "_sluice_";

    /** The tables that a virtual table keeps its content in, by module: {@code <virtual table>_<suffix>}. */
    private static final Map<String, Set<String>> SHADOW_SUFFIXES = Map.of(
            "fts3", Set.of("content", "segments", "segdir", "docsize", "stat"),
            "fts4", Set.of("content", "segments", "segdir", "docsize", "stat"),
            "fts5", Set.of("content", "data", "idx", "docsize", "config"),
            "rtree", Set.of("node", "rowid", "parent"),
            "rtree_i32", Set.of("node", "rowid", "parent"),
            "geopoly", Set.of("node", "rowid", "parent"));

    private final SqliteSession session;

    private SchemaReader(SqliteSession session) {
        this.session = session;
    }

    /**
     * Reads the whole schema. Joins the transaction of {@code session} if one is open, else reads in one of its own.
     *
     * @throws SourceRefusal if the text of an object can't be understood
     */
    public static SourceSchema read(SqliteSession session) throws SQLException {
        session.execute("SAVEPOINT _sluice_schema"); // unlike BEGIN it works inside a transaction and outside of one
        try {
            return new SchemaReader(session).schema();
        } finally {
            session.execute("RELEASE _sluice_schema");
        }
    }

    /**
     * SHA-256 (hex) over type, name, table and text of every schema row that is neither ours nor SQLite's own: ANALYZE,
     * VACUUM and our own installation leave it as it is, and so does a fence, which puts triggers aside.
     */
    public static String hash(SqliteSession session) throws SQLException {
        try (PreparedStatement query = session.prepare("""
                SELECT type, name, tbl_name, sql FROM sqlite_master
                WHERE name NOT GLOB '_sluice_*' AND tbl_name NOT GLOB '_sluice_*' AND lower(name) NOT GLOB 'sqlite_*'
                """ + (keepsTriggers(session) ? "UNION ALL SELECT 'trigger', name, tbl, sql FROM \"_sluice_trigger\"\n" : "")
                + "ORDER BY 1, 2, 3");
                SqliteRows rows = session.rows(query)) {
            return digest(rows);
        }
    }

    /**
     * SHA-256 (hex) over our own triggers and tables, so that their loss is noticed also where the application made
     * a table again with the same text.
     */
    public static String captureHash(SqliteSession session) throws SQLException {
        try (PreparedStatement query = session.prepare("""
                SELECT type, name, tbl_name, sql FROM sqlite_master
                WHERE name GLOB '_sluice_*' OR tbl_name GLOB '_sluice_*'
                ORDER BY type, name, tbl_name
                """);
                SqliteRows rows = session.rows(query)) {
            return digest(rows);
        }
    }

    /** True where a fence may have put triggers of the application aside: they are part of what it declared. */
    private static boolean keepsTriggers(SqliteSession session) throws SQLException {
        return session.number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '_sluice_trigger'") > 0;
    }

    private static String digest(SqliteRows rows) throws SQLException {
        MessageDigest sha;
        try {
            sha = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
        Value[] values = new Value[4];
        while (rows.next()) {
            rows.read(0, values);
            for (Value value : values) {
                byte[] bytes = value.bytes();
                // The lengths keep two rows apart whose texts, one behind the other, look alike.
                sha.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
                sha.update(bytes);
            }
        }
        return HexFormat.of().formatHex(sha.digest());
    }

    private SourceSchema schema() throws SQLException {
        Map<String, Listed> listed = new HashMap<>();
        for (List<String> row : rows("SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'")) {
            listed.put(row.get(0), new Listed(row.get(1), "1".equals(row.get(2)), "1".equals(row.get(3))));
        }
        List<List<String>> tableRows = new ArrayList<>();
        Map<String, String> indexSql = new HashMap<>();
        List<SourceObject> views = new ArrayList<>();
        List<SourceObject> triggers = new ArrayList<>();
        List<SourceObject> virtualTables = new ArrayList<>();
        for (List<String> row : rows("""
                SELECT type, name, tbl_name, sql FROM sqlite_master
                WHERE name NOT GLOB '_sluice_*' AND tbl_name NOT GLOB '_sluice_*' ORDER BY rowid
                """)) {
            String name = row.get(1);
            if (name.indexOf('\uFFFD') >= 0) {
                throw new SourceRefusal("the " + row.get(0) + " \"" + name + "\" has a name that is not valid"
                        + " UTF-8: rename it");
            }
            switch (row.get(0)) {
                case "index" -> indexSql.put(name, row.get(3));
                case "view" -> views.add(new SourceObject(SourceObject.Kind.VIEW, name, name, row.get(3)));
                case "trigger" ->
                        triggers.add(new SourceObject(SourceObject.Kind.TRIGGER, name, row.get(2), row.get(3)));
                default -> {
                    if (isVirtual(row.get(3))) {
                        virtualTables.add(
                                new SourceObject(SourceObject.Kind.VIRTUAL_TABLE, name, name, row.get(3)));
                    } else if (!name.toLowerCase(Locale.ROOT).startsWith("sqlite_")) {
                        tableRows.add(row);
                    }
                }
            }
        }
        if (keepsTriggers(session)) {
            for (List<String> row : rows("SELECT name, tbl, sql FROM \"_sluice_trigger\" ORDER BY position")) {
                triggers.add(new SourceObject(SourceObject.Kind.TRIGGER, row.get(0), row.get(1), row.get(2)));
            }
        }
        Set<String> shadows = shadows(virtualTables);
        List<SourceTable> tables = new ArrayList<>();
        for (List<String> row : tableRows) {
            Listed entry = listed.get(row.get(1));
            boolean shadow = shadows.contains(row.get(1).toLowerCase(Locale.ROOT));
            if (entry != null && !entry.type().equals("shadow") && !shadow) {
                tables.add(table(row.get(1), row.get(3), entry, indexSql));
            }
        }
        return new SourceSchema(List.copyOf(tables), List.copyOf(views), List.copyOf(triggers),
                List.copyOf(virtualTables), session.text("PRAGMA encoding"), hash(session));
    }

    /** A row of PRAGMA table_list. */
    private record Listed(String type, boolean withoutRowid, boolean strict) {}

    /** SQLite stores the statement with exactly these first words, whatever was written. */
    private static boolean isVirtual(String sql) {
        return sql.regionMatches(true, 0, "CREATE VIRTUAL TABLE", 0, 20);
    }

    /** SQLite itself knows a shadow table only if it could load the module and open the virtual table. */
    private static Set<String> shadows(List<SourceObject> virtualTables) {
        Set<String> names = new HashSet<>();
        for (SourceObject virtual : virtualTables) {
            for (String suffix : SHADOW_SUFFIXES.getOrDefault(module(virtual.sql()), Set.of())) {
                names.add((virtual.name() + "_" + suffix).toLowerCase(Locale.ROOT));
            }
        }
        return names;
    }

    /** The module of a virtual table in lower case, empty where its statement can't be read. */
    public static String module(String createVirtualTable) {
        try {
            SqlScan scan = new SqlScan(createVirtualTable);
            while (scan.hasNext()) {
                if (scan.next().is("USING")) {
                    return scan.name().toLowerCase(Locale.ROOT);
                }
            }
        } catch (IllegalArgumentException e) {
            return ""; // a module's arguments follow its own grammar
        }
        return "";
    }

    private SourceTable table(String name, String sql, Listed listed, Map<String, String> indexSql)
            throws SQLException {
        TableSql text;
        try {
            text = TableSql.parse(sql);
        } catch (IllegalArgumentException e) {
            throw new SourceRefusal("the CREATE TABLE statement of \"" + name + "\" can't be read: "
                    + e.getMessage(), e);
        }
        List<SourceColumn> columns = columns(name, text);
        List<String> primaryKey = columns.stream().filter(c -> c.keyPosition() > 0)
                .sorted(Comparator.comparingInt(SourceColumn::keyPosition)).map(SourceColumn::name).toList();
        List<SourceIndex> indexes = indexes(name, indexSql);
        SourceTable table = new SourceTable(name, sql, columns, primaryKey, text.primaryKeyName(), indexes,
                foreignKeys(name, text), text.checks(), listed.withoutRowid(), listed.strict(), text.autoincrement(),
                null);
        return table.withIdentity(identity(table));
    }

    private List<SourceColumn> columns(String table, TableSql text) throws SQLException {
        List<List<String>> rows = rows("PRAGMA table_xinfo(" + SqlText.quoted(table) + ")");
        if (rows.size() != text.columns().size()) {
            throw new SourceRefusal("the CREATE TABLE statement of \"" + table + "\" was understood to have "
                    + text.columns().size() + " columns, but SQLite says " + rows.size());
        }
        List<SourceColumn> columns = new ArrayList<>();
        for (List<String> row : rows) { // cid, name, type, notnull, dflt_value, pk, hidden
            TableSql.Column declared = text.columns().get(columns.size());
            Generation generation = switch (row.get(6)) {
                case "2" -> Generation.VIRTUAL;
                case "3" -> Generation.STORED;
                default -> Generation.NONE;
            };
            columns.add(new SourceColumn(row.get(1), row.get(2) == null ? "" : row.get(2), "1".equals(row.get(3)),
                    generation == Generation.NONE ? row.get(4) : null, Integer.parseInt(row.get(5)), generation,
                    declared.generatedSql(), spelled(declared.collation())));
        }
        return List.copyOf(columns);
    }

    private List<SourceIndex> indexes(String table, Map<String, String> indexSql) throws SQLException {
        List<SourceIndex> indexes = new ArrayList<>();
        for (List<String> row : rows("PRAGMA index_list(" + SqlText.quoted(table) + ")")) {
            String name = row.get(1); // seq, name, unique, origin, partial
            if (name.startsWith(OUR_PREFIX)) {
                continue;
            }
            Origin origin = switch (row.get(3)) {
                case "pk" -> Origin.PRIMARY_KEY;
                case "u" -> Origin.UNIQUE_CONSTRAINT;
                default -> Origin.CREATE_INDEX;
            };
            String sql = indexSql.get(name);
            IndexSql text = null;
            if (sql != null) {
                try {
                    text = IndexSql.parse(sql);
                } catch (IllegalArgumentException e) {
                    throw new SourceRefusal(
                            "the CREATE INDEX statement of \"" + name + "\" can't be read: " + e.getMessage(), e);
                }
            }
            indexes.add(new SourceIndex(name, origin, "1".equals(row.get(2)), terms(name, text),
                    text == null ? null : text.predicate(), sql));
        }
        Collections.reverse(indexes); // the pragma names the newest first
        return List.copyOf(indexes);
    }

    private List<SourceIndex.Term> terms(String index, IndexSql text) throws SQLException {
        List<SourceIndex.Term> terms = new ArrayList<>();
        for (List<String> row : rows("PRAGMA index_xinfo(" + SqlText.quoted(index) + ")")) {
            if ("1".equals(row.get(5))) { // seqno, cid, name, desc, coll, key
                boolean column = Integer.parseInt(row.get(1)) >= 0;
                terms.add(new SourceIndex.Term(column ? row.get(2) : null,
                        column ? null : text.terms().get(terms.size()), spelled(row.get(4)), "1".equals(row.get(3))));
            }
        }
        return List.copyOf(terms);
    }

    private List<SourceForeignKey> foreignKeys(String table, TableSql text) throws SQLException {
        Map<Integer, List<List<String>>> byId = new LinkedHashMap<>();
        for (List<String> row : rows("PRAGMA foreign_key_list(" + SqlText.quoted(table) + ")")) {
            byId.computeIfAbsent(Integer.valueOf(row.get(0)), id -> new ArrayList<>()).add(row);
        }
        if (byId.size() != text.foreignKeys().size()) {
            throw new SourceRefusal("the CREATE TABLE statement of \"" + table + "\" was understood to have "
                    + text.foreignKeys().size() + " foreign keys, but SQLite says " + byId.size());
        }
        List<SourceForeignKey> keys = new ArrayList<>();
        for (TableSql.ForeignKey declared : text.foreignKeys()) {
            // The pragma counts from the last one declared.
            List<List<String>> rows = byId.get(byId.size() - 1 - keys.size());
            List<String> columns = new ArrayList<>();
            List<String> parents = new ArrayList<>();
            for (List<String> row : rows) { // id, seq, table, from, to, on_update, on_delete, match
                columns.add(row.get(3));
                if (row.get(4) != null) {
                    parents.add(row.get(4));
                }
            }
            List<String> first = rows.get(0);
            keys.add(new SourceForeignKey(declared.name(), List.copyOf(columns), first.get(2), List.copyOf(parents),
                    first.get(5), first.get(6), declared.initiallyDeferred()));
        }
        return List.copyOf(keys);
    }

    private RowIdentity identity(SourceTable table) throws SQLException {
        String rowidName = table.rowidName();
        if (table.primaryKey().size() == 1 && table.keyIndex() == null && !table.withoutRowid()) {
            return new RowIdentity(Kind.INTEGER_KEY, table.primaryKey(), rowidName);
        }
        if (!table.primaryKey().isEmpty() && table.keyComparesHere() && !holdsNull(table)) {
            return new RowIdentity(Kind.DECLARED_KEY, table.primaryKey(), rowidName);
        }
        return rowidName == null ? null : new RowIdentity(Kind.ROWID, List.of(), rowidName);
    }

    /** The built-in collations in capitals, however they were written. */
    private static String spelled(String collation) {
        String upper = collation.toUpperCase(Locale.ROOT);
        return SourceTable.BUILT_IN_COLLATIONS.contains(upper) ? upper : collation;
    }

    /** SQLite allows NULL, even several, in every key that is not an INTEGER PRIMARY KEY (sqlite.org/nulls.html). */
    private boolean holdsNull(SourceTable table) throws SQLException {
        for (SourceColumn column : table.columns()) {
            if (column.keyPosition() > 0 && !column.notNull() && session.number("SELECT EXISTS (SELECT 1 FROM "
                    + SqlText.quoted(table.name()) + " WHERE " + SqlText.quoted(column.name()) + " IS NULL)") == 1) {
                return true;
            }
        }
        return false;
    }

    private List<List<String>> rows(String sql) throws SQLException {
        List<List<String>> rows = new ArrayList<>();
        try (PreparedStatement query = session.prepare(sql); SqliteRows result = session.rows(query)) {
            int width = query.getMetaData().getColumnCount();
            Value[] values = new Value[width];
            while (result.next()) {
                result.read(0, values);
                List<String> row = new ArrayList<>(width);
                for (Value value : values) {
                    row.add(value instanceof Value.Text text ? new String(text.utf8(), StandardCharsets.UTF_8)
                            : value.isNull() ? null : value.toString());
                }
                rows.add(row);
            }
        }
        return rows;
    }
}
