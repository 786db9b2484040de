package dev.sluice.conflict;

import static dev.sluice.conflict.Resolution.HALT;
import static dev.sluice.conflict.Resolution.HALVE;
import static dev.sluice.conflict.Resolution.PARK;
import static dev.sluice.conflict.Resolution.REMOVE_THEN_INSERT;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The decisions as data: a row per refusal, a column per attempt. Total and deterministic. The order of attempts only
 * ever narrows: all rows, several, one; so every refused row is reached, and only it is parked.
 */
public final class DecisionTable {

    private static final Map<Refusal, List<Resolution>> ROWS = new EnumMap<>(Refusal.class);

    static {
        //                                UPSERT_ALL          INSERT_SEVERAL  INSERT_ONE
        row(Refusal.UNIQUE_KEY_HELD,      REMOVE_THEN_INSERT, HALVE,          PARK);
        row(Refusal.FOREIGN_KEY_MISSING,  REMOVE_THEN_INSERT, HALVE,          PARK);
        row(Refusal.CHECK_BROKEN,         REMOVE_THEN_INSERT, HALVE,          PARK);
        row(Refusal.NULL_REFUSED,         REMOVE_THEN_INSERT, HALVE,          PARK);
        row(Refusal.NOT_REPRESENTABLE,    REMOVE_THEN_INSERT, HALVE,          PARK);
        row(Refusal.TOO_LARGE,            REMOVE_THEN_INSERT, HALVE,          PARK);
        row(Refusal.NULL_IN_KEY,          REMOVE_THEN_INSERT, HALVE,          PARK);
        // parking a row because the disk is full would blame the row
        row(Refusal.NOT_ABOUT_ROWS,       HALT,               HALT,           HALT);
    }

    private DecisionTable() {}

    private static void row(Refusal refusal, Resolution... byAttempt) {
        ROWS.put(refusal, List.of(byAttempt));
    }

    public static Resolution resolve(Refusal refusal, Attempt attempt) {
        return ROWS.get(refusal).get(attempt.ordinal());
    }
}
