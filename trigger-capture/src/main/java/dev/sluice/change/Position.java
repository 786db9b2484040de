package dev.sluice.change;

/**
 * A place in the changelog.
 *
 * @param seq the changelog row's number
 * @param nonce the random number that the row got when it was written: a source that went back in time gives the same
 *     seq again, but not the same nonce
 */
public record Position(long seq, long nonce) {}
