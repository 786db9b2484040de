package dev.sluice.demo;

import dev.sluice.postgres.Target;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Looks at PostgreSQL as any reader would, five times a second on a thread of its own: transfers never change the sum
 * over all accounts, so half a transfer would show; and the newest event tells how far PostgreSQL is behind.
 * Thread-safe.
 */
final class BalanceWatch implements AutoCloseable {

    private static final long PAUSE_MS = 200;
    private static final long STOP_WAIT_MS = 10_000;

    private final Target target;
    private final long sumExpected;
    private final Thread thread = new Thread(this::watch, "demo-balance");
    private final CountDownLatch stop = new CountDownLatch(1);

    private final List<Long> agesMs = new ArrayList<>(); // guarded by this
    private long checks; // guarded by this
    private long broken; // guarded by this
    private String failure; // guarded by this

    /**
     * What was seen.
     *
     * @param checks how often the sum was asked for
     * @param broken how often it was wrong
     * @param ageMedianMs how long ago the newest event in PostgreSQL was written by the application
     * @param failure why it could not go on, or null
     */
    record Sight(long checks, long broken, long ageMedianMs, long ageMaxMs, String failure) {}

    BalanceWatch(Target target, long sumExpected) {
        this.target = target;
        this.sumExpected = sumExpected;
    }

    void start() {
        thread.start();
    }

    synchronized Sight sight() {
        List<Long> sorted = agesMs.stream().sorted().toList();
        return new Sight(checks, broken, sorted.isEmpty() ? 0 : sorted.get(sorted.size() / 2),
                sorted.isEmpty() ? 0 : sorted.get(sorted.size() - 1), failure);
    }

    @Override
    public void close() {
        stop.countDown();
        try {
            thread.join(STOP_WAIT_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void watch() {
        try (Connection connection = target.dedicated();
                PreparedStatement look = connection.prepareStatement("""
                        SELECT (SELECT sum(balance_cents) FROM accounts), (SELECT max(at_ms) FROM events)
                        """)) {
            do {
                try (ResultSet row = look.executeQuery()) {
                    row.next();
                    note(row.getLong(1), System.currentTimeMillis() - row.getLong(2));
                }
            } while (!stop.await(PAUSE_MS, TimeUnit.MILLISECONDS));
        } catch (SQLException e) {
            fail("the sum of the accounts could not be asked for (SQLSTATE " + e.getSQLState() + ")");
        } catch (InterruptedException e) {
            fail("the watch on the accounts was interrupted");
        }
    }

    private synchronized void note(long sum, long ageMs) {
        checks++;
        broken += sum == sumExpected ? 0 : 1;
        agesMs.add(ageMs);
    }

    private synchronized void fail(String sentence) {
        failure = sentence;
    }
}
