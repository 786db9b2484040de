package dev.sluice.schema;

/**
 * A CHECK constraint.
 *
 * @param name null if it has none
 * @param sql the condition's text without its parentheses
 */
public record SourceCheck(String name, String sql) {}
