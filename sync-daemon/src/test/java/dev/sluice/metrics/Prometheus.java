package dev.sluice.metrics;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/** A real Prometheus, where the machine has one, that scrapes one daemon every half second. */
final class Prometheus implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient http = HttpClient.newHttpClient();
    private final Process process;
    private final int port;

    /** @param rules of alerts, with the patience that the test has */
    Prometheus(Path folder, int scraped, String rules) throws IOException {
        port = freePort();
        Path data = Files.createDirectories(folder.resolve("prometheus"));
        Files.writeString(data.resolve("rules.yaml"), rules);
        Files.writeString(data.resolve("prometheus.yaml"), """
                global: {scrape_interval: 500ms, scrape_timeout: 450ms, evaluation_interval: 500ms}
                rule_files: [rules.yaml]
                scrape_configs:
                  - job_name: sluice
                    static_configs: [{targets: ["127.0.0.1:%d"]}]
                """.formatted(scraped));
        process = new ProcessBuilder("prometheus", "--config.file=" + data.resolve("prometheus.yaml"),
                "--storage.tsdb.path=" + data.resolve("data"), "--web.listen-address=127.0.0.1:" + port)
                .redirectErrorStream(true).redirectOutput(data.resolve("log").toFile()).start();
    }

    static boolean isThere() {
        try {
            return new ProcessBuilder("prometheus", "--version").redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor(20, TimeUnit.SECONDS);
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    /** The values of an instant query that are numbers; throws where the expression is none. */
    List<Double> numbers(String expression) throws IOException, InterruptedException {
        List<Double> numbers = new ArrayList<>();
        query(expression).forEach(series -> {
            double value = Double.parseDouble(series.path("value").path(1).asText().replace("Inf", "Infinity"));
            if (!Double.isNaN(value)) {
                numbers.add(value);
            }
        });
        return numbers;
    }

    /** The alerts that have fired so far, be it for a moment. */
    Set<String> fired() throws IOException, InterruptedException {
        Set<String> names = new TreeSet<>();
        query("last_over_time(ALERTS{alertstate=\"firing\"}[1h])")
                .forEach(series -> names.add(series.path("metric").path("alertname").asText()));
        return names;
    }

    private JsonNode query(String expression) throws IOException, InterruptedException {
        JsonNode answer = get("/api/v1/query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8));
        if (!answer.path("status").asText().equals("success")) {
            throw new AssertionError(expression + ": " + answer.path("error").asText());
        }
        return answer.path("data").path("result");
    }

    private JsonNode get(String path) throws IOException, InterruptedException {
        return JSON.readTree(http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .timeout(Duration.ofSeconds(10)).build(), BodyHandlers.ofString()).body());
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
