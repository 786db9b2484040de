package dev.sluice.cutover;

import java.time.Duration;
import java.util.Optional;

/**
 * How a switch ended.
 *
 * @param state where the daemon is; what comes next may go on from there
 * @param reason one sentence for {@link Kind#GIVEN_UP}, {@link Kind#UNKNOWN} and {@link Kind#OUTDATED}, else empty
 * @param pause how long no side took writes, from the fence to the flip (or to the lift), as this daemon saw it; empty
 *     if nothing was fenced, or not by this run
 */
public record Outcome(Kind kind, State state, String reason, Optional<Duration> pause) {

    /** The ways to end. */
    public enum Kind {
        /** The wish is fulfilled. */
        DONE,
        /** The side that had traffic has it again, and takes writes. */
        GIVEN_UP,
        /** PostgreSQL can't be asked and patience has ended; the fences are as they were. */
        UNKNOWN,
        /** There is a newer daemon, which has taken over. */
        OUTDATED
    }

    /** Who takes writes, if this daemon knows. */
    public Optional<Traffic> traffic() {
        return switch (state.place()) {
            case LOOKED -> state.fenced() ? Optional.empty() : Optional.of(Traffic.SQLITE);
            case REPLICATING, BEGUN, RECALLED -> Optional.of(Traffic.SQLITE);
            case SWITCHED, FOUND_SWITCHED -> Optional.of(Traffic.POSTGRES);
            default -> Optional.empty();
        };
    }
}
