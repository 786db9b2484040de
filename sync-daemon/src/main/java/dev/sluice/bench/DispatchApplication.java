package dev.sluice.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.StringJoiner;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The application on the reference set: a process of its own that knows of no migration. Commands, one a line: {@code
 * background N} writes N transactions a second until the next command; {@code timed N S} does so for S seconds and
 * answers when each commit had returned; {@code distinct N} and {@code hot N} make N changes as fast as it can, of ever
 * new rows or of the same hundred.
 */
final class DispatchApplication {

    static final String INSERT_EVENT = """
            INSERT INTO ride_events (ride_id, kind, at, latitude, longitude, payload)
            VALUES (?, 'position', '2026-05-01 12:00:00', ?, 13.4, '{"speed": 50, "source": "gps"}')
            """;
    static final String UPDATE_RIDE = "UPDATE rides SET fare = ?, status = 'driving' WHERE id = ?";

    private static final int CHANGES_PER_TRANSACTION = 100;
    private static final int HOT_ROWS = 100;
    /** How far it falls behind its rate before it stops trying to catch up. */
    private static final long ARREARS_MAX_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final BlockingQueue<String> commands = new LinkedBlockingQueue<>();
    private final SplittableRandom random = new SplittableRandom(7);
    private final int rides;
    private final Connection connection;
    private final PreparedStatement insertEvent;
    private final PreparedStatement updateRide;
    private final PreparedStatement deleteEvent;
    private int nextRide;
    private long oldestEvent = 1;

    /** Arguments: the file and the scale of its content. */
    public static void main(String[] arguments) throws Exception {
        ReferenceSet set = new ReferenceSet(Double.parseDouble(arguments[1]));
        try (Connection connection = ReferenceSet.open(Path.of(arguments[0]))) {
            new DispatchApplication(connection, set.scaled(ReferenceSet.RIDES)).run();
        }
    }

    private DispatchApplication(Connection connection, int rides) throws SQLException {
        this.connection = connection;
        this.rides = rides;
        this.insertEvent = connection.prepareStatement(INSERT_EVENT);
        this.updateRide = connection.prepareStatement(UPDATE_RIDE);
        this.deleteEvent = connection.prepareStatement("DELETE FROM ride_events WHERE id = ?");
    }

    private void run() throws SQLException, InterruptedException {
        Thread ear = new Thread(this::listen, "bench-commands");
        ear.setDaemon(true);
        ear.start();
        connection.setAutoCommit(false);
        for (String command = commands.take(); !command.equals("stop"); command = commands.take()) {
            String[] words = command.split(" ");
            switch (words[0]) {
                case "background" -> background(Integer.parseInt(words[1]));
                case "timed" -> timed(Integer.parseInt(words[1]), Integer.parseInt(words[2]));
                case "distinct" -> many(Integer.parseInt(words[1]), false);
                case "hot" -> many(Integer.parseInt(words[1]), true);
                case "idle" -> say("{\"idle\": true}");
                default -> say("{\"failure\": \"unknown command\"}");
            }
        }
    }

    /** The end of the input is also what a dead parent leaves behind. */
    private void listen() {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                commands.add(line);
            }
        } catch (IOException e) {
            say("{\"failure\": \"the commands could not be read\"}");
        }
        commands.add("stop");
    }

    private void background(int perSecond) throws SQLException {
        Pace pace = new Pace(perSecond);
        while (commands.isEmpty()) {
            pace.await();
            transaction();
        }
    }

    private void timed(int perSecond, int seconds) throws SQLException {
        int count = perSecond * seconds;
        long[] committed = new long[count];
        long first = lastEvent() + 1;
        Pace pace = new Pace(perSecond);
        long start = System.nanoTime();
        for (int i = 0; i < count; i++) {
            pace.await();
            transaction();
            committed[i] = System.nanoTime();
        }
        StringJoiner times = new StringJoiner(",");
        for (long nanos : committed) {
            times.add(Long.toString(nanos));
        }
        say("{\"first\": %d, \"perSecond\": %.1f, \"committed\": [%s]}", first,
                count / ((System.nanoTime() - start) / 1e9), times);
    }

    private long lastEvent() throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT seq FROM sqlite_sequence WHERE name = 'ride_events'")) {
            return row.next() ? row.getLong(1) : 0;
        }
    }

    /** One ride moves on: an event more, and its row. */
    private void transaction() throws SQLException {
        insertEvent(random.nextInt(rides));
        updateRide(random.nextInt(rides));
        connection.commit();
    }

    private void many(int changes, boolean hot) throws SQLException {
        long start = System.nanoTime();
        for (int i = 1; i <= changes; i++) {
            if (hot) {
                updateRide(random.nextInt(Math.min(HOT_ROWS, rides)));
            } else if (i % 10 < 6) {
                insertEvent(random.nextInt(rides));
            } else if (i % 10 < 9) {
                updateRide(nextRide++ % rides);
            } else {
                deleteEvent.setLong(1, oldestEvent++);
                deleteEvent.executeUpdate();
            }
            if (i % CHANGES_PER_TRANSACTION == 0) {
                connection.commit();
            }
        }
        connection.commit();
        say("{\"changes\": %d, \"seconds\": %.3f}", changes, (System.nanoTime() - start) / 1e9);
    }

    private void insertEvent(int ride) throws SQLException {
        insertEvent.setString(1, ReferenceSet.id('r', ride));
        insertEvent.setDouble(2, 50 + random.nextInt(1_000) / 1e3);
        insertEvent.executeUpdate();
    }

    private void updateRide(int ride) throws SQLException {
        updateRide.setDouble(1, (900 + random.nextInt(40_000)) / 100.0);
        updateRide.setString(2, ReferenceSet.id('r', ride));
        updateRide.executeUpdate();
    }

    private static void say(String format, Object... values) {
        System.out.printf(Locale.ROOT, format + "%n", values);
        System.out.flush();
    }

    /** Spreads work evenly over time. */
    static final class Pace {
        private final long step;
        private long due = System.nanoTime();

        Pace(int perSecond) {
            this.step = TimeUnit.SECONDS.toNanos(1) / perSecond;
        }

        void await() {
            long now = System.nanoTime();
            while (now < due) {
                LockSupport.parkNanos(due - now);
                now = System.nanoTime();
            }
            due = Math.max(due + step, now - ARREARS_MAX_NANOS);
        }
    }
}
