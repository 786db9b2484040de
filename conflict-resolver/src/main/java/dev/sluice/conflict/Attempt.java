package dev.sluice.conflict;

/** How rows were being written when they were refused. */
public enum Attempt {
    /** The quick way: deletes and upserts of everything at once. */
    UPSERT_ALL,
    /** The careful way, several rows: the touched keys are gone, the rows are inserted. */
    INSERT_SEVERAL,
    /** The careful way, a single row. */
    INSERT_ONE
}
