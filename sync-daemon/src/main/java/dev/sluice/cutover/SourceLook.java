package dev.sluice.cutover;

import dev.sluice.change.Position;

/**
 * The source's control row, as read in one transaction.
 *
 * @param generation that of the newest daemon SQLite knows of
 * @param fenced true if application writes are refused
 * @param recallable true if the fence may be lifted without asking PostgreSQL; false where it is not fenced
 * @param head the newest changelog row; while fenced, the last write that there is
 */
public record SourceLook(long generation, boolean fenced, boolean recallable, Position head) {}
