package dev.sluice.cutover;

import dev.sluice.change.Position;

/**
 * What a daemon knows between two steps. It holds only what its place needs, so that equal states behave alike; all
 * else is 0, false or null.
 *
 * @param generation the one this daemon has taken; at {@link Place#START} the least it may take
 * @param version the register's, as it was last heard
 * @param epoch the register's
 * @param fenced whether SQLite was seen fenced
 * @param recallable whether SQLite's fence may be lifted without asking
 * @param head the last write in SQLite, while its fence stands
 */
public record State(
        Place place, long generation, long version, long epoch, boolean fenced, boolean recallable, Position head) {

    /** A daemon that has taken no generation. */
    public static State start() {
        return known(Place.START, 0);
    }

    /** A daemon that has taken this generation on both sides and knows nothing else: any moment may be resumed so. */
    public static State unknown(long generation) {
        return known(Place.UNKNOWN, generation);
    }

    static State known(Place place, long generation) {
        return new State(place, generation, 0, 0, false, false, null);
    }

    State looked(SourceLook look) {
        return new State(Place.LOOKED, generation, 0, 0, look.fenced(), look.recallable(),
                look.fenced() ? look.head() : null);
    }

    /** What the register adds to a look at SQLite. */
    State asked(Register register) {
        boolean held = fenced && !recallable; // as it is from the moment before a flip to the end of a rollback
        Place found = switch (register.traffic()) {
            case SQLITE -> fenced ? Place.FENCED : Place.REPLICATING;
            case POSTGRES -> held ? Place.FOUND_SWITCHED : Place.EXPOSED;
            case FENCED -> held ? Place.TURNING : Place.EXPOSED;
        };
        State state = new State(found, generation, register.version(), register.epoch(), false, false, null);
        return found == Place.FENCED ? state.fenced(recallable, head) : state;
    }

    State fenced(boolean mayBeRecalled, Position last) {
        return new State(Place.FENCED, generation, version, epoch, true, mayBeRecalled, last);
    }

    /** The same attempt, a step further; the head is of use only until all is drained. */
    State further(Place next) {
        return new State(next, generation, version, epoch, fenced, recallable, null);
    }

    State noted() {
        return new State(Place.NOTED, generation, version, epoch, true, false, null);
    }

    /** After the register was changed. */
    State changed(Place next, Claim by) {
        return new State(next, generation, version + 1, by.epoch(), false, false, null);
    }

    /** For a change of the register. */
    Claim claim(long epochAfter) {
        return new Claim(generation, version, epochAfter);
    }
}
