package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.LiveGround;
import dev.sluice.testing.OwnServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A target that lost our latest commits, as a fail-over to a replica that lagged or a restore leaves it: the watermark went
 * back, and with it perhaps the phase, the plan, or what was mended without any changelog row. Healed without an operator,
 * whether the daemon lives through it or is started afterwards.
 */
class FailoverIT {

    private static final String[] SCHEMA = {
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(12), email TEXT UNIQUE)",
        "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT)", "CREATE TABLE log (line TEXT)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
                + " INSERT INTO users SELECT i, 'name ' || i, 'mail' || i FROM n",
        "INSERT INTO kv SELECT 'k' || id, name FROM users", "INSERT INTO log SELECT name FROM users"};

    @TempDir
    static Path home;

    private static OwnServer server;

    @TempDir
    Path folder;

    private Path kept;

    @BeforeAll
    static void startServer() throws Exception {
        Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwxr-xr-x"));
        server = new OwnServer(home.resolve("postgres"));
    }

    @AfterAll
    static void stopServer() {
        server.close();
    }

    @BeforeEach
    void chooseCopy() {
        kept = home.resolve("kept-" + System.nanoTime());
    }

    private LiveGround ground() throws Exception {
        return new LiveGround(folder, server.fresh(), SCHEMA);
    }

    /** What the server has now it will have again after {@link #goBack}. */
    private void keep() throws Exception {
        server.stop();
        server.keep(kept);
        server.start();
    }

    private void goBack() throws Exception {
        server.stop();
        server.putBack(kept);
        server.start();
    }

    private static void write(LiveGround ground, String mark) throws Exception {
        ground.app("UPDATE users SET name = '" + mark + "' WHERE id % 7 = 0", "DELETE FROM users WHERE id % 50 = 1",
                "REPLACE INTO kv VALUES ('k5', '" + mark + "'), ('new " + mark + "', 'x')",
                "INSERT INTO log VALUES ('" + mark + "')", "DELETE FROM log WHERE line = 'name 9'");
    }

    /** Everything that the application has committed arrives, and goes on arriving. */
    private static void assertHealed(LiveGround ground) throws Exception {
        ground.awaitSame();
        write(ground, "go on");
        ground.awaitSame();
        assertThat(ground.verify().isEqual()).isTrue();
        assertThat(ground.target("SELECT phase FROM sluice.migration")).containsExactly("replicating");
        assertThat(ground.target("SELECT * FROM sluice.recheck")).isEmpty();
        assertThat(ground.target("SELECT generation FROM sluice.control"))
                .containsExactly(Long.toString(ground.capture().generation()));
    }

    private static void awaitPurged(LiveGround ground) {
        Awaitility.await().atMost(Duration.ofSeconds(30)).pollInterval(Duration.ofMillis(100))
                .until(() -> ground.source("SELECT count(*) FROM _sluice_changelog").equals(List.of("1")));
    }

    @Test
    void watermarkThatWentBackIsFollowedFromThere() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            write(ground, "kept");
            ground.awaitSame();
            keep();
            write(ground, "lost");
            ground.awaitSame();
            goBack();
            assertHealed(ground);
        }
    }

    @Test
    void watermarkThatWentBackWhileNobodyFollowsIsFollowedFromThere() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            write(ground, "kept");
            ground.awaitSame();
            keep();
            write(ground, "lost");
            ground.awaitSame();
            ground.stop();
            goBack();
            ground.start();
            assertHealed(ground);
        }
    }

    @Test
    void watermarkThatWentBackBehindWhatWasPurgedIsComparedWhole() throws Exception {
        try (LiveGround ground = ground().purgeKeepRows(0).startAndFollow()) {
            write(ground, "kept");
            ground.awaitSame();
            keep();
            write(ground, "lost");
            ground.awaitSame();
            awaitPurged(ground);
            goBack();
            assertHealed(ground);
        }
    }

    @Test
    void watermarkThatWentBackBehindWhatWasPurgedWhileNobodyFollowsIsComparedWhole() throws Exception {
        try (LiveGround ground = ground().purgeKeepRows(0).startAndFollow()) {
            write(ground, "kept");
            ground.awaitSame();
            keep();
            write(ground, "lost");
            ground.awaitSame();
            awaitPurged(ground);
            ground.stop();
            goBack();
            write(ground, "meanwhile");
            ground.start();
            assertHealed(ground);
        }
    }

    /** The replica knows neither of the rebuild nor that the table was to be compared. */
    @Test
    void tableRebuiltInTheTimeThatWasLostIsComparedAgain() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            ground.awaitSame();
            keep();
            rebuild(ground);
            ground.awaitSame();
            goBack();
            assertHealed(ground);
        }
    }

    @Test
    void tableRebuiltInTheTimeThatWasLostIsComparedAgainByTheNextDaemon() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            ground.awaitSame();
            keep();
            rebuild(ground);
            ground.awaitSame();
            ground.stop();
            goBack();
            ground.start();
            assertHealed(ground);
        }
    }

    private static void rebuild(LiveGround ground) throws Exception {
        ground.appTogether("CREATE TABLE users_new (id INTEGER PRIMARY KEY, name VARCHAR(12), email TEXT UNIQUE)",
                "INSERT INTO users_new SELECT id, 'rebuilt', email FROM users WHERE id < 200", "DROP TABLE users",
                "ALTER TABLE users_new RENAME TO users");
    }

    /** A daemon that is started in the time that was lost took a generation of which the replica knows nothing. */
    @Test
    void generationTakenInTheTimeThatWasLostIsNotTakenTwice() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            ground.awaitSame();
            keep();
            ground.stop();
            ground.startAndFollow();
            write(ground, "lost");
            ground.awaitSame();
            long lost = ground.capture().generation();
            goBack();
            assertHealed(ground);
            assertThat(ground.capture().generation()).isGreaterThan(lost);
        }
    }

    @Test
    void phaseThatWentBackIntoTheCopyIsGoneThroughAgain() throws Exception {
        for (boolean alive : new boolean[] {true, false}) {
            Path own = Files.createTempDirectory(folder, "case");
            chooseCopy();
            try (LiveGround ground = new LiveGround(own, server.fresh(), SCHEMA).purgeKeepRows(0)) {
                ground.startAndPauseMidCopy();
                write(ground, "copying");
                keep();
                ground.migration().resume();
                ground.awaitReplicating();
                write(ground, "lost");
                ground.awaitSame();
                awaitPurged(ground);
                if (!alive) {
                    ground.stop();
                }
                goBack();
                if (!alive) { // it was paused when the copy was taken, and a new daemon knows nothing else
                    ground.start();
                    Awaitility.await().until(() -> ground.migration().status().run().equals("paused"));
                    ground.migration().resume();
                }
                assertHealed(ground);
            }
        }
    }

    @Test
    void differenceThatWasMendedInTheTimeThatWasLostIsMendedAgain() throws Exception {
        for (boolean alive : new boolean[] {true, false}) {
            Path own = Files.createTempDirectory(folder, "case");
            chooseCopy();
            try (LiveGround ground = new LiveGround(own, server.fresh(), SCHEMA).startAndFollow()) {
                ground.awaitSame();
                ground.there("UPDATE users SET name = 'wrong' WHERE id = 3", "DELETE FROM kv WHERE k = 'k4'");
                keep();
                assertThat(ground.repair().differenceCount()).isEqualTo(2);
                ground.awaitSame();
                if (!alive) {
                    ground.stop();
                }
                goBack();
                if (!alive) {
                    ground.start();
                }
                ground.awaitSame(); // and no changelog row says so
                assertHealed(ground);
            }
        }
    }

    @Test
    void columnWidenedInTheTimeThatWasLostIsWidenedAgain() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            ground.awaitSame();
            keep();
            ground.app("UPDATE users SET name = 'much longer than twelve' WHERE id = 5");
            ground.awaitSame();
            goBack();
            ground.app("UPDATE users SET name = 'longer than twelve too' WHERE id = 6");
            assertHealed(ground);
            assertThat(ground.parked()).isEmpty();
        }
    }

    @Test
    void columnAddedInTheTimeThatWasLostIsAddedAgain() throws Exception {
        for (boolean alive : new boolean[] {true, false}) {
            Path own = Files.createTempDirectory(folder, "case");
            chooseCopy();
            try (LiveGround ground = new LiveGround(own, server.fresh(), SCHEMA).startAndFollow()) {
                ground.awaitSame();
                keep();
                ground.app("ALTER TABLE users ADD COLUMN extra TEXT DEFAULT 'given'", "UPDATE users SET extra = 'set' WHERE id = 3",
                        "CREATE TABLE late (id INTEGER PRIMARY KEY, v TEXT)", "INSERT INTO late VALUES (1, 'a')");
                Awaitility.await().atMost(Duration.ofSeconds(30)).ignoreExceptions().until(
                        () -> ground.target("SELECT v FROM late").equals(List.of("a")));
                ground.awaitSame();
                if (!alive) {
                    ground.stop();
                }
                goBack();
                if (!alive) {
                    ground.start();
                }
                Awaitility.await().atMost(Duration.ofSeconds(30)).ignoreExceptions().until(
                        () -> ground.target("SELECT v FROM late").equals(List.of("a")));
                assertHealed(ground);
                assertThat(ground.target("SELECT extra, count(*) FROM users WHERE extra = 'set' GROUP BY 1")).containsExactly("set|1");
            }
        }
    }

    @Test
    void targetFromBeforeTheMigrationEndsItWithASentence() throws Exception {
        try (LiveGround ground = ground()) {
            keep();
            ground.startAndFollow();
            goBack();
            assertThat(Preparation.sentence(ground.awaitFailure())).contains("captured already").contains("sluice cancel");
        }
    }
}
