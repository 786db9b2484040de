package dev.sluice.reverse;

import static dev.sluice.sqlite.SqlText.quoted;

import dev.sluice.change.Value;
import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Codecs;
import dev.sluice.plan.ColumnPlan;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.plan.TargetCatalog;
import dev.sluice.plan.TargetCatalog.ExistingColumn;
import dev.sluice.plan.TargetCatalog.ExistingTable;
import dev.sluice.reverse.SchemaAhead.Alien;
import dev.sluice.schema.Affinity;
import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqlText;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What PostgreSQL's schema has that SQLite's has not, and how SQLite would take it over. Immutable.
 *
 * @param columns added to tables of the plan, by their target names
 * @param tables new ones
 * @param refused why the rest can't be taken over
 */
record Growth(Map<String, List<Column>> columns, List<Table> tables, List<SchemaNotice> refused) {

    static final Growth NONE = new Growth(Map.of(), List.of(), List.of());

    /** The key column of ours in a table that has no key. */
    private static final String KEY_COLUMN = "sluice_rowid";

    private static final int MICROS = 6;
    private static final Pattern DIGITS = Pattern.compile("\\((\\d)\\)");
    private static final Pattern CONSTANT = Pattern.compile(
            "(?:'(?:[^']|'')*'|-?\\d+(?:\\.\\d+)?|\\(-\\d+(?:\\.\\d+)?\\)|true|false)(?:::[a-zA-Z0-9_ \".(),]+?)?");

    /**
     * A column to be made.
     *
     * @param declared its type in SQLite
     * @param value what its DEFAULT comes to, or null where SQLite gets none
     * @param printed the same as PostgreSQL prints it, or null
     * @param loose true if different values can be equal in PostgreSQL
     */
    record Column(String name, String declared, Codec codec, boolean notNull, Value value, String printed, boolean loose) {

        /** True if SQLite takes the column's NOT NULL for a table that has rows. */
        boolean staysNotNull() {
            return notNull && value != null;
        }

        private String sql(boolean always) {
            return quoted(name) + " " + declared + (always || staysNotNull() ? " NOT NULL" : "")
                    + (value == null ? "" : " DEFAULT " + literal(value));
        }

        /** What a table that is there is given. */
        String added(String table) {
            return "ALTER TABLE " + quoted(table) + " ADD COLUMN " + sql(false);
        }
    }

    /**
     * A table to be made; it is named as in PostgreSQL.
     *
     * @param key its primary key, empty where it has none
     * @param numbered true if PostgreSQL numbers its rows
     * @param clauses UNIQUE and FOREIGN KEY
     * @param carried names of what SQLite gets of it besides its columns
     */
    record Table(String name, List<Column> columns, List<String> key, boolean numbered, List<String> clauses,
            Set<String> carried) {

        String keyColumn() {
            return key.isEmpty() ? KEY_COLUMN : null;
        }

        /** Its key in PostgreSQL. */
        List<String> targetKey() {
            return key.isEmpty() ? List.of(KEY_COLUMN) : key;
        }

        private boolean isIntegerKey(Column column) {
            return key.size() == 1 && key.get(0).equals(column.name) && column.declared.equals("INTEGER");
        }

        String sql() {
            StringJoiner body = new StringJoiner(", ", "CREATE TABLE " + quoted(name) + "(", ")");
            boolean integerKey = false;
            for (Column column : columns) {
                if (isIntegerKey(column)) {
                    integerKey = true;
                    body.add(quoted(column.name) + " INTEGER PRIMARY KEY" + (numbered ? " AUTOINCREMENT" : ""));
                } else {
                    body.add(column.sql(column.notNull));
                }
            }
            if (!key.isEmpty() && !integerKey) {
                body.add("PRIMARY KEY(" + names(key) + ")");
            }
            clauses.forEach(body::add);
            return body.toString();
        }
    }

    static String names(List<String> columns) {
        return String.join(", ", columns.stream().map(SqlText::quoted).toList());
    }

    static String literal(Value value) {
        if (value instanceof Value.Text text) {
            return SqlText.literal(text.decoded());
        }
        if (value instanceof Value.Blob blob) {
            return "x'" + HexFormat.of().formatHex(blob.bytes()) + "'";
        }
        return value instanceof Value.Int number ? Long.toString(number.value())
                : Double.toString(((Value.Real) value).value());
    }

    /** True if there is something that SQLite can and must take over. */
    boolean isDue() {
        return !columns.isEmpty() || !tables.isEmpty();
    }

    boolean isDue(Alien alien) {
        return columns.getOrDefault(alien.table(), List.of()).stream().anyMatch(column -> column.name.equals(alien.column()));
    }

    /** One sentence for each table and column that is due. */
    List<String> due(String ending) {
        List<String> due = new ArrayList<>();
        columns.forEach((table, added) -> added.forEach(column -> due.add("column " + table + "." + column.name
                + " was added in PostgreSQL" + ending)));
        tables.forEach(table -> due.add("table " + table.name + " was made in PostgreSQL" + ending));
        return due;
    }

    /** Target tables that it touches. */
    Set<String> places() {
        Set<String> places = new LinkedHashSet<>(columns.keySet());
        tables.forEach(table -> places.add(table.name));
        return places;
    }

    // ---- look ----

    /** Compares the target's catalog with what SQLite has. */
    static Growth look(Connection connection, MigrationPlan plan, Slot slot, TargetShape before, TargetShape now,
            SourceSchema source) throws SQLException {
        Look look = new Look(connection, plan, slot, before, source);
        Map<String, List<String>> added = new LinkedHashMap<>();
        List<String> made = new ArrayList<>();
        now.columns().forEach((table, columns) -> {
            TablePlan planned = look.planned(table);
            if (planned != null) {
                List<String> names = new ArrayList<>(columns.keySet());
                names.removeAll(before.columns().getOrDefault(table, new LinkedHashMap<>()).keySet());
                names.removeAll(planned.columns().stream().map(ColumnPlan::target).toList());
                names.remove(planned.keyColumn());
                if (!names.isEmpty()) {
                    added.put(table, names);
                }
            } else if (!before.columns().containsKey(table)
                    && plan.held().stream().noneMatch(held -> held.target().equals(table))) {
                made.add(table);
            }
        });
        return added.isEmpty() && made.isEmpty() ? NONE : look.take(added, made);
    }

    /** What PostgreSQL says of a column besides its type. */
    private record Detail(String value, boolean always, boolean numbered) {}

    /** Says why something can't be taken over. */
    @SuppressWarnings("serial") // never leaves this file
    private static final class Unfit extends Exception {
        Unfit(String reason) {
            super(reason);
        }
    }

    private static final class Look {

        private final Connection connection;
        private final MigrationPlan plan;
        private final Slot slot;
        private final TargetShape before;
        private final SourceSchema source;
        private final List<SchemaNotice> refused = new ArrayList<>();
        private TargetCatalog catalog;

        Look(Connection connection, MigrationPlan plan, Slot slot, TargetShape before, SourceSchema source) {
            this.connection = connection;
            this.plan = plan;
            this.slot = slot;
            this.before = before;
            this.source = source;
        }

        TablePlan planned(String target) {
            return plan.tables().stream().filter(table -> table.target().equals(target)).findFirst().orElse(null);
        }

        Growth take(Map<String, List<String>> added, List<String> made) throws SQLException {
            catalog = TargetCatalog.read(connection, plan.schema());
            Map<String, List<Column>> columns = new LinkedHashMap<>();
            for (Map.Entry<String, List<String>> table : added.entrySet()) {
                List<Column> taken = columns(table.getKey(), table.getValue());
                if (!taken.isEmpty()) {
                    columns.put(table.getKey(), taken);
                }
            }
            Map<String, Table> tables = new LinkedHashMap<>();
            for (String name : made) {
                try {
                    tables.put(name, table(name));
                } catch (Unfit e) {
                    refused.add(new SchemaNotice(SchemaNotice.Kind.TABLE_ADDED, name, null, "table " + name + " was made in"
                            + " PostgreSQL and SQLite can't take it over (" + e.getMessage()
                            + "), so a rollback would lose its rows"));
                }
            }
            return new Growth(columns, refer(tables), List.copyOf(refused));
        }

        private List<Column> columns(String target, List<String> names) throws SQLException {
            SourceTable table = source.table(planned(target).source());
            Map<String, Detail> details = details(target);
            List<Column> taken = new ArrayList<>();
            Set<String> spellings = new HashSet<>();
            for (String name : names) {
                ExistingTable there = catalog.tables().get(target);
                ExistingColumn column = there == null ? null : there.column(name);
                if (column == null || table == null) {
                    continue; // gone again
                }
                try {
                    if (table.column(name) != null || !spellings.add(SqlText.lower(name))) {
                        throw new Unfit("SQLite's table has another column of that name");
                    }
                    taken.add(column(target, column, details.get(name), table.strict(), false));
                } catch (Unfit e) {
                    refused.add(new SchemaNotice(SchemaNotice.Kind.COLUMN_ADDED, target, name, "column " + target + "." + name
                            + " was added in PostgreSQL and SQLite can't take it over (" + e.getMessage()
                            + "), so a rollback would lose its values"));
                }
            }
            return taken;
        }

        private Table table(String name) throws SQLException, Unfit {
            List<String> obstacles = new ArrayList<>();
            slot.obstacle(connection, name, obstacles);
            ExistingTable there = catalog.tables().get(name);
            if (!obstacles.isEmpty() || there == null) {
                throw new Unfit(obstacles.isEmpty() ? "it is gone again" : obstacles.get(0));
            }
            if (source.table(name) != null || source.views().stream().anyMatch(view -> SqlText.sameName(view.name(), name))
                    || source.virtualTables().stream().anyMatch(table -> SqlText.sameName(table.name(), name))
                    || SqlText.lower(name).startsWith("sqlite_") || SqlText.lower(name).startsWith("_sluice_")) {
                throw new Unfit("SQLite has something else of that name");
            }
            Map<String, Detail> details = details(name);
            List<Index> indexes = indexes(name);
            List<String> key = indexes.stream().filter(Index::primary).map(Index::columns).findFirst().orElse(List.of());
            List<Column> columns = new ArrayList<>();
            Set<String> carried = new LinkedHashSet<>();
            boolean numbered = false;
            for (ExistingColumn column : there.columns()) {
                if (key.isEmpty() && column.name().equals(KEY_COLUMN)) {
                    carried.add("NOT NULL of column " + KEY_COLUMN);
                    carried.add("DEFAULT of column " + KEY_COLUMN);
                    continue;
                }
                boolean inKey = key.contains(column.name());
                try {
                    Column taken = column(name, column, details.get(column.name()), false, inKey);
                    if (inKey && taken.loose) {
                        throw new Unfit("its key takes different values for equal");
                    }
                    columns.add(taken);
                    numbered |= inKey && details.get(column.name()).numbered;
                    carried.addAll(carried(taken, true));
                    if (inKey) {
                        carried.add("DEFAULT of column " + column.name());
                    }
                } catch (Unfit e) {
                    if (inKey || column.notNull() && !column.hasDefault() && !column.generated()) {
                        throw new Unfit("column " + column.name() + ": " + e.getMessage());
                    }
                    refused.add(new SchemaNotice(SchemaNotice.Kind.COLUMN_ADDED, name, column.name(), "column " + name + "."
                            + column.name() + " was made in PostgreSQL and SQLite can't take it over (" + e.getMessage()
                            + "), so a rollback would lose its values"));
                }
            }
            if (columns.isEmpty()) {
                throw new Unfit("it has no column that could be taken over");
            }
            List<String> clauses = new ArrayList<>();
            for (Index index : indexes) {
                boolean whole = columns.stream().filter(column -> index.columns.contains(column.name) && !column.loose).count()
                        == index.columns.size();
                if (index.columns.equals(List.of(KEY_COLUMN)) && key.isEmpty() || index.primary) {
                    carried.add(index.piece);
                } else if (whole && index.plain) {
                    clauses.add("UNIQUE(" + names(index.columns) + ")");
                    carried.add(index.piece);
                }
            }
            return new Table(name, columns, key, numbered && key.size() == 1, clauses, carried);
        }

        // ---- a column ----

        private Map<String, Detail> details(String table) throws SQLException {
            Map<String, Detail> details = new HashMap<>();
            try (PreparedStatement query = connection.prepareStatement("""
                    SELECT a.attname, CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
                           a.attidentity = 'a', a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%'
                    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                    WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped
                    """)) {
                query.setString(1, Slot.qualified(new String[] {plan.schema(), table}));
                try (ResultSet row = query.executeQuery()) {
                    while (row.next()) {
                        details.put(row.getString(1), new Detail(row.getString(2), row.getBoolean(3), row.getBoolean(4)));
                    }
                }
            }
            return details;
        }

        private Column column(String table, ExistingColumn there, Detail detail, boolean strict, boolean key)
                throws SQLException, Unfit {
            if (detail == null) {
                throw new Unfit("it was changed again");
            }
            if (there.generated()) {
                throw new Unfit("PostgreSQL computes it");
            }
            if (detail.always && !key) {
                throw new Unfit("it is GENERATED ALWAYS AS IDENTITY, so it could not follow SQLite afterwards: make it BY DEFAULT");
            }
            String declared = declared(there, strict);
            SourceColumn made = new SourceColumn(there.name(), declared, false, null, 0, SourceColumn.Generation.NONE, null,
                    "BINARY");
            List<Codec> codecs = there.labels() == null ? Codecs.forExisting(there.base(), made, null)
                    : List.of(Codecs.forEnum(there.base(), there.labels()));
            Codec codec = chosen(there.base(), codecs);
            if (codec == null) {
                throw new Unfit("no value of type " + there.type() + " could be given back as it was written");
            }
            Affinity affinity = strict && declared.equals("ANY") ? Affinity.BLOB : made.affinity();
            String printed = constant(detail.value, there.type());
            Value value = printed == null ? null : stored(printed, codec, affinity);
            return new Column(there.name(), declared, codec, there.notNull(), value, value == null ? null : printed,
                    there.loose() || there.base().equals("citext"));
        }

        private static String declared(ExistingColumn there, boolean strict) {
            String base = there.base().replaceAll("\\(.*?\\)", "");
            return there.labels() != null ? "TEXT" : switch (base) {
                case "smallint", "integer", "bigint" -> "INTEGER";
                case "boolean" -> strict ? "INTEGER" : "BOOLEAN";
                case "real", "double precision" -> "REAL";
                case "numeric" -> strict ? "ANY" : "NUMERIC";
                case "bytea" -> "BLOB";
                default -> "TEXT";
            };
        }

        /** The form that other columns of the type have, where it holds all that PostgreSQL can put there. */
        private Codec chosen(String base, List<Codec> codecs) {
            if (!base.startsWith("time")) {
                return codecs.isEmpty() ? null : codecs.get(0);
            }
            Matcher digits = DIGITS.matcher(base);
            int most = digits.find() ? Math.min(MICROS, Integer.parseInt(digits.group(1))) : MICROS;
            List<String> whole = most == MICROS ? List.of("TRIMMED", "SIX", "SIX_OR_NONE")
                    : List.of(List.of("NONE", "ONE", "TWO", "THREE", "FOUR", "FIVE").get(most));
            Function<String, Boolean> holds = id -> {
                String[] parts = id.split(":", -1);
                return parts[0].equals("time") && whole.contains(parts[1])
                        || parts[0].equals("timestamp") && whole.contains(parts[2]);
            };
            List<String> used = plan.tables().stream().flatMap(table -> table.columns().stream()).map(ColumnPlan::codecId)
                    .filter(holds::apply).toList();
            return codecs.stream().filter(codec -> used.contains(codec.id())).findFirst()
                    .or(() -> codecs.stream().filter(codec -> holds.apply(codec.id())
                            && codec.id().contains(":" + whole.get(0))).findFirst()).orElse(null);
        }

        /** What a DEFAULT that is a constant comes to, as PostgreSQL prints it; null for every other. */
        private String constant(String value, String type) throws SQLException {
            if (value == null || !CONSTANT.matcher(value).matches()) {
                return null;
            }
            try (PreparedStatement query = connection.prepareStatement("SELECT CAST(" + value + " AS " + type + ")::text");
                    ResultSet row = query.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }

        /** Null if SQLite would not keep it. */
        private static Value stored(String printed, Codec codec, Affinity affinity) {
            try {
                Value value = codec.decode(printed);
                boolean finite = !(value instanceof Value.Real real) || Double.isFinite(real.value());
                return finite && StreamTable.isKept(new StreamTable.Column("", 0, codec, affinity), value) ? value : null;
            } catch (RuntimeException e) {
                return null; // the codec has no form for it
            }
        }

        /** What SQLite gets of a column besides its type. */
        static Set<String> carried(Column column, boolean fresh) {
            Set<String> carried = new LinkedHashSet<>();
            if (column.value != null) {
                carried.add("DEFAULT of column " + column.name);
            }
            if (column.notNull && (fresh || column.staysNotNull())) {
                carried.add("NOT NULL of column " + column.name);
            }
            return carried;
        }

        // ---- keys ----

        private record Index(List<String> columns, boolean primary, boolean plain, String piece) {}

        /** The unique ones that are over columns alone. */
        private List<Index> indexes(String table) throws SQLException {
            List<Index> indexes = new ArrayList<>();
            try (PreparedStatement query = connection.prepareStatement("""
                    SELECT (SELECT array_agg(a.attname::text ORDER BY k.ord)
                            FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, ord)
                            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                            WHERE k.ord <= i.indnkeyatts),
                           i.indisprimary, i.indimmediate AND pg_get_indexdef(i.indexrelid) NOT LIKE '%NULLS NOT DISTINCT%',
                           coalesce(format('constraint %I', (SELECT o.conname FROM pg_constraint o
                               WHERE o.conindid = i.indexrelid AND o.conrelid = i.indrelid AND o.contype IN ('p', 'u'))),
                               ''), format('index %I', c.relname)
                    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                    WHERE i.indrelid = to_regclass(?) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
                      AND i.indexprs IS NULL
                    """)) {
                query.setString(1, Slot.qualified(new String[] {plan.schema(), table}));
                try (ResultSet row = query.executeQuery()) {
                    while (row.next()) {
                        boolean constraint = row.getString(4).length() > "constraint ".length();
                        indexes.add(new Index(List.of((String[]) row.getArray(1).getArray()), row.getBoolean(2),
                                row.getBoolean(3), row.getString(constraint ? 4 : 5)));
                    }
                }
            }
            return indexes;
        }

        /** With their foreign keys; SQLite makes a child before its parent too. */
        private List<Table> refer(Map<String, Table> tables) throws SQLException {
            Map<String, Table> whole = new LinkedHashMap<>();
            for (Table table : tables.values()) {
                List<String> clauses = new ArrayList<>(table.clauses);
                Set<String> carried = new LinkedHashSet<>(table.carried);
                try (PreparedStatement query = connection.prepareStatement("""
                        SELECT o.conname, p.relname,
                               (SELECT array_agg(a.attname::text ORDER BY k.ord) FROM unnest(o.conkey) WITH ORDINALITY k (n, ord)
                                JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.n),
                               (SELECT array_agg(a.attname::text ORDER BY k.ord) FROM unnest(o.confkey) WITH ORDINALITY k (n, ord)
                                JOIN pg_attribute a ON a.attrelid = o.confrelid AND a.attnum = k.n),
                               o.confdeltype::text, o.confupdtype::text, o.condeferrable, o.condeferred
                        FROM pg_constraint o JOIN pg_class p ON p.oid = o.confrelid
                        JOIN pg_namespace n ON n.oid = p.relnamespace
                        WHERE o.conrelid = to_regclass(?) AND o.contype = 'f' AND n.nspname = ? AND o.confmatchtype = 's'
                        """)) {
                    query.setString(1, Slot.qualified(new String[] {plan.schema(), table.name}));
                    query.setString(2, plan.schema());
                    try (ResultSet row = query.executeQuery()) {
                        while (row.next()) {
                            String parent = row.getString(2);
                            TablePlan planned = planned(parent);
                            List<String> here = List.of((String[]) row.getArray(3).getArray());
                            List<String> there = parentColumns(planned, tables.get(parent),
                                    List.of((String[]) row.getArray(4).getArray()));
                            boolean known = here.stream().allMatch(name -> table.columns.stream()
                                    .anyMatch(column -> column.name.equals(name)));
                            if (there == null || !known) {
                                continue; // named among the pieces
                            }
                            clauses.add("FOREIGN KEY(" + names(here) + ") REFERENCES "
                                    + quoted(planned != null ? planned.source() : parent) + "(" + names(there) + ")"
                                    + action(" ON DELETE ", row.getString(5)) + action(" ON UPDATE ", row.getString(6))
                                    + (row.getBoolean(7) ? " DEFERRABLE" + (row.getBoolean(8) ? " INITIALLY DEFERRED" : "") : ""));
                            carried.add("constraint " + text("SELECT quote_ident(?)", row.getString(1)));
                        }
                    }
                }
                whole.put(table.name, new Table(table.name, table.columns, table.key, table.numbered, clauses, carried));
            }
            return List.copyOf(whole.values());
        }

        private static List<String> parentColumns(TablePlan planned, Table made, List<String> targets) {
            List<String> names = new ArrayList<>();
            for (String target : targets) {
                if (planned != null) {
                    planned.columns().stream().filter(column -> column.target().equals(target)).map(ColumnPlan::source)
                            .forEach(names::add);
                } else if (made != null) {
                    made.columns.stream().map(Column::name).filter(target::equals).forEach(names::add);
                }
            }
            return names.size() == targets.size() ? names : null;
        }

        private static String action(String when, String code) {
            return switch (code) {
                case "r" -> when + "RESTRICT";
                case "c" -> when + "CASCADE";
                case "n" -> when + "SET NULL";
                case "d" -> when + "SET DEFAULT";
                default -> "";
            };
        }

        private String text(String sql, String value) throws SQLException {
            try (PreparedStatement query = connection.prepareStatement(sql)) {
                query.setString(1, value);
                try (ResultSet row = query.executeQuery()) {
                    row.next();
                    return row.getString(1);
                }
            }
        }
    }

    // ---- what comes of it ----

    /** What the watch compares with when all of it was taken over; what was refused stays named. */
    TargetShape taken(TargetShape before, TargetShape now) {
        Map<String, LinkedHashMap<String, String>> shapes = new LinkedHashMap<>(before.columns());
        Map<String, LinkedHashMap<String, String>> pieces = before.pieces() == null ? null : new LinkedHashMap<>(before.pieces());
        columns.forEach((table, added) -> {
            shapes.merge(table, only(now.columns().get(table), name(added)), Growth::joined);
            if (pieces != null) {
                Set<String> carried = new HashSet<>();
                added.forEach(column -> carried.addAll(Look.carried(column, false)));
                pieces.merge(table, only(now.pieces().get(table), carried), Growth::joined);
            }
        });
        tables.forEach(table -> {
            Set<String> names = name(table.columns);
            names.add(KEY_COLUMN);
            shapes.put(table.name, only(now.columns().get(table.name), names));
            if (pieces != null) {
                pieces.put(table.name, only(now.pieces().get(table.name), table.carried));
            }
        });
        return new TargetShape(shapes, pieces);
    }

    private static Set<String> name(List<Column> columns) {
        Set<String> names = new HashSet<>();
        columns.forEach(column -> names.add(column.name));
        return names;
    }

    private static LinkedHashMap<String, String> only(Map<String, String> all, Set<String> names) {
        LinkedHashMap<String, String> some = new LinkedHashMap<>(all == null ? Map.of() : all);
        some.keySet().retainAll(names);
        return some;
    }

    private static LinkedHashMap<String, String> joined(LinkedHashMap<String, String> one, LinkedHashMap<String, String> other) {
        LinkedHashMap<String, String> all = new LinkedHashMap<>(one);
        all.putAll(other);
        return all;
    }
}
