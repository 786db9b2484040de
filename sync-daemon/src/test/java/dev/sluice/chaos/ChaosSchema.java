package dev.sluice.chaos;

import java.util.ArrayList;
import java.util.List;

/** The tables that the application writes, each a way in which rows change without a trigger seeing it plainly. */
final class ChaosSchema {

    /** Cents that all accounts hold together, whatever is moved between them. */
    static final long CENTS = 200 * 1_000L;

    /** What random values of a column look like. */
    enum Kind {
        KEY, SMALL, COUNT, WORD, ANY, REAL, FLAG, TIME, PRICE, DOCUMENT, BYTES
    }

    record Column(String name, Kind kind) {}

    /**
     * A table.
     *
     * @param body what stands behind its name in CREATE TABLE
     * @param key columns that name a row, empty if it has no key
     * @param after its indexes and triggers, to be made again after a rebuild
     * @param random true if random statements may do anything to it
     */
    record Table(String name, String body, List<Column> columns, List<String> key, List<String> after, boolean random) {

        String create(String as) {
            return "CREATE TABLE " + as + body;
        }

        List<String> names() {
            return columns.stream().map(Column::name).toList();
        }

        /** As it is now, when columns may have been added since. */
        Table as(String currentBody, List<Column> currentColumns) {
            return new Table(name, currentBody, currentColumns, key, after, random);
        }

        String list() {
            return String.join(", ", names());
        }
    }

    static final List<Table> TABLES = List.of(
            table("accounts", """
                    (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, cents INTEGER NOT NULL)""",
                    "id KEY, name WORD, cents SMALL", "id", false),
            table("ledger", "(transfer INTEGER NOT NULL, account INTEGER, cents INTEGER NOT NULL)",
                    "transfer KEY, account KEY, cents SMALL", "", false,
                    "CREATE INDEX ledger_transfer ON ledger(transfer)"),
            table("users", """
                    (id INTEGER PRIMARY KEY, mail TEXT COLLATE NOCASE UNIQUE, name TEXT, org INTEGER, slug TEXT,
                     score REAL, touched INTEGER NOT NULL DEFAULT 0)""",
                    "id KEY, mail WORD, name WORD, org SMALL, slug WORD, score REAL, touched COUNT", "id", true,
                    "CREATE UNIQUE INDEX users_slug ON users(org, slug) WHERE org > 2",
                    "CREATE UNIQUE INDEX users_name ON users(lower(name), org)",
                    "CREATE INDEX users_score ON users(score)", """
                    CREATE TRIGGER users_touch AFTER UPDATE OF name, slug ON users BEGIN
                      UPDATE users SET touched = touched + 1 WHERE id = NEW.id;
                      INSERT INTO audit VALUES (NEW.name, changes());
                    END"""),
            table("audit", "(what TEXT, n INTEGER)", "what WORD, n SMALL", "", true),
            table("kv", "(k TEXT NOT NULL PRIMARY KEY, v, n INTEGER UNIQUE, r TEXT UNIQUE ON CONFLICT REPLACE)",
                    "k WORD, v ANY, n KEY, r WORD", "k", true),
            table("pairs", "(a TEXT, b INTEGER, v BLOB, u INTEGER UNIQUE, PRIMARY KEY (b DESC, a)) WITHOUT ROWID",
                    "a WORD, b SMALL, v BYTES, u KEY", "b,a", true),
            table("lines", "(line TEXT, v)", "line WORD, v ANY", "", true),
            table("nodes", """
                    (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES nodes ON DELETE CASCADE ON UPDATE CASCADE,
                     label TEXT UNIQUE)""", "id KEY, parent KEY, label WORD", "id", true,
                    "CREATE INDEX nodes_parent ON nodes(parent)"),
            table("parents", "(id INTEGER PRIMARY KEY, code TEXT UNIQUE)", "id KEY, code WORD", "id", true),
            table("children", """
                    (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents ON DELETE CASCADE ON UPDATE CASCADE,
                     code TEXT REFERENCES parents(code) ON DELETE SET NULL ON UPDATE CASCADE
                       DEFERRABLE INITIALLY DEFERRED,
                     v TEXT)""", "id KEY, parent KEY, code WORD, v WORD", "id", true,
                    "CREATE INDEX children_parent ON children(parent)", "CREATE INDEX children_code ON children(code)"),
            table("facts", """
                    (id INTEGER PRIMARY KEY AUTOINCREMENT, flag BOOLEAN, at DATETIME, price DECIMAL(10, 2), doc JSON,
                     data BLOB, anything, g TEXT GENERATED ALWAYS AS (coalesce(price, 0) || '') VIRTUAL)""",
                    "id KEY, flag FLAG, at TIME, price PRICE, doc DOCUMENT, data BYTES, anything ANY", "id", true),
            table("still", "(id INTEGER PRIMARY KEY, v TEXT)", "id KEY, v WORD", "id", false));

    /** Tables that come and go, and are written while they are there, have names that begin so. */
    static final String PASSING = "passing_";

    /** Columns that are added have names that begin so. */
    static final String ADDED = "extra";

    /** Keys that initial rows have and random statements choose from. */
    static final int KEYS = 1_500;

    private static final int STILL = 20_000;

    private ChaosSchema() {}

    private static Table table(String name, String body, String columns, String key, boolean random, String... after) {
        List<Column> all = List.of(columns.split(", ")).stream().map(column -> column.split(" "))
                .map(column -> new Column(column[0], Kind.valueOf(column[1]))).toList();
        return new Table(name, body, all, key.isEmpty() ? List.of() : List.of(key.split(",")), List.of(after), random);
    }

    /** Statements that make the schema with rows of every kind that will come, so that every column's type holds them. */
    static List<String> statements() {
        List<String> statements = new ArrayList<>();
        TABLES.forEach(table -> statements.add(table.create(table.name())));
        statements.add("WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < " + STILL + ")"
                + " INSERT INTO still SELECT i, 'still ' || i FROM g");
        String some = " FROM still WHERE id <= " + KEYS;
        statements.add("INSERT INTO accounts SELECT id, 'account ' || id, 1000 FROM still WHERE id <= " + CENTS / 1000);
        statements.add("INSERT INTO users SELECT id, 'mail' || id, 'w' || id, id % 7, 'w' || id, id / 7.0, 0" + some);
        statements.add("INSERT INTO audit SELECT 'w' || id, id" + some);
        statements.add("INSERT INTO kv SELECT 'w' || id, CASE id % 6 WHEN 0 THEN NULL WHEN 1 THEN id"
                + " WHEN 2 THEN 'a' || char(0) WHEN 3 THEN x'00ff' WHEN 4 THEN id / 3.0 ELSE CAST(x'ff61' AS TEXT) END, id, 'r' || id" + some);
        statements.add("INSERT INTO pairs SELECT 'w' || id, id % 30, randomblob(id % 40), id" + some);
        statements.add("INSERT INTO lines SELECT 'w' || id, CASE id % 3 WHEN 0 THEN id WHEN 1 THEN x'61'"
                + " ELSE 'a' || char(0) END" + some);
        statements.add("INSERT INTO nodes SELECT id, nullif(id / 4, 0), 'w' || id" + some);
        statements.add("INSERT INTO parents SELECT id, 'w' || id" + some + " AND id % 5 = 0");
        statements.add("INSERT INTO children SELECT id, (1 + id % 200) * 5, 'w' || (1 + id % 200) * 5, 'w' || id" + some);
        statements.add("INSERT INTO facts SELECT id, id % 2, datetime(1700000000 + id * 1000, 'unixepoch'),"
                + " round(id / 3.0, 2), '{\"a\": ' || id || '}', randomblob(id % 20),"
                + " CASE id % 4 WHEN 0 THEN NULL WHEN 1 THEN id WHEN 2 THEN x'' ELSE 'a' || char(0) END" + some);
        TABLES.forEach(table -> statements.addAll(table.after()));
        return statements;
    }

    /** Statements after which every value is one of those that a column's type was chosen for. */
    static List<String> mending() {
        return List.of("UPDATE facts SET flag = NULL WHERE typeof(flag) <> 'integer' OR flag NOT IN (0, 1)",
                "UPDATE facts SET at = NULL WHERE datetime(at) IS NOT at",
                "UPDATE facts SET price = NULL WHERE typeof(price) NOT IN ('integer', 'real') OR abs(price) > 1e6",
                "UPDATE facts SET doc = NULL WHERE typeof(doc) <> 'text' OR NOT json_valid(doc)",
                "UPDATE users SET score = NULL WHERE typeof(score) <> 'real'");
    }

    // ---- table rebuilds, each a list of statements for one connection ----

    /** As Django's schema editor: a new table under another name takes the place of the old one. */
    static List<String> rebuildAsDjango(Table table) {
        return together(table, table.create("\"new__" + table.name() + "\""), into("new__" + table.name(), table,
                table.name()), "DROP TABLE " + quoted(table), renamed("new__" + table.name(), table.name()));
    }

    /** As Rails: out into a temporary table, and back into a new one. */
    static List<String> rebuildAsRails(Table table) {
        return together(table, "CREATE TEMPORARY TABLE \"a" + table.name() + "\" AS SELECT " + table.list() + " FROM "
                + quoted(table), "DROP TABLE " + quoted(table), table.create(quoted(table)),
                into(table.name(), table, "a" + table.name()), "DROP TABLE \"a" + table.name() + "\"");
    }

    /** As tools that rename the old table away first. */
    static List<String> rebuildAside(Table table) {
        List<String> all = new ArrayList<>(together(table, renamed(table.name(), table.name() + "_old"),
                table.create(quoted(table)), into(table.name(), table, table.name() + "_old"),
                "DROP TABLE \"" + table.name() + "_old\""));
        all.add(0, "PRAGMA legacy_alter_table = ON");
        all.add("PRAGMA legacy_alter_table = OFF");
        return all;
    }

    /**
     * As Alembic's batch mode through Python's sqlite3, which opens a transaction at the first INSERT only: for a moment
     * the empty table is there beside the old one.
     */
    static List<String> rebuildAsAlembic(Table table) {
        String young = "_alembic_tmp_" + table.name();
        List<String> all = new ArrayList<>(List.of("PRAGMA foreign_keys = OFF", table.create("\"" + young + "\""),
                "BEGIN IMMEDIATE", into(young, table, table.name()), "DROP TABLE " + quoted(table),
                renamed(young, table.name())));
        all.addAll(table.after());
        all.add("COMMIT");
        return all;
    }

    private static List<String> together(Table table, String... steps) {
        List<String> all = new ArrayList<>(List.of("PRAGMA foreign_keys = OFF", // which has no effect in a transaction
                "BEGIN IMMEDIATE"));
        all.addAll(List.of(steps));
        all.addAll(table.after());
        all.add("COMMIT");
        return all;
    }

    private static String quoted(Table table) {
        return "\"" + table.name() + "\"";
    }

    private static String into(String to, Table table, String from) {
        return "INSERT INTO \"" + to + "\" (" + table.list() + ") SELECT " + table.list() + " FROM \"" + from + "\"";
    }

    private static String renamed(String from, String to) {
        return "ALTER TABLE \"" + from + "\" RENAME TO \"" + to + "\"";
    }
}
