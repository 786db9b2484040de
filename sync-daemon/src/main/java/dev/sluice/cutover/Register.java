package dev.sluice.cutover;

/**
 * The control row in PostgreSQL, which alone decides who takes writes.
 *
 * @param epoch raised by every flip and by every fence of a rollback
 * @param version rises with every change of the row
 * @param generation that of the newest daemon PostgreSQL knows of
 */
public record Register(Traffic traffic, long epoch, long version, long generation) {}
