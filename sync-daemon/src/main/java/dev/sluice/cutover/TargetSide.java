package dev.sluice.cutover;

import dev.sluice.change.Position;

/**
 * PostgreSQL, as the protocol sees it. Every method is one transaction that takes effect wholly or not at all, now or
 * later ({@link AnswerLost}). False means that a condition failed and nothing was changed. Thread rule: one thread.
 *
 * <p>No call may take longer than a small part of the cutover's time limit: while it waits for PostgreSQL, a fence in
 * SQLite can't be lifted. What takes longer has lost its answer.
 *
 * <p>After a lost answer the side itself must forget what it believed to know, the watermark above all, until
 * {@link #ask} has told it.
 */
public interface TargetSide {

    /** Takes this generation if the present one is not greater. */
    boolean takeGeneration(long generation) throws AnswerLost;

    /**
     * Reads the register, and the watermark from which {@link #drain} goes on, both {@code FOR UPDATE}: a transaction
     * of ours that was committing when its connection was lost has ended then.
     */
    Register ask() throws AnswerLost;

    /** Notes in the register that an attempt begins: traffic stays {@link Traffic#SQLITE}, the version rises. */
    boolean begin(Claim claim) throws AnswerLost;

    /**
     * Applies the next piece of the changelog, at most up to {@code head}. The watermark is compared and set in the
     * transaction, and the generation checked.
     */
    Drained drain(long generation, Position head) throws AnswerLost;

    /**
     * Sets PostgreSQL's sequences so that no number that SQLite gave is given again. Locks the register and checks
     * generation, version and traffic first, but does not change it: {@code setval} is not undone by a rollback, so it
     * must not run where the claim does not hold. Reads what it needs from SQLite, which is fenced, before its
     * transaction.
     */
    boolean setSequences(Claim claim) throws AnswerLost;

    /** Traffic stays what it is, the version rises: nothing that was sent on an earlier one can succeed any more. */
    boolean supersede(Claim claim) throws AnswerLost;

    /** {@link Traffic#SQLITE} becomes {@link Traffic#POSTGRES}, and the fence is lifted in the same transaction. */
    boolean flip(Claim claim) throws AnswerLost;

    /** {@link Traffic#POSTGRES} becomes {@link Traffic#FENCED}, and the fence is put up in the same transaction. */
    boolean fence(Claim claim) throws AnswerLost;

    /**
     * {@link Traffic#FENCED} becomes {@link Traffic#POSTGRES} again, and the fence is lifted in the same transaction.
     */
    boolean unfence(Claim claim) throws AnswerLost;

    /** {@link Traffic#FENCED} becomes {@link Traffic#SQLITE}: a rollback is decided. The fence of PostgreSQL stays. */
    boolean settle(Claim claim) throws AnswerLost;

    /** What {@link #drain} says. */
    enum Drained {
        /** The watermark is at {@code head}. */
        DONE,
        /** A piece was applied, more is to come. */
        MORE,
        /** The watermark or the generation is not what this side believed. */
        REFUSED
    }
}
