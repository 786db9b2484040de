package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.plan.MappingRules;
import dev.sluice.plan.TablePlan;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The application's own migrations have made the target's schema; Sluice brings the data, and nothing acts twice. */
class ExistingSchemaIT {

    private static final String[] SOURCE = {
        "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(40) NOT NULL, email TEXT UNIQUE,"
                + " active BOOLEAN DEFAULT 1, balance DECIMAL(10,2), created DATETIME, seen TEXT, token BLOB, prefs JSON,"
                + " uid UUID)",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users ON DELETE CASCADE, total REAL,"
                + " state TEXT)",
        "CREATE TABLE tags (\"Name\" TEXT PRIMARY KEY, uses INTEGER)",
        "CREATE TABLE audit (line TEXT)",
        "INSERT INTO users VALUES (1, 'Ann', 'ann@example.org', 1, 12.5, '2024-01-02 03:04:05', '2024-01-02T03:04:05Z',"
                + " x'00ff', '{\"a\": 1}', '0b8e4a0c-3a0f-4b49-9a47-6d1d1a3f1c11')",
        "INSERT INTO users VALUES (7, 'Bo', NULL, 0, 0, '1999-12-31 23:59:59', NULL, NULL, NULL, NULL)",
        "INSERT INTO users VALUES (900, 'gone', 'x', 1, 1, NULL, NULL, NULL, NULL, NULL)", "DELETE FROM users WHERE id = 900",
        "INSERT INTO orders VALUES (1, 1, 10.25, 'open'), (2, 1, 3, 'paid'), (30, 7, -0.5, 'open')",
        "INSERT INTO tags VALUES ('one', 1), ('Two', 2)", "INSERT INTO audit VALUES ('a'), ('a'), (NULL)"};

    private static final String[] TARGET = {
        "CREATE TYPE order_state AS ENUM ('open', 'paid', 'lost')",
        "CREATE TABLE users (name varchar(40) NOT NULL, id serial PRIMARY KEY, email text UNIQUE, balance numeric(10,2),"
                + " active boolean NOT NULL DEFAULT true, created timestamp, seen timestamptz, token bytea, prefs jsonb,"
                + " uid uuid, extra text DEFAULT 'theirs' NOT NULL, shout text GENERATED ALWAYS AS (upper(name)) STORED)",
        "CREATE TABLE orders (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state varchar(10) CHECK (state <> ''),"
                + " total double precision, user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE)",
        "CREATE INDEX ON orders (user_id)",
        "CREATE TABLE tags (\"Name\" text PRIMARY KEY, uses smallint)",
        "CREATE TABLE audit (line text)",
        "CREATE TABLE fired (what text)",
        "CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO fired VALUES (tg_table_name || tg_op);"
                + " IF tg_op = 'DELETE' THEN RETURN old; END IF; RETURN new; END $$",
        "CREATE TRIGGER fire BEFORE INSERT OR UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION fire()",
        "CREATE TRIGGER fire AFTER INSERT OR UPDATE OR DELETE ON orders FOR EACH STATEMENT EXECUTE FUNCTION fire()"};

    @TempDir
    Path folder;

    private LiveGround ground() throws Exception {
        LiveGround ground = new LiveGround(folder, SOURCE);
        ground.there(TARGET);
        return ground;
    }

    @Test
    void planMatchesTablesAndColumnsToWhatIsThere() throws Exception {
        try (LiveGround ground = ground()) {
            Preparation preparation = ground.prepare();
            assertThat(preparation.plan().problems()).isEmpty();
            assertThat(preparation.plan().tables()).allSatisfy(table -> assertThat(table.existing()).isTrue());
            TablePlan users = preparation.plan().table("users");
            assertThat(users.columns().stream().map(column -> column.source() + " " + column.codec().type()))
                    .containsExactly("id integer", "name character varying(40)", "email text", "active boolean",
                            "balance numeric(10,2)", "created timestamp", "seen timestamptz", "token bytea", "prefs jsonb",
                            "uid uuid");
            assertThat(preparation.plan().table("tags").keyTargets()).containsExactly("Name");
            assertThat(preparation.plan().table("audit").keyColumn()).isEqualTo("sluice_rowid");
        }
    }

    @Test
    void migrateEndsEqualAndNothingOfTheTargetsFires() throws Exception {
        try (LiveGround ground = ground()) {
            OneShot.Report report = ground.migrate();
            assertThat(report.verification().tables()).filteredOn(table -> !table.isEqual()).isEmpty();
            assertThat(report.isWhole()).isTrue();
            assertArrived(ground);
            assertThat(ground.target("SELECT to_regnamespace('sluice')")).containsExactly("∅");
        }
    }

    @Test
    void runEndsEqualAndNothingOfTheTargetsFires() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            ground.app("PRAGMA foreign_keys = ON", "UPDATE users SET email = 'swap' WHERE id = 7",
                    "INSERT INTO users (id, name, email) VALUES (8, 'Cy', 'cy')",
                    "UPDATE users SET email = NULL WHERE id = 8", "UPDATE users SET email = 'cy' WHERE id = 7",
                    "INSERT INTO orders VALUES (31, 8, 1, 'lost')", "DELETE FROM users WHERE id = 8",
                    "UPDATE orders SET id = 32 WHERE id = 30", "UPDATE tags SET \"Name\" = 'ONE' WHERE \"Name\" = 'one'",
                    "DELETE FROM audit WHERE rowid = 2", "INSERT INTO audit VALUES ('b')");
            assertThat(ground.verify().isEqual()).isTrue();
            assertArrivedLive(ground);
            ground.app("INSERT INTO tags VALUES ('too large for smallint', 100000)",
                    "INSERT INTO orders VALUES (40, NULL, 1, 'open')", "INSERT INTO orders VALUES (41, 1, 1, '')",
                    "INSERT INTO orders VALUES (42, 1, 1, 'open')");
            ground.verify();
            assertThat(ground.parked()).containsExactly("orders|40|null_refused", "orders|41|check_broken",
                    "tags|too large for smallint|not_representable");
            assertThat(ground.target("SELECT state FROM orders WHERE id = 42")).containsExactly("open");
        }
    }

    private static void assertArrived(LiveGround ground) throws Exception {
        assertThat(ground.target("SELECT id, name, email, active, balance, created, seen, token, prefs, uid, extra, shout"
                + " FROM users ORDER BY id")).containsExactly(
                        "1|Ann|ann@example.org|t|12.50|2024-01-02 03:04:05|2024-01-02 03:04:05+00|\\x00ff|{\"a\": 1}|"
                                + "0b8e4a0c-3a0f-4b49-9a47-6d1d1a3f1c11|theirs|ANN",
                        "7|Bo|∅|f|0.00|1999-12-31 23:59:59|∅|∅|∅|∅|theirs|BO");
        assertThat(ground.target("SELECT id, user_id, total, state FROM orders ORDER BY id"))
                .containsExactly("1|1|10.25|open", "2|1|3|paid", "30|7|-0.5|open");
        assertThat(ground.target("SELECT * FROM tags ORDER BY uses")).containsExactly("one|1", "Two|2");
        assertThat(ground.target("SELECT line FROM audit ORDER BY sluice_rowid")).containsExactly("a", "a", "∅");
        assertThat(ground.target("SELECT * FROM fired")).isEmpty();
        // the next numbers are new, also past what SQLite has given out and taken back
        assertThat(ground.target("INSERT INTO users (name) VALUES ('next') RETURNING id")).containsExactly("901");
        assertThat(ground.target("INSERT INTO orders (user_id) VALUES (1) RETURNING id")).containsExactly("31");
        assertThat(ground.target("SELECT count(*) FROM fired")).as("for the application they fire").containsExactly("2");
    }

    private static void assertArrivedLive(LiveGround ground) throws Exception {
        assertThat(ground.target("SELECT id, name, email FROM users ORDER BY id")).containsExactly(
                "1|Ann|ann@example.org", "7|Bo|cy");
        assertThat(ground.target("SELECT id, user_id, total, state FROM orders ORDER BY id"))
                .containsExactly("1|1|10.25|open", "2|1|3|paid", "32|7|-0.5|open");
        assertThat(ground.target("SELECT * FROM tags ORDER BY uses")).containsExactly("ONE|1", "Two|2");
        assertThat(ground.target("SELECT line FROM audit ORDER BY sluice_rowid")).containsExactly("a", "∅", "b");
        assertThat(ground.target("SELECT * FROM fired")).isEmpty();
    }

    /** What does not fit is said before anything is moved, and nothing is moved then. */
    @Test
    void whatDoesNotFitIsNamedBeforeAnythingIsMoved() throws Exception {
        Map<String, String> misfits = new LinkedHashMap<>();
        misfits.put("ALTER TABLE users DROP COLUMN seen",
                "source column users.seen has no column in target table users");
        misfits.put("ALTER TABLE users ADD COLUMN must text NOT NULL",
                "target column users.must is NOT NULL without a default");
        misfits.put("ALTER TABLE users ALTER email SET NOT NULL", "target column users.email is NOT NULL, but users.email holds 1 NULLs");
        misfits.put("ALTER TABLE users DROP COLUMN shout, ALTER name TYPE varchar(2)", "the values of users.name do not fit character varying(2)");
        misfits.put("ALTER TABLE users ALTER balance TYPE numeric(3,2)", "the values of users.balance do not fit numeric(3,2)");
        misfits.put("ALTER TABLE users DROP COLUMN shout, ALTER name TYPE integer USING 0", "the values of users.name do not fit integer");
        misfits.put("ALTER TABLE users DROP COLUMN shout, ALTER name TYPE interval USING NULL", "the values of users.name do not fit interval");
        misfits.put("INSERT INTO tags VALUES ('theirs', 1)", "target table tags holds rows already");
        misfits.put("ALTER TABLE orders DROP CONSTRAINT orders_pkey",
                "target table orders has no primary key or unique constraint over (id)");
        misfits.put("ALTER TABLE users DROP COLUMN shout, ADD COLUMN g text, DROP COLUMN uid,"
                + " ADD COLUMN uid uuid GENERATED ALWAYS AS (NULL) STORED", "target column users.uid is generated");
        for (Map.Entry<String, String> misfit : misfits.entrySet()) {
            Path own = Files.createTempDirectory(folder, "case");
            try (LiveGround ground = new LiveGround(own, SOURCE)) {
                ground.there(TARGET);
                ground.there(misfit.getKey());
                List<String> before = ground.target("SELECT count(*) FROM tags");
                assertThat(ground.prepare().plan().problems()).as(misfit.getKey())
                        .anySatisfy(problem -> assertThat(problem).contains(misfit.getValue()));
                ground.start();
                assertThat(ground.awaitFailure().getMessage()).as(misfit.getKey()).contains(misfit.getValue());
                assertThat(ground.traces()).isEmpty();
                assertThat(ground.target("SELECT to_regnamespace('sluice')")).containsExactly("∅");
                assertThat(ground.target("SELECT count(*) FROM users")).containsExactly("0");
                assertThat(ground.target("SELECT count(*) FROM tags")).isEqualTo(before);
            }
        }
    }

    /** A number that the source has given out may be beyond the target's type. */
    @Test
    void sequenceBeyondTheTargetsTypeStopsNothing() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)",
                "INSERT INTO t VALUES (3000000000, 'x')", "DELETE FROM t", "INSERT INTO t VALUES (5, 'y')")) {
            ground.there("CREATE TABLE t (id serial PRIMARY KEY, v text)");
            assertThat(ground.migrate().isWhole()).isTrue();
        }
    }

    private static final String[] RICH_SOURCE = {
        "CREATE TABLE t (id INTEGER PRIMARY KEY, state TEXT, mood TEXT, mail TEXT, code VARCHAR(5), amount DECIMAL(10,2),"
                + " host CHAR(39), uid CHAR(32), made INTEGER, seen TEXT, tag TEXT, kind TEXT)",
        "INSERT INTO t VALUES (1, 'open', 'so so', 'Ann@Example.org', 'AB1', 12.5, '127.0.0.1',"
                + " 'a0eebc999c0b4ef8bb6d6bb9bd380a11', 1700000000123, '2024-01-02 03:04:05', 'x', 'b'),"
                + " (2, 'it''s', '', 'bo@example.org', 'CD2', 0, '2001:db8::1', '00000000000000000000000000000000', 0,"
                + " '1999-12-31 23:59:59', 'y', 'a'), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'a')",
        "CREATE TABLE by_kind (kind TEXT PRIMARY KEY, n INTEGER)", "INSERT INTO by_kind VALUES ('a', 2), ('b', 1)"};

    private static final String[] RICH_TARGET = {
        "CREATE SCHEMA \"The App\"", "CREATE TYPE state AS ENUM ('paid', 'open', 'it''s')",
        "CREATE TYPE \"The App\".\"Mood (now)\" AS ENUM ('so so', '')", "CREATE EXTENSION citext",
        "CREATE DOMAIN mail AS citext CHECK (value LIKE '%@%')", "CREATE DOMAIN short AS varchar(5)",
        "CREATE DOMAIN code AS short CHECK (value <> 'NO')", "CREATE DOMAIN amount AS numeric(10,2) CHECK (value >= 0)",
        "CREATE TYPE kind AS ENUM ('b', 'a', 'c')", "CREATE DOMAIN some_kind AS kind NOT NULL",
        "CREATE TABLE t (id bigint PRIMARY KEY, state state, mood \"The App\".\"Mood (now)\", mail mail, code code,"
                + " amount amount, host inet, uid uuid, made timestamp(3), seen timestamptz, tag text, kind some_kind)",
        "CREATE TABLE by_kind (kind kind PRIMARY KEY, n integer)"};

    private LiveGround richGround() throws Exception {
        LiveGround ground = new LiveGround(folder, RICH_SOURCE);
        ground.there(RICH_TARGET);
        MappingRules defaults = MappingRules.DEFAULT;
        return ground.rules(new MappingRules(defaults.identifiers(), defaults.nocase(), defaults.json(),
                Map.of("t", new MappingRules.TableRule(null, false,
                        Map.of("seen", new MappingRules.ColumnRule(null, null, false, null, "UTC"))))));
    }

    @Test
    void enumsDomainsAndAddressesOfTheTargetAreFilled() throws Exception {
        try (LiveGround ground = richGround()) {
            assertThat(ground.prepare().plan().problems()).isEmpty();
            assertThat(ground.migrate().isWhole()).isTrue();
            assertThat(ground.target("SELECT * FROM t ORDER BY id")).containsExactly(
                    "1|open|so so|Ann@Example.org|AB1|12.50|127.0.0.1|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|"
                            + "2023-11-14 22:13:20.123|2024-01-02 03:04:05+00|x|b",
                    "2|it's||bo@example.org|CD2|0.00|2001:db8::1|00000000-0000-0000-0000-000000000000|1970-01-01 00:00:00|"
                            + "1999-12-31 23:59:59+00|y|a",
                    "3|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|a");
        }
    }

    @Test
    void valuesThatAnEnumOrADomainRefusesAreParkedAndArriveWhenItTakesThem() throws Exception {
        try (LiveGround ground = richGround().startAndFollow()) {
            ground.app("UPDATE t SET state = 'paid', mood = 'so so', host = '::1', kind = 'a' WHERE id = 2",
                    "UPDATE by_kind SET kind = 'c' WHERE kind = 'b'", "INSERT INTO by_kind VALUES ('b', 5)",
                    "DELETE FROM by_kind WHERE kind = 'a'", "INSERT INTO t (id, state, kind) VALUES (4, 'late', 'a')",
                    "INSERT INTO t (id, mail, kind) VALUES (5, 'no mail', 'a')",
                    "INSERT INTO t (id, code, kind) VALUES (6, 'NO', 'a')", "INSERT INTO t (id, amount, kind) VALUES (7, -1, 'a')",
                    "INSERT INTO t (id, host, kind) VALUES (8, '10.0.0.0/8', 'a')", "INSERT INTO t (id, kind) VALUES (9, NULL)",
                    "INSERT INTO t (id, state, kind) VALUES (10, 'open', 'c')", "INSERT INTO by_kind VALUES ('z', 9)");
            ground.verify();
            assertThat(ground.parked()).containsExactly("by_kind|z|not_representable", "t|4|not_representable",
                    "t|5|check_broken", "t|6|check_broken", "t|7|check_broken", "t|8|not_representable", "t|9|null_refused");
            assertThat(ground.target("SELECT id, state, kind FROM t WHERE id IN (2, 10) ORDER BY id"))
                    .containsExactly("2|paid|a", "10|open|c");
            assertThat(ground.target("SELECT * FROM by_kind ORDER BY n")).containsExactly("c|1", "b|5");
            ground.there("ALTER TYPE state ADD VALUE 'late'");
            ground.app("DELETE FROM by_kind WHERE kind = 'z'", "UPDATE t SET mail = 'a mail@example.org' WHERE id = 5", "DELETE FROM t WHERE id IN (6, 7, 8, 9)");
            ground.migration().retryParked();
            assertThat(ground.parked()).isEmpty();
            assertThat(ground.verify().isEqual()).isTrue();
        }
    }

    @Test
    void arraysAndOtherFormsAreRefusedWithASentence() throws Exception {
        for (String type : List.of("text[]", "interval", "money", "cidr", "state[]", "xml")) {
            Path own = Files.createTempDirectory(folder, "case");
            try (LiveGround ground = new LiveGround(own, RICH_SOURCE)) {
                ground.there(RICH_TARGET);
                ground.there("ALTER TABLE t DROP COLUMN tag", "ALTER TABLE t ADD COLUMN tag " + type);
                assertThat(ground.prepare().plan().problems()).as(type).anyMatch(problem -> problem.contains("t.tag do not fit "
                        + type + ", a type that gives no value back") && problem.contains("USING"));
                assertThat(ground.prepare().plan().problems()).anyMatch(problem -> problem.contains("t.seen do not fit timestamp"
                        + " with time zone") && problem.contains("name the timezone"));
            }
        }
    }

    @Test
    void valuesThatAreNoLabelsAreNamedBeforeAnythingIsMoved() throws Exception {
        try (LiveGround ground = richGround()) {
            ground.app("UPDATE t SET state = 'nowhere' WHERE id = 1");
            assertThat(ground.prepare().plan().problems()).containsExactly("the values of t.state do not fit state (1 of 2 values"
                    + " would not come back unchanged): choose another type, or give a USING expression");
        }
    }

    /** A cascade of the target's must not repeat what the source has done, or do what it has not. */
    @Test
    void cascadesOfTheTargetDoNotAct() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE p (id INTEGER PRIMARY KEY)",
                "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER)", "INSERT INTO p VALUES (1), (2)",
                "INSERT INTO c VALUES (1, 1), (2, 2)")) {
            ground.there("CREATE TABLE p (id bigint PRIMARY KEY)",
                    "CREATE TABLE c (id bigint PRIMARY KEY, p bigint REFERENCES p ON DELETE CASCADE)");
            ground.startAndFollow();
            ground.app("DELETE FROM p WHERE id = 1", "REPLACE INTO p VALUES (2)"); // the source keeps its orphan
            assertThat(ground.verify().isEqual()).isTrue();
            SameRows.assertSame(ground);
            assertThat(ground.target("SELECT id FROM c ORDER BY id")).containsExactly("1", "2");
        }
    }

    @Test
    void targetThatDemandsMoreIsToldBeforeAnythingMoves() throws Exception {
        try (LiveGround ground = new LiveGround(folder,
                "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT UNIQUE, g TEXT GENERATED ALWAYS AS (a || b))",
                "INSERT INTO t VALUES (1, 'x', 'y', 'z'), (2, 'x', 'z', NULL), (3, NULL, 'y', 'q'), (4, NULL, 'y', NULL)")) {
            ground.there("CREATE TABLE t (id integer PRIMARY KEY, a text UNIQUE, b text, c text UNIQUE, g text,"
                    + " extra serial UNIQUE, CONSTRAINT short CHECK (length(b) < 9), UNIQUE (a, b))",
                    "CREATE UNIQUE INDEX folded ON t (lower(c))");
            Preparation preparation = ground.prepare();
            assertThat(preparation.plan().problems()).containsExactly("target table t has a unique constraint over (a) that"
                    + " source table t does not have, and 1 value is there more than once: drop the constraint, or mend the"
                    + " rows");
            assertThat(preparation.plan().notes()).containsExactlyInAnyOrder("target table t has a unique constraint over"
                    + " (a, b) that source table t does not have: no row breaks it now; one that does is parked",
                    "target table t has rules of its own (folded, short): a row that breaks one is parked");
            assertThat(preparation.plan().notCarried()).singleElement().satisfies(left -> {
                assertThat(left.object()).isEqualTo("generated column \"g\" on \"t\"");
                assertThat(left.reason()).contains("is not generated");
            });
            assertThat(ground.target("SELECT count(*) FROM t")).containsExactly("0");
        }
    }
}
