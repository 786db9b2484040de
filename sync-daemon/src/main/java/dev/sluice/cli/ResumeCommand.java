package dev.sluice.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code resume}. */
@Command(name = "resume", description = "Goes on after pause.")
final class ResumeCommand implements Callable<Integer> {

    @Mixin
    private DaemonChoices choices;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        Console.quiet();
        var answer = choices.client().resume();
        spec.commandLine().getOut().println(choices.json() ? answer.toPrettyString() : "done");
        return Main.DONE;
    }
}
