package dev.sluice.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.postgres.Secret;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The sample application as the demo sees it: a process of its own, of which it knows what that says of itself.
 * Thread-safe.
 */
final class ApplicationProcess implements AutoCloseable {

    static final int TRANSACTIONS_PER_SECOND = 200;

    private static final long SEED = 42;
    private static final Duration STOP_WAIT = Duration.ofSeconds(20);

    private final Process process;
    private final Path log;
    private final Thread ear;
    private final CountDownLatch filled = new CountDownLatch(1);
    private final List<Sample> samples = new ArrayList<>(); // guarded by itself
    private volatile long rowsFilled;
    private volatile long errors;
    private volatile String firstError;
    private volatile Writes writes = new Writes(0, 0, 0, List.of());

    /** What the application said at one moment; {@code slowestMs} since it spoke last. */
    private record Sample(long nanos, long transactions, double slowestMs, long[] byDuration) {}

    /**
     * How the application fared for a while.
     *
     * @param mostMs 99 of 100 transactions took less; 0 if there is no such bound
     */
    record Stretch(long transactions, double seconds, int mostMs, double slowestMs) {

        double perSecond() {
            return seconds <= 0 ? 0 : transactions / seconds;
        }
    }

    /**
     * What it says of its writes.
     *
     * @param onSqlite acknowledged there
     * @param refused attempts that were told to go elsewhere
     * @param pausesMs from the last write on one side to the first on the other, for each time that it changed sides
     */
    record Writes(long onSqlite, long onPostgres, long refused, List<Double> pausesMs) {}

    private ApplicationProcess(Process process, Path log) {
        this.process = process;
        this.log = log;
        this.ear = new Thread(this::listen, "demo-application");
        this.ear.setDaemon(true);
        this.ear.start();
    }

    /**
     * Starts it on {@code file} from this process's own class path; it ends when this process does.
     *
     * @param password that it may need one day, or null
     */
    static ApplicationProcess start(Path folder, Path file, long rows, Secret password) throws IOException {
        Path log = folder.resolve("application.log");
        ProcessBuilder command = new ProcessBuilder(command(folder, file, rows)).redirectError(log.toFile());
        if (password != null) {
            command.environment().put("PGPASSWORD", password.reveal());
        }
        return new ApplicationProcess(command.start(), log);
    }

    static Path flagFile(Path folder) {
        return folder.resolve("database.env");
    }

    static List<String> command(Path folder, Path file, long rows) {
        return List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
                "-Djava.io.tmpdir=" + folder, // what the SQLite driver unpacks is removed with the rest
                "--enable-native-access=ALL-UNNAMED",
                "-cp", System.getProperty("java.class.path"), SampleApplication.class.getName(),
                file.toString(), Long.toString(rows), Long.toString(SEED), Integer.toString(TRANSACTIONS_PER_SECOND),
                flagFile(folder).toString());
    }

    long pid() {
        return process.pid();
    }

    /** Waits until the file is filled; returns its rows. */
    long awaitFilled(Duration within) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + within.toNanos();
        while (!filled.await(100, TimeUnit.MILLISECONDS)) {
            if (!process.isAlive()) {
                throw new NotProven("the sample application ended before its file was filled: " + lastWords());
            }
            if (System.nanoTime() > deadline) {
                throw new NotProven("the sample application did not fill its file within " + within.toSeconds() + " s");
            }
        }
        return rowsFilled;
    }

    /** What it did since {@code nanos} (of {@link System#nanoTime}), as far as it has said. */
    Stretch since(long nanos) {
        return between(nanos, System.nanoTime());
    }

    Stretch between(long from, long to) {
        synchronized (samples) {
            Sample first = null;
            Sample last = null;
            double slowestMs = 0;
            for (Sample sample : samples) {
                if (sample.nanos <= from || first == null) {
                    first = sample;
                } else if (sample.nanos <= to) {
                    slowestMs = Math.max(slowestMs, sample.slowestMs);
                    last = sample;
                }
            }
            return last == null ? new Stretch(0, 0, 0, 0) : new Stretch(last.transactions - first.transactions,
                    (last.nanos - first.nanos) / 1e9, mostMs(first.byDuration, last.byDuration), slowestMs);
        }
    }

    private static int mostMs(long[] before, long[] after) {
        long[] counts = new long[after.length];
        Arrays.setAll(counts, i -> after[i] - before[i]);
        long all = Arrays.stream(counts).sum();
        long within = 0;
        for (int i = 0; i < SampleApplication.CLASSES_MS.size(); i++) {
            within += counts[i];
            if (within * 100 >= all * 99) {
                return SampleApplication.CLASSES_MS.get(i);
            }
        }
        return 0;
    }

    /** Transactions since it was filled. */
    long transactions() {
        synchronized (samples) {
            return samples.isEmpty() ? 0 : samples.get(samples.size() - 1).transactions;
        }
    }

    Writes writes() {
        return writes;
    }

    long errors() {
        return errors;
    }

    /** Throws unless every transaction of the application has succeeded so far and it still runs. */
    void requireWell() throws IOException {
        if (errors > 0) {
            throw new NotProven("the application met " + errors + " errors (the first: " + firstError + ")");
        }
        if (!process.isAlive() && process.exitValue() != 0) {
            throw new NotProven("the application ended by itself: " + lastWords());
        }
    }

    /** Asks it to stop, and waits for its last counters. */
    void stop() throws IOException, InterruptedException {
        try (var stdin = process.getOutputStream()) {
            stdin.write('\n');
        } catch (IOException e) {
            requireWell(); // the pipe is closed because it has ended
        }
        if (!process.waitFor(STOP_WAIT.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new NotProven("the application did not stop within " + STOP_WAIT.toSeconds() + " s");
        }
        ear.join(STOP_WAIT.toMillis());
        requireWell();
    }

    /** Ends it in any case. */
    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor(STOP_WAIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void listen() {
        ObjectMapper mapper = new ObjectMapper();
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                hear(mapper.readTree(line));
            }
        } catch (IOException e) {
            firstError = "its output could not be read: " + e.getMessage();
            errors++;
        }
    }

    private void hear(JsonNode said) {
        if (said.path("event").asText().equals("filled")) {
            rowsFilled = said.path("rows").asLong();
            add(new Sample(System.nanoTime(), 0, 0, new long[SampleApplication.CLASSES_MS.size() + 1]));
            filled.countDown();
            return;
        }
        firstError = said.path("firstError").asText(null);
        errors = said.path("errors").asLong();
        List<Double> pauses = new ArrayList<>();
        said.path("pausesMs").forEach(pause -> pauses.add(pause.asDouble()));
        writes = new Writes(said.path("onSqlite").asLong(), said.path("onPostgres").asLong(), said.path("refused").asLong(),
                List.copyOf(pauses));
        long[] byDuration = new long[SampleApplication.CLASSES_MS.size() + 1];
        Arrays.setAll(byDuration, i -> said.path("byDuration").path(i).asLong());
        add(new Sample(System.nanoTime(), said.path("transactions").asLong(), said.path("slowestMs").asDouble(),
                byDuration));
    }

    private void add(Sample sample) {
        synchronized (samples) {
            samples.add(sample);
        }
    }

    private String lastWords() throws IOException {
        List<String> lines = Files.readAllLines(log);
        return lines.isEmpty() ? "it said nothing" : lines.get(0);
    }
}
