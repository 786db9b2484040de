package dev.sluice.verify;

import dev.sluice.change.RowKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Rows of the source that PostgreSQL's commits changed, as the stream that brings them back names them: before they are
 * seen in the source. Thread-safe.
 */
public final class Touched {

    private static final int WAITING_MAX = 200_000;

    private List<Touch> waiting = new ArrayList<>(); // guarded by this, as all
    private boolean overflowed;
    private boolean open;
    private Window window;

    /**
     * @param key null for all rows of the table
     * @param lsn the end of the transaction that changed it, or of a later one
     */
    record Touch(String table, RowKey key, long lsn) {}

    /** What {@link #drain} gives. @param all true if more was changed than could be remembered */
    record Drained(List<Touch> touches, boolean all) {}

    /** The stream is about to run. */
    public synchronized void open() {
        open = true;
    }

    /** The stream has stopped and nothing of it comes any more. */
    public synchronized void close() {
        open = false;
    }

    synchronized boolean isOpen() {
        return open;
    }

    /** These rows are about to change; null for all of the table. */
    public synchronized void touch(String table, Collection<RowKey> keys, long lsn) {
        if (window != null) {
            window.touch(table, keys);
        }
        if (overflowed || waiting.size() + (keys == null ? 1 : keys.size()) > WAITING_MAX) {
            overflowed = true;
            waiting.clear();
        } else if (keys == null) {
            waiting.add(new Touch(table, null, lsn));
        } else {
            keys.forEach(key -> waiting.add(new Touch(table, key, lsn)));
        }
    }

    /** True if nothing has changed since the last time. */
    public synchronized boolean isEmpty() {
        return waiting.isEmpty() && !overflowed;
    }

    /** Everything since the last time. */
    synchronized Drained drain() {
        Drained drained = new Drained(waiting, overflowed);
        waiting = new ArrayList<>();
        overflowed = false;
        return drained;
    }

    /** Remembers from now on which rows are touched; at most one at a time. */
    synchronized Window window() {
        if (window != null) {
            throw new IllegalStateException("one window at a time");
        }
        window = new Window();
        return window;
    }

    /** What was touched since it was opened. */
    final class Window implements AutoCloseable {

        private final Map<String, Set<RowKey>> touched = new HashMap<>();
        private final Set<String> whole = new HashSet<>();
        private long rows;

        private void touch(String table, Collection<RowKey> keys) {
            rows += keys == null ? 0 : keys.size();
            if (keys == null || rows > WAITING_MAX) {
                whole.add(table);
            } else {
                touched.computeIfAbsent(table, name -> new HashSet<>()).addAll(keys);
            }
        }

        boolean touched(String table, RowKey key) {
            synchronized (Touched.this) {
                return whole.contains(table) || touched.getOrDefault(table, Set.of()).contains(key);
            }
        }

        @Override
        public void close() {
            synchronized (Touched.this) {
                window = null;
            }
        }
    }
}
