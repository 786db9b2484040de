package dev.sluice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.api.DaemonFailure;
import dev.sluice.phase.Phase;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code status}: where it stands and what to do next. */
@Command(name = "status", description = "Shows where the migration stands and what to do next.")
final class StatusCommand implements Callable<Integer> {

    @Mixin
    private DaemonChoices choices;

    /** How often a daemon that is not there yet is looked for. */
    private static final Duration LOOK_PAUSE = Duration.ofMillis(500);

    @Option(names = "--wait", paramLabel = "PHASE",
            description = "wait until this phase is reached, e.g. replicating; also for a daemon that is only starting")
    private String wait;

    @Option(names = "--timeout", paramLabel = "DURATION", defaultValue = "1h", converter = DurationOption.class,
            description = "how long --wait waits, e.g. 90s, 10m (default: ${DEFAULT-VALUE})")
    private Duration timeout;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws InterruptedException {
        Console.quiet();
        Phase wanted = wait == null ? null : phase();
        JsonNode status = wanted == null ? choices.client().status() : await(wanted);
        PrintWriter out = spec.commandLine().getOut();
        if (choices.json()) {
            out.println(status.toPrettyString());
        } else {
            print(status, out);
        }
        boolean reached = wanted == null || Phase.of(status.path("phase").asText()).hasReached(wanted);
        if (!reached) {
            spec.commandLine().getErr().println("sluice: phase " + wanted.label() + " was not reached: the migration is "
                    + status.path("phase").asText() + ", " + status.path("run").asText());
        }
        return reached ? Main.DONE : Main.REFUSED;
    }

    /** Scripts start the service and wait: a daemon that does not listen yet, or is being started again, is waited for. */
    private JsonNode await(Phase wanted) throws InterruptedException {
        long deadline = System.nanoTime() + timeout.toNanos();
        CountDownLatch never = new CountDownLatch(1);
        boolean said = false;
        while (true) {
            try {
                return choices.client().status(wanted, Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
            } catch (DaemonFailure e) {
                if (!e.isAbsent() || System.nanoTime() >= deadline) {
                    throw e;
                }
                if (!said) {
                    spec.commandLine().getErr().println("sluice: waiting: " + e.getMessage());
                    said = true;
                }
            }
            never.await(LOOK_PAUSE.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private Phase phase() {
        try {
            return Phase.of(wait);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "no phase is named '" + wait
                    + "': say created, copying, catching_up, replicating, switched, completed or cancelled");
        }
    }

    private static void print(JsonNode status, PrintWriter out) {
        out.printf("%-13s%s%n", "migration", status.path("migration").asText());
        out.printf("%-13s%s%n", "source", status.path("source").asText());
        out.printf("%-13s%s%n", "target", status.path("target").asText());
        out.printf("%-13s%s: %s%n", "phase", status.path("phase").asText(), status.path("meaning").asText());
        out.printf("%-13s%s%n", "run", status.path("run").asText());
        out.printf("%-13s%s%n", "traffic", status.path("traffic").asText());
        long total = status.path("rowsTotal").asLong();
        long copied = status.path("rowsCopied").asLong();
        out.printf("%-13s%,d of about %,d rows%n", "copied", copied, total);
        out.printf("%-13s%,d since this daemon started, up to seq %,d%n", "changes", status.path("changesApplied").asLong(),
                status.path("seq").asLong());
        out.printf("%-13s%s%n", "lag", status.path("lagChanges").asLong() < 0 ? "not known yet"
                : String.format("%.1f s, %,d changes", status.path("lagSeconds").asDouble(),
                        status.path("lagChanges").asLong()));
        out.printf("%-13s%,d rows%n", "parked", status.path("parked").asLong());
        out.printf("%-13s%s%s%n", "verification", status.path("verification").asText(),
                status.path("verifiedAt").isNull() ? "" : " at " + status.path("verifiedAt").asText());
        status.path("notes").forEach(note -> out.printf("%-13s%s%n", "note", note.asText()));
        out.printf("%-13s%s%n", "next", status.path("next").asText());
    }
}
