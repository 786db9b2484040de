package dev.sluice.bench;

import dev.sluice.datasource.TrafficDataSource;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * An application on the reference set that writes to whichever side takes writes: a process of its own with a connection
 * to each, which tries the other one a millisecond after a write was refused. It says how long its writes stood still
 * each time that it changed sides, and ends with its standard input.
 */
final class SwitchedWriter {

    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final SplittableRandom random = new SplittableRandom(11);
    private final int rides;
    private final Side[] sides;
    private volatile boolean stopped;

    /** Arguments: the file, the scale of its content, PostgreSQL's JDBC address and user, commits a second. */
    public static void main(String[] arguments) throws Exception {
        int rides = new ReferenceSet(Double.parseDouble(arguments[1])).scaled(ReferenceSet.RIDES);
        try (Connection sqlite = ReferenceSet.open(Path.of(arguments[0]));
                Connection postgres = DriverManager.getConnection(arguments[2], arguments[3],
                        System.getenv(MeasuredMigration.PASSWORD))) {
            new SwitchedWriter(rides, new Side("sqlite", sqlite), new Side("postgres", postgres))
                    .run(Integer.parseInt(arguments[4]));
        }
    }

    private SwitchedWriter(int rides, Side... sides) {
        this.rides = rides;
        this.sides = sides;
    }

    private void run(int perSecond) throws SQLException {
        Thread ear = new Thread(this::listen, "bench-stop");
        ear.setDaemon(true);
        ear.start();
        DispatchApplication.Pace pace = new DispatchApplication.Pace(perSecond);
        int at = 0;
        int acknowledgedBy = 0;
        long acknowledged = System.nanoTime();
        while (!stopped) {
            pace.await();
            int refused = 0;
            while (!sides[at].write(random, rides) && !stopped) {
                refused++;
                at = 1 - at;
                LockSupport.parkNanos(RETRY_NANOS);
            }
            long now = System.nanoTime();
            if (at != acknowledgedBy && !stopped) {
                System.out.printf(Locale.ROOT, "{\"to\": \"%s\", \"pauseMs\": %.3f, \"refused\": %d, \"commits\": %d}%n",
                        sides[at].name, (now - acknowledged) / 1e6, refused, sides[0].commits + sides[1].commits);
                System.out.flush();
            }
            acknowledgedBy = at;
            acknowledged = now;
        }
    }

    /** The end of the input is also what a dead parent leaves behind. */
    private void listen() {
        try {
            System.in.read();
        } catch (IOException e) {
            stopped = true; // an input that can't be read has ended
        }
        stopped = true;
    }

    /** One of the two databases. */
    private static final class Side {
        private final String name;
        private final Connection connection;
        private final PreparedStatement insertEvent;
        private final PreparedStatement updateRide;
        private long commits;

        Side(String name, Connection connection) throws SQLException {
            this.name = name;
            this.connection = connection;
            connection.setAutoCommit(false);
            this.insertEvent = connection.prepareStatement(DispatchApplication.INSERT_EVENT);
            this.updateRide = connection.prepareStatement(DispatchApplication.UPDATE_RIDE);
        }

        /** False if the write was refused. */
        boolean write(SplittableRandom random, int rides) throws SQLException {
            try {
                insertEvent.setString(1, ReferenceSet.id('r', random.nextInt(rides)));
                insertEvent.setDouble(2, 50 + random.nextInt(1_000) / 1e3);
                insertEvent.executeUpdate();
                updateRide.setDouble(1, (900 + random.nextInt(40_000)) / 100.0);
                updateRide.setString(2, ReferenceSet.id('r', random.nextInt(rides)));
                updateRide.executeUpdate();
                connection.commit();
                commits++;
                return true;
            } catch (SQLException e) {
                connection.rollback();
                if (TrafficDataSource.isRefusedWrite(e)) {
                    return false;
                }
                throw e;
            }
        }
    }
}
