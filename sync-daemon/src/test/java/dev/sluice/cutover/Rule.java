package dev.sluice.cutover;

/** The rules of docs/design/cutover.md, each of which can be left out to see what breaks. */
enum Rule {
    /** Every change of the register is compare-and-set on its version. */
    VERSION,
    /** Every transaction checks that its daemon is the newest. */
    GENERATION,
    /** Applying compares and sets the watermark. */
    WATERMARK,
    /** What was written until the fence is applied before the flip. */
    DRAIN_AFTER_FENCE,
    /** An attempt is given up in the register before SQLite's fence is lifted. */
    DECIDE_GIVING_UP,
    /** A daemon that finds PostgreSQL switched makes a fence that may be under way impossible before it rests. */
    CONFIRM,
    /** A rollback is decided in the register before SQLite's fence is lifted. */
    DECIDE_ROLLBACK,
    /** The mark that lets the fence be recalled is removed before a flip is sent. */
    INTENT,
    /** What PostgreSQL committed until its fence is in SQLite before that takes writes. */
    DRAIN_REVERSE,
    /** The reverse stream is drained when it meets the marker of this fence, not of an earlier one. */
    MARKER,
    /** PostgreSQL's sequences are set between SQLite's fence and the flip. */
    TARGET_SEQUENCES,
    /** PostgreSQL's sequences are only set under a claim that holds. */
    SEQUENCES_CLAIMED,
    /** SQLite's sequences are set between PostgreSQL's fence and the lift. */
    SOURCE_SEQUENCES
}
