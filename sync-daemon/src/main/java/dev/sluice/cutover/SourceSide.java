package dev.sluice.cutover;

import dev.sluice.change.Position;
import java.util.Optional;

/**
 * SQLite, as the protocol sees it. Every method is one transaction, and every one that takes a generation changes
 * nothing unless the control row has exactly this generation. All can be repeated. Thread rule: one thread.
 *
 * <p>Every commit must survive a power loss ({@code synchronous=FULL} in WAL mode): a fence or a noted flip that is
 * forgotten is a second writer.
 *
 * <p>A commit here is local and never arrives late, but the file may be locked for longer than the busy timeout: that
 * is {@link AnswerLost} too.
 */
public interface SourceSide {

    /** Takes a generation that is greater than the present one and at least {@code min}, and answers it. */
    long takeGeneration(long min) throws AnswerLost;

    SourceLook look() throws AnswerLost;

    /**
     * Refuses the application's writes from its commit on; the write lock proves that none is in flight. Drops the
     * application's triggers, keeping their text.
     *
     * @param epoch the epoch that refused writes name
     * @param recallable whether {@link #recall} may lift it
     * @return the newest changelog row, so the last write that there is; empty if there is a newer daemon
     */
    Optional<Position> fence(long generation, long epoch, boolean recallable) throws AnswerLost;

    /**
     * Removes the mark that lets {@link #recall} lift the fence, durably, if the schema is still the plan's (DDL
     * passes the fence). After {@link Noted#DONE}, and only then, a flip may be sent.
     */
    Noted noteFlip(long generation) throws AnswerLost;

    /**
     * Lifts the fence if it stands and is marked as recallable, with the epoch that was in force before it, and makes
     * the application's triggers again.
     *
     * @return false if nothing was lifted
     */
    boolean recall(long generation) throws AnswerLost;

    /**
     * Sets {@code sqlite_sequence} so that no number that PostgreSQL gave is given again. Reads what it needs from
     * PostgreSQL, which is fenced, before its own transaction.
     *
     * @return false if there is a newer daemon
     */
    boolean setSequences(long generation) throws AnswerLost;

    /**
     * Takes the application's writes again, and makes its triggers again, ours as the newest. Only sent when the
     * register is known to say that SQLite has traffic.
     *
     * @param epoch the epoch that is in force
     * @return false if there is a newer daemon
     */
    boolean lift(long generation, long epoch) throws AnswerLost;

    /** What {@link #noteFlip} says. */
    enum Noted {
        DONE,
        /** The schema is not the plan's any more; nothing was noted. */
        SCHEMA_CHANGED,
        /** There is a newer daemon; nothing was noted. */
        OUTDATED
    }
}
