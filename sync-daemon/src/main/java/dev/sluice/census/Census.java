package dev.sluice.census;

import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What every table of a file holds: each stored value was read once. In a file that is written to meanwhile the counts
 * are those of no single moment, which does no harm: codecs check every value again when it is moved.
 *
 * @param tables in the schema's order
 */
public record Census(List<TableCensus> tables) {

    /** How the source is read. */
    public record Options(Duration busyTimeout, int readers) {

        public static final Options DEFAULT = new Options(Duration.ofSeconds(30), 2);

        /**
         * @param busyTimeout how long one read waits for a locked file
         * @param readers tables read at the same time, each on its own connection
         */
        public Options {
            if (readers < 1 || readers > 16) {
                throw new IllegalArgumentException("readers must be 1 to 16, not " + readers);
            }
        }
    }

    /** Hears how far the census is. Called by its threads, several times a second at most; must not block. */
    @FunctionalInterface
    public interface Listener {

        Listener NONE = (table, rows, bytes, done) -> {};

        /** So many rows and bytes of content of {@code table} are read; {@code done} with the last of them. */
        void read(String table, long rows, long bytes, boolean done);
    }

    /** Reads every value, with the default options. */
    public static Census take(SqliteFile file, SourceSchema schema, CandidateSource candidates, Listener listener)
            throws SQLException, InterruptedException {
        return take(file, schema, candidates, Options.DEFAULT, listener);
    }

    /**
     * Reads every stored value of every table once, in short read transactions, the largest tables first.
     *
     * @throws SQLException if the file can't be read at all, for example because it stays locked; a table that is
     *     damaged is not an error but has a {@link TableCensus#problem}
     */
    public static Census take(
            SqliteFile file, SourceSchema schema, CandidateSource candidates, Options options, Listener listener)
            throws SQLException, InterruptedException {
        List<SourceTable> largestFirst = largestFirst(file, schema, options);
        AtomicInteger next = new AtomicInteger();
        Callable<Map<String, TableCensus>> reader = () -> {
            Map<String, TableCensus> read = new HashMap<>();
            try (SqliteSession session = file.openReader(options.busyTimeout)) {
                boolean wal = "wal".equals(session.text("PRAGMA journal_mode"));
                session.execute("PRAGMA busy_timeout = 0"); // a scan waits for itself
                for (int i = next.getAndIncrement(); i < largestFirst.size(); i = next.getAndIncrement()) {
                    SourceTable table = largestFirst.get(i);
                    read.put(table.name(), new TableScan(session, table, candidates, wal, options.busyTimeout,
                            listener).run());
                }
            }
            return read;
        };
        Map<String, TableCensus> byName = runAll(reader, Math.min(options.readers, Math.max(largestFirst.size(), 1)));
        return new Census(schema.tables().stream().map(table -> byName.get(table.name())).toList());
    }

    /** Finds a table without regard to ASCII case, as SQLite does; null if there is none. */
    public TableCensus table(String name) {
        return tables.stream().filter(table -> table.table().equalsIgnoreCase(name)).findFirst().orElse(null);
    }

    public long rows() {
        return tables.stream().mapToLong(TableCensus::rows).sum();
    }

    public long bytes() {
        return tables.stream().mapToLong(TableCensus::bytes).sum();
    }

    private static List<SourceTable> largestFirst(SqliteFile file, SourceSchema schema, Options options)
            throws SQLException {
        Map<String, Long> guesses = new HashMap<>();
        try (SqliteSession session = file.openReader(options.busyTimeout)) {
            for (SourceTable table : schema.tables()) {
                guesses.put(table.name(), TableScan.guessRows(session, table));
            }
        }
        List<SourceTable> tables = new ArrayList<>(schema.tables());
        tables.sort(Comparator.comparingLong((SourceTable table) -> guesses.get(table.name())).reversed());
        return tables;
    }

    private static <T> Map<String, T> runAll(Callable<Map<String, T>> task, int threads)
            throws SQLException, InterruptedException {
        AtomicInteger number = new AtomicInteger();
        ExecutorService pool = Executors.newFixedThreadPool(threads,
                work -> new Thread(work, "sluice-census-" + number.incrementAndGet()));
        try {
            List<Future<Map<String, T>>> running = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                running.add(pool.submit(task));
            }
            Map<String, T> all = new HashMap<>();
            for (Future<Map<String, T>> one : running) {
                all.putAll(one.get());
            }
            return all;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SQLException cause) {
                throw new SQLException(cause.getMessage(), cause.getSQLState(), cause.getErrorCode(), cause);
            }
            if (e.getCause() instanceof InterruptedException) {
                throw new InterruptedException("the census was interrupted");
            }
            throw new IllegalStateException("the census failed", e.getCause());
        } finally {
            pool.shutdownNow(); // an interrupted reader stops at its next chunk
            pool.awaitTermination(30, TimeUnit.SECONDS);
        }
    }
}
