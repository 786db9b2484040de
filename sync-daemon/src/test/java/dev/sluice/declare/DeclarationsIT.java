package dev.sluice.declare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.migration.OneShot;
import dev.sluice.plan.NotCarried;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the source declares means the same in the target, or is named with the reason why it is not there. */
class DeclarationsIT {

    @TempDir
    Path folder;

    private static String reason(OneShot.Report report, String object) {
        return report.notCarried().stream().filter(left -> left.object().contains(object)).map(NotCarried::reason)
                .findFirst().orElse(null);
    }

    // ---- sequences ----

    @Test
    void nextNumberIsNewWhateverWasDeleted() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)",
                "CREATE TABLE plain (id INTEGER PRIMARY KEY, v TEXT)", "CREATE TABLE none (v TEXT)",
                "CREATE TABLE empty (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)",
                "CREATE TABLE emptied (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)",
                "CREATE TABLE negative (id INTEGER PRIMARY KEY, v TEXT)", "CREATE TABLE full (id INTEGER PRIMARY KEY, v TEXT)",
                "INSERT INTO auto VALUES (5, 'x'), (100, 'y')", "DELETE FROM auto WHERE id = 100",
                "INSERT INTO plain VALUES (7, 'x'), (-3, 'y')", "INSERT INTO none VALUES ('a'), ('b')",
                "INSERT INTO emptied VALUES (42, 'x')", "DELETE FROM emptied", "INSERT INTO negative VALUES (-5, 'x')",
                "INSERT INTO full VALUES (9223372036854775807, 'x')")) {
            assertThat(ground.migrate().isWhole()).isTrue();
            assertNext(ground, Map.of("auto", 101L, "plain", 8L, "empty", 1L, "emptied", 43L, "negative", 1L));
            assertThat(ground.target("INSERT INTO none (v) VALUES ('next') RETURNING sluice_rowid")).containsExactly("3");
            assertThatThrownBy(() -> ground.target("INSERT INTO full (v) VALUES ('next') RETURNING id"))
                    .as("SQLite would look for a free number; nothing is overwritten at least").isInstanceOf(SQLException.class);
        }
    }

    @Test
    void numbersGivenOutWhileFollowingAreNewWhenReplicatingBegins() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)",
                "INSERT INTO auto VALUES (5, 'x')")) {
            ground.startAndPauseMidCopyOf(() -> ground.app("INSERT INTO auto VALUES (77, 'later')", "DELETE FROM auto WHERE id = 77"));
            assertNext(ground, Map.of("auto", 78L));
        }
    }

    private static void assertNext(LiveGround ground, Map<String, Long> expected) throws Exception {
        for (Map.Entry<String, Long> table : expected.entrySet()) {
            assertThat(ground.target("INSERT INTO \"" + table.getKey() + "\" (v) VALUES ('next') RETURNING id"))
                    .as(table.getKey()).containsExactly(table.getValue().toString());
        }
    }

    // ---- foreign keys ----

    @Test
    void foreignKeysKeepTheirActionsAndOldViolationsStay() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE p (id INTEGER PRIMARY KEY, u TEXT UNIQUE, v TEXT)",
                "CREATE TABLE q (a TEXT, b INTEGER, PRIMARY KEY (a, b))",
                "CREATE TABLE good (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p ON DELETE CASCADE ON UPDATE SET NULL)",
                "CREATE TABLE broken (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id))",
                "CREATE TABLE pairs (id INTEGER PRIMARY KEY, a TEXT, b INTEGER, FOREIGN KEY (a, b) REFERENCES q"
                        + " DEFERRABLE INITIALLY DEFERRED)",
                "CREATE TABLE loose (id INTEGER PRIMARY KEY, v TEXT REFERENCES p (v))",
                "CREATE TABLE lost (id INTEGER PRIMARY KEY, x INTEGER REFERENCES nowhere (id))",
                "CREATE TABLE wrong (id INTEGER PRIMARY KEY, a TEXT REFERENCES q)",
                "CREATE TABLE mixed (id INTEGER PRIMARY KEY, p TEXT REFERENCES p (u), r BLOB REFERENCES p (id))",
                "CREATE TABLE tree (id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree ON DELETE SET NULL)",
                "INSERT INTO p VALUES (1, 'one', 'v'), (2, 'two', 'w')", "INSERT INTO q VALUES ('a', 1)",
                "INSERT INTO good VALUES (1, 1), (2, NULL)", "INSERT INTO broken VALUES (1, 1), (2, 99), (3, 100)",
                "INSERT INTO pairs VALUES (1, 'a', 1), (2, 'a', NULL)", "INSERT INTO loose VALUES (1, 'v')",
                "INSERT INTO lost VALUES (1, 1)", "INSERT INTO wrong VALUES (1, 'a')",
                "INSERT INTO mixed VALUES (1, 'one', x'01')", "INSERT INTO tree VALUES (2, 1), (1, NULL)")) {
            OneShot.Report report = ground.migrate();
            assertThat(report.isWhole()).isTrue();
            SameRows.assertSame(ground, report.plan());
            List<String> keys = ground.target("SELECT conrelid::regclass || ' ' || convalidated || ' ' || pg_get_constraintdef(oid)"
                    + " FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 1");
            assertThat(keys).anyMatch(key -> key.equals("good true FOREIGN KEY (p) REFERENCES p(id) ON UPDATE SET NULL"
                            + " ON DELETE CASCADE DEFERRABLE"))
                    .anyMatch(key -> key.startsWith("broken false FOREIGN KEY (p) REFERENCES p(id)") && key.endsWith("NOT VALID"))
                    .anyMatch(key -> key.startsWith("pairs true") && key.contains("(a, b)") && key.endsWith("INITIALLY DEFERRED"))
                    .anyMatch(key -> key.startsWith("tree true") && key.contains("ON DELETE SET NULL"))
                    .anyMatch(key -> key.startsWith("mixed true FOREIGN KEY (p)"));
            assertThat(reason(report, "FOREIGN KEY (\"p\") on \"broken\"") == null
                    ? reason(report, "FOREIGN KEY \"p\" on \"broken\"") : "").contains("NOT VALID");
            assertThat(reason(report, "on \"loose\"")).contains("not unique in p");
            assertThat(reason(report, "on \"lost\"")).contains("nowhere does not exist");
            assertThat(reason(report, "on \"wrong\"")).contains("names 1 columns and its parent's key has 2");
            assertThat(reason(report, "\"r\" on \"mixed\"")).isNotNull();
            assertThatThrownBy(() -> ground.there("INSERT INTO broken VALUES (4, 5)")).isInstanceOf(SQLException.class);
        }
    }

    @Test
    void actionsOfForeignKeysDoNotActTwiceWhileFollowing() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE p (id INTEGER PRIMARY KEY, v TEXT)",
                "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER DEFAULT 1 REFERENCES p ON DELETE SET DEFAULT)",
                "CREATE TABLE d (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p ON DELETE CASCADE)",
                "INSERT INTO p VALUES (1, 'a'), (2, 'b'), (3, 'c')", "INSERT INTO c VALUES (1, 2), (2, 3)",
                "INSERT INTO d VALUES (1, 2), (2, 3)").startAndFollow()) {
            // the application doesn't enforce its keys: orphans stay, and stay in the target
            ground.app("PRAGMA foreign_keys = OFF", "DELETE FROM p WHERE id = 2", "REPLACE INTO p VALUES (3, 'new')");
            assertThat(ground.verify().isEqual()).isTrue();
            SameRows.assertSame(ground);
            ground.app("PRAGMA foreign_keys = ON", "DELETE FROM p WHERE id = 3", "INSERT INTO p VALUES (3, 'back')");
            assertThat(ground.verify().isEqual()).isTrue();
            SameRows.assertSame(ground);
        }
    }

    // ---- defaults ----

    /** Inserts a row of defaults on both sides; the migrated one must be the value that SQLite stores. */
    @Test
    void defaultsGiveWhatSqliteWouldStore() throws Exception {
        Map<String, String> columns = new TreeMap<>();
        columns.put("i1", "INTEGER DEFAULT 5");
        columns.put("i2", "INTEGER DEFAULT '7'");
        columns.put("i3", "INTEGER DEFAULT -0");
        columns.put("i4", "INTEGER DEFAULT 0x10");
        columns.put("i5", "INTEGER DEFAULT (1 + 2)");
        columns.put("i6", "INTEGER NOT NULL DEFAULT FALSE");
        columns.put("i7", "BIGINT DEFAULT 9223372036854775807");
        columns.put("i8", "INTEGER DEFAULT +3");
        columns.put("r1", "REAL DEFAULT 1");
        columns.put("r2", "REAL DEFAULT 1e3");
        columns.put("r3", "REAL DEFAULT '0.1'");
        columns.put("r4", "DOUBLE DEFAULT -2.5");
        columns.put("t1", "TEXT DEFAULT 'it''s'");
        columns.put("t2", "TEXT DEFAULT \"double\"");
        columns.put("t3", "TEXT DEFAULT ''");
        columns.put("t4", "TEXT DEFAULT 5");
        columns.put("t5", "VARCHAR(20) DEFAULT 'a\\b'");
        columns.put("t6", "TEXT DEFAULT bare");
        columns.put("t7", "TEXT DEFAULT 1.50");
        columns.put("t8", "TEXT DEFAULT ('a' || 'b')");
        columns.put("n1", "NUMERIC DEFAULT false");
        columns.put("n2", "DECIMAL(10,2) DEFAULT 1.5");
        columns.put("n3", "NUMERIC DEFAULT '10'");
        columns.put("n4", "DECIMAL(10,2) DEFAULT 0");
        columns.put("b1", "BLOB DEFAULT x'00ff'");
        columns.put("b2", "BLOB DEFAULT 'text'");
        columns.put("f1", "BOOLEAN DEFAULT 1");
        columns.put("f2", "BOOLEAN DEFAULT false");
        columns.put("f3", "BOOLEAN DEFAULT 't'");
        columns.put("u1", "DEFAULT 5");
        columns.put("u2", "DEFAULT 'five'");
        columns.put("d1", "DATE DEFAULT '2024-01-02'");
        columns.put("d2", "DATETIME DEFAULT '0000-00-00'");
        columns.put("d3", "DATETIME DEFAULT '2024-01-02 03:04:05'");
        columns.put("d4", "DATETIME DEFAULT 0");
        columns.put("l1", "TEXT DEFAULT NULL");
        columns.put("j1", "JSON DEFAULT '{}'");
        columns.put("j2", "JSON DEFAULT '[1, 2 ]'");
        List<String> declared = new ArrayList<>();
        columns.forEach((name, type) -> declared.add(name + " " + type));
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, " + String.join(", ", declared) + ")",
                // one row each way, so that the columns have evidence of what their defaults are
                "INSERT INTO t (id) VALUES (1)")) {
            OneShot.Report report = ground.migrate();
            assertThat(report.isWhole()).isTrue();
            ground.there("INSERT INTO t (id) VALUES (2)");
            ground.app("INSERT INTO t (id) VALUES (2)");
            List<String> left = report.notCarried().stream().map(NotCarried::object).toList();
            for (String name : columns.keySet()) {
                if (left.stream().anyMatch(object -> object.equals("DEFAULT of column \"" + name + "\" on \"t\""))) {
                    continue;
                }
                List<String> both = ground.target("SELECT " + name + "::text FROM t ORDER BY id");
                assertThat(both.get(1)).as(name + " " + columns.get(name)).isEqualTo(both.get(0));
            }
            assertThat(left).filteredOn(object -> object.startsWith("DEFAULT")).as(left.toString()).hasSizeLessThan(4);
            SameRows.assertSame(ground, report.plan());
        }
    }

    @Test
    void timesByDefaultAreNow() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, a TIMESTAMP DEFAULT"
                        + " CURRENT_TIMESTAMP, b DATE DEFAULT CURRENT_DATE, c TIME DEFAULT CURRENT_TIME,"
                        + " d TEXT DEFAULT CURRENT_TIMESTAMP, e DATETIME DEFAULT (datetime('now')),"
                        + " f INTEGER DEFAULT (strftime('%s', 'now')), g TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),"
                        + " h REAL DEFAULT (julianday('now')), i DATETIME DEFAULT (datetime('now', 'localtime')))",
                "INSERT INTO t (id) VALUES (1)")) {
            OneShot.Report report = ground.migrate();
            assertThat(report.isWhole()).isTrue();
            ground.there("INSERT INTO t (id) VALUES (2)");
            ground.app("INSERT INTO t (id) VALUES (2)");
            for (String name : List.of("a", "b", "c", "d", "e", "f", "g")) {
                if (reason(report, "DEFAULT of column \"" + name + "\"") != null) {
                    System.out.println("not carried: " + name + ", " + reason(report, "DEFAULT of column \"" + name + "\""));
                    continue;
                }
                // the same form as SQLite's, and the same moment but for the seconds between
                String there = ground.target("SELECT " + name + " FROM t WHERE id = 2").get(0);
                String here = ground.source("SELECT " + name + " FROM t WHERE id = 2").get(0);
                assertThat(there.replaceAll("\\d", "9").replace("+00", "Z").replace(' ', 'T').replace("Z", "")
                        .replaceAll("\\.9+", "")).as(name).isEqualTo(here.replaceAll("\\d", "9").replace(' ', 'T')
                                .replace("Z", "").replaceAll("\\.9+", ""));
                assertThat(there.substring(0, Math.min(4, there.length()))).as(name).isEqualTo(here.substring(0, Math.min(4,
                        here.length())));
            }
        }
    }
}
