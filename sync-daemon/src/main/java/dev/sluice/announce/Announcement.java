package dev.sluice.announce;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.cutover.Traffic;

/**
 * Which side takes the application's writes. Immutable.
 *
 * @param side        {@link Traffic#FENCED} for the moment in which neither does
 * @param epoch       the number that each switch raises; one that is given up after its fence gives it back
 * @param databaseUrl what the application should open; while fenced still the side that had traffic before, where it
 *                    may read. May hold a password, so {@link #toString} leaves it out
 */
public record Announcement(Traffic side, long epoch, String databaseUrl) {

    public Announcement {
        if (databaseUrl.chars().anyMatch(c -> c < ' ' || c == 0x7f)) {
            throw new IllegalArgumentException("a database's address can't hold line ends or other control characters");
        }
    }

    public String label() {
        return side.label();
    }

    /** Names this state among all others of a migration: {@code 7-postgres}. */
    public String mark() {
        return epoch + "-" + label();
    }

    /**
     * True if this may be announced after {@code earlier}. What is older comes from a daemon that has been replaced, but
     * for the end of a pause: a switch that is given up goes back to the epoch before it.
     */
    boolean mayFollow(Traffic earlier, long earlierEpoch) {
        return epoch >= earlierEpoch || earlier == Traffic.FENCED && side != Traffic.FENCED;
    }

    /** {@code {"traffic": "postgres", "epoch": 7, "mark": "7-postgres", "databaseUrl": "…"}}. */
    public ObjectNode json() {
        return JsonNodeFactory.instance.objectNode().put("traffic", label()).put("epoch", epoch).put("mark", mark())
                .put("databaseUrl", databaseUrl);
    }

    /** Three assignments that a POSIX shell and systemd's EnvironmentFile read alike, a line each. */
    public String shell() {
        return "DATABASE_URL=" + quoted(databaseUrl) + "\nSLUICE_TRAFFIC=" + label() + "\nSLUICE_EPOCH=" + epoch + "\n";
    }

    /**
     * Double quotes with a backslash before {@code " \ ` $} are the form that both read alike: systemd's env-file.c
     * unescapes just these (SHELL_NEED_ESCAPE) and takes {@code $} literally.
     */
    private static String quoted(String text) {
        return text.matches("[A-Za-z0-9_@%+=:,./?-]*") ? text : '"' + text.replaceAll("([\"\\\\`$])", "\\\\$1") + '"';
    }

    @Override
    public String toString() {
        return mark();
    }
}
