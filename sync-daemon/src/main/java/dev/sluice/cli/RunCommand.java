package dev.sluice.cli;

import dev.sluice.announce.Addresses;
import dev.sluice.announce.Announcer;
import dev.sluice.announce.Hooks;
import dev.sluice.announce.TrafficFeed;
import dev.sluice.api.ApiToken;
import dev.sluice.daemon.Daemon;
import dev.sluice.metrics.Meters;
import dev.sluice.migration.LiveMigration;
import dev.sluice.migration.Preparation;
import dev.sluice.migration.SwitchSettings;
import dev.sluice.plan.ColumnPlan;
import dev.sluice.postgres.Target;
import dev.sluice.settings.InvalidSettings;
import dev.sluice.settings.Settings;
import dev.sluice.sqlite.Preflight;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.tail.Limits;
import java.nio.file.Files;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code run}: the daemon. */
@Command(name = "run", description = "Copies and follows a live database until it is told to stop; serves the API.")
final class RunCommand implements Callable<Integer> {

    private static final Logger LOG = LoggerFactory.getLogger(RunCommand.class);

    /** In WAL mode a snapshot only holds back checkpoints; in the rollback modes it holds back the writer. */
    private static final Duration WAL_SNAPSHOT_MAX = Duration.ofMillis(500);
    private static final Duration ROLLBACK_SNAPSHOT_MAX = Duration.ofMillis(8);
    private static final Duration STOP_GRACE = Duration.ofSeconds(40);

    @Mixin
    private Choices choices;

    @Override
    public Integer call() throws Exception {
        Settings settings = choices.settings();
        Console.logging(settings);
        SqliteFile file = new SqliteFile(settings.requireSource());
        Preflight.check(file, true);
        Files.createDirectories(settings.stateDir());
        CountDownLatch closed = new CountDownLatch(1);
        try (OpenTarget target = OpenTarget.of(settings)) {
            if (target.server() != null) {
                LOG.info("event=embedded_target home={} port={}", target.server().home(), target.target().url().port());
            }
            CopyLog progress = new CopyLog();
            Meters meters = new Meters(Main.version());
            LiveMigration migration = new LiveMigration(settings.migration(), file, target.target(),
                    options(settings, file), Choices.rules(settings),
                    () -> checked(Preparation.of(file, target.target(), Choices.rules(settings),
                            settings.source().busyTimeout(), progress.census()), settings),
                    meters.counting(progress), switching(settings, file, target.target()));
            meters.watch(migration, target.target());
            try (Daemon daemon = new Daemon(migration, meters, ApiToken.readOrCreate(settings.api().tokenFile()),
                    new Daemon.ApiAddress(settings.api().host(), settings.api().port(), settings.api().allowRemote()))) {
                Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                    daemon.stop();
                    awaitQuietly(closed);
                }, "stop"));
                daemon.awaitEnd();
            }
        } finally {
            closed.countDown();
        }
        return Main.DONE;
    }

    /** The hook waits until the connections and the embedded server are closed too. */
    private static void awaitQuietly(CountDownLatch closed) {
        try {
            if (!closed.await(STOP_GRACE.toSeconds(), TimeUnit.SECONDS)) {
                LOG.warn("event=stop_late: something did not stop within {} s", STOP_GRACE.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static SwitchSettings switching(Settings settings, SqliteFile file, Target target) {
        Hooks hooks = Hooks.in(settings.hooks().folder(), settings.hooks().timeout(), settings.migration(),
                settings.traffic().flagFile(), Announcer.hookSteps());
        return new SwitchSettings(new Announcer(new TrafficFeed(), Addresses.of(settings.traffic(), file.path(), target.url()),
                settings.traffic().flagFile(), hooks), settings.stateDir().resolve("reverse"), settings.cutover().verifiedWithin(),
                settings.audit().file());
    }

    private static LiveMigration.Options options(Settings settings, SqliteFile file) throws Exception {
        boolean wal;
        try (var session = file.openReader(settings.source().busyTimeout())) {
            wal = "wal".equalsIgnoreCase(session.text("PRAGMA journal_mode"));
        }
        Duration snapshot = wal ? WAL_SNAPSHOT_MAX : ROLLBACK_SNAPSHOT_MAX;
        return new LiveMigration.Options(settings.copy().workers(),
                new Limits(settings.copy().chunkRows(), settings.copy().chunkBytes(), snapshot),
                new Limits(settings.follow().batchRows(), settings.follow().batchBytes(), snapshot),
                settings.follow().pollInterval(), settings.source().busyTimeout(),
                settings.changelog().purgeKeepRows(), (int) Math.max(1, settings.changelog().journalKeepAge().toMinutes()), settings.changelog().bytesMax(),
                settings.onMisfit() == Settings.OnMisfit.WIDEN, Main.version(),
                new Limits(settings.verify().chunkRows(), settings.copy().chunkBytes(), snapshot), settings.conflicts());
    }

    /** What the settings name must be there when the plan is made; what goes later only has no effect. */
    private static Preparation checked(Preparation preparation, Settings settings) {
        Map<String, List<String>> columns = new HashMap<>();
        preparation.plan().tables().forEach(table -> columns.put(table.source(),
                table.columns().stream().map(ColumnPlan::source).toList()));
        List<String> problems = settings.conflicts().problems(columns);
        if (!problems.isEmpty()) {
            throw new InvalidSettings(problems);
        }
        return preparation;
    }
}
