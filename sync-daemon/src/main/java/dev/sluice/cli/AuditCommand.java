package dev.sluice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.api.DaemonClient;
import dev.sluice.audit.AuditCheck;
import dev.sluice.audit.AuditLines;
import dev.sluice.verify.Evidence;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code audit}: who did what. */
@Command(name = "audit", description = "Shows, checks and exports the log of what operators and the daemon decided.",
        subcommands = {AuditCommand.Show.class, AuditCommand.Verify.class, AuditCommand.Export.class})
final class AuditCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "say what: audit show, audit verify or audit export");
    }

    /** All entries behind {@code after}, oldest first. */
    private static List<JsonNode> entries(DaemonClient client, long after) {
        List<JsonNode> all = new ArrayList<>();
        long last = after;
        while (true) {
            JsonNode page = client.audit(last).path("entries");
            if (page.isEmpty()) {
                return all;
            }
            page.forEach(all::add);
            last = all.get(all.size() - 1).path("ordinal").asLong();
        }
    }

    /** {@code audit show}. */
    @Command(name = "show", description = "Prints the entries, oldest first.")
    static final class Show implements Callable<Integer> {

        @Mixin
        private DaemonChoices choices;

        @Option(names = "--after", paramLabel = "ENTRY", description = "only those behind this one")
        private long after;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() {
            Console.quiet();
            List<JsonNode> entries = entries(choices.client(), after);
            PrintWriter out = spec.commandLine().getOut();
            if (choices.json()) {
                ObjectNode all = JsonNodeFactory.instance.objectNode();
                ArrayNode list = all.putArray("entries");
                entries.forEach(list::add);
                out.println(all.toPrettyString());
                return Main.DONE;
            }
            for (JsonNode entry : entries) {
                out.printf("%5d  %s  %-28s %-16s %s%n", entry.path("ordinal").asLong(), entry.path("at").asText(),
                        entry.path("actor").asText(), entry.path("act").asText(), entry.path("detail").asText());
            }
            out.printf("%,d entries; whether they are what was written says: sluice audit verify%n", entries.size());
            return Main.DONE;
        }
    }

    /** {@code audit export}. */
    @Command(name = "export", description = "Writes the entries as JSON, one a line, to a file that does not exist yet.")
    static final class Export implements Callable<Integer> {

        @Mixin
        private DaemonChoices choices;

        @Parameters(paramLabel = "FILE", description = "the new file")
        private Path file;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() throws IOException {
            Console.quiet();
            List<JsonNode> entries = entries(choices.client(), 0);
            if (Files.exists(file)) {
                throw new IllegalStateException(file + " is there already, and nothing is overwritten: name another file");
            }
            StringBuilder lines = new StringBuilder();
            entries.forEach(entry -> lines.append(entry).append('\n'));
            Files.writeString(file, lines, StandardOpenOption.CREATE_NEW);
            PrintWriter out = spec.commandLine().getOut();
            if (choices.json()) {
                out.println(JsonNodeFactory.instance.objectNode().put("file", file.toString()).put("entries", entries.size()));
            } else {
                out.printf("%,d entries are in %s; sluice audit verify %s checks them without a daemon%n", entries.size(), file,
                        file);
            }
            return Main.DONE;
        }
    }

    /** {@code audit verify}. */
    @Command(name = "verify", description = "Looks for entries that were deleted, edited, moved or cut off, in PostgreSQL and in the"
            + " log's file; with FILE in that file alone, without a daemon, also in the evidence file of a verification."
            + " Exit 1 if something is found.")
    static final class Verify implements Callable<Integer> {

        @Mixin
        private DaemonChoices choices;

        @Parameters(paramLabel = "FILE", arity = "0..1", description = "a log's file, one that was exported, or evidence")
        private Path file;

        @Option(names = "--key", paramLabel = "PEM", description = "file with the public key that must have signed the evidence")
        private Path key;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() throws IOException {
            Console.quiet();
            Optional<Evidence> evidence = file == null ? Optional.empty() : Evidence.read(Files.readString(readable()));
            if (evidence.isPresent()) {
                return check(evidence.get());
            }
            if (key != null) {
                throw new ParameterException(spec.commandLine(), "--key is for the evidence file of a verification");
            }
            JsonNode report = file == null ? choices.client().verifyAudit() : offline();
            PrintWriter out = spec.commandLine().getOut();
            if (choices.json()) {
                out.println(report.toPrettyString());
            } else {
                report.path("findings").forEach(finding -> out.printf("%-10s %s%n", finding.path("damage").asText().toUpperCase(),
                        finding.path("says").asText()));
                out.println(report.path("whole").asBoolean()
                        ? String.format("Whole: %,d entries, none was deleted, edited or moved.", report.path("entries").asLong())
                        : "NOT WHOLE: " + report.path("findings").size() + " findings.");
                report.path("files").forEach(compared -> out.println("compared with " + compared.asText()));
            }
            return report.path("whole").asBoolean() ? Main.DONE : Main.REFUSED;
        }

        private Integer check(Evidence evidence) throws IOException {
            Evidence.Check check = evidence.check(key == null ? null : Files.readString(key));
            spec.commandLine().getOut().println(choices.json() ? JsonNodeFactory.instance.objectNode()
                    .put("whole", check.intact()).put("signedBy", check.signedBy()).put("says", check.says()).toPrettyString()
                    : (check.intact() ? "Evidence: " : "NOT TO BE TRUSTED: ") + check.says());
            return check.intact() ? Main.DONE : Main.REFUSED;
        }

        private Path readable() {
            if (!Files.isReadable(file)) {
                throw new IllegalStateException("there is no file at " + file + " that may be read");
            }
            return file;
        }

        private JsonNode offline() throws IOException {
            AuditLines.Content content = AuditLines.read(file);
            if (content.entries().isEmpty()) {
                throw new IllegalStateException(file + " holds no entry of an audit log");
            }
            List<AuditCheck.Finding> findings = new ArrayList<>(
                    AuditCheck.chain(file.toString(), content.migration(), content.entries()));
            content.unreadable().forEach(line -> findings.add(new AuditCheck.Finding(AuditCheck.Damage.UNREADABLE,
                    file.toString(), 0, file + ": line " + line + " is no entry of this log")));
            ObjectNode report = JsonNodeFactory.instance.objectNode();
            report.put("whole", findings.isEmpty()).put("entries", content.entries().size());
            ArrayNode list = report.putArray("findings");
            findings.forEach(finding -> list.add(new ObjectMapper().valueToTree(finding)));
            return report;
        }
    }
}
