package dev.sluice.demo;

import dev.sluice.datasource.TrafficDataSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A small web shop on SQLite. All that it knows of a migration is where it looks when a write is refused: the flag file
 * names the database to go on with. It fills its file, then writes until its standard input ends or says a line, so it
 * never outlives whoever started it. On standard output it counts, one JSON object a line.
 */
public final class SampleApplication {

    private static final String ADDRESS = "DATABASE_URL=";
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
    private static final long REPORT_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    /** How far it falls behind its rate before it stops trying to catch up. */
    private static final long ARREARS_MAX_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    /** Upper bounds of the classes in which transactions are counted by their duration; one more class has none. */
    static final List<Integer> CLASSES_MS = List.of(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000);

    private volatile boolean stopped;

    // since the start, but slowestNanos, which is of the transactions since the last report
    private final long[] byDuration = new long[CLASSES_MS.size() + 1];
    private long transactions;
    private long errors;
    private String firstError;
    private long slowestNanos;
    private long onSqlite;
    private long onPostgres;
    private long refused;
    private final List<Double> pausesMs = new ArrayList<>();
    private long writtenNanos;

    private final Path file;
    private final Path flag;
    private ShopConnection shop;
    private ShopTraffic traffic;
    private boolean moved;

    private SampleApplication(Path file, Path flag) {
        this.file = file;
        this.flag = flag;
    }

    /**
     * Arguments: the file, rows to begin with, the seed, transactions per second, the flag file; the password of
     * PostgreSQL, of which only the flag file will tell, is in PGPASSWORD.
     */
    public static void main(String[] arguments) throws Exception {
        new SampleApplication(Path.of(arguments[0]), Path.of(arguments[4])).run(Long.parseLong(arguments[1]),
                Long.parseLong(arguments[2]), Integer.parseInt(arguments[3]));
    }

    private void run(long rows, long seed, int perSecond) throws SQLException, IOException {
        Thread ear = new Thread(this::listen, "shop-stop");
        ear.setDaemon(true);
        ear.start();
        ShopWords words = new ShopWords(seed);
        try {
            shop = ShopConnection.sqlite(file);
            long filled = new ShopFill(shop, words, () -> stopped).fill(rows);
            say("{\"event\":\"filled\",\"rows\":%d}", filled);
            traffic = new ShopTraffic(shop, words);
            work(words, perSecond);
        } finally {
            if (shop != null) {
                shop.close();
            }
        }
        report("stopped");
    }

    /** The end of the input is also what a dead parent leaves behind. */
    private void listen() {
        try {
            System.in.read();
        } catch (IOException e) {
            stopped = true; // an input that can't be read is one that ended
        }
        stopped = true;
    }

    private void work(ShopWords words, int perSecond) throws SQLException, IOException {
        long step = TimeUnit.SECONDS.toNanos(1) / perSecond;
        long due = System.nanoTime();
        long reported = due;
        while (!stopped) {
            long start = System.nanoTime();
            while (!attempt() && !stopped) {
                LockSupport.parkNanos(RETRY_NANOS);
                follow(words);
            }
            long end = System.nanoTime();
            count(end - start);
            if (end - reported >= REPORT_NANOS) {
                report("counters");
                reported = end;
            }
            due = Math.max(due + step, end - ARREARS_MAX_NANOS);
            if (due > end) {
                LockSupport.parkNanos(due - end);
            }
        }
    }

    /** False if the write was refused, so that it is to be tried elsewhere. */
    private boolean attempt() {
        try {
            if (traffic.transaction()) {
                written(System.nanoTime());
            }
            transactions++;
            return true;
        } catch (SQLException e) {
            if (TrafficDataSource.isRefusedWrite(e)) {
                refused++;
                return false;
            }
            errors++;
            firstError = firstError == null ? "SQLSTATE " + e.getSQLState() + ", code " + e.getErrorCode() : firstError;
            return true;
        }
    }

    private void written(long now) {
        if (moved) {
            pausesMs.add(Math.round((now - writtenNanos) / 1e5) / 10.0);
            moved = false;
        }
        writtenNanos = now;
        if (shop.isPostgres()) {
            onPostgres++;
        } else {
            onSqlite++;
        }
    }

    /** Goes where the flag file says; while neither side takes writes it still names the old one. */
    private void follow(ShopWords words) throws SQLException, IOException {
        String address = Files.readAllLines(flag).stream().filter(line -> line.startsWith(ADDRESS)).findFirst().orElseThrow()
                .substring(ADDRESS.length());
        if (address.startsWith("postgresql:") != shop.isPostgres()) {
            shop.close();
            shop = shop.isPostgres() ? ShopConnection.sqlite(file) : ShopConnection.postgres(address, System.getenv("PGPASSWORD"));
            traffic = new ShopTraffic(shop, words);
            moved = true;
        }
    }

    private void count(long nanos) {
        slowestNanos = Math.max(slowestNanos, nanos);
        int place = 0;
        while (place < CLASSES_MS.size() && nanos >= TimeUnit.MILLISECONDS.toNanos(CLASSES_MS.get(place))) {
            place++;
        }
        byDuration[place]++;
    }

    private void report(String event) {
        say("{\"event\":\"%s\",\"transactions\":%d,\"errors\":%d,\"slowestMs\":%.1f,\"byDuration\":%s,"
                + "\"firstError\":%s,\"onSqlite\":%d,\"onPostgres\":%d,\"refused\":%d,\"pausesMs\":%s}", event,
                transactions, errors, slowestNanos / 1e6, Arrays.toString(byDuration),
                firstError == null ? "null" : '"' + firstError + '"', onSqlite, onPostgres, refused, pausesMs);
        slowestNanos = 0;
    }

    private static void say(String format, Object... values) {
        System.out.printf(Locale.ROOT, format + "%n", values);
    }
}
