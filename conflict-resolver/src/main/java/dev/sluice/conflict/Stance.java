package dev.sluice.conflict;

/** A {@link Policy} as seen from a row that arrives: the same whichever way it goes. */
public enum Stance {
    /** The arriving version wins. */
    INCOMING,
    /** The version that is there wins. */
    EXISTING,
    /** The younger of the two wins. */
    NEWER,
    /** Each column as the side has it that changed it; columns that both changed are decided by their own policy. */
    MERGE,
    PARK,
    HALT
}
