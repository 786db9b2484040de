package dev.sluice.cli;

import dev.sluice.assess.AssessHtml;
import dev.sluice.assess.AssessJson;
import dev.sluice.assess.AssessText;
import dev.sluice.assess.Assessment;
import dev.sluice.assess.Verdict;
import dev.sluice.census.Census;
import dev.sluice.migration.Preparation;
import dev.sluice.plan.MappingRules;
import dev.sluice.plan.Planner;
import dev.sluice.plan.TargetCatalog;
import dev.sluice.settings.Settings;
import dev.sluice.sqlite.Preflight;
import dev.sluice.sqlite.SourceVisit;
import dev.sluice.sqlite.SqliteFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code assess}: reads every value and says whether, and how, the source can move. */
@Command(name = "assess", description = "Reads every value of a database and says how it would move; changes nothing.")
final class AssessCommand implements Callable<Integer> {

    @Mixin
    private Choices choices;

    @Option(names = "--html", paramLabel = "FILE", description = "also write one self-contained page")
    private Path html;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        Settings settings = choices.settings();
        Console.logging(settings);
        SqliteFile file = new SqliteFile(settings.requireSource());
        Assessment assessment;
        try (SourceVisit visit = new SourceVisit(file)) {
            Preflight.check(visit.file(), false);
            assessment = assess(settings, file);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println(choices.json() ? AssessJson.of(assessment) : AssessText.of(assessment));
        if (html != null) {
            try {
                Files.writeString(html, AssessHtml.of(assessment));
            } catch (IOException e) {
                throw new IOException("the page can't be written to " + html + " (" + e.getMessage()
                        + "): make room there, or name another output", e);
            }
            spec.commandLine().getErr().println("written: " + html);
        }
        return assessment.verdict() == Verdict.BLOCKED ? Main.REFUSED : Main.DONE;
    }

    private Assessment assess(Settings settings, SqliteFile file) throws Exception {
        MappingRules rules = Choices.rules(settings);
        Planner planner = new Planner(Preparation.schema(file, settings.source().busyTimeout()), rules,
                TargetCatalog.EMPTY, settings.target().schema());
        Set<String> excluded = rules.tables().entrySet().stream().filter(rule -> rule.getValue().exclude())
                .map(rule -> rule.getKey()).collect(Collectors.toSet());
        try (CopyBar bar = new CopyBar(choices.json())) {
            return Assessment.of(file, new Assessment.Options(planner.candidates(), excluded,
                    Assessment.Checks.AUTO, Census.Options.DEFAULT), bar.census());
        }
    }
}
