package dev.sluice.cutover;

/**
 * One step that was taken.
 *
 * @param to where the daemon is now
 * @param reason one sentence; empty unless the answer is {@link Answer#NO} or {@link Answer#LOST}
 */
public record Move(Step step, Answer answer, State to, String reason) {

    /** What came of a step. */
    public enum Answer {
        /** It is done. */
        YES,
        /** It is not done and may be tried again at once: what it waits for has not come. */
        NOT_YET,
        /** A condition did not hold; nothing was changed. */
        NO,
        /** Not known: from here on the protocol asks. */
        LOST
    }

    static Move yes(Step step, State to) {
        return new Move(step, Answer.YES, to, "");
    }

    static Move no(Step step, State to, String reason) {
        return new Move(step, Answer.NO, to, reason);
    }
}
