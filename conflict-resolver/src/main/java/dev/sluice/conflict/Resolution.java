package dev.sluice.conflict;

/** What to do with refused rows: exactly one of these. */
public enum Resolution {
    /** Start over: remove every touched key first, then insert, so that values may swap or move along a chain. */
    REMOVE_THEN_INSERT,
    /** Try each half by itself. */
    HALVE,
    /** Keep the row whole, with its reason, where the operator sees it; everything else goes on. */
    PARK,
    /** Stop: going on could lose something. The work is repeated when the cause is mended. */
    HALT
}
