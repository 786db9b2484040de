package dev.sluice.migration;

import java.time.Duration;
import java.util.List;

/**
 * What a cutover, a rollback or what belongs to them did.
 *
 * @param done true if what was asked for is so now
 * @param summary one sentence
 * @param epoch in force afterwards
 * @param pause how long writes were refused on both sides, or null where they were not, or still are
 * @param would what would be done, in this order, where nothing was done because only that was asked
 * @param notes what the operator should know
 */
public record SwitchReport(boolean done, String summary, long epoch, Duration pause, List<Gate.Look> gates,
        List<Step> steps, List<String> would, List<String> notes) {

    /** One step of the protocol and how long it took. */
    public record Step(String name, String meaning, Duration took) {}
}
