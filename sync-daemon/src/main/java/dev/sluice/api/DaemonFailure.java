package dev.sluice.api;

/** The daemon is away or said no; the message is one sentence with what to do. */
public final class DaemonFailure extends RuntimeException {

    private final int status;
    private final boolean absent;

    DaemonFailure(int status, String message) {
        this(status, message, false);
    }

    private DaemonFailure(int status, String message, boolean absent) {
        super(message);
        this.status = status;
        this.absent = absent;
    }

    static DaemonFailure absent(String message) {
        return new DaemonFailure(0, message, true);
    }

    /** True where nothing answered or nobody has made a token yet: a daemon that is still to start looks like that. */
    public boolean isAbsent() {
        return absent;
    }

    /** HTTP's status of the refusal, 0 where no daemon answered. */
    public int status() {
        return status;
    }
}
