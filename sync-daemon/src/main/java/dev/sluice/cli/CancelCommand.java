package dev.sluice.cli;

import dev.sluice.capture.Capture;
import dev.sluice.capture.Fence;
import dev.sluice.sqlite.Preflight;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code cancel}: the source is as if we had never been there. */
@Command(name = "cancel",
        description = "Ends the migration and removes everything of Sluice from the SQLite file; PostgreSQL keeps its tables.")
final class CancelCommand implements Callable<Integer> {

    private static final Duration LOCK_WAIT = Duration.ofSeconds(30);

    @Mixin
    private DaemonChoices choices;

    @Option(names = {"-s", "--source"}, paramLabel = "FILE",
            description = "clean this file directly, when no daemon runs and none will run again")
    private Path source;

    @Option(names = "--switched", description = "with --source: also if its writes have moved to PostgreSQL and the migration"
            + " was completed there; the file takes writes again, and nothing brings them anywhere")
    private boolean switched;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        Console.quiet();
        if (switched && source == null) {
            throw new ParameterException(spec.commandLine(), "--switched is for --source FILE: a running migration is rolled"
                    + " back or completed");
        }
        if (source == null) {
            choices.client().cancel();
        } else {
            SqliteFile file = new SqliteFile(source);
            Preflight.check(file, true);
            try (SqliteSession writer = file.openWriter(LOCK_WAIT)) {
                Fence.State fence = Fence.state(writer);
                if (switched && fence != null && fence.fenced()) {
                    Capture.uninstallSwitched(writer, fence.generation(), true);
                } else {
                    Capture.uninstall(writer);
                }
            }
        }
        spec.commandLine().getOut().println(choices.json() ? "{\"cancelled\":true}"
                : "cancelled: the SQLite file holds nothing of Sluice any more");
        return Main.DONE;
    }
}
