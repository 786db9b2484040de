package dev.sluice.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.api.RowControl;
import dev.sluice.phase.Phase;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code parked}: rows that the other side could not take, and what becomes of them. */
@Command(name = "parked", description = "Lists the rows that the other side could not take, each with its reason; decides what"
        + " becomes of them.", subcommands = {ParkedCommand.ListAll.class, ParkedCommand.Show.class, ParkedCommand.Retry.class,
            ParkedCommand.Edit.class, ParkedCommand.Discard.class})
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
        return list(retry ? choices.client().retryParked() : choices.client().parked(), choices, spec);
    }

    private static int list(JsonNode parked, DaemonChoices choices, CommandSpec spec) {
        PrintWriter out = spec.commandLine().getOut();
        if (choices.json()) {
            out.println(parked.toPrettyString());
            return Main.DONE;
        }
        for (JsonNode row : parked.path("rows")) {
            out.printf("%s  %s key (%s): %s%n", row.path("id").asText(), row.path("table").asText(), key(row),
                    row.path("reason").asText());
        }
        out.printf("%,d parked%s%n", parked.path("rows").size(), parked.path("rows").isEmpty() ? ""
                : parked.path("phase").asText().equals(Phase.CATCHING_UP.label())
                        ? " so far: types were changed, and their tables are compared now; look again after: sluice status"
                                + " --wait replicating"
                : ". Mend the value in SQLite, or give the column a wider type in PostgreSQL (ALTER TABLE … ALTER COLUMN …"
                        + " TYPE text); then: sluice parked --retry");
        return Main.DONE;
    }

    /** The parts of the key of a row or conflict, for people. */
    static String key(JsonNode row) {
        List<String> key = new ArrayList<>();
        row.path("key").forEach(part -> key.add(part.asText()));
        return String.join(", ", key);
    }

    /** {@code parked list}. */
    @Command(name = "list", description = "Lists them: the same as without a word.")
    static final class ListAll implements Callable<Integer> {

        @Mixin
        private DaemonChoices choices;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() {
            Console.quiet();
            return list(choices.client().parked(), choices, spec);
        }
    }

    /** {@code parked show}. */
    @Command(name = "show", description = "Shows one of them.")
    static final class Show implements Callable<Integer> {

        @Mixin
        private DaemonChoices choices;

        @Parameters(paramLabel = "ID", description = "as the list names it")
        private String id;

        @Option(names = "--show-values", description = "print the row's values too")
        private boolean values;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() {
            Console.quiet();
            JsonNode row = choices.client().parkedRow(id, values);
            PrintWriter out = spec.commandLine().getOut();
            if (choices.json()) {
                out.println(row.toPrettyString());
                return Main.DONE;
            }
            out.printf("%s key (%s), on the way %s%n", row.path("table").asText(), key(row),
                    row.path("direction").asText().equals("forward") ? "to PostgreSQL" : "back to SQLite");
            out.printf("%s: %s%n", row.path("code").asText(), row.path("reason").asText());
            out.printf("parked at %s, position %s, sha256 %s%n", row.path("parkedAt").asText(), row.path("seq").asText(),
                    row.path("hash").asText("unknown"));
            row.path("values").properties().forEach(column -> out.printf("    %s = %s%n", column.getKey(),
                    column.getValue().isNull() ? "NULL" : column.getValue().asText()));
            return Main.DONE;
        }
    }

    /** What the commands that decide have in common. */
    abstract static class Decision implements Callable<Integer> {

        @Mixin
        private DaemonChoices choices;

        @Parameters(paramLabel = "ID", description = "as the list names it")
        private String id;

        @Spec
        private CommandSpec spec;

        private final RowControl.Act act;

        Decision(RowControl.Act act) {
            this.act = act;
        }

        abstract JsonNode order();

        @Override
        public Integer call() {
            Console.quiet();
            JsonNode done = choices.client().actOnParked(act, id, order());
            boolean parkedStill = done.has("arrived") && !done.path("arrived").asBoolean();
            if (choices.json()) {
                spec.commandLine().getOut().println(done.toPrettyString());
            } else {
                spec.commandLine().getOut().println(done.has("discarded") ? "Discarded; the decision stands in the audit log."
                        : parkedStill ? "Still parked: sluice parked show " + id : "It has arrived.");
            }
            return parkedStill ? Main.REFUSED : Main.DONE;
        }
    }

    /** {@code parked retry}. */
    @Command(name = "retry", description = "Tries one of them again, with the values that the side with the traffic has now.")
    static final class Retry extends Decision {

        Retry() {
            super(RowControl.Act.RETRY);
        }

        @Override
        JsonNode order() {
            return JsonNodeFactory.instance.objectNode();
        }
    }

    /** {@code parked edit}. */
    @Command(name = "edit", description = "Brings one of them over with other values. The side with the traffic is not changed, so"
            + " the two differ until the same is done there.")
    static final class Edit extends Decision {

        @Option(names = "--columns", required = true, paramLabel = "FILE", description = "the new values as a JSON object, written"
                + " as show --show-values prints them: {\"name\": \"text\", \"other\": null}; - for standard input (a value on the"
                + " command line would be seen by every user of this machine)")
        private Path columns;

        Edit() {
            super(RowControl.Act.EDIT);
        }

        @Override
        JsonNode order() {
            ObjectNode order = JsonNodeFactory.instance.objectNode();
            ObjectNode chosen = order.putObject("columns");
            read().properties().forEach(column -> chosen.put(column.getKey(),
                    column.getValue().isNull() ? null : column.getValue().asText()));
            return order;
        }

        private JsonNode read() {
            try {
                JsonNode read = new ObjectMapper().readTree(columns.toString().equals("-") ? System.in.readAllBytes()
                        : Files.readAllBytes(columns));
                if (read instanceof ObjectNode) {
                    return read;
                }
            } catch (JsonProcessingException e) {
                // the message would hold what was read
            } catch (IOException e) {
                throw new IllegalStateException(columns + " can't be read (" + e.getClass().getSimpleName() + ")", e);
            }
            throw new IllegalStateException(columns + " holds no JSON object with columns and values");
        }
    }

    /** {@code parked discard}. */
    @Command(name = "discard", description = "Forgets one of them: the other side goes without it. Stands in the audit log.")
    static final class Discard extends Decision {

        @Option(names = "--reason", required = true, paramLabel = "TEXT", description = "why, for the audit log")
        private String reason;

        Discard() {
            super(RowControl.Act.DISCARD);
        }

        @Override
        JsonNode order() {
            return JsonNodeFactory.instance.objectNode().put("reason", reason);
        }
    }
}
