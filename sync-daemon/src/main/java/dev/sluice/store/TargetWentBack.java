package dev.sluice.store;

/**
 * The target does not hold what we know it held: it was restored, or failed over to a replica that lacked our latest
 * commits. What it says now is the truth again; what else was lost with them, only a comparison can tell.
 */
public final class TargetWentBack extends RuntimeException {

    private final boolean lossy;

    /** @param lossy false where nothing but our own knowledge is stale, so that nothing has to be compared */
    public TargetWentBack(String message, boolean lossy) {
        super(message);
        this.lossy = lossy;
    }

    public boolean lossy() {
        return lossy;
    }
}
