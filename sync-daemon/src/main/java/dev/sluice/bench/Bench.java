package dev.sluice.bench;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.bench.BenchOptions.Part;
import dev.sluice.postgres.EmbeddedTarget;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.postgres.TargetUrl;
import dev.sluice.sqlite.SqliteSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Measures on this machine what a user would ask: how long the copy takes beside the least that it could, how soon a
 * commit is there, how fast a backlog goes, what the application feels. The application and the migration are processes
 * of their own; everything lives in a temporary directory and is gone at the end. An instance runs once.
 */
public final class Bench {

    private static final Duration COPY_WAIT = Duration.ofHours(6);
    private static final Duration ANSWER = Duration.ofMinutes(30);
    /** What the application commits in a second while its file is copied. */
    private static final int BACKGROUND = 50;
    private static final int WRITER_ROWS = 4_000;

    private final BenchOptions options;
    private final Consumer<String> say;
    private Path folder;
    private EmbeddedTarget embedded;

    /** @param say hears each step as it begins */
    public Bench(BenchOptions options, Consumer<String> say) {
        this.options = options;
        this.say = say;
    }

    /** Measures everything that the options name. */
    public BenchReport run() throws Exception {
        folder = BenchFolder.create();
        Thread collapse = new Thread(this::collapse, "bench-stop");
        Runtime.getRuntime().addShutdownHook(collapse);
        try {
            List<BenchReport.Writer> writers = List.of();
            if (options.parts().contains(Part.WRITER)) {
                say.accept("the same statements with and without triggers");
                writers = new WriterBench(folder, (int) Math.max(200, WRITER_ROWS * Math.min(1, options.scale() * 4)))
                        .measure();
            }
            return options.migrates() ? migrate(writers) : new BenchReport(machine(null), null, null, null, List.of(),
                    null, writers, null, 0, 0);
        } finally {
            if (embedded != null) {
                embedded.close();
            }
            BenchFolder.remove(folder);
            Runtime.getRuntime().removeShutdownHook(collapse);
        }
    }

    /** Ctrl-C: processes that were started end with their input, so only the server and the files are left to do. */
    private void collapse() {
        if (embedded != null) {
            embedded.close();
        }
        try {
            BenchFolder.remove(folder);
        } catch (IOException | RuntimeException e) {
            System.err.println("sluice: " + folder + " could not be removed (" + e.getMessage() + "): remove it by hand");
        }
    }

    private static BenchReport.Machine machine(String postgres) {
        return new BenchReport.Machine(Runtime.getRuntime().availableProcessors(),
                Runtime.version().toString(), SqliteSession.version(), postgres);
    }

    private BenchReport migrate(List<BenchReport.Writer> writers) throws Exception {
        Path file = folder.resolve("dispatch.db");
        ReferenceSet set = new ReferenceSet(options.scale());
        say.accept(String.format(Locale.ROOT, "making the reference set, %,d rows", set.rows()));
        long start = System.nanoTime();
        set.create(file);
        BenchReport.Source source = new BenchReport.Source(options.scale(), set.rows(), Files.size(file) >> 20,
                (System.nanoTime() - start) / 1e9);
        TargetUrl url = options.target();
        Secret password = options.password();
        if (url == null) {
            say.accept("starting a PostgreSQL");
            embedded = EmbeddedTarget.persistent(folder.resolve("postgres"));
            url = embedded.url();
            password = embedded.password();
        }
        try (Target target = Target.open(url, password, Target.Options.DEFAULT)) {
            String version = prepare(target);
            try (ChildProcess application = ChildProcess.start(folder, DispatchApplication.class, "128m", Map.of(),
                    List.of(file.toString(), Double.toString(options.scale())))) {
                return measure(target, password, file, application, source, machine(version), writers);
            } finally {
                if (embedded == null) {
                    clean(target);
                }
            }
        }
    }

    private BenchReport measure(Target target, Secret password, Path file, ChildProcess application,
            BenchReport.Source source, BenchReport.Machine machine, List<BenchReport.Writer> writers) throws Exception {
        application.send("background " + BACKGROUND);
        say.accept("copying beside a writing application");
        CpuTime server = cpuTime(target);
        double serverBefore = server.seconds();
        try (ChildProcess migration = ChildProcess.start(folder, MeasuredMigration.class, options.heap(),
                password == null ? Map.of() : Map.of(MeasuredMigration.PASSWORD, password.reveal()),
                List.of(file.toString(), target.url().toString(), Integer.toString(options.workers())))) {
            List<JsonNode> steps = new ArrayList<>();
            do {
                steps.add(migration.await(COPY_WAIT));
            } while (!steps.get(steps.size() - 1).path("event").asText().equals("replicating"));
            Double serverCpu = server.since(serverBefore);
            application.ask("idle", ANSWER);
            BenchReport.Copy copy = options.parts().contains(Part.COPY) ? copy(target, steps, source, serverCpu) : null;
            FollowBench follow = new FollowBench(target, application, migration);
            BenchReport.Latency latency = null;
            if (options.parts().contains(Part.LATENCY)) {
                say.accept("timing " + options.commitsPerSecond() + " commits a second");
                latency = follow.latency(options.commitsPerSecond(), options.follow());
            }
            List<BenchReport.CatchUp> catchUps = new ArrayList<>();
            if (options.parts().contains(Part.CATCHUP)) {
                for (String kind : List.of("distinct", "hot")) {
                    say.accept(String.format(Locale.ROOT, "catching up with %,d changes (%s)", options.changes(), kind));
                    catchUps.add(follow.catchUp(kind, options.changes()));
                }
            }
            BenchReport.Switching switching = null;
            if (options.parts().contains(Part.CUTOVER)) {
                say.accept("moving the writes to PostgreSQL and back, " + options.flips() + " times");
                switching = new CutoverBench(folder, target, password, migration)
                        .measure(file, options.scale(), options.commitsPerSecond(), options.flips());
            }
            say.accept("comparing every row");
            JsonNode verified = migration.ask("verify", ANSWER);
            return new BenchReport(machine, source, copy, latency, catchUps, switching, writers, verified.path("equal").asBoolean(),
                    verified.path("rows").asLong(), verified.path("seconds").asDouble());
        }
    }

    private BenchReport.Copy copy(Target target, List<JsonNode> steps, BenchReport.Source source, Double serverCpu)
            throws Exception {
        JsonNode last = steps.get(steps.size() - 1);
        double started = nanos(steps, "started");
        double planned = nanos(steps, "planned");
        double copied = nanos(steps, "catching up");
        double end = nanos(steps, "replicating");
        BenchReport.Floor floor = null;
        String problem = null;
        say.accept("the floor: the server copies its own files");
        try {
            floor = new Floor(target, folder, options.workers()).measure();
        } catch (SQLException | IOException e) {
            // a server elsewhere, or a role that may not read files of the server
            problem = e instanceof SQLException sql ? dev.sluice.postgres.SqlFailure.sentence(sql) : e.toString();
        }
        return new BenchReport.Copy(source.rows(), (planned - started) / 1e9, (copied - planned) / 1e9,
                (end - copied) / 1e9, source.rows() / ((end - planned) / 1e9), last.path("cpuSeconds").asDouble(), serverCpu,
                last.path("peakMemoryMb").asLong(), options.heap(), floor, problem);
    }

    /** When {@code event} happened; the end of the copy can be too short to be seen. */
    private static double nanos(List<JsonNode> steps, String event) {
        return steps.stream().filter(step -> step.path("event").asText().equals(event)).findFirst()
                .orElse(steps.get(steps.size() - 1)).path("nanos").asLong();
    }

    private static CpuTime cpuTime(Target target) throws SQLException {
        try (Connection connection = target.connect()) {
            return CpuTime.ofServer(connection);
        }
    }

    /** Refuses a target that is in use; returns the server's version. */
    private static String prepare(Target target) throws SQLException {
        try (Connection connection = target.connect(); Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("""
                        SELECT current_setting('server_version'), to_regnamespace('sluice') IS NOT NULL
                               OR EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                                          WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
                                            AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
                        """)) {
            row.next();
            if (row.getBoolean(2)) {
                throw new TargetRefusal("the target " + target.url() + " is not empty: give the bench a database of its own");
            }
            return row.getString(1);
        }
    }

    /** The database was empty, so all that is in it is ours. */
    private static void clean(Target target) throws SQLException {
        try (Connection connection = target.connect(); Statement statement = connection.createStatement()) {
            statement.execute("DROP SCHEMA IF EXISTS sluice CASCADE");
            statement.execute("DROP TABLE IF EXISTS ride_events, audit_logs, segments, rides, vehicles, drivers, patients,"
                    + " users CASCADE");
        }
    }
}
