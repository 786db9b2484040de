package dev.sluice.cutover;

/** Where a daemon is, as far as it knows. Nothing of this is stored: it is found again by looking and asking. */
public enum Place {
    /** Has no generation. */
    START,
    /** Has a generation in SQLite. */
    STARTED,
    /** Has a generation and knows nothing else. */
    UNKNOWN,
    /** Has looked at SQLite, but not asked PostgreSQL. */
    LOOKED,
    /** SQLite has traffic and takes writes. */
    REPLICATING,
    /** As before, and the register knows of an attempt. */
    BEGUN,
    /** SQLite is fenced, nothing is decided, the last changes may not be applied. */
    FENCED,
    /** All changes are applied. */
    DRAINED,
    /** PostgreSQL's sequences are set. */
    NUMBERED,
    /** The flip may be sent. */
    NOTED,
    /** As {@link #FENCED}, but this attempt can only be taken back. */
    SPOILED,
    /** SQLite was recalled and takes writes; PostgreSQL was not asked. */
    RECALLED,
    /** The register says PostgreSQL, but a fence that was sent may still arrive. */
    FOUND_SWITCHED,
    /** PostgreSQL has traffic and takes writes. */
    SWITCHED,
    /** Both sides are fenced for a rollback, nothing is decided, the last commits may not be in SQLite. */
    TURNING,
    /** All commits are in SQLite. */
    RETURNED,
    /** SQLite's sequences are set. */
    RENUMBERED,
    /** The register is known to say SQLite, whose fence may still stand. */
    DECIDED,
    /** The register does not say SQLite, and yet SQLite is not fenced as it should be: the file was replaced. */
    EXPOSED,
    /** There is a newer daemon: this one has no say any more. */
    OUTDATED;

    /** True where one side takes writes and this daemon knows which. */
    public boolean isSettled() {
        return switch (this) {
            case REPLICATING, BEGUN, RECALLED, SWITCHED -> true;
            default -> false;
        };
    }
}
