package dev.sluice.reverse;

import dev.sluice.capture.Fence;
import dev.sluice.change.RowKey;
import dev.sluice.conflict.ConflictRules;
import dev.sluice.postgres.Target;
import dev.sluice.sqlite.SqliteFailure;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.Conflict;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * Brings whole transactions into the source together with the position behind them, in one SQLite transaction that is on
 * disk when {@link #take} returns. What SQLite has already is recognised by the position and skipped. Used by one thread;
 * {@link #entry} and the figures may be read by any.
 */
final class ReverseApplier implements Intake.Sink, AutoCloseable {

    /** While everything that comes is our own, the position is written this often: it only lets PostgreSQL forget its log. */
    private static final long ADVANCE_NANOS = Duration.ofSeconds(1).toNanos();

    private final SqliteFile file;
    private final Duration busy;
    private final long generation;
    private final List<StreamTable> tables;
    private final long memoryBytes;
    private final BooleanSupplier stopped;
    private final LongSupplier cut;
    private final Runnable progress;
    private final SqliteSession writer;
    private Map<String, RowWriter> rowWriters = new HashMap<>();
    private long advancedNanos = System.nanoTime();
    private OutsideWrites outside;

    private final Queue<Mend> mends = new ConcurrentLinkedQueue<>();
    private volatile Touches touches = Touches.UNHEARD;
    private volatile Ledger.Entry entry;
    private volatile Instant lastCommit;
    private volatile long transactions;
    private volatile long rows;
    private volatile long parkedRows;

    /**
     * @param cut the position behind which nothing may be applied; {@link ReverseStream#NO_CUT} where rows with columns
     *     that are not known may not
     * @param progress called after each step forward that somebody may wait for
     * @throws IllegalStateException if no stream was prepared in this source
     */
    ReverseApplier(SqliteFile file, Duration busy, long generation, List<StreamTable> tables, long memoryBytes,
            BooleanSupplier stopped, LongSupplier cut, Runnable progress) throws SQLException {
        this.file = file;
        this.busy = busy;
        this.generation = generation;
        this.tables = tables;
        this.memoryBytes = memoryBytes;
        this.stopped = stopped;
        this.cut = cut;
        this.progress = progress;
        this.writer = open();
        boolean ready = false;
        try {
            this.entry = Ledger.read(writer);
            if (entry == null) {
                throw new IllegalStateException("no reverse stream was prepared in this source");
            }
            load();
            ready = true;
        } finally {
            if (!ready) {
                writer.close();
            }
        }
    }

    private SqliteSession open() throws SQLException {
        SqliteSession session = file.openWriter(busy);
        try {
            session.execute("PRAGMA synchronous = FULL"); // PostgreSQL forgets what is committed here
            session.execute("PRAGMA foreign_keys = OFF"); // a transaction is right as a whole, not after each row
            session.execute("PRAGMA recursive_triggers = OFF");
            return session;
        } catch (SQLException e) {
            session.close();
            throw e;
        }
    }

    private void load() throws SQLException {
        closeWriters();
        Map<String, Map<String, String>> parked = Ledger.parkedKeys(writer);
        for (StreamTable table : tables) {
            rowWriters.put(table.plan().source(), new RowWriter(writer, table,
                    parked.getOrDefault(table.plan().source(), new HashMap<>())));
        }
        rowWriters.values().forEach(rowWriter -> rowWriter.lookFor(outside));
        parkedRows = rowWriters.values().stream().mapToLong(RowWriter::parkedRows).sum();
    }

    /** Has it look for rows that somebody wrote in spite of the fence. */
    synchronized void resolve(Target target, String migration, ConflictRules rules) {
        outside = new OutsideWrites(writer, target, migration, rules);
        rowWriters.values().forEach(rowWriter -> rowWriter.lookFor(outside));
    }

    /** Does what the operator has decided of a conflict. */
    synchronized void resolve(Conflict conflict, boolean incoming) throws SQLException {
        boolean ended = false;
        try {
            Fence.writeThrough(writer, generation, () -> {
                outside.look();
                rowWriters.get(conflict.table()).resolve(conflict, incoming);
                outside.forgetSettled();
                return null;
            });
            ended = true;
        } finally {
            if (!ended) {
                load();
            }
        }
        parkedRows = rowWriters.values().stream().mapToLong(RowWriter::parkedRows).sum();
    }

    /** Tells {@code hearer} of every row before it changes. To be called before the first {@link #take}. */
    void tell(Touches hearer) {
        touches = hearer;
    }

    /** Is carried out before the next transaction. Thread-safe. */
    void mend(Mend mend) {
        mends.add(mend);
    }

    /** What SQLite has on disk. */
    Ledger.Entry entry() {
        return entry;
    }

    /** When the last transaction that SQLite has was committed; null before the first. */
    Instant lastCommit() {
        return lastCommit;
    }

    long transactions() {
        return transactions;
    }

    long rows() {
        return rows;
    }

    long parkedRows() {
        return parkedRows;
    }

    @Override
    public synchronized void take(List<Intake.Whole> whole) throws Exception {
        mendAll();
        Ledger.Entry next = entry;
        List<Intake.Whole> applied = new ArrayList<>();
        boolean awaited = false;
        SchemaAhead ahead = null;
        for (Intake.Whole transaction : whole) {
            if (transaction.lsn() <= entry.lsn()) {
                continue; // it is in SQLite, but PostgreSQL did not hear so
            }
            long last = cut.getAsLong(); // asked for each: a commit behind a cut comes when it is known
            if (transaction.lsn() > last || last == ReverseStream.NO_CUT && next.isApplied() && !transaction.aliens().isEmpty()) {
                ahead = new SchemaAhead(last == ReverseStream.NO_CUT ? transaction.aliens() : Set.of());
                break;
            }
            next = next.at(transaction.lsn(), transaction.xid());
            if (transaction.mark() != null) {
                // what its own transaction holds besides is ours
                Intake.Mark mark = transaction.mark();
                next = next.marked(mark.traffic(), mark.epoch(), mark.version());
                awaited = true;
            } else if (next.isApplied() && transaction.changes().rows() > 0) {
                applied.add(transaction);
            }
            if (transaction.beat() > next.beat()) {
                next = next.beaten(transaction.beat());
                awaited = true;
            }
        }
        if (ahead == null && applied.isEmpty() && !awaited && System.nanoTime() - advancedNanos < ADVANCE_NANOS) {
            return;
        }
        if (next != entry) {
            write(applied, next);
            advancedNanos = System.nanoTime();
            entry = next;
            lastCommit = whole.get(whole.size() - 1).committedAt();
            transactions += applied.size();
            rows += applied.stream().mapToLong(transaction -> transaction.changes().rows()).sum();
            parkedRows = rowWriters.values().stream().mapToLong(RowWriter::parkedRows).sum();
            progress.run();
        }
        if (ahead != null) {
            throw ahead;
        }
    }

    private void mendAll() throws SQLException {
        for (Mend mend = mends.poll(); mend != null; mend = mends.poll()) {
            Mend one = mend;
            try {
                one.done().complete(Fence.writeThrough(writer, generation, () -> {
                    RowWriter rowWriter = rowWriters.get(one.table());
                    List<Mend.Printed> rows = one.rows().stream().filter(row -> !one.stale().test(row.key())).toList();
                    List<RowKey> gone = one.gone().stream().filter(key -> !one.stale().test(key)).toList();
                    touches.touched(one.table(), Stream.concat(rows.stream().map(Mend.Printed::key), gone.stream()).toList(),
                            entry.lsn() + 1);
                    rowWriter.mend(rows.stream().map(Mend.Printed::texts).toList(), gone, entry.lsn());
                    return rows.size() + gone.size();
                }));
            } catch (SQLException | RuntimeException e) {
                one.done().completeExceptionally(e);
                load(); // what was parked meanwhile is not
            }
        }
    }

    /** Tries a parked row again, see {@link RowWriter#again}; an edited one is left as it was where it does not fit. */
    synchronized boolean again(ParkedReverse row, Map<String, String> edits) throws SQLException {
        boolean arrived = false;
        boolean ended = false;
        try {
            arrived = Fence.writeThrough(writer, generation, () -> {
                boolean fits = rowWriters.get(row.table()).again(row.key(), edits);
                if (!fits && !edits.isEmpty()) {
                    throw new DoesNotFit();
                }
                return fits;
            });
            ended = true;
        } catch (DoesNotFit e) {
            arrived = false;
        } finally {
            if (!ended) {
                load(); // what is parked is as it was
            }
        }
        parkedRows = rowWriters.values().stream().mapToLong(RowWriter::parkedRows).sum();
        return arrived;
    }

    /** Forgets a parked row. */
    synchronized void discard(ParkedReverse row) throws SQLException {
        Fence.writeThrough(writer, generation, () -> {
            rowWriters.get(row.table()).discard(row.key());
            return null;
        });
        parkedRows = rowWriters.values().stream().mapToLong(RowWriter::parkedRows).sum();
    }

    /** Rolls an edit back. */
    private static final class DoesNotFit extends RuntimeException {
        DoesNotFit() {
            super("the edited row is refused");
        }
    }

    /** Waits as long as somebody holds a lock: while the source is fenced nobody should. */
    private void write(List<Intake.Whole> applied, Ledger.Entry next) throws Exception {
        while (true) {
            try {
                if (applied.isEmpty()) {
                    Ledger.advance(writer, generation, next);
                } else {
                    Fence.writeThrough(writer, generation, () -> {
                        if (outside != null) {
                            outside.look();
                        }
                        apply(applied);
                        if (outside != null) {
                            outside.forgetSettled();
                        }
                        Ledger.write(writer, next);
                        return null;
                    });
                }
                return;
            } catch (SQLException e) {
                if (SqliteFailure.of(e) != SqliteFailure.BUSY || stopped.getAsBoolean()) {
                    throw e;
                }
                load(); // what was parked meanwhile is not
            }
        }
    }

    private void apply(List<Intake.Whole> applied) throws SQLException {
        Map<Integer, NetChanges> net = new HashMap<>();
        long[] bytes = {0};
        long lsn = applied.get(applied.size() - 1).lsn();
        for (Intake.Whole transaction : applied) {
            try {
                transaction.changes().forEach(part -> {
                    for (RowChange change : part) {
                        net.computeIfAbsent(change.table(), number -> new NetChanges(tables.get(number))).add(change);
                        bytes[0] += change.size();
                    }
                    if (bytes[0] > memoryBytes) {
                        write(net, lsn);
                        bytes[0] = 0;
                    }
                });
            } catch (SQLException | RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException("a spilled transaction can't be read back", e);
            }
        }
        write(net, lsn);
    }

    private void write(Map<Integer, NetChanges> net, long lsn) throws SQLException {
        for (NetChanges changes : net.values()) {
            touches.touched(changes.table().plan().source(), changes.sourceKeys(), lsn);
            rowWriters.get(changes.table().plan().source()).apply(changes, lsn);
        }
        net.clear();
    }

    private void closeWriters() throws SQLException {
        for (RowWriter rowWriter : rowWriters.values()) {
            rowWriter.close();
        }
        rowWriters = new HashMap<>();
    }

    @Override
    public synchronized void close() throws SQLException {
        for (Mend mend = mends.poll(); mend != null; mend = mends.poll()) {
            mend.done().completeExceptionally(new IllegalStateException("the reverse stream has stopped"));
        }
        closeWriters();
        writer.close();
    }
}
