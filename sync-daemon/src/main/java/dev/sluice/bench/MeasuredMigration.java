package dev.sluice.bench;

import dev.sluice.announce.Addresses;
import dev.sluice.announce.Announcer;
import dev.sluice.announce.Hooks;
import dev.sluice.announce.TrafficFeed;
import dev.sluice.census.Census;
import dev.sluice.console.Json;
import dev.sluice.console.Logging;
import dev.sluice.console.Terminal;
import dev.sluice.copy.CopyProgress;
import dev.sluice.migration.Gate;
import dev.sluice.migration.LiveMigration;
import dev.sluice.migration.Preparation;
import dev.sluice.migration.SwitchOrder;
import dev.sluice.migration.SwitchReport;
import dev.sluice.migration.SwitchSettings;
import dev.sluice.phase.Phase;
import dev.sluice.plan.MappingRules;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetUrl;
import dev.sluice.settings.Settings;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.tail.Limits;
import dev.sluice.verify.VerifyReport;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * A live migration with the default settings in a process of its own, so that its processor time and memory are its
 * alone. Says what it has used at each step, and again for every command: {@code use}, {@code head}, {@code pause},
 * {@code resume}, {@code verify}, {@code cutover}, {@code rollback}; ends with its input.
 */
final class MeasuredMigration {

    /** The environment variable that brings the target's password. */
    static final String PASSWORD = "SLUICE_BENCH_TARGET_PASSWORD";

    static final String NAME = "bench";

    /** As {@code sluice run} has it in WAL mode. */
    private static final Duration SNAPSHOT_MAX = Duration.ofMillis(500);

    /** Nothing is verified in between: that is no part of the pause, and would take most of the time. */
    private static final SwitchOrder ORDER =
            new SwitchOrder(false, SwitchOrder.TIMEOUT, SwitchOrder.MAX_LAG, Set.of(Gate.VERIFICATION), NAME);

    private MeasuredMigration() {}

    /** Arguments: the source, the target's address, the workers. */
    public static void main(String[] arguments) throws Exception {
        Logging.configure(new Settings.Log(Settings.LogFormat.TEXT, Settings.LogLevel.WARN), Terminal.standardError());
        SqliteFile file = new SqliteFile(Path.of(arguments[0]));
        String password = System.getenv(PASSWORD);
        int workers = Integer.parseInt(arguments[2]);
        try (Target target = Target.open(TargetUrl.parse(arguments[1]), password == null ? null : Secret.of(password),
                Target.Options.DEFAULT)) {
            Settings settings = Settings.load(Map.of(), Map.of(), null);
            say("started");
            try (LiveMigration migration = new LiveMigration(NAME, file, target, options(settings, workers),
                    MappingRules.DEFAULT, () -> {
                Preparation preparation = Preparation.of(file, target, MappingRules.DEFAULT,
                        settings.source().busyTimeout(), Census.Listener.NONE);
                say("planned");
                return preparation;
            }, CopyProgress.NONE, switching(file, target))) {
                migration.start();
                awaitReplicating(migration);
                say("replicating");
                serve(migration);
            }
        }
    }

    private static SwitchSettings switching(SqliteFile file, Target target) {
        Path folder = file.path().resolveSibling("state");
        return new SwitchSettings(new Announcer(new TrafficFeed(), Addresses.of(new Settings.Traffic(null, null, null), file.path(),
                target.url()), file.path().resolveSibling("database.env"), Hooks.none()), folder, SwitchSettings.VERIFIED_WITHIN);
    }

    private static LiveMigration.Options options(Settings settings, int workers) {
        long copyBytes = settings.copy().chunkBytes();
        return new LiveMigration.Options(workers, new Limits(settings.copy().chunkRows(), copyBytes, SNAPSHOT_MAX),
                new Limits(settings.follow().batchRows(), settings.follow().batchBytes(), SNAPSHOT_MAX),
                settings.follow().pollInterval(), settings.source().busyTimeout(), settings.changelog().purgeKeepRows(),
                (int) settings.changelog().journalKeepAge().toMinutes(), settings.changelog().bytesMax(), true, NAME,
                new Limits(settings.verify().chunkRows(), copyBytes, SNAPSHOT_MAX));
    }

    private static void awaitReplicating(LiveMigration migration) throws Exception {
        boolean copying = false;
        boolean catchingUp = false;
        while (migration.phase() != Phase.REPLICATING) {
            if (migration.awaitEnd(Duration.ofMillis(5))) {
                throw migration.failure() == null ? new BenchFailure("the migration was stopped") : migration.failure();
            }
            Phase phase = migration.phase();
            if (!copying && phase == Phase.COPYING) {
                copying = true;
                say("copying");
            } else if (!catchingUp && phase == Phase.CATCHING_UP) {
                catchingUp = true;
                say("catching up");
            }
        }
    }

    private static void serve(LiveMigration migration) throws Exception {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                switch (line) {
                    case "use" -> say("used");
                    case "head" -> head(migration);
                    case "pause" -> {
                        migration.pause();
                        say("paused");
                    }
                    case "resume" -> {
                        migration.resume();
                        say("resumed");
                    }
                    case "verify" -> verify(migration);
                    case "cutover" -> moved(migration.cutover(ORDER));
                    case "rollback" -> moved(migration.rollback(ORDER));
                    default -> throw new BenchFailure("unknown command " + line);
                }
            }
        }
    }

    /** How far the changelog reaches. */
    private static void head(LiveMigration migration) {
        var status = migration.status();
        Map<String, Object> facts = facts("head");
        facts.put("head", status.seq() + Math.max(0, status.lagChanges()));
        print(facts);
    }

    private static void verify(LiveMigration migration) throws Exception {
        long start = System.nanoTime();
        VerifyReport report = migration.verify(java.util.List.of(), false);
        Map<String, Object> facts = facts("verified");
        facts.put("equal", report.isEqual() && report.parked() == 0);
        facts.put("rows", report.rows());
        facts.put("seconds", (System.nanoTime() - start) / 1e9);
        print(facts);
    }

    private static void moved(SwitchReport report) {
        Map<String, Object> facts = facts("moved");
        facts.put("done", report.done());
        facts.put("summary", report.summary());
        facts.put("pauseMs", report.pause() == null ? null : (Double) (report.pause().toNanos() / 1e6));
        Map<String, Double> steps = new LinkedHashMap<>();
        report.steps().forEach(step -> steps.merge(step.name(), step.took().toNanos() / 1e6, Double::sum));
        facts.put("steps", steps);
        print(facts);
    }

    private static void say(String event) {
        print(facts(event));
    }

    private static Map<String, Object> facts(String event) {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("event", event);
        facts.put("nanos", System.nanoTime());
        facts.put("cpuSeconds", cpuSeconds());
        facts.put("peakMemoryMb", peakMemoryMb());
        return facts;
    }

    private static void print(Map<String, Object> facts) {
        ObjectNode line = (ObjectNode) Json.tree(facts);
        System.out.println(line);
        System.out.flush();
    }

    private static double cpuSeconds() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getProcessCpuTime() / 1e9 : Double.NaN;
    }

    /** The most memory that this process ever had resident, as Linux counts it (proc(5), VmHWM); 0 where unknown. */
    private static long peakMemoryMb() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024).findFirst().orElse(0);
        } catch (IOException e) {
            return 0;
        }
    }
}
