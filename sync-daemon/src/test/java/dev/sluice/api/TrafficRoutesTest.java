package dev.sluice.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sluice.announce.Announcement;
import dev.sluice.announce.TrafficFeed;
import dev.sluice.cutover.Traffic;
import dev.sluice.postgres.Secret;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 2, unit = TimeUnit.MINUTES)
class TrafficRoutesTest {

    private static final Secret TOKEN = Secret.random();

    private final TrafficFeed feed = new TrafficFeed();
    private final ApiServer server = ApiServer.start(new FeedOnly(feed), TOKEN, "127.0.0.1", 0, false);
    private final HttpClient client = HttpClient.newHttpClient();

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void plainQuestionIsAnsweredAtOnce() throws Exception {
        HttpResponse<String> early = get("/v1/traffic", "application/json");
        assertThat(early.statusCode()).isEqualTo(409);
        assertThat(early.body()).contains("ask again");
        feed.set(traffic(Traffic.POSTGRES, 7));
        JsonNode answer = new ObjectMapper().readTree(get("/v1/traffic", "*/*").body());
        assertThat(answer.toString()).isEqualTo("{\"traffic\":\"postgres\",\"epoch\":7,\"mark\":\"7-postgres\","
                + "\"databaseUrl\":\"postgresql://app@db/app\"}");
        assertThat(get("/v1/traffic", "text/plain").body()).isEqualTo("""
                DATABASE_URL=postgresql://app@db/app
                SLUICE_TRAFFIC=postgres
                SLUICE_EPOCH=7
                """);
        HttpRequest without = HttpRequest.newBuilder(server.uri().resolve("/v1/traffic")).build();
        assertThat(client.send(without, BodyHandlers.ofString()).statusCode()).as("without the token").isEqualTo(401);
    }

    @Test
    void longPollAnswersWhenSomethingElseIsTrue() throws Exception {
        feed.set(traffic(Traffic.SQLITE, 6));
        assertThat(get("/v1/traffic?after=5&timeout=60s", "*/*").body()).as("changed already").contains("6-sqlite");
        assertThat(get("/v1/traffic?after=6-fenced&timeout=60s", "*/*").body()).contains("6-sqlite");
        assertThat(get("/v1/traffic?after=6&timeout=200ms", "*/*").body()).as("time is up").contains("6-sqlite");
        CompletableFuture<HttpResponse<String>> byEpoch = ask("/v1/traffic?after=6&timeout=60s", "*/*");
        CompletableFuture<HttpResponse<String>> byMark = ask("/v1/traffic?after=6-sqlite&timeout=60s", "text/plain");
        assertThat(byMark).isNotDone();
        feed.set(traffic(Traffic.FENCED, 7));
        assertThat(byEpoch.get(30, TimeUnit.SECONDS).body()).contains("7-fenced");
        assertThat(byMark.get(30, TimeUnit.SECONDS).body()).contains("SLUICE_TRAFFIC=fenced");
        CompletableFuture<HttpResponse<String>> next = ask("/v1/traffic?after=7-fenced&timeout=60s", "*/*");
        feed.set(traffic(Traffic.POSTGRES, 7));
        assertThat(next.get(30, TimeUnit.SECONDS).body()).as("same epoch, other side").contains("7-postgres");
    }

    @Test
    void questionsThatMakeNoSenseAreRefused() throws Exception {
        feed.set(traffic(Traffic.SQLITE, 6));
        for (String query : List.of("after=lunch", "after=6-lunch", "after=-1", "after=6&timeout=long",
                "after=99999999999999999999")) {
            HttpResponse<String> answer = get("/v1/traffic?" + query, "*/*");
            assertThat(answer.statusCode()).as(query).isEqualTo(400);
            assertThat(answer.body()).contains("{\"error\":");
        }
    }

    @Test
    void streamTellsEveryChangeInOrder() throws Exception {
        feed.set(traffic(Traffic.SQLITE, 1));
        HttpResponse<InputStream> stream = stream();
        assertThat(stream.headers().firstValue("Content-Type").orElse("")).startsWith("text/event-stream");
        try (BufferedReader lines = lines(stream)) {
            assertThat(lines.readLine()).as("the first heartbeat").startsWith(":");
            assertThat(event(lines)).isEqualTo("event: traffic,id: 1-sqlite,data: " + traffic(Traffic.SQLITE, 1).json());
            List<String> told = new ArrayList<>();
            for (int i = 2; i < 40; i++) {
                feed.set(traffic(i % 2 == 0 ? Traffic.FENCED : Traffic.POSTGRES, i));
                told.add(i + (i % 2 == 0 ? "-fenced" : "-postgres"));
            }
            for (String mark : told) {
                assertThat(event(lines)).contains("id: " + mark + ",");
            }
        }
    }

    @Test
    void waitingRequestsAreBoundedAndKeepNobodyOut() throws Exception {
        feed.set(traffic(Traffic.SQLITE, 1));
        List<CompletableFuture<HttpResponse<String>>> waiting = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            waiting.add(ask("/v1/traffic?after=1&timeout=60s", "*/*"));
        }
        Awaitility.await().atMost(30, TimeUnit.SECONDS)
                .until(() -> waiting.stream().filter(CompletableFuture::isDone).count() == 16);
        assertThat(get("/v1/traffic", "*/*").statusCode()).isEqualTo(200);
        feed.set(traffic(Traffic.FENCED, 2));
        int answered = 0;
        for (CompletableFuture<HttpResponse<String>> one : waiting) {
            HttpResponse<String> answer = one.get(30, TimeUnit.SECONDS);
            answered += answer.statusCode() == 200 ? 1 : 0;
            assertThat(answer.body()).contains(answer.statusCode() == 200 ? "2-fenced" : "flag file");
        }
        assertThat(answered).isEqualTo(24);
        assertThat(get("/v1/traffic?after=1", "*/*").statusCode()).as("there is room again").isEqualTo(200);
    }

    @Test
    void clientThatHasGoneMakesRoom() throws Exception {
        for (int i = 1; i <= 60; i++) {
            feed.set(traffic(Traffic.SQLITE, i)); // what is written to a closed connection tells that it is
            HttpResponse<InputStream> stream = Awaitility.await().atMost(30, TimeUnit.SECONDS).until(() -> {
                feed.set(traffic(Traffic.SQLITE, feed.now().orElseThrow().epoch() + 1));
                return stream();
            }, answer -> answer.statusCode() == 200);
            stream.body().close();
        }
    }

    @Test
    void stoppingAnswersEverybodyAndEndsTheStreams() throws Exception {
        feed.set(traffic(Traffic.SQLITE, 1));
        CompletableFuture<HttpResponse<String>> waiting = ask("/v1/traffic?after=1&timeout=60s", "*/*");
        HttpResponse<InputStream> stream = stream();
        try (BufferedReader lines = lines(stream)) {
            event(lines);
            long began = System.nanoTime();
            server.close();
            assertThat(lines.lines().filter(line -> !line.isEmpty() && !line.startsWith(":"))).isEmpty();
            assertThat(waiting.get(20, TimeUnit.SECONDS).body()).contains("1-sqlite");
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(20));
        }
        assertThat(Thread.getAllStackTraces().keySet()).noneMatch(thread -> thread.getName().equals("api-traffic")
                && thread.isAlive());
    }

    /** The next event, its lines joined by commas. */
    private static String event(BufferedReader lines) throws IOException {
        List<String> event = new ArrayList<>();
        String line = lines.readLine();
        while (line != null && !(line.isEmpty() && !event.isEmpty())) {
            if (!line.isEmpty() && !line.startsWith(":")) {
                event.add(line);
            }
            line = lines.readLine();
        }
        return String.join(",", event);
    }

    private static BufferedReader lines(HttpResponse<InputStream> stream) {
        return new BufferedReader(new InputStreamReader(stream.body(), StandardCharsets.UTF_8));
    }

    private HttpResponse<InputStream> stream() throws Exception {
        return client.send(request("/v1/traffic", "text/event-stream"), BodyHandlers.ofInputStream());
    }

    private HttpResponse<String> get(String path, String accept) throws Exception {
        return client.send(request(path, accept), BodyHandlers.ofString());
    }

    private CompletableFuture<HttpResponse<String>> ask(String path, String accept) {
        return client.sendAsync(request(path, accept), BodyHandlers.ofString());
    }

    private HttpRequest request(String path, String accept) {
        return HttpRequest.newBuilder(URI.create(server.uri() + path)).header("Authorization", "Bearer " + TOKEN.reveal())
                .header("Accept", accept).timeout(Duration.ofSeconds(90)).build();
    }

    private static Announcement traffic(Traffic side, long epoch) {
        return new Announcement(side, epoch, "postgresql://app@db/app");
    }

    /** A daemon that knows of nothing else. */
    record FeedOnly(TrafficFeed traffic) implements DaemonControl {

        @Override
        public String metrics() {
            return "";
        }

        @Override
        public List<String> unready() {
            return List.of();
        }

        @Override
        public JsonNode status() {
            return JsonNodeFactory.instance.objectNode().put("phase", "replicating");
        }

        @Override
        public JsonNode move(SwitchAct act, JsonNode order) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void pause() {
            throw new Refused("no");
        }

        @Override
        public void resume() {
            throw new Refused("no");
        }

        @Override
        public void cancel() {
            throw new Refused("no");
        }

        @Override
        public JsonNode verify(List<String> tables) {
            throw new Refused("no");
        }

        @Override
        public VerificationControl verifications() {
            return null;
        }

        @Override
        public JsonNode parked() {
            throw new Refused("no");
        }

        @Override
        public JsonNode retryParked() {
            throw new Refused("no");
        }

        @Override
        public void resync(String table) {
            throw new Refused("no");
        }
    }
}
