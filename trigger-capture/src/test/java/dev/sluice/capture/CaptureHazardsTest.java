package dev.sluice.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.schema.RowIdentity.Kind;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.testing.Follower;
import dev.sluice.testing.SourceFile;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteConnection;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;
import org.sqlite.SQLiteLimits;

/**
 * The ways in which SQLite changes rows that are easy to miss, one by one; those that may depend on the application's
 * version are in {@link SqliteVersionsTest}.
 */
class CaptureHazardsTest {

    @TempDir Path folder;

    private SourceFile source;
    private Follower follower;

    @BeforeEach
    void open() throws Exception {
        source = new SourceFile(folder.resolve("source.sqlite"), "PRAGMA journal_mode = WAL",
                "PRAGMA foreign_keys = ON");
    }

    @AfterEach
    void close() throws Exception {
        if (follower != null) {
            follower.close();
        }
        source.close();
    }

    // ---- rows that vanish without a DELETE ----

    @Test
    void replacedRowKeepsItsKeyWhicheverTriggersFire() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 1)");
        assertFollows(List.of("1|2"), "PRAGMA recursive_triggers = OFF", "REPLACE INTO t VALUES (1, 2)");
        assertThat(source.ask("SELECT op FROM _sluice_changelog WHERE seq > 1")).containsExactly("I");
        assertFollows(List.of("1|3"), "PRAGMA recursive_triggers = ON", "REPLACE INTO t VALUES (1, 3)");
        assertThat(source.ask("SELECT op FROM _sluice_changelog WHERE seq > 2")).containsExactly("D", "I");
    }

    @Test
    void replacedRowIsDeletedThoughTheWinnerMovedOnBeforeTheDrain() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)", "INSERT INTO t VALUES (1, 'a')");
        assertFollows(List.of("2|z"), "REPLACE INTO t VALUES (2, 'a')", "UPDATE t SET u = 'z' WHERE id = 2");
    }

    /** A BEFORE trigger sees -1 for the key that SQLite is about to choose. */
    @Test
    void keyThatIsNotChosenYetIsLookedUpInVain() throws Exception {
        capture("CREATE TABLE t(k TEXT NOT NULL PRIMARY KEY)", "CREATE TABLE u(id INTEGER PRIMARY KEY, u UNIQUE)",
                "INSERT INTO t(rowid, k) VALUES (-1, 'a')", "INSERT INTO u VALUES (-1, 'a')");
        assertFollows(List.of("a", "b"), "INSERT INTO t(k) VALUES ('b')", "REPLACE INTO u(u) VALUES ('b')",
                "REPLACE INTO u(u) VALUES ('a')");
        assertThat(source.ask("SELECT u FROM u")).containsExactlyInAnyOrder("a", "b");
    }

    @Test
    void nullsInAUniqueIndexReplaceNothing() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, UNIQUE(a, b))",
                "INSERT INTO t VALUES (1, NULL, 1), (2, NULL, NULL)");
        assertFollows(List.of("1|null|1", "2|null|null", "3|null|1", "4|null|null"),
                "REPLACE INTO t VALUES (3, NULL, 1), (4, NULL, NULL)");
        assertThat(source.ask("SELECT count(*) FROM _sluice_changelog WHERE op = 'R'")).containsExactly("0");
    }

    @Test
    void indexThatComparesOtherwiseThanItsColumnIsGuarded() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT COLLATE NOCASE, c TEXT COLLATE RTRIM)",
                "CREATE UNIQUE INDEX ia ON t(a COLLATE NOCASE DESC)", "CREATE UNIQUE INDEX ib ON t(b COLLATE BINARY)",
                "CREATE UNIQUE INDEX ic ON t(c COLLATE RTRIM, a COLLATE RTRIM)",
                "INSERT INTO t VALUES (1, 'a', 'x', '1'), (2, 'b', 'y', '2'), (3, 'c', 'z', '3')");
        assertFollows(List.of("2|b|y|2", "3|c|z|3", "4|A|X|4"), "REPLACE INTO t VALUES (4, 'A', 'X', '4')");
        assertFollows(List.of("3|c|z|3", "4|A|X|4", "5|d|y|5"), "REPLACE INTO t VALUES (5, 'd', 'y', '5')");
        assertFollows(List.of("4|A|X|4", "5|d|y|5", "6|c  |Z|3 "), "REPLACE INTO t VALUES (6, 'c  ', 'Z', '3 ')");
    }

    @Test
    void generatedColumnsInAUniqueIndexAreGuarded() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, v AS (a % 10) VIRTUAL UNIQUE,"
                + " s AS (a / 10) STORED UNIQUE)", "INSERT INTO t(id, a) VALUES (1, 11), (2, 22), (3, 33)");
        assertFollows(List.of("3|33|3|3", "4|21|1|2"), "REPLACE INTO t(id, a) VALUES (4, 21)");
        assertFollows(List.of("3|93|3|9"), "UPDATE OR REPLACE t SET a = 31 WHERE id = 4", "DELETE FROM t",
                "INSERT INTO t(id, a) VALUES (1, 91), (3, 13)", "UPDATE OR REPLACE t SET a = 93 WHERE id = 3");
    }

    /** NEW has no affinity in a BEFORE trigger: it is the column's that makes '1' and 1 one value. */
    @Test
    void incomingValueIsComparedWithTheAffinityOfTheColumn() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, i INT UNIQUE, s TEXT UNIQUE, r REAL UNIQUE, n NUMERIC UNIQUE,"
                + " b UNIQUE)", "INSERT INTO t VALUES (1, 1, '1', 1, 1, 1), (2, 2, '2', 2, 2, 2), (3, 3, '3', 3, 3, 3),"
                + " (4, 4, '4', 4, 4, 4), (5, 5, '5', 5, 5, 5)");
        assertFollows(List.of("9|1|2|3.0|4|5.0"), "REPLACE INTO t VALUES (9, '1', 2, '3', '4.0', 5.0)");
        assertFollows(List.of("8|0|0|0.0|0|5", "9|1|2|3.0|4|5.0"), "REPLACE INTO t VALUES (8, 0, 0, 0, 0, '5')");
    }

    @Test
    void defaultThatIsABareWordOrAQuotedNameIsAString() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u NOT NULL DEFAULT word UNIQUE, v NOT NULL DEFAULT"
                + " \"id\" UNIQUE,"
                + " w NOT NULL DEFAULT TRUE UNIQUE)", "INSERT INTO t VALUES (1, 'word', 2, 3), (2, 4, 'id', 5),"
                + " (3, 6, 7, 1)");
        assertFollows(List.of("9|word|id|1"), "INSERT OR REPLACE INTO t VALUES (9, NULL, NULL, NULL)");
    }

    @Test
    void predicateThatNamesItsTableAndQuotesStringsIsGuarded() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u, state)",
                "CREATE UNIQUE INDEX i ON t(u) WHERE t.state = \"open\" -- only one\n",
                "INSERT INTO t VALUES (1, 'a', 'open'), (2, 'a', 'shut')");
        assertFollows(List.of("2|a|shut", "3|a|open"), "REPLACE INTO t VALUES (3, 'a', 'open')");
        assertFollows(List.of("2|a|open"), "UPDATE OR REPLACE t SET state = 'open' WHERE id = 2");
    }

    @Test
    void expressionIsJudgedWithTheColumnsAffinityAndCollation() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT COLLATE NOCASE, o)",
                "CREATE UNIQUE INDEX i ON t(CASE WHEN s = 1 OR s = 'main' THEN o END)",
                "INSERT INTO t VALUES (1, '1', 'x'), (2, 'MAIN', 'y')");
        assertFollows(List.of("2|MAIN|y", "3|1|x"), "REPLACE INTO t VALUES (3, '1', 'x')");
        assertFollows(List.of("3|1|x", "4|Main|y"), "REPLACE INTO t VALUES (4, 'Main', 'y')");
        assertThat(source.ask("SELECT count(*) FROM _sluice_1_candidate")).containsExactly("0");
    }

    @Test
    void generatedColumnSeesTheDefaultOfItsBase() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, a INT NOT NULL DEFAULT 5, g AS (a + 1) UNIQUE)",
                "INSERT INTO t VALUES (1, 5)");
        assertFollows(List.of("2|5|6"), "INSERT OR REPLACE INTO t VALUES (2, NULL)");
    }

    // ---- keys ----

    @Test
    void movedKeyIsLoggedUnderBothItsNames() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "CREATE TABLE u(k TEXT, l INT, PRIMARY KEY(k, l))"
                + " WITHOUT ROWID", "INSERT INTO t VALUES (1, 1)", "INSERT INTO u VALUES ('a', 1)");
        assertFollows(List.of("2|1"), "UPDATE t SET id = 2", "UPDATE u SET l = 2");
        assertThat(source.ask("SELECT DISTINCT tid, k1, k2 FROM _sluice_changelog WHERE tid > 0 ORDER BY 1, 2, 3"))
                .containsExactly("1|1|null", "1|2|null", "2|a|1", "2|a|2");
    }

    @Test
    void descendingIntegerKeyIsNoRowidAndMayBeNull() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY DESC, v)", "INSERT INTO t VALUES (1, 1)",
                "INSERT INTO t VALUES (NULL, 2)", "INSERT INTO t VALUES (NULL, 3)");
        assertThat(follower.table("t").identity().kind()).isEqualTo(Kind.ROWID);
        assertFollows(List.of("1|1", "null|5", "null|3"), "UPDATE t SET v = 5 WHERE v = 2");
        assertFollows(List.of("1|1", "null|5"), "DELETE FROM t WHERE v = 3");
    }

    @Test
    void rowsOfCompositeKeysWithoutRowidAndOfStrictTablesAreFollowed() throws Exception {
        capture("CREATE TABLE t(a TEXT, b INT, v, PRIMARY KEY(b, a)) WITHOUT ROWID",
                "CREATE TABLE u(a ANY NOT NULL, b REAL NOT NULL, v BLOB UNIQUE, PRIMARY KEY(a, b)) STRICT",
                "INSERT INTO t VALUES ('a', 1, 1), ('a', 2, 2)", "INSERT INTO u VALUES (1, 1, x'01'), ('1', 1, x'02')");
        assertFollows(List.of("b|2|3"), "UPDATE t SET a = 'b', v = 3 WHERE b = 2", "DELETE FROM t WHERE b = 1",
                "UPDATE u SET b = 2 WHERE typeof(a) = 'text'", "REPLACE INTO u VALUES (x'31', 1, x'01')");
        assertThat(source.ask("SELECT typeof(a), b FROM u ORDER BY b")).containsExactly("blob|1.0", "text|2.0");
    }

    @Test
    void columnThatIsNamedLikeTheRowidIsNotTakenForIt() throws Exception {
        capture("CREATE TABLE t(rowid TEXT, oid, v)", "CREATE TABLE u(_rowid_ INTEGER PRIMARY KEY, rowid, oid)",
                "INSERT INTO t VALUES ('x', 'y', 1), ('x', 'y', 2)", "INSERT INTO u VALUES (5, 7, 7)");
        assertFollows(List.of("x|y|1", "z|y|2"), "UPDATE t SET rowid = 'z' WHERE v = 2", "UPDATE u SET rowid = 8",
                "UPDATE u SET _rowid_ = 6");
        assertFollows(List.of("z|y|2"), "DELETE FROM t WHERE v = 1");
    }

    @Test
    void speculativeLogRowsChangeNothing() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v)", "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)");
        assertFollows(List.of("1|a|1", "2|b|2"), "UPDATE t SET v = v", "INSERT OR IGNORE INTO t VALUES (3, 'a', 3)",
                "UPDATE OR IGNORE t SET u = 'a' WHERE id = 2",
                "INSERT INTO t VALUES (3, 'b', 3) ON CONFLICT DO NOTHING");
        assertThat(source.ask("SELECT DISTINCT op FROM _sluice_changelog WHERE op IN ('R', 'U') ORDER BY 1"))
                .containsExactly("R", "U");
        assertFollows(List.of("1|a|9", "2|b|2"), "INSERT INTO t VALUES (3, 'a', 9) ON CONFLICT(u) DO UPDATE"
                + " SET v = excluded.v");
    }

    @Test
    void respelledKeyMovesTheRow() throws Exception {
        capture("CREATE TABLE t(k TEXT NOT NULL PRIMARY KEY COLLATE NOCASE, v)", "CREATE TABLE u(k NOT NULL"
                + " PRIMARY KEY, v)",
                "INSERT INTO t VALUES ('a', 1)", "INSERT INTO u VALUES (1, 1)");
        assertFollows(List.of("A|1"), "UPDATE t SET k = 'A'");
        assertFollows(List.of("A|2"), "REPLACE INTO t VALUES ('A', 2)");
        source.app("UPDATE u SET k = 1.0");
        assertFollows(List.of("a|3"), "INSERT INTO t VALUES ('a', 3) ON CONFLICT DO UPDATE SET k = excluded.k, v = 3");
    }

    @Test
    void negativeZeroIsTheSameKeyAsZeroAndStaysItsOwnValue() throws Exception {
        capture("CREATE TABLE t(k NOT NULL PRIMARY KEY, v)", "INSERT INTO t VALUES (-0.0, -0.0)");
        follower.drain(Follower.AMPLE);
        assertFollows(List.of("0.0|0.0"), "UPDATE t SET k = 0.0, v = 0.0");
        assertFollows(List.of("0|1"), "REPLACE INTO t VALUES (0, 1)");
    }

    @Test
    void updateOfTheRowidIsAChangeOfTheKeyHoweverItIsNamed() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 'a')");
        assertFollows(List.of("7|a"), "UPDATE t SET rowid = 7");
        assertFollows(List.of("8|a"), "UPDATE t SET oid = 8");
    }

    // ---- triggers and conflict clauses of the application ----

    @Test
    void newerAfterTriggerIsDamageUntilRepaired() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 'a')");
        source.app("CREATE TRIGGER hide AFTER UPDATE ON t BEGIN SELECT RAISE(IGNORE); END");
        try (SqliteSession writer = source.writer()) {
            assertThat(Capture.damaged(writer)).containsExactly("t");
            Capture.repair(writer, Capture.takeGeneration(writer), List.of("t"));
            assertThat(Capture.damaged(writer)).isEmpty();
        }
        assertFollows(List.of("1|b"), "UPDATE t SET v = 'b'");
    }

    /** Such triggers live in one connection, fire before ours and are seen by nobody else: only a comparison tells. */
    @Test
    void temporaryTriggerThatIgnoresHidesTheChange() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 'a')");
        source.app("CREATE TEMP TRIGGER hide AFTER UPDATE ON t BEGIN SELECT RAISE(IGNORE); END",
                "UPDATE t SET v = 'b'");
        assertThat(source.ask("SELECT v, (SELECT max(seq) FROM _sluice_changelog) FROM t")).containsExactly("b|1");
        follower.drain(Follower.AMPLE);
        assertThat(follower.differences()).hasSize(1);
    }

    /** A log of row images would end with the image that our trigger saw, and be wrong for ever. */
    @Test
    void rowThatATriggerTouchesAfterOursIsReadAsItIsAtLast() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v, touched INT DEFAULT 0)");
        source.app("CREATE TRIGGER touch AFTER INSERT ON t BEGIN UPDATE t SET touched = 1 WHERE id = new.id; END",
                "CREATE TRIGGER again AFTER UPDATE OF v ON t BEGIN UPDATE t SET touched = touched + 1"
                + " WHERE id = new.id; END");
        assertFollows(List.of("1|a|1"), "INSERT INTO t(v) VALUES ('a')");
        assertFollows(List.of("1|b|2"), "UPDATE t SET v = 'b'");
    }

    @Test
    void logHoldsKeysAndNoOtherColumn() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, secret UNIQUE)");
        source.app("INSERT INTO t VALUES (1, 'first'), (2, 'second')", "REPLACE INTO t VALUES (3, 'first')",
                "UPDATE t SET secret = 'third' WHERE id = 2", "DELETE FROM t");
        assertThat(source.ask("SELECT DISTINCT typeof(k1), k2, k3, k4 FROM _sluice_changelog WHERE tid > 0"))
                .containsExactly("integer|null|null|null");
    }

    @Test
    void nothingOfOursSitsOnVirtualShadowOrSystemTables() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
                "CREATE VIRTUAL TABLE docs USING fts5(v, content = 't', content_rowid = 'id')",
                "CREATE VIRTUAL TABLE own USING fts5(body)", "CREATE VIRTUAL TABLE boxes USING rtree(id, a, b)");
        assertThat(source.ask("SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger'"))
                .containsExactly("t");
        assertFollows(List.of("1|a"), "INSERT INTO t(v) VALUES ('a')", "INSERT INTO docs(rowid, v) VALUES (1, 'a')",
                "INSERT INTO own VALUES ('b')", "DELETE FROM own", "INSERT INTO boxes VALUES (1, 0, 1)",
                "INSERT INTO docs(docs) VALUES ('rebuild')");
        assertThat(source.ask("SELECT seq FROM sqlite_sequence")).containsExactly("1");
    }

    /** A connection may limit how deep triggers nest; ours call no further ones. */
    @Test
    void depthOfOneIsEnoughForOurTriggers() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)", "INSERT INTO t VALUES (1, 'a')");
        try (SourceFile shallow = new SourceFile(folder.resolve("source.sqlite"))) {
            ((SQLiteConnection) shallow.appConnection()).setLimit(SQLiteLimits.SQLITE_LIMIT_TRIGGER_DEPTH, 1);
            shallow.app("REPLACE INTO t VALUES (2, 'a')", "UPDATE t SET u = 'b'");
            assertFollows(List.of("2|b"));
            ((SQLiteConnection) shallow.appConnection()).setLimit(SQLiteLimits.SQLITE_LIMIT_TRIGGER_DEPTH, 0);
            assertThatThrownBy(() -> shallow.app("DELETE FROM t")).hasMessageContaining("trigger");
            assertFollows(List.of("2|b"));
        }
    }

    // ---- what the application can see ----

    @Test
    void updateHookAndTheCountOfAllChangesSeeTheLogToo() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        List<String> seen = new ArrayList<>();
        ((SQLiteConnection) source.appConnection()).addUpdateListener(
                (type, database, table, rowid) -> seen.add(type + " " + table + " " + rowid));
        String before = source.ask("SELECT total_changes()").get(0);
        source.app("INSERT INTO t VALUES (7, 1)");
        assertThat(seen).containsExactly("INSERT t 7", "INSERT _sluice_changelog 2");
        assertThat(source.ask("SELECT total_changes() - " + before)).containsExactly("2");
    }

    /** The driver counts a statement that is not prepared by total_changes(). */
    @Test
    void countOfAnUnpreparedStatementOfTheJdbcDriverIncludesTheLog() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        try (Statement statement = source.appConnection().createStatement()) {
            assertThat(statement.executeUpdate("INSERT INTO t VALUES (1, 1)")).isEqualTo(2);
        }
        assertThat(updated(source.appConnection(), "INSERT INTO t VALUES (2, 2)")).isEqualTo(1);
    }

    /** In WAL mode, and whatever the busy timeout: what it has read is not the newest any more. */
    @Test
    void transactionThatReadsThenWritesIsRefusedIfWeCommittedBetween() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 1)");
        source.app("BEGIN");
        assertThat(source.ask("SELECT * FROM t")).containsExactly("1|1");
        try (SqliteSession writer = source.writer()) {
            Capture.takeGeneration(writer);
        }
        assertThatThrownBy(() -> source.app("UPDATE t SET v = 2")).isInstanceOfSatisfying(SQLiteException.class,
                e -> assertThat(e.getResultCode()).isEqualTo(SQLiteErrorCode.SQLITE_BUSY_SNAPSHOT));
        source.app("ROLLBACK");
        assertFollows(List.of("1|2"), "BEGIN IMMEDIATE", "UPDATE t SET v = 2", "COMMIT");
    }

    @Test
    void lastInsertRowidChangesAndReturningAreTheApplicationsOwn() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v)", "INSERT INTO t VALUES (1, 'a', 1)");
        Connection app = source.appConnection();
        assertThat(updated(app, "INSERT INTO t(u, v) VALUES ('b', 2), ('c', 3)")).isEqualTo(2);
        assertThat(source.ask("SELECT last_insert_rowid(), changes()")).containsExactly("3|2");
        assertThat(updated(app, "UPDATE t SET v = 0")).isEqualTo(3);
        assertThat(updated(app, "REPLACE INTO t VALUES (9, 'a', 4)")).isEqualTo(1);
        assertThat(source.ask("SELECT last_insert_rowid(), changes()")).containsExactly("9|1");
        assertThat(updated(app, "DELETE FROM t WHERE id > 1 AND id < 9")).isEqualTo(2);
        assertThat(source.ask("INSERT INTO t(u) VALUES ('z') RETURNING id, u")).containsExactly("10|z");
        try (PreparedStatement insert =
                app.prepareStatement("INSERT INTO t(u) VALUES ('y')", Statement.RETURN_GENERATED_KEYS)) {
            insert.executeUpdate();
            try (ResultSet keys = insert.getGeneratedKeys()) {
                assertThat(keys.getLong(1)).isEqualTo(11);
            }
        }
        source.app("CREATE TABLE seen(a, b)",
                "CREATE TRIGGER inner AFTER INSERT ON t BEGIN INSERT INTO seen VALUES (last_insert_rowid(),"
                + " changes()); END",
                "INSERT INTO t(id, u) VALUES (20, 'q')");
        assertThat(source.ask("SELECT a FROM seen")).containsExactly("20");
    }

    @Test
    void columnsCanBeAddedRenamedAndDroppedAndTheTableRenamed() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT, gone INT, CHECK (u <> ''))",
                "CREATE UNIQUE INDEX i ON t(lower(u))",
                "CREATE TABLE pk(k TEXT NOT NULL PRIMARY KEY)");
        source.app("ALTER TABLE t ADD COLUMN x", "ALTER TABLE t RENAME COLUMN u TO uu",
                "ALTER TABLE t RENAME COLUMN id TO ident",
                "ALTER TABLE t DROP COLUMN gone", "ALTER TABLE t RENAME TO t2", "ALTER TABLE pk RENAME COLUMN k"
                + " TO \"key col\"",
                "REPLACE INTO t2 VALUES (1, 'a', 1)", "REPLACE INTO t2 VALUES (2, 'A', 1)",
                "INSERT INTO pk VALUES ('z')");
        assertThat(source.ask("SELECT op || k1 FROM _sluice_changelog WHERE seq > 1 ORDER BY seq"))
                .containsExactly("I1", "R1", "I2", "Iz");
        try (SqliteSession writer = source.writer()) {
            assertThat(Capture.damaged(writer)).containsExactly("t", "pk");
            Capture.State state =
                    Capture.repair(writer, Capture.takeGeneration(writer), List.of("t", "pk", "t2"));
            assertThat(Capture.damaged(writer)).isEmpty();
            assertThat(state.tables()).extracting(CapturedTable::name).containsExactlyInAnyOrder("t2", "pk");
            assertThat(state.goneIds()).contains(1);
            assertThat(state.table("pk").identity().columns()).containsExactly("key col");
        }
    }

    @Test
    void columnOfAnExpressionThatNeedsACandidateCanBeRenamed() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT, o)", "CREATE UNIQUE INDEX i ON t(CASE WHEN s ="
                + " 1 THEN o END)",
                "INSERT INTO t VALUES (1, '1', 'x')");
        source.app("ALTER TABLE t RENAME COLUMN s TO status");
        assertFollows(List.of("2|1|x"), "REPLACE INTO t VALUES (2, 1, 'x')");
        try (SqliteSession writer = source.writer()) {
            assertThat(Capture.damaged(writer)).containsExactly("t");
            Capture.repair(writer, Capture.takeGeneration(writer), List.of("t"));
            assertThat(Capture.damaged(writer)).isEmpty();
        }
        source.app("REPLACE INTO t VALUES (3, 1, 'x')");
        assertThat(source.ask("SELECT DISTINCT k1 FROM _sluice_changelog WHERE op = 'R' ORDER BY"
                + " 1")).containsExactly("1", "2");
    }

    @Test
    void writesThroughAViewAndNestedTriggersAreFollowed() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE)", "CREATE TABLE log(a UNIQUE ON CONFLICT REPLACE)",
                "CREATE VIEW v AS SELECT a FROM t",
                "CREATE TRIGGER vi INSTEAD OF INSERT ON v BEGIN REPLACE INTO t(a) VALUES (new.a); END",
                "CREATE TRIGGER ti AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a % 2); END");
        assertFollows(List.of("1|1", "3|2"), "INSERT INTO v VALUES (1), (2)", "INSERT INTO v VALUES (2)");
        assertThat(source.ask("SELECT a FROM log")).containsExactlyInAnyOrder("1", "0");
    }

    @Test
    void fencedSourceRefusesEveryWriteAndKeepsTheTransactionOpen() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 1)");
        try (SqliteSession writer = source.writer()) {
            writer.execute("UPDATE _sluice_control SET fenced = 1");
        }
        for (String refused : List.of("INSERT INTO t VALUES (2, 2)", "INSERT OR IGNORE INTO t VALUES (2, 2)",
                "INSERT OR REPLACE INTO t VALUES (1, 2)", "INSERT OR FAIL INTO t VALUES (2, 2)", "UPDATE t SET v = 2",
                "UPDATE OR IGNORE t SET v = 2", "DELETE FROM t")) {
            assertThatThrownBy(() -> source.app(refused)).as(refused)
                    .isInstanceOfSatisfying(SQLiteException.class, e -> assertThat(e.getResultCode())
                            .isEqualTo(SQLiteErrorCode.SQLITE_CONSTRAINT_TRIGGER))
                    .hasMessageContaining(TriggerScript.FENCE_MESSAGE);
        }
        source.app("UPDATE t SET v = 5 WHERE id = 99");
        assertThat(source.ask("SELECT * FROM t")).containsExactly("1|1");
        try (SqliteSession writer = source.writer()) {
            assertThatThrownBy(() -> Capture.uninstall(writer)).hasMessageContaining("fenced");
        }
    }

    @Test
    void applicationWithoutDoubleQuotedStringsAndTrustCanStillWrite() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u, s TEXT NOT NULL DEFAULT \"open\")",
                "CREATE UNIQUE INDEX i ON t(u || \"x\") WHERE s = \"open\"");
        source.app("PRAGMA trusted_schema = OFF");
        assertFollows(List.of("2|a|open"), "INSERT INTO t VALUES (1, 'a', 'open')", "REPLACE INTO t VALUES (2,"
                + " 'a', NULL)");
        assertThat(source.ask("SELECT sql FROM sqlite_master WHERE name = '_sluice_1_bi'").get(0))
                .contains("'x'").contains("'open'").doesNotContain("\"x\"").doesNotContain("\"open\"");
    }

    // ---- the stage ----

    /** Prepared, because the driver counts an unprepared statement by total_changes(), which shows our rows too. */
    private static int updated(Connection app, String sql) throws SQLException {
        try (PreparedStatement statement = app.prepareStatement(sql)) {
            return statement.executeUpdate();
        }
    }

    private void capture(String... statements) throws Exception {
        source.app(statements);
        try (SqliteSession writer = source.writer()) {
            SourceSchema schema = SchemaReader.read(writer);
            Capture.install(writer, schema.tables(), schema.hash());
        }
        follower = new Follower(source.file());
    }

    /** Runs statements, drains, and expects the rows of the first table, and the follower to equal the source. */
    private void assertFollows(List<String> rows, String... statements) throws SQLException {
        source.app(statements);
        follower.drain(Follower.AMPLE);
        assertThat(follower.differences()).isEmpty();
        String first = source.ask("SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 1").get(0);
        assertThat(source.ask("SELECT * FROM " + first)).containsExactlyInAnyOrderElementsOf(rows);
    }
}
