package dev.sluice.follow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.tail.Limits;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import dev.sluice.testing.Turns;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the changelog says reaches the target: exactly, once, whatever order the rows come in. */
class FollowerIT {

    private static final Limits WIDE = new Limits(10_000, 64 << 20, Duration.ofSeconds(10));
    private static final Limits ONE = new Limits(1, 1, Duration.ofNanos(1));

    @TempDir
    Path folder;

    private LiveGround follow(String... statements) throws Exception {
        LiveGround ground = new LiveGround(folder, statements).startAndFollow();
        ground.stop();
        return ground;
    }

    // ---- unique values ----

    @Test
    void uniqueValuesSwappedInOneTransactionArriveSwapped() throws Exception {
        try (LiveGround ground = follow("CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE)",
                "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')"); Turns turns = new Turns(ground, WIDE)) {
            ground.appTogether("UPDATE t SET u = 'x' WHERE id = 1", "UPDATE t SET u = 'a' WHERE id = 2",
                    "UPDATE t SET u = 'b' WHERE id = 1");
            assertThat(turns.whole().parked()).isZero();
            assertThat(ground.target("SELECT id, u FROM t ORDER BY id")).containsExactly("1|b", "2|a", "3|c");
        }
    }

    @Test
    void uniqueValuesThatMoveAlongAChainArriveMoved() throws Exception {
        try (LiveGround ground = follow("CREATE TABLE t (id INTEGER PRIMARY KEY, pos INTEGER UNIQUE, note TEXT)",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
                        + " INSERT INTO t SELECT i, i, 'row' FROM n"); Turns turns = new Turns(ground, WIDE)) {
            ground.appTogether("UPDATE t SET pos = -pos", "UPDATE t SET pos = -pos + 1");
            assertThat(turns.whole().parked()).isZero();
            SameRows.assertSame(ground);
        }
    }

    @Test
    void uniqueValuesSwappedAcrossPiecesOfOneTurnArriveSwapped() throws Exception {
        try (LiveGround ground = follow("CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE)",
                "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')"); Turns turns = new Turns(ground, ONE)) {
            ground.appTogether("UPDATE t SET u = 'x' WHERE id = 1", "UPDATE t SET u = 'a' WHERE id = 2",
                    "UPDATE t SET u = 'b' WHERE id = 3", "UPDATE t SET u = 'c' WHERE id = 1");
            turns.whole();
            assertThat(ground.parked()).isEmpty();
            assertThat(ground.target("SELECT id, u FROM t ORDER BY id")).containsExactly("1|c", "2|a", "3|b", "4|d");
        }
    }

    @Test
    void rowThatTheTargetsUniqueRuleRefusesArrivesWhenTheOtherOneIsGone() throws Exception {
        try (LiveGround ground = follow("CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT)",
                "INSERT INTO t VALUES (1, 'a')"); Turns turns = new Turns(ground, WIDE)) {
            ground.there("CREATE UNIQUE INDEX stricter ON t (lower(u))");
            ground.app("INSERT INTO t VALUES (2, 'A')", "INSERT INTO t VALUES (3, 'c')");
            turns.whole();
            assertThat(ground.parked()).containsExactly("t|2|unique_key_held");
            assertThat(ground.target("SELECT id, u FROM t ORDER BY id")).containsExactly("1|a", "3|c");
            ground.app("UPDATE t SET u = 'b' WHERE id = 1");
            turns.whole();
            assertThat(ground.parked()).isEmpty();
            SameRows.assertSame(ground);
        }
    }

    @Test
    void rowsThatReplaceDisplacesByASecondIndexAreGone() throws Exception {
        try (LiveGround ground = follow("CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE, v TEXT, UNIQUE (v))",
                "INSERT INTO t VALUES (1, 'a', 'p'), (2, 'b', 'q'), (3, 'c', 'r')"); Turns turns = new Turns(ground, WIDE)) {
            ground.app("INSERT OR REPLACE INTO t VALUES (4, 'a', 'q')", "UPDATE OR REPLACE t SET u = 'a' WHERE id = 3");
            turns.whole();
            assertThat(ground.target("SELECT id, u, v FROM t ORDER BY id")).containsExactly("3|a|r");
            SameRows.assertSame(ground);
        }
    }

    // ---- parked rows ----

    @Test
    void valueThatDoesNotFitParksItsRowAloneAndTakesTheOldVersionAway() throws Exception {
        try (LiveGround ground = follow("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, s TEXT)",
                "INSERT INTO t VALUES (1, 1, 'one'), (2, 2, 'two')"); Turns turns = new Turns(ground, WIDE)) {
            ground.appTogether("UPDATE t SET n = 'not a number', s = 'changed' WHERE id = 1",
                    "UPDATE t SET n = 22 WHERE id = 2", "INSERT INTO t VALUES (3, 3, 'three')",
                    "INSERT INTO t VALUES (4, x'00', 'four')");
            assertThat(turns.whole().parked()).isEqualTo(2);
            assertThat(ground.target("SELECT id, n, s FROM t ORDER BY id")).containsExactly("2|22|two", "3|3|three");
            assertThat(ground.target("SELECT key, row, column_name FROM sluice.parked_row ORDER BY key"))
                    .containsExactly("{1}|{1,\"not a number\",changed}|n", "{4}|{4,\"\\\\x00\",four}|n");

            ground.app("UPDATE t SET n = 11 WHERE id = 1", "DELETE FROM t WHERE id = 4");
            turns.whole();
            assertThat(ground.parked()).isEmpty();
            SameRows.assertSame(ground);
        }
    }

    @Test
    void parkedRowWhoseKeyChangesStaysParkedUnderItsNewKeyOnly() throws Exception {
        try (LiveGround ground = follow("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)",
                "INSERT INTO t VALUES (1, 1)"); Turns turns = new Turns(ground, WIDE)) {
            ground.app("UPDATE t SET n = 'x'");
            turns.whole();
            ground.app("UPDATE t SET id = 7");
            turns.whole();
            assertThat(ground.parked()).containsExactly("t|7|not_representable");
            ground.app("DELETE FROM t");
            turns.whole();
            assertThat(ground.parked()).isEmpty();
        }
    }

    @Test
    void rowsThatPostgresqlRefusesAreParkedAndNoOthers() throws Exception {
        try (LiveGround ground = follow("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, s TEXT)",
                "INSERT INTO t VALUES (1, 1, 'one')"); Turns turns = new Turns(ground, WIDE)) {
            ground.there("ALTER TABLE t ADD CHECK (n < 1000)", "ALTER TABLE t ALTER s SET NOT NULL",
                    "CREATE INDEX ON t (s)");
            ground.app("BEGIN", "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                            + " INSERT INTO t SELECT i, i % 900, 'row ' || i FROM n",
                    "UPDATE t SET n = 1000 WHERE id = 17", "UPDATE t SET s = NULL WHERE id = 1",
                    // random bytes don't compress, and an index entry may have 2,704 bytes
                    "UPDATE t SET s = (SELECT group_concat(hex(randomblob(4000)), '') FROM (SELECT 1 UNION SELECT 2))"
                            + " WHERE id = 2999", "COMMIT");
            assertThat(turns.whole().parked()).isEqualTo(3);
            assertThat(ground.parked()).containsExactly("t|1|null_refused", "t|17|check_broken", "t|2999|too_large");
            assertThat(ground.target("SELECT count(*) FROM t")).containsExactly("2997");
            ground.app("UPDATE t SET n = 1, s = 'short' WHERE id IN (1, 17, 2999)");
            turns.whole();
            assertThat(ground.parked()).isEmpty();
            SameRows.assertSame(ground);
        }
    }

    @Test
    void nullInADeclaredKeyIsParkedAndStopsNothing() throws Exception {
        try (LiveGround ground = follow("CREATE TABLE t (k TEXT PRIMARY KEY, v INTEGER)",
                "CREATE TABLE other (id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES ('a', 1)");
                Turns turns = new Turns(ground, WIDE)) {
            ground.app("INSERT INTO t VALUES (NULL, 2)", "INSERT INTO t VALUES ('b', 3)", "INSERT INTO other VALUES (1, 1)");
            turns.whole();
            assertThat(ground.parked()).containsExactly("t|∅|null_in_key");
            assertThat(ground.target("SELECT k, v FROM t ORDER BY k")).containsExactly("a|1", "b|3");
            assertThat(ground.target("SELECT id FROM other")).containsExactly("1");

            ground.app("INSERT INTO t VALUES (NULL, 4)");
            turns.whole();
            assertThat(ground.parked()).containsExactly("t|∅|null_in_key");
            ground.app("DELETE FROM t WHERE v = 4");
            turns.whole();
            assertThat(ground.parked()).as("one NULL is left").containsExactly("t|∅|null_in_key");
            ground.app("UPDATE t SET k = 'c' WHERE k IS NULL");
            turns.whole();
            assertThat(ground.parked()).isEmpty();
            SameRows.assertSame(ground);
        }
    }

    // ---- keys ----

    @Test
    void respelledKeysLeaveOneRowInItsNewSpelling() throws Exception {
        try (LiveGround ground = follow("CREATE TABLE folded (k TEXT PRIMARY KEY COLLATE NOCASE, v TEXT)",
                "CREATE TABLE bare (k PRIMARY KEY, v TEXT)", "CREATE TABLE floating (k REAL PRIMARY KEY, v TEXT)",
                "CREATE TABLE pairs (a, b, v TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID",
                "INSERT INTO folded VALUES ('a', 'x'), ('b', 'y')",
                "INSERT INTO bare VALUES (0.0, 'zero'), (1, 'one'), ('text', 't')",
                "INSERT INTO floating VALUES (0.0, 'zero'), (1.5, 'y')",
                "INSERT INTO pairs VALUES (0.0, 0.0, 'x'), (1, 'a', 'y')"); Turns turns = new Turns(ground, WIDE)) {
            ground.app("UPDATE folded SET k = 'A' WHERE k = 'a'", "REPLACE INTO folded VALUES ('B', 'z')",
                    "REPLACE INTO bare VALUES (-0.0, 'minus')", "UPDATE bare SET k = 1.0 WHERE k = 1",
                    "REPLACE INTO floating VALUES (-0.0, 'minus')",
                    "REPLACE INTO pairs VALUES (0.0, -0.0, 'm')", "REPLACE INTO pairs VALUES (1.0, 'a', 'n')");
            turns.whole();
            assertThat(ground.parked()).isEmpty();
            SameRows.assertSame(ground);
            ground.app("REPLACE INTO bare VALUES (0.0, 'plus')", "REPLACE INTO floating VALUES (0.0, 'plus')",
                    "REPLACE INTO pairs VALUES (-0.0, 0.0, 'm')");
            turns.whole();
            SameRows.assertSame(ground);
            ground.app("DELETE FROM bare WHERE k = 0", "DELETE FROM floating WHERE k = 0", "DELETE FROM pairs WHERE a = 0");
            turns.whole();
            SameRows.assertSame(ground);
        }
    }

    @Test
    void keysThatMoveArriveMoved() throws Exception {
        try (LiveGround ground = follow("CREATE TABLE n (id INTEGER PRIMARY KEY, v)",
                "CREATE TABLE c (a TEXT, b INTEGER, v, PRIMARY KEY (a, b))",
                "CREATE TABLE w (a TEXT, b INTEGER, v, PRIMARY KEY (a DESC, b)) WITHOUT ROWID",
                "CREATE TABLE bare (v)",
                "INSERT INTO n VALUES (1, 'a'), (2, 'b'), (3, 'c')", "INSERT INTO c VALUES ('x', 1, 1), ('y', 2, 2)",
                "INSERT INTO w VALUES ('x', 1, 1), ('y', 2, 2)", "INSERT INTO bare VALUES (1), (1), (2)");
                Turns turns = new Turns(ground, WIDE)) {
            ground.appTogether("UPDATE n SET id = -id", "UPDATE n SET id = id + 5", "UPDATE c SET b = 3 - b, a = 'z'",
                    "UPDATE w SET b = 3 - b, a = 'z'", "UPDATE bare SET rowid = rowid + 100", "DELETE FROM bare WHERE v = 2",
                    "INSERT INTO n VALUES (9223372036854775807, 'max'), (-9223372036854775808, 'min')");
            turns.whole();
            SameRows.assertSame(ground);
            assertThat(ground.target("SELECT sluice_rowid, v FROM bare ORDER BY 1")).containsExactly("101|1", "102|1");
        }
    }

    @Test
    void cascadesArriveOnceAndWhole() throws Exception {
        try (LiveGround ground = follow("CREATE TABLE p (id INTEGER PRIMARY KEY, v TEXT)",
                "CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE)",
                "CREATE TABLE d (id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE SET NULL)",
                "CREATE TABLE tree (id INTEGER PRIMARY KEY, up REFERENCES tree ON DELETE CASCADE)",
                "INSERT INTO p VALUES (1, 1), (2, 2), (3, 3)", "INSERT INTO c VALUES (1, 1), (2, 2), (3, 2), (4, 3)",
                "INSERT INTO d VALUES (1, 1), (2, 2)", "INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, NULL)");
                Turns turns = new Turns(ground, WIDE)) {
            ground.app("PRAGMA foreign_keys = ON", "DELETE FROM p WHERE id = 2", "UPDATE p SET id = 30 WHERE id = 3",
                    "DELETE FROM tree WHERE id = 1", "REPLACE INTO p VALUES (1, 'again')");
            turns.whole();
            assertThat(ground.target("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated"
                    + " AND connamespace = 'public'::regnamespace")).containsExactly("3");
            SameRows.assertSame(ground);
            assertThat(ground.target("SELECT id, p FROM c")).containsExactly("4|30");
        }
    }

    // ---- transactions ----

    @Test
    void wholeTurnEndsConsistentWithTheSmallestLimits() throws Exception {
        try (LiveGround ground = follow("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "INSERT INTO t VALUES (1, 1)");
                Turns turns = new Turns(ground, ONE)) {
            for (int i = 0; i < 40; i++) {
                ground.app("INSERT INTO t (v) VALUES ('row " + i + "')", "UPDATE t SET v = v || '.' WHERE id <= 3");
            }
            assertThat(turns.whole().watermark().consistent()).isTrue();
            SameRows.assertSame(ground);
        }
    }

    @Test
    void olderDaemonCanChangeNothing() throws Exception {
        try (LiveGround ground = follow("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "INSERT INTO t VALUES (1, 1)");
                Turns older = new Turns(ground, WIDE)) {
            ground.app("INSERT INTO t VALUES (2, 2)");
            older.whole();
            try (Turns newer = new Turns(ground, WIDE)) {
                ground.app("UPDATE t SET v = 'changed' WHERE id = 1");
                assertThatThrownBy(older::whole).hasMessageContaining("another daemon");
                assertThat(ground.target("SELECT v FROM t WHERE id = 1")).containsExactly("1");
                newer.whole();
                // nothing is left to apply, but what a verification would mend must not pass either
                assertThatThrownBy(() -> older.follower().at(snapshot -> 0, (nothing, connection) -> {
                    try (var statement = connection.createStatement()) {
                        return statement.executeUpdate("DELETE FROM t");
                    }
                })).hasMessageContaining("another daemon");
                assertThatThrownBy(() -> older.follower().heal()).hasMessageContaining("another daemon");
                SameRows.assertSame(ground);
            }
        }
    }

    @Test
    void repeatedTurnOverNothingChangesNothing() throws Exception {
        try (LiveGround ground = follow("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "INSERT INTO t VALUES (1, 1)");
                Turns turns = new Turns(ground, WIDE)) {
            ground.app("UPDATE t SET v = 2");
            turns.whole();
            List<String> before = ground.target("SELECT xmin, v FROM t");
            for (int i = 0; i < 3; i++) {
                assertThat(turns.whole().rows()).isZero();
            }
            assertThat(ground.target("SELECT xmin, v FROM t")).isEqualTo(before);
        }
    }
}
