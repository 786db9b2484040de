package dev.sluice.testing;

import dev.sluice.postgres.Secret;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A running {@link SwitchDaemonMain}, to be given orders and killed. */
public final class SwitchDaemon implements AutoCloseable {

    /** The answer to every order that a killed daemon did not answer. */
    public static final Answer DIED = new Answer(false, "the daemon died");

    private final Process process;
    private final AtomicInteger number = new AtomicInteger();
    private final Map<Integer, CompletableFuture<Answer>> open = new ConcurrentHashMap<>();

    /** @param done true if what was ordered is so now */
    public record Answer(boolean done, String says) {}

    /** @param log appended to */
    public SwitchDaemon(Path source, String target, Secret password, Path hooks, Path state, Path log) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-cp", System.getProperty("java.class.path"),
                SwitchDaemonMain.class.getName(), source.toString(), target, hooks.toString(), state.toString());
        builder.environment().put(DaemonMain.PASSWORD, password.reveal());
        process = builder.redirectError(ProcessBuilder.Redirect.appendTo(log.toFile())).start();
        Thread reader = new Thread(this::read, "daemon-answers-" + process.pid());
        reader.setDaemon(true);
        reader.start();
    }

    private void read() {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("@")) {
                    String[] words = line.substring(1).split(" ", 3);
                    open.remove(Integer.parseInt(words[0])).complete(new Answer(words[1].equals("yes"), words[2]));
                }
            }
        } catch (IOException e) {
            // killed in the middle of a line
        }
        open.values().forEach(answer -> answer.complete(DIED));
    }

    /** Gives an order; the answer may come much later. */
    public Future<Answer> order(String order, long argument) {
        int mine = number.incrementAndGet();
        CompletableFuture<Answer> answer = new CompletableFuture<>();
        open.put(mine, answer);
        try {
            OutputStream orders = process.getOutputStream();
            synchronized (orders) {
                orders.write((mine + " " + order + " " + argument + "\n").getBytes(StandardCharsets.UTF_8));
                orders.flush();
            }
        } catch (IOException e) {
            answer.complete(DIED);
        }
        if (!process.isAlive()) {
            answer.complete(DIED);
        }
        return answer;
    }

    /** Gives an order and waits for its answer. */
    public Answer ask(String order, long argument) throws Exception {
        return order(order, argument).get(60, TimeUnit.SECONDS);
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** True if it died in time. */
    public boolean awaitDeath(long seconds) throws InterruptedException {
        return process.waitFor(seconds, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }
}
