package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.capture.Capture;
import dev.sluice.census.Census;
import dev.sluice.copy.CopyProgress;
import dev.sluice.phase.Phase;
import dev.sluice.plan.MappingRules;
import dev.sluice.postgres.Target;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.ParkedRow;
import dev.sluice.tail.Limits;
import dev.sluice.testing.PostgresForTests;
import dev.sluice.testing.RealDatabases;
import dev.sluice.verify.TableReport;
import dev.sluice.verify.VerifyReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Real databases are copied while an application writes to them, and end equal. A few in every build, all of them in CI
 * and with {@code -Dsluice.live=all}, chosen ones with {@code -Dsluice.live=spider/geo,chinook}.
 */
class LiveDatabasesIT {

    private static final Set<String> QUICK =
            Set.of("chinook", "dendrite_harsh", "mozilla_places", "stash", "quassel_harsh", "roundcube", "pgl_sqlite");

    @TempDir
    Path folder;

    @TestFactory
    Stream<DynamicTest> liveCopyEndsEqualWhileTheApplicationWrites() throws IOException {
        String chosen = System.getProperty("sluice.live", System.getenv("CI") == null ? "quick" : "all");
        List<Path> databases = RealDatabases.workload() == null ? List.of() : RealDatabases.all();
        return databases.stream().filter(path -> chosen(chosen, RealDatabases.name(path)))
                .map(path -> DynamicTest.dynamicTest(RealDatabases.name(path), () -> follow(path)));
    }

    private static boolean chosen(String choice, String name) {
        return switch (choice) {
            case "all" -> true;
            case "quick" -> QUICK.contains(name);
            default -> List.of(choice.split(",")).contains(name);
        };
    }

    private void follow(Path database) throws Exception {
        Path copy = folder.resolve("live.sqlite");
        for (String suffix : List.of("", "-wal", "-shm", "-journal")) {
            Files.deleteIfExists(Path.of(copy + suffix));
        }
        Files.copy(database, copy, StandardCopyOption.REPLACE_EXISTING);
        SqliteFile file = new SqliteFile(copy);
        Target target = PostgresForTests.fresh();
        boolean wal = database.toString().hashCode() % 3 != 0;
        Process application = workload(copy, wal);
        awaitFirstWrite(file, application);
        try (LiveMigration migration = live(file, target)) {
            migration.start();
            Awaitility.await().atMost(Duration.ofMinutes(2)).failFast(
                            "the migration ended", () -> migration.failure() != null)
                    .until(() -> migration.phase() == Phase.REPLICATING);
            VerifyReport during = migration.verify(List.of(), false);
            assertThat(application.waitFor(2, TimeUnit.MINUTES)).isTrue();
            VerifyReport after = migration.verify(List.of(), false);
            List<ParkedRow> parked = migration.parkedRows(1_000);
            System.out.printf("%s: %,d rows, %,d changes followed, %d parked %s, %s%n", RealDatabases.name(database),
                    after.rows(), migration.status().changesApplied(), parked.size(),
                    parked.stream().map(p -> p.column() + ": " + p.reason()).distinct().limit(3).collect(Collectors.toList()),
                    new String(application.getInputStream().readAllBytes()).trim());
            assertThat(during.tables()).filteredOn(table -> table.differenceCount() > 0).isEmpty();
            assertThat(after.tables()).filteredOn(table -> table.differenceCount() > 0).isEmpty();
            // a parked row is one whose value, new since the plan, its column can't give back unchanged
            assertThat(after.tables().stream().mapToLong(TableReport::parked).sum()).isEqualTo(parked.size());
            assertThat(parked).allSatisfy(row -> assertThat(row.code()).isEqualTo("not_representable"));
            migration.cancel();
            try (SqliteSession session = file.openReader(Duration.ofSeconds(5))) {
                assertThat(session.number("SELECT count(*) FROM sqlite_master WHERE name LIKE '%sluice%'")).isZero();
                assertThat(Capture.state(session)).isNull();
            }
        } finally {
            application.destroyForcibly();
            PostgresForTests.drop(target);
        }
    }

    /** It writes to every table that it finds when it starts, and an application does not know ours. */
    private static void awaitFirstWrite(SqliteFile file, Process application) throws Exception {
        try (SqliteSession session = file.openReader(Duration.ofSeconds(30))) {
            long before = session.dataVersion();
            Awaitility.await().atMost(Duration.ofMinutes(1)).pollInterval(Duration.ofMillis(20))
                    .until(() -> !application.isAlive() || session.dataVersion() != before);
        }
    }

    private static LiveMigration live(SqliteFile file, Target target) {
        return new LiveMigration("live", file, target,
                new LiveMigration.Options(2, new Limits(500, 16 << 20, Duration.ofMillis(5)),
                        new Limits(500, 16 << 20, Duration.ofMillis(5)), Duration.ofMillis(2), Duration.ofSeconds(30),
                        10_000, 10, true, "test"), MappingRules.DEFAULT,
                () -> Preparation.of(file, target, MappingRules.DEFAULT, Duration.ofSeconds(30), Census.Listener.NONE),
                CopyProgress.NONE);
    }

    private static Process workload(Path database, boolean wal) throws IOException {
        List<String> command = new java.util.ArrayList<>(List.of("python3", RealDatabases.workload().toString(),
                database.toString(), "--seconds", System.getProperty("sluice.live.seconds", "3"), "--rate", "300"));
        if (wal) {
            command.add("--wal");
        }
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }
}
