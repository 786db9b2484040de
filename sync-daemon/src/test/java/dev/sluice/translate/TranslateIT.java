package dev.sluice.translate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sluice.postgres.Target;
import dev.sluice.schema.Affinity;
import dev.sluice.schema.SourceObject;
import dev.sluice.testing.PostgresForTests;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The same rows in a real SQLite and a real PostgreSQL: whatever is translated must give the same answers. */
class TranslateIT {

    private static final Map<String, Columns.Column> COLUMNS = new LinkedHashMap<>();
    private static final Columns FIND = (table, column) -> COLUMNS.get(Identifiers.foldAscii(column));

    private static Target target;
    private static Connection postgres;
    private static Connection sqlite;

    @BeforeAll
    static void start() throws Exception {
        target = PostgresForTests.fresh();
        postgres = target.dedicated();
        sqlite = DriverManager.getConnection("jdbc:sqlite::memory:");
        declare("i", PgKind.INTEGER, Affinity.INTEGER, "BINARY");
        declare("j", PgKind.INTEGER, Affinity.INTEGER, "BINARY");
        declare("flag", PgKind.BOOLEAN, Affinity.NUMERIC, "BINARY");
        declare("r", PgKind.DOUBLE, Affinity.REAL, "BINARY");
        declare("s", PgKind.DOUBLE, Affinity.REAL, "BINARY");
        declare("d", PgKind.NUMERIC, Affinity.NUMERIC, "BINARY");
        declare("t", PgKind.TEXT, Affinity.TEXT, "BINARY");
        declare("v", PgKind.TEXT, Affinity.TEXT, "BINARY");
        declare("free", PgKind.TEXT, Affinity.BLOB, "BINARY");
        declare("word", PgKind.TEXT, Affinity.NUMERIC, "BINARY");
        declare("nc", PgKind.CITEXT, Affinity.TEXT, "NOCASE");
        declare("rt", PgKind.TEXT, Affinity.TEXT, "RTRIM");
        declare("b", PgKind.BYTEA, Affinity.BLOB, "BINARY");
        COLUMNS.put("ts", new Columns.Column("ts", PgKind.TIMESTAMP, Affinity.NUMERIC, "BINARY", "%Y-%m-%d %H:%M:%S"));
        COLUMNS.put("ts2", new Columns.Column("ts2", PgKind.TIMESTAMP, Affinity.NUMERIC, "BINARY",
                "%Y-%m-%d %H:%M:%S"));
        COLUMNS.put("js", new Columns.Column("js", PgKind.JSON, Affinity.TEXT, "BINARY"));
        COLUMNS.put("u", new Columns.Column("u", PgKind.UUID, Affinity.TEXT, "BINARY", "uuid"));

        execute(sqlite, """
                CREATE TABLE t(id INTEGER PRIMARY KEY, i INTEGER, j BIGINT, flag BOOLEAN, r REAL, s DOUBLE,
                        d DECIMAL(10,2),
                    t TEXT, v VARCHAR(20), free, word DATE, nc TEXT COLLATE NOCASE, rt TEXT COLLATE RTRIM, b BLOB,
                    ts DATETIME, ts2 DATETIME, js TEXT, u TEXT)""");
        execute(postgres, """
                CREATE EXTENSION citext;
                CREATE TABLE t(id bigint PRIMARY KEY, i integer, j bigint, flag boolean, r double precision,
                    s double precision, d numeric, t text COLLATE "en-x-icu", v varchar COLLATE "en-x-icu",
                    free text COLLATE "en-x-icu", word text COLLATE "en-x-icu", nc citext, rt text COLLATE "en-x-icu",
                    b bytea, ts timestamp, ts2 timestamp, js json, u uuid);
                CREATE TABLE empty(LIKE t)""");
        execute(sqlite, "CREATE TABLE k(k_id INTEGER PRIMARY KEY, k_i INTEGER, k_t TEXT, k_flag BOOLEAN)");
        execute(postgres, """
                CREATE TABLE k(k_id bigint PRIMARY KEY, k_i bigint, k_t text COLLATE "en-x-icu", k_flag boolean)""");
        for (String row : List.of("(1, 5, 'abc', 1::b)", "(2, -1, 'ABC', 0::b)", "(3, NULL, NULL, NULL)",
                "(4, 1, '', 1::b)",
                "(5, 0, 'ä', 0::b)", "(6, 7, 'z', 1::b)", "(7, 1, 'a', NULL)")) {
            execute(sqlite, "INSERT INTO k VALUES " + row.replace("::b", ""));
            execute(postgres, "INSERT INTO k VALUES " + row.replace("::b", "::int::boolean"));
        }
        Random random = new Random(7);
        for (int id = 1; id <= 60; id++) {
            insert(id, random);
        }
    }

    private static void declare(String name, PgKind kind, Affinity affinity, String collation) {
        COLUMNS.put(name, new Columns.Column(name, kind, affinity, collation));
    }

    /** One row with the same values on both sides; NULL in about every seventh place. */
    private static void insert(int id, Random random) throws SQLException {
        String[] texts = {"''", "'a'", "'A'", "'abc'", "'ABC '", "'5'", "'05'", "'-3'", "'1.0'", "'ä'", "'Ä'",
                "'100%'", "'a_b'",
            "'a\\b'", "'x@y.org'", "'z'", "'_'", "'日本'", "'😀b'", "'o''k'", "' '", "'  a '", "'a\nb'", "'true'",
                    "'e5'"};
        String[] words = {"''", "'a'", "'n/a'", "'2020-01-01'", "'Zeit'", "'zeit'", "'-'"};
        String[] numbers = {"0", "1", "-1", "2", "5", "7", "-7", "100", "2147483647", "-2147483648"};
        String[] large = {"0", "1", "-1", "3", "9007199254740993", "-9223372036854775807", "9223372036854775807", "10",
                "4"};
        String[] reals = {"0.0", "1.0", "-1.5", "0.1", "0.3", "2.5", "3.5", "-2.5", "1e15", "1e300", "-0.4",
                "123456.789"};
        String[] decimals = {"0", "1", "2.99", "0.1", "-4.5", "100", "5.5", "0.3"};
        String[] blobs = {"''", "'00'", "'61'", "'ff00'", "'e4'"};
        String[] times = {"'2020-01-01 00:00:00'", "'1999-12-31 23:59:59'", "'2020-01-01 00:00:01'"};
        String[] documents = {"'{}'", "'[1, 2]'", "'{\"a\" : null}'", "'5'", "'\"x\"'"};
        String[] ids = {"'6d9c5f1e-0000-4000-8000-000000000001'", "'0d9c5f1e-0000-4000-8000-000000000001'"};
        List<String[]> pools = List.of(numbers, large, new String[] {"0", "1"}, reals, reals, decimals, texts, texts,
                texts,
                words, texts, texts, blobs, times, times, documents, ids);
        List<String> left = new ArrayList<>();
        List<String> right = new ArrayList<>();
        for (String[] pool : pools) {
            String value = random.nextInt(7) == 0 ? "NULL" : pool[random.nextInt(pool.length)];
            boolean blob = pool == blobs && !value.equals("NULL");
            left.add(blob ? "x" + value : value);
            right.add(blob ? "decode(" + value + ", 'hex')"
                    : pools.indexOf(pool) == 2 && !value.equals("NULL") ? "(" + value + " = 1)" : value);
        }
        execute(sqlite, "INSERT INTO t VALUES (" + id + ", " + String.join(", ", left) + ")");
        execute(postgres, "INSERT INTO t VALUES (" + id + ", " + String.join(", ", right) + ")");
    }

    @AfterAll
    static void stop() throws Exception {
        sqlite.close();
        postgres.close();
        PostgresForTests.drop(target);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "flag IN (0, 1)", "flag = 1", "flag <> 1", "flag = 0 OR flag IS NULL", "flag > 0", "flag + 1", "NOT flag",
                "flag IS 1",
        "length(t)", "length(b)", "length(i)", "length(flag)", "length(js)", "NOT length(t)", "t = 'abc'", "t == v",
                "t < v",
        "t BETWEEN 'A' AND 'a'", "t IN ('a', 'A', 'ä')", "t NOT IN ('a', NULL)", "t IN ()", "t NOT IN ()",
                "i IN ('5', 7.0, 'x')",
        "t = 5", "t < 5", "t IN (5, 'a')", "free = 5", "free < 5", "i = '5'", "i < 'a'", "i <> ''", "i IS ''",
                "word = 5",
        "word = '5'", "word < 5.5", "b = 'a'", "b <> ''", "b > 5", "b = x'61'", "b IS NULL", "b < x'ff'",
        "nc = 'ABC'", "nc = v", "v = nc", "nc < 'b'", "nc IN ('A', 'Ä')", "nc COLLATE BINARY = 'ABC'",
                "t COLLATE NOCASE = 'abc'",
        "t = 'abc' COLLATE NOCASE", "rt = 'ABC'", "rt < 'ABC '", "'ABC' = rt", "nc LIKE 'ab%'", "upper(nc)",
                "nc || 'x'",
        "t LIKE 'A%'", "t LIKE '%ä%'", "t LIKE 'a\\b'", "t LIKE '100!%' ESCAPE '!'", "t LIKE v", "t LIKE '_'",
                "i LIKE '1%'",
        "t GLOB 'a*'", "t GLOB '[a-z]*'", "t GLOB '*[^0-9]*'", "t NOT GLOB '?'", "t GLOB 'a[_]b'", "t GLOB '*[%@]*'",
        "t GLOB '[]a]'", "t GLOB '[^]a]*'",
        "i + j", "i - j", "i * 3", "i / 2", "i / j", "i % 3", "i % j", "-i", "+i", "~i", "i & 3", "i | 8", "i << 2",
                "i >> 1",
        "j >> 63", "i / 2.0", "i * r", "r + s", "r - s", "r * 2", "r / s", "r / 0", "d + 1", "d * 2.0", "d / 2.0",
                "r / i",
        "i = 1.0", "i < 1.5", "j > 9007199254740992.5", "j = 9007199254740992.0", "r = 1", "length(t) < r", "d = 2.99",
        "d < r", "d > i", "d = 0.3", "0.1 + 0.2 = d", "abs(i)", "abs(r)", "abs(d) < 5", "round(r)", "round(i)",
                "round(d)", "sign(r)",
        "lower(t)", "upper(t)", "trim(t)", "ltrim(t)", "rtrim(t, ' a')", "trim(t, 'ab')", "trim(t, '')",
                "replace(t, 'a', 'xx')",
        "replace(t, '', 'x')", "substr(t, 2)", "substr(t, 1, 2)", "substr(t, -2)", "substr(t, instr(t, '@') + 1)",
                "substr(b, 2)",
        "instr(t, 'b')", "instr(t, '')", "instr(t, v)", "unicode(t)", "hex(b)", "octet_length(t)", "octet_length(b)",
        "coalesce(t, v, 'none')", "ifnull(i, 0)", "ifnull(r, 0)", "coalesce(flag, 0)", "coalesce(flag, i)",
                "coalesce(d, 1.5)",
        "nullif(t, v)", "nullif(i, 0)", "nullif(t, 5)", "nullif(nc, 'ABC')", "iif(i > 1, 'big', 'small')",
                "iif(flag, t, v)",
        "min(i, j)", "max(i, j, 3)", "min(t, v)", "max(r, s)", "max(i, NULL)", "min(flag, 1)",
        "CASE i WHEN 1 THEN 'one' WHEN '5' THEN 'five' END", "CASE WHEN flag THEN 1 ELSE 0 END",
                "CASE WHEN i THEN r ELSE 0 END",
        "CASE t WHEN 5 THEN 1 WHEN 'a' THEN 2 ELSE 3 END", "CASE nc WHEN 'a' THEN 1 END", "CASE WHEN i > 2 THEN t END",
        "t IS v", "t IS NOT v", "i IS NOT j", "i IS 1.0", "i IS NULL", "i ISNULL", "t NOTNULL", "t NOT NULL",
                "flag IS TRUE",
        "i IS NOT TRUE", "r IS FALSE", "ts IS NULL", "ts < ts2", "ts = ts2", "max(ts, ts2) = ts",
                "coalesce(ts, ts2) IS NOT NULL",
        "u IS NOT NULL", "js = '{}'", "js LIKE '%a%'", "js < 'a'", "CAST(i AS TEXT)", "CAST(r AS INTEGER) < 5",
                "CAST(i AS REAL)",
        "CAST(t AS TEXT) = 5", "CAST(i AS TEXT) || t", "t || v", "t || 1", "i || ''", "t || NULL", "flag || 'x'",
        "typeof(i)", "typeof(r)", "typeof(t) = 'text'", "typeof(b) IN ('blob', 'null')", "typeof(flag)",
                "printf('%s-%d', t, i)",
        "format('%d%%', i)", "likely(i > 0)", "i AND t IS NULL", "i OR flag", "NOT i AND flag", "(i, t) = (1, 'a')",
        "(i, t) <> (j, v)", "i = 1 = flag", "i < j < 5", "NOT i = 1", "i = NOT flag", "-i = 5", "- - i", "1 - 2 - i",
        "2147483647 + 1 + i", "2147483647 * 2", "i BETWEEN j AND 100", "i NOT BETWEEN 0 AND '5'", "t BETWEEN 1 AND 6",
        "'a' < t COLLATE NOCASE", "x'61' = b", "TRUE", "false", "i = TRUE", "\"no column\" = t", "json_valid(js)",
        "t COLLATE NOCASE", "nc", "rt", "t COLLATE RTRIM", "lower(t) = lower(v)", "length(trim(t)) > 0", "abs(i) % 3",
                "i % -1",
        "length(t) - 1", "CAST(t AS INTEGER)", "CAST(substr(t, 2) AS INTEGER) + 1", "CAST(free AS INT) > 0",
                "date(ts) IS NOT NULL",
        "date(ts) = date(ts2)", "date(ts) < '2020-01-01'", "datetime(ts) = ts", "strftime('%Y', ts)",
                "strftime('%m', ts) = '12'",
        "CAST(strftime('%Y', ts) AS INTEGER) * 2", "ts >= '2020-01-01 00:00:00'", "ts = datetime('2020-01-01')",
                "date('1997-02-03')",
        "strftime('%Y-%m', '1997-02-03 10:11')", "u = '6d9c5f1e-0000-4000-8000-000000000001'", "u > 'a'", "length(u)",
                "-0.0 = r", "r BETWEEN 0 AND 1", "d IN (1, 2.99)", "r IN (1, 2.5)", "1e999 > r", "j < 1e300",
                        "t <> '' AND t IS NOT NULL"
    })
    void translatedExpressionGivesTheSameAnswer(String sql) throws SQLException {
        Translation answer = ExpressionTranslator.translate(sql, FIND);
        assertThat(answer).as(() -> answer.toString()).isInstanceOf(Translation.Sql.class);
        assertThat(differences(sql, (Translation.Sql) answer)).isEmpty();
        if (((Translation.Sql) answer).text().contains("\"")) { // a bare literal has no type to index
            // An index takes only functions that always give the same answer
            execute(postgres, "CREATE INDEX tried ON empty ((" + ((Translation.Sql) answer).text() + "))");
            execute(postgres, "DROP INDEX tried");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '#', quoteCharacter = '\0', value = {
        "i * 2 # INTEGER # OTHER", "i / 2.0 # REAL # DOUBLE", "i + 1 # TEXT # TEXT", "t || v # TEXT # TEXT",
                "i > 1 # BLOB # OTHER",
        "lower(nc) # TEXT # TEXT", "i + 1 # REAL # DOUBLE", "r * 2 # NUMERIC # OTHER", "length(t) # NUMERIC # NUMERIC",
        "'5' # INTEGER # INTEGER", "flag # INTEGER # INTEGER", "b # BLOB # BYTEA", "coalesce(t, 'x') # BLOB # OTHER",
        "substr(b, 1, 1) # BLOB # OTHER", "CASE WHEN flag THEN 1 ELSE 0 END # BOOLEAN_NUMERIC # OTHER",
                "d # NUMERIC # NUMERIC",
    })
    void generatedColumnHoldsTheSameValue(String sql, String affinity, PgKind kind) throws SQLException {
        Affinity of = affinity.contains("NUMERIC") ? Affinity.NUMERIC : Affinity.valueOf(affinity);
        Translation answer = ExpressionTranslator.generated(sql, FIND, of, kind);
        assertThat(answer).as(() -> answer.toString()).isInstanceOf(Translation.Sql.class);
        Translation.Sql text = (Translation.Sql) answer;
        execute(sqlite, "ALTER TABLE t ADD COLUMN g " + (of == Affinity.BLOB ? "" : of) + " AS (" + sql + ")");
        try {
            assertThat(differences("g", text)).isEmpty();
            assertThat(text.kind()).isNotIn(PgKind.OTHER, PgKind.BOOLEAN);
            execute(postgres, "ALTER TABLE t ADD COLUMN g " + text.kind().typeName()
                    + " GENERATED ALWAYS AS (" + text.text() + ") STORED");
            execute(postgres, "ALTER TABLE t DROP COLUMN g");
        } finally {
            execute(sqlite, "ALTER TABLE t DROP COLUMN g");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '#', quoteCharacter = '\0', value = {
        "CURRENT_TIMESTAMP # TEXT", "CURRENT_DATE # TEXT", "CURRENT_TIME # TEXT", "datetime('now', '+7 days') # TEXT",
        "strftime('%Y-%m-%dT%H:%M:%fZ', 'now') # TEXT", "strftime('%Y%m%d', 'now') # TEXT",
                "strftime('%s', 'now') # TEXT",
        "date('now', 'start of month', '+1 month', '-1 day') # TEXT", "strftime('%s', 'now') # INTEGER",
        "unixepoch() # INTEGER", "strftime('%s', 'now') * 1000 # INTEGER", "unixepoch('subsec') # REAL",
        "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) # INTEGER", "julianday('now') # REAL",
        "lower(hex(randomblob(16))) # TEXT", "hex(randomblob(4)) # TEXT", "length(hex(randomblob(40))) # INTEGER",
        "abs(random()) % 1 # INTEGER", "60 * 60 + unixepoch() # INTEGER", "'id-' || strftime('%j', 'now') # TEXT",
        "lower(hex(randomblob(4))) || '-' || substr('89ab', abs(random()) % 4 + 1, 1) || substr(hex(randomblob(2)), 2)"
                + " # TEXT",
    })
    void defaultHasTheSameFormOnBothSides(String sql, Affinity affinity) throws SQLException {
        PgKind kind = affinity == Affinity.TEXT ? PgKind.TEXT : affinity == Affinity.REAL ? PgKind.DOUBLE
                : PgKind.INTEGER;
        Default answer = DefaultTranslator.translate(sql, affinity, kind);
        assertThat(answer).as(() -> answer.toString()).isInstanceOf(Default.Expression.class);
        String text = ((Default.Expression) answer).pgSql();
        execute(sqlite, "CREATE TABLE d(id, v " + affinity + " DEFAULT (" + sql + "))");
        execute(postgres, "CREATE TABLE d(id integer, v " + kind.typeName() + " DEFAULT " + text + ")");
        try {
            execute(sqlite, "INSERT INTO d(id) VALUES (1)");
            execute(postgres, "INSERT INTO d(id) VALUES (1)");
            Object expected = rows(sqlite, "SELECT v FROM d").get(0).get(0);
            Object actual = rows(postgres, "SELECT v FROM d").get(0).get(0);
            if (expected instanceof Number number) {
                double minute = number.doubleValue() > 1e11 ? 60_000 : number.doubleValue() > 1e7 ? 60 : 60 / 86_400.0;
                assertThat(((Number) actual).doubleValue()).as(text).isCloseTo(number.doubleValue(), within(minute));
            } else {
                assertThat(form(actual)).as(text).isEqualTo(form(expected));
            }
        } finally {
            execute(sqlite, "DROP TABLE d");
            execute(postgres, "DROP TABLE d");
        }
    }

    private static String form(Object text) {
        return text.toString().replaceAll("[0-9a-f]", "0").replaceAll("[A-F]", "A").replace('A', '0');
    }

    @Test
    void randomExpressionsGiveTheSameAnswerOrAreRefused() throws SQLException {
        long seed = Long.getLong("seed", System.nanoTime());
        int rounds = Integer.getInteger("expressions", 3000);
        RandomExpression random = new RandomExpression(new Random(seed));
        int translated = 0;
        List<String> wrong = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            String sql = random.next();
            boolean condition = round % 2 == 0;
            Translation answer = condition
                    ? ExpressionTranslator.condition(sql, FIND) : ExpressionTranslator.translate(sql, FIND);
            if (answer instanceof Translation.Sql text) {
                translated++;
                String expected = condition ? "CASE WHEN (" + sql + ") THEN 1 WHEN NOT (" + sql + ") THEN 0 END" : sql;
                List<String> differences;
                try {
                    differences = differences(expected, text);
                } catch (SQLException e) {
                    continue; // abs() of the smallest integer fails in SQLite too
                }
                if (!differences.isEmpty() && wrong.size() < 10) {
                    wrong.add(sql + ": " + differences.get(0));
                }
            }
        }
        assertThat(wrong).as("seed " + seed).isEmpty();
        assertThat(translated).as("seed " + seed + ": expressions that were not refused").isGreaterThan(rounds / 5);
    }

    @Test
    void randomViewsShowTheSameRowsOrAreRefused() throws SQLException {
        long seed = Long.getLong("seed", System.nanoTime());
        int rounds = Integer.getInteger("queries", 1500);
        RandomQuery random = new RandomQuery(new Random(seed));
        int translated = 0;
        List<String> wrong = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            String sql = random.next();
            List<List<Object>> expected;
            try {
                expected = rows(sqlite, sql);
            } catch (SQLException e) {
                continue; // a name that is not there, or in two tables
            }
            Translation answer = new ViewTranslator(TranslateIT::relation, new Identifiers(Identifiers.Policy.FOLD))
                    .translate(
                    List.of(new SourceObject(SourceObject.Kind.VIEW, "w", "w", "CREATE VIEW w AS " + sql))).get(0)
                            .translation();
            // With a note of what may differ it is not for this test
            if (answer instanceof Translation.Sql text
                    && text.notes().stream().noneMatch(note -> note.contains("2^53"))) {
                translated++;
                String difference = difference(expected, text.text());
                if (difference != null && wrong.size() < 10) {
                    wrong.add(sql + " became " + text.text() + ": " + difference);
                }
            }
        }
        assertThat(wrong).as("seed " + seed).isEmpty();
        assertThat(translated).as("seed " + seed + ": queries that were not refused").isGreaterThan(rounds / 5);
    }

    /** Null if both have the same rows in any order. */
    private static String difference(List<List<Object>> expected, String sql) {
        List<List<Object>> actual;
        try {
            actual = rows(postgres, sql);
        } catch (SQLException e) {
            return e.getSQLState().equals("22003") ? null : e.getMessage(); // an overflow is no answer
        }
        List<List<Object>> left = new ArrayList<>(actual);
        for (List<Object> row : expected) {
            int found = -1;
            for (int i = 0; i < left.size() && found < 0; i++) {
                List<Object> other = left.get(i);
                boolean same = other.size() == row.size();
                for (int c = 0; same && c < row.size(); c++) {
                    same = same(row.get(c), other.get(c), false);
                }
                found = same ? i : -1;
            }
            if (found < 0) {
                return expected.size() + " rows became " + actual.size() + ", none is "
                        + row.stream().map(TranslateIT::show).toList();
            }
            left.remove(found);
        }
        return left.isEmpty() ? null : "unexpected " + left.get(0).stream().map(TranslateIT::show).toList();
    }

    private static List<List<Object>> rows(Connection connection, String sql) throws SQLException {
        List<List<Object>> all = new ArrayList<>();
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                List<Object> row = new ArrayList<>();
                for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                    row.add(rows.getObject(i));
                }
                all.add(row);
            }
        }
        return all;
    }

    private static Catalog.Relation relation(String table) {
        List<Catalog.NamedColumn> columns = new ArrayList<>();
        if (table.equalsIgnoreCase("t")) {
            columns.add(new Catalog.NamedColumn("id", new Columns.Column("id", PgKind.INTEGER)));
            COLUMNS.forEach((name, column) -> columns.add(new Catalog.NamedColumn(name, column)));
            return new Catalog.Relation("t", columns, List.of("id"), "id");
        }
        columns.add(new Catalog.NamedColumn("k_id", new Columns.Column("k_id", PgKind.INTEGER)));
        columns.add(new Catalog.NamedColumn("k_i", new Columns.Column("k_i", PgKind.INTEGER)));
        columns.add(new Catalog.NamedColumn("k_t", new Columns.Column("k_t", PgKind.TEXT)));
        columns.add(new Catalog.NamedColumn("k_flag",
                new Columns.Column("k_flag", PgKind.BOOLEAN, Affinity.NUMERIC, "BINARY")));
        return table.equalsIgnoreCase("k") ? new Catalog.Relation("k", columns, List.of("k_id"), "k_id") : null;
    }

    /** Evaluates row by row on both sides; an overflow error in PostgreSQL is no answer, and so no wrong one. */
    private static List<String> differences(String sql, Translation.Sql translation) throws SQLException {
        List<Object> expected = new ArrayList<>();
        List<String> found = new ArrayList<>();
        try (Statement statement = sqlite.createStatement();
                ResultSet rows = statement.executeQuery("SELECT (" + sql + ") FROM t ORDER BY id")) {
            while (rows.next()) {
                expected.add(rows.getObject(1));
            }
        }
        List<Object> actual = new ArrayList<>();
        try {
            read("SELECT " + translation.text() + " FROM t ORDER BY id", actual);
        } catch (SQLException e) {
            if (!e.getSQLState().equals("22003")) {
                return List.of(translation.text() + ": " + e.getMessage());
            }
            actual.clear();
            for (int id = 1; id <= expected.size(); id++) {
                try {
                    read("SELECT " + translation.text() + " FROM t WHERE id = " + id, actual);
                } catch (SQLException overflow) {
                    actual.add(expected.get(id - 1));
                }
            }
        }
        boolean folded = translation.text().startsWith("lower(") || translation.text().startsWith("rtrim(");
        for (int i = 0; i < expected.size(); i++) {
            if (!same(expected.get(i), actual.get(i), folded)) {
                found.add("expression became " + translation.text() + ": row " + (i + 1) + ": " + show(expected.get(i))
                        + " became " + show(actual.get(i)));
            }
        }
        return found;
    }

    private static void read(String sql, List<Object> into) throws SQLException {
        try (Statement statement = postgres.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                into.add(rows.getObject(1));
            }
        }
    }

    /** @param folded index terms under NOCASE and RTRIM are equal where SQLite's collation finds them equal */
    private static boolean same(Object expected, Object actual, boolean folded) {
        if (expected == null || actual == null) {
            return expected == actual;
        } else if (expected instanceof Number number && actual instanceof Boolean flag) {
            return number.doubleValue() == (flag ? 1 : 0);
        } else if (expected instanceof Number a && actual instanceof Number b) {
            if (a instanceof Double || b instanceof Double) {
                return a.doubleValue() == b.doubleValue();
            }
            return new BigDecimal(a.toString()).compareTo(new BigDecimal(b.toString())) == 0;
        } else if (expected instanceof byte[] a && actual instanceof byte[] b) {
            return Arrays.equals(a, b);
        } else if (expected instanceof String a && actual instanceof String b && folded) {
            return a.stripTrailing().equalsIgnoreCase(b.stripTrailing());
        }
        return expected instanceof String && !(actual instanceof Number)
                && expected.equals(actual.toString().replaceFirst("(:\\d\\d)\\.0$", "$1"));
    }

    private static String show(Object value) {
        return value instanceof byte[] bytes ? "x'" + HexFormat.of().formatHex(bytes) + "'"
                : value instanceof String ? "'" + value + "'" : String.valueOf(value);
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
