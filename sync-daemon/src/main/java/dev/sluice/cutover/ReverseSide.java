package dev.sluice.cutover;

/** The stream of PostgreSQL's commits into SQLite, which somebody else keeps running. */
public interface ReverseSide {

    /**
     * Whether everything that PostgreSQL committed before it was fenced with this epoch is in SQLite, durably: the
     * stream has met the fence's own update of the register. The answer must survive a restart, and must have been
     * written under the check of the generation. May wait a moment (some tens of milliseconds) for it to come true;
     * never longer.
     *
     * @throws AnswerLost if the stream is broken
     */
    boolean drainedTo(long epoch) throws AnswerLost;
}
