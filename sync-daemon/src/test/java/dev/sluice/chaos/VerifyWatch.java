package dev.sluice.chaos;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.api.DaemonClient;
import dev.sluice.api.DaemonFailure;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;

/** Has the daemon compare both sides again and again while the application writes: it must never find a difference. */
final class VerifyWatch {

    /** The daemon that runs at present. */
    interface Daemon {
        DaemonClient client() throws IOException;
    }

    private final Daemon daemon;
    private final Thread thread = new Thread(this::work, "verify-watch");
    private final List<String> broken = new CopyOnWriteArrayList<>();
    private volatile boolean stopped;
    private volatile long verifications;

    VerifyWatch(Daemon daemon) {
        this.daemon = daemon;
        thread.start();
    }

    /** Verifications that came to their end. */
    long verifications() {
        return verifications;
    }

    List<String> broken() {
        return broken;
    }

    private void work() {
        while (!stopped) {
            try {
                JsonNode report = daemon.client().verify(List.of(), Duration.ofSeconds(60));
                verifications++;
                if (report.path("differences").asLong(-1) != 0) {
                    broken.add(report.toString());
                }
            } catch (DaemonFailure | IOException | IllegalStateException e) {
                LockSupport.parkNanos(200_000_000); // it is not replicating, or it was killed meanwhile
            }
            LockSupport.parkNanos(1_000_000_000);
        }
    }

    void end() throws InterruptedException {
        stopped = true;
        thread.interrupt();
        thread.join(60_000);
    }
}
