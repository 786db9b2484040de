package dev.sluice.reverse;

/**
 * The application changed PostgreSQL's schema while PostgreSQL has traffic, and SQLite has nothing of it.
 *
 * @param table the target table; empty for what belongs to none
 * @param column the target column, or null
 * @param sentence what was seen, and what it means for a rollback
 */
public record SchemaNotice(Kind kind, String table, String column, String sentence) {

    /** What happened. */
    public enum Kind {
        TABLE_ADDED,
        TABLE_GONE,
        COLUMN_ADDED,
        COLUMN_GONE,
        COLUMN_CHANGED,
        /** A constraint, an index, a trigger, a view, an enum, or a column's DEFAULT or NOT NULL. */
        PIECE_ADDED,
        PIECE_GONE,
        PIECE_CHANGED
    }
}
