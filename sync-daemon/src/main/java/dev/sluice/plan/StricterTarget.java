package dev.sluice.plan;

import dev.sluice.plan.TargetCatalog.ExistingTable;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqlText;
import dev.sluice.sqlite.SqliteSession;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What tables that the application made in the target demand and the source does not: found before anything is moved,
 * not row by row. Stateless.
 */
public final class StricterTarget {

    /** Up to so many rows are grouped in a rollback journal mode too, where the application can't commit meanwhile. */
    private static final long BLOCKING_ROWS_MAX = 100_000;

    private StricterTarget() {}

    /** {@code plan} with a problem for each unique constraint that rows of the source break, and notes on the rest. */
    public static MigrationPlan look(MigrationPlan plan, TargetCatalog catalog, List<SourceTable> sources,
            SqliteSession source, Connection target) throws SQLException {
        List<String> problems = new ArrayList<>(plan.problems());
        List<String> notes = new ArrayList<>(plan.notes());
        boolean wal = "wal".equalsIgnoreCase(source.text("PRAGMA journal_mode"));
        for (TablePlan table : plan.tables()) {
            if (table.existing()) {
                SourceTable declared = sources.stream().filter(s -> s.name().equals(table.source())).findFirst().orElseThrow();
                boolean count = wal || table.rows() <= BLOCKING_ROWS_MAX;
                unique(table, catalog.tables().get(table.target()), declared, count ? source : null, problems, notes);
                constraints(plan.schema(), table, target, notes);
            }
        }
        return new MigrationPlan(plan.schema(), plan.tables(), plan.declarations(), plan.notCarried(), notes, problems,
                plan.schemaHash(), plan.taken(), plan.held());
    }

    private static void unique(TablePlan table, ExistingTable there, SourceTable declared, SqliteSession source,
            List<String> problems, List<String> notes) throws SQLException {
        for (List<String> key : there.keys()) {
            List<String> columns = table.columns().stream().filter(column -> key.contains(column.target()))
                    .map(ColumnPlan::source).toList();
            if (columns.size() < key.size() || isUnique(declared, columns)) {
                continue; // with a column that the source has not, its default or sequence decides
            }
            String unique = String.format("target table %s has a unique constraint over (%s) that source table %s does not have",
                    table.target(), String.join(", ", key), table.source());
            long twice = source == null ? -1 : duplicates(source, table.source(), columns);
            if (twice > 0) {
                problems.add(String.format("%s, and %,d %s there more than once: drop the constraint, or mend the rows", unique,
                        twice, twice == 1 ? "value is" : "values are"));
            } else {
                notes.add(unique + (twice < 0 ? ": it was not looked whether rows break it, that would hold up the application;"
                        : ": no row breaks it now;") + " one that does is parked");
            }
        }
    }

    private static boolean isUnique(SourceTable table, List<String> columns) {
        Set<String> wanted = lower(columns);
        return lower(table.primaryKey()).equals(wanted) || table.indexes().stream()
                .anyMatch(index -> index.unique() && index.isPlain()
                        && lower(index.terms().stream().map(term -> term.column()).toList()).equals(wanted));
    }

    private static Set<String> lower(List<String> names) {
        Set<String> lower = new TreeSet<>();
        names.forEach(name -> lower.add(SqlText.lower(name)));
        return lower;
    }

    private static long duplicates(SqliteSession source, String table, List<String> columns) throws SQLException {
        List<String> names = columns.stream().map(SqlText::quoted).toList();
        return source.number("SELECT count(*) FROM (SELECT 1 FROM " + SqlText.quoted(table) + " WHERE "
                + String.join(" IS NOT NULL AND ", names) + " IS NOT NULL GROUP BY " + String.join(", ", names)
                + " HAVING count(*) > 1)");
    }

    /** Checks and the like are PostgreSQL's to decide: they are named. */
    private static void constraints(String schema, TablePlan table, Connection target, List<String> notes)
            throws SQLException {
        try (PreparedStatement query = target.prepareStatement("""
                SELECT coalesce(string_agg(x.name, ', ' ORDER BY x.name), '')
                FROM (SELECT k.conname::text AS name, k.conrelid AS relation FROM pg_constraint k WHERE k.contype IN ('c', 'x')
                      UNION ALL
                      SELECT r.relname::text, i.indrelid FROM pg_index i JOIN pg_class r ON r.oid = i.indexrelid
                      WHERE i.indisunique AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL)) x
                JOIN pg_class c ON c.oid = x.relation JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = ? AND c.relname = ?
                """)) {
            query.setString(1, schema);
            query.setString(2, table.target());
            try (ResultSet row = query.executeQuery()) {
                row.next();
                if (!row.getString(1).isEmpty()) {
                    notes.add("target table " + table.target() + " has rules of its own (" + row.getString(1)
                            + "): a row that breaks one is parked");
                }
            }
        }
    }
}
