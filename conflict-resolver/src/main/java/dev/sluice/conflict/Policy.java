package dev.sluice.conflict;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What the operator wants done where two versions of a row disagree. */
public enum Policy {
    /** The side that takes the writes is right, and nobody looks what is overwritten. Costs nothing; the default. */
    TRAFFIC_WINS,
    /** SQLite's version wins. */
    SOURCE_WINS,
    /** PostgreSQL's version wins. */
    TARGET_WINS,
    /** The younger version wins: by a column, or the one that arrives. */
    NEWEST_WINS,
    /** Columns that only one side changed are taken from that side. */
    MERGE,
    /** The arriving version is kept aside, the one that is there stays. */
    PARK,
    /** Nothing goes on until the operator has decided. */
    HALT;

    /** As it is written in settings and reports: {@code source wins}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    public static Optional<Policy> of(String label) {
        return Arrays.stream(values()).filter(policy -> policy.label().equals(label)).findFirst();
    }

    /** False where disagreement is not looked for, so that nothing has to be remembered. */
    public boolean detects() {
        return this != TRAFFIC_WINS;
    }

    /** What it means for a row that goes {@code direction}. */
    public Stance towards(Direction direction) {
        return switch (this) {
            case TRAFFIC_WINS -> Stance.INCOMING;
            case SOURCE_WINS -> direction == Direction.FORWARD ? Stance.INCOMING : Stance.EXISTING;
            case TARGET_WINS -> direction == Direction.FORWARD ? Stance.EXISTING : Stance.INCOMING;
            case NEWEST_WINS -> Stance.NEWER;
            case MERGE -> Stance.MERGE;
            case PARK -> Stance.PARK;
            case HALT -> Stance.HALT;
        };
    }
}
