package dev.sluice.phase;

import java.util.Locale;

/**
 * Whether a migration moves at present, whatever its phase.
 *
 * @param reason one sentence for {@link Kind#BLOCKED}, else empty
 */
public record RunState(Kind kind, String reason) {

    public static final RunState RUNNING = new RunState(Kind.RUNNING, "");
    public static final RunState PAUSED = new RunState(Kind.PAUSED, "");

    /** The kinds of {@link RunState}. */
    public enum Kind {
        RUNNING,
        PAUSED,
        BLOCKED
    }

    public static RunState blocked(String reason) {
        return new RunState(Kind.BLOCKED, reason);
    }

    /** For people and JSON: {@code running}, {@code paused} or {@code blocked(reason)}. */
    public String label() {
        return kind == Kind.BLOCKED ? "blocked(" + reason + ")" : kind.name().toLowerCase(Locale.ROOT);
    }
}
