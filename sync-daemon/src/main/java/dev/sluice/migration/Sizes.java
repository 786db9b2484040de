package dev.sluice.migration;

/**
 * What a migration takes up, in bytes unless it says rows; -1 where it can't be told at present.
 *
 * @param changelogRows in the source, applied or not
 * @param changelogBytes estimated from the newest rows
 * @param walBytes of the source's write-ahead log; 0 without one
 * @param slotRetainedBytes log that PostgreSQL keeps for the stream back; 0 without a stream
 * @param streamBehindBytes log that has not come back yet; 0 without a stream
 * @param slotSafeBytes log that may still be written before PostgreSQL drops the slot; -1 also without a limit
 */
public record Sizes(long changelogRows, long changelogBytes, long walBytes, long slotRetainedBytes, long streamBehindBytes,
        long slotSafeBytes) {}
