package dev.sluice.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code resync}. */
@Command(name = "resync", description = "Re-reads one table while the application writes and mends whatever differs.")
final class ResyncCommand implements Callable<Integer> {

    private static final Duration WAIT = Duration.ofDays(1);

    @Mixin
    private DaemonChoices choices;

    @Parameters(paramLabel = "TABLE", description = "the source table")
    private String table;

    @Option(names = "--where-mismatched",
            description = "read again only the ranges that differed when they were last compared, or changed since")
    private boolean whereMismatched;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        Console.quiet();
        if (whereMismatched) {
            ObjectNode order = JsonNodeFactory.instance.objectNode().put("changed", true).put("repair", true)
                    .put("actor", System.getProperty("user.name"));
            order.putArray("tables").add(table);
            long run = choices.client().createVerification(order).path("run").asLong();
            return VerifyCommand.shown(spec, choices, choices.client().verification(run, WAIT));
        }
        var answer = choices.client().resync(table);
        spec.commandLine().getOut().println(choices.json() ? answer.toPrettyString() : "done");
        return Main.DONE;
    }
}
