package dev.sluice.plan;

import dev.sluice.capture.CapturedTable;
import dev.sluice.schema.RowIdentity;
import dev.sluice.schema.SourceTable;
import java.util.ArrayList;
import java.util.List;

/**
 * Where one table goes.
 *
 * @param source the source table's name
 * @param target the target table's name, unquoted, in the plan's target schema
 * @param identity how capture and copy name its rows
 * @param stored the names of all stored columns of the source table when the plan was made, in order
 * @param columns the columns that are carried
 * @param keyColumn for tables whose identity is the hidden rowid: the column of ours that holds it, else null
 * @param existing true if the application made the table in the target before us
 * @param rows as counted when the plan was made, for progress
 */
public record TablePlan(
        String source, String target, RowIdentity identity, List<String> stored, List<ColumnPlan> columns, String keyColumn,
        boolean existing, long rows) {

    /** The target's key columns, unquoted, in the order of {@link RowIdentity#names}. */
    public List<String> keyTargets() {
        if (identity.kind() == RowIdentity.Kind.ROWID) {
            return List.of(keyColumn);
        }
        List<String> targets = new ArrayList<>();
        for (String name : identity.columns()) {
            targets.add(column(name).target());
        }
        return targets;
    }

    /** True if the rows of {@code table}, as it is declared now, are still named in the planned way. */
    public boolean names(SourceTable table) {
        return new CapturedTable(0, source, identity).fits(table);
    }

    /** The plan of a source column, without regard to ASCII case; null if it is not carried. */
    public ColumnPlan column(String sourceName) {
        return columns.stream().filter(c -> c.source().equalsIgnoreCase(sourceName)).findFirst().orElse(null);
    }

    public TablePlan withColumn(ColumnPlan changed) {
        List<ColumnPlan> all = new ArrayList<>(columns);
        all.replaceAll(column -> column.source().equals(changed.source()) ? changed : column);
        return new TablePlan(source, target, identity, stored, all, keyColumn, existing, rows);
    }
}
