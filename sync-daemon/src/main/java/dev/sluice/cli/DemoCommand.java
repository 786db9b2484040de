package dev.sluice.cli;

import dev.sluice.demo.Demo;
import dev.sluice.demo.DemoOptions;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code demo}: a tour that needs nothing. */
@Command(name = "demo", description = "A tour on a sample application and a PostgreSQL of its own; removes everything after.")
final class DemoCommand implements Callable<Integer> {

    @Option(names = "--keep", description = "keep both databases and say where they are")
    private boolean keep;

    @Option(names = "--seconds", paramLabel = "N", defaultValue = "6",
            description = "how long to follow (default: ${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--rows", paramLabel = "N", defaultValue = "60000",
            description = "how many rows the application starts with (default: ${DEFAULT-VALUE})")
    private long rows;

    @Option(names = "--json", description = "print one JSON object at the end")
    private boolean json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        Console.quiet();
        DemoOptions options;
        try {
            options = new DemoOptions(keep, seconds, rows, json);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage());
        }
        return new Demo(options, System.out).run();
    }
}
