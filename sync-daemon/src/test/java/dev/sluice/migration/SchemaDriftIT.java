package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The source's schema changes while it is followed, and the target changes with it, in order with the data. */
class SchemaDriftIT {

    private static final String[] SCHEMA = {
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE)",
        "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT)",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, user_id INT REFERENCES users(id), at TEXT)",
        "CREATE INDEX notes_at ON notes (at)", "CREATE VIEW named AS SELECT id, name FROM users",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
                + " INSERT INTO users SELECT i, 'name ' || i, 'mail' || i FROM n",
        "INSERT INTO kv SELECT 'k' || id, name FROM users",
        "INSERT INTO notes SELECT id, id, '2026-01-01 00:00:' || printf('%02d', id % 60) FROM users WHERE id < 100"};

    @TempDir
    Path folder;

    private LiveGround ground() throws Exception {
        return new LiveGround(Files.createTempDirectory(folder, "case"), SCHEMA);
    }

    /** Both sides have the same tables, columns and rows, and the migration goes on. */
    private static void assertFollows(LiveGround ground) throws Exception {
        ground.awaitArrival();
        assertThat(ground.verify()).satisfies(report -> assertThat(report.isEqual()).as(report.toString()).isTrue());
        SameRows.assertSame(ground);
        assertThat(tables(ground.migration().plan().tables().stream().map(table -> table.source()).toList()))
                .isEqualTo(tables(ground.source(
                        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_sluice*'"
                                + " AND name NOT GLOB 'sqlite_*'")));
    }

    private static List<String> tables(List<String> names) {
        return names.stream().sorted().toList();
    }

    private static List<String> columns(LiveGround ground, String table) throws SQLException {
        return ground.target("SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute"
                + " WHERE attrelid = '" + table + "'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum");
    }

    @Test
    void addedColumnArrivesWithItsValues() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            ground.appTogether("ALTER TABLE users ADD COLUMN born DATE", "ALTER TABLE users ADD COLUMN rank INT NOT NULL DEFAULT 7",
                    "UPDATE users SET born = '1990-02-03', rank = 1 WHERE id % 3 = 0",
                    "INSERT INTO users (id, name, born) VALUES (1000, 'new', '2001-01-01')");
            assertFollows(ground);
            assertThat(columns(ground, "users")).containsExactly("id bigint", "name text", "email text", "born date", "rank bigint");
            assertThat(ground.target("SELECT count(*) FROM users WHERE rank = 7")).containsExactly("201");
            ground.app("UPDATE users SET born = 'not a date' WHERE id = 3");
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> ground.migration().status().parked() == 1);
        }
    }

    @Test
    void changesOfTheSchemaWhileNobodyFollowsAreFollowedAfterwards() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            ground.stop();
            ground.app("ALTER TABLE users ADD COLUMN more", "UPDATE users SET more = id WHERE id < 20",
                    "CREATE TABLE late (a, b TEXT)", "INSERT INTO late VALUES (1, 'x'), (2, 'y')", "DROP TABLE notes");
            ground.startAndFollow();
            assertFollows(ground);
            assertThat(ground.target("SELECT to_regclass('notes')")).containsExactly("∅");
        }
    }

    @Test
    void droppedAndRenamedColumnsAreFollowed() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            ground.app("ALTER TABLE notes RENAME COLUMN at TO made_at", "UPDATE notes SET made_at = '2027-01-01 10:00:00' WHERE id = 5");
            assertFollows(ground);
            assertThat(ground.target("SELECT indexdef FROM pg_indexes WHERE indexname = 'notes_at'").toString())
                    .contains("made_at");
            ground.app("DROP VIEW named", "ALTER TABLE users DROP COLUMN name", "DELETE FROM users WHERE id > 290");
            assertFollows(ground);
            assertThat(columns(ground, "users")).containsExactly("id bigint", "email text");
        }
    }

    @Test
    void renamedAndDroppedTablesAreFollowed() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            ground.app("ALTER TABLE users RENAME TO people", "UPDATE people SET name = 'renamed' WHERE id = 9");
            assertFollows(ground);
            assertThat(ground.target("SELECT conrelid::regclass || ' ' || confrelid::regclass FROM pg_constraint"
                    + " WHERE contype = 'f' AND connamespace = 'public'::regnamespace")).containsExactly("notes people");
            ground.app("PRAGMA foreign_keys = OFF", "DROP TABLE people", "CREATE TABLE people (id INTEGER PRIMARY KEY, v BLOB)",
                    "INSERT INTO people VALUES (1, x'00ff')");
            assertFollows(ground);
        }
    }

    @Test
    void newTablesIndexesAndViewsArrive() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            ground.app("CREATE INDEX by_name ON users (name)", "CREATE UNIQUE INDEX u ON kv (v, k)",
                    "CREATE TABLE late (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INT REFERENCES users(id) ON DELETE CASCADE,"
                            + " note TEXT NOT NULL DEFAULT 'none' CHECK (length(note) < 100))",
                    "INSERT INTO late (user_id) SELECT id FROM users", "CREATE VIEW counted AS SELECT count(*) AS n FROM late",
                    "CREATE TRIGGER app AFTER UPDATE ON users BEGIN UPDATE kv SET v = new.name || new.id WHERE k = 'k' || new.id; END");
            ground.app("UPDATE users SET name = name || '!'", "REPLACE INTO kv VALUES ('k6', 'replaced')");
            assertFollows(ground);
            assertThat(ground.target("SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname IN"
                    + " ('by_name', 'u', 'late_pkey') ORDER BY 1")).containsExactly("by_name", "late_pkey", "u");
            assertThat(ground.target("SELECT n FROM counted")).containsExactly("300");
            ground.app("DROP INDEX by_name", "DROP VIEW counted", "CREATE TABLE bag (id INTEGER PRIMARY KEY, v, n NUMERIC)",
                    "INSERT INTO bag VALUES (1, 'text', 7)");
            assertFollows(ground);
            ground.app("INSERT INTO bag VALUES (2, x'00ff', 2.5), (3, 9, NULL)");
            assertFollows(ground);
            assertThat(ground.migration().status().parked()).isZero();
            assertThat(ground.target("SELECT to_regclass('by_name'), to_regclass('counted')")).containsExactly("∅|∅");
        }
    }

    @Test
    void tableRebuiltWithAnotherKeyOrTypeIsMadeAnew() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            ground.appTogether("CREATE TABLE kv_new (k TEXT, v TEXT, n INT, PRIMARY KEY (k, v))",
                    "INSERT INTO kv_new SELECT k, v, 1 FROM kv", "DROP TABLE kv", "ALTER TABLE kv_new RENAME TO kv");
            ground.app("DROP VIEW named");
            ground.appTogether("CREATE TABLE users_new (id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE)",
                    "INSERT INTO users_new SELECT id, name, email FROM users", "DROP TABLE users",
                    "ALTER TABLE users_new RENAME TO users", "CREATE TABLE notes_new (id TEXT PRIMARY KEY, user_id TEXT, at REAL)",
                    "INSERT INTO notes_new SELECT 'n' || id, 'u' || user_id, id / 3.0 FROM notes", "DROP TABLE notes",
                    "ALTER TABLE notes_new RENAME TO notes");
            assertFollows(ground);
            assertThat(columns(ground, "notes")).containsExactly("id text", "user_id text", "at double precision");
        }
    }

    @Test
    void changesInTheMiddleOfTheCopyAreFollowed() throws Exception {
        for (String change : new String[] {"DROP VIEW named; ALTER TABLE users DROP COLUMN name",
            "ALTER TABLE users RENAME COLUMN name TO title", "ALTER TABLE users ADD COLUMN more TEXT DEFAULT 'x'",
            "CREATE TABLE late (x); INSERT INTO late VALUES (1), (NULL)", "ALTER TABLE users RENAME TO people",
            "DROP TABLE notes; DROP VIEW named; DROP TABLE users"}) {
            try (LiveGround ground = ground()) {
                ground.startAndPauseMidCopy();
                ground.app(change.split("; "));
                ground.migration().resume();
                ground.awaitReplicating();
                assertFollows(ground);
            }
        }
    }

    @Test
    void changeBetweenPlanAndInstallIsFollowed() throws Exception {
        try (LiveGround ground = ground()) {
            Preparation stale = ground.prepare();
            ground.app("ALTER TABLE users ADD COLUMN more TEXT", "UPDATE users SET more = 'x'", "CREATE TABLE late (x)",
                    "INSERT INTO late VALUES (1)");
            ground.startWith(stale);
            ground.awaitReplicating();
            assertFollows(ground);
        }
    }

    @Test
    void tableThatCanNotBeFollowedIsHeldAndTheOthersGoOn() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            ground.there("CREATE VIEW of_the_operator AS SELECT name FROM users WHERE id < 10");
            ground.app("DROP VIEW named", "ALTER TABLE users DROP COLUMN name", "DELETE FROM users WHERE id > 290",
                    "REPLACE INTO kv VALUES ('goes', 'on')");
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() ->
                    ground.target("SELECT v FROM kv WHERE k = 'goes'").equals(List.of("on")));
            assertThat(ground.migration().status().notes()).anyMatch(note -> note.startsWith("table users is held")
                    && note.contains("sluice resync users"));
            assertThat(ground.target("SELECT count(*) FROM users")).containsExactly("300");
            ground.awaitReplicating();
            assertThat(ground.verify().isEqual()).isFalse();
            assertThatThrownBy(() -> ground.migration().resync("users")).hasMessageContaining("of_the_operator");
            ground.stop();
            ground.startAndFollow();
            assertThat(ground.migration().status().notes()).anyMatch(note -> note.startsWith("table users is held"));
            ground.there("DROP VIEW of_the_operator");
            assertThat(ground.migration().resync("users").isEqual()).isTrue();
            assertFollows(ground);
        }
    }

    @Test
    void schemaThatTheApplicationMadeIsMatchedAgain() throws Exception {
        try (LiveGround ground = ground()) {
            ground.there("CREATE TABLE users (id bigint PRIMARY KEY, name text, email text UNIQUE)",
                    "CREATE TABLE kv (k text PRIMARY KEY, v text)",
                    "CREATE TABLE notes (id bigint PRIMARY KEY, user_id bigint REFERENCES users, at timestamp)");
            ground.startAndFollow();
            ground.app("ALTER TABLE users ADD COLUMN age INT");
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() ->
                    ground.migration().plan().held("users") != null);
            assertThat(ground.migration().plan().held("users").reason()).contains("users.age has no column in target table users");
            ground.there("ALTER TABLE users ADD COLUMN age int");
            ground.app("UPDATE users SET age = id WHERE id < 100", "DELETE FROM users WHERE id > 200");
            ground.awaitReplicating();
            assertThat(ground.migration().resync("users").isEqual()).isTrue();
            assertFollows(ground);
        }
    }

    @Test
    void rowsParkedBeforeAColumnCameAreParkedAnew() throws Exception {
        try (LiveGround ground = ground()) {
            ground.there("CREATE TABLE users (id bigint PRIMARY KEY, name text, email text UNIQUE)",
                    "CREATE TABLE kv (k text PRIMARY KEY, v text UNIQUE, extra text)",
                    "CREATE TABLE notes (id bigint PRIMARY KEY, user_id bigint, at timestamp)");
            ground.startAndFollow();
            ground.app("INSERT INTO kv VALUES ('second', 'name 7')");
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> ground.migration().status().parked() == 1);
            ground.app("ALTER TABLE kv ADD COLUMN extra TEXT", "UPDATE kv SET extra = 'x' WHERE k = 'k9'");
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() ->
                    ground.target("SELECT extra FROM kv WHERE k = 'k9'").equals(List.of("x")));
            ground.awaitReplicating();
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> ground.migration().status().parked() == 1);
            ground.app("UPDATE kv SET v = 'moved' WHERE k = 'k7'", "UPDATE kv SET extra = 'y' WHERE k = 'second'");
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() ->
                    ground.target("SELECT v, extra FROM kv WHERE k = 'second'").equals(List.of("name 7|y")));
            assertFollows(ground);
        }
    }

    @Test
    void daemonThatWakesUpAfterAnotherFollowedAChangeEndsAndTakesNothingOver() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            LiveMigration asleep = ground.migration();
            asleep.pause();
            try {
                ground.start().resume();
                ground.app("ALTER TABLE users ADD COLUMN more");
                assertFollows(ground);
                ground.there("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                        + " AND datname = current_database()");
                asleep.resume();
                assertThat(asleep.awaitEnd(Duration.ofSeconds(30))).isTrue();
                assertThat(asleep.failure()).hasMessageContaining("a newer daemon has taken over");
                assertFollows(ground);
            } finally {
                asleep.close();
            }
        }
    }

    /** Seeded; {@code -Dsluice.drift.seed} repeats a run. */
    @Test
    void randomChangesOfTheSchemaAreFollowed() throws Exception {
        long seed = Long.getLong("sluice.drift.seed", new Random().nextLong());
        Random random = new Random(seed);
        try (LiveGround ground = ground().startAndFollow()) {
            ground.app("DROP VIEW named");
            for (int i = 0; i < 25; i++) {
                for (int j = random.nextInt(3); j >= 0; j--) {
                    change(ground, random, i * 10 + j);
                }
                if (random.nextInt(3) == 0) {
                    assertFollows(ground);
                }
                if (random.nextInt(6) == 0) {
                    ground.stop();
                    change(ground, random, i * 10 + 9);
                    ground.start();
                }
            }
            ground.awaitReplicating();
            assertFollows(ground);
        } catch (AssertionError | Exception e) {
            throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
        }
    }

    private static void change(LiveGround ground, Random random, int n) throws SQLException {
        List<String> tables = ground.source("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('kv')"
                + " AND name NOT GLOB '_sluice*' AND name NOT GLOB 'sqlite_*'");
        if (tables.isEmpty()) {
            ground.app("CREATE TABLE n" + n + "(id INTEGER PRIMARY KEY, a TEXT, b REAL)");
            return;
        }
        String table = tables.get(random.nextInt(tables.size()));
        List<String> columns = ground.source("SELECT name FROM pragma_table_info('" + table + "') WHERE pk = 0");
        String column = columns.isEmpty() ? "rowid" : columns.get(random.nextInt(columns.size()));
        String[] statements = {
            "ALTER TABLE " + table + " ADD COLUMN c" + n + (random.nextBoolean() ? " INT DEFAULT 5" : " TEXT"),
            "ALTER TABLE " + table + " RENAME COLUMN " + column + " TO r" + n,
            "ALTER TABLE " + table + " DROP COLUMN " + column,
            "ALTER TABLE " + table + " RENAME TO t" + n,
            "CREATE TABLE n" + n + "(id INTEGER PRIMARY KEY, a TEXT, b REAL)",
            "CREATE INDEX i" + n + " ON " + table + "(" + column + ")",
            "INSERT INTO " + table + "(" + column + ") VALUES (" + random.nextInt(1000) + ")",
            "UPDATE " + table + " SET " + column + " = " + random.nextInt(1000) + " WHERE rowid % 7 = " + random.nextInt(7),
            "DELETE FROM " + table + " WHERE rowid % 20 = " + random.nextInt(20),
            "DROP TABLE " + table, "VACUUM"};
        String statement = statements[random.nextInt(statements.length)];
        try {
            ground.app(statement);
        } catch (SQLException e) {
            assertThat(e.getMessage()).as("%s", statement).containsAnyOf("cannot drop", "error in", "UNIQUE", "no such column",
                    "FOREIGN KEY", "datatype mismatch", "no column named", "has no column");
        }
    }
}
