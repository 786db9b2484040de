package dev.sluice.schema;

import java.util.List;

/**
 * A table with everything that is declared on it.
 *
 * @param sql its CREATE TABLE statement
 * @param columns all columns in declared order, generated ones included
 * @param checks column and table CHECKs in declared order
 * @param primaryKey declared primary key columns in key order, empty if none
 * @param identity null if rows can't be named at all (no key, and all names of the rowid taken)
 */
public record SourceTable(
        String name, String sql, List<SourceColumn> columns, List<String> primaryKey, String primaryKeyName,
        List<SourceIndex> indexes, List<SourceForeignKey> foreignKeys, List<SourceCheck> checks,
        boolean withoutRowid, boolean strict, boolean autoincrement, RowIdentity identity) {

    /** The columns whose values are stored, in order: what a {@link dev.sluice.change.Row} holds. */
    public List<SourceColumn> storedColumns() {
        return columns.stream().filter(column -> !column.isGenerated()).toList();
    }

    /** Finds a column without regard to ASCII case, as SQLite does; null if there is none. */
    public SourceColumn column(String columnName) {
        return columns.stream().filter(c -> c.name().equalsIgnoreCase(columnName)).findFirst().orElse(null);
    }

    public SourceTable withIdentity(RowIdentity other) {
        return new SourceTable(name, sql, columns, primaryKey, primaryKeyName, indexes, foreignKeys, checks,
                withoutRowid, strict, autoincrement, other);
    }
}
