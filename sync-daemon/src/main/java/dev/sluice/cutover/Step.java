package dev.sluice.cutover;

import java.util.List;
import java.util.Locale;

/**
 * What the protocol can do: each is at most one transaction on one side, and can be repeated. The labels are stable.
 */
public enum Step {
    // start and resume
    TAKE_SOURCE("takes a generation in SQLite: an older daemon can change nothing there any more"),
    TAKE_TARGET("takes the generation in PostgreSQL: an older daemon can change nothing there any more"),
    LOOK("reads SQLite's control row"),
    ASK("reads the register in PostgreSQL, which decides"),
    REFENCE("fences SQLite again, as the register does not say that it has traffic"),
    // cutover
    BEGIN("notes in the register that an attempt begins"),
    FENCE_SOURCE("SQLite refuses writes from here on"),
    DRAIN("applies the last changes to PostgreSQL"),
    SET_TARGET_SEQUENCES("sets PostgreSQL's sequences behind SQLite's last numbers"),
    NOTE_FLIP("checks the schema and notes in SQLite that the flip may be under way"),
    FLIP("PostgreSQL takes writes from here on"),
    // taking a cutover back
    RECALL("lifts SQLite's fence without asking, as no flip was sent"),
    GIVE_UP("makes any flip that may be under way impossible"),
    // rollback
    FENCE_TARGET("PostgreSQL refuses writes from here on"),
    DRAIN_REVERSE("applies PostgreSQL's last commits to SQLite"),
    SET_SOURCE_SEQUENCES("sets SQLite's sequences behind PostgreSQL's last numbers"),
    DECIDE("the register says that SQLite has traffic"),
    CONFIRM("makes any fence that may be under way impossible"),
    UNFENCE("PostgreSQL takes writes again: the rollback is given up"),
    // the end of both
    LIFT("SQLite takes writes from here on");

    private final String meaning;

    Step(String meaning) {
        this.meaning = meaning;
    }

    /** As it stands in the audit log, in JSON and in the environment of hooks. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** One clause for people: what it does. */
    public String meaning() {
        return meaning;
    }

    /** The steps of a cutover in which nothing fails, in order. */
    public static List<Step> ofCutover() {
        return List.of(BEGIN, FENCE_SOURCE, DRAIN, SET_TARGET_SEQUENCES, NOTE_FLIP, FLIP);
    }

    /** The steps of a rollback in which nothing fails, in order. */
    public static List<Step> ofRollback() {
        return List.of(FENCE_TARGET, DRAIN_REVERSE, SET_SOURCE_SEQUENCES, DECIDE, LIFT);
    }
}
