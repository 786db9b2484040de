package dev.sluice.bench;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.postgres.Target;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;

/** How soon, and how quickly, the target has what the application committed. */
final class FollowBench {

    /** Between two looks of the reader, so that it does not take a core from those that it measures. */
    private static final long LOOK_PAUSE_NANOS = 500_000;
    private static final Duration WARM_UP = Duration.ofSeconds(3);
    private static final Duration ANSWER = Duration.ofMinutes(20);

    private final Target target;
    private final ChildProcess application;
    private final ChildProcess migration;

    FollowBench(Target target, ChildProcess application, ChildProcess migration) {
        this.target = target;
        this.application = application;
        this.migration = migration;
    }

    // ---- latency ----

    /** From here on a reader in PostgreSQL saw every event up to {@code event}. */
    private record Seen(long event, long nanos) {}

    /**
     * Times commits from the moment at which the application's COMMIT returned to the moment at which a reader's query in
     * PostgreSQL has answered with the row. Both clocks are the machine's one monotonic clock.
     */
    BenchReport.Latency latency(int perSecond, Duration time) throws Exception {
        application.ask("timed " + perSecond + " " + WARM_UP.toSeconds(), ANSWER);
        awaitAll();
        try (Connection connection = target.dedicated()) {
            CpuTime server = CpuTime.ofServer(connection);
            double serverBefore = server.seconds();
            JsonNode before = migration.ask("use", ANSWER);
            application.send("timed " + perSecond + " " + time.toSeconds());
            Callable<List<Seen>> work = () -> look(connection);
            FutureTask<List<Seen>> reader = new FutureTask<>(work);
            Thread thread = new Thread(reader, "bench-reader");
            thread.start();
            JsonNode said;
            try {
                said = application.await(ANSWER);
                awaitAll();
            } finally {
                LockSupport.unpark(thread);
                thread.interrupt();
            }
            JsonNode after = migration.ask("use", ANSWER);
            Double serverUsed = server.since(serverBefore);
            double[] ms = latencies(said, reader.get());
            Arrays.sort(ms);
            double seconds = (after.path("nanos").asLong() - before.path("nanos").asLong()) / 1e9;
            return new BenchReport.Latency(ms.length, said.path("perSecond").asDouble(), at(ms, 0.5), at(ms, 0.95),
                    at(ms, 0.99), ms[ms.length - 1],
                    (after.path("cpuSeconds").asDouble() - before.path("cpuSeconds").asDouble()) / seconds,
                    serverUsed == null ? null : (Double) (serverUsed / seconds));
        }
    }

    /** Looks until it is interrupted. */
    private static List<Seen> look(Connection connection) throws SQLException {
        List<Seen> seen = new ArrayList<>();
        long last = -1;
        try (PreparedStatement query = connection.prepareStatement("SELECT coalesce(max(id), 0) FROM ride_events")) {
            boolean more = true;
            while (more) {
                more = !Thread.currentThread().isInterrupted(); // once more after the last row is there
                try (ResultSet row = query.executeQuery()) {
                    row.next();
                    long event = row.getLong(1);
                    if (event != last) {
                        seen.add(new Seen(event, System.nanoTime()));
                        last = event;
                    }
                }
                LockSupport.parkNanos(LOOK_PAUSE_NANOS);
            }
        }
        return seen;
    }

    private static double[] latencies(JsonNode said, List<Seen> seen) {
        long first = said.path("first").asLong();
        JsonNode committed = said.path("committed");
        double[] ms = new double[committed.size()];
        int at = 0;
        for (int i = 0; i < ms.length; i++) {
            while (at < seen.size() && seen.get(at).event < first + i) {
                at++;
            }
            if (at == seen.size()) {
                throw new BenchFailure("the reader in PostgreSQL did not see every commit");
            }
            // the reader can see a row before the application's COMMIT has returned
            ms[i] = Math.max(0, (seen.get(at).nanos - committed.get(i).asLong()) / 1e6);
        }
        return ms;
    }

    static double at(double[] sorted, double share) {
        return sorted[(int) Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
    }

    // ---- catching up ----

    /** Lets changes pile up while the migration is paused, and times how it works them off. */
    BenchReport.CatchUp catchUp(String kind, int changes) throws Exception {
        awaitAll();
        migration.ask("pause", ANSWER);
        application.ask(kind + " " + changes, ANSWER);
        try (Connection connection = target.dedicated()) {
            CpuTime server = CpuTime.ofServer(connection);
            double serverBefore = server.seconds();
            double before = migration.ask("use", ANSWER).path("cpuSeconds").asDouble();
            long start = System.nanoTime();
            migration.ask("resume", ANSWER);
            awaitAll();
            double seconds = (System.nanoTime() - start) / 1e9;
            JsonNode after = migration.ask("use", ANSWER);
            return new BenchReport.CatchUp(kind, changes, seconds, changes / seconds,
                    after.path("cpuSeconds").asDouble() - before, server.since(serverBefore),
                    after.path("peakMemoryMb").asLong());
        }
    }

    /** Waits until the target holds everything that the application has committed. */
    private void awaitAll() throws Exception {
        long head = migration.ask("head", ANSWER).path("head").asLong();
        long deadline = System.nanoTime() + ANSWER.toNanos();
        try (Connection connection = target.connect(); PreparedStatement query = connection.prepareStatement(
                "SELECT seq FROM sluice.watermark WHERE migration = ?")) {
            query.setString(1, MeasuredMigration.NAME);
            while (true) {
                try (ResultSet row = query.executeQuery()) {
                    row.next();
                    if (row.getLong(1) >= head) {
                        return;
                    }
                }
                if (System.nanoTime() > deadline) {
                    throw new BenchFailure("the target did not catch up within " + ANSWER.toMinutes() + " min");
                }
                LockSupport.parkNanos(5 * LOOK_PAUSE_NANOS);
            }
        }
    }
}
