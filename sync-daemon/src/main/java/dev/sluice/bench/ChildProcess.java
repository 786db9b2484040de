package dev.sluice.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A Java process of the bench's own class path that takes a command a line and answers in JSON, an object a line. It
 * ends when its input does, so it never outlives this process. Used by one thread.
 */
final class ChildProcess implements AutoCloseable {

    private static final Duration STOP_WAIT = Duration.ofSeconds(60);

    private final Process process;
    private final Path log;
    private final BlockingQueue<JsonNode> answers = new LinkedBlockingQueue<>();
    private final Thread ear;

    private ChildProcess(Process process, Path log) {
        this.process = process;
        this.log = log;
        this.ear = new Thread(this::listen, "bench-ear");
        this.ear.setDaemon(true);
        this.ear.start();
    }

    /** Starts {@code main} with a heap of at most {@code heap}. */
    static ChildProcess start(Path folder, Class<?> main, String heap, Map<String, String> environment,
            List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", // as docs/PERFORMANCE.md advises
                "-Djava.io.tmpdir=" + folder, "--enable-native-access=ALL-UNNAMED"));
        String more = System.getenv("SLUICE_BENCH_JAVA_OPTIONS"); // a profiler's, for example
        if (more != null && !more.isBlank()) {
            command.addAll(List.of(more.strip().split("\\s+")));
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(arguments);
        Path log = folder.resolve(main.getSimpleName() + ".log");
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(log.toFile());
        builder.environment().putAll(environment);
        return new ChildProcess(builder.start(), log);
    }

    /** Sends a command and waits for its answer. */
    JsonNode ask(String command, Duration within) throws IOException, InterruptedException {
        send(command);
        return await(within);
    }

    void send(String command) throws IOException {
        OutputStream stdin = process.getOutputStream();
        stdin.write((command + "\n").getBytes(StandardCharsets.UTF_8));
        stdin.flush();
    }

    /** The next thing that it says. */
    JsonNode await(Duration within) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + within.toNanos();
        while (true) {
            JsonNode answer = answers.poll(200, TimeUnit.MILLISECONDS);
            if (answer != null && answer.has("failure")) {
                throw new BenchFailure("a measured process failed: " + answer.path("failure").asText());
            }
            if (answer != null) {
                return answer;
            }
            if (!process.isAlive() && answers.isEmpty()) {
                ear.join(1_000);
                throw new BenchFailure("a measured process ended with " + process.exitValue() + ": " + lastWords());
            }
            if (System.nanoTime() > deadline) {
                throw new BenchFailure("a measured process gave no answer within " + within.toSeconds() + " s: " + lastWords());
            }
        }
    }

    private void listen() {
        ObjectMapper mapper = new ObjectMapper();
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("{")) { // anything else is the virtual machine's
                    answers.add(mapper.readTree(line));
                }
            }
        } catch (IOException e) {
            answers.add(mapper.createObjectNode().put("failure", "its output could not be read: " + e.getMessage()));
        }
    }

    private String lastWords() throws IOException {
        List<String> lines = Files.readAllLines(log);
        return lines.isEmpty() ? "it said nothing" : lines.get(lines.size() - 1);
    }

    /** Lets it end by itself, then ends it in any case. */
    @Override
    public void close() {
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            process.destroy(); // the pipe is broken, so it has ended or soon will
        }
        try {
            if (!process.waitFor(STOP_WAIT.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor(STOP_WAIT.toMillis(), TimeUnit.MILLISECONDS);
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
