package dev.sluice.migration;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.phase.Phase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

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

    static SwitchReport refused(List<Gate.Look> gates, List<Gate.Look> closed, long epoch) {
        return new SwitchReport(false, "Nothing was done: " + closed(closed) + ". SQLite takes the writes.", epoch, null, gates,
                List.of(), List.of(), List.of());
    }

    static SwitchReport wouldCutOver(List<Gate.Look> gates, List<Gate.Look> closed, long epoch, List<String> notes) {
        List<String> would = new ArrayList<>();
        would.add("make a publication and a replication slot in PostgreSQL, stream its commits, and prove it by a heartbeat");
        dev.sluice.cutover.Step.ofCutover().forEach(step -> would.add(step.label() + ": " + step.meaning()));
        return new SwitchReport(closed.isEmpty(), closed.isEmpty()
                ? "All gates are open; nothing was done, as only a look was asked for."
                : "It would be refused: " + closed(closed) + ".", epoch, null, gates, List.of(), would, notes);
    }

    /** @param notes what of PostgreSQL's schema would be lost */
    static SwitchReport wouldRollBack(long epoch, String lag, List<String> due, List<String> notes) {
        List<String> would = new ArrayList<>();
        due.forEach(one -> would.add("first give SQLite what it lacks: " + one));
        dev.sluice.cutover.Step.ofRollback().forEach(step -> would.add(step.label() + ": " + step.meaning()));
        return told(true, "Nothing was done, as only a look was asked for; " + lag + ".", epoch, would, notes);
    }

    SwitchReport withNotes(List<String> others) {
        List<String> all = new ArrayList<>(notes);
        all.addAll(others);
        return new SwitchReport(done, summary, epoch, pause, gates, steps, would, List.copyOf(all));
    }

    static SwitchReport wouldComplete(long epoch, boolean cleanSource) {
        return told(true, "Nothing was done, as only a look was asked for.", epoch,
                List.of("leave the audit log as a file", "stop the stream back, drop its publication and slot: no rollback is"
                        + " possible any more", "drop the fence and the schema sluice in PostgreSQL",
                        cleanSource ? "take everything of Sluice out of the SQLite file, the fence too"
                                : "leave the SQLite file fenced, so that nobody writes to it by mistake"), List.of());
    }

    static SwitchReport completed(long epoch, Path audit, boolean cleanSource) {
        return told(true, "The migration has ended on PostgreSQL.", epoch, List.of(),
                List.of("the audit log is " + audit, cleanSource ? "the SQLite file holds nothing of Sluice any more"
                        : "the SQLite file stays fenced; sluice complete --clean-source would have removed that too"));
    }

    static SwitchReport repaired(Phase before, Phase now, long epoch) {
        boolean done = now != Phase.CUTTING_OVER && now != Phase.ROLLING_BACK;
        return told(done, before == now ? "There was nothing to repair: the migration is " + now.label() + "."
                : "The migration was " + before.label() + " and is " + now.label() + " now.", epoch, List.of(), List.of());
    }

    static SwitchReport targetGivenUp(Path kept) {
        return told(true, "SQLite takes the writes, and the migration has ended: the file holds nothing of Sluice any"
                + " more.", 0, List.of(), List.of("what was done stands in " + kept,
                        "if PostgreSQL comes back, whatever it took since the cutover is only there: let no application reach it"));
    }

    /** Where no step of the protocol was taken and no gate looked at. */
    private static SwitchReport told(boolean done, String summary, long epoch, List<String> would, List<String> notes) {
        return new SwitchReport(done, summary, epoch, null, List.of(), List.of(), would, notes);
    }

    private static String closed(List<Gate.Look> closed) {
        return (closed.size() == 1 ? "the gate " : "the gates ")
                + String.join(", ", closed.stream().map(look -> look.gate().label()).toList())
                + (closed.size() == 1 ? " is closed" : " are closed");
    }

    /** What the audit log keeps of an order. */
    static String detail(SwitchOrder order, List<Gate.Look> gates) {
        ObjectNode detail = JsonNodeFactory.instance.objectNode();
        detail.put("timeoutMs", order.timeout().toMillis());
        ArrayNode looks = detail.putArray("gates");
        gates.forEach(gate -> looks.addObject().put("gate", gate.gate().label()).put("open", gate.open())
                .put("forced", gate.forced()).put("says", gate.says()));
        return detail.toString();
    }

    /** What came of a move, as it stands in the audit log. */
    static String outcome(TrafficSwitch.Result result, Phase from, Phase to, long epoch) {
        ObjectNode outcome = JsonNodeFactory.instance.objectNode().put("from", from.label()).put("to", to.label())
                .put("epoch", epoch).put("outcome", result.outcome().kind().name().toLowerCase(Locale.ROOT));
        if (!result.outcome().reason().isEmpty()) {
            outcome.put("reason", result.outcome().reason());
        }
        result.outcome().pause().ifPresent(pause -> outcome.put("pauseMs", pause.toMillis()));
        ArrayNode steps = outcome.putArray("steps");
        result.steps().forEach(step -> steps.addObject().put("step", step.name()).put("ms", step.took().toMillis()));
        return outcome.toString();
    }
}
