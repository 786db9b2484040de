package dev.sluice.cutover;

/**
 * It is not known whether the transaction was committed: the connection was lost, a time limit passed, the database was
 * locked. It may even be committed later. Whoever gets this must ask before it does anything else.
 */
public final class AnswerLost extends Exception {

    private static final long serialVersionUID = 1L;

    /** @param cause what the driver said; its message is what people get to read */
    public AnswerLost(Throwable cause) {
        super(cause.getMessage(), cause);
    }

    /** @param message one sentence: which side did not answer, and why */
    public AnswerLost(String message) {
        super(message);
    }
}
