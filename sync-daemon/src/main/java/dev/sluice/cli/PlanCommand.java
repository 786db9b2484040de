package dev.sluice.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.census.Census;
import dev.sluice.migration.Preparation;
import dev.sluice.plan.ColumnPlan;
import dev.sluice.plan.Declaration;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.NotCarried;
import dev.sluice.plan.TablePlan;
import dev.sluice.settings.Settings;
import dev.sluice.sqlite.Preflight;
import dev.sluice.sqlite.SourceVisit;
import dev.sluice.sqlite.SqliteFile;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code plan}: the DDL, the steps, and how each is undone. */
@Command(name = "plan", description = "Shows the complete DDL and the steps; changes nothing.")
final class PlanCommand implements Callable<Integer> {

    @Mixin
    private Choices choices;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        Settings settings = choices.settings();
        Console.logging(settings);
        SqliteFile file = new SqliteFile(settings.requireSource());
        PrintWriter out = spec.commandLine().getOut();
        Preparation preparation;
        try (SourceVisit visit = new SourceVisit(file)) {
            Preflight.check(visit.file(), false);
            preparation = prepare(settings, file);
        }
        MigrationPlan plan = preparation.plan();
        if (choices.json()) {
            out.println(new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(plan));
        } else {
            print(plan, file, settings, preparation.check() != null, out);
        }
        return plan.problems().isEmpty() ? Main.DONE : Main.REFUSED;
    }

    private static Preparation prepare(Settings settings, SqliteFile file) throws Exception {
        if (settings.target().url() == null) {
            return Preparation.withoutTarget(file, settings.target().schema(), Choices.rules(settings),
                    settings.source().busyTimeout(), Census.Listener.NONE);
        }
        try (OpenTarget target = OpenTarget.of(settings)) {
            return Preparation.of(file, target.target(), Choices.rules(settings), settings.source().busyTimeout(),
                    Census.Listener.NONE);
        }
    }

    private static void print(MigrationPlan plan, SqliteFile file, Settings settings, boolean rehearsed, PrintWriter out) {
        out.printf("-- plan for %s: %,d rows in %d tables, into schema \"%s\"%n", file.path(), plan.rows(),
                plan.tables().size(), plan.schema());
        out.println(rehearsed ? "-- every statement was run on the target and rolled back: nothing has changed"
                : "-- no target was named, so nothing was tried on one; name it with --target");
        int step = 0;
        Declaration.Stage stage = null;
        boolean copied = false;
        for (Declaration declaration : plan.declarations()) {
            if (!copied && declaration.stage().compareTo(Declaration.Stage.TABLE) > 0) {
                copy(plan, ++step, out);
                copied = true;
            }
            if (declaration.stage() != stage) {
                stage = declaration.stage();
                out.printf("%n-- step %d: %s%n", ++step, meaning(stage));
            }
            out.println(declaration.sql() + ";");
            out.println("-- undo: " + declaration.undo() + ";");
        }
        if (!copied) {
            copy(plan, ++step, out);
        }
        out.printf("%n-- step %d: sequences are set past the largest key and past sqlite_sequence; undo: they go with their"
                + " tables%n", ++step);
        out.printf("-- step %d: both sides are compared by SHA-256 over typed rows; nothing to undo%n", ++step);
        out.println("-- undo of the whole: sluice cancel, then DROP the tables above; the source is never changed by"
                + " migrate, and run removes its triggers and _sluice tables on cancel");
        notCarried(out, plan.notCarried());
        section(out, "worth knowing", plan.notes());
        section(out, "DOES NOT FIT", plan.problems());
        if (plan.problems().isEmpty()) {
            out.printf("%n-- next: sluice migrate --source %s --target …  (application stopped)%n", file.path());
            out.printf("--   or: sluice run --source %s --target …  (application running)%n", file.path());
        }
    }

    private static void copy(MigrationPlan plan, int step, PrintWriter out) {
        out.printf("%n-- step %d: copy in chunks; undo: TRUNCATE of the same table%n", step);
        for (TablePlan table : plan.tables()) {
            out.printf("-- \"%s\" -> \"%s\"%s, %,d rows, rows named by %s%n", table.source(), table.target(),
                    table.existing() ? " (already there)" : "", table.rows(), String.join(", ", table.keyTargets()));
            for (ColumnPlan column : table.columns()) {
                if (table.existing() || column.using() != null) {
                    out.printf("--     \"%s\" -> \"%s\" %s%s%n", column.source(), column.target(), column.codec().type(),
                            column.using() == null ? "" : " USING " + column.using());
                }
            }
        }
    }

    private static String meaning(Declaration.Stage stage) {
        return switch (stage) {
            case GROUND -> "schemas and extensions";
            case TABLE -> "tables";
            case KEY -> "primary keys, when a table's rows are in";
            case INDEX -> "indexes";
            case UNIQUE -> "unique indexes and constraints, over a consistent state";
            case CHECK -> "checks; one that rows of the source break already is added NOT VALID";
            case FOREIGN_KEY -> "foreign keys; one that rows of the source break already is added NOT VALID";
            case VIEW -> "views";
        };
    }

    /** One line per reason, with all that it holds for; the texts are in the plan. */
    static List<String> byReason(List<NotCarried> objects) {
        Map<String, List<String>> byReason = new LinkedHashMap<>();
        objects.forEach(object -> byReason.computeIfAbsent(object.reason(), r -> new ArrayList<>()).add(object.object()));
        List<String> lines = new ArrayList<>();
        byReason.forEach((reason, names) -> lines.add(String.join(", ", names) + ": " + reason));
        return lines;
    }

    /** With the text, because it has to be written anew by somebody. */
    private static void notCarried(PrintWriter out, List<NotCarried> objects) {
        if (!objects.isEmpty()) {
            out.printf("%n-- not carried (%d):%n", objects.size());
            for (NotCarried object : objects) {
                out.println("--   " + object.object() + ": " + object.reason());
                object.text().strip().lines().forEach(line -> out.println("--       " + line));
            }
        }
    }

    private static void section(PrintWriter out, String title, List<String> sentences) {
        if (!sentences.isEmpty()) {
            out.printf("%n-- %s (%d):%n", title, sentences.size());
            sentences.forEach(sentence -> out.println("--   " + sentence));
        }
    }
}
