package dev.sluice.reverse;

import java.time.Instant;
import java.util.List;

/**
 * How the stream stands.
 *
 * @param streaming true while records can come
 * @param blocked one sentence why it does not go on, or null; it is tried again all the while unless the slot is lost
 * @param lost true if the slot is gone with changes in it: nothing brings them back, and no rollback may trust SQLite
 * @param lsn the last position that SQLite has, as PostgreSQL writes it
 * @param behindBytes log between that position and PostgreSQL's present one; -1 if not known
 * @param behindSeconds age of the oldest heartbeat that has not come through; 0 if all have
 * @param retainedBytes log that PostgreSQL keeps for the slot; -1 if not known
 * @param safeBytes log that may still be written before the slot is lost; null without a limit
 * @param transactions brought into SQLite since the start
 * @param rows changes brought into SQLite since the start
 * @param parkedRows rows that SQLite could not take
 * @param lastCommit when the last transaction that SQLite has was committed in PostgreSQL; null before the first
 * @param warnings sentences about what will become a problem
 */
public record StreamHealth(
        boolean streaming, String blocked, boolean lost, String lsn, long behindBytes, long behindSeconds,
        long retainedBytes, Long safeBytes, long transactions, long rows, long parkedRows, Instant lastCommit,
        List<String> warnings) {}
