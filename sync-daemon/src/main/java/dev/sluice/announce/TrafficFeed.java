package dev.sluice.announce;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Where traffic is now, and who wants to hear of changes. Thread-safe. */
public final class TrafficFeed {

    private static final int LISTENERS_MAX = 64;

    private final List<Consumer<Announcement>> listeners = new ArrayList<>(); // guarded by this
    private Announcement now; // guarded by this; null until the register was read

    /** Ends a subscription; may be called again. */
    @FunctionalInterface
    public interface Subscription extends AutoCloseable {
        @Override
        void close();
    }

    /** Empty until somebody has read the register. */
    public synchronized Optional<Announcement> now() {
        return Optional.ofNullable(now);
    }

    /** Tells everybody, unless nothing has changed or {@code traffic} is of an older epoch and ends no pause. */
    public synchronized void set(Announcement traffic) {
        if (traffic.equals(now) || now != null && !traffic.mayFollow(now.side(), now.epoch())) {
            return;
        }
        now = traffic;
        List.copyOf(listeners).forEach(listener -> listener.accept(traffic));
        notifyAll();
    }

    /**
     * Hands every change to {@code listener}, in order, and at once what is true now. It is called under the feed's
     * lock, so it must neither wait nor fail. Empty if too many listen already.
     */
    public synchronized Optional<Subscription> subscribe(Consumer<Announcement> listener) {
        if (listeners.size() >= LISTENERS_MAX) {
            return Optional.empty();
        }
        listeners.add(listener);
        now().ifPresent(listener);
        return Optional.of(() -> {
            synchronized (this) {
                listeners.remove(listener);
            }
        });
    }

    /** Waits until something other than {@code seen} is true, {@code most} at most; returns what is true then. */
    public synchronized Optional<Announcement> awaitOther(Announcement seen, Duration most) throws InterruptedException {
        long deadline = System.nanoTime() + most.toNanos();
        while (now == null || now.equals(seen)) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                break;
            }
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
        return now();
    }
}
