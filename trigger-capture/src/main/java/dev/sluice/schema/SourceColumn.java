package dev.sluice.schema;

/**
 * A column as declared.
 *
 * @param declaredType the type's text, empty if none
 * @param notNull true if declared NOT NULL
 * @param defaultSql the DEFAULT expression's text, or null
 * @param keyPosition 1-based position in the primary key, 0 if not part of it
 * @param generation whether SQLite computes it
 * @param generatedSql the expression of a generated column without its parentheses, or null
 * @param collation BINARY unless declared otherwise
 */
public record SourceColumn(
        String name, String declaredType, boolean notNull, String defaultSql, int keyPosition,
        Generation generation, String generatedSql, String collation) {

    /** How a column gets its value. */
    public enum Generation {
        NONE,
        VIRTUAL,
        STORED
    }

    public Affinity affinity() {
        return Affinity.of(declaredType);
    }

    public boolean isGenerated() {
        return generation != Generation.NONE;
    }
}
