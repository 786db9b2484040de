package dev.sluice.schema;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.schema.RowIdentity.Kind;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.testing.Databases;
import dev.sluice.testing.SourceFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SchemaReaderTest {

    @TempDir Path folder;

    @Test
    void everyRealDatabaseIsRead() throws Exception {
        List<Path> databases = Databases.all();
        int tables = 0;
        for (Path database : databases) {
            Path copies = Files.createTempDirectory(folder, "db");
            SqliteFile file = new SqliteFile(Databases.copy(database, copies));
            try (SqliteSession session = file.openReader(Duration.ofSeconds(5))) {
                SourceSchema schema = SchemaReader.read(session);
                tables += schema.tables().size();
                assertThat(schema.hash()).isEqualTo(SchemaReader.hash(session));
                for (SourceTable table : schema.tables()) {
                    assertThat(table.identity()).as(database + " " + table.name()).isNotNull();
                    TableSql text = TableSql.parse(table.sql());
                    assertThat(text.columns().stream().map(TableSql.Column::name))
                            .containsExactlyElementsOf(table.columns().stream().map(SourceColumn::name).toList());
                    assertThat(text.withoutRowid()).isEqualTo(table.withoutRowid());
                    assertThat(text.strict()).isEqualTo(table.strict());
                    for (int i = 0; i < text.foreignKeys().size(); i++) {
                        assertThat(text.foreignKeys().get(i).columns().stream().map(String::toLowerCase))
                                .as(database + " " + table.name())
                                .containsExactlyElementsOf(table.foreignKeys().get(i).columns().stream()
                                        .map(String::toLowerCase).toList());
                    }
                }
            }
        }
        System.out.println(databases.size() + " of 119 real databases read, " + tables + " tables");
    }

    @Test
    void identityFollowsWhatSqliteTakesForTheRow() throws Exception {
        SourceSchema schema = read("""
                CREATE TABLE alias(id INTEGER PRIMARY KEY, x)""", """
                CREATE TABLE alias_by_table(x, id integer, PRIMARY KEY("ID" AUTOINCREMENT))""", """
                CREATE TABLE not_alias(id INT PRIMARY KEY NOT NULL)""", """
                CREATE TABLE descending(id INTEGER PRIMARY KEY DESC)""", """
                CREATE TABLE keyless(x)""", """
                CREATE TABLE composite(a TEXT, b TEXT COLLATE NOCASE, PRIMARY KEY(b, a))""", """
                CREATE TABLE without(a TEXT, b REAL, PRIMARY KEY(b DESC, a)) WITHOUT ROWID""", """
                CREATE TABLE nulls(a TEXT PRIMARY KEY, b)""", """
                INSERT INTO nulls VALUES (NULL, 1), (NULL, 2), ('x', 3)""", """
                CREATE TABLE hidden(rowid, oid, "_ROWID_")""", """
                CREATE TABLE partly(_rowid_ TEXT, RowId INT)""", """
                CREATE TABLE hidden_alias(id INTEGER PRIMARY KEY, rowid, oid, _rowid_)""");
        assertThat(identity(schema, "alias")).isEqualTo(new RowIdentity(Kind.INTEGER_KEY, List.of("id"), "_rowid_"));
        assertThat(identity(schema, "alias_by_table").kind()).isEqualTo(Kind.INTEGER_KEY);
        assertThat(schema.table("alias_by_table").autoincrement()).isTrue();
        assertThat(identity(schema, "not_alias"))
                .isEqualTo(new RowIdentity(Kind.DECLARED_KEY, List.of("id"), "_rowid_"));
        assertThat(identity(schema, "descending").kind()).isEqualTo(Kind.DECLARED_KEY);
        assertThat(identity(schema, "keyless")).isEqualTo(new RowIdentity(Kind.ROWID, List.of(), "_rowid_"));
        assertThat(identity(schema, "composite").columns()).containsExactly("b", "a");
        assertThat(identity(schema, "without")).isEqualTo(new RowIdentity(Kind.DECLARED_KEY, List.of("b", "a"), null));
        assertThat(identity(schema, "nulls").kind()).isEqualTo(Kind.ROWID);
        assertThat(identity(schema, "hidden")).isNull();
        assertThat(identity(schema, "partly")).isEqualTo(new RowIdentity(Kind.ROWID, List.of(), "oid"));
        assertThat(identity(schema, "hidden_alias"))
                .isEqualTo(new RowIdentity(Kind.INTEGER_KEY, List.of("id"), null));
    }

    @Test
    void keyWithACollationOfTheApplicationIsNotCompared() throws Exception {
        SourceSchema schema = read("""
                CREATE TABLE tmp(a TEXT COLLATE NOCASE, PRIMARY KEY(a))""",
                "PRAGMA writable_schema=ON",
                "UPDATE sqlite_master SET sql = replace(sql, 'NOCASE', 'UNICASE') WHERE name = 'tmp'");
        assertThat(identity(schema, "tmp").kind()).isEqualTo(Kind.ROWID);
    }

    @Test
    void oddNamesAndCommentsAreUnderstood() throws Exception {
        SourceSchema schema = read("""
                CREATE TABLE "order" ( -- a comment with ) and , and '
                    "we ird; --" TEXT /* CHECK (no) */ DEFAULT 'a,b)' COLLATE rtrim,
                    [sel ect] INT,
                    `back``tick` VARCHAR(10, 2) NOT NULL ON CONFLICT IGNORE CONSTRAINT "positive, ""sure" CHECK ( `back``tick` > 0 -- why
                    ),
                    'single' DOUBLE PRECISION DEFAULT (max(1, 2)) UNIQUE,
                    größe, "order" TEXT, "" TEXT,
                    check_ BLOB SUB_TYPE TEXT DEFAULT -1 CHECK (check_ <> ')'),
                    twice GENERATED ALWAYS AS (größe * 2 /* x */ ) STORED NOT NULL,
                    CONSTRAINT pk PRIMARY KEY (größe, "order") ON CONFLICT REPLACE CHECK (1) CONSTRAINT u UNIQUE (größe)
                )""",
                "CREATE TABLE \"quo\"\"te\"(a, b, FOREIGN KEY (a) REFERENCES \"order\"(größe) ON DELETE SET DEFAULT"
                        + " ON UPDATE SET NULL MATCH FULL NOT DEFERRABLE INITIALLY DEFERRED,"
                        + " CONSTRAINT second FOREIGN KEY(b, a) REFERENCES other DEFERRABLE INITIALLY DEFERRED)");
        SourceTable order = schema.table("ORDER");
        assertThat(order.columns().stream().map(SourceColumn::name)).containsExactly(
                "we ird; --", "sel ect", "back`tick", "single", "größe", "order", "", "check_", "twice");
        assertThat(order.column("we ird; --").collation()).isEqualTo("RTRIM");
        assertThat(order.column("we ird; --").defaultSql()).isEqualTo("'a,b)'");
        assertThat(order.column("twice").generatedSql()).isEqualTo("größe * 2");
        assertThat(order.column("twice").generation()).isEqualTo(SourceColumn.Generation.STORED);
        assertThat(order.storedColumns()).hasSize(8);
        assertThat(order.primaryKey()).containsExactly("größe", "order");
        assertThat(order.primaryKeyName()).isEqualTo("pk");
        assertThat(order.checks()).containsExactly(
                new SourceCheck("positive, \"sure", "`back``tick` > 0"),
                new SourceCheck(null, "check_ <> ')'"), new SourceCheck(null, "1"));
        assertThat(schema.table("quo\"te").foreignKeys()).containsExactly(
                new SourceForeignKey(null, List.of("a"), "order", List.of("größe"), "SET NULL", "SET DEFAULT", false),
                new SourceForeignKey("second", List.of("b", "a"), "other", List.of(), "NO ACTION", "NO ACTION", true));
    }

    @Test
    void indexTermsAndPredicatesComeFromTheirText() throws Exception {
        SourceSchema schema = read("CREATE TABLE t(a, b TEXT COLLATE NOCASE, c INTEGER PRIMARY KEY, UNIQUE(a, b))",
                "CREATE UNIQUE INDEX \"x(y)\" ON t (lower(b) COLLATE rtrim desc, a, coalesce(a, ')'), b collate binary)"
                        + " where a > 0 -- positive\n and b <> ''",
                "CREATE INDEX plain ON t(b, c)");
        List<SourceIndex> indexes = schema.table("t").indexes();
        assertThat(indexes).extracting(SourceIndex::origin).containsExactly(SourceIndex.Origin.UNIQUE_CONSTRAINT,
                SourceIndex.Origin.CREATE_INDEX, SourceIndex.Origin.CREATE_INDEX);
        assertThat(indexes.get(1).terms()).containsExactly(
                new SourceIndex.Term(null, "lower(b)", "RTRIM", true),
                new SourceIndex.Term("a", null, "BINARY", false),
                new SourceIndex.Term(null, "coalesce(a, ')')", "BINARY", false),
                new SourceIndex.Term("b", null, "BINARY", false));
        assertThat(indexes.get(1).predicate()).isEqualTo("a > 0 and b <> ''");
        assertThat(indexes.get(1).isPlain()).isFalse();
        assertThat(indexes.get(2).isPlain()).isTrue();
        assertThat(indexes.get(2).unique()).isFalse();
    }

    @Test
    void collateThatBelongsToPartOfATermStaysInIt() {
        assertThat(IndexSql.parse("CREATE INDEX i ON t(a || b COLLATE NOCASE, (a || b) COLLATE NOCASE ASC,"
                + " lower(a) COLLATE x"
                + " COLLATE y, CASE a WHEN (1) THEN CASE b WHEN 2 THEN 3 END END COLLATE z DESC, -a COLLATE"
                + " NOCASE)").terms())
                .containsExactly("a || b COLLATE NOCASE", "(a || b)", "lower(a)",
                        "CASE a WHEN (1) THEN CASE b WHEN 2 THEN 3 END END", "-a COLLATE NOCASE");
    }

    @Test
    void shadowTablesAndSqlitesOwnAreLeftOut() throws Exception {
        SourceSchema schema = read("CREATE VIRTUAL TABLE docs USING fts5(body)",
                "CREATE VIRTUAL TABLE old USING fts4(body)", "CREATE VIRTUAL TABLE box USING rtree(id, x0, x1)",
                "CREATE TABLE real(id INTEGER PRIMARY KEY AUTOINCREMENT, x)", "CREATE INDEX i ON real(x)", "ANALYZE",
                "CREATE VIEW v AS SELECT * FROM real",
                "CREATE TRIGGER t INSTEAD OF INSERT ON v BEGIN INSERT INTO real(x) VALUES (new.x); END",
                "CREATE TABLE docs_extra(a)");
        assertThat(schema.tables()).extracting(SourceTable::name).containsExactly("real", "docs_extra");
        assertThat(schema.virtualTables()).extracting(SourceObject::name).containsExactly("docs", "old", "box");
        assertThat(schema.views()).extracting(SourceObject::name).containsExactly("v");
        assertThat(schema.triggers()).extracting(SourceObject::table).containsExactly("v");
    }

    @Test
    void virtualTableOfAnUnknownModuleAndBrokenViewDoNotStopTheRead() throws Exception {
        SourceSchema schema = read("CREATE TABLE t(a)", "CREATE VIEW v AS SELECT * FROM t, gone",
                "PRAGMA writable_schema = ON",
                "INSERT INTO sqlite_master VALUES ('table', 'm', 'm', 0, 'CREATE VIRTUAL TABLE m USING nosuch(a"
                + " b c, ''x'')')",
                "INSERT INTO sqlite_master VALUES ('table', 'f', 'f', 0, 'CREATE VIRTUAL TABLE f USING fts5(a,"
                + " tokenize = ''ours'')')");
        assertThat(schema.tables()).extracting(SourceTable::name).containsExactly("t");
        assertThat(schema.virtualTables()).extracting(o -> SchemaReader.module(o.sql())).containsExactly("nosuch",
                "fts5");
        assertThat(schema.views()).hasSize(1);
    }

    @Test
    void namesThatDifferBeyondAsciiCaseAreDifferentNames() throws Exception {
        SourceSchema schema = read("CREATE TABLE \"Ä\"(\"É\" INT, \"é\" TEXT)", "CREATE TABLE \"ä\"(x)");
        assertThat(schema.table("ä").column("X")).isNotNull();
        assertThat(schema.table("Ä").column("é").declaredType()).isEqualTo("TEXT");
    }

    @Test
    void strictTablesTwoThousandColumnsAndWideTextAreRead() throws Exception {
        String columns = IntStream.range(0, 2000).mapToObj(i -> "c" + i + " TEXT").collect(Collectors.joining(", "));
        SourceSchema schema = read("PRAGMA encoding = 'UTF-16be'", "CREATE TABLE wide(" + columns + ")",
                "CREATE TABLE \"Straße\"(a ANY PRIMARY KEY) STRICT, WITHOUT ROWID");
        assertThat(schema.encoding()).isEqualTo("UTF-16be");
        assertThat(schema.table("wide").columns()).hasSize(2000);
        assertThat(schema.table("Straße").strict()).isTrue();
        assertThat(schema.table("Straße").withoutRowid()).isTrue();
    }

    @Test
    void hashMovesWithTheApplicationsSchemaAndNotWithOurs() throws Exception {
        try (SourceFile source = new SourceFile(folder.resolve("hash.sqlite"), "CREATE TABLE t(a)",
                "CREATE INDEX i ON t(a)");
                SqliteSession reader = source.reader()) {
            String before = SchemaReader.hash(reader);
            source.app("CREATE TABLE _sluice_x(id)", "ANALYZE", "INSERT INTO t VALUES (1)",
                    "CREATE TRIGGER _sluice_1_ai AFTER INSERT ON t BEGIN SELECT 1; END", "VACUUM");
            assertThat(SchemaReader.hash(reader)).isEqualTo(before);
            source.app("ALTER TABLE t ADD COLUMN b");
            assertThat(SchemaReader.hash(reader)).isNotEqualTo(before);
        }
    }

    @Test
    void schemaIsReadInsideATransactionToo() throws Exception {
        try (SourceFile source = new SourceFile(folder.resolve("tx.sqlite"), "CREATE TABLE t(a)");
                SqliteSession reader = source.reader()) {
            reader.begin();
            assertThat(SchemaReader.read(reader).tables()).hasSize(1);
            reader.commit();
            assertThat(SchemaReader.read(reader).tables()).hasSize(1);
        }
    }

    private SourceSchema read(String... statements) throws Exception {
        try (SourceFile source = new SourceFile(folder.resolve("schema.sqlite"), statements);
                SqliteSession reader = source.reader()) {
            return SchemaReader.read(reader);
        }
    }

    private static RowIdentity identity(SourceSchema schema, String table) {
        return schema.table(table).identity();
    }
}
