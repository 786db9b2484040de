package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.postgres.EmbeddedTarget;
import dev.sluice.postgres.Target;
import dev.sluice.testing.DaemonMain;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import dev.sluice.testing.WriterMain;
import dev.sluice.verify.VerifyReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The daemon is killed again and again, PostgreSQL is restarted and its sessions are ended, all while an application
 * writes; in the end both sides hold the same rows.
 */
class ResumeIT {

    /** {@code -Dsluice.kills=20} to kill each phase as often as that. */
    private static final int COPY_KILLS = Integer.getInteger("sluice.kills", 4);
    private static final int FOLLOW_KILLS = Integer.getInteger("sluice.kills", 5);

    @TempDir
    Path folder;

    @Test
    void killedDaemonsLoseAndInventNothing() throws Exception {
        long seed = Long.getLong("sluice.seed", System.nanoTime());
        System.out.println("ResumeIT: seed " + seed + " (repeat with -Dsluice.seed=" + seed + ")");
        Random random = new Random(seed);
        EmbeddedTarget server = EmbeddedTarget.persistent(folder.resolve("postgres"));
        LiveGround ground = null;
        Process writer = null;
        Process daemon = null;
        try {
            Target target = Target.open(server.url(), server.password(), Target.Options.DEFAULT);
            ground = new LiveGround(folder, target, WriterMain.SCHEMA);
            writer = java("writer", server, WriterMain.class, ground.file().path().toString(), Long.toString(seed), "150");
            int kills = 0;
            int disturbances = 0;
            while (kills < COPY_KILLS + FOLLOW_KILLS) {
                daemon = java("daemon" + kills, server, DaemonMain.class, ground.file().path().toString(),
                        server.url().toString());
                boolean following = kills >= COPY_KILLS;
                awaitPhase(ground, daemon, following ? "replicating" : "copying");
                Instant until = Instant.now().plusMillis(20 + random.nextInt(following ? 1500 : 400));
                while (Instant.now().isBefore(until) && daemon.isAlive()) {
                    if (random.nextInt(12) == 0) {
                        endSessions(ground.target());
                        disturbances++;
                    }
                    daemon.waitFor(1 + random.nextInt(60), TimeUnit.MILLISECONDS);
                }
                if (kills == COPY_KILLS + 2) {
                    server.close();
                    server = EmbeddedTarget.persistent(folder.resolve("postgres"));
                    disturbances++;
                    daemon.waitFor(500, TimeUnit.MILLISECONDS);
                }
                assertThat(daemon.isAlive()).as(log("daemon" + kills)).isTrue();
                daemon.destroyForcibly().waitFor();
                kills++;
            }
            assertThat(writer.isAlive()).as(log("writer")).isTrue();
            writer.getOutputStream().write('\n');
            writer.getOutputStream().flush();
            assertThat(writer.waitFor(20, TimeUnit.SECONDS)).isTrue();
            System.out.println("ResumeIT: " + kills + " kills, " + disturbances + " disturbances of PostgreSQL, transactions"
                    + " of the application: " + log("writer").strip());
            ground.startAndFollow();
            VerifyReport report = ground.verify();
            assertThat(report.tables()).filteredOn(table -> !table.isEqual()).as("seed %d", seed).isEmpty();
            SameRows.assertSame(ground);
            assertCopiedOnce(ground);
        } finally {
            for (Process process : new Process[] {writer, daemon}) {
                if (process != null) {
                    process.destroyForcibly().waitFor();
                }
            }
            if (ground != null) {
                ground.migration().close();
                ground.application().close();
                ground.target().close();
            }
            server.close();
        }
    }

    /** Nobody writes to these tables, so what was copied is what is there. */
    private static void assertCopiedOnce(LiveGround ground) throws SQLException {
        assertThat(ground.target("SELECT source_table, sum(rows), bool_and(done) FROM sluice.chunk"
                + " WHERE source_table LIKE 'still%' GROUP BY 1 ORDER BY 1"))
                .containsExactly("still|3000|t", "still_lines|3000|t");
        assertThat(ground.target("SELECT count(*) FROM sluice.chunk WHERE NOT done")).containsExactly("0");
    }

    private Process java(String log, EmbeddedTarget server, Class<?> main, String... arguments) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(ProcessHandle.current().info().command().orElse("java"),
                "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path"), main.getName());
        builder.command().addAll(java.util.List.of(arguments));
        builder.environment().put(DaemonMain.PASSWORD, server.password().reveal());
        builder.redirectErrorStream(true).redirectOutput(folder.resolve(log + ".log").toFile());
        return builder.start();
    }

    private String log(String name) throws IOException {
        return Files.readString(folder.resolve(name + ".log"));
    }

    /** Waits until the stored migration has come to {@code phase} or beyond. */
    private void awaitPhase(LiveGround ground, Process daemon, String phase) throws Exception {
        Instant end = Instant.now().plusSeconds(60);
        while (true) {
            String now = storedPhase(ground.target());
            if (now.equals(phase) || phase.equals("copying") && (now.equals("catching_up") || now.equals("replicating"))) {
                return;
            }
            assertThat(daemon.isAlive()).as("it is %s still; %s", now, lastLog()).isTrue();
            assertThat(Instant.now()).as("it is %s still; %s", now, lastLog()).isBefore(end);
            daemon.waitFor(20, TimeUnit.MILLISECONDS);
        }
    }

    private String lastLog() throws IOException {
        for (int i = COPY_KILLS + FOLLOW_KILLS; i >= 0; i--) {
            if (Files.exists(folder.resolve("daemon" + i + ".log"))) {
                return log("daemon" + i);
            }
        }
        return "no log";
    }

    private static String storedPhase(Target target) throws SQLException {
        try (Connection connection = target.connect(); Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT to_regclass('sluice.migration') IS NOT NULL")) {
            row.next();
            if (!row.getBoolean(1)) {
                return "none";
            }
            try (ResultSet phase = statement.executeQuery("SELECT phase FROM sluice.migration")) {
                return phase.next() ? phase.getString(1) : "none";
            }
        }
    }

    private static void endSessions(Target target) throws SQLException {
        try (Connection connection = target.connect(); Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    + " WHERE application_name = 'sluice' AND pid <> pg_backend_pid()");
        }
    }
}
