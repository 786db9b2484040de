package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.phase.Phase;
import dev.sluice.tail.Limits;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole way of a live migration, where writing meets copying, widening and blocking. */
class LiveIT {

    @TempDir
    Path folder;

    private static void awaitSame(LiveGround ground) {
        Awaitility.await().atMost(Duration.ofSeconds(30)).pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> SameRows.assertSame(ground));
    }

    @Test
    void rowsReplacedMovedAndSwappedDuringTheCopyArriveOnce() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT UNIQUE)",
                "CREATE TABLE w (k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID", "CREATE TABLE n (id INTEGER PRIMARY KEY, v TEXT)",
                "CREATE TABLE bare (v TEXT)",
                "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 200)"
                        + " INSERT INTO n SELECT i, 'v' || i FROM g",
                "INSERT INTO kv SELECT 'k' || id, v FROM n", "INSERT INTO w SELECT 'k' || id, v FROM n",
                "INSERT INTO bare SELECT v FROM n")) {
            ground.startAndPauseMidCopy();
            // behind the cursor and before it, whatever table it stands in
            for (String key : List.of("k1", "k2", "k3", "k100", "k199", "k200")) {
                ground.app("REPLACE INTO kv VALUES ('" + key + "', 'replaced ' || '" + key + "')",
                        "REPLACE INTO w VALUES ('" + key + "', 'replaced')", "DELETE FROM n WHERE id = substr('" + key + "', 2)",
                        "UPDATE w SET k = 'z' || k WHERE k = '" + key + "'");
            }
            ground.app("UPDATE n SET id = 1000 - id", "UPDATE bare SET rowid = rowid + 500 WHERE rowid <= 100",
                    "UPDATE kv SET v = 'x' WHERE k = 'k4'", "UPDATE kv SET v = 'v4' WHERE k = 'k150'",
                    "UPDATE kv SET v = 'v150' WHERE k = 'k4'");
            ground.migration().resume();
            ground.awaitReplicating();
            ground.verify();
            SameRows.assertSame(ground);
            assertThat(ground.target("SELECT count(*), count(DISTINCT k) FROM kv")).containsExactly("200|200");
        }
    }

    @Test
    void boundedTypesAreWidenedAndWhatWasParkedArrives() throws Exception {
        try (LiveGround ground = new LiveGround(folder,
                "CREATE TABLE t (id INTEGER PRIMARY KEY, s VARCHAR(5), n DECIMAL(5,2), k VARCHAR(3) UNIQUE)",
                "INSERT INTO t VALUES (1, 'short', 123.45, 'abc')").startAndFollow()) {
            assertThat(ground.target("SELECT data_type FROM information_schema.columns WHERE table_name = 't'"
                    + " AND character_maximum_length IS NOT NULL")).hasSize(2);
            ground.app("INSERT INTO t VALUES (2, 'much longer', 1, 'abcd'), (3, 'x', 123456.789, 'c')",
                    "UPDATE t SET s = 'longer', n = 1000.001 WHERE id = 1");
            awaitSame(ground);
            assertThat(ground.parked()).isEmpty();
            ground.app("INSERT INTO t VALUES (4, 'also long', 0.001, 'and this')");
            ground.verify();
            SameRows.assertSame(ground);
            ground.stop();
            ground.app("INSERT INTO t VALUES (5, 'written while nobody followed', -0.0001, 'too long')");
            ground.startAndFollow();
            awaitSame(ground);
        }
    }

    @Test
    void installationThatDoesNotGetTheWriteLockSaysSoLeavesNothingAndGoesOnWhenItIsFree() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")) {
            ground.app("BEGIN IMMEDIATE", "INSERT INTO t VALUES (1, 'a')");
            ground.start();
            assertThat(ground.awaitBlocked("(E08)")).contains("a transaction that does not end", "lets go of the lock");
            assertThat(ground.traces()).isEmpty();
            ground.app("COMMIT");
            ground.awaitReplicating();
            awaitSame(ground);
        }
    }

    /** Far more pages than SQLite lets come together before it checkpoints: a reader that pinned them would be seen. */
    @Test
    void writeAheadLogStaysShortWhileItCopiesFollowsAndVerifies() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
                        + " INSERT INTO t SELECT i, zeroblob(3000) FROM n")) {
            long written = 0;
            ground.chunk(new Limits(50, 1 << 20, Duration.ofMillis(100))).start();
            while (written < 20_000 || !ground.migration().phase().equals(Phase.REPLICATING)) {
                written += rewrite(ground);
            }
            Thread verifier = new Thread(() -> {
                try {
                    ground.migration().verify(List.of(), false);
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }, "verifier");
            verifier.start();
            for (long end = written + 20_000; written < end;) {
                written += rewrite(ground);
            }
            assertThat(ground.file().walSize()).as("bytes that the log ever had").isLessThan(written * 4096 / 2);
            verifier.join();
            ground.verify();
        }
    }

    /** A hundred pages in ten transactions, as fast as an application may in earnest. */
    private static int rewrite(LiveGround ground) throws Exception {
        LockSupport.parkNanos(20_000_000);
        for (int i = 0; i < 10; i++) {
            int from = ThreadLocalRandom.current().nextInt(4990);
            ground.app("UPDATE t SET v = zeroblob(3000 + id % 7) WHERE id BETWEEN " + from + " AND " + (from + 9));
        }
        return 100;
    }

    @Test
    void columnUnderAViewKeepsItsTypeAndOnlyItsRowWaits() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, s VARCHAR(5))",
                "INSERT INTO t VALUES (1, 'short')").startAndFollow()) {
            ground.there("CREATE VIEW theirs AS SELECT s FROM t");
            ground.app("INSERT INTO t VALUES (2, 'much longer'), (3, 'fits')");
            ground.verify();
            assertThat(ground.parked()).containsExactly("t|2|not_representable");
            ground.there("DROP VIEW theirs");
            ground.app("UPDATE t SET s = 'longer still' WHERE id = 2");
            awaitSame(ground);
        }
    }

    /** A reader of the target must not bring replication to a halt because a column is to be widened. */
    @Test
    void wideningWaitsForNobody() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, s VARCHAR(5))",
                "CREATE TABLE other (id INTEGER PRIMARY KEY, s TEXT)", "INSERT INTO t VALUES (1, 'short')").startAndFollow()) {
            try (Connection reader = ground.target().connect(); Statement statement = reader.createStatement()) {
                reader.setAutoCommit(false);
                statement.executeQuery("SELECT * FROM t").close();
                ground.app("INSERT INTO t VALUES (2, 'much longer')");
                Awaitility.await().until(() -> ground.parked().equals(List.of("t|2|not_representable")));
                ground.app("INSERT INTO other VALUES (1, 'goes on')");
                Awaitility.await().atMost(Duration.ofSeconds(10)).until(
                        () -> ground.target("SELECT s FROM other").equals(List.of("goes on")));
                assertThat(ground.migration().status().run()).isEqualTo("running");
                reader.rollback();
            }
            awaitSame(ground); // it is tried again by itself
        }
    }

    @Test
    void daemonThatWasBlockedStillOwnsTheSource() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)",
                "INSERT INTO t VALUES (1, 'a')").purgeKeepRows(0).startAndFollow()) {
            ground.there("ALTER TABLE t RENAME TO away");
            ground.app("UPDATE t SET s = 'b'");
            ground.awaitBlocked("the target lacks something");
            ground.there("ALTER TABLE away RENAME TO t");
            awaitSame(ground);
            assertThat(ground.target("SELECT generation FROM sluice.control"))
                    .containsExactly(Long.toString(ground.capture().generation()));
            ground.app("UPDATE t SET s = s || 'c'", "UPDATE t SET s = s || 'd'");
            Awaitility.await().atMost(Duration.ofSeconds(15)).until(
                    () -> ground.source("SELECT count(*) FROM _sluice_changelog").equals(List.of("1")));
            ground.app("UPDATE t SET s = s || 'e'");
            awaitSame(ground);
            assertThat(ground.migration().failure()).isNull();
        }
    }

    @Test
    void pausedMigrationWritesNothingAndGoesOnWhereItWas() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)",
                "INSERT INTO t VALUES (1, 'a')").startAndFollow()) {
            ground.verify();
            ground.migration().pause();
            ground.app("INSERT INTO t VALUES (2, 'b')");
            ground.stop();
            ground.start();
            Awaitility.await().until(() -> ground.migration().status().run().equals("paused"));
            assertThat(ground.target("SELECT count(*) FROM t")).containsExactly("1");
            ground.migration().resume();
            awaitSame(ground);
        }
    }

    /** The target is not taken from here, which is as good as away: nothing is purged. */
    @Test
    void changelogThatOutgrowsItsLimitIsTakenOutAndEverythingComparedAfterwards() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)",
                "CREATE TABLE u (k TEXT PRIMARY KEY)").changelogBytesMax(20_000).startAndFollow()) {
            ground.migration().pause();
            ground.app("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
                    + " INSERT INTO t SELECT i, 'row ' || i FROM n");
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> ground.traces().isEmpty());
            ground.app("INSERT INTO u VALUES ('nobody logs this')", "DELETE FROM t WHERE id < 10");
            assertThat(ground.migration().status().notes()).anyMatch(note -> note.contains("capture was removed")
                    && note.contains("(E11)"));
            ground.migration().resume();
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() ->
                    ground.target("SELECT count(*) FROM u").equals(List.of("1"))
                            && ground.migration().phase() == Phase.REPLICATING);
            awaitSame(ground);
        }
    }

    @Test
    void cancelLeavesTheSourceAsItWas() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT UNIQUE)",
                "CREATE TABLE log (line TEXT)", "CREATE VIEW v AS SELECT s FROM t",
                "CREATE TRIGGER keep AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.s); END")) {
            String before = String.join("\n", ground.source("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"));
            ground.startAndFollow();
            ground.app("INSERT INTO t VALUES (1, 'a')");
            ground.verify();
            assertThat(ground.traces()).isNotEmpty();
            ground.migration().cancel();
            assertThat(String.join("\n", ground.source("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name")))
                    .isEqualTo(before);
            ground.app("INSERT INTO t VALUES (2, 'b')");
            assertThat(ground.target("SELECT to_regnamespace('sluice')")).containsExactly("∅");
            assertThat(ground.target("SELECT s FROM t")).containsExactly("a");
        }
    }
}
