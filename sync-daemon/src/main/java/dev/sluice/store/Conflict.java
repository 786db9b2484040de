package dev.sluice.store;

import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.conflict.ConflictKind;
import dev.sluice.conflict.Direction;
import dev.sluice.conflict.Verdict;
import java.time.Instant;
import java.util.List;

/**
 * Two versions of a row that disagreed, and what was done.
 *
 * @param id from 1 within the migration; 0 until stored
 * @param direction which way the incoming version came
 * @param table the source table
 * @param kept the columns of the existing row that stayed, where both were merged
 * @param columns the source's names of what a version consists of
 * @param incoming the version that arrived, null where it is a delete, or where it is too large to keep
 * @param incomingHash SHA-256 over its typed values, empty for a delete
 * @param existing the version that was there, null where there was none, or where it is too large to keep
 * @param existingHash as {@code incomingHash}
 * @param seq the changelog row it came with; 0 where it did not come with one
 * @param state what is left to do
 * @param decision what the operator decided, else null
 * @param decidedBy who did
 */
public record Conflict(long id, Direction direction, String table, RowKey key, ConflictKind kind, Verdict.Act act, List<String> kept,
        List<String> columns, List<Value> incoming, String incomingHash, List<Value> existing, String existingHash, long seq,
        State state, Decision decision, String decidedBy, Instant at, Instant decidedAt) {

    /** What is left to do. */
    public enum State {
        /** The sides differ, or everything waits: the operator may decide. */
        OPEN,
        /** The operator has decided, and it has not been done yet. */
        DECIDED,
        /** Done: by the policy, by the operator, or by a later change of the row. */
        CLOSED
    }

    /** Which version an operator takes. */
    public enum Decision { INCOMING, EXISTING }

    /** What taking the version of SQLite, or else PostgreSQL's, means here. */
    public Decision of(boolean source) {
        return source == (direction == Direction.FORWARD) ? Decision.INCOMING : Decision.EXISTING;
    }

    /** A conflict that has just been decided by policy. */
    public static Conflict met(Direction direction, String table, RowKey key, Verdict verdict, List<String> columns, List<Value> incoming,
            List<Value> existing, long seq) {
        boolean settled = verdict.act() == Verdict.Act.APPLY;
        return new Conflict(0, direction, table, key, verdict.kind(), verdict.act(), verdict.kept().stream().map(columns::get).toList(),
                columns, incoming, RowPrint.hash(incoming), existing, RowPrint.hash(existing), seq,
                settled ? State.CLOSED : State.OPEN, null, null, null, null);
    }
}
