package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.conflict.ConflictRules;
import dev.sluice.conflict.Policy;
import dev.sluice.store.Conflict;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Policies and parked rows over a whole way there and back. */
class SwitchedConflictsIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    Path folder;

    private static void onTarget(LiveGround ground, String... statements) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:postgresql://" + ground.target().url().place() + "/"
                + ground.target().url().effectiveDatabase(), ground.target().login());
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private static SwitchOrder order() {
        return new SwitchOrder(false, Duration.ofSeconds(20), 1_000, Set.of(), "anna");
    }

    private static void await(LiveGround ground, String what, String... rows) {
        Awaitility.await().atMost(PATIENCE).pollInterval(Duration.ofMillis(50))
                .untilAsserted(() -> assertThat(ground.source(what)).containsExactly(rows));
    }

    private static void awaitRead(LiveGround ground) {
        Awaitility.await().atMost(PATIENCE).untilAsserted(() -> assertThat(ground.target(
                "SELECT DISTINCT whole FROM sluice.version_table")).containsExactly("t"));
    }

    @Test
    void whatEachSideWroteInItsTurnIsNoConflict() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)",
                "INSERT INTO t VALUES (1, 'a1', 'b1'), (2, 'a2', 'b2'), (3, 'a3', 'b3')", "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT)")
                .conflicts(new ConflictRules(Policy.PARK, Map.of())).flagFile(folder.resolve("traffic.env")).startAndFollow()) {
            awaitRead(ground);
            ground.app("UPDATE t SET a = 'before' WHERE id = 1");
            ground.awaitArrival();
            assertThat(ground.verify().isEqual()).isTrue();
            assertThat(ground.migration().cutover(order()).done()).isTrue();
            onTarget(ground, "UPDATE t SET a = 'there'", "INSERT INTO t VALUES (4, 'a4', 'b4')");
            await(ground, "SELECT count(*) FROM t WHERE a IN ('there', 'a4')", "4");

            ground.app("BEGIN IMMEDIATE", "UPDATE _sluice_control SET fenced = 0", "UPDATE t SET b = 'outside' WHERE id IN (1, 2)",
                    "UPDATE _sluice_control SET fenced = 1", "COMMIT");
            onTarget(ground, "UPDATE t SET b = 'theirs' WHERE id < 4");
            await(ground, "SELECT b FROM t ORDER BY id", "outside", "outside", "theirs", "b4");
            RowActs rows = ground.migration().rows();
            Awaitility.await().atMost(PATIENCE).until(() -> rows.parked(10).size() == 2);
            assertThatThrownBy(() -> rows.retry("r000000000000", "anna")).hasMessageContaining("no row is parked");
            for (Conflict conflict : rows.conflicts(true, 10)) {
                rows.resolve(conflict.id(), false, "anna");
            }
            assertThat(rows.parked(10)).isEmpty();
            assertThat(rows.conflicts(true, 10)).isEmpty();
            SameRows.assertSame(ground);

            assertThat(ground.migration().rollback(order()).done()).isTrue();
            ground.awaitReplicating();
            ground.app("UPDATE t SET a = 'back'");
            ground.awaitArrival();
            SameRows.assertSame(ground);
            awaitRead(ground);
            ground.app("UPDATE t SET a = 'and forth'");
            ground.awaitArrival();
            SameRows.assertSame(ground);
            assertThat(ground.parked()).isEmpty();
            assertThat(rows.conflicts(false, 10)).as("only what was written past the fence").hasSize(2);
            assertThat(rows.audit(0, 1_000)).extracting(entry -> entry.act()).contains("phase", "cutover", "rollback", "conflict",
                    "resolve_conflict");
            assertThat(rows.verifyAudit().findings()).isEmpty();
        }
    }

    @Test
    void rowsThatSqliteCouldNotTakeAreRetriedEditedAndDiscarded() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER CHECK (n < 100), s TEXT)",
                "INSERT INTO t VALUES (1, 1, 'one'), (2, 2, 'two'), (3, 3, 'three')", "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT)")
                .flagFile(folder.resolve("traffic.env")).startAndFollow()) {
            assertThat(ground.verify().isEqual()).isTrue();
            assertThat(ground.migration().cutover(order()).done()).isTrue();
            for (String check : ground.target("SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'c'")) {
                onTarget(ground, "ALTER TABLE t DROP CONSTRAINT \"" + check + "\"");
            }
            onTarget(ground, "UPDATE t SET n = 1000 + id, s = 'secret' WHERE id <= 3");
            RowActs rows = ground.migration().rows();
            Awaitility.await().atMost(PATIENCE).until(() -> rows.parked(10).size() == 3);
            List<RowActs.Parked> parked = rows.parked(10);
            assertThat(parked).allSatisfy(row -> {
                assertThat(row.id()).startsWith("r");
                assertThat(row.code()).isEqualTo("check");
                assertThat(row.values()).isNull();
            });
            RowActs.Parked first = parked.get(0);
            assertThat(rows.parkedRow(first.id(), true).values()).containsEntry("s", "secret");
            assertThat(rows.retry(first.id(), "anna")).isFalse();
            assertThatThrownBy(() -> rows.edit(first.id(), Map.of("n", "2000"), "anna")).hasMessageContaining("stays parked");
            assertThatThrownBy(() -> rows.edit(first.id(), Map.of("id", "9"), "anna")).hasMessageContaining("part of the key");
            assertThat(rows.parked(10)).hasSize(3);
            rows.edit(first.id(), Map.of("n", "50"), "anna");
            rows.discard(parked.get(1).id(), "not needed", "anna");
            assertThat(ground.source("SELECT id, n, s FROM t")).containsExactly(first.key().get(0) + "|50|secret");
            assertThat(rows.parked(10)).hasSize(1);

            onTarget(ground, "UPDATE t SET n = 7 WHERE id = " + parked.get(2).key().get(0));
            Awaitility.await().atMost(PATIENCE).until(() -> rows.parked(10).isEmpty());
            assertThat(ground.source("SELECT count(*) FROM t WHERE n = 7")).as("a later change made it fit").containsExactly("1");
            assertThat(rows.audit(0, 1_000)).extracting(entry -> entry.act()).contains("retry_parked", "edit_parked", "discard_parked");
            assertThat(rows.audit(0, 1_000).toString()).contains("not needed").doesNotContain("secret");
        }
    }
}
