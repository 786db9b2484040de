package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.cli.Main;
import dev.sluice.phase.Phase;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Writes are moved to PostgreSQL and back, on real databases. */
class SwitchIT {

    private static final String[] SCHEMA = {
        "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, email TEXT UNIQUE, born TEXT, active INT)",
        "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT)", "CREATE TABLE log (line TEXT)",
        "CREATE TABLE audit (id INTEGER PRIMARY KEY, what TEXT)",
        "CREATE TRIGGER users_audit AFTER UPDATE ON users BEGIN INSERT INTO audit(what) VALUES ('changed ' || new.id); END",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
                + " INSERT INTO users SELECT i, 'name ' || i, 'mail' || i, '2001-02-03 04:05:06', i % 2 FROM n",
        "INSERT INTO kv SELECT 'k' || id, name FROM users", "INSERT INTO log SELECT name FROM users"};

    @TempDir
    Path folder;

    private static SwitchOrder order() {
        return new SwitchOrder(false, Duration.ofSeconds(20), 1_000, Set.of(), "test");
    }

    /** An application on PostgreSQL, which says nothing of being one of ours. */
    private static void onTarget(LiveGround ground, String... statements) throws SQLException {
        try (Connection connection = application(ground); Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private static Connection application(LiveGround ground) throws SQLException {
        var login = ground.target().login();
        return DriverManager.getConnection("jdbc:postgresql://" + ground.target().url().place() + "/"
                + ground.target().url().effectiveDatabase(), login);
    }

    private static void awaitBack(LiveGround ground) {
        Awaitility.await().atMost(Duration.ofSeconds(30)).pollInterval(Duration.ofMillis(50))
                .untilAsserted(() -> SameRows.assertSame(ground));
    }

    private static SwitchReport cutover(LiveGround ground) throws Exception {
        assertThat(ground.verify().isEqual()).isTrue();
        SwitchReport report = ground.migration().cutover(order());
        assertThat(report.done()).as(report.toString()).isTrue();
        assertThat(ground.migration().phase()).isEqualTo(Phase.SWITCHED);
        return report;
    }

    @Test
    void writesMoveToPostgresAndBackAndThereAgain() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SCHEMA).startAndFollow()) {
            assertThatThrownBy(() -> onTarget(ground, "INSERT INTO kv VALUES ('too', 'early')"))
                    .hasMessageContaining("writes go to SQLite (epoch 0)");
            for (int round = 0; round < 2; round++) {
                SwitchReport there = cutover(ground);
                assertThat(there.pause()).isNotNull();
                assertThatThrownBy(() -> ground.app("INSERT INTO kv VALUES ('too', 'late')"))
                        .hasMessageContaining("writes have moved to PostgreSQL");
                onTarget(ground, "INSERT INTO users (name, email, born, active) VALUES ('new " + round + "', 'new" + round
                        + "', '2026-11-21 10:00:00', 1)",
                        "UPDATE users SET name = 'changed' WHERE id = 5", "DELETE FROM kv WHERE k = 'k7'",
                        "INSERT INTO kv VALUES ('k7', 'again')", "INSERT INTO log VALUES ('from PostgreSQL')");
                awaitBack(ground);
                assertThat(ground.source("SELECT name, typeof(active), born FROM users WHERE email = 'new" + round + "'"))
                        .containsExactly("new " + round + "|integer|2026-11-21 10:00:00");
                assertThat(ground.source("SELECT count(*) FROM audit WHERE what = 'changed 5'"))
                        .as("the application's trigger does not fire for what came back").containsExactly(round + "");

                SwitchReport back = ground.migration().rollback(order());
                assertThat(back.done()).as(back.toString()).isTrue();
                assertThatThrownBy(() -> onTarget(ground, "INSERT INTO kv VALUES ('too', 'late')"))
                        .hasMessageContaining("writes go to SQLite");
                ground.awaitReplicating();
                ground.app("INSERT INTO users (name, email) VALUES ('after " + round + "', 'after" + round + "')",
                        "UPDATE users SET name = 'by SQLite' WHERE id = 5", "DELETE FROM log WHERE line = 'name 9'");
                ground.awaitArrival();
                SameRows.assertSame(ground);
                assertThat(ground.verify().isEqual()).isTrue();
            }
            assertThat(ground.target("SELECT act, detail::json ->> 'to', (detail::json ->> 'pauseMs')::int >= 0,"
                    + " json_array_length(detail::json -> 'steps') > 4 FROM sluice.audit WHERE act LIKE '%ended' ORDER BY ordinal"))
                    .as("the audit log tells what came of every move").containsExactly("cutover_ended|switched|t|t",
                            "rollback_ended|replicating|t|t", "cutover_ended|switched|t|t", "rollback_ended|replicating|t|t");
            assertThat(ground.source("SELECT id FROM users WHERE email LIKE 'new%' OR email LIKE 'after%' ORDER BY id"))
                    .isEqualTo(List.of("101", "102", "103", "104"));
            assertThat(ground.target("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"))
                    .containsExactly("0");
        }
    }

    @Test
    void flagFileNamesSqliteBeforeAnythingIsMoved() throws Exception {
        Path flag = folder.resolve("flag");
        try (LiveGround ground = new LiveGround(folder, SCHEMA).flagFile(flag).startAndFollow()) {
            assertThat(flag).content().contains("SLUICE_TRAFFIC=sqlite", "SLUICE_EPOCH=0");
            assertThat(ground.migration().traffic().now()).hasValueSatisfying(now -> assertThat(now.label()).isEqualTo("sqlite"));
        }
    }

    @Test
    void closedGateRefusesAndChangesNothing() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SCHEMA).startAndFollow()) {
            SwitchReport report = ground.migration().cutover(order());
            assertThat(report.done()).isFalse();
            assertThat(report.summary()).contains("the gate verification is closed");
            ground.app("INSERT INTO kv VALUES ('still', 'here')");
            ground.awaitArrival();
            SwitchReport look = ground.migration().cutover(new SwitchOrder(true, Duration.ofSeconds(5), 1_000,
                    Set.of(Gate.VERIFICATION), "test"));
            assertThat(look.done()).isTrue();
            assertThat(look.would()).isNotEmpty();
            assertThat(ground.migration().phase()).isEqualTo(Phase.REPLICATING);
        }
    }

    /** Its write is seen by the gates not yet, and by the last drain. */
    @Test
    void rowThatIsParkedWhileTheCutoverIsPreparedEndsIt() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SCHEMA).startAndFollow()) {
            assertThat(ground.verify().isEqual()).isTrue();
            ground.app("BEGIN IMMEDIATE", "UPDATE users SET active = 'maybe' WHERE id = 3");
            CompletableFuture<SwitchReport> cutover = CompletableFuture.supplyAsync(() -> {
                try {
                    return ground.migration().cutover(new SwitchOrder(false, Duration.ofSeconds(4), 1_000, Set.of(), "test"));
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> ground.target(
                    "SELECT 1 FROM pg_replication_slots WHERE database = current_database()").size() == 1);
            ground.app("COMMIT");
            SwitchReport report = cutover.get(60, TimeUnit.SECONDS);
            assertThat(report.done()).isFalse();
            assertThat(report.summary()).contains("parked").contains("SQLite takes the writes");
            ground.app("UPDATE users SET active = 1 WHERE id = 3");
            ground.awaitArrival();
            SameRows.assertSame(ground);
        }
    }

    @Test
    void daemonThatIsStartedAgainGoesOnBringingBack() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SCHEMA).startAndFollow()) {
            cutover(ground);
            ground.stop();
            onTarget(ground, "INSERT INTO kv VALUES ('while', 'it was away')");
            ground.start();
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> ground.migration().phase() == Phase.SWITCHED);
            awaitBack(ground);
            assertThat(ground.migration().rollback(order()).done()).isTrue();
            ground.app("INSERT INTO kv VALUES ('and', 'on')");
            ground.awaitReplicating();
            ground.awaitArrival();
            SameRows.assertSame(ground);
        }
    }

    @Test
    void completedMigrationLeavesNothingInPostgres() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SCHEMA).startAndFollow()) {
            cutover(ground);
            SwitchReport report = ground.migration().complete(order(), true);
            assertThat(report.done()).isTrue();
            assertThat(ground.migration().awaitEnd(Duration.ofSeconds(30))).isTrue();
            assertThat(ground.migration().failure()).isNull();
            onTarget(ground, "INSERT INTO kv VALUES ('free', 'now')");
            assertThat(ground.traces()).isEmpty();
            assertThat(ground.target("SELECT count(*) FROM pg_namespace WHERE nspname = 'sluice'")).containsExactly("0");
            assertThat(ground.target("SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%sluice%'")).containsExactly("0");
            assertThat(ground.target("SELECT count(*) FROM pg_publication")).containsExactly("0");
        }
    }

    /** The daemon may be killed between the two, or nobody asked for a clean source. */
    @Test
    void sourceOfACompletedMigrationIsNotPlannedForAnew() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SCHEMA).startAndFollow()) {
            cutover(ground);
            assertThat(ground.migration().complete(order(), false).done()).isTrue();
            assertThat(ground.migration().awaitEnd(Duration.ofSeconds(30))).isTrue();
            onTarget(ground, "INSERT INTO kv VALUES ('only', 'there')");
            ground.start();
            assertThat(ground.awaitFailure()).hasMessageContaining("have moved to PostgreSQL (epoch 1)")
                    .hasMessageContaining("--switched");
            assertThat(ground.target("SELECT v FROM kv WHERE k = 'only'")).containsExactly("there");
            assertThatThrownBy(() -> ground.app("INSERT INTO kv VALUES ('still', 'fenced')"))
                    .hasMessageContaining("writes have moved to PostgreSQL");
            String file = ground.file().path().toString();
            assertThat(Main.run("cancel", "--source", file)).isNotZero();
            assertThat(Main.run("cancel", "--source", file, "--switched")).isZero();
            assertThat(ground.traces()).isEmpty();
            ground.app("UPDATE users SET name = 'free' WHERE id = 1");
            assertThat(ground.source("SELECT count(*) FROM audit")).as("the application's trigger is back").containsExactly("1");
        }
    }
}
