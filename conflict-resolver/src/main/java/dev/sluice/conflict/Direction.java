package dev.sluice.conflict;

/** Which way a row goes. */
public enum Direction {
    /** From SQLite into PostgreSQL. */
    FORWARD,
    /** From PostgreSQL back into SQLite. */
    REVERSE
}
