package dev.sluice.capture;

import dev.sluice.capture.TriggerText.Timing;
import dev.sluice.schema.RowIdentity.Kind;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceIndex;
import dev.sluice.schema.SourceObject;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqlText;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Something about a source that capture can't do, or does in a way that the operator should know.
 *
 * @param code E01 … E17 as in the operator's guide, or N01 … for a note
 * @param table the table (or virtual table) concerned
 * @param text one sentence: what, where, what to do
 * @param blocks true if the table can't be captured at all
 */
public record Obstacle(String code, String table, String text, boolean blocks) {

    /** More key columns than the changelog can get, as no SQLite table has more than 2000 columns. */
    private static final int KEY_COLUMNS_MAX = 1900;

    private static final Set<String> BUILT_IN_COLLATIONS = Set.of("BINARY", "NOCASE", "RTRIM");

    static List<Obstacle> of(SourceTable table) {
        List<Obstacle> found = new ArrayList<>();
        identity(table, found);
        collations(table, found);
        return found;
    }

    static List<Obstacle> of(SourceSchema schema) {
        List<Obstacle> found = new ArrayList<>();
        for (SourceTable table : schema.tables()) {
            found.addAll(of(table));
            for (SourceObject trigger : schema.triggers()) {
                if (SqlText.sameName(trigger.table(), table.name())) {
                    trigger(table, trigger, found);
                }
            }
        }
        for (SourceObject virtual : schema.virtualTables()) {
            found.add(new Obstacle("E02", virtual.name(), "virtual table " + virtual.name() + " ("
                    + SchemaReader.module(virtual.sql()) + ") cannot be captured: exclude it or rebuild it in"
                    + " PostgreSQL", true));
        }
        return found;
    }

    private static void identity(SourceTable table, List<Obstacle> found) {
        if (table.identity() == null) {
            found.add(table.keyComparesHere()
                    ? new Obstacle("E01", table.name(), "table " + table.name()
                            + " has no usable key, because columns hide all names of its rowid: declare a PRIMARY KEY",
                            true)
                    : new Obstacle("E07", table.name(), "the key of table " + table.name()
                            + " uses a collation that only the application has: declare it with a built-in one", true));
            return;
        }
        if (table.identity().names().size() > KEY_COLUMNS_MAX) {
            found.add(new Obstacle("E16", table.name(), "the key of table " + table.name() + " has more than "
                    + KEY_COLUMNS_MAX + " columns: declare a shorter one", true));
        }
        if (table.identity().kind() == Kind.ROWID && !table.primaryKey().isEmpty() && table.keyComparesHere()) {
            found.add(new Obstacle("E05", table.name(), "table " + table.name()
                    + " has NULL in its PRIMARY KEY, so its rows are named by their rowid", false));
        }
        if (rowidsCanMove(table)) {
            found.add(new Obstacle("N01", table.name(), "VACUUM gives the rows of table " + table.name()
                    + " new rowids: after one the table is compared and copied again; any index on it avoids that",
                    false));
        }
    }

    /**
     * True if VACUUM may give other rowids to the table's rows, whose only name they are: there is neither an INTEGER
     * PRIMARY KEY nor any index (sqlite.org/lang_vacuum.html). Any change of {@code PRAGMA schema_version} may then
     * mean that the rows have to be compared anew.
     */
    public static boolean rowidsCanMove(SourceTable table) {
        return table.identity() != null && table.identity().kind() == Kind.ROWID && table.indexes().isEmpty();
    }

    private static void collations(SourceTable table, List<Obstacle> found) {
        Set<String> foreign = new LinkedHashSet<>();
        table.columns().stream().map(SourceColumn::collation).forEach(foreign::add);
        table.indexes().stream().flatMap(index -> index.terms().stream()).map(SourceIndex.Term::collation)
                .forEach(foreign::add);
        foreign.removeAll(BUILT_IN_COLLATIONS);
        if (!foreign.isEmpty() && table.identity() != null) {
            found.add(new Obstacle("E07", table.name(), "table " + table.name() + " uses a collation that only the"
                    + " application has (" + String.join(", ", foreign) + "): it can be copied and followed,"
                    + " but nothing can be written back into it", false));
        }
    }

    private static void trigger(SourceTable table, SourceObject trigger, List<Obstacle> found) {
        TriggerText text = TriggerText.of(trigger.sql());
        if (text.timing() == Timing.AFTER && text.raisesIgnore()) {
            found.add(new Obstacle("E03", table.name(), "trigger " + trigger.name() + " on " + table.name()
                    + " uses RAISE(IGNORE) and could hide changes from capture: the capture triggers are kept"
                    + " newer than it, so don't create it again while sluice runs", false));
        }
        if (text.calls("changes")) {
            found.add(new Obstacle("N02", table.name(), "trigger " + trigger.name() + " on " + table.name()
                    + " calls changes(), which capture alters in applications with SQLite before 3.8.11", false));
        }
    }
}
