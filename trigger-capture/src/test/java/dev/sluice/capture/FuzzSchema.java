package dev.sluice.capture;

import java.util.List;

/**
 * A schema to fuzz: each shows a way in which SQLite changes rows that a trigger does not see, or sees differently.
 *
 * @param since the first version of SQLite that reads it
 */
record FuzzSchema(String name, String since, List<String> values, List<String> ddl) {

    private static final List<String> ALL_VALUES = List.of(
            "NULL", "0", "1", "2", "3", "4", "5", "6", "1.0", "0.0", "-0.0", "2.5", "'a'", "'A'", "'b'", "'B '",
            "'a '", "'1'",
            "'1.0'", "''", "x'61'", "x''", "9223372036854775807", "9223372036854775807.0", "CAST(x'ff00' AS TEXT)",
            "'a' || char(0)");

    static final List<FuzzSchema> ALL = List.of(
            of("integer key with unique columns", """
                    CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE COLLATE NOCASE, b, c, UNIQUE(b, c))"""),
            of("text key", """
                    CREATE TABLE t(k TEXT NOT NULL PRIMARY KEY, a INT UNIQUE, b)"""),
            of("key that ignores case", """
                    CREATE TABLE t(k TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, a COLLATE RTRIM UNIQUE, b)"""),
            of("key compared otherwise than its column", """
                    CREATE TABLE t(k TEXT NOT NULL COLLATE NOCASE, l TEXT NOT NULL, b UNIQUE,
                        PRIMARY KEY(k COLLATE BINARY, l COLLATE RTRIM))"""),
            of("without rowid", """
                    CREATE TABLE t(k TEXT COLLATE NOCASE, l, a UNIQUE, b, PRIMARY KEY(l DESC, k)) WITHOUT ROWID""").since("3.8.2"),
            // before, SQLite itself did not find such a row again if an integer beyond 2^53 was written into its key
            of("without rowid, real key", """
                    CREATE TABLE u(k REAL, l NUMERIC, a, PRIMARY KEY(k, l)) WITHOUT ROWID""").since("3.31.0"),
            of("typeless key", """
                    CREATE TABLE t(k NOT NULL PRIMARY KEY, a, b UNIQUE)""", """
                    CREATE TABLE u(k PRIMARY KEY, a) WITHOUT ROWID""").since("3.8.2"),
            of("no key, partial and expression indexes", """
                    CREATE TABLE t(a TEXT NOT NULL DEFAULT 'X', b INT NOT NULL DEFAULT 2, c TEXT COLLATE NOCASE, d)""", """
                    CREATE UNIQUE INDEX t1 ON t(lower(a), b)""", """
                    CREATE UNIQUE INDEX t2 ON t(c COLLATE RTRIM DESC) WHERE b > 1 AND c <> "a\"""", """
                    CREATE UNIQUE INDEX t3 ON t(coalesce(d, "none") || a COLLATE NOCASE) WHERE t.b = 3""", """
                    CREATE UNIQUE INDEX t4 ON t((a COLLATE BINARY || b) COLLATE NOCASE)""").since("3.9.0"),
            of("expressions that compare", """
                    CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT COLLATE NOCASE, n INT, o, d NUMERIC NOT NULL DEFAULT '7')""", """
                    CREATE UNIQUE INDEX t1 ON t(CASE WHEN s = 1 OR n = '2' THEN o END)""", """
                    CREATE UNIQUE INDEX t2 ON t(s = 'a', n IN ('1', '2', 5), d || '')""", """
                    CREATE UNIQUE INDEX t3 ON t(typeof(o), CAST(o AS TEXT), n)""").with("1", "2", "'1'", "'a'", "'A'", "NULL", "2.0").since("3.9.0"),
            of("generated columns", """
                    CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT 'b', b INT,
                        g TEXT COLLATE NOCASE GENERATED ALWAYS AS (a || coalesce(b, 0)) VIRTUAL UNIQUE,
                        h INT AS (b % 3) STORED, i AS (h + 1))""", """
                    CREATE UNIQUE INDEX t1 ON t(i, a) WHERE h > 0""", """
                    CREATE TABLE u(k TEXT NOT NULL PRIMARY KEY, a, g AS (lower(a)) UNIQUE)""").with("NULL", "1", "2", "'b'", "'B'", "'b0'").since("3.31.0"),
            of("rows that refer to themselves", """
                    CREATE TABLE t(id INTEGER PRIMARY KEY, p INT REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE, a UNIQUE)""", """
                    CREATE TABLE u(k TEXT NOT NULL PRIMARY KEY, p TEXT REFERENCES u(k) ON DELETE CASCADE ON UPDATE SET NULL,
                        b INT UNIQUE)""").with("NULL", "1", "2", "3", "4"),
            of("cascades", """
                    CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT UNIQUE)""", """
                    CREATE TABLE q(k TEXT NOT NULL DEFAULT 'a' PRIMARY KEY REFERENCES p(a) ON DELETE SET DEFAULT ON UPDATE CASCADE,
                        p INT REFERENCES p ON DELETE SET NULL ON UPDATE CASCADE)""", """
                    CREATE TABLE r(id INTEGER PRIMARY KEY, q TEXT UNIQUE REFERENCES q ON DELETE CASCADE ON UPDATE CASCADE,
                        p INT REFERENCES p ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)""").with("NULL", "1", "2", "3", "'a'"),
            of("references of another affinity", """
                    CREATE TABLE p(k TEXT NOT NULL PRIMARY KEY, a INT UNIQUE)""", """
                    CREATE TABLE q(k NOT NULL, l TEXT NOT NULL DEFAULT '02', b, PRIMARY KEY(k, l)) WITHOUT ROWID""", """
                    CREATE TABLE c(id INTEGER PRIMARY KEY, p INT REFERENCES p ON DELETE SET NULL ON UPDATE CASCADE,
                        k NUMERIC, l REAL, FOREIGN KEY(k, l) REFERENCES q ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)""", """
                    CREATE INDEX cp ON c(p)""", """
                    CREATE INDEX ck ON c(k, l)""", """
                    CREATE TABLE s(k TEXT NOT NULL PRIMARY KEY, p INTEGER REFERENCES s ON DELETE CASCADE ON UPDATE CASCADE)""", """
                    CREATE INDEX sp ON s(p)""").with("NULL", "1", "'1'", "'01'", "'2'", "'02'", "'2.0'", "2.5", "'2.50'", "'1e1'", "' 3'").since("3.8.2"),
            of("triggers of the application", """
                    CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, b, touched INT DEFAULT 0)""", """
                    CREATE TABLE log(k TEXT PRIMARY KEY NOT NULL, n INT UNIQUE)""", """
                    CREATE TRIGGER touch AFTER UPDATE OF a, b ON t BEGIN UPDATE t SET touched = touched + 1 WHERE id = new.id; END""", """
                    CREATE TRIGGER note AFTER INSERT ON t BEGIN INSERT OR REPLACE INTO log VALUES (coalesce(new.a, 'none'), new.id % 3); END""", """
                    CREATE TRIGGER ignored BEFORE INSERT ON t WHEN new.b = 'b' BEGIN SELECT RAISE(IGNORE); END""", """
                    CREATE TRIGGER late AFTER UPDATE ON t WHEN new.b = 1 BEGIN SELECT RAISE(IGNORE); END""", """
                    CREATE TRIGGER chain AFTER DELETE ON t BEGIN DELETE FROM t WHERE id = old.id + 1;
                        INSERT OR IGNORE INTO log VALUES (old.b, old.id); END""", """
                    CREATE TRIGGER shift BEFORE INSERT ON t WHEN new.id = 3 BEGIN UPDATE OR REPLACE t SET a = new.a WHERE id = 4; END""", """
                    CREATE VIEW v AS SELECT a, b FROM t""", """
                    CREATE TRIGGER through INSTEAD OF INSERT ON v BEGIN REPLACE INTO t(a, b) VALUES (new.a, new.b); END"""),
            of("conflict clauses in the schema", """
                    CREATE TABLE t(k TEXT NOT NULL ON CONFLICT REPLACE DEFAULT a PRIMARY KEY ON CONFLICT REPLACE,
                        a INT NOT NULL ON CONFLICT REPLACE DEFAULT (1 + 1 -- two
                        ) UNIQUE ON CONFLICT REPLACE, b UNIQUE ON CONFLICT IGNORE)""", """
                    CREATE TABLE u(id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a TEXT NOT NULL DEFAULT 5 UNIQUE ON CONFLICT FAIL,
                        b NOT NULL ON CONFLICT REPLACE DEFAULT (abs(random()) % 6) UNIQUE)""").with("NULL", "NULL", "0", "1", "2", "3", "4", "5", "'a'"),
            of("strict", """
                    CREATE TABLE t(k ANY NOT NULL PRIMARY KEY, a ANY UNIQUE, b INT) STRICT""", """
                    CREATE TABLE u(a TEXT, b INTEGER, c REAL UNIQUE, PRIMARY KEY(a, b)) STRICT, WITHOUT ROWID""").since("3.37.0"),
            of("descending integer key, nullable key, hidden rowid names", """
                    CREATE TABLE t(id INTEGER NOT NULL PRIMARY KEY DESC, a UNIQUE)""", """
                    CREATE TABLE u(k TEXT PRIMARY KEY, a UNIQUE, rowid TEXT)""", """
                    INSERT INTO u VALUES (NULL, 1, 1)""", """
                    INSERT INTO u VALUES (NULL, 2, 2)""", """
                    CREATE TABLE w(k TEXT NOT NULL PRIMARY KEY, a UNIQUE, _rowid_ INT, "order" INT, "quo""te" UNIQUE)"""));

    private static FuzzSchema of(String name, String... ddl) {
        return new FuzzSchema(name, "3.7.0", ALL_VALUES, List.of(ddl));
    }

    /** With few values rows collide and refer to each other much more often. */
    private FuzzSchema with(String... few) {
        return new FuzzSchema(name, since, List.of(few), ddl);
    }

    private FuzzSchema since(String version) {
        return new FuzzSchema(name, version, values, ddl);
    }
}
