package dev.sluice.assess;

import java.time.Duration;

/**
 * What the migration would take.
 *
 * @param targetBytes tables and indexes in PostgreSQL
 * @param copyTime until PostgreSQL has caught up with the source
 * @param assumption how the numbers were made, in one sentence
 */
public record Estimate(long rows, long contentBytes, long targetBytes, Duration copyTime, String assumption) {}
