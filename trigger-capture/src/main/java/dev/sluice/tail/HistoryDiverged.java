package dev.sluice.tail;

/**
 * The source is no longer the continuation of what was applied: restored, replaced or cut by a power loss. What was
 * applied must be healed (see {@link HealScan}) or compared anew before anything else.
 */
public final class HistoryDiverged extends RuntimeException {

    /** How it was noticed. */
    public enum Reason {
        /** The path leads to another file than the one that is open. */
        FILE_REPLACED,
        /** Another installation of capture, or none. */
        EPOCH_DIFFERS,
        /** The changelog row at the watermark is not there. */
        ROW_MISSING,
        /** There is a row of that number, but it is another one. */
        NONCE_DIFFERS
    }

    private final Reason reason;

    public HistoryDiverged(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
