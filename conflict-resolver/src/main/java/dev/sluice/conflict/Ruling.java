package dev.sluice.conflict;

/** What a cell of the {@link ConflictTable} says. */
enum Ruling {
    APPLY,
    KEEP,
    /** The younger one; parked where that can't be told. */
    NEWER,
    /** Column by column; parked where both changed one that has no policy of its own. */
    MERGE,
    PARK,
    HALT
}
