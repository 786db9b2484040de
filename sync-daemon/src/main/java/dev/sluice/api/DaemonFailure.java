package dev.sluice.api;

/** The daemon is away or said no; the message is one sentence with what to do. */
public final class DaemonFailure extends RuntimeException {

    private final int status;

    DaemonFailure(int status, String message) {
        super(message);
        this.status = status;
    }

    /** HTTP's status of the refusal, 0 where no daemon answered. */
    public int status() {
        return status;
    }
}
