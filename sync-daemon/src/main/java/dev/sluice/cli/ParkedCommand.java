package dev.sluice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.phase.Phase;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code parked}: rows that could not be applied. */
@Command(name = "parked", description = "Lists the rows that PostgreSQL could not take, each with its reason.")
final class ParkedCommand implements Callable<Integer> {

    @Mixin
    private DaemonChoices choices;

    @Option(names = "--retry", description = "try all of them again first, with the values that the source has now")
    private boolean retry;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        Console.quiet();
        JsonNode parked = retry ? choices.client().retryParked() : choices.client().parked();
        PrintWriter out = spec.commandLine().getOut();
        if (choices.json()) {
            out.println(parked.toPrettyString());
            return Main.DONE;
        }
        for (JsonNode row : parked.path("rows")) {
            List<String> key = new ArrayList<>();
            row.path("key").forEach(part -> key.add(part.asText()));
            out.printf("%s key (%s): %s%n", row.path("table").asText(), String.join(", ", key), row.path("reason").asText());
        }
        out.printf("%,d parked%s%n", parked.path("rows").size(), parked.path("rows").isEmpty() ? ""
                : parked.path("phase").asText().equals(Phase.CATCHING_UP.label())
                        ? " so far: types were changed, and their tables are compared now; look again after: sluice status"
                                + " --wait replicating"
                : ". Mend the value in SQLite, or give the column a wider type in PostgreSQL (ALTER TABLE … ALTER COLUMN …"
                        + " TYPE text); then: sluice parked --retry");
        return Main.DONE;
    }
}
