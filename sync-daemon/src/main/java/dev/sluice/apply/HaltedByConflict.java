package dev.sluice.apply;

import dev.sluice.store.Conflict;

/** A policy says that nothing may go on until the operator has decided. What was begun must be rolled back. */
public final class HaltedByConflict extends RuntimeException {

    private final transient Conflict conflict;

    HaltedByConflict(Conflict conflict) {
        super("a row of " + conflict.table() + " is in conflict (" + conflict.kind().code() + "), and its policy is halt: look at"
                + " it with sluice conflicts list, and decide with sluice conflicts resolve");
        this.conflict = conflict;
    }

    /** To be written down, in a transaction of its own, so that the operator can decide. */
    public Conflict conflict() {
        return conflict;
    }
}
