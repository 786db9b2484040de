package dev.sluice.capture;

/** A newer daemon has taken over the source: this one must stop and change nothing any more. */
public final class StaleGeneration extends RuntimeException {

    public StaleGeneration(long ours, long present) {
        super("a newer daemon (generation " + present + ") has taken over this source from generation " + ours
                + ": stop this one");
    }
}
