package dev.sluice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.api.SwitchAct;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** What the commands that move the writes have in common: an order to the daemon, and its report for people. */
abstract class SwitchCommand implements Callable<Integer> {

    /** Beyond the time limit of the pause itself: preparing starts the reverse stream, and waits for its proof. */
    private static final Duration ANSWER_WAIT = Duration.ofMinutes(10);

    @Mixin
    private DaemonChoices choices;

    @Spec
    private CommandSpec spec;

    private final SwitchAct act;

    SwitchCommand(SwitchAct act) {
        this.act = act;
    }

    /** What was chosen on the command line. */
    abstract void order(ObjectNode order);

    @Override
    public Integer call() {
        Console.quiet();
        ObjectNode order = JsonNodeFactory.instance.objectNode();
        order(order);
        JsonNode report = choices.client().move(act, order, ANSWER_WAIT);
        PrintWriter out = spec.commandLine().getOut();
        if (choices.json()) {
            out.println(report.toPrettyString());
        } else {
            print(report, out);
        }
        return report.path("done").asBoolean() ? Main.DONE : Main.REFUSED;
    }

    private static void print(JsonNode report, PrintWriter out) {
        for (JsonNode gate : report.path("gates")) {
            out.printf("%-8s %-13s %s%n", gate.path("open").asBoolean() ? "ok" : gate.path("forced").asBoolean() ? "FORCED" : "CLOSED",
                    gate.path("gate").asText(), gate.path("says").asText());
        }
        for (JsonNode step : report.path("steps")) {
            out.printf("%,7.0f ms  %-13s %s%n", step.path("ms").asDouble(), step.path("step").asText(),
                    step.path("meaning").asText());
        }
        report.path("would").forEach(sentence -> out.println("would    " + sentence.asText()));
        report.path("notes").forEach(note -> out.println("note     " + note.asText()));
        out.println();
        if (report.path("pauseMs").isNumber()) {
            out.printf("Writes were refused for %,.0f ms.%n", report.path("pauseMs").asDouble());
        }
        out.println(report.path("summary").asText());
    }
}
