package dev.sluice.plan;

import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceTable;
import dev.sluice.translate.Identifiers;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;

/** Collects how the tables of a plan changed, and writes the statements that bring the target there. */
final class Redraft {

    private final MigrationPlan old;
    private final String schema;
    private final List<TablePlan> tables = new ArrayList<>();
    private final List<Added> added = new ArrayList<>();
    private final List<Drift.Change> drops = new ArrayList<>();
    private final List<Drift.Change> columnDrops = new ArrayList<>();
    /** Target tables that vanish, made anew or not: nothing may refer to them meanwhile. */
    private final Set<String> droppedTargets = new HashSet<>();
    private final Set<String> compare = new LinkedHashSet<>();
    private final Set<String> forgotten = new LinkedHashSet<>();
    private final List<String> news = new ArrayList<>();

    private record Added(TablePlan table, ColumnPlan column) {}

    Redraft(MigrationPlan old, String schema) {
        this.old = old;
        this.schema = schema;
    }

    List<TablePlan> tables() {
        return tables;
    }

    private String qualified(String target) {
        return Identifiers.quote(schema) + "." + Identifiers.quote(target);
    }

    void keep(TablePlan table) {
        tables.add(table);
    }

    /** @param leftover true if an older table of ours stands in the way */
    void add(TablePlan table, boolean leftover) {
        if (leftover) {
            dropTarget(table.source(), table.target());
        }
        tables.add(table);
        compare.add(table.source());
        news.add("table " + table.source() + " is new in the source and is followed from now on");
    }

    void hold(String source) {
        forgotten.add(source);
    }

    void drop(TablePlan table) {
        forgotten.add(table.source());
        if (table.existing()) {
            news.add("table " + table.source() + " is gone from the source; target table " + table.target()
                    + ", which the application made, is left as it is");
        } else {
            dropTarget(table.source(), table.target());
            news.add("table " + table.source() + " is gone from the source, and so is target table " + table.target());
        }
    }

    private void dropTarget(String source, String target) {
        droppedTargets.add(target);
        drops.add(new Drift.Change(source, "DROP TABLE IF EXISTS " + qualified(target)));
    }

    void change(TablePlan before, TablePlan fresh, SourceTable source) {
        boolean sameCodecs = fresh.columns().stream().allMatch(column -> {
            ColumnPlan was = before.column(column.source());
            return was == null || was.codecId().equals(column.codecId());
        });
        if (before.existing()) {
            tables.add(fresh);
            compare.add(fresh.source());
            news.add("table " + fresh.source() + " was changed in the source; its target table fits");
        } else if (!before.names(source) || !sameCodecs) {
            forgotten.add(before.source());
            dropTarget(before.source(), before.target());
            tables.add(fresh);
            compare.add(fresh.source());
            news.add("table " + fresh.source() + " was rebuilt with another key or other types in the source; its target"
                    + " table is made anew");
        } else {
            alter(before, fresh, source);
        }
    }

    private void alter(TablePlan before, TablePlan fresh, SourceTable source) {
        List<ColumnPlan> columns = new ArrayList<>();
        TablePlan table = new TablePlan(fresh.source(), before.target(), before.identity(), fresh.stored(), columns,
                before.keyColumn(), false, fresh.rows());
        for (ColumnPlan column : fresh.columns()) {
            ColumnPlan was = before.column(column.source());
            if (was != null) {
                columns.add(new ColumnPlan(column.source(), column.index(), was.target(), was.codecId(), was.using()));
            } else {
                columns.add(column);
                added.add(new Added(table, column));
                news.add("column " + table.source() + "." + column.source() + " was added");
                SourceColumn declared = source.column(column.source());
                if (declared.defaultSql() != null && !declared.defaultSql().strip().equalsIgnoreCase("NULL")) {
                    compare.add(table.source());
                }
            }
        }
        for (ColumnPlan was : before.columns()) {
            if (fresh.column(was.source()) == null) {
                columnDrops.add(new Drift.Change(table.source(), "ALTER TABLE " + qualified(table.target())
                        + " DROP COLUMN " + Identifiers.quote(was.target())));
                news.add("column " + table.source() + "." + was.source() + " is gone");
            }
        }
        boolean appended = fresh.stored().size() >= before.stored().size()
                && fresh.stored().subList(0, before.stored().size()).equals(before.stored());
        if (!appended) {
            compare.add(table.source()); // a rebuilt table may hold anything
        }
        tables.add(table);
    }

    /** @param addColumn writes the statement that adds a column to a table */
    Drift drift(MigrationPlan plan, BiFunction<TablePlan, ColumnPlan, String> addColumn) {
        List<Integer> kept = plan.declarations().stream().map(this::ordinal).toList();
        List<Integer> undone = new ArrayList<>();
        for (int i = old.declarations().size() - 1; i >= 0; i--) {
            Declaration declaration = old.declarations().get(i);
            if (!kept.contains(i) && declaration.undo() != null && isUndone(declaration)) {
                undone.add(i);
            }
        }
        List<Drift.Change> changes = new ArrayList<>(drops);
        changes.addAll(columnDrops);
        added.forEach(one -> changes.add(new Drift.Change(one.table().source(), addColumn.apply(one.table(), one.column()))));
        return new Drift(plan, kept, List.copyOf(undone), List.copyOf(changes), compare, forgotten, List.copyOf(news));
    }

    /** Foreign keys between tables that both vanish must go first; everything else goes with its table. */
    private boolean isUndone(Declaration declaration) {
        return switch (declaration.stage()) {
            case FOREIGN_KEY, VIEW -> true;
            case INDEX, UNIQUE, CHECK -> !forgotten.contains(declaration.table());
            case GROUND, TABLE, KEY -> false;
        };
    }

    /** The old declaration that has made what {@code wanted} wants, or -1. */
    private int ordinal(Declaration wanted) {
        for (int i = 0; i < old.declarations().size(); i++) {
            Declaration was = old.declarations().get(i);
            if (was.stage() == wanted.stage() && isMade(was, wanted)) {
                return i;
            }
        }
        return -1;
    }

    private boolean isMade(Declaration was, Declaration wanted) {
        boolean stands = wanted.table() == null || !forgotten.contains(wanted.table());
        return switch (wanted.stage()) {
            case GROUND, INDEX, UNIQUE, CHECK -> stands && was.sql().equals(wanted.sql());
            case TABLE, KEY -> stands && wanted.table().equals(was.table());
            case FOREIGN_KEY -> stands && was.sql().equals(wanted.sql())
                    && droppedTargets.stream().noneMatch(target -> was.sql().contains(" REFERENCES " + qualified(target) + " ("));
            // PostgreSQL refuses to drop what a view shows
            case VIEW -> was.sql().equals(wanted.sql()) && drops.isEmpty() && columnDrops.isEmpty();
        };
    }
}
