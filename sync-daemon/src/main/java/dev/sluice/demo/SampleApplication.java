package dev.sluice.demo;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A small web shop on SQLite that knows nothing of any migration. It fills its file, then writes until its standard
 * input ends or says a line, so it never outlives whoever started it. On standard output it counts, one JSON object a
 * line.
 */
public final class SampleApplication {

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

    private SampleApplication() {}

    /** Arguments: the file, rows to begin with, the seed, transactions per second. */
    public static void main(String[] arguments) throws Exception {
        new SampleApplication().run(Path.of(arguments[0]), Long.parseLong(arguments[1]), Long.parseLong(arguments[2]),
                Integer.parseInt(arguments[3]));
    }

    private void run(Path file, long rows, long seed, int perSecond) throws SQLException {
        Thread ear = new Thread(this::listen, "shop-stop");
        ear.setDaemon(true);
        ear.start();
        ShopWords words = new ShopWords(seed);
        try (ShopConnection shop = new ShopConnection(file)) {
            long filled = new ShopFill(shop, words, () -> stopped).fill(rows);
            say("{\"event\":\"filled\",\"rows\":%d}", filled);
            work(new ShopTraffic(shop, words), perSecond);
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

    private void work(ShopTraffic traffic, int perSecond) {
        long step = TimeUnit.SECONDS.toNanos(1) / perSecond;
        long due = System.nanoTime();
        long reported = due;
        while (!stopped) {
            long start = System.nanoTime();
            try {
                traffic.transaction();
                transactions++;
            } catch (SQLException e) {
                errors++;
                firstError = firstError == null ? "SQLite result code " + e.getErrorCode() : firstError;
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
                + "\"firstError\":%s}", event, transactions, errors, slowestNanos / 1e6, Arrays.toString(byDuration),
                firstError == null ? "null" : '"' + firstError + '"');
        slowestNanos = 0;
    }

    private static void say(String format, Object... values) {
        System.out.printf(Locale.ROOT, format + "%n", values);
    }
}
