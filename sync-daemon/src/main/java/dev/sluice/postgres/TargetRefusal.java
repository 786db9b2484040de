package dev.sluice.postgres;

/** The target can't be used as it is; the message is one sentence that says what, where and what to do. */
public final class TargetRefusal extends RuntimeException {

    public TargetRefusal(String message) {
        super(message);
    }

    public TargetRefusal(String message, Throwable cause) {
        super(message, cause);
    }
}
