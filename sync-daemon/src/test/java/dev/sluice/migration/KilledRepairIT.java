package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.DaemonMain;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.PostgresForTests;
import dev.sluice.testing.SameRows;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A daemon that is killed between making its triggers anew and saying so in the target leaves a gap that nothing shows. */
class KilledRepairIT {

    private static final String ACCOUNT = "CREATE TABLE account (id INTEGER PRIMARY KEY, cents INTEGER)";

    @TempDir
    Path folder;

    @Test
    void tableMadeAnewIsComparedAlthoughTheDaemonDiedAfterTheRepair() throws Exception {
        try (LiveGround ground = new LiveGround(folder, ACCOUNT, "INSERT INTO account VALUES (1, 100), (2, 100)")) {
            Path log = folder.resolve("daemon.log");
            ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-cp", System.getProperty("java.class.path"), DaemonMain.class.getName(), ground.file().path().toString(),
                    ground.target().url().toString());
            builder.environment().put(DaemonMain.PASSWORD, PostgresForTests.password().reveal());
            Process daemon = builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
            try {
                Awaitility.await().atMost(Duration.ofSeconds(60)).ignoreExceptions()
                        .until(() -> ground.phase().equals("replicating"));
                ground.appTogether("ALTER TABLE account RENAME TO old", ACCOUNT, "INSERT INTO account SELECT * FROM old",
                        "DROP TABLE old", "UPDATE account SET cents = cents - 30 WHERE id = 1",
                        "UPDATE account SET cents = cents + 30 WHERE id = 2");
                Awaitility.await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(5))
                        .until(() -> ground.source("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'"
                                + " AND tbl_name = 'account'"), count -> !count.equals(List.of("0")));
                assertThat(daemon.isAlive()).as(Files.readString(log)).isTrue();
                // killed at once: between the triggers and the note of what the source is now, or soon after
            } finally {
                daemon.destroyForcibly().waitFor();
            }
            ground.startAndFollow();
            SameRows.assertSame(ground);
            assertThat(ground.target("SELECT cents FROM account ORDER BY id")).containsExactly("70", "130");
        }
    }
}
