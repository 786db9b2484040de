package dev.sluice.reverse;

/**
 * The application changed PostgreSQL's schema while PostgreSQL has traffic, which SQLite does not know of.
 *
 * @param table the target table
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
        COLUMN_CHANGED
    }
}
