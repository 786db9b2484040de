package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.census.Census;
import dev.sluice.plan.MappingRules;
import dev.sluice.plan.NotCarried;
import dev.sluice.postgres.Reconnect;
import dev.sluice.postgres.Target;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.tail.Limits;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.PostgresForTests;
import dev.sluice.testing.RealDatabases;
import dev.sluice.testing.SameViews;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Every real database arrives whole, by the one-shot way. */
class RealDatabasesIT {

    @TempDir
    Path folder;

    @TestFactory
    Stream<DynamicTest> everyRowOfEveryTableArrives() throws IOException {
        List<Path> databases = RealDatabases.all();
        return databases.stream().map(path -> DynamicTest.dynamicTest(RealDatabases.name(path), () -> migrate(path)));
    }

    private void migrate(Path database) throws Exception {
        Path copy = folder.resolve("copy.sqlite");
        Files.deleteIfExists(copy);
        Files.copy(database, copy, StandardCopyOption.REPLACE_EXISTING);
        SqliteFile file = new SqliteFile(copy);
        Target target = PostgresForTests.fresh();
        try {
            Preparation preparation = Preparation.of(file, target, MappingRules.DEFAULT, Duration.ofSeconds(5),
                    Census.Listener.NONE);
            assertThat(preparation.plan().problems()).isEmpty();
            OneShot migration = new OneShot("test", file, target, new Reconnect(target.url(), new Silent()),
                    new OneShot.Options(2, new Limits(5_000, 16 << 20, Duration.ofSeconds(1)), Duration.ofSeconds(5), "test"));
            OneShot.Report report = migration.run(preparation, LiveGround.UNHEARD);
            print(database, report);
            assertThat(report.verification().tables().stream().filter(table -> !table.isEqual())).isEmpty();
            assertThat(report.isWhole()).isTrue();
            assertThat(report.verification().tables()).allSatisfy(
                    table -> assertThat(table.targetHash()).isEqualTo(table.sourceHash()));
            SameViews.assertSame(report, file, target);
        } finally {
            PostgresForTests.drop(target);
        }
    }

    private static void print(Path database, OneShot.Report report) {
        Map<String, List<NotCarried>> byReason =
                report.notCarried().stream().collect(Collectors.groupingBy(NotCarried::reason));
        System.out.printf("%s: %,d rows in %d tables, %d declarations, %d not carried%n", RealDatabases.name(database),
                report.verification().rows(), report.plan().tables().size(), report.plan().declarations().size(),
                report.notCarried().size());
        byReason.forEach((reason, objects) -> System.out.printf("    %d × %s, e.g. %s%n", objects.size(), reason,
                objects.get(0).object()));
    }

    private static final class Silent implements Reconnect.Listener {
        @Override
        public void onBlocked(String reason) {
            System.out.println("blocked: " + reason);
        }

        @Override
        public void onHealed() {
            System.out.println("healed");
        }
    }
}
