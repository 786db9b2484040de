package dev.sluice.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.tail.Limits;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever differs is found, named and mended; and nothing else is. */
class VerifierIT {

    private static final int ROWS = 60;
    private static final int ROUNDS = 100;

    private static final String[] SCHEMA = {
        "CREATE TABLE n (id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, b BLOB, d DATETIME, f BOOLEAN, m DECIMAL,"
                + " x)",
        "CREATE TABLE s (k TEXT PRIMARY KEY, v TEXT)",
        "CREATE TABLE w (a TEXT, c INTEGER, v TEXT, PRIMARY KEY (a DESC, c)) WITHOUT ROWID",
        "CREATE TABLE bare (v TEXT)",
        "CREATE TABLE z (k PRIMARY KEY, v TEXT)",
        "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < " + ROWS + ") INSERT INTO n SELECT i * 3,"
                + " i, i * 0.1, CASE WHEN i % 5 = 0 THEN '' WHEN i % 7 = 0 THEN NULL ELSE 'text ' || i END, randomblob(i),"
                + " datetime('2024-02-28 23:59:00', '+' || i || ' minutes'), i % 2, i + 0.25,"
                + " CASE i % 4 WHEN 0 THEN i WHEN 1 THEN i + 0.0 WHEN 2 THEN CAST(i AS TEXT) ELSE CAST('b' || i AS BLOB) END"
                + " FROM g",
        "INSERT INTO s SELECT 'key ' || i, t FROM n", "INSERT INTO w SELECT 'a' || (i % 6), i, t FROM n",
        "INSERT INTO bare SELECT t FROM n", "INSERT INTO z SELECT x, t FROM n", "INSERT INTO z VALUES (-0.0, 'zero')",
        "INSERT INTO n VALUES (-9223372036854775808, 0, 0.0, 'lowest', x'', '2024-01-01 00:00:00', 1, 5, 0)",
        "INSERT INTO n VALUES (9223372036854775807, 0, 0.0, 'highest', x'', '2024-01-01 00:00:00', 1, 5, 0)"};

    @TempDir
    Path folder;

    /** What a report says, one line per difference. */
    private static Set<String> lines(VerifyReport report) {
        Set<String> lines = new TreeSet<>();
        for (TableReport table : report.tables()) {
            for (Difference difference : table.differences()) {
                lines.add(table.table() + " " + difference.kind() + " " + difference.key().parts() + " " + difference.columns());
            }
        }
        return lines;
    }

    private static void assertProven(LiveGround ground) throws Exception {
        VerifyReport report = ground.verify();
        assertThat(lines(report)).isEmpty();
        assertThat(report.isEqual()).isTrue();
        assertThat(report.tables()).allSatisfy(table -> assertThat(table.targetHash()).isEqualTo(table.sourceHash()));
        SameRows.assertSame(ground);
    }

    /** Numbers sort otherwise as text, so a page must not go on behind a key that only its spelling put last. */
    @Test
    void rowsThatOnlyTheTargetHasAreFoundAmongManyPagesOfNumbers() throws Exception {
        try (LiveGround ground = new LiveGround(folder,
                "CREATE TABLE pairs (b INTEGER, a TEXT, v TEXT, PRIMARY KEY (b DESC, a)) WITHOUT ROWID",
                "CREATE TABLE reals (k REAL NOT NULL PRIMARY KEY, v TEXT)",
                "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 120)"
                        + " INSERT INTO pairs SELECT i, 'w' || i, 'v' FROM g",
                "INSERT INTO reals SELECT b * 10.5, a FROM pairs")
                .chunk(new Limits(7, 1 << 20, Duration.ofSeconds(1))).startAndFollow()) {
            ground.there("INSERT INTO pairs SELECT i, 'only here', 'v' FROM generate_series(1, 120, 5) i",
                    "INSERT INTO reals SELECT i + 0.25, 'only here' FROM generate_series(1, 1200, 50) i");
            assertThat(ground.verify().tables()).extracting(TableReport::differenceCount).containsExactly(24L, 24L);
            ground.repair();
            assertProven(ground);
        }
    }

    /** Plants one difference at a time; it is found under its name, mended, and then nothing is found any more. */
    @Test
    void everyKindOfDifferenceIsNamedAndMended() throws Exception {
        String[][] planted = {
            {"UPDATE n SET i = i + 1 WHERE id = 3", "n DIFFERENT [3] [i]"},
            {"UPDATE n SET r = '-0' WHERE id = 9223372036854775807", "n DIFFERENT [9223372036854775807] [r]"},
            {"UPDATE n SET r = r + 1e-16 WHERE id = 3", "n DIFFERENT [3] [r]"},
            {"UPDATE n SET t = 'text 1 ' WHERE id = 3", "n DIFFERENT [3] [t]"},
            {"UPDATE n SET t = NULL WHERE id = 15", "n DIFFERENT [15] [t]"},
            {"UPDATE n SET t = '' WHERE id = 21", "n DIFFERENT [21] [t]"},
            {"UPDATE n SET b = set_byte(b, 4, get_byte(b, 4) # 1) WHERE id = 15", "n DIFFERENT [15] [b]"},
            {"UPDATE n SET b = NULL WHERE id = -9223372036854775808", "n DIFFERENT [-9223372036854775808] [b]"},
            {"UPDATE n SET d = d + interval '1 second' WHERE id = 3", "n DIFFERENT [3] [d]"},
            {"UPDATE n SET d = 'infinity' WHERE id = 3", "n DIFFERENT [3] [d]"},
            {"UPDATE n SET d = d + interval '1 microsecond' WHERE id = 3", "n DIFFERENT [3] [d]"},
            {"UPDATE n SET d = '0044-03-15 00:00:00 BC' WHERE id = 3", "n DIFFERENT [3] [d]"},
            {"UPDATE n SET f = NOT f WHERE id = 3", "n DIFFERENT [3] [f]"},
            {"UPDATE n SET m = m + 0.01 WHERE id = 3", "n DIFFERENT [3] [m]"},
            {"UPDATE n SET m = 'NaN' WHERE id = 3", "n DIFFERENT [3] [m]"},
            {"UPDATE n SET m = m + 1e-20 WHERE id = 3", "n DIFFERENT [3] [m]"},
            {"UPDATE n SET m = '1e400' WHERE id = 3", "n DIFFERENT [3] [m]"},
            {"UPDATE n SET x = '4.0' WHERE id = 12", "n DIFFERENT [12] [x]"},
            {"UPDATE n SET x = '\\xzz' WHERE id = 12", "n DIFFERENT [12] [x]"},
            {"UPDATE n SET x = '\\' WHERE id = 12", "n DIFFERENT [12] [x]"},
            {"UPDATE n SET x = '\\iten' WHERE id = 12", "n DIFFERENT [12] [x]"},
            {"UPDATE n SET i = NULL, t = 'both' WHERE id = 3", "n DIFFERENT [3] [i, t]"},
            {"DELETE FROM n WHERE id = -9223372036854775808", "n MISSING [-9223372036854775808] []"},
            {"DELETE FROM n WHERE id = 9223372036854775807", "n MISSING [9223372036854775807] []"},
            {"INSERT INTO n (id) VALUES (4)", "n EXTRA [4] []"},
            {"INSERT INTO n (id) VALUES (9223372036854775806)", "n EXTRA [9223372036854775806] []"},
            {"UPDATE s SET v = 'other' WHERE k = 'key 1'", "s DIFFERENT ['key 1'] [v]"},
            {"DELETE FROM s WHERE k = 'key 60'", "s MISSING ['key 60'] []"},
            {"INSERT INTO s VALUES ('', 'empty key')", "s EXTRA [''] []"},
            {"INSERT INTO s VALUES ('KEY 1', 'other case')", "s EXTRA ['KEY 1'] []"},
            {"UPDATE w SET v = v || '!' WHERE a = 'a1' AND c = 1", "w DIFFERENT ['a1', 1] [v]"},
            {"DELETE FROM w WHERE a = 'a0' AND c = 6", "w MISSING ['a0', 6] []"},
            {"INSERT INTO w VALUES ('a0', 7, NULL)", "w EXTRA ['a0', 7] []"},
            {"UPDATE bare SET v = 'z' WHERE sluice_rowid = 60", "bare DIFFERENT [60] [v]"},
            {"DELETE FROM bare WHERE sluice_rowid = 1", "bare MISSING [1] []"},
            {"INSERT INTO bare VALUES ('more', 61)", "bare EXTRA [61] []"},
            {"INSERT INTO bare VALUES ('more', -61)", "bare EXTRA [-61] []"},
            {"UPDATE z SET v = 'other' WHERE k = '4'", "z DIFFERENT [4] [v]"},
            {"UPDATE z SET v = 'other' WHERE k = '-0.0'", "z DIFFERENT [0.0] [v]"},
            {"UPDATE z SET k = '0.0' WHERE k = '-0.0'", "z DIFFERENT [0.0] [k]"},
            {"INSERT INTO z VALUES ('4.0', 'a real beside the integer')", "z EXTRA [4.0] []"},
            {"DELETE FROM z WHERE k = '\\t2'", "z MISSING ['2'] []"}};
        try (LiveGround ground = new LiveGround(folder, SCHEMA).startAndFollow()) {
            assertProven(ground);
            for (String[] one : planted) {
                ground.there(one[0]);
                VerifyReport found = ground.repair();
                assertThat(lines(found)).as(one[0]).containsExactly(one[1]);
                assertThat(found.isEqual()).as(one[0]).isFalse();
                assertThat(found.tables()).as(one[0]).allSatisfy(table -> assertThat(table.targetHash()
                        .equals(table.sourceHash())).isEqualTo(!one[1].startsWith(table.table() + " ")));
                assertThat(found.tables().stream().mapToLong(TableReport::repaired).sum()).as(one[0]).isEqualTo(1);
                assertThat(lines(ground.verify())).as(one[0]).isEmpty();
            }
            assertProven(ground);
        }
    }

    /** An extra row that balances a parked one must not hide behind the counts. */
    @Test
    void extraRowIsFoundThoughAnotherIsParked() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE s (k TEXT PRIMARY KEY, v INTEGER)",
                "INSERT INTO s VALUES ('a', 1), ('b', 2)").startAndFollow()) {
            ground.app("INSERT INTO s VALUES (NULL, 3), (NULL, 4)", "UPDATE s SET v = 'x' WHERE k = 'b'");
            ground.verify();
            ground.there("INSERT INTO s VALUES ('extra', 5)");
            VerifyReport report = ground.verify();
            assertThat(lines(report)).containsExactly("s EXTRA ['extra'] []");
            assertThat(report.parked()).isEqualTo(ground.parked().size());
        }
    }

    @Test
    void hashesDifferWhileARowIsParked() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE s (k TEXT PRIMARY KEY, v INTEGER)",
                "INSERT INTO s VALUES ('a', 1), ('b', 2)").startAndFollow()) {
            ground.app("UPDATE s SET v = 'x' WHERE k = 'b'");
            TableReport report = ground.verify().tables().get(0);
            assertThat(report.parked()).isEqualTo(1);
            assertThat(report.differenceCount()).isZero();
            assertThat(report.isEqual()).isFalse();
            assertThat(report.targetHash()).isNotEqualTo(report.sourceHash());
        }
    }

    /** A row that is listed as parked although it is there, or gone, is settled by a repair. */
    @Test
    void repairSettlesWhatIsParkedNoMore() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE s (k TEXT PRIMARY KEY, v INTEGER)",
                "INSERT INTO s VALUES ('a', 1), ('b', 2)").startAndFollow()) {
            ground.app("UPDATE s SET v = 'x' WHERE k = 'b'");
            ground.verify();
            ground.there("INSERT INTO sluice.parked_row (migration, source_table, key_hash, key, code, reason)"
                    + " SELECT migration, source_table, sha256('t\\000\\000\\000\\004gone'), '{gone}', code, reason FROM sluice.parked_row");
            ground.repair();
            assertThat(ground.parked()).containsExactly("s|b|not_representable");
            ground.app("UPDATE s SET v = 3 WHERE k = 'b'");
            assertProven(ground);
            assertThat(ground.parked()).isEmpty();
        }
    }

    /** What is mended may not fit any better than what is followed. */
    @Test
    void repairParksWhatTheTargetRefuses() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE s (id INTEGER PRIMARY KEY, v INTEGER, u TEXT UNIQUE)",
                "INSERT INTO s VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')").startAndFollow()) {
            ground.there("UPDATE s SET u = 'tmp' WHERE id = 1", "UPDATE s SET u = 'a' WHERE id = 3",
                    "UPDATE s SET u = 'c' WHERE id = 1", "UPDATE s SET v = 0 WHERE id = 2",
                    "ALTER TABLE s ADD CHECK (v <> 2)");
            ground.repair();
            assertThat(ground.parked()).containsExactly("s|2|check_broken");
            assertThat(ground.target("SELECT * FROM s ORDER BY id")).containsExactly("1|1|a", "3|3|c");
        }
    }

    @Test
    void aHundredRandomDifferencesAreFoundNamedAndMended() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (LiveGround ground = new LiveGround(folder, SCHEMA)
                .chunk(new dev.sluice.tail.Limits(7, 1 << 20, java.time.Duration.ofSeconds(1))).startAndFollow()) {
            for (int round = 0; round < ROUNDS; round++) {
                Set<String> planted = plant(ground, random);
                assertThat(lines(ground.repair())).as("seed %d, round %d", seed, round).isEqualTo(planted);
                assertThat(ground.verify().isEqual()).as("seed %d, round %d", seed, round).isTrue();
            }
            assertProven(ground);
        }
    }

    /** Changes one to four rows of the target; returns what must be found. */
    private static Set<String> plant(LiveGround ground, Random random) throws Exception {
        List<String> tables = new ArrayList<>(List.of("n", "s", "w", "bare", "z"));
        Collections.shuffle(tables, random);
        Set<String> planted = new TreeSet<>();
        for (String table : tables.subList(0, 1 + random.nextInt(4))) {
            int row = 1 + random.nextInt(ROWS);
            String where = switch (table) {
                case "n" -> "id = " + row * 3;
                case "s" -> "k = 'key " + row + "'";
                case "w" -> "a = 'a" + row % 6 + "' AND c = " + row;
                case "bare" -> "sluice_rowid = " + row;
                default -> "k = '" + row / 4 * 4 + "'";
            };
            if (table.equals("z") && row < 4) {
                continue;
            }
            String key = switch (table) {
                case "n" -> "[" + row * 3 + "]";
                case "s" -> "['key " + row + "']";
                case "w" -> "['a" + row % 6 + "', " + row + "]";
                case "bare" -> "[" + row + "]";
                default -> "[" + row / 4 * 4 + "]";
            };
            String column = table.equals("n") ? List.of("i", "r", "t", "d", "f", "m").get(random.nextInt(6)) : "v";
            switch (random.nextInt(3)) {
                case 0 -> {
                    ground.there("DELETE FROM " + table + " WHERE " + where);
                    planted.add(table + " MISSING " + key + " []");
                }
                case 1 -> {
                    String other = switch (column) {
                        case "i", "r", "m" -> column + " + " + (1 + random.nextInt(1000)) / 100.0;
                        case "d" -> "d - interval '" + (1 + random.nextInt(100)) + " seconds'";
                        case "f" -> "NOT f";
                        default -> "coalesce(" + column + ", '') || '" + "xyz".charAt(random.nextInt(3)) + "'";
                    };
                    if (column.equals("i")) {
                        other = "i + " + (1 + random.nextInt(9));
                    }
                    ground.there("UPDATE " + table + " SET " + column + " = " + other + " WHERE " + where);
                    planted.add(table + " DIFFERENT " + key + " [" + column + "]");
                }
                default -> {
                    int extra = 1_000_000 + random.nextInt(1000);
                    ground.there("INSERT INTO " + table + switch (table) {
                        case "n" -> " (id) VALUES (" + extra + ")";
                        case "s" -> " VALUES ('" + extra + "', NULL)";
                        case "w" -> " VALUES ('" + extra + "', 1, NULL)";
                        case "bare" -> " VALUES (NULL, " + extra + ")";
                        default -> " VALUES ('" + extra + "', NULL)";
                    });
                    planted.add(table + " EXTRA " + switch (table) {
                        case "n", "bare", "z" -> "[" + extra + "]";
                        case "s" -> "['" + extra + "']";
                        default -> "['" + extra + "', 1]";
                    } + " []");
                }
            }
        }
        return planted;
    }
}
