package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.phase.Phase;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.OwnServer;
import dev.sluice.testing.SameRows;
import dev.sluice.testing.SmallDisk;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** No disk space left, on either side: said in a sentence, healed by room alone, nothing lost and nothing doubled. */
class FullDiskIT {

    /** 10 MB that can't be compressed. */
    private static final String[] BLOBS = {"CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)",
        "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 200)"
                + " INSERT INTO t SELECT i, randomblob(50000) FROM g"};

    @TempDir
    Path folder;

    @BeforeEach
    void letPostgresqlsUserIn() throws Exception {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static void awaitSame(LiveGround ground) {
        Awaitility.await().atMost(Duration.ofSeconds(90)).pollInterval(Duration.ofMillis(100))
                .failFast(() -> {
                    if (ground.migration().failure() != null) {
                        throw new AssertionError("the migration ended", ground.migration().failure());
                    }
                })
                .ignoreExceptions() // of the test's own connections while the server starts
                .untilAsserted(() -> {
                    assertThat(ground.migration().status().run()).isEqualTo("running");
                    assertThat(ground.migration().phase()).isEqualTo(Phase.REPLICATING);
                    SameRows.assertSame(ground);
                });
    }

    // ---- PostgreSQL's side ----

    @Test
    void dataDirectoryOnAFullDiskIsWaitedFor() throws Exception {
        Path home = folder.resolve("postgres");
        try (SmallDisk disk = SmallDisk.mount(home.resolve("server"), 300); OwnServer server = new OwnServer(home);
                LiveGround ground = new LiveGround(folder, server.fresh(), BLOBS)) {
            disk.fill(5_000);
            ground.start();
            assertThat(ground.awaitBlocked("no disk space left")).contains("could not extend file").contains("free or add some");
            assertThat(ground.migration().status().next()).contains("goes on by itself");
            ground.app("UPDATE t SET v = randomblob(50000) WHERE id < 20", "DELETE FROM t WHERE id = 30");
            disk.free();
            awaitSame(ground);
            disk.fill(1_000);
            ground.app("UPDATE t SET v = randomblob(50000) WHERE id > 20", "REPLACE INTO t VALUES (30, x'0bac')");
            ground.awaitBlocked("no disk space left");
            ground.app("DELETE FROM t WHERE id = 40");
            disk.free();
            awaitSame(ground);
            assertThat(ground.verify().isEqual()).isTrue();
        }
    }

    /** PostgreSQL stops altogether when it can't write its log; ours is started again when there is room. */
    @Test
    void writeAheadLogOnAFullDiskIsWaitedFor() throws Exception {
        Path home = folder.resolve("postgres");
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("wal"), 100); OwnServer server = new OwnServer(home)) {
            server.stop();
            server.moveLogTo(disk.path());
            server.start();
            try (LiveGround ground = new LiveGround(folder, server.fresh(), BLOBS).startAndFollow()) {
                disk.fill(0);
                String blocked = null;
                for (int i = 0; i < 10 && blocked == null; i++) { // what is allocated already has to be used up
                    ground.app("UPDATE t SET v = randomblob(50000)");
                    Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> !isRunning(ground) || isDrained(ground));
                    blocked = isRunning(ground) ? null : ground.migration().status().run();
                }
                assertThat(blocked).contains("the target at");
                ground.app("DELETE FROM t WHERE id = 40");
                Awaitility.await().atMost(Duration.ofSeconds(30))
                        .until(() -> Files.readString(server.server().log()).contains("PANIC"));
                disk.free();
                awaitSame(ground);
                ground.app("UPDATE t SET v = x'01' WHERE id = 1");
                awaitSame(ground);
            }
        }
    }

    private static boolean isRunning(LiveGround ground) {
        return ground.migration().status().run().equals("running");
    }

    private static boolean isDrained(LiveGround ground) {
        return ground.migration().status().lagChanges() == 0;
    }

    @Test
    void oneShotEndsWithASentenceAndCanBeRepeated() throws Exception {
        Path home = folder.resolve("postgres");
        try (SmallDisk disk = SmallDisk.mount(home.resolve("server"), 300); OwnServer server = new OwnServer(home);
                LiveGround ground = new LiveGround(folder, server.fresh(), BLOBS)) {
            Preparation preparation = ground.prepare();
            disk.fill(5_000);
            assertThatThrownBy(() -> ground.migrate(preparation)).satisfies(e -> assertThat(Preparation.sentence((Exception) e))
                    .contains("no disk space left").contains("free or add some").doesNotContain("\n"));
            disk.free();
            ground.removeUnfinished();
            assertThat(ground.migrate().isWhole()).isTrue();
            SameRows.assertSame(ground, preparation.plan());
        }
    }

    // ---- SQLite's side ----

    @Test
    void captureIsInstalledWholeOrNotAtAll() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("small"), 4);
                LiveGround ground = new LiveGround(disk.path(), manyTables())) {
            for (String mode : List.of("WAL", "DELETE")) {
                ground.app("PRAGMA journal_mode = " + mode, "CREATE TABLE IF NOT EXISTS x (v)", "INSERT INTO x VALUES (1)");
                disk.fill(8);
                ground.start();
                assertThat(ground.awaitBlocked("full")).as(mode).contains(ground.file().path().toString()).contains("make room");
                assertThat(ground.traces()).as(mode).isEmpty();
                assertThat(ground.source("PRAGMA integrity_check")).containsExactly("ok");
                ground.stop();
                disk.free();
            }
            ground.startAndFollow();
            ground.app("INSERT INTO t1 VALUES (1, 'a')");
            awaitSame(ground);
        }
    }

    private static String[] manyTables() {
        return java.util.stream.IntStream.range(0, 40)
                .mapToObj(i -> "CREATE TABLE t" + i + " (id INTEGER PRIMARY KEY, v TEXT UNIQUE)").toArray(String[]::new);
    }

    @Test
    void followingAFullDiskGoesOnAndTheApplicationIsUnharmed() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("small"), 8);
                LiveGround ground = new LiveGround(disk.path(), "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
                        "INSERT INTO t VALUES (1, 'a')").purgeKeepRows(0).startAndFollow()) {
            for (int i = 2; i < 200; i++) {
                ground.app("INSERT INTO t VALUES (" + i + ", hex(randomblob(1000)))");
            }
            disk.fill(0);
            int refused = 0;
            for (int i = 200; i < 1_200; i++) {
                try {
                    ground.app("INSERT INTO t VALUES (" + i + ", hex(randomblob(1000)))");
                } catch (SQLException e) {
                    assertThat(e.getMessage()).contains("FULL");
                    refused++;
                }
            }
            assertThat(refused).as("its own disk is full").isPositive();
            awaitSame(ground);
            disk.free();
            ground.app("INSERT INTO t VALUES (5000, 'room')", "DELETE FROM t WHERE id < 100");
            awaitSame(ground);
            Awaitility.await().atMost(Duration.ofSeconds(30)).pollInterval(Duration.ofMillis(200)).untilAsserted(() ->
                    assertThat(ground.source("SELECT count(*) FROM _sluice_changelog")).containsExactly("1"));
            assertThat(ground.source("PRAGMA integrity_check")).containsExactly("ok");
        }
    }

    @Test
    void cancelOnAFullDiskIsFinishedByTheNextStart() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("small"), 4);
                LiveGround ground = new LiveGround(disk.path(), manyTables()).startAndFollow()) {
            ground.app("INSERT INTO t1 VALUES (1, 'a')");
            awaitSame(ground);
            ground.app("PRAGMA wal_checkpoint(TRUNCATE)");
            disk.fill(0);
            assertThatThrownBy(() -> ground.migration().cancel()).satisfies(e ->
                    assertThat(Preparation.sentence((Exception) e, ground.file().path())).contains("full").contains("make room"));
            disk.free();
            ground.app("INSERT INTO t1 VALUES (2, 'b')");
            ground.start();
            assertThat(ground.migration().awaitEnd(Duration.ofSeconds(30))).isTrue();
            assertThat(ground.migration().failure()).isNull();
            assertThat(ground.traces()).isEmpty();
            assertThat(ground.target("SELECT to_regnamespace('sluice')")).containsExactly("∅");
        }
    }
}
