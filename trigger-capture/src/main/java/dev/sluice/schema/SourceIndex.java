package dev.sluice.schema;

import java.util.List;

/**
 * An index, declared or implied by a constraint.
 *
 * @param origin where it comes from
 * @param terms in index order
 * @param predicate the WHERE text of a partial index, or null
 * @param sql the CREATE INDEX statement, null for one that a constraint implies
 */
public record SourceIndex(
        String name, Origin origin, boolean unique, List<Term> terms, String predicate, String sql) {

    /** Who asked for the index. */
    public enum Origin {
        CREATE_INDEX,
        UNIQUE_CONSTRAINT,
        PRIMARY_KEY
    }

    /**
     * One indexed term: a column, or an expression.
     *
     * @param column the column's name, null for an expression
     * @param expression the expression's text, null for a column
     * @param collation the collation that the index compares with
     */
    public record Term(String column, String expression, String collation, boolean descending) {}

    /** False if only the application can open it, because it uses a collation that nobody else has. */
    public boolean opensHere() {
        return terms.stream().allMatch(term -> SourceTable.BUILT_IN_COLLATIONS.contains(term.collation()));
    }

    /** True if every term is a column and every row is in it. */
    public boolean isPlain() {
        return predicate == null && terms.stream().allMatch(term -> term.column() != null);
    }
}
