package dev.sluice.console;

import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * How far a long piece of work is: on a terminal one bar over all rows with the current table, rows per second and the
 * time left; elsewhere a plain line every few seconds. Thread-safe; close it when the work has ended, well or not.
 */
public final class Progress implements AutoCloseable {

    private static final long LINE_EVERY_MS = 5_000;
    private static final int REDRAW_MS = 250;

    private final Terminal terminal;
    private final String task;
    private final LongSupplier clockMs;
    private final long startedMs;
    private final long rowsBefore;
    private final ProgressBar bar; // null where no terminal is
    private final boolean known;
    private long total; // guarded by this
    private long done; // guarded by this
    private String table = ""; // guarded by this
    private long lineMs; // when the last plain line was written; guarded by this
    private boolean closed; // guarded by this

    /**
     * @param task      one word for the work: {@code copy}, {@code verify}
     * @param rowsTotal as far as known; it grows with the rows done
     */
    public static Progress start(Terminal terminal, String task, long rowsTotal) {
        return resume(terminal, task, rowsTotal, 0);
    }

    /** @param rowsBefore done by an earlier process: they count, but not for the speed */
    public static Progress resume(Terminal terminal, String task, long rowsTotal, long rowsBefore) {
        return new Progress(terminal, task, rowsTotal, rowsBefore, () -> System.nanoTime() / 1_000_000);
    }

    Progress(Terminal terminal, String task, long rowsTotal, long rowsBefore, LongSupplier clockMs) {
        this.terminal = terminal;
        this.task = task;
        this.rowsBefore = rowsBefore;
        this.done = rowsBefore;
        this.total = Math.max(rowsBefore, rowsTotal);
        this.known = rowsTotal > 0;
        this.clockMs = clockMs;
        this.startedMs = clockMs.getAsLong();
        this.lineMs = startedMs;
        this.bar = !terminal.interactive() ? null : ProgressBar.builder()
                .setTaskName(task)
                .setInitialMax(known ? total : -1) // no share of what nobody knows
                .startsFrom(rowsBefore, Duration.ZERO)
                .setUnit(" rows", 1)
                .showSpeed(new DecimalFormat("#,##0", DecimalFormatSymbols.getInstance(Locale.ROOT)))
                .setStyle(terminal.colour() ? ProgressBarStyle.UNICODE_BLOCK : ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(REDRAW_MS)
                .setConsumer(new DelegatingProgressBarConsumer(terminal::draw, terminal.width() - 1))
                .build();
    }

    /** {@code rows} more of {@code currentTable} are done. */
    public synchronized void advance(String currentTable, long rows) {
        done += rows;
        table = Output.plain(currentTable);
        total = Math.max(total, done);
        if (bar != null) {
            if (known) {
                bar.maxHint(total);
            }
            bar.stepBy(rows);
            bar.setExtraMessage(" " + table);
        } else if (clockMs.getAsLong() - lineMs >= LINE_EVERY_MS) {
            lineMs = clockMs.getAsLong();
            terminal.line(line());
        }
    }

    /** Removes the bar and leaves one line with the sum. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (bar != null) {
            bar.close();
            terminal.erase();
        }
        Duration taken = Duration.ofMillis(clockMs.getAsLong() - startedMs);
        terminal.line(task + ": " + Amounts.rows(done - rowsBefore) + " in " + Amounts.duration(taken)
                + (done > rowsBefore && taken.toMillis() > 0 ? ", " + Amounts.count(perSecond(taken))
                + " rows/s" : ""));
    }

    private String line() {
        Duration taken = Duration.ofMillis(clockMs.getAsLong() - startedMs);
        long speed = perSecond(taken);
        String share = known
                ? Amounts.count(done) + " of " + Amounts.rows(total) + " (" + Amounts.percent(done, total) + ")"
                : Amounts.rows(done);
        return task + " " + table + ": " + share + ", " + Amounts.count(speed) + " rows/s"
                + (speed > 0 && done < total
                ? ", about " + Amounts.duration(Duration.ofSeconds((total - done) / speed)) + " left" : "");
    }

    private long perSecond(Duration taken) {
        return taken.toMillis() <= 0 ? 0 : (done - rowsBefore) * 1000 / taken.toMillis();
    }
}
