package dev.sluice.assess;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.assess.Assessment.Checks;
import dev.sluice.assess.Assessment.Options;
import dev.sluice.census.Census;
import dev.sluice.sqlite.SqliteFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.Collation;

class AssessmentTest {

    @TempDir
    Path folder;

    private Path source(String... statements) throws Exception {
        Path path = folder.resolve("source.db");
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + path);
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
        return path;
    }

    private Assessment assess(String... statements) throws Exception {
        return assess(Options.DEFAULT, statements);
    }

    private Assessment assess(Options options, String... statements) throws Exception {
        return Assessment.of(new SqliteFile(source(statements)), options, Census.Listener.NONE);
    }

    private static Set<String> codes(Assessment assessment) {
        return assessment.notes().stream().map(Note::code).collect(Collectors.toSet());
    }

    private static Note note(Assessment assessment, String code) {
        return assessment.notes().stream().filter(note -> note.code().equals(code)).findFirst().orElseThrow();
    }

    @Test
    void cleanSchemaIsReady() throws Exception {
        Assessment assessment = assess("PRAGMA journal_mode = WAL",
                "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(40) NOT NULL, active BOOLEAN, created_at"
                + " DATETIME)",
                "INSERT INTO users VALUES (1, 'a@b.c', 1, '2024-01-01 12:00:00'), (2, 'b@b.c', 0, '2024-01-02"
                + " 12:00:00')");
        assertThat(assessment.verdict()).isEqualTo(Verdict.READY);
        assertThat(assessment.notes()).isEmpty();
        assertThat(assessment.tables().get(0).columns()).extracting(ColumnMapping::type)
                .containsExactly("bigint", "varchar(40)", "boolean", "timestamp");
        assertThat(assessment.source().lastWriter()).startsWith("3.");
        assertThat(assessment.source().isWal()).isTrue();
    }

    @Test
    void evidenceSaysWhatEveryValueIs() throws Exception {
        Assessment assessment = assess("CREATE TABLE t (n INTEGER, d DATETIME, e)",
                "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 2000)"
                        + " INSERT INTO t SELECT n, CASE WHEN n % 5 < 2 THEN '' ELSE '2024-01-01 12:00:00' END, NULL"
                        + " FROM i");
        assertThat(assessment.tables().get(0).columns().get(0).evidence()).isEqualTo(
                "2,000 integers, none else, 1 to 2000");
        assertThat(assessment.tables().get(0).columns().get(1).refused()).isEqualTo(
                "text instead of timestamp: 800 of 2,000 values"
                + " do not fit (800 are empty or zero dates), first in rows 1, 5, 6");
        assertThat(assessment.tables().get(0).columns().get(2).evidence()).isEqualTo("only NULL");
        assertThat(assessment.verdict()).isEqualTo(Verdict.READY_WITH_NOTES);
    }

    @Test
    void tableOf2000ColumnsIsBlockedAndSaysWhatToDo() throws Exception {
        String columns = IntStream.range(0, 2000).mapToObj(i -> "c" + i).collect(Collectors.joining(", "));
        String[] statements = {"CREATE TABLE wide (" + columns + ")", "CREATE TABLE other (id INTEGER PRIMARY KEY)"};
        Assessment assessment = assess(statements);
        assertThat(assessment.verdict()).isEqualTo(Verdict.BLOCKED);
        assertThat(note(assessment, "too-many-columns").sentence())
                .isEqualTo("wide has 2,000 columns; a table in PostgreSQL has at most 1,600.");
        assertThat(note(assessment, "too-many-columns").advice()).contains("exclude");
        Options without = new Options(Options.DEFAULT.candidates(), Set.of("WIDE"), Checks.AUTO,
                Census.Options.DEFAULT);
        assertThat(Assessment.of(new SqliteFile(folder.resolve("source.db")), without, Census.Listener.NONE).verdict())
                .isEqualTo(Verdict.READY);
    }

    @Test
    void tableWhoseRowsHaveNoNameIsBlocked() throws Exception {
        Assessment assessment = assess("CREATE TABLE t (rowid, _rowid_, oid)");
        assertThat(note(assessment, "no-key").severity()).isEqualTo(Note.Severity.BLOCKER);
    }

    @Test
    void foreignKeysThatAreBrokenAlreadyAreCounted() throws Exception {
        Assessment assessment = assess("CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT)",
                "CREATE TABLE child (id INTEGER PRIMARY KEY, a REFERENCES parent(id), b REFERENCES parent)",
                "CREATE TABLE lost (id INTEGER PRIMARY KEY, a REFERENCES nowhere(id))",
                "CREATE TABLE mismatched (id INTEGER PRIMARY KEY, a REFERENCES parent(code))",
                "INSERT INTO parent VALUES (1, 'x')", "INSERT INTO child VALUES (1, 1, 9), (2, 8, 9), (3, NULL, 1)",
                "INSERT INTO lost VALUES (1, 1)", "INSERT INTO mismatched VALUES (1, 'x')");
        assertThat(assessment.notes()).extracting(Note::sentence).contains(
                "1 row breaks the foreign key child(a) → parent(id).",
                "2 rows break the foreign key child(b) → parent.",
                "The foreign key lost(a) → nowhere(id) refers to a table that does not exist.");
        assertThat(note(assessment, "foreign-key-mismatch").table()).isEqualTo("mismatched");
    }

    @Test
    void featuresAreNamed() throws Exception {
        Assessment assessment = assess(
                "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT COLLATE NOCASE UNIQUE, b INT CHECK (b"
                + " > 0), c AS (b + 1))",
                "CREATE TABLE s (k TEXT PRIMARY KEY, v ANY) STRICT, WITHOUT ROWID",
                "CREATE INDEX partial ON t(b) WHERE b > 5", "CREATE INDEX expression ON t(lower(a))",
                "CREATE INDEX down ON t(b DESC)",
                "CREATE VIEW v AS SELECT 1", "CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END",
                "CREATE VIRTUAL TABLE f USING fts5(x)", "CREATE VIRTUAL TABLE r USING rtree(id, a, b)");
        assertThat(assessment.features()).extracting(Feature::code).contains("autoincrement", "collation", "unique",
                "check",
                "generated-column", "strict", "without-rowid", "partial-index", "expression-index",
                "descending-index", "view",
                "trigger", "full-text", "r-tree");
        assertThat(assessment.tables()).extracting(TableAssessment::name).containsExactly("t", "s");
        assertThat(codes(assessment)).contains("trigger", "virtual-table", "collation");
    }

    @Test
    void tableWithACollationThatOnlyTheApplicationHasIsReadWhole() throws Exception {
        Path path = folder.resolve("source.db");
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + path);
                Statement statement = connection.createStatement()) {
            Collation.create(connection, "backwards", new Collation() {
                @Override
                protected int xCompare(String one, String other) {
                    return other.compareTo(one);
                }
            });
            statement.execute("CREATE TABLE t (k TEXT NOT NULL COLLATE backwards PRIMARY KEY)");
            statement.execute("CREATE TABLE u (id INTEGER PRIMARY KEY, s TEXT COLLATE backwards UNIQUE)");
            statement.execute("INSERT INTO t VALUES ('a'), ('b')");
            statement.execute("INSERT INTO u VALUES (1, 'x'), (2, 'y')");
        }
        Assessment assessment = Assessment.of(new SqliteFile(path), Options.DEFAULT, Census.Listener.NONE);
        assertThat(assessment.tables()).extracting(TableAssessment::rows).containsExactly(2L, 2L);
        assertThat(assessment.verdict()).isEqualTo(Verdict.READY_WITH_NOTES);
        assertThat(codes(assessment)).contains("custom-collation").doesNotContain("unread-rows");
    }

    @Test
    void nullsInADeclaredKeyAreNoted() throws Exception {
        Assessment assessment = assess("CREATE TABLE t (k TEXT PRIMARY KEY)",
                "INSERT INTO t VALUES (NULL), (NULL), ('a')");
        assertThat(note(assessment, "key-null").sentence()).isEqualTo("2 rows have NULL in the primary key of t.");
        assertThat(assessment.tables().get(0).key()).isEqualTo("rowid (the declared key is unusable)");
    }

    @Test
    void whatTheApplicationWouldNoticeOfCaptureIsNoted() throws Exception {
        String[] schema = {
            "CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT, s INT, v)",
            "CREATE TABLE plain (id INTEGER PRIMARY KEY, v)",
            "CREATE TABLE texts (k TEXT PRIMARY KEY NOT NULL, u UNIQUE)",
            "CREATE UNIQUE INDEX i ON t(lower(u)) WHERE s > 0",
            "CREATE TRIGGER a AFTER UPDATE ON t WHEN changes() > 1 BEGIN SELECT 1; END",
            "CREATE TRIGGER b AFTER DELETE ON t BEGIN UPDATE plain SET v = total_changes (); END"};
        Path path = source(schema);
        Assessment present = Assessment.of(new SqliteFile(path), Options.DEFAULT, Census.Listener.NONE);
        assertThat(note(present, "trigger-changes").severity()).isEqualTo(Note.Severity.INFO);
        assertThat(note(present, "trigger-changes").sentence()).contains("changes(): a;");
        assertThat(note(present, "trigger-total-changes").sentence()).contains("total_changes(): b;");
        assertThat(note(present, "drop-column").sentence()).endsWith("t.u, t.s.");
        assertThat(codes(present)).doesNotContain("rename-table");

        writtenLastBy(path, 3_008_006);
        Assessment old = Assessment.of(new SqliteFile(path), Options.DEFAULT, Census.Listener.NONE);
        assertThat(note(old, "trigger-changes").severity()).isEqualTo(Note.Severity.WARNING);
        assertThat(note(old, "rename-table").sentence()).contains("3.8.6").endsWith("t, texts.");
        assertThat(codes(old)).doesNotContain("drop-column");
    }

    /** The file's header names the library that wrote last (sqlite.org/fileformat.html, 1.3). */
    private static void writtenLastBy(Path path, int version) throws Exception {
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.allocate(4).putInt(0, version), 96);
        }
    }

    @Test
    void damagedFileIsBlocked() throws Exception {
        Path path = source("PRAGMA page_size = 512", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
                "CREATE INDEX i ON t(v)", "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n <"
                + " 500)"
                        + " INSERT INTO t SELECT n, 'value ' || n FROM i");
        byte[] bytes = Files.readAllBytes(path);
        java.util.Arrays.fill(bytes, 5 * 512, 6 * 512, (byte) 0xAA);
        Files.write(path, bytes);
        Assessment assessment = Assessment.of(new SqliteFile(path), Options.DEFAULT, Census.Listener.NONE);
        assertThat(assessment.verdict()).isEqualTo(Verdict.BLOCKED);
        assertThat(codes(assessment)).contains("damaged");
    }

    @Test
    void namesThatFallTogetherAreNoted() throws Exception {
        Assessment assessment = assess("CREATE TABLE \"Ä\" (id INTEGER PRIMARY KEY)",
                "CREATE TABLE \"ä\" (id INTEGER PRIMARY KEY)",
                "CREATE TABLE " + "x".repeat(64) + " (id INTEGER PRIMARY KEY)");
        assertThat(codes(assessment)).contains("name-collision", "name-cut");
    }

    @Test
    void noUserValueIsEverPrinted() throws Exception {
        Assessment assessment = assess("CREATE TABLE t (n INTEGER, s VARCHAR(3))",
                "INSERT INTO t VALUES ('secret-1', 'secret-2')");
        assertThat(AssessText.of(assessment) + AssessHtml.of(assessment) + AssessJson.of(assessment))
                .doesNotContain("secret");
    }

    @Test
    void pageEscapesNamesThatAreHtml() throws Exception {
        Assessment assessment = assess("CREATE TABLE \"<script>alert('x')</script>&\" (\"<b>\" \"<i>\")");
        String page = AssessHtml.of(assessment);
        assertThat(page).doesNotContain("<script").doesNotContain("<i>").contains(
                "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;");
    }

    @Test
    void pageNeedsNothingFromElsewhere() throws Exception {
        String page = AssessHtml.of(assess("CREATE TABLE t (a)"));
        assertThat(page).doesNotContain("http:").doesNotContain("https:").doesNotContain("url(").doesNotContain("<link")
                .doesNotContain("<img").doesNotContain("<script");
    }

    @Test
    void jsonHasTheVerdictAndEveryColumn() throws Exception {
        Assessment assessment = assess("CREATE TABLE t (a INTEGER, b REAL)",
                "INSERT INTO t VALUES (1, 9e999), ('x', 1.5)");
        JsonNode json = new ObjectMapper().readTree(AssessJson.of(assessment));
        assertThat(json.path("verdict").asText()).isEqualTo("ready with notes");
        JsonNode columns = json.path("tables").path(0).path("columns");
        assertThat(columns.path(0).path("refused").path("broken").asLong()).isEqualTo(1);
        assertThat(columns.path(1).path("values").path("max").asText()).isEqualTo("Infinity");
    }

    @Test
    void textStartsWithTheVerdict() throws Exception {
        String text = AssessText.of(assess("CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (1), ('x')"));
        assertThat(text.lines().findFirst().orElseThrow()).contains("READY WITH NOTES");
    }

    @Test
    void nothingIsWrittenToTheSource() throws Exception {
        Path path = source("CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (1)");
        byte[] before = Files.readAllBytes(path);
        Assessment.of(new SqliteFile(path), Options.DEFAULT, Census.Listener.NONE);
        assertThat(Files.readAllBytes(path)).isEqualTo(before);
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(path);
        }
    }
}
