package dev.sluice.cli;

import dev.sluice.bench.Bench;
import dev.sluice.bench.BenchOptions;
import dev.sluice.bench.BenchOptions.Part;
import dev.sluice.bench.BenchReport;
import dev.sluice.console.Json;
import dev.sluice.console.Terminal;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.TargetUrl;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.EnumSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench}: measures on this machine. */
@Command(name = "bench",
        description = "Measures copy, follow latency, catch-up, the pause of a cutover and the writer's overhead on this machine.")
final class BenchCommand implements Callable<Integer> {

    @Option(names = "--scale", paramLabel = "X", defaultValue = "0.1",
            description = "size of the reference set; 1 is 2,227,000 rows and a file of 0.9 GB"
                    + " (default: ${DEFAULT-VALUE})")
    private double scale;

    @Option(names = "--parts", split = ",", paramLabel = "PART",
            description = "what to measure: ${COMPLETION-CANDIDATES} (default: all)")
    private EnumSet<Part> parts = EnumSet.allOf(Part.class);

    @Option(names = "--target", paramLabel = "URL",
            description = "an empty database to measure with; default: a PostgreSQL of its own. The password comes from"
                    + " SLUICE_TARGET_PASSWORD or ~/.pgpass")
    private String target;

    @Option(names = "--heap", paramLabel = "SIZE", defaultValue = "256m",
            description = "largest heap of the migrating process (default: ${DEFAULT-VALUE})")
    private String heap;

    @Option(names = "--workers", paramLabel = "N", defaultValue = "2",
            description = "threads that copy, and connections of the floor (default: ${DEFAULT-VALUE})")
    private int workers;

    @Option(names = "--seconds", paramLabel = "N", defaultValue = "15",
            description = "how long commits are timed (default: ${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--commits", paramLabel = "N", defaultValue = "500",
            description = "commits a second that are timed (default: ${DEFAULT-VALUE})")
    private int commits;

    @Option(names = "--changes", paramLabel = "N", defaultValue = "200000",
            description = "changes of the backlog to catch up with (default: ${DEFAULT-VALUE})")
    private int changes;

    @Option(names = "--flips", paramLabel = "N", defaultValue = "20",
            description = "how often writes are moved to PostgreSQL and back (default: ${DEFAULT-VALUE})")
    private int flips;

    @Option(names = "--json", description = "print one JSON object at the end")
    private boolean json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        Console.quiet();
        Terminal terminal = Terminal.standardError();
        BenchReport report = new Bench(options(), terminal::line).run();
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(Json.text(report));
        } else {
            out.println();
            report.lines().forEach(out::println);
        }
        return Boolean.FALSE.equals(report.equal()) ? Main.REFUSED : Main.DONE;
    }

    private BenchOptions options() {
        String password = System.getenv("SLUICE_TARGET_PASSWORD");
        try {
            return new BenchOptions(scale, parts, target == null ? null : TargetUrl.parse(target),
                    password == null ? null : Secret.of(password), heap, workers, Duration.ofSeconds(seconds), commits,
                    changes, flips);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage());
        }
    }
}
