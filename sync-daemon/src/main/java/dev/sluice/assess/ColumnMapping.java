package dev.sluice.assess;

import dev.sluice.census.ColumnCensus;

/**
 * What one column would become.
 *
 * @param type the PostgreSQL type, or null if no type holds all of its values
 * @param evidence why that type, in one sentence without its full stop
 * @param refused why not the type that was declared, or null if it is that
 */
public record ColumnMapping(String name, String type, String evidence, String refused, ColumnCensus census) {}
