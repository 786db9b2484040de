package dev.sluice.declare;

import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.translate.Identifiers;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/**
 * The sequences that give the target tables of a plan their numbers: identities, serials, and what a column's default
 * calls by nextval. Read once with the catalog, then raised in one round trip, so that it fits into a write pause. A value
 * that a sequence got stays whatever becomes of the transaction. Immutable.
 */
public final class Sequences {

    /**
     * @param source the source table's name
     * @param table the target table, quoted and qualified
     * @param column unquoted
     * @param whole true if the column holds whole numbers by its type; else it is numeric
     * @param name the sequence, quoted and qualified
     */
    private record Sequence(String source, String table, String column, boolean whole, String name, long min, long max,
            boolean rising) {

        /** The number that it gave last, or would have given before its first. */
        String given() {
            return "(SELECT CASE WHEN is_called THEN last_value ELSE last_value " + (rising ? "- 1" : "+ 1") + " END FROM "
                    + name + ")";
        }

        /** The outermost key; ORDER BY instead of max, because an index of the column serves it with the condition too. */
        String outermost() {
            String quoted = Identifiers.quote(column);
            return "(SELECT " + (whole ? quoted : "trunc(" + quoted + ")::bigint") + " FROM " + table + " WHERE " + quoted
                    + " BETWEEN " + (whole ? literal(Long.MIN_VALUE) : "-9.2e18") + " AND "
                    + (whole ? Long.toString(Long.MAX_VALUE) : "9.2e18") + " ORDER BY " + quoted + (rising ? " DESC" : "")
                    + " LIMIT 1)";
        }

        /** The smallest number is no literal: that would be read as a minus and a number that is too large. */
        private static String literal(long value) {
            return value == Long.MIN_VALUE ? "(" + (value + 1) + " - 1)" : Long.toString(value);
        }
    }

    private final List<Sequence> sequences;
    private final MigrationPlan plan;

    private Sequences(List<Sequence> sequences, MigrationPlan plan) {
        this.sequences = List.copyOf(sequences);
        this.plan = plan;
    }

    /** Reads the catalog; to be read again when tables were made or their columns changed. */
    public static Sequences read(Connection connection, MigrationPlan plan) throws SQLException {
        List<Sequence> sequences = new ArrayList<>();
        try (PreparedStatement query = connection.prepareStatement("""
                SELECT DISTINCT t.ordinal, a.attname, b.typname <> 'numeric', format('%I.%I', sn.nspname, sc.relname),
                       s.seqmin, s.seqmax, s.seqincrement > 0
                FROM unnest(?::text[]) WITH ORDINALITY t (name, ordinal)
                JOIN pg_class c ON c.relname = t.name AND c.relkind IN ('r', 'p')
                JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = ?
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                JOIN pg_type y ON y.oid = a.atttypid
                JOIN pg_type b ON b.oid = CASE WHEN y.typtype = 'd' THEN y.typbasetype ELSE y.oid END
                     AND b.typname IN ('int2', 'int4', 'int8', 'numeric') AND b.typnamespace = 'pg_catalog'::regnamespace
                JOIN LATERAL (
                    SELECT d.objid FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
                      AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i')
                    UNION
                    SELECT d.refobjid FROM pg_attrdef f
                    JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
                         AND d.refclassid = 'pg_class'::regclass
                    WHERE f.adrelid = c.oid AND f.adnum = a.attnum) o ON true
                JOIN pg_sequence s ON s.seqrelid = o.objid
                JOIN pg_class sc ON sc.oid = s.seqrelid JOIN pg_namespace sn ON sn.oid = sc.relnamespace
                ORDER BY t.ordinal, a.attname
                """)) {
            query.setArray(1, connection.createArrayOf("text",
                    plan.tables().stream().map(TablePlan::target).toArray(String[]::new)));
            query.setString(2, plan.schema());
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    TablePlan table = plan.tables().get(row.getInt(1) - 1);
                    sequences.add(new Sequence(table.source(), qualified(plan, table), row.getString(2), row.getBoolean(3),
                            row.getString(4), row.getLong(5), row.getLong(6), row.getBoolean(7)));
                }
            }
        }
        return new Sequences(sequences, plan);
    }

    /**
     * Brings every sequence past its column's outermost value and past what {@code sqlite_sequence} remembers, so that
     * PostgreSQL never gives out a number that SQLite did. None is ever set back.
     *
     * @param remembered {@code sqlite_sequence} by source table
     */
    public void raise(Connection connection, Map<String, Long> remembered) throws SQLException {
        StringJoiner all = new StringJoiner("\nUNION ALL ");
        for (Sequence sequence : sequences) {
            String wanted = sequence.rising()
                    ? "least(greatest(v.top, " + remembered.getOrDefault(sequence.source(), 0L) + ", v.given), "
                            + sequence.max() + ")"
                    : "greatest(least(v.top, v.given), " + Sequence.literal(sequence.min()) + ")";
            all.add("SELECT setval('" + sequence.name().replace("'", "''") + "'::regclass, " + wanted + ") FROM (SELECT "
                    + sequence.outermost() + " AS top, " + sequence.given() + " AS given OFFSET 0) v WHERE " + wanted
                    + (sequence.rising() ? " > " : " < ") + "v.given AND " + wanted + " BETWEEN "
                    + Sequence.literal(sequence.min()) + " AND " + sequence.max());
        }
        if (!sequences.isEmpty()) {
            try (Statement statement = connection.createStatement()) {
                statement.execute(all.toString());
            }
        }
    }

    /**
     * A sequence that would give a number again.
     *
     * @param name the sequence, quoted and qualified
     * @param table likewise
     * @param given the number that it gave last
     * @param taken the outermost number that is taken
     */
    public record Low(String name, String table, long given, long taken) {}

    /** Sequences that are not past their column's outermost value and past what {@code sqlite_sequence} remembers. */
    public List<Low> low(Connection connection, Map<String, Long> remembered) throws SQLException {
        List<Low> low = new ArrayList<>();
        try (Statement statement = connection.createStatement()) {
            for (Sequence sequence : sequences) {
                String taken = sequence.rising() ? "least(greatest(v.top, " + remembered.getOrDefault(sequence.source(), 0L)
                        + "), " + sequence.max() + ")" : "greatest(v.top, " + Sequence.literal(sequence.min()) + ")";
                try (ResultSet row = statement.executeQuery("SELECT v.given, " + taken + " FROM (SELECT " + sequence.outermost()
                        + " AS top, " + sequence.given() + " AS given OFFSET 0) v WHERE " + taken
                        + (sequence.rising() ? " > " : " < ") + "v.given AND " + taken + " BETWEEN "
                        + Sequence.literal(sequence.min()) + " AND " + sequence.max())) {
                    if (row.next()) {
                        low.add(new Low(sequence.name(), sequence.table(), row.getLong(1), row.getLong(2)));
                    }
                }
            }
        }
        return low;
    }

    /** Sequences that have no number left, one clause each with the table: inserts there will fail. */
    public List<String> exhausted(Connection connection) throws SQLException {
        List<String> exhausted = new ArrayList<>();
        try (Statement statement = connection.createStatement()) {
            for (Sequence sequence : sequences) {
                try (ResultSet row = statement.executeQuery("SELECT " + (sequence.rising()
                        ? sequence.given() + " >= " + sequence.max()
                        : sequence.given() + " <= " + Sequence.literal(sequence.min())))) {
                    row.next();
                    if (row.getBoolean(1)) {
                        exhausted.add(sequence.name() + " of " + sequence.table());
                    }
                }
            }
        }
        return exhausted;
    }

    /**
     * What {@code sqlite_sequence} must at least say when SQLite takes writes again: the largest key of each table, and the
     * largest number that PostgreSQL gave out for it, whether or not a row came of it.
     *
     * @param autoincrement names of the source tables that are declared AUTOINCREMENT; those not in the plan are left out
     */
    public Map<String, Long> forSource(Connection connection, Collection<String> autoincrement) throws SQLException {
        List<TablePlan> tables = autoincrement.stream().map(plan::table).filter(table -> table != null).toList();
        Map<String, Long> numbers = new LinkedHashMap<>();
        if (tables.isEmpty()) {
            return numbers;
        }
        StringJoiner all = new StringJoiner("\nUNION ALL ");
        for (int i = 0; i < tables.size(); i++) {
            TablePlan table = tables.get(i);
            String key = table.keyTargets().get(0);
            StringJoiner greatest = new StringJoiner(", ", "greatest(0, ", ")");
            greatest.add("(SELECT max(" + Identifiers.quote(key) + ") FROM " + qualified(plan, table) + ")");
            for (Sequence sequence : sequences) {
                if (sequence.source().equals(table.source()) && sequence.column().equals(key) && sequence.rising()) {
                    greatest.add(sequence.given());
                }
            }
            all.add("SELECT " + i + ", " + greatest);
        }
        try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery(all.toString())) {
            while (row.next()) {
                numbers.put(tables.get(row.getInt(1)).source(), row.getLong(2));
            }
        }
        return numbers;
    }

    private static String qualified(MigrationPlan plan, TablePlan table) {
        return Identifiers.quote(plan.schema()) + "." + Identifiers.quote(table.target());
    }
}
