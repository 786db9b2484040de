package dev.sluice.follow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.apply.HaltedByConflict;
import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.conflict.ConflictRules;
import dev.sluice.conflict.Policy;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.Audit;
import dev.sluice.store.Conflict;
import dev.sluice.store.ConflictStore;
import dev.sluice.tail.Limits;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import dev.sluice.testing.Turns;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Somebody with rights wrote to PostgreSQL in spite of the fence: what becomes of both versions. */
class ConflictsIT {

    private static final Limits WIDE = new Limits(10_000, 64 << 20, Duration.ofSeconds(10));
    private static final String OF_T = "SELECT id, a, b, at FROM t ORDER BY id";

    @TempDir
    Path folder;

    private static ConflictRules all(Policy policy) {
        return new ConflictRules(policy, Map.of());
    }

    private LiveGround ground() throws Exception {
        LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, at INTEGER)",
                "INSERT INTO t VALUES (1, 'a1', 'b1', 10), (2, 'a2', 'b2', 10), (3, 'a3', 'b3', 10), (4, 'a4', 'b4', 10)")
                .startAndFollow();
        ground.stop();
        return ground;
    }

    private Turns turns(LiveGround ground, ConflictRules rules) throws Exception {
        Turns turns = new Turns(ground, WIDE, rules);
        turns.whole();
        while (turns.follower().readVersions(3)) {
            assertThat(turns.follower().confirmed()).isNotNull();
        }
        return turns;
    }

    /** As somebody who knows how to pass the fence. */
    private static void outside(LiveGround ground, String sql) throws Exception {
        ground.there("SET sluice.writer = 'on'", sql, "RESET sluice.writer");
    }

    private static List<String> conflicts(LiveGround ground) throws Exception {
        return ground.target("SELECT source_table, key, kind, act, state FROM sluice.conflict ORDER BY id");
    }

    private static List<Audit.Entry> audited(LiveGround ground) throws Exception {
        try (Connection connection = ground.target().connect()) {
            List<Audit.Entry> entries = new Audit(LiveGround.NAME).entries(connection);
            assertThat(Audit.brokenAt(LiveGround.NAME, entries)).isEmpty();
            return entries.stream().filter(entry -> entry.act().contains("conflict")).toList();
        }
    }

    @Test
    void whereNobodyAsksNothingIsRememberedAndTheSourceIsRight() throws Exception {
        try (LiveGround ground = ground(); Turns turns = turns(ground, ConflictRules.DEFAULT)) {
            outside(ground, "UPDATE t SET b = 'outside'");
            ground.app("UPDATE t SET a = 'new'");
            turns.whole();
            SameRows.assertSame(ground);
            assertThat(ground.target("SELECT count(*) FROM sluice.version_table")).containsExactly("0");
            assertThat(conflicts(ground)).isEmpty();
        }
    }

    @Test
    void sourceWinsAndTheVersionThatLostStandsInTheAudit() throws Exception {
        try (LiveGround ground = ground(); Turns turns = turns(ground, all(Policy.SOURCE_WINS))) {
            outside(ground, "UPDATE t SET b = 'outside' WHERE id = 1");
            outside(ground, "DELETE FROM t WHERE id = 2");
            outside(ground, "INSERT INTO t VALUES (9, 'x', 'x', 1)");
            ground.app("UPDATE t SET a = 'new' WHERE id <= 2", "DELETE FROM t WHERE id = 3", "INSERT INTO t VALUES (9, 'y', 'y', 2)");
            turns.whole();
            SameRows.assertSame(ground);
            assertThat(conflicts(ground)).containsExactlyInAnyOrder("t|{1}|update_update|apply|closed",
                    "t|{2}|update_delete|apply|closed", "t|{9}|insert_insert|apply|closed");
            assertThat(audited(ground)).hasSize(1);
            assertThat(audited(ground).get(0).detail()).contains("existingHash").doesNotContain("outside");
            ground.app("UPDATE t SET a = 'newer'");
            turns.whole();
            assertThat(conflicts(ground)).as("what Sluice wrote itself is no conflict").hasSize(3);
            SameRows.assertSame(ground);
        }
    }

    @Test
    void targetWinsKeepsWhatWasWrittenThereAlsoWhenTheSourceGoesOn() throws Exception {
        try (LiveGround ground = ground(); Turns turns = turns(ground, all(Policy.TARGET_WINS))) {
            outside(ground, "UPDATE t SET b = 'outside' WHERE id = 1");
            outside(ground, "UPDATE t SET b = 'outside' WHERE id = 2");
            ground.app("UPDATE t SET a = 'new' WHERE id = 1", "DELETE FROM t WHERE id = 2", "UPDATE t SET a = 'new' WHERE id = 3");
            turns.whole();
            assertThat(ground.target(OF_T)).containsExactly("1|a1|outside|10", "2|a2|outside|10", "3|new|b3|10", "4|a4|b4|10");
            ground.app("UPDATE t SET a = 'newer' WHERE id = 1");
            turns.whole();
            assertThat(ground.target(OF_T)).contains("1|a1|outside|10");
            assertThat(conflicts(ground)).containsExactly("t|{2}|delete_update|keep_existing|open",
                    "t|{1}|update_update|keep_existing|closed", "t|{1}|update_update|keep_existing|open");
        }
    }

    @Test
    void columnsThatOnlyOneSideChangedAreMerged() throws Exception {
        try (LiveGround ground = ground(); Turns turns = turns(ground, all(Policy.MERGE))) {
            outside(ground, "UPDATE t SET b = 'outside' WHERE id IN (1, 2)");
            ground.app("UPDATE t SET a = 'new' WHERE id = 1", "UPDATE t SET b = 'too' WHERE id = 2");
            turns.whole();
            assertThat(ground.target(OF_T)).contains("1|new|outside|10", "2|a2|outside|10");
            assertThat(ground.parked()).containsExactly("t|2|update_update");
            ground.app("UPDATE t SET a = 'newer' WHERE id = 1");
            turns.whole();
            assertThat(ground.target(OF_T)).as("the merge goes on").contains("1|newer|outside|10");
            outside(ground, "UPDATE t SET b = 'b2' WHERE id = 2");
            ground.app("UPDATE t SET at = 11 WHERE id = 2");
            turns.whole();
            assertThat(ground.parked()).as("a parked row that nothing stands in the way of any more").isEmpty();
            assertThat(ground.target(OF_T)).contains("2|a2|too|11");
        }
    }

    @Test
    void tablesAndColumnsHaveTheirOwnPolicies() throws Exception {
        ConflictRules rules = new ConflictRules(Policy.HALT, Map.of("T", new ConflictRules.TableRule(Policy.NEWEST_WINS, "AT",
                Map.of("B", Policy.TARGET_WINS))));
        try (LiveGround ground = ground(); Turns turns = turns(ground, rules)) {
            outside(ground, "UPDATE t SET a = 'late', b = 'outside', at = 30 WHERE id = 1");
            outside(ground, "UPDATE t SET a = 'early', b = 'outside', at = 15 WHERE id = 2");
            ground.app("UPDATE t SET a = 'new', at = 20 WHERE id <= 2");
            turns.whole();
            assertThat(ground.target(OF_T)).contains("1|late|outside|30", "2|new|outside|20");
        }
    }

    @Test
    void aParkedRowIsDecidedByTheOperatorOnceAndForThisVersion() throws Exception {
        try (LiveGround ground = ground(); Turns turns = turns(ground, all(Policy.PARK))) {
            outside(ground, "UPDATE t SET b = 'outside' WHERE id IN (1, 2)");
            ground.app("UPDATE t SET a = 'new' WHERE id = 1", "DELETE FROM t WHERE id = 2");
            turns.whole();
            assertThat(ground.parked()).containsExactlyInAnyOrder("t|1|update_update", "t|2|delete_update");
            assertThat(ground.target(OF_T)).contains("1|a1|outside|10", "2|a2|outside|10");

            resolve(ground, turns, 1, Conflict.Decision.INCOMING);
            resolve(ground, turns, 2, Conflict.Decision.EXISTING);
            assertThat(ground.parked()).isEmpty();
            assertThat(ground.target(OF_T)).contains("1|new|b1|10", "2|a2|outside|10");
            assertThat(audited(ground)).extracting(Audit.Entry::act).contains("resolve_conflict");
            assertThat(conflicts(ground)).allMatch(conflict -> conflict.endsWith("closed"));

            outside(ground, "UPDATE t SET b = 'again' WHERE id = 2");
            ground.app("INSERT INTO t VALUES (2, 'back', 'b', 1)");
            turns.whole();
            assertThat(ground.parked()).as("another version is another conflict").containsExactly("t|2|update_update");
        }
    }

    private static void resolve(LiveGround ground, Turns turns, long key, Conflict.Decision decision) throws Exception {
        ConflictStore store = new ConflictStore(LiveGround.NAME);
        RowKey row = RowKey.of(Value.of(key));
        try (Connection connection = ground.target().connect()) {
            connection.setAutoCommit(false);
            store.decide(connection, store.ofKey(connection, "t", row).get(0), decision, "anna");
            connection.commit();
        }
        turns.follower().again(table(ground), Set.of(row));
    }

    private static SourceTable table(LiveGround ground) throws Exception {
        try (SqliteSession session = ground.file().openReader(Duration.ofSeconds(5))) {
            return SchemaReader.read(session).table("t");
        }
    }

    @Test
    void aHaltStopsEverythingUntilItIsDecided() throws Exception {
        try (LiveGround ground = ground(); Turns turns = turns(ground, all(Policy.HALT))) {
            outside(ground, "UPDATE t SET b = 'outside' WHERE id = 1");
            ground.app("UPDATE t SET a = 'new'");
            for (int attempt = 0; attempt < 2; attempt++) {
                assertThatThrownBy(turns::whole).isInstanceOf(HaltedByConflict.class).hasMessageContaining("sluice conflicts");
                assertThat(ground.target(OF_T)).contains("1|a1|outside|10", "2|a2|b2|10");
                assertThat(conflicts(ground)).containsExactly("t|{1}|update_update|halt|open");
            }
            try (Connection connection = ground.target().connect()) {
                connection.setAutoCommit(false);
                ConflictStore store = new ConflictStore(LiveGround.NAME);
                store.decide(connection, store.find(connection, 1), Conflict.Decision.INCOMING, "anna");
                connection.commit();
            }
            turns.whole();
            SameRows.assertSame(ground);
        }
    }

    @Test
    void rowsThatWereNotReadYetAreTakenFromTheSource() throws Exception {
        try (LiveGround ground = ground(); Turns turns = new Turns(ground, WIDE, all(Policy.PARK))) {
            outside(ground, "UPDATE t SET b = 'outside' WHERE id = 1");
            ground.app("UPDATE t SET a = 'new' WHERE id = 1");
            turns.whole();
            assertThat(ground.parked()).isEmpty();
            outside(ground, "UPDATE t SET b = 'outside' WHERE id = 1");
            ground.app("UPDATE t SET a = 'newer' WHERE id = 1");
            turns.whole();
            assertThat(ground.parked()).as("what was written once is known").containsExactly("t|1|update_update");
        }
    }
}
