package dev.sluice.store;

/**
 * How far the target has come.
 *
 * @param seq the highest changelog row applied
 * @param nonce the random number that stood in it
 * @param consistent true if the target then equalled the source as of one commit
 */
public record Watermark(long seq, long nonce, boolean consistent) {}
