package dev.sluice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code verify}: both sides, table by table, while the application writes. */
@Command(name = "verify",
        description = "Compares both sides by SHA-256 over typed rows while the application writes; exit 1 if they differ.")
final class VerifyCommand implements Callable<Integer> {

    @Mixin
    private DaemonChoices choices;

    @Parameters(paramLabel = "TABLE", arity = "0..*", description = "source tables (default: all)")
    private List<String> tables = new ArrayList<>();

    @Option(names = "--timeout", paramLabel = "DURATION", defaultValue = "1d", converter = DurationOption.class,
            description = "how long to wait for the result, e.g. 90s, 10m (default: ${DEFAULT-VALUE})")
    private Duration timeout;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        Console.quiet();
        JsonNode report = choices.client().verify(tables, timeout);
        PrintWriter out = spec.commandLine().getOut();
        if (choices.json()) {
            out.println(report.toPrettyString());
        } else {
            print(report, out);
        }
        return report.path("equal").asBoolean() ? Main.DONE : Main.REFUSED;
    }

    static void print(JsonNode report, PrintWriter out) {
        for (JsonNode table : report.path("tables")) {
            out.printf("%-10s %,12d rows  sha256 %s  %s%n", table.path("equal").asBoolean() ? "equal" : "DIFFERENT",
                    table.path("rows").asLong(), table.path("targetHash").asText().substring(0, 16),
                    table.path("table").asText());
            if (table.path("parked").asLong() > 0) {
                out.printf("           %,d rows are parked: sluice parked%n", table.path("parked").asLong());
            }
            for (JsonNode difference : table.path("first")) {
                List<String> key = new ArrayList<>();
                difference.path("key").forEach(part -> key.add(part.asText()));
                List<String> columns = new ArrayList<>();
                difference.path("columns").forEach(column -> columns.add(column.asText()));
                out.printf("           %s key (%s) %s%n", difference.path("kind").asText(), String.join(", ", key),
                        String.join(", ", columns));
            }
        }
        report.path("held").forEach(reason -> out.printf("HELD       %s%n", reason.asText()));
        out.println();
        if (report.path("equal").asBoolean()) {
            out.printf("Equal: %,d rows in %d tables, compared between changelog positions %,d and %,d.%n",
                    report.path("rows").asLong(), report.path("tables").size(), report.path("fromSeq").asLong(),
                    report.path("toSeq").asLong());
        } else {
            out.printf("NOT EQUAL: %,d rows differ, %,d are parked, %,d tables are held. Mend a table with: sluice resync"
                    + " TABLE%n", report.path("differences").asLong(), report.path("parked").asLong(),
                    report.path("held").size());
        }
    }
}
