package dev.sluice.migration;

import dev.sluice.postgres.TargetRefusal;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What other threads ask of a migration's follow thread, which alone touches the way of the data. */
final class Requests {

    private static final int WAITING_MAX = 64;
    private static final Duration LOOK = Duration.ofMillis(200);
    private static final Duration OFFER_WAIT = Duration.ofSeconds(10);

    private final BlockingQueue<FutureTask<?>> waiting = new ArrayBlockingQueue<>(WAITING_MAX);
    private final CountDownLatch ended;

    /** @param ended zero when the follow thread is gone, and nobody will answer */
    Requests(CountDownLatch ended) {
        this.ended = ended;
    }

    // ---- for other threads ----

    /** Runs {@code work} on the follow thread and waits for it. */
    <T> T ask(Callable<T> work) throws Exception {
        return await(offer(work));
    }

    /** Likewise, but {@code early} is the answer if it has one before the work has ended, which goes on. */
    <T> T ask(Callable<T> work, CompletableFuture<T> early) throws Exception {
        FutureTask<T> task = offer(work);
        while (!early.isDone()) {
            try {
                return result(task, LOOK);
            } catch (TimeoutException e) {
                requireThread();
            }
        }
        return early.get();
    }

    private <T> FutureTask<T> offer(Callable<T> work) throws InterruptedException {
        FutureTask<T> task = new FutureTask<>(work);
        if (!waiting.offer(task, OFFER_WAIT.toMillis(), TimeUnit.MILLISECONDS)) {
            throw busy();
        }
        return task;
    }

    /** Waits for what the follow thread runs in its own time. */
    <T> T await(FutureTask<T> task) throws Exception {
        while (true) {
            try {
                return result(task, LOOK);
            } catch (TimeoutException e) {
                requireThread();
            }
        }
    }

    private void requireThread() {
        if (ended.getCount() == 0) {
            throw new TargetRefusal("the migration has ended");
        }
    }

    private static <T> T result(FutureTask<T> task, Duration within) throws Exception {
        try {
            return task.get(within.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    /** As {@link #ask(Callable)}, but gives up after {@code timeout} with a {@link TimeoutException}; what has begun by then goes on. */
    <T> T askWithin(Duration timeout, Callable<T> work) throws Exception {
        FutureTask<T> task = new FutureTask<>(work);
        if (!waiting.offer(task)) {
            throw busy();
        }
        try {
            return result(task, timeout);
        } catch (TimeoutException e) {
            task.cancel(false);
            throw e;
        }
    }

    private static TargetRefusal busy() {
        return new TargetRefusal("the migration is busy: try again");
    }

    // ---- for the follow thread ----

    /** Runs everything that waits; waits for a first request at most {@code wait}. */
    void runWithin(Duration wait) throws InterruptedException {
        FutureTask<?> task = waiting.poll(wait.toNanos(), TimeUnit.NANOSECONDS);
        while (task != null) {
            task.run();
            task = waiting.poll();
        }
    }

    /** Runs one, if any waits. */
    void runOne() {
        FutureTask<?> task = waiting.poll();
        if (task != null) {
            task.run();
        }
    }
}
