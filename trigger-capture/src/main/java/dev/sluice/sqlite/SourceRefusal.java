package dev.sluice.sqlite;

/** The source can't be used as it is; the message is one sentence that says what, where and what to do. */
public final class SourceRefusal extends RuntimeException {

    public SourceRefusal(String message) {
        super(message);
    }

    public SourceRefusal(String message, Throwable cause) {
        super(message, cause);
    }
}
