package dev.sluice.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.cli.Main;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.OwnServer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The dashboards and alerts that we ship, evaluated by a real Prometheus that scrapes a real daemon under load: every panel has
 * data, and every alert fires when its fault is made. Their limits of time and size are lowered for that; with the real ones
 * {@code deploy/prometheus/tests} shows when they fire.
 */
class DashboardsIT {

    private static final Path ROOT = Path.of("..");
    private static final Path RULES = ROOT.resolve("deploy/prometheus/rules/sluice.yaml");
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @TempDir
    Path folder;

    @BeforeAll
    static void needsPrometheus() {
        Assumptions.assumeTrue(Prometheus.isThere(), "no Prometheus on this machine: apt-get install prometheus");
    }

    @Test
    void rulesPassPrometheusOwnTests() throws Exception {
        for (List<String> check : List.of(List.of("check", "config", "deploy/prometheus/prometheus.yaml"),
                List.of("check", "rules", "deploy/prometheus/rules/sluice.yaml"),
                List.of("test", "rules", "deploy/prometheus/tests/sluice.yaml"))) {
            List<String> command = new ArrayList<>(List.of("promtool"));
            command.addAll(check);
            Path output = folder.resolve("promtool.log");
            Process promtool = new ProcessBuilder(command).directory(ROOT.toFile()).redirectErrorStream(true)
                    .redirectOutput(output.toFile()).start();
            assertThat(promtool.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(promtool.exitValue()).as(Files.readString(output)).isZero();
        }
    }

    @Test
    void everyPanelHasDataAndEveryAlertFiresWhenItsFaultIsMade() throws Exception {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        int port = Prometheus.freePort();
        try (OwnServer server = new OwnServer(folder.resolve("postgres"))) {
            server.sql("ALTER SYSTEM SET max_slot_wal_keep_size = '512MB'", "SELECT pg_reload_conf()");
            try (LiveGround ground = new LiveGround(folder, server.fresh(), "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT,"
                    + " active INT)", "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT)",
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
                            + " INSERT INTO users SELECT i, 'name ' || i, i % 2 FROM n",
                    "INSERT INTO kv SELECT 'k' || id, name FROM users");
                    Prometheus prometheus = new Prometheus(folder, port, impatient(Files.readString(RULES)))) {
                Process daemon = daemon(ground, server, port);
                Load load = new Load(ground.file().path());
                try {
                    daemonIsUsed(ground, prometheus);
                    everyPanelHasData(prometheus);
                    everyMetricIsDocumented(port);
                    faultsAreMade(ground, server, prometheus);
                    daemon.destroyForcibly().waitFor();
                    awaitFiring(prometheus, "SluiceDown");
                    assertThat(prometheus.fired()).as("alerts that fired").containsAll(alerts());
                } finally {
                    load.stop();
                    daemon.destroyForcibly().waitFor();
                }
            }
        }
    }

    /** A whole tour, so that there is something to see; what is limited by size fires on the way. */
    private void daemonIsUsed(LiveGround ground, Prometheus prometheus) throws Exception {
        sluice("status", "--wait", "replicating");
        awaitFiring(prometheus, "SluiceChangelogGrowing", "SluiceSourceWalLarge", "SluiceSlowToVisible");
        sluice("verify");
        sluice("cutover", "--dry-run", "--max-lag", "100000");
        sluice("cutover", "--timeout", "40s", "--max-lag", "100000");
        try (Connection connection = ground.target().connect(); Statement statement = connection.createStatement()) {
            statement.execute("SET session_replication_role = origin");
            statement.execute("INSERT INTO kv VALUES ('from', 'PostgreSQL')");
        }
        awaitFiring(prometheus, "SluiceNoWriter", "SluiceSlotNearlyLost", "SluiceSlotRetainsLog");
        sluice("rollback", "--timeout", "40s");
        sluice("status", "--wait", "replicating");
        sluice("verify");
    }

    private static void everyPanelHasData(Prometheus prometheus) throws IOException {
        ObjectMapper json = new ObjectMapper();
        try (Stream<Path> files = Files.list(ROOT.resolve("grafana/dashboards"))) {
            for (Path file : files.sorted().toList()) {
                JsonNode board = json.readTree(file.toFile());
                for (JsonNode panel : board.path("panels")) {
                    for (JsonNode target : panel.path("targets")) {
                        String expression = target.path("expr").asText().replace("$instance", ".*")
                                .replace("$__rate_interval", "1m");
                        Awaitility.await().atMost(PATIENCE).untilAsserted(() -> assertThat(prometheus.numbers(expression))
                                .as("%s, %s: %s", file.getFileName(), panel.path("title").asText(), expression).isNotEmpty());
                    }
                }
            }
        }
    }

    private static void everyMetricIsDocumented(int port) throws IOException, InterruptedException {
        String metrics = HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port
                + "/metrics")).build(), BodyHandlers.ofString()).body();
        String page = Files.readString(ROOT.resolve("docs/operating/metrics.md"));
        Matcher help = Pattern.compile("(?m)^# HELP (sluice_\\w+) (.*)$").matcher(metrics);
        int found = 0;
        while (help.find()) {
            assertThat(help.group(2)).as("help of " + help.group(1)).isNotBlank();
            assertThat(page).contains("`" + help.group(1).replaceFirst("_max$", ""));
            found++;
        }
        assertThat(found).isGreaterThan(25);
        String book = Files.readString(ROOT.resolve("docs/operating/runbook.md"));
        alerts().forEach(alert -> assertThat(book).contains("## " + alert + "\n"));
    }

    private void faultsAreMade(LiveGround ground, OwnServer server, Prometheus prometheus) throws Exception {
        sluice("pause");
        awaitFiring(prometheus, "SluicePaused");
        sluice("resume");
        ground.app("UPDATE users SET active = 'maybe' WHERE id = 3");
        awaitFiring(prometheus, "SluiceRowsParked");
        ground.app("UPDATE users SET active = 1 WHERE id = 3");
        try (Connection connection = ground.target().connect(); Statement statement = connection.createStatement()) {
            statement.execute("SET session_replication_role = replica"); // a superuser passes the fence on purpose
            statement.execute("UPDATE kv SET v = 'tampered' WHERE k = 'k9'");
            statement.execute("RESET session_replication_role");
        }
        assertThat(Main.run("verify", "--daemon", daemonAddress, "--state-dir", state().toString())).isNotZero();
        awaitFiring(prometheus, "SluiceMismatch");
        server.stop();
        awaitFiring(prometheus, "SluiceBlocked", "SluiceLagging");
        server.start();
    }

    private static void awaitFiring(Prometheus prometheus, String... names) {
        Awaitility.await().atMost(PATIENCE).pollInterval(Duration.ofMillis(200)).ignoreExceptions()
                .untilAsserted(() -> assertThat(prometheus.fired()).contains(names));
    }

    /** Fires at once, and at sizes that a test reaches. */
    private static String impatient(String rules) {
        return rules.replaceAll("(?m)^ +for: .*\n", "").replaceAll("interval: \\d+s", "interval: 500ms")
                .replace("_bytes > 1e9", "_bytes > 1").replace("_bytes > 5e9", "_bytes > 1").replace("[5m]))) > 1", "[5m]))) > 1e-6")
                .replace("lag_seconds > 60", "lag_seconds > 2");
    }

    private static List<String> alerts() throws IOException {
        Matcher alert = Pattern.compile("alert: (\\w+)").matcher(Files.readString(RULES));
        List<String> names = new ArrayList<>();
        while (alert.find()) {
            names.add(alert.group(1));
        }
        assertThat(names).hasSizeGreaterThan(10);
        return names;
    }

    private String daemonAddress;

    private Path state() {
        return folder.resolve("state");
    }

    private void sluice(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--daemon", daemonAddress, "--state-dir", state().toString()));
        Awaitility.await().atMost(PATIENCE).untilAsserted(() -> assertThat(Main.run(all.toArray(String[]::new)))
                .as(String.join(" ", arguments)).isZero());
    }

    private Process daemon(LiveGround ground, OwnServer server, int port) throws IOException {
        daemonAddress = "http://127.0.0.1:" + port;
        Path hooks = Files.createDirectories(folder.resolve("hooks"));
        Path hook = Files.writeString(hooks.resolve("after-fence-source"), "#!/bin/sh\nsleep 3\n"); // longer than two scrapes
        Files.setPosixFilePermissions(hook, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path settings = Files.writeString(folder.resolve("sluice.yaml"), "hooks:\n  folder: " + hooks + "\n");
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx256m", "-cp",
                System.getProperty("java.class.path"), "dev.sluice.cli.Main", "run", "--config", settings.toString(), "--source",
                ground.file().path().toString(), "--target", "postgres://" + ground.target().url().effectiveUser() + "@"
                        + ground.target().url().place() + "/" + ground.target().url().effectiveDatabase(),
                "--name", LiveGround.NAME, "--port", Integer.toString(port), "--state-dir", state().toString());
        builder.environment().put("SLUICE_TARGET_PASSWORD", server.server().password().reveal());
        return builder.redirectErrorStream(true).redirectOutput(folder.resolve("daemon.log").toFile()).start();
    }

    /** An application that writes to SQLite some fifty times a second, and shrugs when it is refused. */
    private static final class Load {

        private final CountDownLatch stopped = new CountDownLatch(1);
        private final Thread thread;

        Load(Path database) {
            thread = new Thread(() -> write(database), "load");
            thread.start();
        }

        private void write(Path database) {
            try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
                    Statement statement = connection.createStatement()) {
                statement.execute("PRAGMA busy_timeout = 20000");
                for (int i = 0; !stopped.await(20, TimeUnit.MILLISECONDS); i++) {
                    try {
                        statement.execute("INSERT OR REPLACE INTO kv VALUES ('load " + i % 100 + "', 'v" + i + "')");
                        statement.execute("DELETE FROM kv WHERE k = 'load " + (i + 50) % 100 + "'");
                    } catch (SQLException e) {
                        assertThat(e.getMessage()).contains("writes have moved to PostgreSQL");
                    }
                }
            } catch (SQLException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        void stop() throws InterruptedException {
            stopped.countDown();
            thread.join(TimeUnit.SECONDS.toMillis(30));
        }
    }
}
