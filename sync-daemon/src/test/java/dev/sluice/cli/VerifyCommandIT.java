package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.PostgresForTests;
import dev.sluice.verify.Evidence;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands of verification against a daemon in a process of its own. */
class VerifyCommandIT {

    @TempDir
    Path folder;

    private int port;

    private int sluice(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--daemon", "http://127.0.0.1:" + port, "--state-dir", folder.resolve("state").toString()));
        return Main.run(all.toArray(String[]::new));
    }

    private JsonNode report(String file, String... more) throws IOException {
        List<String> all = new ArrayList<>(List.of("verify", "report", "-o", folder.resolve(file).toString()));
        all.addAll(List.of(more));
        assertThat(sluice(all.toArray(String[]::new))).isZero();
        return new ObjectMapper().readTree(folder.resolve(file).toFile());
    }

    @Test
    void commandsMakeWatchStopAndReportARun() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT)",
                "CREATE TABLE n (id INTEGER PRIMARY KEY, v TEXT)",
                "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 30000) INSERT INTO n SELECT i, 'v' || i FROM g")) {
            Process daemon = daemon(ground);
            try {
                Awaitility.await().atMost(Duration.ofSeconds(60)).until(() ->
                        sluice("status", "--wait", "replicating", "--timeout", "20s") == 0);
                assertThat(sluice("verify", "show")).as("nothing was verified yet").isEqualTo(1);
                assertThat(sluice("verify", "--share", "0")).isEqualTo(2);
                assertThat(sluice("verify", "nosuchtable")).isEqualTo(1);
                assertThat(sluice("verify")).isZero();
                ground.there("UPDATE n SET v = 'secret' WHERE id = 77");
                assertThat(sluice("verify", "n", "--show-values")).isEqualTo(1);
                JsonNode found = report("found.json");
                assertThat(found.path("tables").get(0).path("first").get(0).path("cells").get(0).path("column").asText())
                        .isEqualTo("v");
                assertThat(found.toString()).doesNotContain("secret");
                assertThat(sluice("resync", "n", "--where-mismatched")).isZero();
                assertThat(ground.target("SELECT v FROM n WHERE id = 77")).containsExactly("v77");

                assertThat(sluice("verify", "create", "--share", "15")).isZero();
                assertThat(sluice("verify", "create")).as("another one runs").isEqualTo(1);
                assertThat(sluice("verify", "stop")).isZero();
                Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> sluice("verify", "resume") == 0);
                assertThat(sluice("verify", "show", "--wait", "60s")).isZero();
                assertThat(sluice("verify", "show", "--all", "--json")).isZero();
                assertThat(sluice("verify", "--changed")).isZero();

                KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
                Path key = Files.writeString(folder.resolve("key.pem"), "-----BEGIN PRIVATE KEY-----\n"
                        + Base64.getMimeEncoder().encodeToString(pair.getPrivate().getEncoded()) + "\n-----END PRIVATE KEY-----\n");
                JsonNode signed = report("signed.json", "--sign-with", key.toString());
                assertThat(Evidence.read(signed.toString()).orElseThrow().check(
                        Base64.getEncoder().encodeToString(pair.getPublic().getEncoded())).intact()).isTrue();
                assertThat(sluice("verify", "report", "-o", folder.resolve("page.html").toString())).isZero();
                assertThat(folder.resolve("page.html")).content().contains("Equal: 30,000 rows");
            } finally {
                daemon.destroy();
                daemon.waitFor(30, TimeUnit.SECONDS);
                daemon.destroyForcibly();
            }
        }
    }

    private Process daemon(LiveGround ground) throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx256m", "-cp",
                System.getProperty("java.class.path"), "dev.sluice.cli.Main", "run", "--source",
                ground.file().path().toString(), "--target", "postgres://" + ground.target().url().effectiveUser() + "@"
                        + ground.target().url().place() + "/" + ground.target().url().effectiveDatabase(),
                "--name", LiveGround.NAME, "--port", Integer.toString(port), "--state-dir", folder.resolve("state").toString());
        if (PostgresForTests.password() != null) {
            builder.environment().put("SLUICE_TARGET_PASSWORD", PostgresForTests.password().reveal());
        }
        return builder.redirectErrorStream(true).redirectOutput(folder.resolve("daemon.log").toFile()).start();
    }
}
