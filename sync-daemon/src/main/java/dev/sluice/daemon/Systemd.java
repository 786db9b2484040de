package dev.sluice.daemon;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells systemd that the daemon is ready, alive and stopping, where systemd has started it and wants to know
 * ({@code NOTIFY_SOCKET}, {@code WATCHDOG_USEC}; see sd_notify(3)). It is told by the program {@code systemd-notify}, because Java
 * has no datagram sockets of that kind; the unit needs {@code NotifyAccess=all} for it. Owns the thread {@code systemd}.
 */
final class Systemd implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Systemd.class);
    private static final Duration STATUS_PAUSE = Duration.ofSeconds(20);
    private static final Duration NOTICE_MAX = Duration.ofSeconds(5);
    private static final int SIGNS_A_PERIOD = 3;

    private final Supplier<String> status;
    private final BooleanSupplier alive;
    private final ScheduledExecutorService timer; // null where nobody wants to know

    private Systemd(Duration pause, Supplier<String> status, BooleanSupplier alive) {
        this.status = status;
        this.alive = alive;
        this.timer = pause == null ? null : Executors.newSingleThreadScheduledExecutor(work -> {
            Thread thread = new Thread(work, "systemd");
            thread.setDaemon(true);
            return thread;
        });
        if (timer != null) {
            timer.execute(() -> tell("READY=1", "STATUS=" + status.get()));
            timer.scheduleWithFixedDelay(this::sign, pause.toMillis(), pause.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    /**
     * @param environment of this process
     * @param status one line for {@code systemctl status}
     * @param alive false if nothing is done any more, so that systemd starts the daemon anew
     */
    static Systemd of(Map<String, String> environment, Supplier<String> status, BooleanSupplier alive) {
        if (environment.getOrDefault("NOTIFY_SOCKET", "").isEmpty()) {
            return new Systemd(null, status, alive);
        }
        String period = environment.getOrDefault("WATCHDOG_USEC", "");
        return new Systemd(period.matches("[1-9][0-9]{3,15}")
                ? Duration.ofNanos(Long.parseLong(period) * 1_000 / SIGNS_A_PERIOD) : STATUS_PAUSE, status, alive);
    }

    private void sign() {
        try {
            if (alive.getAsBoolean()) {
                tell("WATCHDOG=1", "STATUS=" + status.get());
            }
        } catch (RuntimeException e) {
            LOG.debug("no sign this time", e); // the timer must go on
        }
    }

    private static void tell(String... notices) {
        List<String> command = new ArrayList<>(List.of("systemd-notify"));
        command.addAll(List.of(notices));
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
            if (!process.waitFor(NOTICE_MAX.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
            }
        } catch (IOException e) {
            LOG.warn("event=systemd_not_told reason=\"{}\": use Type=exec in the unit, or install systemd-notify", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The daemon begins to stop. */
    @Override
    public void close() {
        if (timer != null) {
            timer.shutdownNow();
            tell("STOPPING=1");
        }
    }
}
