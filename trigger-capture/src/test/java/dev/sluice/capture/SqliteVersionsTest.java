package dev.sluice.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqlText;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.testing.Application;
import dev.sluice.testing.Follower;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What may depend on the SQLite that the application brings, on each one at hand: the application runs in a process of
 * its own, our SQLite installs capture and follows. The syntax is that of the oldest (no VALUES of several rows).
 */
@ParameterizedClass(name = "SQLite {0}")
@MethodSource("applications")
class SqliteVersionsTest {

    private static final int CONSTRAINT = 19;
    private static final int CONSTRAINT_TRIGGER = 1811;

    @Parameter Application application;

    @TempDir Path folder;

    private SqliteFile file;
    private Follower follower;

    static List<Application> applications() throws IOException {
        return Application.all();
    }

    @BeforeParameterizedClassInvocation
    static void start(Application application) {
        assumeTrue(application.isHere());
    }

    @BeforeEach
    void open() throws Exception {
        file = new SqliteFile(folder.resolve("source.sqlite"));
        application.open(file.path(), "PRAGMA journal_mode = WAL", "PRAGMA synchronous = OFF",
                "PRAGMA foreign_keys = ON", "PRAGMA legacy_alter_table = OFF");
    }

    @AfterEach
    void close() throws Exception {
        if (follower != null) {
            follower.close();
        }
    }

    // ---- the file stays readable ----

    @Test
    void everyTriggerOfOursIsReadAndCompiled() throws Exception {
        for (FuzzSchema schema : FuzzSchema.ALL) {
            if (!application.version().atLeast(schema.since())) {
                continue;
            }
            Path path = folder.resolve(schema.name() + ".sqlite");
            application.open(path, "PRAGMA synchronous = OFF");
            application.run(schema.ddl().toArray(String[]::new));
            List<SourceTable> tables;
            try (SqliteSession writer = new SqliteFile(path).openWriter(Duration.ofSeconds(5))) {
                SourceSchema read = SchemaReader.read(writer);
                tables = read.tables();
                Capture.install(writer, tables, read.hash());
            }
            application.open(path, "PRAGMA trusted_schema = OFF");
            for (SourceTable table : tables) {
                String column = SqlText.quoted(table.storedColumns().get(0).name());
                application.run("EXPLAIN REPLACE INTO " + table.name() + "(" + column + ") VALUES (1)",
                        "EXPLAIN UPDATE OR REPLACE " + table.name() + " SET " + column + " = 1",
                        "EXPLAIN DELETE FROM " + table.name());
            }
            assertThat(application.ask("PRAGMA integrity_check")).containsExactly("ok");
        }
    }

    // ---- rows that vanish without a DELETE ----

    @Test
    void rowReplacedByAnotherUniqueColumnIsDeleted() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)", "INSERT INTO t VALUES (1, 'a')",
                "INSERT INTO t VALUES (2, 'b')");
        for (String recursive : List.of("OFF", "ON")) {
            application.run("PRAGMA recursive_triggers = " + recursive, "DELETE FROM t",
                    "INSERT INTO t VALUES (1, 'a')", "INSERT INTO t VALUES (2, 'b')");
            follower.drain(Follower.AMPLE);
            assertFollows(List.of("2|b", "3|a"), "REPLACE INTO t VALUES (3, 'a')");
            assertFollows(List.of("2|a"), "UPDATE OR REPLACE t SET u = 'a' WHERE id = 2");
            assertFollows(List.of("2|z"), "REPLACE INTO t VALUES (2, 'z')");
        }
    }

    @Test
    void plainInsertIntoAColumnThatReplacesOnConflictIsFollowed() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE ON CONFLICT REPLACE)",
                "INSERT INTO t VALUES (1, 'a')");
        assertFollows(List.of("2|a"), "INSERT INTO t VALUES (2, 'a')");
    }

    @Test
    void writtenRowidDeletesTheRowThatHadIt() throws Exception {
        capture("CREATE TABLE t(k TEXT NOT NULL PRIMARY KEY)", "INSERT INTO t(rowid, k) VALUES (1, 'a')",
                "INSERT INTO t(rowid, k) VALUES (2, 'b')");
        assertFollows(List.of("b", "c"), "INSERT OR REPLACE INTO t(rowid, k) VALUES (1, 'c')");
        assertFollows(List.of("b"), "UPDATE OR REPLACE t SET rowid = 1 WHERE k = 'b'");
    }

    @Test
    void nullThatReplaceTurnsIntoTheDefaultDeletesTheRowThatHoldsIt() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u NOT NULL DEFAULT 'x' UNIQUE)",
                "INSERT INTO t VALUES (1, 'x')");
        assertFollows(List.of("2|x"), "INSERT OR REPLACE INTO t VALUES (2, NULL)");
    }

    /** Up to SQLite 3.29 the row arrives at its parent's key, from 3.31 on both are gone and no AFTER trigger fires. */
    @Test
    void rowMovedOntoItsOwnParentIsFollowed() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, p REFERENCES t ON DELETE CASCADE)",
                "INSERT INTO t VALUES (1, NULL)", "INSERT INTO t VALUES (2, 1)");
        assertFollows(application.version().atLeast("3.30.0") ? List.of() : List.of("1|1"),
                "UPDATE OR REPLACE t SET id = 1 WHERE id = 2");
    }

    /** Up to 3.50 an AFTER trigger sees the key that the check has converted for the index of a numeric column. */
    @Test
    void textKeyIsLoggedAsItIsThoughAForeignKeyCheckMakesANumberOfIt() throws Exception {
        capture("CREATE TABLE p(k TEXT NOT NULL PRIMARY KEY)", "CREATE TABLE c(id INTEGER PRIMARY KEY,"
                + " p INT REFERENCES p)", "CREATE INDEX i ON c(p)", "INSERT INTO p VALUES ('02')",
                "INSERT INTO p VALUES ('03')");
        assertFollows(List.of("04"), "DELETE FROM p WHERE k = '02'", "UPDATE p SET k = '04'");
        assertThat(application.ask("SELECT DISTINCT typeof(k1) FROM _sluice_changelog WHERE tid = 1"))
                .containsExactly("text");
    }

    /** The same while a violation is pending, for then the check looks for children of a row that comes, too. */
    @Test
    void textKeyThatComesIsLoggedAsItIsThoughAForeignKeyCheckMakesANumberOfIt() throws Exception {
        assumeTrue(application.version().atLeast("3.31.0")); // before, SQLite breaks its own index by this
        capture("CREATE TABLE p(k TEXT NOT NULL PRIMARY KEY, v)", "CREATE TABLE w(k NOT NULL, v, PRIMARY KEY(k))"
                + " WITHOUT ROWID", "CREATE TABLE c(id INTEGER PRIMARY KEY,"
                + " p INT REFERENCES p DEFERRABLE INITIALLY DEFERRED, w INT REFERENCES w DEFERRABLE INITIALLY DEFERRED)",
                "CREATE INDEX ip ON c(p)", "CREATE INDEX iw ON c(w)");
        for (String table : List.of("p", "w")) {
            application.run("DELETE FROM p");
            assertFollows(table.equals("p") ? List.of("03|7", "04|1", "099|null") : List.of(),
                    "BEGIN", "INSERT INTO c(" + table + ") VALUES (99)", "INSERT INTO " + table + "(k) VALUES ('02')",
                    "UPDATE " + table + " SET k = '03'", "REPLACE INTO " + table + "(k) VALUES ('03')",
                    "UPDATE " + table + " SET k = k, v = 7 WHERE k = '03'",
                    "INSERT INTO " + table + " VALUES ('04', 0) ON CONFLICT(k) DO UPDATE SET v = 2",
                    "INSERT INTO " + table + " VALUES ('04', 0) ON CONFLICT(k) DO UPDATE SET v = 1",
                    "INSERT INTO " + table + "(k) VALUES ('099')", "DELETE FROM c", "COMMIT");
        }
    }

    @Test
    void statementsOfNewerVersionsAreFollowed() throws Exception {
        assumeTrue(application.version().atLeast("3.24.0"));
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v UNIQUE)",
                "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)");
        assertFollows(List.of("1|a|1", "3|b|2"), "INSERT INTO t VALUES (3, 'b', 3) ON CONFLICT(u) DO UPDATE SET"
                + " id = excluded.id", "INSERT INTO t VALUES (1, 'x', 9) ON CONFLICT DO NOTHING");
        if (application.version().atLeast("3.33.0")) {
            assertFollows(List.of("1|ab|1", "3|b|2"), "UPDATE t SET u = t.u || o.u FROM t AS o"
                    + " WHERE o.id = 3 AND t.id = 1");
            assertFollows(List.of("3|ab|2"), "UPDATE OR REPLACE t SET u = o.u FROM t AS o"
                    + " WHERE o.id = 1 AND t.id = 3");
        }
        if (application.version().atLeast("3.35.0")) {
            assertFollows(List.of("5|c|7"), "INSERT INTO t VALUES (9, 'ab', 7) ON CONFLICT(v) DO NOTHING"
                    + " ON CONFLICT(u) DO UPDATE SET v = excluded.v", "UPDATE t SET id = 5, u = 'c' RETURNING *");
            assertFollows(List.of("6|c|8"), "REPLACE INTO t VALUES (6, 'c', 8) RETURNING id");
            assertFollows(List.of(), "DELETE FROM t RETURNING *");
        }
    }

    // ---- what fires, and in which order ----

    @Test
    void cascadesFireTheTriggersOfTheChildren() throws Exception {
        for (String recursive : List.of("OFF", "ON")) {
            application.run("PRAGMA recursive_triggers = " + recursive);
            if (follower == null) {
                capture("CREATE TABLE p(id INTEGER PRIMARY KEY)",
                        "CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE)",
                        "CREATE TABLE d(id INTEGER PRIMARY KEY, c REFERENCES c ON DELETE SET NULL)",
                        "CREATE TABLE e(id INTEGER PRIMARY KEY, p DEFAULT 9 REFERENCES p ON DELETE SET DEFAULT"
                        + " ON UPDATE SET DEFAULT)",
                        "CREATE TABLE s(id INTEGER PRIMARY KEY, up REFERENCES s ON DELETE CASCADE)");
            }
            application.run("PRAGMA foreign_keys = OFF", "DELETE FROM p", "DELETE FROM c", "DELETE FROM d",
                    "DELETE FROM e", "DELETE FROM s", "PRAGMA foreign_keys = ON");
            for (int i : new int[] {1, 2, 3, 9}) {
                application.run("INSERT INTO p VALUES (" + i + ")", "INSERT INTO c VALUES (" + i + ", " + i + ")",
                        "INSERT INTO d VALUES (" + i + ", " + i + ")", "INSERT INTO e VALUES (" + i + ", " + i + ")");
            }
            application.run("INSERT INTO s VALUES (1, NULL)", "INSERT INTO s VALUES (2, 1)",
                    "INSERT INTO s VALUES (3, 2)");
            follower.drain(Follower.AMPLE);
            assertFollows(List.of("2", "3", "9"), "DELETE FROM p WHERE id = 1");
            assertFollows(List.of("2", "3", "9"), "REPLACE INTO p VALUES (2)");
            assertFollows(List.of("2", "4", "9"), "UPDATE p SET id = 4 WHERE id = 3");
            assertFollows(List.of("2", "4", "9"), "DELETE FROM s WHERE id = 1");
            assertThat(application.ask("SELECT * FROM c ORDER BY id")).containsExactly("3|4", "9|9");
            assertThat(application.ask("SELECT * FROM d ORDER BY id"))
                    .containsExactly("1|null", "2|null", "3|3", "9|9");
            assertThat(application.ask("SELECT p FROM e")).containsOnly("9");
            assertThat(application.ask("SELECT * FROM s")).isEmpty();
        }
    }

    @Test
    void droppedParentTakesItsChildrenAlongThroughTheirTriggers() throws Exception {
        capture("CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE)",
                "CREATE TABLE p(id INTEGER PRIMARY KEY)",
                "INSERT INTO p VALUES (1)", "INSERT INTO c VALUES (1, 1)");
        application.run("DROP TABLE p");
        assertThat(application.ask("SELECT op, k1 FROM _sluice_changelog WHERE tid = 1")).containsExactly("D|1");
        assertThat(application.ask("SELECT * FROM _sluice_changelog WHERE tid = 2")).isEmpty(); // drift, not a change
    }

    /** AFTER triggers fire newest first, also when the file was closed, opened and vacuumed since. */
    @Test
    void triggerThatIgnoresFiresAfterOurs() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)",
                "CREATE TRIGGER hide AFTER UPDATE ON t BEGIN SELECT RAISE(IGNORE); END",
                "INSERT INTO t VALUES (1, 'a')");
        assertFollows(List.of("1|b"), "UPDATE t SET v = 'b'");
        application.open(file.path());
        assertFollows(List.of("1|c"), "UPDATE t SET v = 'c'");
        follower.close();
        application.run("VACUUM");
        follower = new Follower(file);
        assertFollows(List.of("1|d"), "UPDATE t SET v = 'd'");
    }

    @Test
    void outerConflictClauseDoesNotSilenceTheLog() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)", "CREATE TABLE u(id INTEGER PRIMARY KEY, u UNIQUE)",
                "CREATE TRIGGER copy AFTER INSERT ON t BEGIN INSERT OR IGNORE INTO u(u) VALUES (new.u); END",
                "INSERT INTO u VALUES (10, 'a')");
        assertFollows(List.of("1|a"), "INSERT OR REPLACE INTO t VALUES (1, 'a')");
        assertFollows(List.of("1|a", "2|b"), "INSERT OR IGNORE INTO t VALUES (2, 'b')");
    }

    @Test
    void deleteWithoutWhereAndInsertFromSelectLogEveryRow() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "CREATE TABLE u(id INTEGER PRIMARY KEY, v)",
                "INSERT INTO u VALUES (1, 1)", "INSERT INTO u VALUES (2, 2)");
        assertFollows(List.of("1|1", "2|2"), "INSERT INTO t SELECT * FROM u");
        assertThat(application.update("DELETE FROM t")).isEqualTo(2);
        assertFollows(List.of());
    }

    @Test
    void whatIsRolledBackLeavesNoLogRow() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)", "CREATE TABLE c(id INTEGER PRIMARY KEY,"
                + " p REFERENCES t DEFERRABLE INITIALLY DEFERRED)", "INSERT INTO t VALUES (1, 'a')");
        String before = head();
        application.run("BEGIN", "SAVEPOINT s", "INSERT INTO t VALUES (2, 'b')", "ROLLBACK TO s", "COMMIT");
        assertThat(head()).isEqualTo(before);
        assertRefused(CONSTRAINT, () -> application.run("INSERT INTO t SELECT id + 1, 'b' FROM t UNION ALL"
                + " SELECT 9, 'b'")); // the second row aborts the statement, the first goes with it
        assertThat(head()).isEqualTo(before);
        application.run("BEGIN", "INSERT INTO c VALUES (1, 99)");
        assertRefused(CONSTRAINT, () -> application.run("COMMIT"));
        application.run("ROLLBACK");
        assertThat(head()).isEqualTo(before);
        assertRefused(CONSTRAINT, () -> application.run("INSERT OR FAIL INTO t SELECT id + 1, 'b' FROM t UNION ALL"
                + " SELECT 9, 'b'")); // FAIL keeps the rows before the one that failed
        assertFollows(List.of("1|a", "2|b"));
    }

    // ---- what the application sees of us ----

    @Test
    void whatTheApplicationSeesIsTheSameWithAndWithoutCapture() throws Exception {
        List<String> schema = List.of("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v)",
                "CREATE TABLE plain(id INTEGER PRIMARY KEY, v)", "CREATE TABLE seen(id INTEGER PRIMARY KEY, a)",
                "CREATE TRIGGER note AFTER INSERT ON t BEGIN INSERT INTO seen(a) VALUES (last_insert_rowid()); END",
                "CREATE TRIGGER soon BEFORE UPDATE ON t BEGIN INSERT INTO seen(a) VALUES (last_insert_rowid());"
                + " UPDATE seen SET a = last_insert_rowid() WHERE id = (SELECT max(id) FROM seen); END");
        application.run(schema.toArray(String[]::new));
        List<String> without = seen();
        file = new SqliteFile(folder.resolve("captured.sqlite"));
        application.open(file.path(), "PRAGMA foreign_keys = ON", "PRAGMA legacy_alter_table = OFF");
        capture(schema.toArray(String[]::new));
        assertThat(seen()).isEqualTo(without);
        follower.close();
        try (SqliteSession writer = writer()) {
            Capture.uninstall(writer);
        }
        assertThat(application.ask("SELECT name FROM sqlite_master WHERE name LIKE '%sluice%'")).isEmpty();
    }

    /** One line per thing that the application did or asked: the statement, then what it got. */
    private List<String> seen() {
        List<String> seen = new ArrayList<>();
        String counts = "SELECT last_insert_rowid(), changes()";
        look(seen, "insert", "INSERT INTO t(u, v) VALUES ('a', 1)");
        look(seen, "ask", counts);
        look(seen, "insert", "INSERT INTO t(u, v) VALUES ('b', 2)");
        look(seen, "update", "INSERT INTO t SELECT id + 10, u || u, v FROM t");
        look(seen, "ask", counts);
        look(seen, "update", "UPDATE t SET v = 0");
        look(seen, "update", "UPDATE t SET v = 0 WHERE id = 99");
        look(seen, "ask", counts);
        look(seen, "update", "REPLACE INTO t(id, u, v) VALUES (20, 'a', 4)");
        look(seen, "ask", counts);
        look(seen, "update", "INSERT OR IGNORE INTO t(u) VALUES ('a')");
        look(seen, "ask", counts);
        look(seen, "update", "UPDATE OR REPLACE t SET u = 'b' WHERE id = 20");
        look(seen, "ask", counts);
        look(seen, "update", "INSERT INTO t(u) VALUES ('b')"); // refused
        look(seen, "update", "UPDATE t SET nothing = 1"); // refused
        look(seen, "ask", counts);
        if (application.version().atLeast("3.24.0")) {
            look(seen, "update", "INSERT INTO t(u, v) VALUES ('b', 5) ON CONFLICT(u) DO UPDATE SET v = 6");
            look(seen, "ask", counts);
            look(seen, "update", "INSERT INTO t(u, v) VALUES ('b', 5) ON CONFLICT DO NOTHING");
            look(seen, "ask", counts);
        }
        if (application.version().atLeast("3.35.0")) {
            look(seen, "ask", "INSERT INTO t(u) VALUES ('r'), ('s') RETURNING id, u");
            look(seen, "ask", "UPDATE t SET v = id RETURNING *");
            look(seen, "ask", "DELETE FROM t WHERE u = 's' RETURNING rowid");
            look(seen, "ask", counts);
        }
        look(seen, "ask", "SELECT * FROM seen");
        look(seen, "ask", "ALTER TABLE t ADD COLUMN w DEFAULT 7");
        look(seen, "update", "INSERT INTO t(u) VALUES ('after add')");
        look(seen, "ask", "ALTER TABLE plain RENAME TO renamed");
        look(seen, "update", "INSERT INTO renamed VALUES (1, 1)");
        if (application.version().atLeast("3.25.0")) {
            look(seen, "ask", "ALTER TABLE t RENAME COLUMN u TO uu");
            look(seen, "ask", "ALTER TABLE t RENAME COLUMN id TO ident");
            look(seen, "update", "UPDATE t SET uu = 'renamed' WHERE ident = 20");
            look(seen, "ask", "ALTER TABLE t RENAME TO t2");
            look(seen, "update", "REPLACE INTO t2(ident, uu) VALUES (50, 'renamed')");
            look(seen, "ask", "SELECT * FROM t2");
            look(seen, "ask", "PRAGMA legacy_alter_table = ON");
            look(seen, "ask", "ALTER TABLE t2 RENAME COLUMN uu TO u3");
            look(seen, "update", "REPLACE INTO t2(ident, u3) VALUES (51, 'renamed')");
            look(seen, "ask", "PRAGMA legacy_alter_table = OFF");
        }
        if (application.version().atLeast("3.35.0")) {
            look(seen, "ask", "ALTER TABLE t2 DROP COLUMN w");
            look(seen, "update", "INSERT INTO t2(u3) VALUES ('after drop')");
        }
        look(seen, "update", "DELETE FROM renamed");
        look(seen, "ask", counts);
        look(seen, "ask", "VACUUM");
        look(seen, "ask", "PRAGMA integrity_check");
        look(seen, "ask", "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%sluice%'");
        return seen;
    }

    private void look(List<String> seen, String how, String sql) {
        try {
            Object answer = how.equals("update") ? application.update(sql)
                    : how.equals("insert") ? application.insert(sql) : application.ask(sql);
            seen.add(sql + " → " + answer);
        } catch (SQLException e) {
            seen.add(sql + " → " + e.getErrorCode() + " " + e.getMessage());
        }
    }

    /** Before SQLite 3.8.11 changes() in a trigger of the application counts what our triggers wrote. */
    @Test
    void changesInsideATriggerIsTheApplicationsOwnSince3811() throws Exception {
        String[] schema = {"CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)", "CREATE TABLE seen(a)",
            "CREATE TRIGGER note AFTER UPDATE ON t BEGIN INSERT INTO seen VALUES (changes()); END",
            "INSERT INTO t VALUES (1, 'a')", "INSERT INTO t VALUES (2, 'b')", "INSERT INTO t VALUES (3, 'c')"};
        String[] work = {"DELETE FROM t WHERE id = 3", "UPDATE t SET u = u || 'x'", "UPDATE OR REPLACE t SET u = 'ax'"};
        application.run(schema);
        application.run(work);
        List<String> without = application.ask("SELECT a FROM seen");
        file = new SqliteFile(folder.resolve("captured.sqlite"));
        application.open(file.path());
        capture(schema);
        application.run(work);
        List<String> with = application.ask("SELECT a FROM seen");
        if (application.version().atLeast("3.8.11")) {
            assertThat(with).isEqualTo(without);
        } else {
            assertThat(with).isNotEqualTo(without);
        }
    }

    @Test
    void totalChangesCountsOurLogRowsToo() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        int before = Integer.parseInt(application.ask("SELECT total_changes()").get(0));
        application.run("INSERT INTO t VALUES (1, 1)");
        assertThat(application.ask("SELECT total_changes() - " + before)).containsExactly("2");
    }

    // ---- ALTER TABLE ----

    /** Before 3.25, or as 3.25 was asked to: a table that our triggers search keeps its old name in them. */
    @Test
    void renamedTableWorksOrFailsLoudlyAndARepairHealsIt() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)", "CREATE TABLE plain(id INTEGER PRIMARY KEY)",
                "INSERT INTO t VALUES (1, 'a')");
        boolean rewritten = application.version().atLeast("3.25.0");
        application.run("ALTER TABLE t RENAME TO t2", "ALTER TABLE plain RENAME TO plain2",
                "INSERT INTO plain2 VALUES (1)");
        renamedAgain(rewritten, "t2", "t", "t2", "plain", "plain2");
        application.run("PRAGMA legacy_alter_table = ON", "ALTER TABLE t2 RENAME TO t3");
        boolean legacy = application.version().atLeast("3.25.2");
        renamedAgain(rewritten && !legacy, "t3", "t2", "t3");
    }

    private void renamedAgain(boolean works, String table, String... names) throws Exception {
        if (works) {
            application.run("REPLACE INTO " + table + " VALUES (2, 'a')", "UPDATE " + table + " SET id = 1");
        } else {
            for (String sql : List.of("INSERT INTO " + table + " VALUES (2, 'b')",
                    "UPDATE " + table + " SET u = 'b'")) {
                assertThatThrownBy(() -> application.run(sql)).hasMessageContaining("no such table");
            }
        }
        try (SqliteSession writer = writer()) {
            assertThat(Capture.damaged(writer)).contains(names[0]);
            Capture.repair(writer, Capture.takeGeneration(writer), List.of(names));
            assertThat(Capture.damaged(writer)).isEmpty();
        }
        follower.close();
        follower = new Follower(file);
        application.run("SELECT * FROM " + table); // a failing prepare alone does not make SQLite look at the schema
        application.run("REPLACE INTO " + table + " VALUES (2, 'a')", "UPDATE " + table + " SET id = 1");
        follower.drain(Follower.AMPLE);
        assertThat(follower.differences()).isEmpty();
        assertThat(follower.rows(table)).hasSize(1);
    }

    /** A column of a unique index of its own: without us the application drops index and column in one go. */
    @Test
    void columnThatATriggerOfOursNamesIsNotDroppedUntilItsIndexIsGoneAndWeHaveSeenIt() throws Exception {
        assumeTrue(application.version().atLeast("3.35.0"));
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u, v)", "CREATE UNIQUE INDEX i ON t(u)",
                "INSERT INTO t VALUES (1, 'a', 1)");
        application.run("DROP INDEX i");
        assertThatThrownBy(() -> application.run("ALTER TABLE t DROP COLUMN u")).hasMessageContaining("_sluice_1_b");
        try (SqliteSession writer = writer()) {
            assertThat(Capture.damaged(writer)).containsExactly("t");
            Capture.repair(writer, Capture.takeGeneration(writer), List.of("t"));
        }
        application.run("ALTER TABLE t DROP COLUMN u", "UPDATE t SET v = 2");
        assertThat(application.ask("SELECT * FROM t")).containsExactly("1|2");
    }

    // ---- prepared statements and cursors ----

    @Test
    void preparedStatementsAndCursorsGoOnOverAnInstallationAndAFence() throws Exception {
        application.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 1)",
                "INSERT INTO t VALUES (2, 2)");
        application.keep("INSERT INTO t(v) VALUES (3)");
        assertThat(application.again()).isEqualTo(1);
        application.cursor("SELECT id FROM t ORDER BY id");
        assertThat(application.next()).containsExactly("1");
        capture();
        assertThat(application.next()).containsExactly("2");
        assertThat(application.next()).containsExactly("3");
        assertThat(application.next()).isEmpty();
        assertThat(application.again()).isEqualTo(1);
        assertFollows(List.of("1|1", "2|2", "3|3", "4|3"));
        fence(true);
        fence(false);
        assertThat(application.again()).isEqualTo(1);
        assertFollows(List.of("1|1", "2|2", "3|3", "4|3", "5|3"));
        fence(true); // last, as drivers up to 3.23 can't use a statement again that has failed
        assertThatThrownBy(application::again).isInstanceOfSatisfying(SQLException.class,
                e -> assertThat(e.getMessage()).contains(TriggerScript.FENCE_MESSAGE));
    }

    // ---- the fence ----

    @Test
    void fencedSourceRefusesEveryWriteAndKeepsTheTransactionOpen() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v, u UNIQUE)", "INSERT INTO t VALUES (1, 1, 'a')",
                "CREATE TABLE parent(id INTEGER PRIMARY KEY)", "INSERT INTO parent VALUES (1)",
                "CREATE TABLE child(p REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE)",
                "INSERT INTO child VALUES (1)", "CREATE TABLE keyed(a TEXT NOT NULL, b NOT NULL, PRIMARY KEY (a, b))",
                "INSERT INTO keyed VALUES ('x', 1)", "CREATE VIEW w AS SELECT * FROM t",
                "CREATE TRIGGER wi INSTEAD OF INSERT ON w BEGIN INSERT INTO t VALUES (new.id, new.v, new.u); END");
        application.run("CREATE TEMP TABLE private(a)");
        fence(true);
        application.run("BEGIN", "INSERT INTO private VALUES (1)");
        List<String> statements = new ArrayList<>(List.of("INSERT INTO t VALUES (2, 2, 'b')",
                "INSERT OR IGNORE INTO t VALUES (2, 2, 'b')", "INSERT OR REPLACE INTO t VALUES (1, 2, 'b')",
                "REPLACE INTO t VALUES (2, 2, 'a')", "INSERT OR FAIL INTO t VALUES (2, 2, 'b')",
                "INSERT OR ABORT INTO t VALUES (2, 2, 'b')", "INSERT INTO t SELECT id + 1, v, 'b' FROM t",
                "INSERT INTO t DEFAULT VALUES", "UPDATE t SET v = 2", "UPDATE OR IGNORE t SET v = 2",
                "UPDATE OR REPLACE t SET id = 3", "UPDATE OR FAIL t SET v = 2", "DELETE FROM t",
                "DELETE FROM t WHERE id = 1", "DELETE FROM parent", "UPDATE parent SET id = 2", "DELETE FROM child",
                "REPLACE INTO keyed VALUES ('x', 1)", "UPDATE keyed SET b = 2", "DELETE FROM keyed",
                "INSERT INTO w VALUES (2, 2, 'b')"));
        if (application.version().atLeast("3.24.0")) {
            statements.add("INSERT INTO t VALUES (1, 2, 'a') ON CONFLICT(id) DO UPDATE SET v = 3");
            statements.add("INSERT INTO t VALUES (1, 2, 'a') ON CONFLICT DO NOTHING");
        }
        if (application.version().atLeast("3.35.0")) {
            statements.add("UPDATE t SET v = parent.id FROM parent");
            statements.add("DELETE FROM t RETURNING id");
        }
        for (String refused : statements) {
            assertRefused(CONSTRAINT, () -> application.run(refused));
            assertThatThrownBy(() -> application.run(refused)).as(refused)
                    .hasMessageContaining(TriggerScript.FENCE_MESSAGE);
        }
        application.run("UPDATE t SET v = 2 WHERE id = 99", "COMMIT");
        assertThat(application.ask("SELECT * FROM private")).containsExactly("1");
        assertThat(application.ask("SELECT * FROM t")).containsExactly("1|1|a");
        // what rolls back by itself takes the application's transaction with it, as it says
        for (String refused : List.of("INSERT OR ROLLBACK INTO t VALUES (2, 2, 'b')", "UPDATE OR ROLLBACK t SET v = 2")) {
            application.run("BEGIN");
            assertThatThrownBy(() -> application.run(refused)).hasMessageContaining(TriggerScript.FENCE_MESSAGE);
            try {
                application.run("ROLLBACK");
            } catch (SQLException e) {
                assertThat(e.getMessage()).contains("no transaction");
            }
        }
        assertThat(application.ask("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM parent),"
                + " (SELECT count(*) FROM child), (SELECT count(*) FROM keyed)")).containsExactly("1|1|1|1");
        fence(false);
        assertFollows(List.of("1|2|a"), "UPDATE t SET v = 2", "DELETE FROM parent", "DELETE FROM keyed");
    }

    @Test
    void fenceHoldsForTablesWithoutRowid() throws Exception {
        assumeTrue(application.version().atLeast("3.8.2"));
        capture("CREATE TABLE t(a TEXT, b, c UNIQUE, PRIMARY KEY (a, b)) WITHOUT ROWID", "INSERT INTO t VALUES ('x', 1, 2)");
        fence(true);
        for (String refused : List.of("INSERT INTO t VALUES ('y', 1, 3)", "INSERT OR IGNORE INTO t VALUES ('x', 1, 3)",
                "REPLACE INTO t VALUES ('y', 1, 2)", "UPDATE OR REPLACE t SET b = 2", "DELETE FROM t")) {
            assertThatThrownBy(() -> application.run(refused)).as(refused)
                    .hasMessageContaining(TriggerScript.FENCE_MESSAGE);
        }
        fence(false);
        assertFollows(List.of("y|1|2"), "REPLACE INTO t VALUES ('y', 1, 2)");
    }

    @Test
    void triggersOfTheApplicationAreAwayBehindTheFenceAndFireAgainAfterIt() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "CREATE TABLE log(a)",
                "CREATE TRIGGER app AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.id); END");
        application.run("INSERT INTO t VALUES (1, 1)");
        fence(true);
        assertThatThrownBy(() -> application.run("INSERT INTO t VALUES (5, 5)"))
                .hasMessageContaining(TriggerScript.FENCE_MESSAGE);
        try (SqliteSession writer = writer()) {
            Fence.writeThrough(writer, Fence.state(writer).generation(), () -> {
                writer.execute("INSERT INTO t VALUES (2, 2)");
                return null;
            });
        }
        assertThatThrownBy(() -> application.run("DELETE FROM t")).hasMessageContaining(TriggerScript.FENCE_MESSAGE);
        assertThat(application.ask("SELECT * FROM t")).containsExactly("1|1", "2|2");
        assertThat(application.ask("SELECT * FROM log")).containsExactly("1");
        fence(false);
        application.run("INSERT INTO t VALUES (3, 3)");
        assertThat(application.ask("SELECT * FROM log")).containsExactly("1", "3");
        follower.drain(Follower.AMPLE);
        assertThat(follower.rows("log")).hasSize(2);
        assertThat(application.ask("PRAGMA integrity_check")).containsExactly("ok");
    }

    @Test
    void fenceIsToldApartByItsCodeWhereTheDriverGivesExtendedCodes() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        fence(true);
        List<Integer> codes = new ArrayList<>();
        try {
            application.run("INSERT INTO t VALUES (1, 1)");
        } catch (SQLException e) {
            codes.add(e.getErrorCode());
        }
        // 3.7.2's driver gives no code at all, those of 3.7.15 to 3.33 the primary one or the extended one
        assertThat(codes).hasSize(1).isSubsetOf(0, CONSTRAINT, CONSTRAINT_TRIGGER);
        if (application.version().atLeast("3.34.0")) {
            assertThat(codes).containsExactly(CONSTRAINT_TRIGGER);
        }
    }

    // ---- names of ours that the application uses ----

    @Test
    void temporaryTablesNamedLikeOursDoNotTakeTheLogRows() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)");
        application.run("CREATE TEMP TABLE _sluice_changelog(seq INTEGER PRIMARY KEY, nonce, tid, op, k1, k2, k3, k4)",
                "CREATE TEMP TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)", "INSERT INTO temp.t VALUES (5, 'a')");
        application.run("INSERT INTO main.t VALUES (1, 'a')", "REPLACE INTO main.t VALUES (2, 'a')");
        follower.drain(Follower.AMPLE);
        assertThat(follower.differences()).isEmpty();
        assertThat(follower.rows("t")).hasSize(1);
    }

    /** Only up to 3.7.17 does a temporary table of the application stand in for the control table of the fence. */
    @Test
    void temporaryControlTableDoesNotLiftTheFenceSince38() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)");
        application.run("CREATE TEMP TABLE _sluice_control(id INTEGER PRIMARY KEY, epoch, fenced, generation)",
                "INSERT INTO temp._sluice_control VALUES (1, 'x', 0, 0)");
        fence(true);
        if (application.version().atLeast("3.8.0")) {
            assertRefused(CONSTRAINT, () -> application.run("INSERT INTO t VALUES (1)"));
        } else {
            application.run("INSERT INTO t VALUES (1)");
        }
    }

    @Test
    void sourceAttachedUnderAnyNameIsLogged() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)", "INSERT INTO t VALUES (1, 'a')");
        application.open(folder.resolve("other.sqlite"), "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)",
                "INSERT INTO t VALUES (7, 'a')", "ATTACH '" + file.path() + "' AS alias");
        application.run("REPLACE INTO alias.t VALUES (2, 'a')", "INSERT INTO main.t VALUES (8, 'b')");
        follower.drain(Follower.AMPLE);
        assertThat(follower.differences()).isEmpty();
        assertThat(application.ask("SELECT * FROM alias.t")).containsExactly("2|a");
    }

    // ---- rowids ----

    @Test
    void vacuumRenumbersTheRowsOnlyOfTablesWithoutAnyIndex() throws Exception {
        String where = application.version().atLeast("3.8.0") ? " WHERE 0" : "";
        application.run("CREATE TABLE bare(v)", "CREATE TABLE indexed(v)", "CREATE INDEX i ON indexed(v)" + where,
                "CREATE TABLE keyed(id INTEGER PRIMARY KEY, v)", "CREATE TABLE texts(k TEXT PRIMARY KEY, v)");
        for (String table : List.of("bare", "indexed", "keyed", "texts")) {
            for (int i = 1; i <= 3; i++) {
                application.run("INSERT INTO " + table + "(" + (table.equals("texts") ? "k, " : "") + "v) VALUES ("
                        + (table.equals("texts") ? i + ", " : "") + i + ")");
            }
            application.run("DELETE FROM " + table + " WHERE v = 1");
        }
        long version = Long.parseLong(application.ask("PRAGMA schema_version").get(0));
        capture();
        application.run("VACUUM");
        try (SqliteSession reader = file.openReader(Duration.ofSeconds(5))) {
            for (String table : List.of("bare", "indexed", "keyed", "texts")) {
                boolean moved = !application.ask("SELECT rowid FROM " + table).equals(List.of("2", "3"));
                assertThat(moved).as(table).isEqualTo(Obstacle.rowidsCanMove(SchemaReader.read(reader).table(table)));
            }
        }
        assertThat(Long.parseLong(application.ask("PRAGMA schema_version").get(0))).isGreaterThan(version);
    }

    // ---- limits ----

    @Test
    void fullFileTakesNeitherTheRowNorTheLogRow() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        String pages = application.ask("PRAGMA page_count").get(0);
        application.run("PRAGMA max_page_count = " + pages);
        String before = head();
        assertRefused(13, () -> application.run("INSERT INTO t VALUES (1, zeroblob(100000))"));
        assertThat(head()).isEqualTo(before);
        application.run("PRAGMA max_page_count = 1000000");
        assertFollows(List.of("1|1"), "INSERT INTO t VALUES (1, 1)");
    }

    // ---- the stage ----

    private SqliteSession writer() throws SQLException {
        return file.openWriter(Duration.ofSeconds(5));
    }

    private void capture(String... statements) throws Exception {
        application.run(statements);
        try (SqliteSession writer = writer()) {
            SourceSchema schema = SchemaReader.read(writer);
            Capture.install(writer, schema.tables(), schema.hash());
        }
        follower = new Follower(file);
    }

    private void fence(boolean up) throws SQLException {
        try (SqliteSession writer = writer()) {
            long generation = Fence.state(writer).generation();
            if (up) {
                Fence.raise(writer, generation, 1, true);
            } else {
                Fence.lift(writer, generation, 2);
            }
        }
    }

    private String head() throws SQLException {
        return application.ask("SELECT max(seq) FROM _sluice_changelog").get(0);
    }

    /** Runs statements, drains, and expects the rows of the first table, and the follower to equal the source. */
    private void assertFollows(List<String> rows, String... statements) throws SQLException {
        application.run(statements);
        follower.drain(Follower.AMPLE);
        assertThat(follower.differences()).isEmpty();
        String first = application.ask("SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 1").get(0);
        assertThat(application.ask("SELECT * FROM " + first)).containsExactlyInAnyOrderElementsOf(rows);
    }

    /** 0 is what the driver of 3.7.2 says of every error. */
    private static void assertRefused(int code, ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(SQLException.class,
                e -> assertThat(e.getErrorCode() & 0xff).as(e.getMessage()).isIn(code, 0));
    }
}
