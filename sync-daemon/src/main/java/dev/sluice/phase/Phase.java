package dev.sluice.phase;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/** The way of a migration. Each phase knows which may follow it. */
public enum Phase {
    CREATED("waits for its first copy"),
    COPYING("copies the tables in chunks while the application writes"),
    CATCHING_UP("applies what was written during the copy, builds indexes and constraints"),
    REPLICATING("PostgreSQL follows SQLite, always as of one commit"),
    CUTTING_OVER("writes are being moved to PostgreSQL"),
    SWITCHED("PostgreSQL takes the writes; SQLite follows"),
    ROLLING_BACK("writes are being moved back to SQLite"),
    COMPLETED("ended on PostgreSQL"),
    CANCELLED("ended on SQLite");

    private final String meaning;

    Phase(String meaning) {
        this.meaning = meaning;
    }

    /** One clause for people: what the migration does in this phase. */
    public String meaning() {
        return meaning;
    }

    /** As it is written in SQL, JSON and on the command line. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Phase of(String label) {
        return valueOf(label.toUpperCase(Locale.ROOT));
    }

    public Set<Phase> successors() {
        return switch (this) {
            case CREATED -> EnumSet.of(COPYING, CANCELLED);
            case COPYING -> EnumSet.of(CATCHING_UP, CANCELLED);
            case CATCHING_UP -> EnumSet.of(REPLICATING, CANCELLED);
            case REPLICATING -> EnumSet.of(CUTTING_OVER, CATCHING_UP, CANCELLED);
            case CUTTING_OVER -> EnumSet.of(SWITCHED, REPLICATING);
            case SWITCHED -> EnumSet.of(ROLLING_BACK, COMPLETED);
            case ROLLING_BACK -> EnumSet.of(REPLICATING, SWITCHED);
            case COMPLETED, CANCELLED -> EnumSet.noneOf(Phase.class);
        };
    }

    /** True if a migration in this phase has come at least as far as {@code other} on the way forward. */
    public boolean hasReached(Phase other) {
        return switch (other) {
            case CREATED -> true;
            case COPYING -> this != CREATED;
            case CATCHING_UP -> this != CREATED && this != COPYING;
            case REPLICATING -> this != CREATED && this != COPYING && this != CATCHING_UP && this != CANCELLED;
            case CUTTING_OVER, SWITCHED -> this == SWITCHED || this == COMPLETED || this == other;
            case ROLLING_BACK, COMPLETED, CANCELLED -> this == other;
        };
    }
}
