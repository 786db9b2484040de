package dev.sluice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code conflicts}: rows that both sides have changed. */
@Command(name = "conflicts", description = "Lists rows that both sides have changed, and what was done; decides between the two"
        + " versions.", subcommands = {ConflictsCommand.ListAll.class, ConflictsCommand.Show.class, ConflictsCommand.Resolve.class})
final class ConflictsCommand implements Callable<Integer> {

    @Mixin
    private DaemonChoices choices;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        Console.quiet();
        return list(choices.client().conflicts(false), choices, spec);
    }

    private static int list(JsonNode found, DaemonChoices choices, CommandSpec spec) {
        PrintWriter out = spec.commandLine().getOut();
        if (choices.json()) {
            out.println(found.toPrettyString());
            return Main.DONE;
        }
        found.path("conflicts").forEach(conflict -> out.println(line(conflict)));
        out.printf("%,d listed%s%n", found.path("conflicts").size(), found.path("conflicts").isEmpty() ? ""
                : "; look at one with: sluice conflicts show NUMBER --show-values");
        return Main.DONE;
    }

    private static String line(JsonNode conflict) {
        return String.format("%5d  %-7s %s key (%s): %s, %s%s", conflict.path("id").asLong(), conflict.path("state").asText(),
                conflict.path("table").asText(), ParkedCommand.key(conflict), conflict.path("kind").asText(),
                conflict.path("act").asText().replace('_', ' '), conflict.has("taken")
                        ? ", " + conflict.path("taken").asText() + " taken by " + conflict.path("decidedBy").asText() : "");
    }

    /** {@code conflicts list}. */
    @Command(name = "list", description = "Lists those that are open.")
    static final class ListAll implements Callable<Integer> {

        @Mixin
        private DaemonChoices choices;

        @Option(names = "--all", description = "those that are closed too")
        private boolean all;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() {
            Console.quiet();
            return list(choices.client().conflicts(all), choices, spec);
        }
    }

    /** {@code conflicts show}. */
    @Command(name = "show", description = "Shows one of them.")
    static final class Show implements Callable<Integer> {

        @Mixin
        private DaemonChoices choices;

        @Parameters(paramLabel = "NUMBER", description = "as the list names it")
        private long id;

        @Option(names = "--show-values", description = "print the values of both versions too")
        private boolean values;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() {
            Console.quiet();
            JsonNode conflict = choices.client().conflict(id, values);
            PrintWriter out = spec.commandLine().getOut();
            if (choices.json()) {
                out.println(conflict.toPrettyString());
                return Main.DONE;
            }
            out.println(line(conflict));
            List<String> kept = new ArrayList<>();
            conflict.path("keptColumns").forEach(column -> kept.add(column.asText()));
            if (!kept.isEmpty()) {
                out.println("       columns that stayed: " + String.join(", ", kept));
            }
            out.printf("       at %s, position %d%n", conflict.path("at").asText(), conflict.path("seq").asLong());
            out.printf("       SQLite      sha256 %s%n", hash(conflict, "sourceHash"));
            out.printf("       PostgreSQL  sha256 %s%n", hash(conflict, "targetHash"));
            Set<String> columns = new LinkedHashSet<>();
            conflict.path("source").fieldNames().forEachRemaining(columns::add);
            conflict.path("target").fieldNames().forEachRemaining(columns::add);
            for (String column : columns) {
                String source = text(conflict.path("source"), column);
                String target = text(conflict.path("target"), column);
                out.printf("     %s %s: SQLite %s, PostgreSQL %s%n", Objects.equals(source, target) ? " " : "≠", column, source,
                        target);
            }
            return Main.DONE;
        }

        private static String hash(JsonNode conflict, String name) {
            return conflict.path(name).asText().isEmpty() ? "(no row)" : conflict.path(name).asText();
        }

        private static String text(JsonNode version, String column) {
            return !version.has(column) ? "(no row)" : version.path(column).isNull() ? "NULL" : version.path(column).asText();
        }
    }

    /** Whose version. */
    enum Side { SOURCE, TARGET }

    /** {@code conflicts resolve}. */
    @Command(name = "resolve", description = "Takes one of the two versions. Stands in the audit log.")
    static final class Resolve implements Callable<Integer> {

        @Mixin
        private DaemonChoices choices;

        @Parameters(paramLabel = "NUMBER", description = "as the list names it")
        private long id;

        @Option(names = "--take", required = true, paramLabel = "source|target", description = "source: SQLite's version; target:"
                + " PostgreSQL's")
        private Side take;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() {
            Console.quiet();
            JsonNode conflict = choices.client().resolveConflict(id, take.name().toLowerCase(Locale.ROOT));
            spec.commandLine().getOut().println(choices.json() ? conflict.toPrettyString() : line(conflict));
            return Main.DONE;
        }
    }
}
