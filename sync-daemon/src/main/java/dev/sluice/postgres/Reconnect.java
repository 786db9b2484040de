package dev.sluice.postgres;

import io.github.resilience4j.circuitbreaker.CallNotPermittedException;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.core.IntervalFunction;
import io.github.resilience4j.retry.Retry;
import io.github.resilience4j.retry.RetryConfig;
import java.sql.SQLException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Waits for a target that is away: repeats work until it succeeds, with growing pauses and jitter, at most five seconds
 * apart. All threads of a migration share one Reconnect, whose circuit breaker lets only one of them knock at a time.
 *
 * <p>The work must be safe to repeat when its outcome is unknown: read-only, or a transaction that first compares the
 * watermark. It opens its own connection, or takes a fresh one when its old one is closed. Waiting ends by interrupting
 * the thread. Thread-safe.
 */
public final class Reconnect {

    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration PAUSE_MAX = Duration.ofSeconds(5);
    /** Deadlocks and lock timeouts come and go; only a row of them is worth the operator's attention. */
    private static final int TRANSIENT_ATTEMPTS_SILENT = 3;

    private final TargetUrl url;
    private final Set<SqlFailure> repeated;
    private final Listener listener;
    private final CircuitBreaker breaker;
    private final RetryConfig pauses;

    private final AtomicLong retries = new AtomicLong();
    private final Object blockLock = new Object();
    private int blockedCalls; // guarded by blockLock
    private String reason; // guarded by blockLock

    /** Hears when work begins to wait and when it goes on; called on the waiting thread, so return at once. */
    public interface Listener {

        /** @param reason one sentence; called again when the reason changes */
        void onBlocked(String reason);

        void onHealed();
    }

    /** Work that may be repeated. */
    @FunctionalInterface
    public interface Work<T, E extends Exception> {

        T run() throws E;
    }

    /** Work without a result that may be repeated. */
    @FunctionalInterface
    public interface Act {

        void run() throws SQLException;
    }

    /** Repeats what heals by itself: {@link SqlFailure#UNREACHABLE} and {@link SqlFailure#TRANSIENT}. */
    public Reconnect(TargetUrl url, Listener listener) {
        this(url, EnumSet.of(SqlFailure.UNREACHABLE, SqlFailure.TRANSIENT), listener);
    }

    /** @param repeated the failures after which work is repeated; for a long-running follower also a full disk */
    public Reconnect(TargetUrl url, Set<SqlFailure> repeated, Listener listener) {
        this.url = url;
        this.repeated = EnumSet.copyOf(repeated);
        this.listener = listener;
        IntervalFunction growing = IntervalFunction.ofExponentialRandomBackoff(FIRST_PAUSE, 2.0, 0.5, PAUSE_MAX);
        this.pauses = RetryConfig.custom()
                .maxAttempts(Integer.MAX_VALUE)
                .intervalFunction(growing)
                .retryOnException(this::repeats)
                .build();
        this.breaker = CircuitBreaker.of("target", CircuitBreakerConfig.custom()
                .slidingWindowType(CircuitBreakerConfig.SlidingWindowType.COUNT_BASED)
                .slidingWindowSize(1)
                .minimumNumberOfCalls(1)
                .failureRateThreshold(100)
                .slowCallRateThreshold(100)
                .slowCallDurationThreshold(Duration.ofDays(365)) // a long COPY is not a sick server
                .permittedNumberOfCallsInHalfOpenState(1)
                .waitIntervalFunctionInOpenState(growing)
                .recordException(failure -> SqlFailure.of(failure) == SqlFailure.UNREACHABLE)
                .build());
    }

    /**
     * Runs {@code work} until it succeeds or fails with something that waiting does not heal, which is thrown as it is.
     *
     * @throws InterruptedException when the thread was interrupted between two attempts; nothing is known about the
     * last
     */
    public <T, E extends Exception> T call(Work<T, E> work) throws E, InterruptedException {
        Call<T, E> call = new Call<>(work);
        try {
            return Retry.of("target", pauses).executeCallable(call::attempt);
        } catch (Exception e) {
            // attempts never run out: only a stop ends the pauses
            if (e instanceof InterruptedException || repeats(e)) {
                call.stopped = true;
                Thread.interrupted();
                throw stopped(e);
            }
            throw call.failure(e);
        } finally {
            call.leave();
        }
    }

    /** As {@link #call} for work without a result. */
    public void run(Act act) throws SQLException, InterruptedException {
        this.<Void, SQLException>call(() -> {
            act.run();
            return null;
        });
    }

    /** How often work was tried again. */
    public long retries() {
        return retries.get();
    }

    /** State of the breaker: {@code closed}, {@code open}, {@code half_open}. */
    public String breakerState() {
        return breaker.getState().name().toLowerCase(Locale.ROOT);
    }

    /** True while any thread waits for the target. */
    public boolean blocked() {
        synchronized (blockLock) {
            return blockedCalls > 0;
        }
    }

    private boolean repeats(Throwable failure) {
        return failure instanceof CallNotPermittedException
                || !(failure instanceof InterruptedException) && repeated.contains(SqlFailure.of(failure));
    }

    private static InterruptedException stopped(Exception cause) {
        InterruptedException stopped = new InterruptedException("stopped while waiting for the target");
        stopped.initCause(cause);
        return stopped;
    }

    /** One call with the memory of whether it is counted as blocked; used by one thread. */
    private final class Call<T, E extends Exception> {

        private final Work<T, E> work;
        private int failures;
        private boolean blocked;
        private boolean stopped;

        Call(Work<T, E> work) {
            this.work = work;
        }

        T attempt() throws Exception {
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedException("stopped before an attempt");
            }
            try {
                return breaker.executeCallable(work::run);
            } catch (CallNotPermittedException e) {
                block(null);
                throw e;
            } catch (Exception e) {
                SqlFailure failure = SqlFailure.of(e);
                failures++;
                boolean silent = failure == SqlFailure.TRANSIENT && !SqlFailure.isLockTimeout(e)
                        && failures <= TRANSIENT_ATTEMPTS_SILENT;
                if (repeated.contains(failure)) {
                    retries.incrementAndGet();
                }
                if (repeated.contains(failure) && !silent) {
                    block(SqlFailure.sentence(e, url));
                }
                throw e;
            }
        }

        @SuppressWarnings("unchecked") // the work throws E or unchecked exceptions, and we let nothing else through
        E failure(Exception e) {
            if (e instanceof RuntimeException unchecked) {
                throw unchecked;
            }
            return (E) e;
        }

        private void block(String sentence) {
            synchronized (blockLock) {
                if (!blocked) {
                    blocked = true;
                    blockedCalls++;
                }
                if (sentence != null && !Objects.equals(sentence, reason)) {
                    reason = sentence;
                    listener.onBlocked(sentence);
                }
            }
        }

        void leave() {
            synchronized (blockLock) {
                if (blocked && --blockedCalls == 0) {
                    boolean heard = reason != null;
                    reason = null;
                    if (heard && !stopped) {
                        listener.onHealed();
                    }
                }
            }
        }
    }
}
