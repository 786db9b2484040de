package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.LiveGround;
import dev.sluice.testing.PostgresForTests;
import dev.sluice.testing.SameRows;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real daemon in a process of its own, killed with SIGKILL while it copies and follows a file that is written to. */
class KilledDaemonIT {

    private static final int KILLS = 5;

    @TempDir
    Path folder;

    @Test
    void daemonKilledAtAnyMomentGoesOnAndEndsEqual() throws Exception {
        long seed = Long.getLong("sluice.seed", System.nanoTime());
        Random random = new Random(seed);
        try (LiveGround ground = new LiveGround(folder,
                "CREATE TABLE account(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, cents INTEGER NOT NULL)",
                "CREATE TABLE entry(key TEXT PRIMARY KEY, account INTEGER REFERENCES account(id), amount REAL, at DATETIME)",
                "CREATE TABLE log(what, detail)",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)"
                        + " INSERT INTO account SELECT i, 'account ' || i, 1000 FROM n",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)"
                        + " INSERT INTO entry SELECT 'k' || i, i, i / 7.0, '2026-01-01 00:00:00' FROM n")) {
            AtomicBoolean stop = new AtomicBoolean();
            Thread application = new Thread(() -> write(ground.file().path(), new Random(seed + 1), stop), "application");
            application.start();
            Process daemon = null;
            try {
                for (int i = 0; i < KILLS; i++) {
                    daemon = daemon(ground);
                    // from its first steps to well into following
                    assertThat(daemon.waitFor(1_500 + random.nextInt(6_000), TimeUnit.MILLISECONDS))
                            .as("seed %d: the daemon ended by itself", seed).isFalse();
                    daemon.destroyForcibly().waitFor();
                }
            } finally {
                stop.set(true);
                application.join();
                if (daemon != null) {
                    daemon.destroyForcibly();
                }
            }
            ground.startAndFollow();
            assertThat(ground.migration().verify(java.util.List.of(), false).tables())
                    .as("seed %d", seed).allMatch(table -> table.isEqual());
            SameRows.assertSame(ground);
            assertThat(ground.target("SELECT sum(cents) FROM account")).as("seed %d", seed)
                    .isEqualTo(ground.source("SELECT sum(cents) FROM account"));
        }
    }

    private static void write(Path database, Random random, AtomicBoolean stop) {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
                Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA busy_timeout = 20000");
            try (PreparedStatement move = connection.prepareStatement("UPDATE account SET cents = cents + ? WHERE id = ?");
                    PreparedStatement put = connection.prepareStatement("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)");
                    PreparedStatement log = connection.prepareStatement("INSERT INTO log VALUES (?, ?)")) {
                while (!stop.get()) {
                    statement.execute("BEGIN IMMEDIATE");
                    int amount = random.nextInt(100);
                    move(move, amount, 1 + random.nextInt(40_000));
                    move(move, -amount, 1 + random.nextInt(40_000));
                    put.setString(1, "k" + random.nextInt(32_000));
                    put.setInt(2, 1 + random.nextInt(40_000));
                    put.setDouble(3, random.nextDouble());
                    put.setString(4, "2026-02-03 04:05:06");
                    put.executeUpdate();
                    log.setInt(1, amount);
                    log.setString(2, random.nextInt(3) == 0 ? null : "detail " + amount);
                    log.executeUpdate();
                    if (random.nextInt(20) == 0) {
                        statement.execute("DELETE FROM entry WHERE key = 'k" + random.nextInt(32_000) + "'");
                        statement.execute("UPDATE account SET name = 'renamed ' || id || '-" + random.nextInt()
                                + "' WHERE id = " + (1 + random.nextInt(40_000)));
                    }
                    statement.execute(random.nextInt(10) == 0 ? "ROLLBACK" : "COMMIT");
                }
            }
        } catch (SQLException e) {
            throw new IllegalStateException("the application must never notice anything", e);
        }
    }

    private static void move(PreparedStatement move, int amount, int id) throws SQLException {
        move.setInt(1, amount);
        move.setInt(2, id);
        move.executeUpdate();
    }

    private Process daemon(LiveGround ground) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx256m", "-cp",
                System.getProperty("java.class.path"), "dev.sluice.cli.Main", "run", "--source",
                ground.file().path().toString(), "--target", "postgres://" + ground.target().url().effectiveUser() + "@"
                        + ground.target().url().host() + ":" + ground.target().url().port() + "/"
                        + ground.target().url().effectiveDatabase(),
                "--name", LiveGround.NAME, "--port", "0", "--state-dir", folder.resolve("state").toString());
        builder.environment().put("SLUICE_TARGET_PASSWORD", PostgresForTests.password().reveal());
        builder.redirectErrorStream(true).redirectOutput(
                ProcessBuilder.Redirect.appendTo(new File(folder.toFile(), "daemon.log")));
        return builder.start();
    }
}
