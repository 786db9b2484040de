package dev.sluice.cutover;

/**
 * On what ground a daemon changes the register. The transaction must begin with one UPDATE that finds the row only with
 * this generation, this version and the traffic that the operation starts from, and writes {@code version + 1}; where
 * it finds none, it rolls back and answers false. So a transaction that arrives late finds another version.
 *
 * @param epoch what the register's epoch is after it
 */
public record Claim(long generation, long version, long epoch) {}
