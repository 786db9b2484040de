package dev.sluice.schema;

/**
 * A view, trigger or virtual table: something that has a text but no rows of its own to copy.
 *
 * @param table the table a trigger belongs to; for others the object's own name
 * @param sql its CREATE statement
 */
public record SourceObject(Kind kind, String name, String table, String sql) {

    /** What it is. */
    public enum Kind {
        VIEW,
        TRIGGER,
        VIRTUAL_TABLE
    }
}
