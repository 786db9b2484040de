package dev.sluice.translate;

import java.util.List;

/** The tables that views may read. */
@FunctionalInterface
public interface Catalog {

    /**
     * Finds a table as SQLite does, without regard to ASCII case.
     *
     * @return null if there is no such table in the target
     */
    Relation find(String table);

    /**
     * A table or view on both sides.
     *
     * @param targetName its name in PostgreSQL, unquoted
     * @param columns all columns in SQLite's order, because {@code SELECT *} means them all
     * @param primaryKey source names of the columns that have a PRIMARY KEY in PostgreSQL when views are created; empty
     *     if there is none
     * @param rowid source name of the column that {@code rowid} means (INTEGER PRIMARY KEY), or null
     */
    record Relation(String targetName, List<NamedColumn> columns, List<String> primaryKey, String rowid) {}

    /** A column with its name in SQLite; {@link Columns#NOT_CARRIED} if PostgreSQL has none. */
    record NamedColumn(String sourceName, Columns.Column column) {}
}
