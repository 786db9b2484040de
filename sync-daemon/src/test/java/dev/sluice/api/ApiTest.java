package dev.sluice.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sluice.announce.TrafficFeed;
import dev.sluice.phase.Phase;
import dev.sluice.postgres.Secret;
import dev.sluice.sqlite.SourceRefusal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 2, unit = TimeUnit.MINUTES)
class ApiTest {

    private static final Secret TOKEN = Secret.random();

    private final Daemon daemon = new Daemon();
    private ApiServer server;
    private DaemonClient client;

    @BeforeEach
    void start() {
        server = ApiServer.start(daemon, TOKEN, "127.0.0.1", 0, false);
        client = new DaemonClient(server.uri(), TOKEN);
    }

    @AfterEach
    void stop() {
        daemon.mayEnd.countDown();
        server.close();
    }

    @Test
    void everyCommandReachesTheDaemon() {
        assertThat(client.status().path("phase").asText()).isEqualTo("copying");
        client.pause();
        client.resume();
        client.resync("we ird; --/ü%2F");
        assertThat(client.parked().path("rows").asInt()).isEqualTo(3);
        assertThat(client.retryParked().path("applied").asInt()).isEqualTo(2);
        assertThat(client.cancel().path("phase").asText()).isEqualTo("cancelled");
        assertThat(daemon.heard).containsExactly("pause", "resume", "resync we ird; --/ü%2F", "retry", "cancel");
    }

    @Test
    void statusCanBeWaitedFor() throws Exception {
        assertThat(client.status(Phase.REPLICATING, Duration.ofMillis(300)).path("phase").asText())
                .as("time is up").isEqualTo("copying");
        CompletableFuture<JsonNode> waiting = CompletableFuture.supplyAsync(
                () -> client.status(Phase.REPLICATING, Duration.ofSeconds(60)));
        daemon.phase = Phase.REPLICATING;
        assertThat(waiting.get(30, TimeUnit.SECONDS).path("phase").asText()).isEqualTo("replicating");
        assertThat(client.status(Phase.COPYING, Duration.ofSeconds(60)).path("phase").asText())
                .as("already beyond").isEqualTo("replicating");
        daemon.phase = Phase.CANCELLED;
        assertThat(client.status(Phase.SWITCHED, Duration.ofSeconds(60)).path("phase").asText())
                .as("never any more").isEqualTo("cancelled");
    }

    @Test
    void manyWaitersKeepNoThreadFromTheOthers() throws Exception {
        List<CompletableFuture<JsonNode>> waiting = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            waiting.add(CompletableFuture.supplyAsync(() -> client.status(Phase.REPLICATING, Duration.ofSeconds(60)),
                    work -> new Thread(work, "waiter").start()));
        }
        for (int i = 0; i < 20; i++) {
            assertThat(client.status().path("phase").asText()).isEqualTo("copying");
        }
        daemon.phase = Phase.REPLICATING;
        for (CompletableFuture<JsonNode> one : waiting) {
            assertThat(one.get(30, TimeUnit.SECONDS).path("phase").asText()).isEqualTo("replicating");
        }
    }

    @Test
    void verificationRunsOnItsOwnAndCanBeAskedFor() throws Exception {
        assertThat(answer("GET /v1/verify", null)).startsWith("HTTP/1.1 404").contains("no verification");
        CompletableFuture<JsonNode> report = CompletableFuture.supplyAsync(
                () -> client.verify(List.of("a", "b"), Duration.ofSeconds(60)));
        assertThat(daemon.started.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(catchThrowableOfType(DaemonFailure.class, () -> client.verify(List.of(), Duration.ofSeconds(5))))
                .hasMessageContaining("still under way").returns(409, DaemonFailure::status);
        assertThat(answer("GET /v1/verify/1", null)).contains("\"state\":\"running\"");
        daemon.mayEnd.countDown();
        assertThat(report.get(30, TimeUnit.SECONDS).path("tables").toString()).isEqualTo("[\"a\",\"b\"]");
        assertThat(answer("GET /v1/verify", null)).contains("\"state\":\"done\"");
        assertThat(answer("GET /v1/verify/77", null)).startsWith("HTTP/1.1 404");
    }

    @Test
    void failedVerificationSaysWhy() {
        daemon.mayEnd.countDown();
        assertThatThrownBy(() -> client.verify(List.of("broken"), Duration.ofSeconds(60)))
                .isInstanceOf(DaemonFailure.class).hasMessage("the table is not there");
        assertThatThrownBy(() -> client.verify(List.of("bug"), Duration.ofSeconds(60)))
                .isInstanceOf(DaemonFailure.class).hasMessageNotContaining("topsecret");
    }

    @Test
    void refusalsAreSentencesAndBugsTellNothing() {
        assertThat(catchThrowableOfType(DaemonFailure.class, () -> client.resync("nowhere")))
                .hasMessage("there is no table nowhere").returns(404, DaemonFailure::status);
        assertThat(catchThrowableOfType(DaemonFailure.class, () -> client.resync("locked")))
                .hasMessage("the file is locked").returns(409, DaemonFailure::status);
        assertThat(catchThrowableOfType(DaemonFailure.class, () -> client.resync("bug")))
                .hasMessageContaining("look into its log").hasMessageNotContaining("topsecret")
                .returns(500, DaemonFailure::status);
        assertThat(catchThrowableOfType(DaemonFailure.class, () -> client.resync("")))
                .returns(400, DaemonFailure::status);
    }

    @Test
    void probesAndPrometheusNeedNoToken() throws IOException {
        assertThat(raw("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).startsWith("HTTP/1.1 200")
                .contains("\"ready\":true");
        assertThat(raw("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).startsWith("HTTP/1.1 200")
                .contains("text/plain").contains("sluice_epoch 0");
        daemon.cancel();
        assertThat(raw("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).startsWith("HTTP/1.1 503")
                .contains("\"ready\":false").contains("the target is away");
    }

    @Test
    void withoutTheTokenNothingButHealthIsTold() throws IOException {
        assertThat(raw("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).startsWith("HTTP/1.1 200")
                .contains("\"ok\"");
        for (String authorization : List.of("", "Authorization: Bearer \r\n", "Authorization: Bearer wrong\r\n",
                "Authorization: Basic " + TOKEN.reveal() + "\r\n")) {
            for (String path : List.of("/v1/status", "/v1/nowhere", "/")) {
                assertThat(raw("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + authorization
                        + "\r\n")).startsWith("HTTP/1.1 401").contains("WWW-Authenticate: Bearer");
            }
        }
        assertThat(raw("POST /v1/cancel HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
                .startsWith("HTTP/1.1 401");
        assertThat(daemon.heard).isEmpty();
        assertThatThrownBy(() -> new DaemonClient(server.uri(), Secret.of("wrong")).status())
                .hasMessageContaining("--token-file").hasMessageNotContaining("wrong");
    }

    @Test
    void foreignHostNameIsRefusedEvenWithTheToken() throws IOException {
        for (String host : List.of("evil.example", "evil.example:7717", "localhost.evil.example",
                "127.0.0.1.evil.example")) {
            assertThat(raw("GET /v1/status HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nAuthorization:"
                    + " Bearer "
                    + TOKEN.reveal() + "\r\n\r\n")).startsWith("HTTP/1.1 403");
        }
        for (String host : List.of("localhost", "127.0.0.1:99", "[::1]:7717", "LOCALHOST")) {
            assertThat(raw("GET /v1/status HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nAuthorization:"
                    + " Bearer "
                    + TOKEN.reveal() + "\r\n\r\n")).startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void answersAreJsonAndNameNoVersion() throws IOException {
        assertThat(answer("GET /v1/nowhere", null)).startsWith("HTTP/1.1 404").contains("{\"error\":");
        assertThat(answer("GET /v1/pause", null)).startsWith("HTTP/1.1 405").contains("{\"error\":");
        assertThat(answer("POST /v1/verify", "{not json")).startsWith("HTTP/1.1 400").contains("not JSON");
        assertThat(answer("POST /v1/verify", "{\"tables\": 7}")).startsWith("HTTP/1.1 400").contains("list of names");
        assertThat(answer("GET /v1/status?wait=lunch", null)).startsWith("HTTP/1.1 400").contains("replicating");
        assertThat(answer("GET /v1/status?wait=switched&timeout=long", null)).startsWith("HTTP/1.1 400");
        String status = answer("GET /v1/status", null);
        assertThat(status).contains("Content-Type: application/json").doesNotContainIgnoringCase("jetty")
                .doesNotContainIgnoringCase("javalin").doesNotContain("Server:");
    }

    @Test
    void hugeBodyIsRefused() throws IOException {
        assertThat(answer("POST /v1/verify", "{\"tables\": [\"" + "x".repeat(300_000) + "\"]}"))
                .startsWith("HTTP/1.1 413").contains("{\"error\":");
    }

    @Test
    void tableCanBeNamedInThePath() throws IOException {
        assertThat(answer("POST /v1/resync/my%20orders", "")).startsWith("HTTP/1.1 202");
        assertThat(daemon.heard).containsExactly("resync my orders");
    }

    @Test
    void absentDaemonIsOneSentence() {
        server.close();
        assertThatThrownBy(() -> client.status()).isInstanceOf(DaemonFailure.class)
                .hasMessage("daemon not reachable at " + client.daemon() + ": is \"sluice run\" running?");
        assertThatThrownBy(() -> new DaemonClient(URI.create("ftp://x"), TOKEN)).isInstanceOf(DaemonFailure.class);
    }

    @Test
    void takenPortIsOneSentence() {
        assertThatThrownBy(() -> ApiServer.start(daemon, TOKEN, "127.0.0.1", server.uri().getPort(), false))
                .isInstanceOf(DaemonControl.Refused.class).hasMessageContaining("api.port");
    }

    @Test
    void tokenFileIsPrivateAndKept(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("state/api.token");
        Secret token = ApiToken.readOrCreate(file);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file))).isEqualTo("rw-------");
        assertThat(token.reveal()).hasSizeGreaterThanOrEqualTo(32);
        assertThat(ApiToken.readOrCreate(file)).isEqualTo(token);
        try (var files = Files.list(file.getParent())) {
            assertThat(files).containsExactly(file);
        }
        Files.writeString(file, "short\n");
        assertThatThrownBy(() -> ApiToken.readOrCreate(file)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> DaemonClient.of(server.uri(), directory.resolve("none")))
                .isInstanceOf(DaemonFailure.class).hasMessageContaining("--token-file");
    }

    private String answer(String line, String body) throws IOException {
        return raw(line + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer " + TOKEN.reveal()
                + "\r\n" + (body == null ? "" : "Content-Length: " + body.getBytes(StandardCharsets.UTF_8).length
                + "\r\n") + "\r\n" + (body == null ? "" : body));
    }

    private String raw(String request) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", server.uri().getPort())) {
            socket.setSoTimeout(30_000);
            OutputStream out = socket.getOutputStream();
            out.write(request.getBytes(StandardCharsets.UTF_8));
            out.flush();
            ByteArrayOutputStream answer = new ByteArrayOutputStream();
            socket.getInputStream().transferTo(answer);
            return answer.toString(StandardCharsets.UTF_8);
        }
    }

    /** Remembers what it was told. */
    private static final class Daemon implements DaemonControl {

        private final List<String> heard = new CopyOnWriteArrayList<>();
        private final CountDownLatch started = new CountDownLatch(1);
        private final CountDownLatch mayEnd = new CountDownLatch(1);
        private volatile Phase phase = Phase.COPYING;

        @Override
        public String metrics() {
            return "# HELP sluice_epoch How often the writes have moved.\nsluice_epoch 0\n";
        }

        @Override
        public List<String> unready() {
            return phase == Phase.CANCELLED ? List.of("the target is away") : List.of();
        }

        @Override
        public JsonNode status() {
            return JsonNodeFactory.instance.objectNode().put("phase", phase.label());
        }

        @Override
        public TrafficFeed traffic() {
            return new TrafficFeed();
        }

        @Override
        public void pause() {
            heard.add("pause");
        }

        @Override
        public void resume() {
            heard.add("resume");
        }

        @Override
        public void cancel() {
            heard.add("cancel");
            phase = Phase.CANCELLED;
        }

        @Override
        public JsonNode verify(List<String> tables) throws InterruptedException {
            started.countDown();
            mayEnd.await();
            if (tables.contains("broken")) {
                throw new Unknown("the table is not there");
            }
            if (tables.contains("bug")) {
                throw new IllegalStateException("topsecret");
            }
            return JsonNodeFactory.instance.objectNode().set("tables", new ObjectMapper().valueToTree(tables));
        }

        @Override
        public JsonNode move(SwitchAct act, JsonNode order) {
            heard.add(act.label() + " " + order);
            return JsonNodeFactory.instance.objectNode().put("done", true).put("act", act.label());
        }

        @Override
        public VerificationControl verifications() {
            return null;
        }

        @Override
        public JsonNode parked() {
            return JsonNodeFactory.instance.objectNode().put("rows", 3);
        }

        @Override
        public JsonNode retryParked() {
            heard.add("retry");
            return JsonNodeFactory.instance.objectNode().put("applied", 2);
        }

        @Override
        public void resync(String table) {
            switch (table) {
                case "nowhere" -> throw new Unknown("there is no table nowhere");
                case "locked" -> throw new SourceRefusal("the file is locked");
                case "bug" -> throw new IllegalStateException("topsecret");
                default -> heard.add("resync " + table);
            }
        }
    }
}
