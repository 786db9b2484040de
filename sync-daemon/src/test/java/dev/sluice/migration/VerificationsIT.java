package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.capture.Capture;
import dev.sluice.capture.Fence;
import dev.sluice.phase.Phase;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.StoredRun.State;
import dev.sluice.tail.Limits;
import dev.sluice.testing.LiveGround;
import dev.sluice.verify.Difference;
import dev.sluice.verify.Evidence;
import dev.sluice.verify.TableReport;
import dev.sluice.verify.VerifyReport;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Verifications that outlive the process, in both directions. */
class VerificationsIT {

    private static final String[] SCHEMA = {
        "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, born TEXT, active INT)",
        "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT)", "CREATE TABLE log (line TEXT)",
        "CREATE TABLE pairs (a TEXT COLLATE NOCASE, b INT, v REAL, PRIMARY KEY (a DESC, b)) WITHOUT ROWID",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)"
                + " INSERT INTO users SELECT i, 'name ' || i, '2001-02-03 04:05:06', i % 2 FROM n",
        "INSERT INTO kv SELECT 'k' || id, name FROM users", "INSERT INTO log SELECT name FROM users WHERE id < 3000",
        "INSERT INTO pairs SELECT 'P' || (id % 700), id, id / 8.0 FROM users WHERE id < 5000"};
    private static final Limits STEP = new Limits(1_000, 1 << 20, Duration.ofSeconds(1));

    @TempDir
    Path folder;

    private static SwitchOrder order() {
        return new SwitchOrder(false, Duration.ofSeconds(20), 1_000, Set.of(), "test");
    }

    private static Connection application(LiveGround ground) throws SQLException {
        return DriverManager.getConnection("jdbc:postgresql://" + ground.target().url().place() + "/"
                + ground.target().url().effectiveDatabase(), ground.target().login());
    }

    private static VerifyReport verify(LiveGround ground, boolean whole, boolean repair) throws Exception {
        return ground.migration().verifications().verify(
                new Verifications.Order(List.of(), whole, repair, 100, false, "test"));
    }

    private static Verifications.View latest(LiveGround ground) throws SQLException {
        return ground.migration().verifications().view(0);
    }

    private static Set<String> lines(VerifyReport report) {
        Set<String> lines = new TreeSet<>();
        for (TableReport table : report.tables()) {
            for (Difference difference : table.differences()) {
                lines.add(table.table() + " " + difference.kind() + " " + difference.key().parts() + " " + difference.columns());
            }
        }
        return lines;
    }

    /** Changes rows of the source so that no changelog row tells of it. */
    private static void behindTheBack(LiveGround ground, boolean fenced, String... statements) throws SQLException {
        try (SqliteSession writer = ground.file().openWriter(Duration.ofSeconds(20))) {
            if (fenced) {
                Fence.writeThrough(writer, Capture.state(writer).generation(), () -> {
                    for (String sql : statements) {
                        writer.execute(sql);
                    }
                    return null;
                });
                return;
            }
            writer.beginImmediate();
            long head = Capture.head(writer).seq();
            for (String sql : statements) {
                writer.execute(sql);
            }
            writer.execute("DELETE FROM _sluice_changelog WHERE seq > " + head);
            writer.commit();
        }
    }

    @Test
    void secondRunReadsOnlyWhatChangedSince() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SCHEMA).chunk(STEP).startAndFollow()) {
            assertThat(verify(ground, true, false).isEqual()).isTrue();
            assertThat(latest(ground).state()).isEqualTo(State.VERIFIED);
            assertThat(latest(ground).rowsDone()).isEqualTo(9000 + 9000 + 2999 + 4999);
            verify(ground, false, false);
            assertThat(latest(ground).rowsDone()).isZero();

            ground.app("UPDATE users SET name = 'other' WHERE id = 4711", "DELETE FROM kv WHERE k = 'k77'",
                    "INSERT INTO pairs VALUES ('p5', 1, 2.5)", "INSERT INTO users (name) VALUES ('new')");
            ground.awaitArrival();
            ground.there("UPDATE users SET active = 7 WHERE id = 4712", "UPDATE users SET active = 7 WHERE id = 1");
            VerifyReport changed = verify(ground, false, false);
            assertThat(lines(changed)).as("4712 lies in a range that changed, 1 does not")
                    .containsExactly("users DIFFERENT [4712] [active]");
            assertThat(latest(ground).state()).isEqualTo(State.MISMATCHED);
            assertThat(latest(ground).rowsDone()).isBetween(3_000L, 6_000L);
            assertThat(changed.rows()).isEqualTo(9001 + 9000 + 2999 + 5000);

            VerifyReport mended = ground.migration().resync("users", true, "test");
            assertThat(lines(mended)).containsExactly("users DIFFERENT [4712] [active]");
            assertThat(latest(ground).state()).isEqualTo(State.VERIFIED);
            assertThat(ground.target("SELECT active FROM users WHERE id = 4712")).containsExactly("0");
            assertThat(lines(verify(ground, true, true))).containsExactly("users DIFFERENT [1] [active]");
            assertThat(verify(ground, true, false).isEqual()).isTrue();
            Evidence evidence = ground.migration().verifications().evidence(latest(ground));
            assertThat(evidence.check(null).intact()).isTrue();
            assertThat(ground.target("SELECT detail FROM sluice.audit WHERE act = 'verify' ORDER BY ordinal DESC LIMIT 1")
                    .get(0)).contains(evidence.hash());
        }
    }

    /** The root is the same whether the tree was read at once or in pieces. */
    @Test
    void rootOfAPiecewiseTreeIsThatOfTheRows() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SCHEMA).chunk(STEP).startAndFollow()) {
            verify(ground, true, false);
            ground.app("UPDATE users SET name = name || '!' WHERE id % 1000 = 1", "DELETE FROM pairs WHERE b % 997 = 3",
                    "UPDATE kv SET k = 'K' || k WHERE k LIKE '%88'");
            ground.awaitArrival();
            VerifyReport pieces = verify(ground, false, false);
            assertThat(pieces.isEqual()).isTrue();
            VerifyReport whole = verify(ground, true, false);
            assertThat(pieces.tables()).extracting(TableReport::rows)
                    .isEqualTo(whole.tables().stream().map(TableReport::rows).toList());
            // tables without growing ranges have the same bounds again
            assertThat(pieces.tables().get(0).sourceHash()).isEqualTo(whole.tables().get(0).sourceHash());
        }
    }

    @Test
    void runGoesOnWhereItStoodWhenTheDaemonIsStartedAgain() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SCHEMA).chunk(STEP).startAndFollow()) {
            ground.there("UPDATE users SET active = 9 WHERE id = 10");
            Verifications verifications = ground.migration().verifications();
            long run = verifications.create(new Verifications.Order(List.of(), true, false, 3, false, "test")).run();
            Awaitility.await().atMost(Duration.ofSeconds(30)).pollInterval(Duration.ofMillis(5))
                    .until(() -> verifications.view(run).rowsDone() >= 2_000);
            ground.stop();
            long done = Long.parseLong(ground.target("SELECT sum(rows_done) FROM sluice.verification_table").get(0));
            assertThat(ground.target("SELECT state FROM sluice.verification")).containsExactly("running");
            assertThat(done).isLessThan(20_000);
            ground.there("UPDATE users SET active = 8 WHERE id = 11"); // in a range that was compared already
            ground.start();
            ground.awaitReplicating();
            Verifications again = ground.migration().verifications();
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> again.view(run).rowsDone() > done);
            assertThat(again.stop(run)).isTrue();
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> again.view(run).state() == State.STOPPED);
            assertThat(again.resume(run)).isTrue();
            ground.target("UPDATE sluice.verification SET share = 100 WHERE run = " + run + " RETURNING 1");
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> again.view(run).state() == State.MISMATCHED);
            assertThat(again.view(run).rowsDone()).isEqualTo(9000 + 9000 + 2999 + 4999);
            assertThat(again.view(run).tables().get(0).listed()).contains("\"10\"").doesNotContain("\"11\"");
        }
    }

    /** While PostgreSQL has the traffic and its rows never rest, nothing is said to differ that does not. */
    @Test
    void sidesAreEqualWhilePostgresIsWrittenTo() throws Exception {
        long seed = System.nanoTime();
        try (LiveGround ground = new LiveGround(folder, SCHEMA).chunk(STEP).startAndFollow()) {
            assertThat(verify(ground, true, false).isEqual()).isTrue();
            assertThat(ground.migration().cutover(order()).done()).isTrue();
            AtomicBoolean stop = new AtomicBoolean();
            AtomicLong commits = new AtomicLong();
            CompletableFuture<Void> hot = CompletableFuture.runAsync(() -> write(ground, stop, commits, new Random(seed), true));
            CompletableFuture<Void> wide = CompletableFuture.runAsync(() -> write(ground, stop, commits, new Random(seed), false));
            try {
                for (int round = 0; round < 3; round++) {
                    long before = commits.get();
                    VerifyReport report = verify(ground, round != 1, false);
                    assertThat(lines(report)).as("seed %d, round %d", seed, round).isEmpty();
                    assertThat(report.isEqual()).as("seed %d, %s", seed, report).isTrue();
                    assertThat(latest(ground).state()).isEqualTo(State.VERIFIED);
                    assertThat(commits.get()).isGreaterThan(before);
                }
                String[] planted = {"UPDATE users SET name = 'wrong' WHERE id = 8001", "DELETE FROM users WHERE id = 8002",
                    "INSERT INTO users (id, name) VALUES (-5, 'extra')", "UPDATE kv SET v = NULL WHERE k = 'k8003'",
                    "DELETE FROM kv WHERE k = 'k8004'", "INSERT INTO kv VALUES ('extra', 'x')",
                    "UPDATE pairs SET v = -0.0 WHERE b = 4800", "DELETE FROM pairs WHERE b = 4801",
                    "UPDATE log SET line = 'x' WHERE rowid = 2900"};
                behindTheBack(ground, true, planted);
                VerifyReport found = verify(ground, true, false);
                assertThat(lines(found)).as("seed %d", seed).contains("users DIFFERENT [8001] [name]",
                        "users MISSING [8002] []", "users EXTRA [-5] []", "kv DIFFERENT ['k8003'] [v]",
                        "kv MISSING ['k8004'] []", "kv EXTRA ['extra'] []", "log DIFFERENT [2900] [line]").hasSize(9);
                assertThat(lines(verify(ground, true, true))).as("seed %d", seed).hasSize(9);
                assertThat(latest(ground).state()).isEqualTo(State.VERIFIED);
                VerifyReport after = verify(ground, true, false);
                assertThat(lines(after)).as("seed %d", seed).isEmpty();
                assertThat(after.isEqual()).as("seed %d, %s", seed, after).isTrue();
            } finally {
                stop.set(true);
                hot.join();
                wide.join();
            }
            assertThat(ground.migration().rollback(order()).done()).isTrue();
            ground.awaitReplicating();
            assertThat(latest(ground).state()).as("the writes have moved").isEqualTo(State.STALE);
            assertThat(verify(ground, true, false).isEqual()).isTrue();
        }
    }

    /** @param hot the same few rows over and over; else all over the tables */
    private static void write(LiveGround ground, AtomicBoolean stop, AtomicLong commits, Random random, boolean hot) {
        try (Connection connection = application(ground); Statement statement = connection.createStatement()) {
            while (!stop.get()) {
                int id = hot ? 1 + random.nextInt(3) : 1 + random.nextInt(7_900);
                switch (random.nextInt(hot ? 3 : 7)) {
                    case 0 -> statement.execute("UPDATE users SET name = 'n' || random() WHERE id = " + id);
                    case 1 -> statement.execute("UPDATE kv SET v = 'v' || random() WHERE k = 'k" + id + "'");
                    case 2 -> statement.execute("BEGIN; UPDATE users SET active = 1 - active WHERE id = " + id
                            + "; UPDATE log SET line = 'l' || random() WHERE sluice_rowid = " + (id % 2800 + 1) + "; COMMIT");
                    case 3 -> statement.execute("INSERT INTO users (name) VALUES ('new')");
                    case 4 -> statement.execute("DELETE FROM kv WHERE k = 'k" + id + "'");
                    case 5 -> statement.execute("INSERT INTO kv VALUES ('k" + id + "', 'back') ON CONFLICT DO NOTHING");
                    default -> statement.execute("UPDATE pairs SET v = random() WHERE b = " + id % 4700);
                }
                commits.incrementAndGet();
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Nothing tells a new process what changed while the old one was away, so it may not trust the leaves. */
    @Test
    void changesThatNobodyHeardOfAreLookedForEverywhere() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SCHEMA).chunk(STEP).startAndFollow()) {
            verify(ground, true, false);
            ground.stop();
            ground.app("UPDATE users SET name = 'while it was away' WHERE id = 5000");
            ground.start();
            ground.awaitReplicating();
            ground.awaitArrival();
            verify(ground, false, false);
            assertThat(latest(ground).rowsDone()).as("the journal tells of everything").isBetween(1L, 5_000L);

            assertThat(ground.migration().cutover(order()).done()).isTrue();
            try (Connection application = application(ground); Statement statement = application.createStatement()) {
                statement.execute("UPDATE users SET name = 'by PostgreSQL' WHERE id = 100");
            }
            verify(ground, false, false);
            assertThat(latest(ground).rowsDone()).as("the stream names what it changes").isBetween(1L, 5_000L);
            ground.stop();
            ground.start();
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> ground.migration().phase() == Phase.SWITCHED);
            verify(ground, false, false);
            assertThat(latest(ground).rowsDone()).as("only the old process had heard the stream").isGreaterThan(20_000);
            assertThat(latest(ground).state()).isEqualTo(State.VERIFIED);
        }
    }
}
