package dev.sluice.reverse;

import java.util.Set;

/** The stream may not go on in the shape in which it was opened. Everything before it is on disk in SQLite. */
@SuppressWarnings("serial") // thrown to its own process alone
final class SchemaAhead extends RuntimeException {

    private final transient Set<Alien> aliens;

    /** A column that came in the stream and is not known. */
    record Alien(String table, String column) {}

    /** @param aliens empty where it was to end here */
    SchemaAhead(Set<Alien> aliens) {
        super("PostgreSQL's tables have columns that SQLite does not have yet");
        this.aliens = aliens;
    }

    Set<Alien> aliens() {
        return aliens;
    }

    /** Null if {@code error} is of another kind. */
    static SchemaAhead in(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof SchemaAhead ahead) {
                return ahead;
            }
        }
        return null;
    }
}
