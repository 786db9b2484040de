package dev.sluice.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sluice.migration.Preparation;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.settings.InvalidSettings;
import dev.sluice.sqlite.SqliteSession;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.ScopeType;

/** {@code sluice}: exit 0 done, 1 refused or failed with one clear sentence, 2 usage. */
@Command(name = "sluice", mixinStandardHelpOptions = true, scope = ScopeType.INHERIT, versionProvider = Main.Version.class,
        sortOptions = false, usageHelpAutoWidth = true,
        description = "Moves a live application from SQLite to PostgreSQL without stopping it.",
        footer = {"", "Exit status: 0 done, 1 refused or failed with one clear sentence, 2 wrong usage.",
            "Start with: sluice demo, or sluice assess --source app.db"},
        subcommands = {DemoCommand.class, AssessCommand.class, PlanCommand.class, MigrateCommand.class, RunCommand.class,
            StatusCommand.class, VerifyCommand.class, ParkedCommand.class, ConflictsCommand.class, ResyncCommand.class,
            PauseCommand.class, ResumeCommand.class, CutoverCommand.class, RollbackCommand.class, CompleteCommand.class,
            RepairCommand.class, CancelCommand.class, AuditCommand.class, BenchCommand.class, HelpCommand.class})
public final class Main {

    static final int DONE = 0;
    static final int REFUSED = 1;
    static final int USAGE = 2;

    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    /** Runs one command line; returns the exit status. */
    public static int run(String... arguments) {
        CommandLine line = new CommandLine(new Main());
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setExecutionExceptionHandler((e, command, parsed) -> failed(e, command, arguments));
        line.setParameterExceptionHandler((e, unparsed) -> {
            PrintWriter err = e.getCommandLine().getErr();
            err.println("sluice: " + e.getMessage());
            err.println("Try '" + e.getCommandLine().getCommandSpec().qualifiedName() + " --help'.");
            return USAGE;
        });
        return written(line, line.execute(arguments.length == 0 ? new String[] {"--help"} : arguments));
    }

    /** Whoever reads an answer that could not be written, to a full disk for example, must not take it for whole. */
    private static int written(CommandLine line, int status) {
        boolean lost = line.getOut().checkError();
        if ((System.out.checkError() || lost) && status == DONE) {
            line.getErr().println("sluice: standard output could not be written: is there no space left, or is its reader gone?");
            return REFUSED;
        }
        return status;
    }

    private static int failed(Exception e, CommandLine command, String[] arguments) {
        LoggerFactory.getLogger(Main.class).debug("command failed", e);
        List<String> problems = e instanceof InvalidSettings invalid ? invalid.problems() : List.of(Preparation.sentence(e));
        if (Arrays.asList(arguments).contains("--json")) {
            var error = JsonNodeFactory.instance.objectNode();
            error.put("error", String.join("; ", problems));
            command.getOut().println(error);
        }
        if (e instanceof TargetRefusal refusal) {
            command.getErr().println("sluice: " + String.join(System.lineSeparator(), refusal.lines()));
        } else {
            problems.forEach(problem -> command.getErr().println("sluice: " + problem));
        }
        return e instanceof InvalidSettings ? USAGE : REFUSED;
    }

    /** The version that the jar was built as. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"sluice " + version(), "Java " + Runtime.version() + ", SQLite " + sqlite()};
        }

        private static String sqlite() {
            return SqliteSession.version();
        }
    }

    static String version() {
        String version = Main.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}
