package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.capture.Capture;
import dev.sluice.capture.Fence;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.StoredRun.State;
import dev.sluice.tail.Limits;
import dev.sluice.testing.LiveGround;
import dev.sluice.verify.Difference;
import dev.sluice.verify.TableReport;
import dev.sluice.verify.VerifyReport;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Hundreds of differences of every kind are planted on either side; each is found under its name and nothing else is. What a
 * verification would miss without anybody noticing, it would miss here.
 */
class MutationIT {

    private static final int ROWS = 400;
    private static final int PLANTED = 130;
    private static final String[] SCHEMA = {
        "CREATE TABLE n (id INTEGER PRIMARY KEY AUTOINCREMENT, i INTEGER, r REAL, t TEXT NOT NULL DEFAULT 'none', u TEXT, b BLOB,"
                + " d DATETIME, z TEXT, f BOOLEAN, m DECIMAL(10,2), x, CHECK (i > -5))",
        "CREATE TABLE s (k TEXT PRIMARY KEY, v TEXT, n_id INTEGER REFERENCES n(id), UNIQUE (v, k))",
        "CREATE TABLE w (a TEXT COLLATE NOCASE, c INTEGER, v TEXT, PRIMARY KEY (a, c DESC)) WITHOUT ROWID",
        "CREATE TABLE bare (v TEXT)", "CREATE INDEX n_u ON n (u, i)", "CREATE UNIQUE INDEX w_v ON w (v)",
        "CREATE VIEW big AS SELECT id, i FROM n WHERE i > 100",
        "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < " + ROWS + ") INSERT INTO n SELECT i, i, i * 0.1,"
                + " CASE WHEN i % 2 THEN '' ELSE 'text ' || i END, CASE WHEN i % 3 THEN 'ä' || i END, randomblob(8),"
                + " datetime('2024-02-28 23:59:00', '+' || i || ' minutes'),"
                + " strftime('%Y-%m-%d %H:%M:%S+00:00', '2024-02-28 23:59:00', '+' || i || ' minutes'), i % 2, i + 0.25,"
                + " CASE i % 4 WHEN 0 THEN i WHEN 1 THEN i + 0.0 WHEN 2 THEN CAST(i AS TEXT) ELSE CAST('b' || i AS BLOB) END FROM g",
        "INSERT INTO s SELECT 'key ' || id, 'v' || id, id FROM n", "INSERT INTO w SELECT 'a' || (id % 6), id, 'w' || id FROM n",
        "INSERT INTO bare SELECT 'line ' || id FROM n"};

    /** Column of n, statement on the source, statement on the target; {@code null} where that side can't have it. */
    private static final String[][] CELLS = {
        {"i", "i = i + 1", "i = i + 1"}, {"i", "i = NULL", "i = NULL"}, {"r", "r = r + 1e-13", "r = r + 1e-13"},
        {"r", "r = -0.0", "r = '-0'"}, {"t", "t = t || ' '", "t = t || ' '"},
        {"t", "t = CASE t WHEN '' THEN 'x' ELSE '' END", "t = CASE t WHEN '' THEN 'x' ELSE '' END"},
        {"u", "u = CASE WHEN u IS NULL THEN '' END", "u = CASE WHEN u IS NULL THEN '' END"},
        {"u", "u = 'a' || char(776) || coalesce(u, '')", "u = 'a' || chr(776) || coalesce(u, '')"},
        {"b", "b = randomblob(9)", "b = set_byte(b, 3, get_byte(b, 3) # 16)"}, {"b", "b = NULL", "b = b || '\\x00'"},
        {"d", "d = datetime(d, '+1 hour')", "d = d + interval '1 hour'"}, {"d", "d = NULL", "d = d + interval '1 microsecond'"},
        {"z", "z = replace(z, '+00:00', '+01:00')", "z = replace(z, '+00:00', '+01:00')"},
        {"f", "f = 1 - f", "f = NOT f"}, {"m", "m = m + 0.25", "m = m + 0.01"},
        {"x", "x = CASE typeof(x) WHEN 'integer' THEN x + 0.0 WHEN 'real' THEN CAST(x AS INTEGER) WHEN 'text' THEN"
                + " CAST(x AS BLOB) ELSE CAST(x AS TEXT) END", "x = CASE WHEN x LIKE '%.0' THEN left(x, -2) ELSE '\\t' || x END"},
        {"x", "x = CAST('a' || char(0) AS TEXT)", "x = 'zzz' || x"}};

    @TempDir
    Path folder;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    private static Set<String> lines(VerifyReport report) {
        Set<String> lines = new TreeSet<>();
        for (TableReport table : report.tables()) {
            for (Difference difference : table.differences()) {
                lines.add(table.table() + " " + difference.kind() + " " + difference.key().parts() + " " + difference.columns());
            }
        }
        return lines;
    }

    private static void behindTheBack(LiveGround ground, boolean fenced, List<String> statements) throws Exception {
        try (SqliteSession writer = ground.file().openWriter(Duration.ofSeconds(20))) {
            if (fenced) {
                Fence.writeThrough(writer, Capture.state(writer).generation(), () -> {
                    for (String sql : statements) {
                        writer.execute(sql);
                    }
                    return null;
                });
                return;
            }
            writer.beginImmediate();
            long head = Capture.head(writer).seq();
            for (String sql : statements) {
                writer.execute(sql);
            }
            writer.execute("DELETE FROM _sluice_changelog WHERE seq > " + head);
            writer.commit();
        }
    }

    /** What is to be run on each side, and what must be found then. */
    private static final class Plot {
        final List<String> source = new ArrayList<>();
        final List<String> target = new ArrayList<>();
        final Set<String> expected = new TreeSet<>();
    }

    /** @param targetLeads true if PostgreSQL has the traffic: then only the source is tampered with */
    private Plot plot(int count, boolean targetLeads) {
        Plot plot = new Plot();
        Map<String, List<Integer>> rows = new HashMap<>();
        for (String table : List.of("n", "s", "w", "bare")) {
            List<Integer> all = new ArrayList<>();
            for (int i = 1; i <= ROWS; i++) {
                all.add(i);
            }
            Collections.shuffle(all, random);
            rows.put(table, all);
        }
        for (int i = 0; i < count; i++) {
            boolean inSource = targetLeads || random.nextBoolean();
            List<String> side = inSource ? plot.source : plot.target;
            String table = List.of("n", "n", "s", "w", "bare").get(random.nextInt(5));
            int row = rows.get(table).remove(0);
            String where = switch (table) {
                case "n" -> "id = " + row;
                case "s" -> "k = 'key " + row + "'";
                case "w" -> "a = 'a" + row % 6 + "' AND c = " + row;
                default -> (inSource ? "rowid" : "sluice_rowid") + " = " + row;
            };
            String key = switch (table) {
                case "n", "bare" -> "[" + row + "]";
                case "s" -> "['key " + row + "']";
                default -> "['a" + row % 6 + "', " + row + "]";
            };
            boolean leads = inSource != targetLeads;
            switch (random.nextInt(6)) {
                case 0 -> {
                    side.add("DELETE FROM " + table + " WHERE " + where);
                    plot.expected.add(table + (leads ? " EXTRA " : " MISSING ") + key + " []");
                }
                case 1 -> {
                    int extra = 10_000 + i;
                    side.add("INSERT INTO " + table + switch (table) {
                        case "n" -> " (id) VALUES (" + extra + ")";
                        case "s" -> " VALUES ('x" + extra + "', NULL, NULL)";
                        case "w" -> " VALUES ('x', " + extra + ", 'v" + extra + "')";
                        default -> inSource ? " (rowid, v) VALUES (" + extra + ", NULL)" : " (sluice_rowid) VALUES (" + extra + ")";
                    });
                    plot.expected.add(table + (leads ? " MISSING " : " EXTRA ") + switch (table) {
                        case "n", "bare" -> "[" + extra + "]";
                        case "s" -> "['x" + extra + "']";
                        default -> "['x', " + extra + "]";
                    } + " []");
                }
                default -> {
                    String column = "v";
                    String change = "v = coalesce(v, '') || 'é'";
                    if (table.equals("n")) {
                        String[] cell = CELLS[random.nextInt(CELLS.length)];
                        column = cell[0];
                        change = cell[inSource ? 1 : 2];
                    }
                    side.add("UPDATE " + table + " SET " + change + " WHERE " + where);
                    plot.expected.add(table + " DIFFERENT " + key + " [" + column + "]");
                }
            }
        }
        return plot;
    }

    private static VerifyReport run(LiveGround ground, boolean repair) throws Exception {
        return ground.migration().verifications().verify(new Verifications.Order(List.of(), true, repair, 100, false, "test"));
    }

    @Test
    void everyPlantedDifferenceIsFoundUnderItsName() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SCHEMA)
                .chunk(new Limits(150, 1 << 20, Duration.ofSeconds(1))).startAndFollow()) {
            VerifyReport first = run(ground, false);
            assertThat(first.isEqual()).as("seed %d, %s", seed, lines(first)).isTrue();
            for (int round = 0; round < 3; round++) {
                Plot plot = plot(PLANTED, false);
                behindTheBack(ground, false, plot.source);
                plot.target.add(0, "SET session_replication_role = replica"); // foreign keys stand in nobody's way
                plot.target.add("RESET session_replication_role");
                ground.there(plot.target.toArray(String[]::new));
                VerifyReport found = run(ground, true);
                assertFound(round, plot, found);
                assertThat(latest(ground).state()).as("seed %d, round %d", seed, round)
                        .isEqualTo(State.VERIFIED);
                restore(ground);
                VerifyReport after = run(ground, false);
                assertThat(after.isEqual()).as("seed %d, round %d: %s", seed, round, lines(after)).isTrue();
            }
            declarations(ground);
            assertThat(ground.migration().cutover(new SwitchOrder(false, Duration.ofSeconds(20), 1_000, Set.of(), "test")).done())
                    .isTrue();
            Plot plot = plot(PLANTED, true);
            behindTheBack(ground, true, plot.source);
            assertFound(-1, plot, run(ground, true));
            assertThat(latest(ground).state()).as("seed %d", seed).isEqualTo(State.VERIFIED);
        }
    }

    /** Reports list the first hundred differences of a table. */
    private void assertFound(int round, Plot plot, VerifyReport found) {
        Set<String> lines = lines(found);
        assertThat(found.differenceCount()).as("seed %d, round %d: planted %s, found %s", seed, round, plot.expected, lines)
                .isEqualTo(plot.expected.size());
        assertThat(lines).as("seed %d, round %d", seed, round).isEqualTo(plot.expected);
    }

    private static Verifications.View latest(LiveGround ground) throws Exception {
        return ground.migration().verifications().view(0);
    }

    /** The rows of the next round are there again, put there by the application. */
    private static void restore(LiveGround ground) throws Exception {
        ground.app("DELETE FROM s", "DELETE FROM w", "DELETE FROM bare", "DELETE FROM n", SCHEMA[7], SCHEMA[8], SCHEMA[9], SCHEMA[10]);
    }

    /** Beside rows: each of these is found, and nothing else is. */
    private void declarations(LiveGround ground) throws Exception {
        assertThat(run(ground, false).isEqual()).isTrue();
        assertThat(findings(ground)).as("seed %d", seed).isEmpty();
        String[][] planted = {
            {"SELECT setval(pg_get_serial_sequence('n', 'id'), 5)", "SELECT setval(pg_get_serial_sequence('n', 'id'), 100000)",
                "sequence"},
            {"DROP INDEX n_u", "CREATE INDEX n_u ON n (u, i)", "n_u"},
            {"DROP INDEX n_u; CREATE INDEX n_u ON n (i, u)", "DROP INDEX n_u; CREATE INDEX n_u ON n (u, i)", "n_u"},
            {"DROP INDEX w_v; CREATE INDEX w_v ON w (v)", "DROP INDEX w_v; CREATE UNIQUE INDEX w_v ON w (v)", "w_v"},
            {"ALTER TABLE n ALTER t DROP NOT NULL", "ALTER TABLE n ALTER t SET NOT NULL", "column t"},
            {"ALTER TABLE n ALTER t SET DEFAULT 'other'", "ALTER TABLE n ALTER t SET DEFAULT 'none'", "column t"},
            {"CREATE OR REPLACE VIEW big AS SELECT id, i FROM n WHERE i > 101",
                "CREATE OR REPLACE VIEW big AS SELECT id, i FROM n WHERE i > 100", "big"}};
        for (String[] one : planted) {
            ground.there(one[0]);
            look(ground);
            assertThat(findings(ground)).as("seed %d, %s", seed, one[0]).hasSize(1).allSatisfy(says ->
                    assertThat(says).contains(one[2]));
            assertThat(latest(ground).state()).isEqualTo(State.MISMATCHED);
            ground.there(one[1]);
        }
        for (String constraint : ground.target("SELECT conrelid::regclass || '|' || conname || '|' || pg_get_constraintdef(oid)"
                + " FROM pg_constraint WHERE contype IN ('f', 'c', 'u') AND connamespace = 'public'::regnamespace")) {
            String[] parts = constraint.split("\\|");
            ground.there("ALTER TABLE " + parts[0] + " DROP CONSTRAINT \"" + parts[1] + "\"");
            look(ground);
            assertThat(findings(ground)).as("seed %d, %s", seed, constraint).hasSize(1).allSatisfy(says ->
                    assertThat(says).contains("is gone"));
            ground.there("ALTER TABLE " + parts[0] + " ADD CONSTRAINT \"" + parts[1] + "\" " + parts[2]
                    + (parts[2].startsWith("UNIQUE") ? "" : " NOT VALID"));
            run(ground, false);
            assertThat(findings(ground)).as("seed %d, validated again: %s", seed, constraint)
                    .hasSize(parts[2].startsWith("UNIQUE") ? 0 : 1);
            assertThat(latest(ground).state()).isEqualTo(State.VERIFIED);
        }
        assertThat(run(ground, false).isEqual()).isTrue();
        assertThat(findings(ground)).isEmpty();
    }

    /** At everything but the rows that have not changed. */
    private static void look(LiveGround ground) throws Exception {
        ground.migration().verifications().verify(new Verifications.Order(List.of(), false, false, 100, false, "test"));
    }

    private static List<String> findings(LiveGround ground) throws Exception {
        List<String> says = new ArrayList<>();
        for (JsonNode finding : new ObjectMapper().readTree(latest(ground).run().findings())) {
            says.add(finding.path("says").asText());
        }
        return says;
    }
}
