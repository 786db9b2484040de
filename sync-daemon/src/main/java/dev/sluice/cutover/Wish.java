package dev.sluice.cutover;

/** Where somebody wants the protocol to go. May change between any two steps. */
public enum Wish {
    /** PostgreSQL shall take the writes. */
    CUT_OVER,
    /** SQLite shall take the writes. */
    ROLL_BACK,
    /**
     * Whatever is half way shall end: what the register has decided is finished, what it has not is taken back. For the
     * start of a daemon, and for an attempt that is given up.
     */
    SETTLE;

    /** One word, for the audit log. */
    public String label() {
        return switch (this) {
            case CUT_OVER -> "cutover";
            case ROLL_BACK -> "rollback";
            case SETTLE -> "settle";
        };
    }
}
