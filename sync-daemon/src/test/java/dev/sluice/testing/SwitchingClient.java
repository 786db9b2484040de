package dev.sluice.testing;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * An application, in a process of its own, that writes to whichever side takes writes. All that it knows of a migration is
 * how a refused write looks and, if it is no {@code set}, where the flag file is. Arguments: what it is ({@code bank},
 * {@code log} or {@code set}), the flag file, the file for its notes, a seed, writes a second, and the JDBC addresses of
 * both sides; the password is in PGPASSWORD. It ends with its standard input.
 *
 * <p>Every write has a name that is never used again, and after it a line in the notes: {@link #OK} only when COMMIT had
 * returned, {@link #NO} when nothing was written for certain, {@link #LOST} when it can't know; then side, epoch by the flag
 * file (-1 where it does not look), nanos before and after, name, and what was written.
 */
public final class SwitchingClient {

    public static final String OK = "ok";
    public static final String NO = "no";
    public static final String LOST = "lost";

    public static final int ACCOUNTS = 40;
    public static final int BALANCE = 1_000;
    private static final int MEMBERS = 60;

    /** A client of each kind at most; {@code log} has no key. */
    public static final String[] SCHEMA = {
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)",
        "CREATE TABLE transfers (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, src INTEGER NOT NULL REFERENCES"
                + " accounts, dst INTEGER NOT NULL REFERENCES accounts, amount INTEGER NOT NULL)",
        "CREATE TABLE log (name TEXT)", "CREATE TABLE members (member TEXT PRIMARY KEY, name TEXT)",
        "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT)",
        "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < " + ACCOUNTS + ") INSERT INTO accounts"
                + " SELECT i, " + BALANCE + " FROM g"};

    private static final long REFUSED_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final String kind;
    private final Path flag;
    private final FileChannel notes;
    private final Random random;
    private final Map<String, String> addresses;
    private Connection connection;
    private String side = "sqlite";
    private long epoch = -1;
    private volatile boolean stopped;

    public static void main(String[] arguments) throws Exception {
        try (FileChannel notes = FileChannel.open(Path.of(arguments[2]), StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            new SwitchingClient(arguments, notes).run(TimeUnit.SECONDS.toNanos(1) / Long.parseLong(arguments[4]));
        }
    }

    private SwitchingClient(String[] arguments, FileChannel notes) {
        this.kind = arguments[0];
        this.flag = Path.of(arguments[1]);
        this.notes = notes;
        this.random = new Random(Long.parseLong(arguments[3]));
        this.addresses = Map.of("sqlite", arguments[5], "postgres", arguments[6]);
    }

    private void run(long pauseNanos) throws IOException {
        Thread ear = new Thread(this::listen, "client-stop");
        ear.setDaemon(true);
        ear.start();
        readFlag();
        for (long number = 1; !stopped; number++) {
            if (kind.equals("log")) {
                readFlag();
            }
            String name = kind + number;
            StringBuilder what = new StringBuilder();
            long start = System.nanoTime();
            String answer = attempt(name, what);
            note(answer, side, epoch, start, System.nanoTime(), name, what);
            if (!answer.equals(OK)) {
                lookElsewhere();
            }
            LockSupport.parkNanos(answer.equals(OK) ? pauseNanos : REFUSED_PAUSE_NANOS);
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

    private void lookElsewhere() throws IOException {
        if (kind.equals("set")) {
            turn(side.equals("sqlite") ? "postgres" : "sqlite");
        } else {
            readFlag();
        }
    }

    private void readFlag() throws IOException {
        if (kind.equals("set")) {
            return;
        }
        String traffic = "sqlite";
        long of = 0;
        try {
            for (String line : Files.readAllLines(flag)) {
                traffic = line.startsWith("SLUICE_TRAFFIC=") ? line.substring(15) : traffic;
                of = line.startsWith("SLUICE_EPOCH=") ? Long.parseLong(line.substring(13)) : of;
            }
        } catch (NoSuchFileException e) {
            return; // nothing has been moved yet
        }
        if (!traffic.equals("fenced")) {
            turn(traffic);
            epoch = of;
        }
    }

    private void turn(String to) {
        if (!to.equals(side)) {
            drop();
            side = to;
        }
    }

    // ---- writing ----

    private String attempt(String name, StringBuilder what) {
        boolean committing = false;
        try {
            begin();
            switch (kind) {
                case "bank" -> transfer(name, what);
                case "log" -> run("INSERT INTO log (name) VALUES (?)", name);
                default -> changeSet(name, what);
            }
            committing = true;
            end("COMMIT");
            return OK;
        } catch (SQLException e) {
            boolean certain = !committing || refused(e);
            what.append(refused(e) ? " refused" : " " + (e.getSQLState() == null ? "SQLite " + e.getErrorCode() : e.getSQLState()));
            try {
                end("ROLLBACK");
            } catch (SQLException gone) {
                what.append(" dropped");
                drop();
            }
            return certain ? NO : LOST;
        }
    }

    private static boolean refused(SQLException e) {
        return "SL001".equals(e.getSQLState()) || e.getMessage().contains("sluice: writes have moved");
    }

    private void begin() throws SQLException {
        if (connection == null) {
            connection = side.equals("sqlite") ? DriverManager.getConnection(addresses.get(side))
                    : DriverManager.getConnection(addresses.get(side), null, System.getenv("PGPASSWORD"));
            if (side.equals("sqlite")) {
                end("PRAGMA busy_timeout = 20000");
                end("PRAGMA synchronous = NORMAL");
            }
        }
        // the fence must hold whatever the transaction saw when it began
        end(side.equals("sqlite") ? random.nextBoolean() ? "BEGIN" : "BEGIN IMMEDIATE" : "BEGIN ISOLATION LEVEL "
                + switch (random.nextInt(3)) {
                    case 0 -> "READ COMMITTED";
                    case 1 -> "REPEATABLE READ";
                    default -> "SERIALIZABLE";
                });
    }

    private void end(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private int run(String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            return statement.executeUpdate();
        }
    }

    private void transfer(String name, StringBuilder what) throws SQLException {
        int from = 1 + random.nextInt(ACCOUNTS);
        int to = 1 + (from + random.nextInt(ACCOUNTS - 1)) % ACCOUNTS;
        int amount = 1 + random.nextInt(20);
        what.append(from).append('>').append(to).append(':').append(amount);
        run("UPDATE accounts SET balance = balance - ? WHERE id = ?", amount, from);
        if (random.nextInt(8) == 0) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(30))); // a fence may come in between
        }
        run("UPDATE accounts SET balance = balance + ? WHERE id = ?", amount, to);
        run("INSERT INTO transfers (name, src, dst, amount) VALUES (?, ?, ?, ?)", name, from, to, amount);
    }

    /** {@code +m7=1}: m7 was to be put in, and one row was changed. */
    private void changeSet(String name, StringBuilder what) throws SQLException {
        String member = "m" + random.nextInt(MEMBERS);
        boolean insert = random.nextBoolean();
        what.append(insert ? '+' : '-').append(member).append('=');
        what.append(insert
                ? run("INSERT INTO members (member, name) VALUES (?, ?) ON CONFLICT (member) DO NOTHING", member, name)
                : run("DELETE FROM members WHERE member = ?", member));
    }

    private void drop() {
        if (connection != null) {
            try {
                connection.close();
            } catch (SQLException e) {
                System.err.println(e.getMessage());
            }
            connection = null;
        }
    }

    /** One write, so that a line is whole when this process is killed. */
    private void note(Object... words) throws IOException {
        StringBuilder line = new StringBuilder(200);
        for (Object word : words) {
            line.append(word).append(' ');
        }
        notes.write(StandardCharsets.UTF_8.encode(line.append('\n').toString()));
    }
}
