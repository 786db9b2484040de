package dev.sluice.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.mapping.Codecs.JsonChoice;
import dev.sluice.migration.OneShot;
import dev.sluice.plan.MappingRules.ColumnRule;
import dev.sluice.plan.MappingRules.NocaseChoice;
import dev.sluice.plan.MappingRules.TableRule;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import dev.sluice.translate.Identifiers;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the operator's configuration says about names and types is done, also while the application writes. */
class MappingRulesIT {

    private static final ColumnRule EXCLUDED = new ColumnRule(null, null, true, null, null);

    @TempDir
    Path folder;

    private static ColumnRule type(String type) {
        return new ColumnRule(type, null, false, null, null);
    }

    private static ColumnRule using(String type, String expression) {
        return new ColumnRule(type, null, false, expression, null);
    }

    private static MappingRules rules(Map<String, TableRule> tables) {
        return new MappingRules(Identifiers.Policy.FOLD, NocaseChoice.LOWER, JsonChoice.JSON, tables);
    }

    private static TableRule columns(Map<String, ColumnRule> columns) {
        return new TableRule(null, false, columns);
    }

    @Test
    void tablesAndColumnsAreRenamedAndExcluded() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE Customer (Id INTEGER PRIMARY KEY, Name TEXT, secret TEXT)",
                "CREATE TABLE cache (k TEXT)", "CREATE TABLE ref (id INTEGER PRIMARY KEY, c INTEGER REFERENCES Customer)",
                "CREATE INDEX by_name ON Customer (Name)", "CREATE INDEX by_secret ON Customer (secret)",
                "INSERT INTO Customer VALUES (1, 'a', 's')", "INSERT INTO cache VALUES ('x')", "INSERT INTO ref VALUES (1, 1)")) {
            ground.rules(rules(Map.of("customer", new TableRule("clients", false, Map.of("name",
                    new ColumnRule(null, "full name", false, null, null), "secret", EXCLUDED)),
                    "cache", new TableRule(null, true, Map.of()))));
            assertThat(ground.prepare().plan().notCarried().stream().map(NotCarried::object))
                    .containsExactlyInAnyOrder("table \"cache\"", "column \"secret\" of \"Customer\"",
                            "index \"by_secret\" on \"Customer\"");
            ground.startAndFollow();
            ground.app("INSERT INTO Customer VALUES (2, 'b', 't')", "UPDATE Customer SET secret = 'u' WHERE Id = 1",
                    "INSERT INTO cache VALUES ('y')", "INSERT INTO ref VALUES (2, 2)");
            assertThat(ground.verify().isEqual()).isTrue();
            assertThat(ground.target("SELECT * FROM clients ORDER BY id")).containsExactly("1|a", "2|b");
            assertThat(ground.target("SELECT \"full name\" FROM clients WHERE id = 2")).containsExactly("b");
            assertThat(ground.target("SELECT to_regclass('cache')")).containsExactly("∅");
            assertThat(ground.target("SELECT confrelid::regclass FROM pg_constraint WHERE contype = 'f'"
                    + " AND connamespace = 'public'::regnamespace")).containsExactly("clients");
            assertThat(ground.traces()).noneMatch(name -> name.contains("cache"));
        }
    }

    @Test
    void typesAreWhatTheRuleSays() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT, i INTEGER, d TEXT,"
                        + " local TEXT, j TEXT, s TEXT, f INTEGER)",
                "INSERT INTO t VALUES (1, '5', 7, '2024-05-06', '2024-07-01 12:00:00', '[1]', 'abc', 1)",
                "INSERT INTO t VALUES (2, NULL, NULL, NULL, '2024-01-01 12:00:00', NULL, NULL, 0)")) {
            ground.rules(rules(Map.of("t", columns(Map.of("i", type("smallint"), "d", type("date"),
                    "local", new ColumnRule("timestamptz", null, false, null, "Europe/Berlin"), "j", type("jsonb"),
                    "s", type("varchar(3)"), "f", type("boolean"))))));
            ground.startAndFollow();
            assertThat(ground.target("SELECT string_agg(format_type(atttypid, atttypmod), ',' ORDER BY attnum) FROM pg_attribute"
                    + " WHERE attrelid = 't'::regclass AND attnum > 0")).containsExactly(
                            "bigint,text,smallint,date,timestamp with time zone,jsonb,character varying(3),boolean");
            assertThat(ground.target("SELECT local FROM t ORDER BY id"))
                    .containsExactly("2024-07-01 10:00:00+00", "2024-01-01 11:00:00+00");
            ground.app("INSERT INTO t VALUES (3, 'x', 32767, '1999-01-01', '2024-10-27 02:30:00', '{\"b\":1,\"a\":[]}', 'xyz', 1)");
            assertThat(ground.verify().isEqual()).isTrue();
            ground.app("INSERT INTO t VALUES (4, '', 32768, '1999-01-01', '2024-03-31 02:30:00', '{', 'xyz', 2)");
            ground.verify();
            assertThat(ground.parked()).containsExactly("t|4|not_representable");
        }
    }

    @Test
    void expressionsMakeTheTargetsValue() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, cents INTEGER, tags TEXT, keep TEXT)",
                "INSERT INTO t VALUES (1, 1250, 'a,b', 'k'), (2, NULL, '', NULL)")) {
            ground.rules(rules(Map.of("t", columns(Map.of("cents", using("numeric(12,2)", "$1::numeric / 100"),
                    "tags", using("text[]", "string_to_array($1, ',')"))))));
            ground.startAndFollow();
            ground.app("INSERT INTO t VALUES (3, 99, 'c', 'l')", "UPDATE t SET cents = 5 WHERE id = 2",
                    "INSERT INTO t VALUES (4, 'not a number', 'd', 'm')");
            ground.verify();
            assertThat(ground.target("SELECT * FROM t ORDER BY id"))
                    .containsExactly("1|12.50|{a,b}|k", "2|0.05|{}|∅", "3|0.99|{c}|l");
            assertThat(ground.parked()).containsExactly("t|4|not_representable");
        }
    }

    @Test
    void caseInsensitiveTextIsCitextOrLower() throws Exception {
        String[] schema = {"CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT COLLATE NOCASE UNIQUE, p TEXT)",
            "CREATE INDEX i ON t (p COLLATE NOCASE)", "INSERT INTO t VALUES (1, 'Ann', 'P'), (2, 'bo', 'q')"};
        try (LiveGround ground = new LiveGround(folder, schema)) {
            ground.startAndFollow();
            assertThat(ground.target("SELECT indexdef FROM pg_indexes WHERE tablename = 't' ORDER BY indexname"))
                    .anyMatch(index -> index.contains("UNIQUE") && index.contains("lower"))
                    .anyMatch(index -> !index.contains("UNIQUE") && index.contains("lower"));
            ground.app("UPDATE t SET u = 'ANN' WHERE id = 1", "REPLACE INTO t VALUES (3, 'BO', 'r')");
            assertThat(ground.verify().isEqual()).isTrue();
            assertThat(ground.target("SELECT id, u FROM t ORDER BY id")).containsExactly("1|ANN", "3|BO");
        }
        java.nio.file.Files.delete(folder.resolve("app.db"));
        try (LiveGround ground = new LiveGround(folder, schema)) {
            ground.rules(new MappingRules(Identifiers.Policy.FOLD, NocaseChoice.CITEXT, JsonChoice.JSON, Map.of()));
            ground.startAndFollow();
            assertThat(ground.target("SELECT u FROM t WHERE u = 'aNN'")).containsExactly("Ann");
            ground.app("UPDATE t SET u = 'ANN' WHERE id = 1", "REPLACE INTO t VALUES (3, 'BO', 'r')",
                    "INSERT INTO t VALUES (4, 'Äh', 's')", "INSERT INTO t VALUES (5, 'äh', 't')");
            ground.verify();
            // citext folds more letters than SQLite does: the row that its rule refuses is parked, until there is room
            assertThat(ground.target("SELECT id, u FROM t ORDER BY id").size() + ground.parked().size()).isEqualTo(4);
            ground.app("DELETE FROM t WHERE id = 4");
            ground.verify();
            assertThat(ground.target("SELECT id, u FROM t ORDER BY id")).containsExactly("1|ANN", "3|BO", "5|äh");
            assertThat(ground.parked()).isEmpty();
        }
    }

    @Test
    void identifiersFoldOrArePreserved() throws Exception {
        String[] schema = {"CREATE TABLE \"Order Item\" (\"Id\" INTEGER PRIMARY KEY, \"we ird; --\" TEXT, \"select\" TEXT, größe TEXT)",
            "INSERT INTO \"Order Item\" VALUES (1, 'a', 'b', 'c')"};
        for (Identifiers.Policy policy : List.of(Identifiers.Policy.FOLD, Identifiers.Policy.PRESERVE)) {
            try (LiveGround ground = new LiveGround(folder, schema)) {
                ground.rules(new MappingRules(policy, NocaseChoice.LOWER, JsonChoice.JSON, Map.of()));
                OneShot.Report report = ground.migrate();
                assertThat(report.isWhole()).isTrue();
                SameRows.assertSame(ground, report.plan());
                String id = policy == Identifiers.Policy.FOLD ? "id" : "\"Id\"";
                assertThat(ground.target("SELECT " + id + ", \"we ird; --\", \"select\", größe FROM \"Order Item\""))
                        .containsExactly("1|a|b|c");
            }
            java.nio.file.Files.delete(folder.resolve("app.db"));
        }
    }

    @Test
    void rulesThatContradictThemselvesAreNamed() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT, y TEXT)",
                "CREATE TABLE b (k TEXT PRIMARY KEY, v TEXT)", "INSERT INTO a VALUES (1, 'one', 'two')", "INSERT INTO b VALUES ('k', 'v')")) {
            ground.there("CREATE TABLE a (id bigint PRIMARY KEY, x text, y text)");
            ground.rules(rules(Map.of("a", columns(Map.of("x", new ColumnRule(null, "y", false, null, null))),
                    "b", new TableRule("a", false, Map.of()), "none", new TableRule("x", false, Map.of()))));
            assertThat(ground.prepare().plan().problems())
                    .anyMatch(problem -> problem.contains("a.x") && problem.contains("a.y") && problem.contains("same"))
                    .anyMatch(problem -> problem.contains("tables") && problem.contains("same"))
                    .anyMatch(problem -> problem.contains("rules for table none"));
        }
        java.nio.file.Files.delete(folder.resolve("app.db"));
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE b (k TEXT PRIMARY KEY, v TEXT, w TEXT)",
                "INSERT INTO b VALUES ('k', 'v', 'w')")) {
            ground.rules(rules(Map.of("b", columns(Map.of("k", using("text", "upper($1)"), "v", type("integer"), "w", type("nonsense"),
                    "u", EXCLUDED)))));
            assertThat(ground.prepare().plan().problems())
                    .anyMatch(problem -> problem.contains("b.k is part of the key and can't have a USING expression"))
                    .anyMatch(problem -> problem.contains("the values of b.v do not fit integer"))
                    .anyMatch(problem -> problem.contains("the values of b.w do not fit nonsense"))
                    .anyMatch(problem -> problem.contains("rules for column b.u"));
        }
        java.nio.file.Files.delete(folder.resolve("app.db"));
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE b (k TEXT PRIMARY KEY, v TEXT)")) {
            ground.rules(rules(Map.of("b", columns(Map.of("k", EXCLUDED)))));
            assertThat(ground.prepare().plan().problems()).anyMatch(problem -> problem.contains("b.k is part of the key"));
        }
    }
}
