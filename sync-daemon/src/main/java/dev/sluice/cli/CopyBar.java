package dev.sluice.cli;

import dev.sluice.census.Census;
import dev.sluice.console.Progress;
import dev.sluice.console.Terminal;
import dev.sluice.migration.OneShot;
import java.util.HashMap;
import java.util.Map;

/** Shows a one-shot migration on standard error: a line a step, a bar for census, copy and verification. Thread-safe. */
final class CopyBar implements OneShot.Listener, AutoCloseable {

    private final Terminal terminal = Terminal.standardError();
    private final boolean silent;
    private final Map<String, Long> seen = new HashMap<>();
    private Progress bar;
    private long rows;

    /** @param silent true where only JSON is wanted */
    CopyBar(boolean silent) {
        this.silent = silent;
    }

    /** How many rows there are, once the census knows. */
    synchronized void total(long total) {
        endBar();
        rows = total;
    }

    synchronized void say(String what) {
        endBar();
        if (!silent) {
            terminal.line(what);
        }
    }

    /** The census, whose total is not known before its end. */
    Census.Listener census() {
        return (table, done, bytes, end) -> advanceTo("reading", table, done);
    }

    @Override
    public void step(String what) {
        say(what);
    }

    @Override
    public synchronized void copied(String table, long more, long bytes) {
        if (!silent) {
            bar("copying").advance(table, more);
        }
    }

    @Override
    public void parked(String table, long more) {
        if (!silent) {
            terminal.line(String.format(more == 1 ? "%,d row of %s is parked" : "%,d rows of %s are parked", more, table));
        }
    }

    @Override
    public void finished(String table) {}

    @Override
    public void verified(String table, long done) {
        advanceTo("verifying", table, done);
    }

    private synchronized void advanceTo(String task, String table, long done) {
        if (!silent) {
            long before = seen.getOrDefault(table, 0L);
            seen.put(table, done);
            bar(task).advance(table, Math.max(0, done - before));
        }
    }

    private Progress bar(String task) {
        if (bar == null) {
            bar = Progress.start(terminal, task, rows);
        }
        return bar;
    }

    @Override
    public void close() {
        endBar();
    }

    /** Leaves the bar's last line and makes room for what comes next. */
    synchronized void endBar() {
        seen.clear();
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }
}
