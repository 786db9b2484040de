package dev.sluice.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code resync}. */
@Command(name = "resync", description = "Re-reads one table while the application writes and mends whatever differs.")
final class ResyncCommand implements Callable<Integer> {

    @Mixin
    private DaemonChoices choices;

    @Parameters(paramLabel = "TABLE", description = "the source table")
    private String table;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        Console.quiet();
        var answer = choices.client().resync(table);
        spec.commandLine().getOut().println(choices.json() ? answer.toPrettyString() : "done");
        return Main.DONE;
    }
}
