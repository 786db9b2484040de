package dev.sluice.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.schema.RowIdentity.Kind;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqlText;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.testing.Databases;
import dev.sluice.testing.Follower;
import dev.sluice.testing.SourceFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

class CaptureTest {

    /** Everything that a file holds, ours apart; the application's index of a name keeps its place in the list. */
    private static final String CONTENT = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid";

    @TempDir Path folder;

    @Test
    void secondInstallChangesNothing() throws Exception {
        try (SourceFile source = file("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)")) {
            Capture.State first = install(source);
            List<String> content = source.ask(CONTENT);
            assertThat(install(source)).isEqualTo(first);
            assertThat(source.ask(CONTENT)).isEqualTo(content);
            assertThat(first.fenced()).isFalse();
            assertThat(first.generation()).isZero();
            assertThat(first.head().seq()).isEqualTo(1);
            assertThat(first.epoch()).matches("[0-9a-f-]{36}");
            assertThat(first.tables()).singleElement().satisfies(table -> {
                assertThat(table.id()).isEqualTo(1);
                assertThat(table.identity().kind()).isEqualTo(Kind.INTEGER_KEY);
                assertThat(table.identity().columns()).containsExactly("id");
            });
        }
    }

    @Test
    void nothingIsInstalledWhereTheSchemaHasMovedOn() throws Exception {
        try (SourceFile source = file("CREATE TABLE t(id INTEGER PRIMARY KEY)");
                SqliteSession writer = source.writer()) {
            SourceSchema schema = SchemaReader.read(writer);
            source.app("ALTER TABLE t ADD COLUMN x");
            List<String> content = source.ask(CONTENT);
            assertThatThrownBy(() -> Capture.install(writer, schema.tables(), schema.hash()))
                    .isInstanceOf(SourceRefusal.class).hasMessageContaining("changed");
            assertThat(source.ask(CONTENT)).isEqualTo(content);
            assertThat(Capture.state(writer)).isNull();
        }
    }

    @Test
    void installThatDiesHalfWayLeavesNothing() throws Exception {
        try (SourceFile source = file("CREATE TABLE t(id INTEGER PRIMARY KEY)", "CREATE TABLE bad(rowid, oid,"
                + " _rowid_)")) {
            List<String> content = source.ask(CONTENT);
            assertThatThrownBy(() -> install(source)).isInstanceOf(SourceRefusal.class).hasMessageContaining("E01");
            assertThat(source.ask(CONTENT)).isEqualTo(content);
            source.app("INSERT INTO t VALUES (1)"); // no lock is left either
        }
    }

    @Test
    void installWaitsForTheWriteLockAndGivesUpWithoutATrace() throws Exception {
        try (SourceFile source = file("PRAGMA journal_mode = WAL", "CREATE TABLE t(id INTEGER PRIMARY KEY)")) {
            List<String> content = source.ask(CONTENT);
            source.app("BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)");
            try (SqliteSession writer = source.file().openWriter(Duration.ofMillis(50))) {
                SourceSchema schema = SchemaReader.read(writer);
                assertThatThrownBy(() -> Capture.install(writer, schema.tables(), schema.hash()))
                        .isInstanceOfSatisfying(SQLiteException.class,
                                e -> assertThat(e.getResultCode()).isEqualTo(SQLiteErrorCode.SQLITE_BUSY));
                source.app("COMMIT");
                assertThat(source.ask(CONTENT)).isEqualTo(content);
                assertThat(Capture.install(writer, schema.tables(), schema.hash())).isNotNull();
            }
        }
    }

    @Test
    void settingsOfTheFileStayAsTheyWere() throws Exception {
        List<String> settings = List.of("journal_mode", "page_size", "encoding", "user_version", "application_id",
                "auto_vacuum", "freelist_count");
        for (String mode : List.of("WAL", "DELETE", "TRUNCATE", "PERSIST")) {
            Path path = folder.resolve(mode + ".sqlite");
            try (SourceFile source = new SourceFile(path, "PRAGMA encoding = 'UTF-16le'", "PRAGMA page_size = 1024",
                    "PRAGMA auto_vacuum = INCREMENTAL", "PRAGMA user_version = 7", "PRAGMA application_id = 9",
                    "PRAGMA journal_mode = " + mode, "CREATE TABLE t(id INTEGER PRIMARY KEY, v UNIQUE)")) {
                List<String> before = new ArrayList<>();
                for (String setting : settings) {
                    before.addAll(source.ask("PRAGMA " + setting));
                }
                CaptureTest.install(source);
                source.app("INSERT INTO t VALUES (1, 'a')");
                try (Follower follower = new Follower(source.file()); SqliteSession writer = source.writer()) {
                    follower.drain(Follower.AMPLE);
                    Capture.purge(writer, Capture.takeGeneration(writer), 1, 10);
                }
                List<String> after = new ArrayList<>();
                for (String setting : settings) {
                    after.addAll(source.ask("PRAGMA " + setting));
                }
                assertThat(after).as(mode).isEqualTo(before);
            }
        }
    }

    @Test
    void uninstallLeavesTheFileAsItWas() throws Exception {
        try (SourceFile source = file("CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, s TEXT, o)",
                "CREATE UNIQUE INDEX i ON t(CASE WHEN s = 1 THEN o END)", "CREATE TABLE _other(a)",
                "CREATE TRIGGER app AFTER INSERT ON t BEGIN INSERT INTO _other VALUES (new.id); END", "ANALYZE",
                "INSERT INTO t(o) VALUES ('x')")) {
            List<String> content = source.ask(CONTENT);
            List<String> sequences = source.ask("SELECT * FROM sqlite_sequence");
            install(source);
            source.app("INSERT INTO t(o) VALUES ('y')", "DELETE FROM t WHERE id = 2", "ANALYZE",
                    "UPDATE sqlite_sequence SET seq = 1");
            assertThat(source.ask(CONTENT)).hasSizeGreaterThan(content.size());
            try (SqliteSession writer = source.writer()) {
                Capture.uninstall(writer);
                Capture.uninstall(writer);
                assertThat(Capture.state(writer)).isNull();
            }
            assertThat(source.ask(CONTENT)).isEqualTo(content);
            assertThat(source.ask("SELECT * FROM sqlite_sequence")).isEqualTo(sequences);
            assertThat(source.ask("SELECT * FROM sqlite_stat1 WHERE tbl GLOB '_sluice*'")).isEmpty();
            assertThat(source.ask("SELECT * FROM t")).containsExactly("1|null|x");
            assertThat(source.ask("PRAGMA integrity_check")).containsExactly("ok");
            assertThat(install(source)).isNotNull();
        }
    }

    @Test
    void everyRealDatabaseTakesCaptureAndGivesItBack() throws Exception {
        int tables = 0;
        for (Path database : Databases.all()) {
            Path copy = Databases.copy(database, Files.createTempDirectory(folder, "db"));
            try (SourceFile source = new SourceFile(copy, "PRAGMA synchronous = OFF")) {
                List<String> content = source.ask(CONTENT);
                List<String> rows = rows(source);
                try (SqliteSession writer = source.writer()) {
                    SourceSchema schema = SchemaReader.read(writer);
                    Capture.State state = Capture.install(writer, schema.tables(), schema.hash());
                    tables += state.tables().size();
                    assertThat(SchemaReader.read(writer)).as(database.toString()).isEqualTo(schema);
                    assertThat(Capture.damaged(writer)).as(database.toString()).isEmpty();
                    touchEveryTable(source, schema);
                    Capture.uninstall(writer);
                    assertThat(SchemaReader.hash(writer)).isEqualTo(schema.hash());
                }
                assertThat(source.ask(CONTENT)).as(database.toString()).isEqualTo(content);
                assertThat(rows(source)).as(database.toString()).isEqualTo(rows);
            }
        }
        System.out.println(Databases.all().size() + " of 119 real databases captured and released, " + tables
                + " tables");
    }

    /** Fires every trigger of ours, and takes it back. */
    private static void touchEveryTable(SourceFile source, SourceSchema schema) throws Exception {
        source.app("BEGIN");
        for (SourceTable table : schema.tables()) {
            String name = SqlText.quoted(table.name());
            String columns = table.storedColumns().stream().map(c -> SqlText.quoted(c.name()))
                    .collect(Collectors.joining(", "));
            String column = SqlText.quoted(table.storedColumns().get(0).name());
            String some = " WHERE " + column + " IN (SELECT " + column + " FROM " + name + " LIMIT 20)";
            source.app("INSERT OR REPLACE INTO " + name + "(" + columns + ") SELECT " + columns + " FROM " + name
                    + " LIMIT 2",
                    "UPDATE OR REPLACE " + name + " SET " + column + " = " + column + some, "DELETE FROM " + name
                    + some);
        }
        assertThat(source.ask("SELECT DISTINCT op FROM _sluice_changelog WHERE op IN ('I', 'U', 'D')").size())
                .isIn(0, 2, 3);
        source.app("ROLLBACK");
    }

    private static List<String> rows(SourceFile source) throws Exception {
        List<String> rows = new ArrayList<>();
        for (String name : source.ask("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_sluice*'"
                + " AND sql NOT LIKE 'CREATE VIRTUAL%'")) {
            String quoted = SqlText.quoted(name);
            rows.add(name);
            rows.addAll(source.ask("SELECT * FROM " + quoted));
        }
        return rows;
    }

    // ---- damage and repair ----

    @Test
    void missingAlteredAndReplacedTriggersAreDamageAndARepairEndsIt() throws Exception {
        try (SourceFile source = file("CREATE TABLE a(id INTEGER PRIMARY KEY, u UNIQUE)", "CREATE TABLE b(x)",
                "CREATE TABLE c(k TEXT NOT NULL PRIMARY KEY, u)", "CREATE TABLE d(id INTEGER PRIMARY KEY, u)",
                "CREATE TABLE e(id INTEGER PRIMARY KEY)", "CREATE TABLE f(id INTEGER PRIMARY KEY)")) {
            install(source);
            source.app("DROP TRIGGER _sluice_1_bi",
                    "DROP TRIGGER _sluice_2_ad", "CREATE TRIGGER _sluice_2_ad AFTER DELETE ON b BEGIN SELECT 1; END",
                    "CREATE TABLE c2(k TEXT NOT NULL PRIMARY KEY, u)", "INSERT INTO c2 SELECT * FROM c", "DROP TABLE c",
                    "ALTER TABLE c2 RENAME TO c",
                    "CREATE UNIQUE INDEX i ON d(u)",
                    "DROP TABLE e", "CREATE TABLE g(id INTEGER PRIMARY KEY)");
            try (SqliteSession writer = source.writer()) {
                assertThat(Capture.damaged(writer)).containsExactly("a", "b", "c", "d", "e");
                long generation = Capture.takeGeneration(writer);
                Capture.State state =
                        Capture.repair(writer, generation, List.of("a", "b", "c", "d", "e", "g"));
                assertThat(Capture.damaged(writer)).isEmpty();
                assertThat(state.tables()).extracting(CapturedTable::name).containsExactly("a", "b", "c", "d", "f",
                        "g");
                assertThat(state.table("c").id()).isEqualTo(3);
                assertThat(state.goneIds()).containsExactly(5);
                assertThat(state.table("g").id()).isEqualTo(7);
            }
            try (Follower follower = new Follower(source.file())) {
                source.app("INSERT INTO d VALUES (1, 'x')", "REPLACE INTO d VALUES (2, 'x')",
                        "INSERT INTO g VALUES (1)",
                        "INSERT INTO c VALUES ('a', 1)", "INSERT INTO b VALUES (1)", "DELETE FROM b");
                follower.drain(Follower.AMPLE);
                assertThat(follower.differences()).isEmpty();
                assertThat(follower.rows("d")).hasSize(1);
            }
        }
    }

    @Test
    void tableWhoseKeyChangedGetsANewIdAndTheLogIsWidened() throws Exception {
        String columns = IntStream.range(0, 7).mapToObj(i -> "c" + i
                + " TEXT NOT NULL").collect(Collectors.joining(", "));
        String key = IntStream.range(0, 7).mapToObj(i -> "c" + i).collect(Collectors.joining(", "));
        try (SourceFile source = file("CREATE TABLE t(id INTEGER PRIMARY KEY)")) {
            install(source);
            source.app("INSERT INTO t VALUES (1)", "DROP TABLE t",
                    "CREATE TABLE t(" + columns + ", PRIMARY KEY(" + key + "))");
            try (SqliteSession writer = source.writer()) {
                Capture.State state = Capture.repair(writer, Capture.takeGeneration(writer), List.of("t"));
                assertThat(state.table("t").id()).isEqualTo(2);
                assertThat(state.goneIds()).containsExactly(1);
                assertThat(state.keyColumns()).isEqualTo(7);
                assertThat(Capture.damaged(writer)).isEmpty();
            }
            try (Follower follower = new Follower(source.file())) {
                source.app("INSERT INTO t VALUES (1, 2, 3, 4, 5, 6, 7)", "UPDATE t SET c6 = 8");
                follower.drain(Follower.AMPLE);
                assertThat(follower.differences()).isEmpty();
            }
        }
    }

    @Test
    void releasedTableIsNoLongerLoggedAndItsColumnsCanBeDropped() throws Exception {
        try (SourceFile source = file("CREATE TABLE t(id INTEGER PRIMARY KEY, d INT NOT NULL DEFAULT 0, u)",
                "CREATE UNIQUE INDEX i ON t(u) WHERE d = 0", "CREATE TABLE v(id INTEGER PRIMARY KEY)")) {
            install(source);
            assertThatThrownBy(() -> source.app("DROP INDEX i", "ALTER TABLE t DROP COLUMN"
                    + " d")).hasMessageContaining("d");
            try (SqliteSession writer = source.writer()) {
                Capture.State state = Capture.release(writer, Capture.takeGeneration(writer), List.of("T", "unknown"));
                assertThat(state.tables()).extracting(CapturedTable::name).containsExactly("v");
            }
            source.app("ALTER TABLE t DROP COLUMN d", "INSERT INTO t VALUES (1, 1)", "INSERT INTO v VALUES (1)");
            assertThat(source.ask("SELECT tid, k1 FROM _sluice_changelog WHERE tid > 0")).containsExactly("2|1");
        }
    }

    @Test
    void nullKeyIsKeyedByRowidFromTheStart() throws Exception {
        try (SourceFile source = file("CREATE TABLE t(k TEXT PRIMARY KEY, v)", "INSERT INTO t VALUES (NULL, 1),"
                + " (NULL, 2)")) {
            assertThat(install(source).table("t").identity().kind()).isEqualTo(Kind.ROWID);
            try (Follower follower = new Follower(source.file())) {
                source.app("UPDATE t SET k = v WHERE v = 1", "INSERT INTO t VALUES (NULL, 3)",
                        "REPLACE INTO t VALUES (1, 4)");
                follower.drain(Follower.AMPLE);
                assertThat(follower.differences()).isEmpty();
            }
        }
    }

    @Test
    void strangersHandsOnOurTablesAreNoticed() throws Exception {
        try (SourceFile source = file("CREATE TABLE t(id INTEGER PRIMARY KEY)");
                SqliteSession writer = source.writer()) {
            install(source);
            source.app("DELETE FROM _sluice_changelog");
            assertThatThrownBy(() -> Capture.state(writer)).hasMessageContaining("E17");
            source.app("DROP TABLE _sluice_changelog");
            assertThatThrownBy(() -> Capture.state(writer)).hasMessageContaining("E17");
            assertThatThrownBy(() -> source.app("INSERT INTO t VALUES (1)")).hasMessageContaining("_sluice_changelog");
            source.app("DROP TABLE _sluice_control");
            assertThatThrownBy(() -> install(source)).hasMessageContaining("E17");
            Capture.uninstall(writer);
            assertThat(source.ask("SELECT * FROM t")).isEmpty(); // here the application notices that the schema changed
            source.app("INSERT INTO t VALUES (1)");
            assertThat(install(source)).isNotNull();
        }
    }

    // ---- generation and purge ----

    @Test
    void olderDaemonCanChangeNothing() throws Exception {
        try (SourceFile source = file("CREATE TABLE t(id INTEGER PRIMARY KEY)");
                SqliteSession writer = source.writer()) {
            install(source);
            long older = Capture.takeGeneration(writer);
            long newer = Capture.takeGeneration(writer, 40);
            assertThat(older).isEqualTo(1);
            assertThat(newer).isEqualTo(40);
            assertThat(Capture.takeGeneration(writer, 7)).isEqualTo(41);
            assertThatThrownBy(() -> Capture.purge(writer, newer, 1, 10)).isInstanceOf(StaleGeneration.class);
            assertThatThrownBy(() -> Capture.repair(writer, older, List.of("t"))).isInstanceOf(StaleGeneration.class);
            assertThatThrownBy(() -> Capture.release(writer, older, List.of("t"))).isInstanceOf(StaleGeneration.class);
            assertThat(Capture.state(writer).tables()).hasSize(1);
        }
    }

    @Test
    void purgeDeletesTheOldestRowsAndNeverTheOnesToKeep() throws Exception {
        try (SourceFile source = file("CREATE TABLE t(id INTEGER PRIMARY KEY)");
                SqliteSession writer = source.writer()) {
            install(source);
            source.app("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
                    + " INSERT INTO t SELECT i FROM n");
            long generation = Capture.takeGeneration(writer);
            assertThat(Capture.purge(writer, generation, 60, 25)).isEqualTo(25);
            assertThat(source.ask("SELECT min(seq), count(*) FROM _sluice_changelog")).containsExactly("26|76");
            assertThat(Capture.purge(writer, generation, 60, 1000)).isEqualTo(34);
            assertThat(source.ask("SELECT min(seq) FROM _sluice_changelog")).containsExactly("60");
            assertThat(Capture.purge(writer, generation, 60, 1000)).isZero();
            assertThat(Capture.purge(writer, generation, Long.MAX_VALUE, 1000)).isEqualTo(41);
            assertThat(source.ask("SELECT seq FROM _sluice_changelog")).containsExactly("101");
            source.app("DELETE FROM t WHERE id = 1");
            assertThat(source.ask("SELECT max(seq) FROM _sluice_changelog")).containsExactly("102");
        }
    }

    /** Inside a read transaction it would get SQLITE_BUSY_SNAPSHOT as soon as the application commits. */
    @Test
    void purgeInsideAnOpenTransactionIsRefused() throws Exception {
        try (SourceFile source = file("PRAGMA journal_mode = WAL", "CREATE TABLE t(id INTEGER PRIMARY KEY)");
                SqliteSession writer = source.writer()) {
            install(source);
            long generation = Capture.takeGeneration(writer);
            writer.begin();
            assertThat(writer.number("SELECT count(*) FROM t")).isZero();
            assertThatThrownBy(() -> Capture.purge(writer, generation, 1, 10)).isInstanceOf(SQLException.class);
            writer.rollback();
            assertThat(Capture.purge(writer, generation, 1, 10)).isZero();
        }
    }

    // ---- obstacles ----

    @Test
    void obstaclesAreNamedWithTheirCodes() throws Exception {
        try (SourceFile source = file("CREATE TABLE hidden(rowid, oid, _rowid_)", "CREATE TABLE keyless(a)",
                "CREATE TABLE nulls(k TEXT PRIMARY KEY)", "INSERT INTO nulls VALUES (NULL)",
                "CREATE TABLE t(id INTEGER PRIMARY KEY, a COLLATE NOCASE)", "CREATE INDEX i ON t(a)",
                "CREATE TRIGGER x AFTER UPDATE ON t BEGIN SELECT RAISE ( IGNORE ); END",
                "CREATE TRIGGER IF NOT EXISTS main.y UPDATE ON t WHEN changes() > 1 BEGIN SELECT RAISE(IGNORE); END",
                "CREATE VIRTUAL TABLE docs USING fts5(a)", "PRAGMA writable_schema = ON",
                "UPDATE sqlite_master SET sql = replace(sql, 'NOCASE', 'UNICASE') WHERE name = 't'");
                SqliteSession reader = source.reader()) {
            List<Obstacle> obstacles = Capture.obstacles(SchemaReader.read(reader));
            assertThat(obstacles).extracting(o -> o.code() + " " + o.table() + " " + o.blocks()).containsExactly(
                    "E01 hidden true", "N01 keyless false", "E05 nulls false", "E07 t false", "E03 t false",
                    "N02 t false",
                    "E02 docs true");
        }
    }

    private SourceFile file(String... statements) throws Exception {
        return new SourceFile(folder.resolve("source.sqlite"), statements);
    }

    static Capture.State install(SourceFile source) throws Exception {
        try (SqliteSession writer = source.writer()) {
            SourceSchema schema = SchemaReader.read(writer);
            return Capture.install(writer, schema.tables(), schema.hash());
        }
    }
}
