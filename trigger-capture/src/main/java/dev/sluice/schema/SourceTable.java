package dev.sluice.schema;

import dev.sluice.sqlite.SqlText;
import java.util.List;
import java.util.Set;

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

    private static final List<String> ROWID_NAMES = List.of("_rowid_", "rowid", "oid");
    static final Set<String> BUILT_IN_COLLATIONS = Set.of("BINARY", "NOCASE", "RTRIM");

    /** The columns whose values are stored, in order: what a {@link dev.sluice.change.Row} holds. */
    public List<SourceColumn> storedColumns() {
        return columns.stream().filter(column -> !column.isGenerated()).toList();
    }

    /** Finds a column without regard to ASCII case, as SQLite does; null if there is none. */
    public SourceColumn column(String columnName) {
        return columns.stream().filter(c -> SqlText.sameName(c.name(), columnName)).findFirst().orElse(null);
    }

    /**
     * The first of {@code _rowid_}, {@code rowid} and {@code oid} that is not the name of a column; null where all
     * three are, or where the table is WITHOUT ROWID.
     */
    public String rowidName() {
        return withoutRowid ? null
                : ROWID_NAMES.stream().filter(candidate -> column(candidate) == null).findFirst().orElse(null);
    }

    /** The index that keeps the primary key unique; null for an INTEGER PRIMARY KEY and where there is no key. */
    public SourceIndex keyIndex() {
        return indexes.stream().filter(index -> index.origin() == SourceIndex.Origin.PRIMARY_KEY).findFirst()
                .orElse(null);
    }

    /**
     * False if the primary key has a collation that only the application knows: its order and equality are unknown
     * here.
     */
    public boolean keyComparesHere() {
        SourceIndex keyIndex = keyIndex();
        return primaryKey.stream().allMatch(name -> BUILT_IN_COLLATIONS.contains(column(name).collation()))
                && (keyIndex == null || keyIndex.opensHere());
    }

    /** The affinity of a column here: in a STRICT table ANY is none, elsewhere it is a word that means NUMERIC. */
    public Affinity affinity(SourceColumn column) {
        return strict && column.declaredType().equalsIgnoreCase("ANY") ? Affinity.BLOB : column.affinity();
    }

    public SourceTable withIdentity(RowIdentity other) {
        return new SourceTable(name, sql, columns, primaryKey, primaryKeyName, indexes, foreignKeys, checks,
                withoutRowid, strict, autoincrement, other);
    }
}
