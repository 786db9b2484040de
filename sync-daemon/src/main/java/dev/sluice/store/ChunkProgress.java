package dev.sluice.store;

import dev.sluice.change.Position;
import dev.sluice.change.RowKey;

/**
 * How far the copy of one part of a table has come.
 *
 * @param after the cursor of the last row copied, null before the first
 * @param until the cursor of the part's last row, null for the last part
 * @param rows copied so far
 * @param bytes copied so far
 * @param head the newest changelog row that the last chunk's snapshot showed; null before it and without capture
 */
public record ChunkProgress(
        String table, int part, RowKey after, RowKey until, long rows, long bytes, boolean done, Position head) {}
