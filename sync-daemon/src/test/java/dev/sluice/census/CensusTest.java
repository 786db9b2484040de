package dev.sluice.census;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.mapping.Codecs.JsonChoice;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CensusTest {

    @TempDir
    Path folder;

    private Census census(String... statements) throws SQLException, InterruptedException {
        return census(Census.Listener.NONE, statements);
    }

    private Census census(Census.Listener listener, String... statements) throws SQLException, InterruptedException {
        SqliteFile file = new SqliteFile(folder.resolve("source.db"));
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file.path());
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
        SourceSchema schema;
        try (SqliteSession session = file.openReader(Duration.ofSeconds(5))) {
            schema = SchemaReader.read(session);
        }
        return Census.take(file, schema, CandidateSource.forNewTarget(JsonChoice.JSON), listener);
    }

    @Test
    void everyValueIsCountedInItsStorageClass() throws Exception {
        ColumnCensus column = census("CREATE TABLE t (v)",
                "INSERT INTO t VALUES (1), (-5), (2.5), (9e999), (-0.0), ('a'), (''), (x'00'), (NULL), (NULL)")
                .table("T").column("V");
        assertThat(column.classes()).isEqualTo(new ColumnCensus.Classes(2, 2, 3, 2, 1));
        assertThat(column.classes().kinds()).isEqualTo(4);
        assertThat(column.range()).isEqualTo(new ColumnCensus.Range(-5L, Double.POSITIVE_INFINITY));
        assertThat(column.emptyTexts()).isEqualTo(1);
        assertThat(column.infinities()).isEqualTo(1);
        assertThat(column.lengths()).isEqualTo(new ColumnCensus.Lengths(0, 1, 2 / 3.0));
        assertThat(column.chosen().id()).isEqualTo("escaped:numbers");
    }

    @Test
    void negativeZeroIsSeen() throws Exception {
        ColumnCensus column = census("CREATE TABLE t (v)", "INSERT INTO t VALUES (-1e-320 / 1e10)").table("t")
                .column("v");
        assertThat(column.negativeZeros()).isEqualTo(1);
    }

    @Test
    void whatPostgresRefusesInTextIsCounted() throws Exception {
        ColumnCensus column = census("CREATE TABLE t (v TEXT)",
                "INSERT INTO t VALUES (CAST(x'6100' AS TEXT)), (CAST(x'c328' AS TEXT)), ('ä'), ('日本語')")
                .table("t").column("v");
        assertThat(column.nulTexts()).isEqualTo(1);
        assertThat(column.invalidTexts()).isEqualTo(1);
        assertThat(column.charactersMax()).isEqualTo(3);
        assertThat(column.chosen().id()).isEqualTo("escaped:text");
    }

    @Test
    void jsonIsCheckedWhereTextLooksLikeIt() throws Exception {
        ColumnCensus column = census("CREATE TABLE t (v JSON)",
                "INSERT INTO t VALUES ('{\"a\":1}'), ('[1,]'), ('[]'), ('x')").table("t").column("v");
        assertThat(column.json()).isEqualTo(3);
        assertThat(column.jsonValid()).isEqualTo(2);
        assertThat(column.refused().codec().type()).isEqualTo("json");
        assertThat(column.refused().broken()).isEqualTo(2);
    }

    @Test
    void formsOfDateAreToldApart() throws Exception {
        ColumnCensus column = census("CREATE TABLE t (made_at DATETIME)", """
                INSERT INTO t VALUES ('2024-01-01 12:00:00'), ('2024-01-02 13:00:00'), ('2024-01-01T12:00:00Z'),
                  ('2024-01-01 12:00:00.123'), ('2024-01-01T12:00:00.123456+02:00'), ('01/02/2024'),
                  ('1.2.2024'), ('2024-01-01'),
                  ('12:30'), ('Tue, 02 Jan 2024 10:00:00 GMT'), (1700000000), (1700000000000), (20240131), (2460000.5),
                  ('20240131'), ('0000-00-00 00:00:00'), (''), (0)""").table("t").column("made_at");
        // SQLite's NUMERIC affinity turns '20240131' into a number
        assertThat(column.times()).containsEntry("YYYY-MM-DD hh:mm:ss", 2L)
                .containsEntry("YYYY-MM-DDThh:mm:ssZ", 1L)
                .containsEntry("YYYY-MM-DD hh:mm:ss.fff", 1L)
                .containsEntry("YYYY-MM-DDThh:mm:ss.ffffff±offset", 1L)
                .containsEntry("DD/MM/YYYY or MM/DD/YYYY", 1L)
                .containsEntry("DD.MM.YYYY", 1L)
                .containsEntry("YYYY-MM-DD", 1L)
                .containsEntry("hh:mm", 1L)
                .containsEntry("DD Mon YYYY hh:mm:ss GMT", 1L)
                .containsEntry("epoch seconds", 1L)
                .containsEntry("epoch milliseconds", 1L)
                .containsEntry("YYYYMMDD number", 2L)
                .containsEntry("Julian day", 1L)
                .hasSize(13);
        assertThat(column.zeroTimes()).isEqualTo(3);
    }

    @Test
    void valuesAgainstTheDeclaredTypeAndLengthAreCounted() throws Exception {
        TableCensus table = census("CREATE TABLE t (n INTEGER, s VARCHAR(3), b BOOLEAN)",
                "INSERT INTO t VALUES (1, 'abc', 1), ('x', 'abcd', 'true'), (2.5, 'äöü', 0), (NULL, x'00', 'F')")
                .table("t");
        assertThat(table.column("n").outsideType()).isEqualTo(2);
        assertThat(table.column("s").outsideType()).isEqualTo(1);
        assertThat(table.column("s").overLength()).isEqualTo(1);
        assertThat(table.column("b").truth()).isEqualTo(new ColumnCensus.Truth(1, 1, 1, 1));
    }

    @Test
    void numbersBeyondTheDeclaredSizeAreCounted() throws Exception {
        TableCensus table = census("""
                CREATE TABLE t (d DECIMAL(6,2), w NUMERIC(3), t TINYINT, s SMALLINT, u SMALLINT UNSIGNED, i INT, r REAL)""",
                """
                INSERT INTO t VALUES (9999.99, 999, 255, 32767, 65535, 9223372036854775807, 9e999),
                  (10000, 1000, 256, 32768, 65536, 1, 1), (1.234, 1.5, -129, -32769, -1, 1, -9e999), ('x', NULL, 0, 0, 0, 0, 0)""")
                .table("t");
        for (String column : List.of("d", "w", "t", "s", "u")) {
            assertThat(table.column(column).overLength()).as(column).isEqualTo(2);
        }
        assertThat(table.column("i").overLength()).isZero();
        assertThat(table.column("r").overLength()).isZero();
    }

    @Test
    void keysWithNullAreCounted() throws Exception {
        TableCensus table = census("CREATE TABLE t (k TEXT PRIMARY KEY)",
                "INSERT INTO t VALUES (NULL), (NULL), ('a')").table("t");
        assertThat(table.keyNulls()).isEqualTo(2);
        assertThat(table.rows()).isEqualTo(3);
    }

    @Test
    void refusedValuesAreNamedByTheirRows() throws Exception {
        ColumnCensus column = census("CREATE TABLE t (n INTEGER)",
                "INSERT INTO t(rowid, n) VALUES (10, 1), (20, 'x'), (30, 'y'), (40, 2)").table("t").column("n");
        assertThat(column.refused().rows()).containsExactly(20L, 30L);
    }

    @Test
    void everyRowIsReadOnceWhateverTheKey() throws Exception {
        String numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 59999) ";
        Census census = census(
                "CREATE TABLE by_rowid (v)",
                numbers + "INSERT INTO by_rowid(rowid, v) SELECT (i - 30000) * 7, i FROM n",
                "INSERT INTO by_rowid(rowid, v) VALUES (-9223372036854775808, 60000), (9223372036854775807, 60001)",
                "CREATE TABLE by_key (a TEXT COLLATE NOCASE, b INT, c, PRIMARY KEY (a, b DESC, c)) WITHOUT ROWID",
                numbers + "INSERT INTO by_key SELECT CASE i % 4 WHEN 0 THEN 'A' WHEN 1 THEN 'b' WHEN 2 THEN"
                + " CAST(x'ff' AS TEXT)"
                        + " ELSE 'c' END, i / 5, CASE i % 3 WHEN 0 THEN i WHEN 1 THEN 'x' || i ELSE CAST('y' || i AS"
                        + " BLOB) END FROM n",
                "CREATE TABLE nameless (rowid, _rowid_, oid)",
                numbers + "INSERT INTO nameless SELECT i, i, i FROM n");
        assertThat(census.table("by_rowid").rows()).isEqualTo(60_002);
        assertThat(census.table("by_rowid").column("v").range()).isEqualTo(new ColumnCensus.Range(0L, 60_001L));
        assertThat(census.table("by_key").rows()).isEqualTo(60_000);
        assertThat(census.table("by_key").column("c").classes()).isEqualTo(new ColumnCensus.Classes(0, 20_000, 0,
                20_000, 20_000));
        assertThat(census.table("nameless").rows()).isEqualTo(60_000);
    }

    @Test
    void applicationGoesOnWritingInEveryJournalMode() throws Exception {
        for (String mode : List.of("DELETE", "WAL")) {
            SqliteFile file = new SqliteFile(folder.resolve(mode + ".db"));
            try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file.path()
                    + "?busy_timeout=20000");
                    Statement statement = connection.createStatement()) {
                statement.execute("PRAGMA journal_mode = " + mode);
                statement.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)");
                statement.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
                        + " INSERT INTO t SELECT i, 'value ' || i FROM n");
                SourceSchema schema;
                try (SqliteSession session = file.openReader(Duration.ofSeconds(5))) {
                    schema = SchemaReader.read(session);
                }
                var census = CompletableFuture.supplyAsync(() -> {
                    try {
                        return Census.take(file, schema, CandidateSource.forNewTarget(JsonChoice.JSON),
                                Census.Listener.NONE);
                    } catch (SQLException | InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                });
                int written = 0;
                while (!census.isDone()) {
                    statement.execute("UPDATE t SET v = 'changed' WHERE id = " + (1 + written % 100_000));
                    written++;
                }
                assertThat(census.get().table("t").rows()).as(mode).isEqualTo(100_000);
                assertThat(written).as(mode).isPositive();
            }
        }
    }

    @Test
    void listenerHearsTheLastRowOfEveryTable() throws Exception {
        AtomicLong rows = new AtomicLong();
        census((table, read, bytes, done) -> rows.addAndGet(done ? read : 0),
                "CREATE TABLE a (v)", "CREATE TABLE b (v)", "INSERT INTO a VALUES (1), (2)",
                "INSERT INTO b VALUES (3)");
        assertThat(rows).hasValue(3);
    }

    @Test
    void generatedColumnsAreNotStoredAndNotCounted() throws Exception {
        Census census = census("CREATE TABLE t (a INT, b INT AS (a + 1) STORED, c INT AS (a + 2))",
                "INSERT INTO t VALUES (1)");
        assertThat(census.table("t").columns()).extracting(ColumnCensus::name).isEqualTo(List.of("a"));
    }

    @Test
    void utf16FilesAreReadAsTheSameText() throws Exception {
        ColumnCensus column = census("PRAGMA encoding = 'UTF-16le'", "CREATE TABLE t (v TEXT)",
                "INSERT INTO t VALUES ('日本語')")
                .table("t").column("v");
        assertThat(column.charactersMax()).isEqualTo(3);
        assertThat(column.lengths().max()).isEqualTo(9);
    }
}
