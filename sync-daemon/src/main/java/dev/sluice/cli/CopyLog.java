package dev.sluice.cli;

import dev.sluice.census.Census;
import dev.sluice.console.Progress;
import dev.sluice.console.Terminal;
import dev.sluice.copy.CopyProgress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Shows a daemon's copy: a bar where a person watches, now and then a line in the log elsewhere. Thread-safe. */
final class CopyLog implements CopyProgress {

    private static final Logger LOG = LoggerFactory.getLogger(CopyLog.class);

    private final Terminal terminal = Terminal.standardError();
    private Progress bar;
    private long total;
    private int tablesOpen = -1;

    Census.Listener census() {
        return (table, rows, bytes, end) -> {
            if (end) {
                count(table, rows);
            }
        };
    }

    private synchronized void count(String table, long rows) {
        total += rows;
        tablesOpen = Math.max(tablesOpen, 0) + 1;
        LOG.debug("event=census table={} rows={}", table, rows);
    }

    @Override
    public synchronized void copied(String table, long rows, long bytes) {
        if (bar == null) {
            bar = Progress.start(terminal, "copying", total);
        }
        bar.advance(table, rows);
    }

    @Override
    public void parked(String table, long rows) {
        LOG.warn("event=parked table={} rows={}", table, rows);
    }

    @Override
    public synchronized void finished(String table) {
        LOG.debug("event=table_copied table={}", table);
        if (--tablesOpen == 0 && bar != null) {
            bar.close();
            bar = null;
        }
    }
}
