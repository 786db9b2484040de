package dev.sluice.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.postgres.Target;
import dev.sluice.testing.DaemonMain;
import dev.sluice.testing.OwnServer;
import dev.sluice.testing.SameRows;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The stream's process and PostgreSQL are killed at random while an application writes to PostgreSQL. Every snapshot of
 * SQLite that a reader takes must be the state after some whole number of transactions, and at the end all are there.
 */
class ReverseCrashIT {

    private static final int ROUNDS = Integer.getInteger("sluice.reverse.rounds", 6);
    private static final int ACCOUNTS = 20;
    /** So far the application may be ahead, so that what is killed is at work on the newest. */
    private static final long AHEAD_MAX = 300;
    private static final long SUM = ACCOUNTS * 1_000L;

    @TempDir
    private Path folder;
    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final AtomicBoolean stopping = new AtomicBoolean();
    private final AtomicLong committed = new AtomicLong();
    private final AtomicLong read = new AtomicLong();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();

    @Test
    void everySnapshotIsWholeAndNothingIsLostOrDoubledHoweverOftenProcessesAreKilled() throws Exception {
        try (OwnServer server = new OwnServer(folder.resolve("postgres")); Target target = server.fresh();
                ReverseGround ground = new ReverseGround(folder, target,
                        "CREATE TABLE account (id INTEGER PRIMARY KEY, cents INTEGER)",
                        "CREATE TABLE log (id INTEGER PRIMARY KEY, source INTEGER, target INTEGER, cents INTEGER, at DATETIME)",
                        "CREATE TABLE line (text TEXT, number INTEGER)", "CREATE TABLE place (k TEXT PRIMARY KEY, n INTEGER UNIQUE)",
                        "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < " + ACCOUNTS + ")"
                                + " INSERT INTO account SELECT i, 1000 FROM g",
                        "INSERT INTO place SELECT 'p' || id, id FROM account").copied()) {
            ground.open().prepare(ground.generation());
            ground.fence();
            ground.flip("postgres", 1);
            Thread writer = thread("crash-writer", () -> write(target));
            Thread reader = thread("crash-reader", () -> read(ground));
            Process stream = start(ground, server);
            try {
                for (int round = 0; round < ROUNDS; round++) {
                    long goal = read.get() + random.nextInt(400);
                    Process running = stream;
                    await().failFast(() -> check(running)).until(() -> read.get() >= goal);
                    if (round % 3 == 1) {
                        ProcessHandle.of(Long.parseLong(Files.readAllLines(
                                folder.resolve("postgres/server/data/postmaster.pid")).get(0).strip())).orElseThrow().destroyForcibly();
                    }
                    if (round % 3 != 1 || random.nextBoolean()) {
                        stream.destroyForcibly().waitFor();
                        stream = start(ground, server);
                    }
                }
                stopping.set(true);
                writer.join();
                Process last = stream;
                await().failFast(() -> check(last)).until(() -> read.get() == committed.get());
            } finally {
                stopping.set(true);
                stream.destroyForcibly().waitFor();
                writer.join();
                reader.join();
            }
            assertThat(failure.get()).as("seed %d, see %s", seed, folder).isNull();
            SameRows.assertSame(ground.live());
            assertThat(ground.parked()).as("seed %d", seed).isEmpty();
            assertThat(ground.source("SELECT count(*) FROM log")).containsExactly(Long.toString(committed.get()));
        }
    }

    private ConditionFactory await() {
        return Awaitility.await("seed " + seed).atMost(Duration.ofMinutes(4)).pollInterval(Duration.ofMillis(5));
    }

    private void check(Process stream) {
        if (failure.get() != null) {
            throw new AssertionError("seed " + seed, failure.get());
        }
        if (!stream.isAlive()) {
            throw new AssertionError("the stream's process ended by itself, seed " + seed);
        }
    }

    private interface Work {
        void run() throws Exception;
    }

    private Thread thread(String name, Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (Throwable e) {
                failure.compareAndSet(null, e);
            }
        }, name);
        thread.start();
        return thread;
    }

    private Process start(ReverseGround ground, OwnServer server) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx300m",
                "-cp", System.getProperty("java.class.path"), ReverseMain.class.getName(), ground.live().file().path().toString(),
                ground.live().target().url().toString(), folder.resolve("spill").toString());
        builder.environment().put(DaemonMain.PASSWORD, server.server().password().reveal());
        File log = folder.resolve("stream.log").toFile();
        return builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(log)).start();
    }

    // ---- the application on PostgreSQL ----

    private void write(Target target) throws SQLException {
        Random choice = new Random(seed + 1);
        while (!stopping.get()) {
            long number = committed.get() + 1;
            try (Connection connection = target.dedicated(Duration.ofSeconds(20)); Statement statement = connection.createStatement()) {
                try (ResultSet row = statement.executeQuery("SELECT coalesce(max(id), 0) FROM log")) {
                    row.next();
                    committed.set(row.getLong(1)); // the last answer may have been lost
                }
                connection.setAutoCommit(false);
                while (!stopping.get()) {
                    number = committed.get() + 1;
                    transaction(statement, choice, number);
                    connection.commit();
                    committed.set(number);
                    await().until(() -> committed.get() - read.get() < AHEAD_MAX || stopping.get() || failure.get() != null);
                }
            } catch (SQLException e) {
                if (e.getSQLState() == null || !e.getSQLState().matches("08...|57...")) {
                    throw e;
                }
            }
        }
        await().ignoreExceptions().until(() -> {
            try (Connection connection = target.dedicated(Duration.ofSeconds(20)); Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("SELECT coalesce(max(id), 0) FROM log")) {
                row.next();
                committed.set(row.getLong(1));
                return true;
            }
        });
    }

    private static void transaction(Statement statement, Random choice, long number) throws SQLException {
        int a = 1 + choice.nextInt(ACCOUNTS);
        int b = 1 + choice.nextInt(ACCOUNTS);
        int cents = choice.nextInt(100);
        statement.execute("UPDATE account SET cents = cents - " + cents + " WHERE id = " + a);
        statement.execute("INSERT INTO log VALUES (" + number + ", " + a + ", " + b + ", " + cents + ", NULL)");
        statement.execute("INSERT INTO line (text, number) VALUES ('same', " + number + ")");
        switch (choice.nextInt(12)) {
            case 0 -> { // many rows, which go through a file
                statement.execute("INSERT INTO line (text, number) SELECT repeat('x', 200), -i FROM generate_series(1, 1500) i");
                statement.execute("DELETE FROM line WHERE number < 0");
            }
            case 1 -> { // keys and unique values change places
                statement.execute("UPDATE place SET n = -n WHERE n IN (" + a + ", " + b + ")");
                statement.execute("UPDATE place SET n = CASE n WHEN -" + a + " THEN " + b + " ELSE " + a + " END WHERE n < 0");
            }
            case 2 -> {
                statement.execute("UPDATE place SET k = 'moving' WHERE n = " + a);
                statement.execute("UPDATE place SET k = 'q" + number + "' WHERE k = 'moving'");
            }
            case 3 -> {
                statement.execute("SAVEPOINT s");
                statement.execute("UPDATE account SET cents = 0");
                statement.execute("ROLLBACK TO s");
            }
            default -> { }
        }
        statement.execute("UPDATE account SET cents = cents + " + cents + " WHERE id = " + b);
    }

    // ---- a reader of SQLite ----

    private void read(ReverseGround ground) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + ground.live().file().path());
                Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA busy_timeout = 20000");
            while (!stopping.get() || read.get() < committed.get()) {
                if (failure.get() != null) {
                    return;
                }
                try (ResultSet row = statement.executeQuery("""
                        SELECT (SELECT sum(cents) FROM account), (SELECT count(*) FROM log), (SELECT coalesce(max(id), 0) FROM log),
                               (SELECT count(*) FROM line), (SELECT count(*) FROM place), (SELECT sum(n) FROM place)
                        """)) {
                    row.next();
                    long count = row.getLong(2);
                    assertThat(row.getLong(1)).as("the bank's sum, seed %d", seed).isEqualTo(SUM);
                    assertThat(row.getLong(3)).as("the log has gaps, seed %d", seed).isEqualTo(count);
                    assertThat(row.getLong(4)).as("lines, seed %d", seed).isEqualTo(count);
                    assertThat(row.getLong(5)).as("places, seed %d", seed).isEqualTo(ACCOUNTS);
                    assertThat(row.getLong(6)).as("places' numbers, seed %d", seed).isEqualTo(ACCOUNTS * (ACCOUNTS + 1) / 2);
                    assertThat(count).as("went back, seed %d", seed).isGreaterThanOrEqualTo(read.get());
                    read.set(count);
                }
            }
        }
    }
}
