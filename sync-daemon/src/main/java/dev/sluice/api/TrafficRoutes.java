package dev.sluice.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.announce.Announcement;
import dev.sluice.announce.TrafficFeed;
import dev.sluice.announce.TrafficFeed.Subscription;
import dev.sluice.settings.Durations;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import jakarta.servlet.ServletOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * {@code GET /v1/traffic}: which side takes writes. With {@code after} it answers when something else is true, with
 * {@code Accept: text/event-stream} it goes on telling every change. Waiting requests keep no thread; one thread of ours
 * answers them all.
 */
final class TrafficRoutes implements AutoCloseable {

    private static final int WAITERS_MAX = 24; // with ApiServer's own waiters fewer than its connections
    private static final Duration WAIT_MAX = Duration.ofSeconds(60);
    private static final Duration HEARTBEAT = Duration.ofSeconds(15);
    /**
     * A client that does not read would make our thread wait once the buffers on the way are full; what an hour writes
     * fits into any of them. Clients of event streams connect again by themselves.
     */
    private static final Duration STREAM_MAX = Duration.ofHours(1);
    private static final Pattern MARK = Pattern.compile("([0-9]{1,18})(-(sqlite|fenced|postgres))?");

    private final TrafficFeed feed;
    private final Semaphore waiters = new Semaphore(WAITERS_MAX);
    private final Set<Waiter> open = ConcurrentHashMap.newKeySet();
    private final ScheduledThreadPoolExecutor thread = new ScheduledThreadPoolExecutor(1,
            work -> new Thread(work, "api-traffic"));

    TrafficRoutes(TrafficFeed feed) {
        this.feed = feed;
        thread.setRemoveOnCancelPolicy(true);
    }

    void register(JavalinConfig config) {
        config.routes.get("/v1/traffic", this::traffic);
    }

    /** Answers everybody who waits, and ends the streams. To be called before the server stops. */
    @Override
    public void close() {
        try {
            thread.execute(() -> open.forEach(Waiter::end));
        } catch (RejectedExecutionException e) {
            return; // closed before
        }
        thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        thread.shutdown();
        try {
            thread.awaitTermination(2, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void traffic(Context context) {
        String accept = Optional.ofNullable(context.header("Accept")).orElse("");
        String after = context.queryParam("after");
        if (accept.contains("text/event-stream")) {
            hold(context, new Stream(context), STREAM_MAX);
        } else if (after == null) {
            answer(context, feed.now().orElseThrow(TrafficRoutes::unknown), accept);
        } else {
            hold(context, new Poll(context, after, accept), timeout(context.queryParam("timeout")));
        }
    }

    private void hold(Context context, Waiter waiter, Duration most) {
        if (!waiters.tryAcquire()) {
            throw tooMany();
        }
        waiter.done.whenComplete((nothing, failure) -> {
            open.remove(waiter);
            waiters.release();
        });
        open.add(waiter);
        context.future(() -> {
            context.req().getAsyncContext().setTimeout(0); // the limits are ours
            waiter.begin(most);
            return waiter.done;
        });
    }

    /** A request that stays open; but for {@link #begin} and {@link #hear} everything runs on our thread. */
    private abstract class Waiter {

        final CompletableFuture<Void> done = new CompletableFuture<>();

        void begin(Duration most) {
            try {
                started();
                Subscription subscription = feed.subscribe(this::hear).orElseThrow(TrafficRoutes::tooMany);
                done.whenComplete((nothing, failure) -> subscription.close());
                ScheduledFuture<?> limit = thread.schedule(this::end, most.toNanos(), TimeUnit.NANOSECONDS);
                done.whenComplete((nothing, failure) -> limit.cancel(false));
            } catch (RejectedExecutionException e) {
                done.completeExceptionally(new DaemonControl.Refused("the daemon is stopping"));
            } catch (RuntimeException e) {
                done.completeExceptionally(e);
            }
        }

        /** Under the feed's lock, so only handed over. */
        private void hear(Announcement traffic) {
            try {
                thread.execute(() -> {
                    if (!done.isDone()) {
                        tell(traffic);
                    }
                });
            } catch (RejectedExecutionException e) {
                done.completeExceptionally(new DaemonControl.Refused("the daemon is stopping"));
            }
        }

        /** Before anything is told. */
        void started() {
        }

        abstract void tell(Announcement traffic);

        abstract void end();
    }

    private final class Poll extends Waiter {

        private final Context context;
        private final String accept;
        private final String after;

        Poll(Context context, String after, String accept) {
            if (!MARK.matcher(after).matches()) {
                throw new ApiServer.BadRequest(400, "after must be an epoch such as 7, or a mark such as 7-postgres");
            }
            this.context = context;
            this.accept = accept;
            // An epoch alone means: as it is now, if that is the epoch.
            this.after = after.contains("-") ? after : feed.now().map(Announcement::mark)
                    .filter(mark -> mark.startsWith(after + "-")).orElse(after);
        }

        @Override
        void tell(Announcement traffic) {
            if (!traffic.mark().equals(after)) {
                answer(context, traffic, accept);
                done.complete(null);
            }
        }

        @Override
        void end() {
            Optional<Announcement> now = feed.now();
            if (done.isDone()) {
                return;
            }
            if (now.isEmpty()) {
                done.completeExceptionally(unknown());
                return;
            }
            answer(context, now.get(), accept);
            done.complete(null);
        }
    }

    private final class Stream extends Waiter {

        private final Context context;

        Stream(Context context) {
            this.context = context;
        }

        @Override
        void started() {
            context.res().setContentType("text/event-stream;charset=utf-8");
            context.res().setHeader("X-Accel-Buffering", "no"); // nginx would hold events back
            context.res().setHeader("Connection", "close");
            ScheduledFuture<?> beat = thread.scheduleWithFixedDelay(() -> send(": still here\n\n"), 0,
                    HEARTBEAT.toNanos(), TimeUnit.NANOSECONDS);
            done.whenComplete((nothing, failure) -> beat.cancel(false));
        }

        @Override
        void tell(Announcement traffic) {
            send("event: traffic\nid: " + traffic.mark() + "\ndata: " + traffic.json() + "\n\n");
        }

        @Override
        void end() {
            done.complete(null);
        }

        private void send(String text) {
            if (done.isDone()) {
                return;
            }
            try {
                ServletOutputStream out = context.res().getOutputStream();
                out.write(text.getBytes(StandardCharsets.UTF_8));
                out.flush();
            } catch (IOException e) {
                done.complete(null); // the client has gone
            }
        }
    }

    private static void answer(Context context, Announcement traffic, String accept) {
        if (accept.contains("text/plain")) {
            context.contentType("text/plain;charset=utf-8").result(traffic.shell());
        } else {
            JsonNode body = traffic.json();
            context.contentType("application/json").result(body.toString());
        }
        context.attribute("answered", true);
    }

    private static Duration timeout(String text) {
        if (text == null) {
            return Duration.ofSeconds(30);
        }
        Duration timeout = Durations.parse(text);
        if (timeout == null) {
            throw new ApiServer.BadRequest(400, "timeout must be a duration such as 500ms, 30s or 1m");
        }
        return timeout.compareTo(WAIT_MAX) > 0 ? WAIT_MAX : timeout;
    }

    private static DaemonControl.Refused unknown() {
        return new DaemonControl.Refused("the daemon has not read yet which side takes writes: ask again in a moment");
    }

    private static ApiServer.BadRequest tooMany() {
        return new ApiServer.BadRequest(503, "too many requests wait already: follow the flag file, or let one process a"
                + " machine wait here");
    }
}
