package dev.sluice.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.postgres.SqlFailure;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs what takes long, one at a time, on a thread of its own and remembers the last few results. Thread-safe. */
final class Runs implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Runs.class);
    private static final int KEPT_MAX = 10;
    private static final Duration STOP_GRACE = Duration.ofSeconds(10);

    private final String what;
    private final String path;
    private final Duration patience;
    private final ExecutorService thread;
    private final Map<Long, ObjectNode> runs = new LinkedHashMap<>(); // guarded by this
    private long latest; // guarded by this
    private boolean running; // guarded by this

    /** What takes long. An interrupt asks it to stop. */
    interface Work {
        JsonNode run() throws InterruptedException;
    }

    /**
     * @param what one run for people, such as {@code verification}
     * @param path where the runs are asked for
     * @param patience how long {@link #close} lets one go on before it is interrupted
     */
    Runs(String what, String path, Duration patience) {
        this.patience = patience;
        this.what = what;
        this.path = path;
        this.thread = Executors.newSingleThreadExecutor(work -> new Thread(work, "api-" + what));
    }

    /** One run for people. */
    String what() {
        return what;
    }

    /** Starts a run; {@link DaemonControl.Refused} while another one is under way. */
    synchronized JsonNode start(Work work) {
        if (running) {
            throw new DaemonControl.Refused(what + " " + latest + " is still under way: wait for it with GET " + path + "/"
                    + latest);
        }
        running = true;
        long run = ++latest;
        ObjectNode state = JsonNodeFactory.instance.objectNode();
        state.put("run", run).put("state", "running").put("startedAt", now());
        runs.put(run, state);
        runs.keySet().removeIf(old -> old <= run - KEPT_MAX);
        thread.execute(() -> perform(state, work));
        return state.deepCopy();
    }

    /** A run, or the latest one where {@code run} is zero. */
    synchronized Optional<JsonNode> state(long run) {
        return Optional.ofNullable(runs.get(run == 0 ? latest : run)).map(ObjectNode::deepCopy);
    }

    private void perform(ObjectNode state, Work work) {
        JsonNode result = null;
        String error = null;
        try {
            result = work.run();
        } catch (InterruptedException e) {
            error = "the daemon was stopped before the " + what + " ended: start it again";
        } catch (DaemonControl.Refused e) {
            error = e.getMessage();
        } catch (RuntimeException e) {
            LOG.error("event=run_failed what={}", what, e);
            error = ApiServer.sentence(e).orElseGet(() -> SqlFailure.sentence(e));
        } finally {
            synchronized (this) {
                running = false;
                state.put("state", result != null ? "done" : "failed").put("endedAt", now());
                if (result != null) {
                    state.set("result", result);
                } else {
                    state.put("error", error == null ? "the " + what + " failed: look into the daemon's log" : error);
                }
            }
        }
    }

    private static String now() {
        return Instant.now().truncatedTo(ChronoUnit.MILLIS).toString();
    }

    @Override
    public void close() {
        thread.shutdown();
        try {
            if (thread.awaitTermination(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                return;
            }
            thread.shutdownNow();
            if (!thread.awaitTermination(STOP_GRACE.toSeconds(), TimeUnit.SECONDS)) {
                LOG.warn("the {} under way did not stop within {} s", what, STOP_GRACE.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
