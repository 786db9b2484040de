package dev.sluice.census;

import static dev.sluice.sqlite.SqlText.quoted;

import dev.sluice.change.Value;
import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Evidence;
import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceIndex;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqliteFailure;
import dev.sluice.sqlite.SqliteRows;
import dev.sluice.sqlite.SqliteSession;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Reads one table from its first row to its last, a chunk per read transaction. Chunks are short, because a reader
 * blocks the commits of a writer outside WAL mode and the WAL's checkpoint in it. Not thread-safe.
 */
final class TableScan {

    private static final long CHUNK_NANOS_WAL = TimeUnit.MILLISECONDS.toNanos(200);
    private static final long CHUNK_NANOS_ROLLBACK = TimeUnit.MILLISECONDS.toNanos(10);
    /** While someone else writes: time for a checkpoint to pass, or for a fifth of the time at most to be ours. */
    private static final long REST_NANOS_WAL = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long REST_NANOS_ROLLBACK = 4 * CHUNK_NANOS_ROLLBACK;
    private static final long REPORT_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    /** SQLite's own limit, for tables as for results: beside 2,000 columns no key fits. */
    private static final int RESULT_COLUMNS_MAX = 2_000;
    private static final int CLOCK_ROWS = 64;
    private static final long CLOCK_BYTES = 1 << 20;

    private final SqliteSession session;
    private final SourceTable table;
    private final Census.Listener listener;
    private final List<SourceColumn> stored;
    private final TableTally tally;
    private final long chunkNanos;
    private final long restNanos;
    private final long busyNanos;
    private long reported = System.nanoTime();
    private Long dataVersion;
    private boolean written;
    private String tooLarge;

    TableScan(SqliteSession session, SourceTable table, CandidateSource candidates, boolean wal, Duration busyTimeout,
            Census.Listener listener) {
        this.session = session;
        this.busyNanos = busyTimeout.toNanos();
        this.table = table;
        this.listener = listener;
        this.stored = table.storedColumns();
        this.tally = new TableTally(table, candidates);
        this.chunkNanos = wal ? CHUNK_NANOS_WAL : CHUNK_NANOS_ROLLBACK;
        this.restNanos = wal ? REST_NANOS_WAL : REST_NANOS_ROLLBACK;
    }

    /** A guess of how many rows there are that costs one step in a tree, to read the large tables first. */
    static long guessRows(SqliteSession session, SourceTable table) throws SQLException {
        String rowid = table.rowidName();
        return rowid == null ? 0
                : session.number("SELECT coalesce(max(" + quoted(rowid) + "), 0) FROM " + quoted(table.name()));
    }

    TableCensus run() throws SQLException, InterruptedException {
        String problem = null;
        try {
            List<SourceIndex.Term> key = keyTerms();
            int spare = RESULT_COLUMNS_MAX - stored.size();
            if (table.rowidName() != null && spare >= 1) {
                scanByRowid(quoted(table.rowidName()));
            } else if (key != null && spare >= key.size()) {
                scanByKey(key);
            } else {
                scanAtOnce();
            }
        } catch (OutOfMemoryError | SQLException e) {
            if (isTooLarge(e)) {
                problem = "table " + table.name() + " holds a value that is too large to read behind row "
                        + tally.rows()
                        + ": shorten it, exclude its column, or give Sluice more memory (java -Xmx)";
            } else if (isDamage(e)) {
                problem = "table " + table.name() + " is damaged behind row " + tally.rows()
                        + ": repair the file (sqlite3 .recover) before migrating";
            } else {
                throw e;
            }
        }
        listener.read(table.name(), tally.rows(), tally.bytes(), true);
        return tally.result(problem == null ? tooLarge : problem);
    }

    private static boolean isDamage(Throwable e) {
        return e instanceof SQLException failure && SqliteFailure.of(failure) == SqliteFailure.CORRUPT;
    }

    /** One value larger than the heap: nothing was allocated for it, so the rest of the process is well. */
    private static boolean isTooLarge(Throwable e) {
        if (!(e instanceof SQLException failure)) {
            return e instanceof OutOfMemoryError;
        }
        SqliteFailure kind = SqliteFailure.of(failure);
        return kind == SqliteFailure.TOO_BIG || kind == SqliteFailure.NO_MEMORY
                || failure.getErrorCode() == 0 && "Out of memory".equals(failure.getMessage()); // the driver gives this one no code
    }

    private void scanByRowid(String rowid) throws SQLException, InterruptedException {
        String select = "SELECT " + rowid + columnList() + " FROM " + quoted(table.name());
        Long last = null;
        boolean more = true;
        try (PreparedStatement first = session.prepare(select + " ORDER BY " + rowid);
                PreparedStatement next = session.prepare(select + " WHERE " + rowid + " > ? ORDER BY " + rowid)) {
            while (more) {
                PreparedStatement query = last == null ? first : next;
                if (last != null) {
                    next.setLong(1, last);
                }
                RowidChunk chunk = new RowidChunk(last);
                try (SqliteRows rows = start(query)) {
                    more = chunk.read(rows);
                } catch (OutOfMemoryError | SQLException e) {
                    if (!isTooLarge(e)) {
                        throw e;
                    }
                    chunk.last = skipTooLarge(rowid, chunk.last);
                    more = chunk.last != null;
                }
                last = chunk.last;
                chunk.rest();
            }
        }
    }

    /** Notes the row behind {@code last}, which can't be read, and returns its number. */
    private Long skipTooLarge(String rowid, Long last) throws SQLException {
        String behind = last == null ? "" : " WHERE " + rowid + " > " + last;
        Long row = null;
        try (PreparedStatement query = session.prepare(
                "SELECT " + rowid + " FROM " + quoted(table.name()) + behind + " ORDER BY " + rowid + " LIMIT 1");
                SqliteRows rows = session.rows(query)) {
            if (rows.next()) {
                row = rows.longValue(0);
            }
        }
        if (row != null && tooLarge == null) {
            tooLarge = describeTooLarge(rowid, row);
        }
        return row;
    }

    private String describeTooLarge(String rowid, long row) throws SQLException {
        String lengths = stored.stream().map(column -> "octet_length(" + quoted(column.name()) + ")")
                .collect(Collectors.joining(", "));
        String column = "";
        long length = 0;
        try (PreparedStatement query = session.prepare("SELECT " + lengths + " FROM " + quoted(table.name()) + " WHERE "
                + rowid + " = " + row);
                SqliteRows rows = session.rows(query)) {
            rows.next();
            for (int i = 0; i < stored.size(); i++) {
                long other = rows.longValue(i);
                if (other > length) {
                    length = other;
                    column = stored.get(i).name();
                }
            }
        }
        String what = "row " + row + " of " + table.name() + " holds a value of " + length + " bytes in " + column;
        return length > Codec.BYTES_MAX
                ? what + ", which neither SQLite's usual limit nor PostgreSQL's of 1 GB allows: shorten it or"
                + " exclude the column"
                : what + ", too large for this process: give Sluice more memory (java -Xmx)";
    }

    /** The terms by which a WITHOUT ROWID table can be walked, or null. */
    private List<SourceIndex.Term> keyTerms() {
        SourceIndex key = table.keyIndex();
        return table.withoutRowid() && key != null && table.keyComparesHere() ? key.terms() : null;
    }

    /**
     * Walks {@code k1, k2, …} in the index's own order. The condition is spelled out for mixed directions:
     * {@code k1 >= ? AND (k1 > ? OR (k1 = ? AND k2 > ?))}; its first part is what SQLite seeks by.
     */
    private void scanByKey(List<SourceIndex.Term> key) throws SQLException, InterruptedException {
        String select = "SELECT " + key.stream().map(term -> quoted(term.column())).collect(Collectors.joining(", "))
                + columnList() + " FROM " + quoted(table.name());
        String order = " ORDER BY " + key.stream()
                .map(term -> compared(term) + (term.descending() ? " DESC" : "")).collect(Collectors.joining(", "));
        Value[] last = new Value[key.size()];
        Value[] values = new Value[stored.size()];
        String query = select + order;
        List<Value> bound = List.of();
        boolean more;
        do {
            more = false;
            Chunk chunk = new Chunk();
            try (PreparedStatement statement = session.prepare(query)) {
                for (int i = 0; i < bound.size(); i++) {
                    SqliteSession.bind(statement, i + 1, bound.get(i));
                }
                try (SqliteRows rows = start(statement)) {
                    while (rows.next()) {
                        rows.read(key.size(), values);
                        if (chunk.isFull(tally.add(values, Evidence.NO_ROW))) {
                            rows.read(0, last);
                            more = true;
                            break;
                        }
                    }
                }
            }
            chunk.rest();
            if (more) {
                bound = new ArrayList<>();
                query = select + " WHERE " + after(key, last, bound) + order;
            }
        } while (more);
    }

    private static String after(List<SourceIndex.Term> key, Value[] last, List<Value> bound) {
        StringBuilder condition = new StringBuilder(compared(key.get(0)))
                .append(key.get(0).descending() ? " <= " : " >= ").append(parameter(last[0]));
        bound.add(last[0]);
        StringBuilder close = new StringBuilder();
        condition.append(" AND ");
        for (int i = 0; i < key.size(); i++) {
            String column = compared(key.get(i));
            condition.append('(').append(column).append(key.get(i).descending() ? " < " : " > ")
                    .append(parameter(last[i]));
            bound.add(last[i]);
            close.append(')');
            if (i + 1 < key.size()) {
                condition.append(" OR (").append(column).append(" = ").append(parameter(last[i])).append(" AND ");
                bound.add(last[i]);
                close.append(')');
            }
        }
        return condition.append(close).toString();
    }

    private static String compared(SourceIndex.Term term) {
        return quoted(term.column()) + " COLLATE " + quoted(term.collation());
    }

    private static String parameter(Value value) {
        return SqliteSession.needsCast(value) ? "CAST(? AS TEXT)" : "?";
    }

    /** Without a name for each row there is no place to go on from: one read transaction for all. */
    private void scanAtOnce() throws SQLException, InterruptedException {
        String select = "SELECT " + columnList().substring(2) + " FROM " + quoted(table.name());
        Value[] values = new Value[stored.size()];
        try (PreparedStatement query = session.prepare(select);
                SqliteRows rows = start(query)) {
            while (rows.next()) {
                rows.read(0, values);
                tally.add(values, Evidence.NO_ROW);
                stopIfInterrupted();
            }
        }
    }

    private String columnList() {
        return stored.stream().map(column -> ", " + quoted(column.name())).collect(Collectors.joining());
    }

    private static void stopIfInterrupted() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException("the census was interrupted");
        }
    }

    /**
     * Starts a read transaction. SQLite's own wait for a lock ends in steps of 100 ms, and outside WAL mode a busy
     * writer leaves gaps of a few: so the wait is done here, in steps of one.
     */
    private SqliteRows start(PreparedStatement query) throws SQLException, InterruptedException {
        long deadline = System.nanoTime() + busyNanos;
        while (true) {
            try {
                return session.rows(query);
            } catch (SQLException e) {
                if (SqliteFailure.of(e) != SqliteFailure.BUSY || System.nanoTime() > deadline) {
                    throw e;
                }
                TimeUnit.MILLISECONDS.sleep(1);
            }
        }
    }

    /** One read transaction: knows when it has lasted long enough. */
    private class Chunk {
        private long start;
        private int rows;
        private long bytes;
        private boolean full;

        boolean isFull(long rowBytes) throws SQLException {
            if (rows == 0) {
                start = System.nanoTime();
                // asked while the lock is held anyway
                long version = session.dataVersion();
                written = dataVersion != null && dataVersion != version;
                dataVersion = version;
            }
            rows++;
            bytes += rowBytes;
            if (rows % CLOCK_ROWS != 0 && bytes < CLOCK_BYTES) {
                return false;
            }
            bytes = 0;
            full = System.nanoTime() - start > chunkNanos;
            return full;
        }

        /** Called between transactions: makes room for a writer if there is one, and reports. */
        void rest() throws InterruptedException {
            stopIfInterrupted();
            if (full && written) {
                TimeUnit.NANOSECONDS.sleep(restNanos);
            }
            long now = System.nanoTime();
            if (now - reported > REPORT_NANOS) {
                reported = now;
                listener.read(table.name(), tally.rows(), tally.bytes(), false);
            }
        }
    }

    /** A chunk of a table that is walked by rowid. */
    private final class RowidChunk extends Chunk {
        private final Value[] values = new Value[stored.size()];
        /** The last row that was taken, null before the first. */
        private Long last;

        RowidChunk(Long last) {
            this.last = last;
        }

        /** True if there may be more behind it. */
        boolean read(SqliteRows rows) throws SQLException {
            while (rows.next()) {
                long row = rows.longValue(0);
                rows.read(1, values);
                long bytes = tally.add(values, row);
                last = row;
                if (isFull(bytes)) {
                    return true;
                }
            }
            return false;
        }
    }
}
