package dev.sluice.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code pause}. */
@Command(name = "pause", description = "Stops copying and following until resume; capture goes on.")
final class PauseCommand implements Callable<Integer> {

    @Mixin
    private DaemonChoices choices;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        Console.quiet();
        var answer = choices.client().pause();
        spec.commandLine().getOut().println(choices.json() ? answer.toPrettyString() : "done");
        return Main.DONE;
    }
}
