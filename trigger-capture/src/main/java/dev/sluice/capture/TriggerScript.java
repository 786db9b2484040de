package dev.sluice.capture;

import static dev.sluice.sqlite.SqlText.literal;
import static dev.sluice.sqlite.SqlText.quoted;

import dev.sluice.schema.Affinity;
import dev.sluice.schema.RowIdentity;
import dev.sluice.schema.RowIdentity.Kind;
import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceIndex;
import dev.sluice.schema.SourceTable;
import dev.sluice.schema.SqlToken;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The triggers that log which rows of one table were touched: pure text, made from what the table declares, in syntax
 * that SQLite 3.7.0 reads (one word it does not know would make the whole file unreadable to an old application).
 *
 * <p>AFTER triggers log the row that changed. BEFORE triggers log the rows that the statement is about to collide with:
 * REPLACE deletes those without firing any DELETE trigger. That is speculation, harmless because whoever reads the
 * changelog looks at the rows again and never believes the logged operation.
 *
 * @param candidate CREATE TABLE of a scratch table that holds one incoming row with the table's own affinities and
 *     collations, where an index can't be judged otherwise; null for most tables
 * @param triggers the statements by the triggers' names, in the order in which they are to be created
 */
public record TriggerScript(String candidate, Map<String, String> triggers) {

    /**
     * What the application reads when it writes to a fenced source. It can't name the epoch: before SQLite 3.47 RAISE
     * takes a literal only (sqlite.org/lang_createtrigger.html), and a flip makes no triggers anew. The epoch stands in
     * {@code _sluice_control.traffic_epoch}.
     */
    public static final String FENCE_MESSAGE = "sluice: writes have moved to PostgreSQL";

    /**
     * Writes the script.
     *
     * @param table its identity must not be null
     * @param tableId what the changelog calls the table
     */
    public static TriggerScript of(SourceTable table, int tableId) {
        return new Writer(table, tableId).script();
    }

    static String triggerName(int tableId, String suffix) {
        return "_sluice_" + tableId + "_" + suffix;
    }

    static String candidateName(int tableId) {
        return "_sluice_" + tableId + "_candidate";
    }

    /** Scratch table first, then the triggers. */
    List<String> statements() {
        List<String> statements = new ArrayList<>();
        if (candidate != null) {
            statements.add(candidate);
        }
        statements.addAll(triggers.values());
        return statements;
    }

    private static final class Writer {
        private final SourceTable table;
        private final int id;
        private final RowIdentity identity;
        private final List<String> keyNames;
        private final String candidateName;
        private final Set<String> candidateColumns = new LinkedHashSet<>();

        Writer(SourceTable table, int id) {
            this.table = table;
            this.id = id;
            this.identity = table.identity();
            this.keyNames = identity.names();
            this.candidateName = quoted(candidateName(id));
        }

        TriggerScript script() {
            Map<String, String> triggers = new LinkedHashMap<>();
            List<String> collisions = collisions();
            String candidate = candidateTable(); // known only when the collisions are written
            if (candidate != null) {
                collisions.addAll(0, candidateFilled());
                collisions.add("DELETE FROM " + candidateName + ";");
            }
            List<String> insert = new ArrayList<>(collisions);
            if (keyMayChangeItsClass() && identity.rowidName() == null) {
                insert.add(0, log("N", "VALUES", incomingKeys(), null));
            }
            rowidCollision(false).ifPresent(insert::add);
            if (!insert.isEmpty()) {
                put(triggers, "bi", "BEFORE INSERT", null, insert);
            }
            List<String> update = new ArrayList<>();
            update.add(log("N", "SELECT", incomingKeys(), keyChanged()));
            if (keyMayChangeItsClass()) {
                update.add(movedKey());
            }
            update.addAll(collisions);
            rowidCollision(true).ifPresent(update::add);
            put(triggers, "bu", "BEFORE UPDATE", uniqueChanged(), update);
            for (String[] fence : new String[][] {{"fi", "INSERT"}, {"fu", "UPDATE"}, {"fd", "DELETE"}}) {
                put(triggers, fence[0], "BEFORE " + fence[1],
                        "(SELECT fenced FROM \"_sluice_control\" WHERE id = 1) = 1",
                        List.of("SELECT RAISE(ABORT, " + literal(FENCE_MESSAGE) + ");"));
            }
            List<String> deleted = List.of(log("D", "VALUES", keys("OLD"), null));
            if (keyMayChangeItsClass()) {
                if (identity.rowidName() == null) {
                    put(triggers, "bk", "BEFORE UPDATE", null, List.of(log("U", "VALUES", keys("OLD"), null)));
                }
                put(triggers, "ai", "AFTER INSERT", null, List.of(storedKey("I")));
                put(triggers, "au", "AFTER UPDATE", null, List.of(storedKey("U")));
                put(triggers, "bd", "BEFORE DELETE", null, deleted);
            } else {
                put(triggers, "ai", "AFTER INSERT", null, List.of(log("I", "VALUES", keys("NEW"), null)));
                put(triggers, "au", "AFTER UPDATE", null, List.of(log("U", "VALUES", keys("NEW"), null), movedKey()));
                put(triggers, "ad", "AFTER DELETE", null, deleted);
            }
            return new TriggerScript(candidate, triggers);
        }

        /**
         * Up to SQLite 3.50 an AFTER trigger may see a text key as a number, '02' as 2: the foreign key check looks for
         * children in the index of a numeric column and converts the key where it stands. It does so to the row that
         * goes, and while a violation is pending to the one that comes. BEFORE triggers see both keys as they are.
         */
        private boolean keyMayChangeItsClass() {
            return identity.kind() == Kind.DECLARED_KEY;
        }

        /** The key as it is stored, where there is a rowid to ask for it by; elsewhere a BEFORE trigger has logged it. */
        private String storedKey(String operation) {
            String rowid = identity.rowidName();
            return rowid == null ? log(operation, "VALUES", keys("NEW"), null)
                    : log(operation, "SELECT", keys("t"), "FROM " + quoted(table.name()) + " AS t WHERE t." + rowid + " = NEW."
                            + rowid);
        }

        private String movedKey() {
            return log("K", "SELECT", keys("OLD"), keyChanged());
        }

        private void put(Map<String, String> triggers, String suffix, String event, String when, List<String> body) {
            String name = triggerName(id, suffix);
            triggers.put(name, "CREATE TRIGGER " + quoted(name) + " " + event + " ON " + quoted(table.name())
                    + (when == null ? "" : "\nWHEN " + when) + "\nBEGIN\n  " + String.join("\n  ", body) + "\nEND");
        }

        /** The key's parts of NEW, OLD or an alias; the rowid's name must not be quoted, it is no column. */
        private List<String> keys(String row) {
            return keyNames.stream().map(name -> row + "." + keyName(name)).toList();
        }

        private List<String> incomingKeys() {
            return identity.kind() == Kind.ROWID ? keys("NEW") : keyNames.stream().map(this::incoming).toList();
        }

        private String keyName(String part) {
            return identity.kind() == Kind.ROWID ? part : quoted(part);
        }

        private String log(String operation, String verb, List<String> keys, String condition) {
            String columns =
                    IntStream.rangeClosed(1, keys.size()).mapToObj(i -> "k" + i).collect(Collectors.joining(", "));
            String values = id + ", '" + operation + "', " + String.join(", ", keys);
            return "INSERT INTO \"_sluice_changelog\"(tid, op, " + columns + ") "
                    + (verb.equals("VALUES") ? "VALUES(" + values + ")" : "SELECT " + values
                    + (condition.startsWith("FROM ") ? " " : " WHERE ") + condition) + ";";
        }

        // ---- what changed ----

        private String keyChanged() {
            if (identity.kind() != Kind.DECLARED_KEY) {
                return keys("OLD").get(0) + " <> " + keys("NEW").get(0);
            }
            return anyOf(keyNames.stream().map(Writer::changedInAnyWay).toList());
        }

        /**
         * Also true where SQLite's comparison sees no difference: 'a' and 'A' under NOCASE, 1 and 1.0, 0.0 and -0.0.
         */
        private static String changedInAnyWay(String column) {
            String old = "OLD." + quoted(column);
            String incoming = "NEW." + quoted(column);
            return old + " IS NOT " + incoming + " OR typeof(" + old + ") <> typeof(" + incoming + ") OR CAST(" + old
                    + " AS BLOB) IS NOT CAST(" + incoming + " AS BLOB)";
        }

        /** True for every update that can collide with another row. BINARY is a superset of every collation. */
        private String uniqueChanged() {
            List<String> terms = new ArrayList<>();
            terms.add(keyChanged());
            Set<String> compared = new LinkedHashSet<>();
            Set<String> computed = new LinkedHashSet<>();
            for (SourceIndex index : uniqueIndexes()) {
                for (SourceIndex.Term term : index.terms()) {
                    if (term.column() != null && !table.column(term.column()).isGenerated()) {
                        compared.add(table.column(term.column()).name());
                    } else if (term.column() != null) {
                        computed.addAll(baseColumns(List.of(term.column())));
                    } else {
                        computed.addAll(baseColumns(new RowExpression(table, term.expression()).columns()));
                    }
                }
                if (index.predicate() != null) {
                    computed.addAll(baseColumns(new RowExpression(table, index.predicate()).columns()));
                }
            }
            compared.removeAll(computed);
            if (identity.kind() != Kind.ROWID) {
                compared.removeAll(keyNames); // compared already
                computed.removeAll(keyNames);
            }
            compared.forEach(column -> terms.add(
                    "OLD." + quoted(column) + " IS NOT NEW." + quoted(column) + " COLLATE BINARY"));
            computed.forEach(column -> terms.add(changedInAnyWay(column)));
            if (identity.kind() == Kind.DECLARED_KEY && identity.rowidName() != null) {
                terms.add("OLD." + identity.rowidName() + " <> NEW." + identity.rowidName());
            }
            return anyOf(terms);
        }

        // ---- rows that are about to be replaced ----

        private List<SourceIndex> uniqueIndexes() {
            return table.indexes().stream().filter(SourceIndex::unique)
                    .sorted(Comparator.comparing(SourceIndex::name)).toList();
        }

        /** One statement per unique index: logs the rows that hold what the incoming row wants to hold. */
        private List<String> collisions() {
            List<String> statements = new ArrayList<>();
            for (SourceIndex index : uniqueIndexes()) {
                // Equal keys are equal bytes there, and those the AFTER triggers (and N for a moved key) log anyway.
                boolean covered = identity.kind() == Kind.DECLARED_KEY
                        && index.origin() == SourceIndex.Origin.PRIMARY_KEY
                        && index.terms().stream().allMatch(term -> term.collation().equals("BINARY")
                        && table.affinity(table.column(term.column())) != Affinity.BLOB);
                // Whoever collides in a unique index that contains the rowid collides in the rowid.
                boolean onRowid = index.terms().stream()
                        .anyMatch(term -> term.column() == null && isRowid(term.expression()));
                if (!covered && !onRowid) {
                    statements.addAll(collision(index));
                }
            }
            return statements;
        }

        private boolean isRowid(String expression) {
            List<SqlToken> tokens = SqlToken.tokens(expression);
            return tokens.size() == 1 && table.column(tokens.get(0).unquoted()) == null
                    && Set.of("_rowid_", "rowid", "oid").contains(tokens.get(0).unquoted().toLowerCase(Locale.ROOT));
        }

        private List<String> collision(SourceIndex index) {
            List<String> conditions = new ArrayList<>();
            List<String> randomized = new ArrayList<>();
            for (SourceIndex.Term term : index.terms()) {
                String collate = " COLLATE " + quoted(term.collation());
                SourceColumn column = term.column() == null ? null : table.column(term.column());
                if (column != null && !(column.isGenerated() && dependsOnDefault(List.of(column.name())))) {
                    conditions.add("t." + quoted(column.name()) + " = " + incoming(column.name()) + collate);
                    if (mayGetDefault(column) && RowExpression.isRandom(column.defaultSql())) {
                        randomized.add(column.name());
                    }
                } else if (column != null) {
                    conditions.add("t." + quoted(column.name()) + " = (SELECT " + quoted(column.name()) + " FROM "
                            + candidateName + ")" + collate);
                    candidateColumns.add(column.name());
                } else {
                    RowExpression expression = new RowExpression(table, term.expression());
                    // A COLLATE inside the expression would win over one on the right.
                    boolean left = expression.collates();
                    conditions.add("(" + expression.sql() + ")" + (left ? collate : "") + " = (SELECT "
                            + expression.sql() + " FROM " + incomingRow(expression) + ")" + (left ? "" : collate));
                }
            }
            if (index.predicate() != null) {
                // Asked of the row in the table only: whether the incoming row is in the index too does not matter.
                conditions.add("(" + new RowExpression(table, index.predicate()).sql() + ")");
            }
            List<String> statements = new ArrayList<>();
            statements.add(log("R", "SELECT", keys("t"), "FROM " + quoted(table.name()) + " AS t WHERE "
                    + allOf(conditions)));
            for (String column : randomized) {
                // Nobody can tell which value such a column will get, so every row may be the one.
                statements.add(log("R", "SELECT", keys("t"),
                        "FROM " + quoted(table.name()) + " AS t WHERE NEW." + quoted(column) + " IS NULL"));
            }
            return statements;
        }

        /** A table with a declared key has a second unique key, the rowid, if the application cares to write it. */
        private Optional<String> rowidCollision(boolean update) {
            if (identity.kind() != Kind.DECLARED_KEY || identity.rowidName() == null) {
                return Optional.empty();
            }
            String rowid = identity.rowidName();
            return Optional.of(log("R", "SELECT", keys("t"), "FROM " + quoted(table.name())
                    + " AS t WHERE t." + rowid + " = NEW." + rowid
                    + (update ? " AND t." + rowid + " <> OLD." + rowid : "")));
        }

        // ---- the incoming row ----

        private String incoming(String column) {
            // OR REPLACE turns NULL into the default, but only after the BEFORE triggers.
            SourceColumn declared = table.column(column);
            return mayGetDefault(declared)
                    ? "coalesce(NEW." + quoted(column) + ", " + RowExpression.defaultValue(declared.defaultSql()) + ")"
                    : "NEW." + quoted(column);
        }

        private static boolean mayGetDefault(SourceColumn column) {
            return column.notNull() && column.defaultSql() != null && !column.isGenerated();
        }

        private boolean dependsOnDefault(List<String> columns) {
            return baseColumns(columns).stream().anyMatch(name -> mayGetDefault(table.column(name)));
        }

        /** The stored columns behind some columns: generated ones are followed to what they are computed from. */
        private Set<String> baseColumns(List<String> columns) {
            return closure(columns).stream().filter(name -> !table.column(name).isGenerated())
                    .collect(Collectors.toCollection(LinkedHashSet::new));
        }

        private Set<String> closure(List<String> columns) {
            Set<String> found = new LinkedHashSet<>();
            List<String> open = new ArrayList<>(columns);
            while (!open.isEmpty()) {
                SourceColumn column = table.column(open.remove(open.size() - 1));
                if (found.add(column.name()) && column.isGenerated()) {
                    open.addAll(new RowExpression(table, column.generatedSql()).columns());
                }
            }
            return found;
        }

        /** A one-row FROM term in which {@code expression} has the value that it will have for the incoming row. */
        private String incomingRow(RowExpression expression) {
            boolean exact = !expression.compares() && expression.columns().stream().map(table::column)
                    .allMatch(column -> column.isGenerated() ? !dependsOnDefault(List.of(column.name()))
                            : !mayGetDefault(column) || hasItsOwnClass(column));
            if (!exact) {
                candidateColumns.addAll(expression.columns());
                return candidateName;
            }
            if (expression.columns().isEmpty()) {
                return "(SELECT 1)";
            }
            return expression.columns().stream().map(column -> incoming(column) + " AS " + quoted(column))
                    .collect(Collectors.joining(", ", "(SELECT ", ")"));
        }

        /** True if the default is a literal that the column's affinity leaves as it is. */
        private boolean hasItsOwnClass(SourceColumn column) {
            List<SqlToken> tokens =
                    SqlToken.tokens(RowExpression.defaultValue(column.defaultSql()));
            if (tokens.size() != 1) {
                return false;
            }
            Affinity affinity = table.affinity(column);
            return switch (tokens.get(0).kind()) {
                case STRING -> affinity == Affinity.TEXT || affinity == Affinity.BLOB;
                case NUMBER -> affinity == Affinity.BLOB
                        || affinity != Affinity.TEXT && affinity != Affinity.REAL
                        && tokens.get(0).text().matches("\\d{1,18}");
                case BLOB -> true;
                default -> false;
            };
        }

        private String candidateTable() {
            if (candidateColumns.isEmpty()) {
                return null;
            }
            List<String> columns = new ArrayList<>();
            for (SourceColumn column : candidateRow()) {
                String type = table.affinity(column) == Affinity.BLOB ? "" : " " + table.affinity(column);
                String collation = column.collation().equals("BINARY") ? "" : " COLLATE " + quoted(column.collation());
                String generated = column.isGenerated()
                        ? " AS (" + new RowExpression(table, column.generatedSql()).sql() + ")" : "";
                columns.add(quoted(column.name()) + type + collation + generated);
            }
            return "CREATE TABLE " + candidateName + "(" + String.join(", ", columns) + ")";
        }

        private List<SourceColumn> candidateRow() {
            Set<String> needed = closure(List.copyOf(candidateColumns));
            return table.columns().stream().filter(column -> needed.contains(column.name())).toList();
        }

        private List<String> candidateFilled() {
            List<String> names =
                    candidateRow().stream().filter(c -> !c.isGenerated()).map(SourceColumn::name).toList();
            String columns = names.stream().map(name -> quoted(name)).collect(Collectors.joining(", "));
            String values = names.stream().map(this::incoming).collect(Collectors.joining(", "));
            return List.of("DELETE FROM " + candidateName + ";",
                    "INSERT INTO " + candidateName + "(" + columns + ") VALUES(" + values + ");");
        }
    }

    private static String anyOf(List<String> conditions) {
        return joined(conditions, " OR ");
    }

    private static String allOf(List<String> conditions) {
        return joined(conditions, " AND ");
    }

    /** Long chains are bracketed in groups: SQLite parses expressions up to a depth of 1000 only. */
    private static String joined(List<String> conditions, String operator) {
        int group = 50;
        if (conditions.size() <= group) {
            return String.join(operator, conditions);
        }
        List<String> groups = new ArrayList<>();
        for (int i = 0; i < conditions.size(); i += group) {
            List<String> part = conditions.subList(i, Math.min(i + group, conditions.size()));
            groups.add("(" + String.join(operator, part) + ")");
        }
        return joined(groups, operator);
    }
}
