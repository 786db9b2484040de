package dev.sluice.migration;

import dev.sluice.postgres.TargetRefusal;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/** What must be so before writes are moved to PostgreSQL. */
public enum Gate {
    /** The migration replicates and runs. */
    PHASE(false),
    /** Few changes wait to be applied, so that the pause is short. */
    LAG(true),
    /** Both sides were proven equal, and not long ago. */
    VERIFICATION(true),
    /** No row is parked: it would be missing on PostgreSQL. */
    PARKED(true),
    /** No table is held, and the source's schema is the plan's. */
    DRIFT(false),
    /** PostgreSQL refuses the application's writes now. */
    FENCE(false),
    /** PostgreSQL's commits can be streamed back, so that a rollback is possible. */
    REVERSE(false),
    /** The source's disk has room for what will be streamed back. */
    DISK(true),
    /** The numbers that PostgreSQL gives next are known. */
    SEQUENCES(false);

    private final boolean forcible;

    Gate(boolean forcible) {
        this.forcible = forcible;
    }

    /** As it is named on the command line. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** True if an operator may go through it although it is closed. */
    public boolean isForcible() {
        return forcible;
    }

    /**
     * The gates of these names.
     *
     * @throws TargetRefusal for a name that is none, or a gate that can't be forced
     */
    public static Set<Gate> forced(Collection<String> labels) {
        Set<Gate> gates = EnumSet.noneOf(Gate.class);
        for (String label : labels) {
            Gate gate = Arrays.stream(values()).filter(one -> one.label().equals(label.toLowerCase(Locale.ROOT))).findFirst()
                    .orElseThrow(() -> new TargetRefusal("there is no gate '" + label + "': " + names(values())));
            if (!gate.isForcible()) {
                throw new TargetRefusal("the gate " + gate.label() + " can't be forced, as rows or the way back would be lost;"
                        + " these can: " + names(Arrays.stream(values()).filter(Gate::isForcible).toArray(Gate[]::new)));
            }
            gates.add(gate);
        }
        return gates;
    }

    private static String names(Gate[] gates) {
        return String.join(", ", Arrays.stream(gates).map(Gate::label).toList());
    }

    /**
     * A gate that was looked at.
     *
     * @param forced true if it is closed and the operator goes through it all the same
     * @param says what was found, for people; what to do where it is closed
     */
    public record Look(Gate gate, boolean open, boolean forced, String says) {

        boolean lets() {
            return open || forced;
        }
    }
}
