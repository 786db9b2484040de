package dev.sluice.reverse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.sluice.mapping.Codecs.JsonChoice;
import dev.sluice.plan.MappingRules;
import dev.sluice.plan.MappingRules.ColumnRule;
import dev.sluice.plan.MappingRules.NocaseChoice;
import dev.sluice.plan.MappingRules.TableRule;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.Target;
import dev.sluice.testing.PostgresForTests;
import dev.sluice.testing.SameRows;
import dev.sluice.translate.Identifiers;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.PGConnection;
import org.slf4j.LoggerFactory;

/** What PostgreSQL commits while it has traffic, and what of it SQLite has. */
class ReverseStreamIT {

    private static final String KV = "CREATE TABLE kv (k INTEGER PRIMARY KEY, v TEXT)";

    @TempDir
    private Path folder;

    @Test
    void insertUpdateAndDeleteComeBack() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, KV, "INSERT INTO kv VALUES (1, 'one'), (2, 'two')").switched()) {
            String head = ground.source("SELECT max(seq) FROM _sluice_changelog").get(0);
            ground.write("INSERT INTO kv (v) VALUES ('three')", "UPDATE kv SET v = 'uno' WHERE k = 1", "DELETE FROM kv WHERE k = 2");

            assertThat(ground.source("SELECT k, v FROM kv ORDER BY k")).containsExactly("1|uno", "3|three");
            assertThat(ground.source("SELECT fenced FROM _sluice_control")).containsExactly("1");
            assertThat(ground.source("SELECT max(seq) FROM _sluice_changelog")).as("the watermark's row").containsExactly(head);
            assertThat(ground.parked()).isEmpty();
        }
    }

    @Test
    void tablesOfEveryShapeComeBack() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder,
                "CREATE TABLE numbered (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)",
                "CREATE TABLE named (name TEXT PRIMARY KEY, v REAL)",
                "CREATE TABLE pairs (a TEXT, b INTEGER, v BLOB, PRIMARY KEY (a, b)) WITHOUT ROWID",
                "CREATE TABLE keyless (a TEXT, b NUMERIC)",
                "CREATE TABLE loose (k TEXT COLLATE NOCASE PRIMARY KEY, v)",
                "CREATE TABLE \"Odd, \"\"name.\" (\"the key\" INTEGER PRIMARY KEY, \"Größe\" TEXT)",
                "INSERT INTO numbered (v) VALUES ('a'), ('b'), ('c')", "INSERT INTO named VALUES ('x', 1.5), ('y', 2.5), ('z', NULL)",
                "INSERT INTO pairs VALUES ('p', 1, x'00'), ('p', 2, x'01'), ('q', 1, NULL)",
                "INSERT INTO keyless VALUES ('same', 1), ('same', 1), ('other', 2.5)",
                "INSERT INTO loose VALUES ('Ab', 1), ('cd', 'text'), ('ef', x'00')",
                "INSERT INTO \"Odd, \"\"name.\" VALUES (1, 'klein')").switched()) {
            String odd = '"' + ground.plan().table("Odd, \"name.").target().replace("\"", "\"\"") + '"';
            String oddKey = '"' + ground.plan().table("Odd, \"name.").column("the key").target() + '"';
            ground.write("INSERT INTO numbered (v) VALUES ('d')", "UPDATE numbered SET id = 100 WHERE id = 1",
                    "DELETE FROM numbered WHERE id = 2", "INSERT INTO named VALUES ('w', -0.5)",
                    "UPDATE named SET name = 'Y' WHERE name = 'y'", "UPDATE named SET v = 1e300 WHERE name = 'z'",
                    "INSERT INTO pairs VALUES ('p', 3, '\\x02')", "UPDATE pairs SET b = b + 10 WHERE a = 'p'",
                    "DELETE FROM pairs WHERE a = 'q'", "UPDATE pairs SET v = NULL WHERE b = 11",
                    "INSERT INTO keyless (a, b) VALUES ('new', 3)", "UPDATE keyless SET b = 7 WHERE a = 'other'",
                    "DELETE FROM keyless WHERE ctid = (SELECT min(ctid) FROM keyless WHERE a = 'same')",
                    "UPDATE loose SET k = 'AB' WHERE k = 'Ab'", "UPDATE loose SET v = '7' WHERE k = 'cd'",
                    "INSERT INTO loose VALUES ('gh', 'more')", "DELETE FROM loose WHERE k = 'ef'",
                    "INSERT INTO " + odd + " VALUES (2, 'groß')", "UPDATE " + odd + " SET " + oddKey + " = 3 WHERE " + oddKey + " = 1");

            SameRows.assertSame(ground.live());
            assertThat(ground.parked()).isEmpty();
            assertThat(ground.source("SELECT count(*) FROM keyless")).containsExactly("3");
            assertThat(ground.source("SELECT a, b FROM pairs ORDER BY b")).containsExactly("p|11", "p|12", "p|13");
            assertThat(ground.source("SELECT k, typeof(v) FROM loose ORDER BY k")).containsExactly("AB|integer", "cd|integer",
                    "gh|text");
        }
    }

    @Test
    void valuesComeBackInTheFormThatTheColumnHad() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, """
                CREATE TABLE t (id INTEGER PRIMARY KEY, flag BOOLEAN, day DATE, at DATETIME, iso TEXT, zulu DATETIME, epoch TIMESTAMP,
                price DECIMAL(10,2), doc JSON, bytes BLOB, uid UUID, mixed, ratio REAL)""", """
                INSERT INTO t VALUES (1, 1, '2024-02-29', '2024-02-29 12:30:15', 'x', '2024-02-29T12:30:15.123Z', 1700000000, 12.34,
                '{"a" : 1.50}', x'00ff', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'text', 0.1)""", """
                INSERT INTO t VALUES (2, 0, '1999-12-31', '1999-12-31 23:59:59', 'y', '1999-12-31T23:59:59.999Z', 1, 5, '[]', x'',
                'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 7, 2.0)""").switched()) {
            ground.write("""
                    INSERT INTO t VALUES (3, true, '0044-03-15', '0001-01-01 00:00:00', '', '2000-01-01 00:00:00.5+02', 1800000000, 7.5,
                    '{"b":2, "a":1}', '\\x', 'C0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '1.0', -0.0)""",
                    "UPDATE t SET flag = NOT flag, price = price * 2, at = at + interval '1 day', mixed = '\\x41' WHERE id = 1",
                    "UPDATE t SET ratio = 'infinity', mixed = 'Infinity' WHERE id = 2");

            assertThat(ground.source("SELECT id, flag, day, at, iso, zulu, epoch, price, typeof(price), doc, hex(bytes), uid,"
                    + " mixed, typeof(mixed), ratio FROM t ORDER BY id")).containsExactly(
                    "1|0|2024-02-29|2024-03-01 12:30:15|x|2024-02-29T12:30:15.123Z|1700000000|24.68|real|{\"a\" : 1.50}|00FF|"
                            + "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|A|blob|0.1",
                    "2|0|1999-12-31|1999-12-31 23:59:59|y|1999-12-31T23:59:59.999Z|1|5|integer|[]||"
                            + "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|Inf|real|Inf",
                    "3|1|0044-03-15|0001-01-01 00:00:00||1999-12-31T22:00:00.500Z|1800000000|7.5|real|{\"b\":2, \"a\":1}||"
                            + "c0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|1.0|real|0.0");
            assertThat(ground.parked()).isEmpty();
        }
    }

    @Test
    void uniqueValuesAndKeysSwapWithinATransaction() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, "CREATE TABLE seat (id INTEGER PRIMARY KEY, place INTEGER UNIQUE, who TEXT)",
                "INSERT INTO seat VALUES (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c'), (4, 40, 'd')").switched()) {
            ground.together("UPDATE seat SET place = NULL WHERE id = 1", "UPDATE seat SET place = 10 WHERE id = 2",
                    "UPDATE seat SET place = 20 WHERE id = 1");
            assertThat(ground.source("SELECT id, place FROM seat ORDER BY id")).containsExactly("1|20", "2|10", "3|30", "4|40");

            ground.together("UPDATE seat SET id = id + 100", "UPDATE seat SET id = id - 99"); // 1 → 2 → 3 → 4 → 5
            assertThat(ground.source("SELECT id, who FROM seat ORDER BY id")).containsExactly("2|a", "3|b", "4|c", "5|d");

            ground.together("UPDATE seat SET id = 1000 WHERE id = 2", "UPDATE seat SET id = 2 WHERE id = 3",
                    "UPDATE seat SET id = 3 WHERE id = 1000", "DELETE FROM seat WHERE id = 4", "INSERT INTO seat VALUES (4, 99, 'new')",
                    "INSERT INTO seat VALUES (6, 1, 'short')", "UPDATE seat SET id = 7 WHERE id = 6", "DELETE FROM seat WHERE id = 7");
            assertThat(ground.source("SELECT id, place, who FROM seat ORDER BY id"))
                    .containsExactly("2|10|b", "3|20|a", "4|99|new", "5|40|d");
            SameRows.assertSame(ground.live());
            assertThat(ground.parked()).isEmpty();
        }
    }

    @Test
    void truncateAndCopyComeBackInOrder() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, KV, "CREATE TABLE keyless (a TEXT)",
                "INSERT INTO kv VALUES (1, 'one'), (2, 'two')", "INSERT INTO keyless VALUES ('x')").switched()) {
            ground.together("INSERT INTO kv VALUES (3, 'gone')", "TRUNCATE kv, keyless", "INSERT INTO kv VALUES (2, 'again')");
            assertThat(ground.source("SELECT k, v FROM kv")).containsExactly("2|again");
            assertThat(ground.source("SELECT count(*) FROM keyless")).containsExactly("0");

            StringBuilder rows = new StringBuilder();
            for (int i = 10; i < 5_010; i++) {
                rows.append(i).append("\tcopied ").append(i).append('\n');
            }
            try (Connection connection = ground.live().target().connect()) {
                connection.unwrap(PGConnection.class).getCopyAPI().copyIn("COPY kv FROM STDIN", new StringReader(rows.toString()));
            }
            ground.write("INSERT INTO kv SELECT i, 'many' FROM generate_series(6000, 8999) i");
            SameRows.assertSame(ground.live());
            assertThat(ground.source("SELECT count(*) FROM kv")).containsExactly("8001");
        }
    }

    @Test
    void largeValuesThatDoNotChangeStayAsTheyAre() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder,
                "CREATE TABLE page (id INTEGER PRIMARY KEY, hits INTEGER, body TEXT, raw BLOB, place INTEGER UNIQUE)",
                "CREATE TABLE keyless (hits INTEGER, body TEXT)",
                "INSERT INTO page VALUES (1, 0, hex(randomblob(2500000)), randomblob(100000), 1),"
                        + " (2, 0, hex(randomblob(50000)), randomblob(100000), 2), (3, 0, '__debezium_unavailable_value', NULL, 3)",
                "INSERT INTO keyless VALUES (0, hex(randomblob(50000)))").switched()) {
            ground.write("UPDATE page SET hits = hits + 1", "UPDATE keyless SET hits = hits + 1");
            SameRows.assertSame(ground.live());
            assertThat(ground.source("SELECT length(body), hits FROM page ORDER BY id")).containsExactly("5000000|1", "100000|1", "28|1");

            ground.write("UPDATE page SET id = 20 WHERE id = 2");
            ground.together("UPDATE page SET id = 10, hits = 5 WHERE id = 1", "UPDATE page SET hits = 6 WHERE id = 10",
                    "UPDATE page SET place = NULL WHERE id = 20", "UPDATE page SET place = 2 WHERE id = 10",
                    "UPDATE page SET place = 1 WHERE id = 20");
            SameRows.assertSame(ground.live());
            assertThat(ground.source("SELECT id, length(body), hits, place FROM page ORDER BY id"))
                    .containsExactly("3|28|1|3", "10|5000000|6|2", "20|100000|1|1");
            ground.write("UPDATE page SET body = 'short' WHERE id = 10");
            SameRows.assertSame(ground.live());
            assertThat(ground.parked()).isEmpty();
        }
    }

    @Test
    void whatTheTargetHasNoColumnForStays() throws Exception {
        MappingRules rules = new MappingRules(Identifiers.Policy.FOLD, NocaseChoice.LOWER, JsonChoice.JSON, Map.of("t",
                new TableRule(null, false, Map.of("secret", new ColumnRule(null, null, true, null, null),
                        "shout", new ColumnRule("text", null, false, "upper($1)", null)))));
        try (ReverseGround ground = new ReverseGround(folder,
                "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER UNIQUE, secret TEXT DEFAULT 'none', shout TEXT,"
                        + " twice INTEGER GENERATED ALWAYS AS (v * 2) STORED)",
                "INSERT INTO t (id, v, secret, shout) VALUES (1, 10, 'mine', 'hey'), (2, 20, 'yours', 'ho')").rules(rules).switched()) {
            ground.together("UPDATE t SET v = NULL WHERE id = 1", "UPDATE t SET v = 10 WHERE id = 2", "UPDATE t SET v = 20 WHERE id = 1");
            ground.write("INSERT INTO t (id, v) VALUES (3, 30)", "UPDATE t SET id = 9, v = 90 WHERE id = 2", "UPDATE t SET v = 11 WHERE id = 1");

            assertThat(ground.source("SELECT id, v, secret, shout, twice FROM t ORDER BY id"))
                    .containsExactly("1|11|mine|hey|22", "3|30|none|∅|60", "9|90|yours|ho|180");
        }
    }

    @Test
    void whatSqliteRefusesIsParkedAndTheRestArrives() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder,
                "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE UNIQUE, n INTEGER CHECK (abs(n) < 100), r REAL NOT NULL,"
                        + " at DATETIME)",
                "INSERT INTO t VALUES (1, 'Ann', 1, 0.5, '2024-01-01 00:00:00'), (2, 'Bob', 2, 1.5, '2024-01-02 00:00:00')").copied()) {
            // PostgreSQL is told less than SQLite knows, as an application that adapts its schema may do
            ground.live().there("ALTER TABLE t ALTER COLUMN r DROP NOT NULL",
                    "DO $$ DECLARE c record; BEGIN FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass"
                            + " AND contype = 'c' LOOP EXECUTE format('ALTER TABLE t DROP CONSTRAINT %I', c.conname); END LOOP; END $$",
                    "DO $$ DECLARE i record; BEGIN FOR i IN SELECT indexrelid::regclass AS name FROM pg_index"
                            + " WHERE indrelid = 't'::regclass AND NOT indisprimary LOOP EXECUTE 'DROP INDEX ' || i.name; END LOOP; END $$");
            ground.open().prepare(ground.generation());
            ground.stream().start(ground.generation());
            ground.fence();
            ground.flip("postgres", 1);
            ground.together("INSERT INTO t VALUES (3, 'ann', 3, 0.5)", "INSERT INTO t VALUES (4, 'Cid', 400, 0.5)",
                    "INSERT INTO t VALUES (5, 'Dan', 5, NULL)", "INSERT INTO t VALUES (6, 'Eve', 6, 'NaN')",
                    "INSERT INTO t VALUES (7, 'Fay', 7, 0.5, '2024-01-01 00:00:00.123456')", "UPDATE t SET at = 'infinity' WHERE id = 2",
                    "INSERT INTO t VALUES (8, 'Gus', 8, 0.5)");

            assertThat(ground.source("SELECT id FROM t ORDER BY id")).containsExactly("1", "8");
            assertThat(ground.parked()).containsExactlyInAnyOrder("t|2|not_representable", "t|3|unique", "t|4|check", "t|5|not_null",
                    "t|6|not_representable", "t|7|not_representable");
            assertThat(ground.stream().parked(10)).allSatisfy(row -> {
                assertThat(row.reason()).contains("t").doesNotContain("400").doesNotContain("ann");
                assertThat(row.row()).contains("\"name\"");
            });

            ground.write("UPDATE t SET at = '2024-05-05 05:05:05' WHERE id = 2", "UPDATE t SET n = 4 WHERE id = 4",
                    "UPDATE t SET r = 5 WHERE id = 5", "DELETE FROM t WHERE id = 6", "UPDATE t SET id = 70, at = NULL WHERE id = 7");
            assertThat(ground.parked()).containsExactly("t|3|unique");
            ground.write("UPDATE t SET name = 'Anna' WHERE id = 1");
            assertThat(ground.parked()).isEmpty();
            assertThat(ground.source("SELECT id FROM t ORDER BY id")).containsExactly("1", "2", "3", "4", "5", "8", "70");
            SameRows.assertSame(ground.live());
        }
    }

    @Test
    void applicationsTriggersAndForeignKeysDoNotInterfere() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
                "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent ON DELETE CASCADE)",
                "CREATE TABLE audit (id INTEGER PRIMARY KEY, what TEXT)",
                "CREATE TRIGGER watch AFTER INSERT ON child BEGIN INSERT INTO audit (what) VALUES ('child'); END",
                "INSERT INTO parent VALUES (1), (2)", "INSERT INTO child VALUES (1, 1), (2, 2)").switched()) {
            ground.together("DELETE FROM child WHERE id = 1", "INSERT INTO child VALUES (3, 2)", "INSERT INTO parent VALUES (3)",
                    "UPDATE child SET parent = 3 WHERE id = 3", "DELETE FROM parent WHERE id = 1");
            SameRows.assertSame(ground.live());
            assertThat(ground.source("SELECT count(*) FROM audit")).containsExactly("2"); // of the migration's time
        }
    }

    @Test
    void onlyWhatLiesBetweenTheMarkersIsApplied() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, KV, "INSERT INTO kv VALUES (1, 'one')").copied()) {
            ground.open().prepare(ground.generation());
            ground.stream().start(ground.generation());
            ground.write("UPDATE kv SET v = 'ours' WHERE k = 1");
            assertThat(ground.source("SELECT v FROM kv")).containsExactly("one");
            ground.fence();
            ground.together("UPDATE kv SET v = 'ours too' WHERE k = 1",
                    "UPDATE sluice.control SET traffic = 'postgres', epoch = 1, version = version + 1");
            ground.stream().awaitMarker(1, "postgres", ReverseGround.PATIENCE);
            assertThat(ground.source("SELECT v FROM kv")).containsExactly("one");
            ground.write("INSERT INTO kv VALUES (2, 'theirs')");
            ground.flip("fenced", 2);
            ground.write("INSERT INTO kv VALUES (3, 'ours again')");
            ground.stream().awaitMarker(2, "fenced", ReverseGround.PATIENCE);
            assertThat(ground.source("SELECT k FROM kv ORDER BY k")).containsExactly("1", "2");
            ground.flip("postgres", 3);
            ground.write("INSERT INTO kv VALUES (4, 'theirs again')");
            assertThat(ground.source("SELECT k FROM kv ORDER BY k")).containsExactly("1", "2", "4");
            assertThatThrownBy(() -> ground.stream().awaitMarker(4, "fenced", Duration.ofMillis(50)))
                    .isInstanceOf(TimeoutException.class).hasMessageContaining("epoch 4");
        }
    }

    @Test
    void hugeTransactionGoesThroughAFileThatIsGoneAfterwards() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, "CREATE TABLE kv (k INTEGER PRIMARY KEY, v TEXT, u INTEGER UNIQUE)",
                "INSERT INTO kv VALUES (1, 'one', -1)").memoryBytes(1 << 20).switched()) {
            ground.together("INSERT INTO kv SELECT i, 'row ' || i, i FROM generate_series(2, 120000) i",
                    "UPDATE kv SET v = 'changed' WHERE k % 3 = 0", "DELETE FROM kv WHERE k % 4 = 0",
                    "UPDATE kv SET k = k + 1000000 WHERE k % 15 = 0");
            SameRows.assertSame(ground.live());
            assertThat(ground.parked()).isEmpty();
            try (Stream<Path> left = Files.list(folder.resolve("spill"))) {
                assertThat(left).isEmpty();
            }
        }
    }

    @Test
    void lostConnectionsAreMadeAgainAndNothingIsLostOrDoubled() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, KV, "CREATE TABLE keyless (v INTEGER)").switched()) {
            for (int round = 0; round < 5; round++) {
                ground.live().there("INSERT INTO kv SELECT " + round + " * 1000 + i, 'x' FROM generate_series(1, 500) i",
                        "INSERT INTO keyless SELECT i FROM generate_series(1, 500) i",
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <>"
                                + " pg_backend_pid() AND backend_type = 'walsender'",
                        "UPDATE kv SET v = v || 'y'");
            }
            ground.stream().heartbeat(ReverseGround.PATIENCE);
            SameRows.assertSame(ground.live());
            assertThat(ground.source("SELECT count(*) FROM keyless")).containsExactly("2500");
        }
    }

    @Test
    void serverKeepsNoLogThatSqliteHasAndAllThatItHasNot() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, KV).beat(Duration.ofMillis(200)).switched()) {
            ground.write("INSERT INTO kv VALUES (1, 'one')");
            String position = "SELECT (confirmed_flush_lsn - '0/0')::bigint FROM pg_replication_slots WHERE slot_name ="
                    + " (SELECT pubname FROM pg_publication)";
            long before = Long.parseLong(ground.target(position).get(0));
            ground.write("INSERT INTO kv SELECT i, repeat('x', 1000) FROM generate_series(2, 2000) i");
            long has = Long.parseLong(ground.source("SELECT lsn FROM _sluice_reverse").get(0));
            Awaitility.await().atMost(ReverseGround.PATIENCE).until(() -> Long.parseLong(ground.target(position).get(0)) >= has);
            assertThat(has).isGreaterThan(before + 1_000_000);
            assertThat(Long.parseLong(ground.target(position).get(0)))
                    .isLessThanOrEqualTo(Long.parseLong(ground.source("SELECT lsn FROM _sluice_reverse").get(0)));
            StreamHealth health = ground.stream().health();
            assertThat(health.streaming()).isTrue();
            assertThat(health.rows()).isEqualTo(2000);
            assertThat(health.warnings()).isEmpty();
        }
    }

    @Test
    void removeGivesBackWhatWasSetForTheStream() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, KV, "CREATE TABLE keyless (v INTEGER)").copied()) {
            String identities = "SELECT relname, relreplident FROM pg_class WHERE relname IN ('kv', 'keyless') ORDER BY 1";
            // our key column makes it a table with a primary key: without it, the whole row must be sent
            ground.live().there("ALTER TABLE keyless REPLICA IDENTITY NOTHING");
            ground.open().prepare(ground.generation());
            assertThat(ground.target(identities)).containsExactly("keyless|f", "kv|d");
            assertThat(ground.stream().isPrepared()).isTrue();
            ground.stream().prepare(ground.generation()); // a second one finds all as it is
            ground.stream().start(ground.generation());
            ground.stream().heartbeat(ReverseGround.PATIENCE);
            ground.stream().close();
            ground.stream().remove(ground.generation());
            assertThat(ground.target(identities)).containsExactly("keyless|n", "kv|d");
            assertThat(ground.target("SELECT count(*) FROM pg_publication")).containsExactly("0");
            assertThat(ground.target("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"))
                    .containsExactly("0");
            assertThat(ground.target("SELECT to_regclass('sluice.heartbeat'), to_regclass('sluice.reverse')")).containsExactly("∅|∅");
            assertThat(ground.stream().isPrepared()).isFalse();
            ground.open().prepare(ground.generation());
            ground.stream().start(ground.generation());
            ground.stream().heartbeat(ReverseGround.PATIENCE);
        }
    }

    @Test
    void rowWithAColumnThatSqliteLacksIsHeldUntilItIsFollowed() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, KV, "INSERT INTO kv VALUES (1, 'one')")
                .beat(Duration.ofMillis(100)).switched()) {
            ground.live().there("INSERT INTO kv VALUES (2, 'two')", "ALTER TABLE kv ADD COLUMN extra text DEFAULT 'more'",
                    "INSERT INTO kv VALUES (3, 'three', 'seen')", "UPDATE kv SET v = 'uno', extra = 'x' WHERE k = 1");
            Awaitility.await().atMost(ReverseGround.PATIENCE).until(() -> ground.stream().isSchemaAhead());
            Awaitility.await().atMost(ReverseGround.PATIENCE).untilAsserted(() -> assertThat(
                    ground.source("SELECT k, v FROM kv ORDER BY k")).containsExactly("1|one", "2|two"));
            assertThat(ground.stream().follow(ReverseGround.PATIENCE)).isTrue();
            assertThat(ground.source("SELECT k, v, extra FROM kv ORDER BY k"))
                    .containsExactly("1|uno|x", "2|two|more", "3|three|seen");
            assertThat(ground.source("SELECT count(*) FROM _sluice_reverse_plan")).containsExactly("1");
        }
    }

    @Test
    void partitionsOfATableThatWasThereComeBackAsOneTable() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, KV, "INSERT INTO kv VALUES (1, 'one'), (150, 'far')")) {
            ground.live().there("CREATE TABLE kv (k bigint PRIMARY KEY, v text) PARTITION BY RANGE (k)",
                    "CREATE TABLE kv_low PARTITION OF kv FOR VALUES FROM (MINVALUE) TO (100)",
                    "CREATE TABLE kv_high PARTITION OF kv FOR VALUES FROM (100) TO (MAXVALUE)");
            ground.switched();
            ground.write("INSERT INTO kv VALUES (2, 'two'), (200, 'two hundred')", "UPDATE kv SET v = 'ONE' WHERE k = 1",
                    "UPDATE kv SET k = 99 WHERE k = 150", "INSERT INTO kv_high VALUES (300, 'past the root')",
                    "DELETE FROM kv WHERE k = 2");
            assertThat(ground.source("SELECT k, v FROM kv ORDER BY k"))
                    .containsExactly("1|ONE", "99|far", "200|two hundred", "300|past the root");
            ground.write("TRUNCATE kv", "INSERT INTO kv VALUES (7, 'seven')");
            assertThat(ground.source("SELECT k, v FROM kv")).containsExactly("7|seven");
        }
    }

    @Test
    void changesOfTheTargetsSchemaAreNoticed() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, KV, "INSERT INTO kv VALUES (1, 'one')")
                .beat(Duration.ofMillis(100)).switched()) {
            ground.write("ALTER TABLE kv ALTER COLUMN v TYPE varchar(50)", "INSERT INTO kv VALUES (3, 'three')",
                    "ALTER TABLE kv ADD COLUMN span interval DEFAULT '1 day'", "INSERT INTO kv VALUES (4, 'four')",
                    "ALTER TABLE kv DROP COLUMN v", "INSERT INTO kv VALUES (5)");
            assertThat(ground.source("SELECT k, v FROM kv ORDER BY k")).containsExactly("1|one", "3|three", "4|four", "5|∅");
            Awaitility.await().atMost(ReverseGround.PATIENCE).untilAsserted(() -> assertThat(ground.notices())
                    .extracting(SchemaNotice::kind).contains(SchemaNotice.Kind.COLUMN_GONE, SchemaNotice.Kind.COLUMN_ADDED));
        }
    }

    @Test
    void lostSlotIsSaidAndNotPapered() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, KV).switched()) {
            ground.stream().close();
            ground.live().there("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()",
                    "INSERT INTO kv VALUES (1, 'nobody saw this')");
            assertThat(ground.stream().isPrepared()).isFalse();
            ReverseStream again = ground.open();
            assertThatThrownBy(() -> again.prepare(ground.generation())).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("PostgreSQL has traffic");
            again.start(ground.generation());
            Awaitility.await().atMost(ReverseGround.PATIENCE).until(() -> again.health().lost());
            assertThat(again.health().blocked()).contains("lost the replication slot");
            assertThatThrownBy(() -> again.heartbeat(Duration.ofMillis(100))).isInstanceOf(TimeoutException.class)
                    .hasMessageContaining("lost the replication slot");
        }
    }

    @Test
    void obstaclesNameEachWhatIsMissing() throws Exception {
        try (ReverseGround ground = new ReverseGround(folder, KV).copied()) {
            ground.open();
            try (Connection connection = ground.live().target().connect()) {
                assertThat(ground.stream().obstacles(connection)).isEmpty();
                connection.createStatement().execute("CREATE ROLE nobody_" + ProcessHandle.current().pid());
                connection.createStatement().execute("SET ROLE nobody_" + ProcessHandle.current().pid());
                assertThat(ground.stream().obstacles(connection)).hasSize(3).anyMatch(sentence -> sentence.contains("REPLICATION"))
                        .anyMatch(sentence -> sentence.contains("GRANT CREATE ON DATABASE"))
                        .anyMatch(sentence -> sentence.contains("belongs to"));
                connection.createStatement().execute("RESET ROLE");
                connection.createStatement().execute("DROP ROLE nobody_" + ProcessHandle.current().pid());
                connection.createStatement().execute("ALTER TABLE kv ADD COLUMN \"V\" int");
                assertThat(ground.stream().obstacles(connection)).singleElement().asString().contains("differ in case alone");
            }
        }
    }

    @Test
    void roleThatOwnsTheTablesAndMayReplicateIsEnough() throws Exception {
        String role = "plain_" + ProcessHandle.current().pid();
        try (ReverseGround ground = new ReverseGround(folder, KV, "CREATE TABLE keyless (v INTEGER)", "INSERT INTO kv VALUES (1, 'one')")) {
            String database = ground.live().target().url().effectiveDatabase();
            ground.live().there("CREATE ROLE " + role + " LOGIN REPLICATION PASSWORD 'simple'", "GRANT CREATE, CONNECT ON DATABASE "
                    + database + " TO " + role, "ALTER SCHEMA public OWNER TO " + role);
            try (Target plain = Target.open(ground.live().target().url().withUser(role), Secret.of("simple"), Target.Options.DEFAULT)) {
                ground.through(plain).switched();
                ground.write("INSERT INTO kv VALUES (2, 'two')", "INSERT INTO keyless (v) VALUES (1)");
                SameRows.assertSame(ground.live());
                ground.stream().close();
                ground.stream().remove(ground.generation());
            } finally {
                ground.live().there("DROP OWNED BY " + role + " CASCADE", "DROP ROLE " + role);
            }
        }
    }

    @Test
    void passwordAndValuesAreInNoLogLine() throws Exception {
        Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        ListAppender<ILoggingEvent> lines = new ListAppender<>();
        lines.start();
        root.addAppender(lines);
        Logger ours = (Logger) LoggerFactory.getLogger("dev.sluice");
        Level before = ours.getLevel();
        ours.setLevel(Level.TRACE);
        try (ReverseGround ground = new ReverseGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE, at DATETIME)",
                "INSERT INTO t VALUES (1, 'a', '2024-01-01 00:00:00')").switched()) {
            ground.write("INSERT INTO t VALUES (2, 'hush-hush', 'infinity')", "ALTER TABLE t ALTER COLUMN v TYPE varchar(99)",
                    "INSERT INTO t VALUES (3, 'hush-too', '0044-01-01 00:00:00 BC')");
            ground.stream().close();
            String all = lines.list.stream().map(line -> line.getFormattedMessage() + line.getThrowableProxy())
                    .collect(Collectors.joining("\n"));
            assertThat(all).doesNotContain(PostgresForTests.password().reveal()).doesNotContain("hush");
        } finally {
            root.detachAppender(lines);
            ours.setLevel(before);
        }
    }
}
