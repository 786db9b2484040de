package dev.sluice.cutover;

import java.time.Duration;

/** Hears of every step, for the audit log, for hooks and for people. Called by the thread that drives the switch. */
public interface Observer {

    /**
     * Before a step is taken; it may be the same again. What is written down here says what may have been done.
     *
     * @param epoch the register's, 0 while it was not asked
     * @throws Vetoed to take the attempt back: SQLite keeps the writes in a cutover, PostgreSQL in a rollback. Without
     *     effect where it is decided already, or being taken back
     */
    void before(Step step, long epoch) throws Vetoed;

    /** After it. */
    void after(Move move, Duration took);

    /** The attempt shall not go on. */
    final class Vetoed extends Exception {

        private static final long serialVersionUID = 1L;

        /** @param reason one sentence: who does not want it, and why */
        public Vetoed(String reason) {
            super(reason);
        }
    }
}
