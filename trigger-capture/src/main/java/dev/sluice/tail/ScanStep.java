package dev.sluice.tail;

import dev.sluice.change.RowKey;

/**
 * How far {@link Snapshot#scan} came.
 *
 * @param last where the next step goes on, as {@link Chunk#last}; null if there was no row
 * @param end true if no row is left in the range
 * @param rows how many there were
 * @param bytes of their content
 */
public record ScanStep(RowKey last, boolean end, long rows, long bytes) {}
