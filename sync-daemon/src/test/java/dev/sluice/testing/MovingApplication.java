package dev.sluice.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * An application that knows of a move only by its refused writes, and notes every write that was acknowledged. A second
 * thread of it tries both sides all the time, holding what one side takes while it asks the other: that both take a write at
 * one moment must never be.
 */
public final class MovingApplication implements AutoCloseable {

    /** What it expects in the source. */
    public static final String[] SCHEMA = {
        "CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER NOT NULL, line TEXT)",
        "CREATE TABLE counter (id INTEGER PRIMARY KEY, writes INTEGER)", "INSERT INTO counter VALUES (1, 0)",
        "CREATE TABLE probe (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)",
        "CREATE TABLE audit (id INTEGER PRIMARY KEY, what TEXT)",
        "CREATE TRIGGER log_audit AFTER DELETE ON log BEGIN INSERT INTO audit (what) VALUES ('deleted ' || old.n); END"};

    private static final Duration PACE = Duration.ofMillis(4);
    private static final String REFUSED = "SL001";

    /** Where a write went. */
    public enum Side { SQLITE, POSTGRES }

    private enum Taken { YES, NO, AWAY }

    private final Path source;
    private final String url;
    private final Properties login;
    private final AtomicLong next = new AtomicLong();
    private final Map<Long, Side> acknowledged = new ConcurrentHashMap<>();
    private final Set<Long> uncertain = ConcurrentHashMap.newKeySet();
    private final Map<Long, Side> epochs = new ConcurrentHashMap<>();
    private final NavigableMap<Long, Side> times = new ConcurrentSkipListMap<>();
    private final ReentrantReadWriteLock gate = new ReentrantReadWriteLock(true);
    private final Thread writer = new Thread(() -> run(this::write), "application-writer");
    private final Thread prober = new Thread(() -> run(this::probe), "application-prober");
    private volatile boolean stopping;
    private volatile Throwable failure;
    private volatile boolean epochsReadable = true;

    /** Starts it, on SQLite. */
    public MovingApplication(Path source, String url, Properties login) {
        this.source = source;
        this.url = url;
        this.login = login;
        writer.start();
        prober.start();
    }

    /** What holds for writes that were acknowledged in an epoch is not asked any more: who knows of it is to be removed. */
    public void forgetEpochs() {
        epochsReadable = false;
    }

    // ---- what a test asks ----

    /** Fails if both sides took a write at one moment or in one epoch, or a side failed as none may. */
    public void assertWell() {
        if (failure != null) {
            throw new AssertionError("the application saw what it must not", failure);
        }
    }

    /** How many writes were acknowledged. */
    public int writes() {
        return acknowledged.size();
    }

    /** The first write acknowledged after {@code nanos}, as its time; null if there was none yet. */
    public Map.Entry<Long, Side> firstAfter(long nanos) {
        return times.higherEntry(nanos);
    }

    /** Nobody writes while {@code act} runs. */
    public void still(LiveGround.Act act) throws Exception {
        gate.writeLock().lock();
        try {
            act.run();
        } finally {
            gate.writeLock().unlock();
        }
    }

    /** Fails if a write that was acknowledged is missing on a side, or one is there twice. To be called in {@link #still}. */
    public void assertEachOnce(Connection side, String name) throws SQLException {
        Map<Long, Integer> found = new HashMap<>();
        long logged = 0;
        long counted;
        try (Statement statement = side.createStatement()) {
            try (ResultSet row = statement.executeQuery("SELECT n, 1 FROM log UNION ALL SELECT n, 0 FROM probe")) {
                while (row.next()) {
                    found.merge(row.getLong(1), 1, Integer::sum);
                    logged += row.getLong(2);
                }
            }
            try (ResultSet row = statement.executeQuery("SELECT writes FROM counter")) {
                row.next();
                counted = row.getLong(1);
            }
        }
        Set<Long> missing = new HashSet<>(acknowledged.keySet());
        missing.removeAll(found.keySet());
        assertThat(missing).as("acknowledged writes that are missing on %s", name).isEmpty();
        Set<Long> invented = new HashSet<>(found.keySet());
        invented.removeAll(acknowledged.keySet());
        invented.removeAll(uncertain);
        assertThat(invented).as("writes that nobody acknowledged on %s", name).isEmpty();
        assertThat(found).as("writes on %s that are there twice", name).allSatisfy((n, times) -> assertThat(times).isOne());
        assertThat(counted).as("the counter beside the log on %s", name).isEqualTo(logged);
    }

    // ---- its threads ----

    private interface Work {
        void once(Hand sqlite, Hand postgres) throws SQLException;
    }

    private void run(Work work) {
        try (Hand sqlite = new SqliteHand(); Hand postgres = new PostgresHand()) {
            while (!stopping && failure == null) {
                gate.readLock().lock();
                try {
                    work.once(sqlite, postgres);
                } finally {
                    gate.readLock().unlock();
                }
                LockSupport.parkNanos(PACE.toNanos());
            }
        } catch (SQLException | RuntimeException | AssertionError e) {
            failure = e;
        }
    }

    private Side at = Side.SQLITE; // the writer's own

    private void write(Hand sqlite, Hand postgres) throws SQLException {
        long n = next.incrementAndGet();
        Hand hand = at == Side.SQLITE ? sqlite : postgres;
        Taken taken = hand.take("INSERT INTO log (n, line) VALUES (" + n + ", 'line ' || " + n + ")",
                "UPDATE counter SET writes = writes + 1 WHERE id = 1");
        if (taken == Taken.YES) {
            hand.commit(n);
        } else {
            at = at == Side.SQLITE ? Side.POSTGRES : Side.SQLITE; // it may have moved
        }
    }

    private boolean postgresFirst; // the prober's own

    private void probe(Hand sqlite, Hand postgres) throws SQLException {
        postgresFirst = !postgresFirst;
        Hand first = postgresFirst ? postgres : sqlite;
        Hand second = postgresFirst ? sqlite : postgres;
        long one = next.incrementAndGet();
        long other = next.incrementAndGet();
        postgres.ready(); // nobody's lock is held while it connects
        Taken here = first.take("INSERT INTO probe (n) VALUES (" + one + ")");
        Taken there = second.take("INSERT INTO probe (n) VALUES (" + other + ")");
        if (here == Taken.YES && there == Taken.YES) {
            throw new AssertionError("both sides take writes, SQLite in epoch " + sqlite.epoch() + ", PostgreSQL in epoch "
                    + postgres.epoch());
        }
        if (here == Taken.YES) {
            first.commit(one);
        }
        if (there == Taken.YES) {
            second.commit(other);
        }
    }

    /** A connection to one side. */
    private abstract class Hand implements AutoCloseable {

        private final Side side;
        private Connection connection;

        Hand(Side side) {
            this.side = side;
        }

        abstract Connection connect() throws SQLException;

        abstract void begin(Statement statement) throws SQLException;

        /** Not done, for a reason that the fence gives. */
        abstract boolean isRefusal(SQLException e);

        /** Not done, for a reason that may pass. */
        abstract boolean isAway(SQLException e);

        abstract String epochQuery();

        void ready() throws SQLException {
            try {
                if (connection == null || connection.isClosed()) {
                    connection = connect();
                }
            } catch (SQLException e) {
                leave(e);
            }
        }

        private Taken leave(SQLException e) throws SQLException {
            if (isRefusal(e)) {
                try (Statement statement = connection.createStatement()) {
                    statement.execute("ROLLBACK");
                    return Taken.NO;
                } catch (SQLException gone) {
                    close();
                    return Taken.NO;
                }
            }
            close();
            if (isAway(e)) {
                return Taken.AWAY;
            }
            throw e;
        }

        /** Begins a transaction and writes; it is open if the answer is yes, else it is not done and will not be. */
        Taken take(String... writes) throws SQLException {
            ready();
            if (connection == null) {
                return Taken.AWAY;
            }
            try (Statement statement = connection.createStatement()) {
                begin(statement);
                for (String write : writes) {
                    statement.execute(write);
                }
                return Taken.YES;
            } catch (SQLException e) {
                return leave(e);
            }
        }

        long epoch() throws SQLException {
            if (!epochsReadable) {
                return -1;
            }
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(epochQuery())) {
                return row.next() ? row.getLong(1) : -1;
            } catch (SQLException e) {
                if (isAway(e)) {
                    return -1; // the commit fails too
                }
                throw e;
            }
        }

        void commit(long n) throws SQLException {
            long epoch = epoch();
            try (Statement statement = connection.createStatement()) {
                statement.execute("COMMIT");
            } catch (SQLException e) {
                uncertain.add(n);
                leave(e);
                return;
            }
            acknowledged.put(n, side);
            times.put(System.nanoTime(), side);
            Side before = epoch < 0 ? side : epochs.putIfAbsent(epoch, side);
            if (before != null && before != side) {
                throw new AssertionError("both sides acknowledged writes in epoch " + epoch);
            }
        }

        @Override
        public void close() {
            if (connection != null) {
                try {
                    connection.close();
                } catch (SQLException e) {
                    // gone anyway
                }
                connection = null;
            }
        }
    }

    private final class SqliteHand extends Hand {

        SqliteHand() {
            super(Side.SQLITE);
        }

        @Override
        Connection connect() throws SQLException {
            Connection connection = DriverManager.getConnection("jdbc:sqlite:" + source);
            try (Statement statement = connection.createStatement()) {
                statement.execute("PRAGMA busy_timeout = 20000");
            }
            return connection;
        }

        @Override
        void begin(Statement statement) throws SQLException {
            statement.execute("BEGIN IMMEDIATE");
        }

        @Override
        boolean isRefusal(SQLException e) {
            return (e.getErrorCode() & 0xff) == 19; // RAISE counts as a constraint
        }

        @Override
        boolean isAway(SQLException e) {
            return (e.getErrorCode() & 0xff) == 5;
        }

        @Override
        String epochQuery() {
            return "SELECT traffic_epoch FROM _sluice_control";
        }
    }

    private final class PostgresHand extends Hand {

        PostgresHand() {
            super(Side.POSTGRES);
        }

        @Override
        Connection connect() throws SQLException {
            Properties all = new Properties();
            all.putAll(login);
            all.setProperty("connectTimeout", "5");
            all.setProperty("socketTimeout", "15");
            return DriverManager.getConnection(url, all);
        }

        @Override
        void begin(Statement statement) throws SQLException {
            statement.execute("BEGIN");
        }

        @Override
        boolean isRefusal(SQLException e) {
            return REFUSED.equals(e.getSQLState());
        }

        /** Connections that can't be made, were lost, or a server that starts or ends. */
        @Override
        boolean isAway(SQLException e) {
            String state = e.getSQLState();
            return state != null && (state.startsWith("08") || state.startsWith("57P"));
        }

        @Override
        String epochQuery() {
            return "SELECT epoch FROM sluice.control";
        }
    }

    @Override
    public void close() {
        stopping = true;
        try {
            writer.join();
            prober.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
