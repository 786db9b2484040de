package dev.sluice.plan;

/**
 * One statement that brings a declaration to the target, and how it is undone.
 *
 * @param stage when it runs
 * @param table the source table that it belongs to, or null
 * @param object for people, for example {@code index "idx_users_email"}
 * @param undo the statement that takes it back
 * @param required true if the migration can't go on without it
 */
public record Declaration(Stage stage, String table, String object, String sql, String undo, boolean required) {

    /** The order in which the target is built. */
    public enum Stage {
        /** Schemas and extensions. */
        GROUND,
        TABLE,
        /** Primary keys, when a table's rows are in. */
        KEY,
        /** Plain indexes: they can be built over rows that are not final. */
        INDEX,
        /** Unique indexes and constraints: only over a consistent state. */
        UNIQUE,
        CHECK,
        FOREIGN_KEY,
        VIEW
    }
}
