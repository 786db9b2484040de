package dev.sluice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.verify.Evidence;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code verify}: both sides, table by table, while the application writes to either. */
@Command(name = "verify",
        description = "Compares both sides by SHA-256 over typed rows while the application writes; exit 1 if they differ.",
        subcommands = {VerifyCommand.Create.class, VerifyCommand.Show.class, VerifyCommand.Stop.class,
            VerifyCommand.Resume.class, VerifyCommand.Report.class})
final class VerifyCommand implements Callable<Integer> {

    @Mixin
    private DaemonChoices choices;

    @Mixin
    private Wanted wanted;

    @Option(names = "--timeout", paramLabel = "DURATION", defaultValue = "1d", converter = DurationOption.class,
            description = "how long to wait for the result, e.g. 90s, 10m (default: ${DEFAULT-VALUE})")
    private Duration timeout;

    @Spec
    private CommandSpec spec;

    /** What a verification is to do. */
    static final class Wanted {

        @Parameters(paramLabel = "TABLE", arity = "0..*", description = "source tables (default: all)")
        private List<String> tables = new ArrayList<>();

        @Option(names = "--changed", description = "read only what changed since both sides were last compared")
        private boolean changed;

        @Option(names = "--repair", description = "mend what differs from the side that takes the writes, and look again")
        private boolean repair;

        @Option(names = "--share", paramLabel = "PERCENT", defaultValue = "100",
                description = "work at most this share of the time (default: ${DEFAULT-VALUE})")
        private int share;

        @Option(names = "--show-values", description = "show differing values too; they are kept in the daemon's memory only")
        private boolean showValues;

        ObjectNode order(CommandSpec spec) {
            if (share < 1 || share > 100) {
                throw new ParameterException(spec.commandLine(), "--share must be between 1 and 100");
            }
            ObjectNode order = JsonNodeFactory.instance.objectNode().put("changed", changed).put("repair", repair)
                    .put("share", share).put("showValues", showValues).put("actor", System.getProperty("user.name"));
            ArrayNode names = order.putArray("tables");
            tables.forEach(names::add);
            return order;
        }
    }

    @Override
    public Integer call() {
        Console.quiet();
        long run = choices.client().createVerification(wanted.order(spec)).path("run").asLong();
        return shown(spec, choices, choices.client().verification(run, timeout));
    }

    /** Prints a run; the exit status says whether both sides are equal, or may be: it is under way. */
    static int shown(CommandSpec spec, DaemonChoices choices, JsonNode run) {
        PrintWriter out = spec.commandLine().getOut();
        if (choices.json()) {
            out.println(run.toPrettyString());
        } else {
            print(run, out);
        }
        return run.path("equal").asBoolean() || run.path("open").asBoolean() ? Main.DONE : Main.REFUSED;
    }

    private static void print(JsonNode run, PrintWriter out) {
        for (JsonNode table : run.path("tables")) {
            if (!table.path("state").asText().equals("done")) {
                out.printf("%-10s %,12d of %,d rows  %s%n", table.path("state").asText(), table.path("rowsDone").asLong(),
                        table.path("rowsTotal").asLong(), table.path("table").asText());
            } else {
                String hash = table.path("targetHash").asText();
                out.printf("%-10s %,12d rows  sha256 %s  %s%n", table.path("equal").asBoolean() ? "equal" : "DIFFERENT",
                        table.path("rows").asLong(), hash.substring(0, Math.min(16, hash.length())),
                        table.path("table").asText());
            }
            if (table.path("parked").asLong() > 0) {
                out.printf("           %,d rows are parked: sluice parked%n", table.path("parked").asLong());
            }
            if (table.path("repaired").asLong() > 0) {
                out.printf("           %,d rows were mended, %,d differ still%n", table.path("repaired").asLong(),
                        table.path("remaining").asLong());
            }
            if (table.path("restless").asLong() > 0) {
                out.printf("           %,d rows never rested long enough to be compared%n", table.path("restless").asLong());
            }
            table.path("first").forEach(difference -> print(difference, out, ""));
        }
        for (JsonNode finding : run.path("findings")) {
            out.printf("%-10s %s%n", finding.path("fatal").asBoolean() ? "WRONG" : "note", finding.path("says").asText());
        }
        out.println();
        summary(run, out);
    }

    private static void print(JsonNode difference, PrintWriter out, String indent) {
        List<String> key = new ArrayList<>();
        difference.path("key").forEach(part -> key.add(part.asText()));
        out.printf("%s           %s key (%s)%n", indent, difference.path("kind").asText(), String.join(", ", key));
        for (JsonNode cell : difference.path("cells")) {
            out.printf("%s               %s: SQLite %s %s, PostgreSQL %s %s%n", indent, cell.path("column").asText(),
                    cell.path("sourceType").asText(), cell.path("sourceValue").asText(cell.path("sourceHash").asText()),
                    cell.path("targetType").asText(), cell.path("targetValue").asText(cell.path("targetHash").asText()));
        }
    }

    private static void summary(JsonNode run, PrintWriter out) {
        String state = run.path("state").asText();
        long number = run.path("run").asLong();
        String why = run.path("reason").isTextual() ? ": " + run.path("reason").asText() : "";
        if (run.path("open").asBoolean()) {
            out.printf("Run %d is %s: %,d of about %,d rows%s.%n", number, state, run.path("rowsDone").asLong(),
                    run.path("rowsTotal").asLong(), run.path("etaSeconds").isNumber()
                            ? String.format(", about %,.0f s more", run.path("etaSeconds").asDouble()) : "");
        } else if (state.equals("verified")) {
            out.printf("Equal: %,d rows in %d tables%s, compared between changelog positions %,d and %,d (run %d).%n",
                    run.path("rows").asLong(), run.path("tables").size(), run.path("whole").asBoolean() ? ""
                            : " (only what had changed was read again)", run.path("fromSeq").asLong(),
                    run.path("toSeq").asLong(), number);
        } else if (state.equals("mismatched")) {
            out.printf("NOT EQUAL: %,d rows differ, %,d are parked%s (run %d). Mend a table with: sluice resync TABLE%n",
                    run.path("remaining").asLong(), run.path("parked").asLong(), why, number);
        } else {
            out.printf("Run %d is %s%s.%n", number, state, why);
        }
    }

    /** {@code verify create}: begins one and comes back at once. */
    @Command(name = "create", description = "Begins a verification that goes on by itself, also after a restart.")
    static final class Create implements Callable<Integer> {

        @Mixin
        private DaemonChoices choices;

        @Mixin
        private Wanted wanted;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() {
            Console.quiet();
            return shown(spec, choices, choices.client().createVerification(wanted.order(spec)));
        }
    }

    /** {@code verify show}: how a run stands. */
    @Command(name = "show", description = "Shows how a verification stands, or lists the last ones.")
    static final class Show implements Callable<Integer> {

        @Mixin
        private DaemonChoices choices;

        @Parameters(paramLabel = "RUN", arity = "0..1", defaultValue = "0", description = "its number (default: the newest)")
        private long run;

        @Option(names = "--all", description = "list the last ones, newest first")
        private boolean all;

        @Option(names = "--wait", paramLabel = "DURATION", converter = DurationOption.class,
                description = "wait so long for its end, e.g. 90s, 10m")
        private Duration wait;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() {
            Console.quiet();
            if (!all) {
                return shown(spec, choices, wait == null ? choices.client().verification(run)
                        : choices.client().verification(run, wait));
            }
            JsonNode runs = choices.client().verifications();
            PrintWriter out = spec.commandLine().getOut();
            if (choices.json()) {
                out.println(runs.toPrettyString());
            } else {
                runs.path("runs").forEach(one -> summary(one, out));
            }
            return Main.DONE;
        }
    }

    /** {@code verify stop}. */
    @Command(name = "stop", description = "Stops a verification; what it has compared is kept for resume.")
    static final class Stop implements Callable<Integer> {

        @Mixin
        private DaemonChoices choices;

        @Parameters(paramLabel = "RUN", arity = "0..1", defaultValue = "0", description = "its number (default: the newest)")
        private long run;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() {
            Console.quiet();
            JsonNode stopped = choices.client().stopVerification(run);
            spec.commandLine().getOut().println(choices.json() ? stopped.toPrettyString() : "stopping");
            return Main.DONE;
        }
    }

    /** {@code verify resume}. */
    @Command(name = "resume", description = "Goes on with a verification that was stopped, where it stood.")
    static final class Resume implements Callable<Integer> {

        @Mixin
        private DaemonChoices choices;

        @Parameters(paramLabel = "RUN", arity = "0..1", defaultValue = "0", description = "its number (default: the newest)")
        private long run;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() {
            Console.quiet();
            return shown(spec, choices, choices.client().resumeVerification(run));
        }
    }

    /** {@code verify report}: what a run has shown, as a file to keep. */
    @Command(name = "report", description = "Prints or writes the evidence of a verification: JSON to be checked, or a page.")
    static final class Report implements Callable<Integer> {

        @Mixin
        private DaemonChoices choices;

        @Parameters(paramLabel = "RUN", arity = "0..1", defaultValue = "0", description = "its number (default: the newest)")
        private long run;

        @Option(names = {"-o", "--output"}, paramLabel = "FILE",
                description = "write it there; a name that ends in .html gets the page for people (default: print JSON)")
        private Path output;

        @Option(names = "--sign-with", paramLabel = "FILE",
                description = "sign the JSON with this private Ed25519 key (PEM, as openssl genpkey writes it)")
        private Path key;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() throws IOException {
            Console.quiet();
            boolean page = output != null && output.toString().endsWith(".html");
            if (page && key != null) {
                throw new ParameterException(spec.commandLine(), "a page can't be signed: sign the JSON");
            }
            String text = page ? choices.client().verificationPage(run) : evidence();
            if (output == null) {
                spec.commandLine().getOut().println(text);
            } else {
                Files.writeString(output, text);
                spec.commandLine().getOut().println(choices.json()
                        ? JsonNodeFactory.instance.objectNode().put("file", output.toString()).toPrettyString()
                        : "written to " + output);
            }
            return Main.DONE;
        }

        private String evidence() throws IOException {
            JsonNode json = choices.client().evidence(run);
            if (key == null) {
                return json.toPrettyString();
            }
            Evidence evidence = Evidence.read(json.toString())
                    .orElseThrow(() -> new IllegalStateException("the daemon gave no evidence that this version knows"));
            try {
                return evidence.signed(Evidence.Signer.of(Files.readString(key))).json().toPrettyString();
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), key + ": " + e.getMessage(), e);
            }
        }
    }
}
