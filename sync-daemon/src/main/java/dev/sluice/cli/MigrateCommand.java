package dev.sluice.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.daemon.Reports;
import dev.sluice.migration.OneShot;
import dev.sluice.migration.Preparation;
import dev.sluice.postgres.Reconnect;
import dev.sluice.postgres.TargetCheck;
import dev.sluice.settings.Settings;
import dev.sluice.sqlite.Preflight;
import dev.sluice.sqlite.SourceVisit;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.store.ParkedRow;
import dev.sluice.tail.Limits;
import dev.sluice.verify.Difference;
import dev.sluice.verify.TableReport;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code migrate}: one shot, for an application that may stop. */
@Command(name = "migrate",
        description = "Copies everything once, for an application that is stopped; the source is only read.")
final class MigrateCommand implements Callable<Integer> {

    @Mixin
    private Choices choices;

    @Option(names = "--again", description = "remove what an earlier run brought that was not whole, and start anew")
    private boolean again;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        Settings settings = choices.settings();
        Console.logging(settings);
        SqliteFile file = new SqliteFile(settings.requireSource());
        PrintWriter out = spec.commandLine().getOut();
        try (SourceVisit visit = new SourceVisit(file);
                OpenTarget target = OpenTarget.of(settings); CopyBar bar = new CopyBar(choices.json())) {
            OneShot migration = new OneShot(settings.migration(), file, target.target(),
                    new Reconnect(target.target().url(), new Waiting()), new OneShot.Options(settings.copy().workers(),
                            new Limits(settings.copy().chunkRows(), settings.copy().chunkBytes(), Duration.ofSeconds(1)),
                            settings.source().busyTimeout(), Main.version(),
                            new Limits(settings.verify().chunkRows(), settings.copy().chunkBytes(), Duration.ofSeconds(1))));
            Preflight.check(visit.file(), false);
            Runtime.getRuntime().addShutdownHook(new Thread(migration::stop, "stop"));
            TargetCheck.of(target.target()).require();
            if (migration.removeUnfinished(again)) {
                bar.say("removed what an earlier, unfinished run had brought");
            }
            bar.say("reading every value of " + file.path());
            Preparation preparation = Preparation.of(file, target.target(), Choices.rules(settings),
                    settings.source().busyTimeout(), bar.census());
            preparation.requireFit();
            bar.total(preparation.plan().rows());
            OneShot.Report report = migration.run(preparation, bar);
            bar.endBar();
            if (choices.json()) {
                out.println(json(report));
            } else {
                print(report, out);
            }
            return report.isWhole() ? Main.DONE : Main.REFUSED;
        }
    }

    private static ObjectNode json(OneShot.Report report) {
        ObjectNode json = Reports.of(report.verification());
        json.put("whole", report.isWhole());
        json.put("sourceChanged", report.sourceChanged());
        json.set("notCarried", Reports.notCarried(report.notCarried()));
        json.set("parkedRows", Reports.of(report.parked()).path("rows"));
        return json;
    }

    private static void print(OneShot.Report report, PrintWriter out) {
        out.println();
        for (TableReport table : report.verification().tables()) {
            out.printf("%-10s %,12d rows  sha256 %s  %s%n", table.isEqual() ? "equal" : "DIFFERENT", table.rows(),
                    table.targetHash().substring(0, 16), table.table());
            for (Difference difference : table.differences()) {
                out.printf("           %s key (%s) %s%n", difference.kind(), Reports.key(difference.key()),
                        String.join(", ", difference.columns()));
            }
        }
        for (ParkedRow row : report.parked()) {
            out.printf("PARKED     key (%s): %s%n", Reports.key(row.key()), row.reason());
        }
        if (!report.notCarried().isEmpty()) {
            out.printf("%nnot carried (%d):%n", report.notCarried().size());
            PlanCommand.byReason(report.notCarried()).forEach(sentence -> out.println("  " + sentence));
        }
        out.println();
        if (report.sourceChanged()) {
            out.println("The source was written to while it was copied, so this is no copy of one moment: stop the"
                    + " application and run the same command again, or use `sluice run` for a live one.");
        } else if (report.isWhole()) {
            out.printf("Done: %,d rows in %d tables, every one proven equal; the source was only read.%n",
                    report.verification().rows(), report.verification().tables().size());
        } else {
            out.printf("NOT WHOLE: %,d rows differ and %,d are parked (listed above, and in sluice.parked_row of the"
                    + " target).%n", report.verification().differenceCount(), report.verification().parked());
        }
    }

    /** Says on the log that the target is waited for. */
    private static final class Waiting implements Reconnect.Listener {
        @Override
        public void onBlocked(String reason) {
            LoggerFactory.getLogger(MigrateCommand.class).warn("waiting: {}", reason);
        }

        @Override
        public void onHealed() {
            LoggerFactory.getLogger(MigrateCommand.class).info("the target is back");
        }
    }
}
