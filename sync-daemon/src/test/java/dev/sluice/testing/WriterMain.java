package dev.sluice.testing;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/**
 * An application that writes until its standard input ends, then says how many transactions it committed. Arguments: the
 * file, a seed, transactions per second.
 */
public final class WriterMain {

    private static final int KEYS = 3_000;

    /** The tables that it expects, with rows; {@code still} is never written to. */
    public static final String[] SCHEMA = {
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, mail TEXT UNIQUE, score REAL)",
        "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT, n INTEGER UNIQUE)",
        "CREATE TABLE pairs (a TEXT, b INTEGER, v BLOB, PRIMARY KEY (a, b)) WITHOUT ROWID",
        "CREATE TABLE lines (line TEXT)",
        "CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT)",
        "CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents ON DELETE CASCADE, v TEXT)",
        "CREATE TABLE still (id INTEGER PRIMARY KEY, v TEXT)", "CREATE TABLE still_lines (v TEXT)",
        "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < " + KEYS + ") INSERT INTO users"
                + " SELECT i, 'name ' || i, 'mail' || i, i / 7.0 FROM g",
        "INSERT INTO kv SELECT 'k' || id, name, id FROM users",
        "INSERT INTO pairs SELECT 'a' || id % 50, id, randomblob(20) FROM users",
        "INSERT INTO lines SELECT name FROM users", "INSERT INTO parents SELECT id, name FROM users WHERE id <= 300",
        "INSERT INTO children SELECT id, 1 + id % 300, name FROM users",
        "INSERT INTO still SELECT id, name FROM users", "INSERT INTO still_lines SELECT name FROM users"};

    private WriterMain() {}

    public static void main(String[] arguments) throws Exception {
        Random random = new Random(Long.parseLong(arguments[1]));
        long pauseNanos = Duration.ofSeconds(1).toNanos() / Long.parseLong(arguments[2]);
        long committed = 0;
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + arguments[0]);
                Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA busy_timeout = 20000");
            statement.execute("PRAGMA foreign_keys = ON");
            while (System.in.available() == 0) {
                committed += transaction(statement, random) ? 1 : 0;
                LockSupport.parkNanos(pauseNanos);
            }
        }
        System.out.println(committed);
    }

    private static boolean transaction(Statement statement, Random random) throws SQLException {
        statement.execute("BEGIN IMMEDIATE");
        int statements = random.nextInt(20) == 0 ? 100 : 1 + random.nextInt(5);
        for (int i = 0; i < statements; i++) {
            try {
                statement.execute(write(random));
            } catch (SQLException e) {
                if ((e.getErrorCode() & 0xff) != 19) { // a unique value that is taken: the application's everyday life
                    throw e;
                }
            }
        }
        boolean commit = random.nextInt(10) > 0;
        statement.execute(commit ? "COMMIT" : "ROLLBACK");
        return commit;
    }

    private static String write(Random random) {
        int a = 1 + random.nextInt(KEYS * 11 / 10);
        int b = 1 + random.nextInt(KEYS * 11 / 10);
        String text = "'" + Long.toString(random.nextLong(), 36) + "'";
        return switch (random.nextInt(22)) {
            case 0 -> "INSERT INTO users (name, mail, score) VALUES (" + text + ", " + text + ", " + random.nextGaussian() + ")";
            case 1 -> "INSERT OR REPLACE INTO users VALUES (" + a + ", " + text + ", 'mail" + b + "', NULL)";
            case 2 -> "UPDATE users SET name = " + text + ", score = score * 1.1 WHERE id = " + a;
            case 3 -> "UPDATE users SET mail = 'mail" + b + "' WHERE id = " + a;
            case 4 -> "UPDATE OR REPLACE users SET mail = 'mail" + b + "' WHERE id = " + a;
            case 5 -> "UPDATE users SET id = " + (KEYS + b) + " WHERE id = " + a;
            case 6 -> "DELETE FROM users WHERE id = " + a;
            case 7 -> "REPLACE INTO kv VALUES ('k" + a + "', " + text + ", " + b + ")";
            case 8 -> "UPDATE kv SET k = k || 'x' WHERE n = " + a;
            case 9 -> "UPDATE kv SET n = -n WHERE n BETWEEN " + a + " AND " + (a + 5);
            case 10 -> "DELETE FROM kv WHERE k = 'k" + a + "'";
            case 11 -> "REPLACE INTO pairs VALUES ('a" + a % 50 + "', " + a + ", randomblob(" + random.nextInt(300) + "))";
            case 12 -> "UPDATE pairs SET a = 'b' || a WHERE b = " + a;
            case 13 -> "DELETE FROM pairs WHERE b = " + a;
            case 14 -> "INSERT INTO lines VALUES (" + text + ")";
            case 15 -> "UPDATE lines SET line = " + text + " WHERE rowid = " + a;
            case 16 -> "DELETE FROM lines WHERE rowid = " + a;
            case 17 -> "DELETE FROM parents WHERE id = " + (1 + random.nextInt(330));
            case 18 -> "INSERT OR IGNORE INTO parents VALUES (" + (1 + random.nextInt(330)) + ", " + text + ")";
            case 19 -> "INSERT OR REPLACE INTO children VALUES (" + a + ", " + (1 + random.nextInt(300)) + ", " + text + ")";
            case 20 -> "UPDATE children SET v = " + text + " WHERE parent = " + (1 + random.nextInt(300));
            default -> "UPDATE users SET score = " + (random.nextBoolean() ? "-0.0" : "9e999") + " WHERE id = " + a;
        };
    }
}
