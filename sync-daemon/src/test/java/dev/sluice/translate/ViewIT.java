package dev.sluice.translate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.postgres.Target;
import dev.sluice.schema.Affinity;
import dev.sluice.schema.SourceObject;
import dev.sluice.testing.PostgresForTests;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Views on both sides over the same rows: the same columns, the same rows, in the same order where the view sorts. */
class ViewIT {

    private static final String TIME = "%Y-%m-%d %H:%M:%S";

    private static final Map<String, Catalog.Relation> TABLES = Map.of(
            "person", new Catalog.Relation("person", List.of(
                    column("Id", "id", PgKind.INTEGER, Affinity.INTEGER, null),
                    column("Name", "name", PgKind.TEXT, Affinity.TEXT, null),
                    column("active", "active", PgKind.BOOLEAN, Affinity.NUMERIC, null),
                    column("born", "born", PgKind.DATE, Affinity.NUMERIC, "%Y-%m-%d"),
                    column("boss", "boss", PgKind.INTEGER, Affinity.INTEGER, null),
                    new Catalog.NamedColumn("mail",
                            new Columns.Column("mail", PgKind.CITEXT, Affinity.TEXT, "NOCASE"))),
                    List.of("Id"), "Id"),
            "order", new Catalog.Relation("order", List.of(
                    column("id", "id", PgKind.INTEGER, Affinity.INTEGER, null),
                    column("person_id", "person_id", PgKind.INTEGER, Affinity.INTEGER, null),
                    column("amount", "amount", PgKind.NUMERIC, Affinity.NUMERIC, null),
                    column("weight", "weight", PgKind.DOUBLE, Affinity.REAL, null),
                    column("made at", "made at", PgKind.TIMESTAMP, Affinity.NUMERIC, TIME),
                    column("paid", "paid", PgKind.TIMESTAMP, Affinity.INTEGER, "%s"),
                    column("note", "note", PgKind.TEXT, Affinity.TEXT, null)),
                    List.of("id"), "id"),
            "tag", new Catalog.Relation("tag", List.of(
                    column("person_id", "person_id", PgKind.INTEGER, Affinity.INTEGER, null),
                    column("tag", "tag", PgKind.TEXT, Affinity.TEXT, null)),
                    List.of("person_id", "tag"), null),
            "half", new Catalog.Relation("half", List.of(column("id", "id", PgKind.INTEGER, Affinity.INTEGER, null),
                    new Catalog.NamedColumn("gone", Columns.NOT_CARRIED)), List.of("id"), "id"));

    private static Target target;
    private static Connection postgres;
    private static Connection sqlite;
    private static int made;

    private static Catalog.NamedColumn column(String source, String target, PgKind kind, Affinity affinity,
            String form) {
        return new Catalog.NamedColumn(source, new Columns.Column(target, kind, affinity, "BINARY", form));
    }

    @BeforeAll
    static void start() throws Exception {
        target = PostgresForTests.fresh();
        postgres = target.dedicated();
        sqlite = DriverManager.getConnection("jdbc:sqlite::memory:");
        execute(sqlite, """
                CREATE TABLE Person(Id INTEGER PRIMARY KEY, Name TEXT, active BOOLEAN, born DATE, boss INTEGER,
                    mail TEXT COLLATE NOCASE)""");
        execute(sqlite, """
                CREATE TABLE "Order"(id INTEGER PRIMARY KEY, person_id INTEGER, amount DECIMAL, weight REAL,
                    "made at" DATETIME, paid INTEGER, note TEXT)""");
        execute(sqlite, "CREATE TABLE tag(person_id INTEGER, tag TEXT, PRIMARY KEY(person_id, tag))");
        execute(postgres, """
                CREATE EXTENSION citext;
                CREATE TABLE person(id bigint PRIMARY KEY, name text COLLATE "en-x-icu", active boolean, born date,
                    boss integer, mail citext);
                CREATE TABLE "order"(id bigint PRIMARY KEY, person_id bigint, amount numeric, weight double precision,
                    "made at" timestamp, paid timestamp, note text COLLATE "en-x-icu");
                CREATE TABLE tag(person_id bigint, tag text COLLATE "en-x-icu", PRIMARY KEY(person_id, tag))""");
        String[] people = {
            "(1, 'Ann', 1, '1990-05-01', NULL, 'Ann@X.org')", "(2, 'bob', 0, '1985-12-31', 1, 'bob@x.org')",
            "(3, 'Änne', 1, NULL, 1, NULL)", "(4, 'ann', NULL, '2000-02-29', 2, 'ANN@x.org')",
            "(5, NULL, 0, '1990-01-01', 9, '')"};
        for (String person : people) {
            execute(sqlite, "INSERT INTO person VALUES " + person);
            execute(postgres, "INSERT INTO person VALUES "
                    + person.replaceFirst("^(\\(\\d, [^,]+, [01]),", "$1::int::boolean,"));
        }
        String[] orders = {
            "(1, 1, 10, 1.5, '2024-01-31 10:00:00', 1706695200, 'first')",
            "(2, 1, 2.5, 0.25, '2024-02-29 23:59:59', 1709251199, '')",
            "(3, 2, 7.25, NULL, '2023-12-31 00:00:00', NULL, NULL)",
            "(4, 3, 0, 3, NULL, 0, 'x')", "(5, NULL, 100, 8.125, '2024-01-01 00:00:00', 1704067200, 'Zz')",
            "(6, 4, NULL, 2.5, '2024-03-01 12:30:00', 1709296200, 'first')"};
        for (String order : orders) {
            execute(sqlite, "INSERT INTO \"Order\" VALUES " + order);
            execute(postgres, "INSERT INTO \"order\" VALUES "
                    + order.replaceFirst("(\\d{10}|(?<=NULL, )0)(?=, '[^,]*\\)$)",
                    "to_timestamp($1) AT TIME ZONE 'UTC'"));
        }
        for (String tag : List.of("(1, 'b')", "(1, 'a')", "(2, 'B')", "(3, 'ä')", "(9, 'z')")) {
            execute(sqlite, "INSERT INTO tag VALUES " + tag);
            execute(postgres, "INSERT INTO tag VALUES " + tag);
        }
    }

    @AfterAll
    static void stop() throws Exception {
        sqlite.close();
        postgres.close();
        PostgresForTests.drop(target);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "SELECT * FROM person",
        "SELECT person.*, o.id, o.note FROM person JOIN \"Order\" AS o ON o.person_id = person.id",
        "SELECT id AS ID, name||' <'||coalesce(mail, '-')||'>' AS label FROM person ORDER BY name DESC, id",
        "SELECT name FROM person ORDER BY 1", "SELECT name n, boss FROM person ORDER BY n COLLATE NOCASE, boss",
        "SELECT count(*), count(name), count(DISTINCT boss), sum(boss), avg(boss), min(name), max(boss) FROM person",
        "SELECT active, count(*) FROM person GROUP BY active ORDER BY active DESC",
        "SELECT boss b, count(*) AS n FROM person GROUP BY b HAVING n > 1",
                "SELECT boss, count(*) FROM person GROUP BY 1",
        "SELECT p.id, p.name, sum(o.amount) total FROM person p LEFT JOIN \"Order\" o ON o.person_id = p.id "
                + "GROUP BY p.id",
        "SELECT lower(name) AS l, count(*) FROM person GROUP BY lower(name) ORDER BY l",
        "SELECT upper(lower(name)), count(*) + 1 FROM person GROUP BY lower(name)",
        "SELECT p.name, b.name FROM person p LEFT JOIN person b ON b.id = p.boss",
        "SELECT p.name, t.tag FROM person p, tag t WHERE t.person_id = p.id",
        "SELECT o.*, tag FROM (SELECT id, person_id FROM \"Order\") o JOIN tag USING (person_id) ORDER BY o.id, tag",
                "SELECT person_id, tag FROM tag NATURAL JOIN \"Order\"",
        "SELECT * FROM tag t LEFT JOIN (SELECT person_id, amount FROM \"Order\") USING (person_id)",
                "SELECT count(*) FROM person JOIN tag",
        "SELECT p.name FROM person p RIGHT JOIN tag t ON t.person_id = p.id",
                "SELECT 1 AS one, NULL AS n, 'x' AS x, 2.5 r, x'00' b",
        "SELECT name FROM person WHERE active", "SELECT name FROM person WHERE NOT active OR boss",
                "SELECT id FROM person WHERE name LIKE 'a%'",
        "SELECT name, active = 1 AS is_active, id > 2 big FROM person",
                "SELECT DISTINCT boss FROM person ORDER BY boss DESC",
        "SELECT name FROM person UNION SELECT tag FROM tag ORDER BY 1",
                "SELECT id FROM person INTERSECT SELECT person_id FROM tag",
        "SELECT id, name FROM person EXCEPT SELECT person_id, tag FROM tag UNION ALL SELECT 7, NULL",
        "SELECT id FROM person UNION ALL SELECT 1 UNION SELECT person_id FROM tag INTERSECT SELECT 1",
        "SELECT NULL AS a UNION ALL SELECT id FROM person", "SELECT active FROM person UNION ALL SELECT 1",
        "VALUES (1, 'a'), (2, NULL)",
                "SELECT * FROM (SELECT id, name AS n FROM person WHERE id < 4) s WHERE s.n IS NOT NULL",
        "WITH a AS (SELECT id, boss FROM person), b(x) AS (SELECT boss FROM a) SELECT a.id, x FROM a JOIN b ON "
                + "x = a.id",
        "WITH RECURSIVE up(id, depth) AS (SELECT id, 0 FROM person WHERE boss IS NULL UNION ALL "
                + "SELECT p.id, up.depth + 1 FROM person p JOIN up ON p.boss = up.id) SELECT * FROM up ORDER BY "
                        + "depth, id",
        "WITH c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < 5) SELECT n FROM c",
        "SELECT name, (SELECT count(*) FROM \"Order\" o WHERE o.person_id = p.id) AS orders FROM person p",
        "SELECT name, (SELECT max(amount) FROM \"Order\" WHERE person_id = person.id) FROM person",
        "SELECT id, (SELECT tag FROM tag WHERE person_id = person.id ORDER BY tag DESC) AS tag FROM person",
        "SELECT name FROM person p WHERE EXISTS (SELECT * FROM tag WHERE person_id = p.id)",
        "SELECT name FROM person WHERE id IN (SELECT person_id FROM tag)",
                "SELECT id FROM person WHERE id NOT IN (SELECT person_id FROM \"Order\")",
        "SELECT name FROM person WHERE name IN (SELECT note FROM \"Order\")",
                "SELECT id FROM person WHERE mail IN (SELECT lower(mail) FROM person)",
        "SELECT id FROM person ORDER BY id LIMIT 2 OFFSET 1", "SELECT id FROM person ORDER BY id DESC LIMIT 1, 2",
                "SELECT id FROM person LIMIT -1",
        "SELECT id, row_number() OVER (ORDER BY name DESC) AS n FROM person",
                "SELECT id, sum(boss) OVER (ORDER BY id) s FROM person",
        "SELECT id, lag(name) OVER w AS before, rank() OVER w FROM person WINDOW w AS (PARTITION BY boss ORDER BY id)",
        "SELECT id, count(*) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM person",
        "SELECT boss, sum(count(*)) OVER (ORDER BY boss) FROM person GROUP BY boss",
        "SELECT strftime('%Y', \"made at\") AS y, count(*) FROM \"Order\" GROUP BY y ORDER BY y",
        "SELECT date(\"made at\"), datetime(\"made at\", '+1 day'), date(\"made at\", 'start of month', '+1 "
                + "month', '-1 day') FROM \"Order\"",
        "SELECT id FROM \"Order\" WHERE \"made at\" >= '2024-01-01'",
                "SELECT id FROM \"Order\" WHERE \"made at\" < '2024-01-31 10:00:00'",
        "SELECT CAST(strftime('%m', \"made at\") AS INTEGER) + 1 m, julianday(\"made at\") - julianday('now') < "
                + "0 past FROM \"Order\"",
        "SELECT datetime(paid, 'unixepoch') FROM \"Order\"", "SELECT id FROM \"Order\" WHERE paid > 1706000000",
                "SELECT paid || 's' AS p FROM \"Order\"",
        "SELECT id FROM \"Order\" ORDER BY \"made at\" DESC",
                "SELECT max(\"made at\"), min(born) FROM \"Order\", person",
        "SELECT born || '!' AS b, born < '1990-05-01' AS c, born = '1990-01-01' d FROM person",
                "SELECT unixepoch(\"made at\") u FROM \"Order\"",
        "SELECT CASE WHEN amount > 5 THEN 'much' ELSE 'little' END AS size, count(*) FROM \"Order\" GROUP BY size",
        "SELECT sum(weight), total(weight), avg(weight), total(boss) FROM \"Order\" JOIN person p ON p.id = person_id",
        "SELECT count(*) FILTER (WHERE active) AS n, sum(active) s, max(active) m FROM person",
                "SELECT rowid, oid AS o FROM person",
        "SELECT id FROM person WHERE \"no such column\" <> name", "SELECT id AS a, id AS a, id FROM person",
                "SELECT (id), +id, -id FROM person",
        "SELECT p.id FROM (person p JOIN tag t ON t.person_id = p.id) LEFT JOIN \"Order\" o ON o.person_id = p.id",
        "SELECT main.person.name FROM main.person",
                "SELECT name FROM person WHERE id = 1 OR name = 'bob' COLLATE NOCASE",
        "SELECT iif(active, 'yes', 'no') AS a, ifnull(name, '?') FROM person",
                "SELECT total(amount) > 100 AS rich FROM \"Order\"",
        "SELECT count(*) c FROM person GROUP BY boss ORDER BY count(*) DESC, boss",
                "SELECT id FROM person WHERE (boss, active) = (1, 0)",
        "SELECT name FROM (SELECT name FROM person UNION SELECT note FROM \"Order\") ORDER BY name DESC",
        "SELECT o.id FROM \"Order\" o WHERE o.amount = (SELECT max(amount) FROM \"Order\")",
                "SELECT id x FROM person WHERE x > 2",
        "SELECT t.person_id, p.name FROM tag t LEFT JOIN person p ON p.id = t.person_id AND p.active ORDER BY 1, 2"
    })
    void viewShowsTheSameRowsUnderTheSameNames(String query) throws SQLException {
        String name = "v" + ++made;
        String create = "CREATE VIEW " + name + " AS " + query;
        execute(sqlite, create);
        ViewTranslator.View view = translator().translate(List.of(source(name, create))).get(0);
        assertThat(view.translation()).as(() -> view.translation().toString()).isInstanceOf(Translation.Sql.class);
        String sql = ((Translation.Sql) view.translation()).text();
        try {
            execute(postgres, "CREATE VIEW " + name + " AS " + sql);
        } catch (SQLException e) {
            throw new AssertionError(sql, e);
        }
        assertThat(view.columns()).as(sql).extracting(Catalog.NamedColumn::sourceName).isEqualTo(names(name));
        boolean sorted = query.contains("ORDER BY") && !query.contains("OVER") && !query.contains("ORDER BY tag DESC)");
        assertThat(rows(postgres, name, sorted)).as(sql).isEqualTo(rows(sqlite, name, sorted));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
        "SELECT name, count(*) FROM person GROUP BY boss | not in its GROUP BY",
        "SELECT name, count(*) FROM person | not in its GROUP BY",
        "SELECT mail, count(*) FROM person GROUP BY mail | differ in case",
        "SELECT DISTINCT mail FROM person | differ in case",
        "SELECT name FROM sqlite_master | SQLite's own table",
        "SELECT name FROM nowhere | does not exist",
        "SELECT value FROM json_each('[1]') | table-valued function",
        "SELECT id FROM person UNION SELECT name FROM person | one type in one part",
        "SELECT round(amount, 2) FROM \"Order\" | decimal places",
        "SELECT date(name) FROM person | whose form is not known",
        "SELECT id FROM person WHERE paid = 1 | no column paid",
        "SELECT person_id FROM tag JOIN \"Order\" USING (id) | USING",
        "SELECT rowid FROM tag | hidden rowid",
        "SELECT datetime('now', 'localtime') AS t | local time zone",
        "SELECT * FROM half | the column gone", "SELECT id FROM half WHERE \"gone\" = 'x' | the column gone",
        "WITH a AS (SELECT * FROM tag), tag AS (SELECT 1 AS x) SELECT * FROM a | before defining it",
    })
    void viewThatCouldDifferIsRefusedWithItsReason(String query, String reason) {
        ViewTranslator.View view = translator().translate(List.of(source("v", "CREATE VIEW v AS " + query))).get(0);
        assertThat(view.translation()).as(() -> view.translation().toString()).isInstanceOf(Translation.Refused.class);
        assertThat(((Translation.Refused) view.translation()).reason()).contains(reason);
    }

    @Test
    void viewStandsBehindTheViewsThatItReads() throws SQLException {
        String outer = "CREATE VIEW w_outer(a, b) AS SELECT * FROM w_inner WHERE Label <> ''";
        String inner = "CREATE VIEW w_inner AS SELECT Id, Name AS Label FROM Person";
        execute(sqlite, outer);
        execute(sqlite, inner);
        List<ViewTranslator.View> views = translator()
                .translate(List.of(source("w_outer", outer), source("w_inner", inner)));
        assertThat(views).extracting(ViewTranslator.View::targetName).containsExactly("w_inner", "w_outer");
        for (ViewTranslator.View view : views) {
            execute(postgres, "CREATE VIEW " + view.targetName() + " AS "
                    + ((Translation.Sql) view.translation()).text());
        }
        assertThat(rows(postgres, "w_outer", false)).isEqualTo(rows(sqlite, "w_outer", false));
        assertThat(views.get(1).columns()).extracting(Catalog.NamedColumn::sourceName).containsExactly("a", "b");
    }

    @Test
    void viewOverARefusedViewIsRefused() {
        List<ViewTranslator.View> views = translator().translate(List.of(
                source("a", "CREATE VIEW a AS SELECT * FROM b"),
                        source("b", "CREATE VIEW b AS SELECT * FROM nowhere")));
        assertThat(views).allMatch(view -> view.translation() instanceof Translation.Refused);
    }

    private static ViewTranslator translator() {
        return new ViewTranslator(table -> TABLES.get(Identifiers.foldAscii(table)),
                new Identifiers(Identifiers.Policy.FOLD));
    }

    private static SourceObject source(String name, String sql) {
        return new SourceObject(SourceObject.Kind.VIEW, name, name, sql);
    }

    private static List<String> names(String view) throws SQLException {
        List<String> names = new ArrayList<>();
        try (Statement statement = sqlite.createStatement();
                ResultSet row = statement.executeQuery("SELECT name FROM pragma_table_info('" + view + "')")) {
            while (row.next()) {
                names.add(row.getString(1));
            }
        }
        return names;
    }

    private static List<List<String>> rows(Connection connection, String view, boolean sorted) throws SQLException {
        List<List<String>> rows = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT * FROM " + view)) {
            while (row.next()) {
                List<String> values = new ArrayList<>();
                for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                    values.add(canonical(row.getObject(i)));
                }
                rows.add(values);
            }
        }
        if (!sorted) {
            rows.sort(Comparator.comparing(List::toString));
        }
        return rows;
    }

    /**
     * One spelling for values that are equal: numbers without their type, true as 1, a time as its epoch or SQLite
     * text.
     */
    private static String canonical(Object value) {
        if (value instanceof Boolean flag) {
            return flag ? "1" : "0";
        } else if (value instanceof Number number) {
            double plain = number.doubleValue();
            return plain == Math.rint(plain) ? Long.toString((long) plain) : Double.toString(plain);
        } else if (value instanceof byte[] bytes) {
            return java.util.HexFormat.of().formatHex(bytes);
        } else if (value instanceof java.sql.Timestamp time) {
            return time.toString().replaceFirst("\\.0$", "");
        }
        return String.valueOf(value);
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
