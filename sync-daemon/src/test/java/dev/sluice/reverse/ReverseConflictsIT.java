package dev.sluice.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.conflict.ConflictRules;
import dev.sluice.conflict.Policy;
import dev.sluice.store.Conflict;
import dev.sluice.store.ConflictStore;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Somebody wrote to SQLite in spite of the fence while PostgreSQL has the traffic. */
class ReverseConflictsIT {

    private static final String OF_T = "SELECT id, a, b FROM t ORDER BY id";

    @TempDir
    Path folder;

    private ReverseGround ground(ConflictRules rules) throws Exception {
        return new ReverseGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)",
                "INSERT INTO t VALUES (1, 'a1', 'b1'), (2, 'a2', 'b2'), (3, 'a3', 'b3'), (4, 'a4', 'b4')").resolving(rules)
                .switched();
    }

    private static ConflictRules all(Policy policy) {
        return new ConflictRules(policy, Map.of());
    }

    /** As somebody who knows how the fence is lifted, and puts it back. */
    private static void outside(ReverseGround ground, String... statements) throws Exception {
        ground.live().app("BEGIN IMMEDIATE", "UPDATE _sluice_control SET fenced = 0");
        ground.live().app(statements);
        ground.live().app("UPDATE _sluice_control SET fenced = 1", "COMMIT");
    }

    private static List<String> conflicts(ReverseGround ground) throws Exception {
        return ground.target("SELECT direction, source_table, key, kind, act, state FROM sluice.conflict ORDER BY id");
    }

    @Test
    void byDefaultPostgresIsRightAndNobodyLooks() throws Exception {
        try (ReverseGround ground = ground(ConflictRules.DEFAULT)) {
            outside(ground, "UPDATE t SET b = 'outside'");
            ground.write("UPDATE t SET a = 'new', b = b || '!'");
            SameRows.assertSame(ground.live());
            assertThat(conflicts(ground)).isEmpty();
        }
    }

    @Test
    void targetWinsAndTheVersionThatLostIsKept() throws Exception {
        try (ReverseGround ground = ground(all(Policy.TARGET_WINS))) {
            outside(ground, "UPDATE t SET b = 'outside' WHERE id = 1", "DELETE FROM t WHERE id = 2", "INSERT INTO t VALUES (9, 'x', 'x')");
            ground.write("UPDATE t SET a = 'new' WHERE id < 3", "INSERT INTO t VALUES (9, 'y', 'y')", "UPDATE t SET a = 'no' WHERE id = 4");
            SameRows.assertSame(ground.live());
            assertThat(conflicts(ground)).containsExactlyInAnyOrder("reverse|t|{1}|update_update|apply|closed",
                    "reverse|t|{2}|update_delete|apply|closed", "reverse|t|{9}|insert_insert|apply|closed");
            assertThat(ground.target("SELECT existing FROM sluice.conflict WHERE kind = 'update_update'"))
                    .containsExactly("{1,a1,outside}");
            assertThat(ground.target("SELECT act FROM sluice.audit WHERE detail LIKE '%existingHash%'")).containsOnly("conflict");
            assertThat(ground.source("SELECT count(*) FROM _sluice_changelog WHERE seq > (SELECT min(seq) FROM _sluice_changelog)"))
                    .as("nothing of it is left to carry forward").containsExactly("0");
            ground.write("UPDATE t SET a = 'newer'");
            assertThat(conflicts(ground)).hasSize(3);
        }
    }

    @Test
    void sourceWinsKeepsWhatWasWrittenThere() throws Exception {
        try (ReverseGround ground = ground(all(Policy.SOURCE_WINS))) {
            outside(ground, "UPDATE t SET b = 'outside' WHERE id <= 2");
            ground.write("UPDATE t SET a = 'new' WHERE id IN (1, 3)", "DELETE FROM t WHERE id = 2");
            assertThat(ground.source(OF_T)).containsExactly("1|a1|outside", "2|a2|outside", "3|new|b3", "4|a4|b4");
            assertThat(conflicts(ground)).containsExactlyInAnyOrder("reverse|t|{1}|update_update|keep_existing|open",
                    "reverse|t|{2}|delete_update|keep_existing|open");
            ground.write("UPDATE t SET a = 'newer' WHERE id = 1");
            assertThat(ground.source(OF_T)).contains("1|a1|outside");
        }
    }

    @Test
    void aColumnOfItsOwnPolicyStaysWhileTheRestArrives() throws Exception {
        try (ReverseGround ground = ground(new ConflictRules(Policy.TARGET_WINS, Map.of("t", new ConflictRules.TableRule(null, null,
                Map.of("b", Policy.SOURCE_WINS)))))) {
            outside(ground, "UPDATE t SET b = 'outside' WHERE id = 1");
            ground.write("UPDATE t SET a = 'new', b = 'there' WHERE id = 1");
            assertThat(ground.source(OF_T)).contains("1|new|outside");
            assertThat(conflicts(ground)).containsExactly("reverse|t|{1}|update_update|merge|open");
        }
    }

    @Test
    void parkedConflictIsDecidedEitherWay() throws Exception {
        try (ReverseGround ground = ground(all(Policy.PARK))) {
            outside(ground, "UPDATE t SET b = 'outside' WHERE id <= 3");
            ground.write("UPDATE t SET a = 'new' WHERE id <= 2", "DELETE FROM t WHERE id = 3");
            assertThat(ground.source(OF_T)).contains("1|a1|outside", "2|a2|outside", "3|a3|outside");
            assertThat(ground.parked()).containsExactlyInAnyOrder("t|1|update_update", "t|2|update_update", "t|3|delete_update");
            for (Conflict conflict : open(ground)) {
                ground.stream().resolve(conflict, !conflict.key().toString().contains("2"));
            }
            assertThat(ground.parked()).isEmpty();
            assertThat(ground.source(OF_T)).containsExactly("1|new|b1", "2|a2|outside", "4|a4|b4");
        }
    }

    private static List<Conflict> open(ReverseGround ground) throws Exception {
        try (Connection connection = ground.live().target().connect()) {
            return new ConflictStore(LiveGround.NAME).list(connection, true, 100);
        }
    }

    @Test
    void aHaltHoldsTheStreamUntilItIsDecided() throws Exception {
        try (ReverseGround ground = ground(all(Policy.HALT))) {
            outside(ground, "UPDATE t SET b = 'outside' WHERE id = 1");
            ground.live().there("UPDATE t SET a = 'new'");
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> String.valueOf(ground.stream().health().blocked())
                    .contains("is in conflict"));
            assertThat(ground.source(OF_T)).contains("1|a1|outside", "2|a2|b2");
            try (Connection connection = ground.live().target().connect()) {
                connection.setAutoCommit(false);
                ConflictStore store = new ConflictStore(LiveGround.NAME);
                store.decide(connection, store.find(connection, 1), Conflict.Decision.INCOMING, "anna");
                connection.commit();
                connection.setAutoCommit(true);
            }
            Awaitility.await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> SameRows.assertSame(ground.live()));
        }
    }
}
