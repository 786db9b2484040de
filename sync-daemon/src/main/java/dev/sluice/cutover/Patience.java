package dev.sluice.cutover;

import java.util.Optional;

/** How long a switch is tried: the clock of {@link Switchover}, which has none. Called by the thread that drives it. */
public interface Patience {

    /** Why the attempt shall be taken back, if so: its time is up, or somebody called it off. Once said, it stays. */
    Optional<String> giveUp();

    /**
     * Called when a step had no answer or was refused. Waits a moment, longer with every time in a row, but never
     * beyond the time limit while that is to come.
     *
     * @param failures how many steps failed without one between them that was done, looking not counted
     * @return false to end with {@link Outcome.Kind#UNKNOWN}: SQLite's fence, if it stands, then stands until a daemon
     *     settles what is half way
     */
    boolean again(int failures) throws InterruptedException;
}
