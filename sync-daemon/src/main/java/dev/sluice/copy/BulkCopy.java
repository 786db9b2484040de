package dev.sluice.copy;

import dev.sluice.apply.Applier;
import dev.sluice.apply.ChunkRows;
import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.postgres.LastingSession;
import dev.sluice.postgres.Reconnect;
import dev.sluice.postgres.Target;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.store.ChunkProgress;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.TargetWentBack;
import dev.sluice.tail.Limits;
import dev.sluice.tail.ScanStep;
import dev.sluice.tail.Snapshot;
import dev.sluice.tail.SourceReader;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * The bulk copy: every table in parts, every part in chunks. A chunk is read in one short snapshot, then written with
 * its progress in one transaction, so that a restart goes on behind the last chunk that committed. What the application
 * changes meanwhile stands in the changelog and is applied afterwards; nothing is applied while the copy runs, so a
 * chunk can never overwrite something newer.
 */
public final class BulkCopy {

    private final SqliteFile file;
    private final MigrationPlan plan;
    private final Map<String, SourceTable> sources;
    private final Target target;
    private final Reconnect reconnect;
    private final MigrationStore store;
    private final long generation;
    private final Settings settings;
    private final Valve valve;
    private final CopyProgress progress;
    private final TableFinish finish;

    /**
     * How the copy may use the machine.
     *
     * @param workers threads, each with a connection to either side
     * @param limits of one chunk
     * @param busyTimeout how long to wait for a lock of the application
     * @param replicationRole true if the target's triggers and foreign keys can be kept from firing
     * @param schemaHash of the source schema that the tables were read from
     * @param live true if the application writes meanwhile
     */
    public record Settings(int workers, Limits limits, Duration busyTimeout, boolean replicationRole, String schemaHash,
            boolean live) {}

    /** What to do when a table's rows are all in: keys and indexes. Must be repeatable. */
    public interface TableFinish {
        void finish(Connection connection, TablePlan table) throws SQLException;
    }

    public BulkCopy(SqliteFile file, MigrationPlan plan, Map<String, SourceTable> sources, Target target,
            Reconnect reconnect, MigrationStore store, long generation, Settings settings, Valve valve,
            CopyProgress progress, TableFinish finish) {
        this.file = file;
        this.plan = plan;
        this.sources = sources;
        this.target = target;
        this.reconnect = reconnect;
        this.store = store;
        this.generation = generation;
        this.settings = settings;
        this.valve = valve;
        this.progress = progress;
        this.finish = finish;
    }

    /** Copies what is not copied yet; returns true when all is, false if it was stopped before. */
    public boolean run() throws SQLException, InterruptedException {
        List<ChunkProgress> parts = reconnect.call(this::parts);
        Map<String, Integer> open = new HashMap<>();
        BlockingQueue<ChunkProgress> queue = new LinkedBlockingQueue<>(Math.max(1, parts.size()));
        parts.stream().sorted(Comparator.comparingLong((ChunkProgress part) -> -plan.table(part.table()).rows()))
                .filter(part -> !part.done() || finishesAlone(part, parts))
                .forEach(part -> {
                    open.merge(part.table(), 1, Integer::sum);
                    queue.add(part);
                });
        AtomicReference<Throwable> failure = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < Math.min(settings.workers(), queue.size()); i++) {
            Thread thread = new Thread(() -> work(queue, open, failure), "copy-" + (i + 1));
            threads.add(thread);
            thread.start();
        }
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            threads.forEach(Thread::interrupt);
            throw e;
        }
        rethrow(failure.get());
        // asked of the target, not of the threads: only what it holds counts
        return !valve.isStopped() && reconnect.call(this::parts).stream().allMatch(ChunkProgress::done);
    }

    /** A table whose parts are all copied is queued once more: its keys and indexes may be missing still. */
    private static boolean finishesAlone(ChunkProgress part, List<ChunkProgress> parts) {
        return part.part() == 0 && parts.stream().filter(p -> p.table().equals(part.table()))
                .allMatch(ChunkProgress::done);
    }

    private static void rethrow(Throwable failure) throws SQLException, InterruptedException {
        if (failure instanceof SQLException sql) {
            throw sql;
        }
        if (failure instanceof InterruptedException interrupted) {
            throw interrupted;
        }
        if (failure instanceof RuntimeException runtime) {
            throw runtime;
        }
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure != null) {
            throw new IllegalStateException(failure);
        }
    }

    private List<ChunkProgress> parts() throws SQLException {
        try (Connection connection = target.connect()) {
            return store.lockChunks(connection); // waits for a late transaction of an earlier process
        }
    }

    private void work(BlockingQueue<ChunkProgress> queue, Map<String, Integer> open,
            AtomicReference<Throwable> failure) {
        try (SourceReader reader = new SourceReader(file, settings.busyTimeout()); LastingSession session =
                new LastingSession(target, reconnect, settings.replicationRole())) {
            Applier applier = new Applier(store, plan);
            while (failure.get() == null && valve.pass()) {
                ChunkProgress part = queue.poll();
                if (part == null) {
                    return;
                }
                if (!copyPart(reader, session, applier, part)) {
                    return;
                }
                boolean last;
                synchronized (open) {
                    last = open.merge(part.table(), -1, Integer::sum) == 0;
                }
                if (last) {
                    TablePlan table = plan.table(part.table());
                    session.run(connection -> {
                        finish.finish(connection, table);
                        return null;
                    });
                    progress.finished(part.table());
                }
            }
        } catch (Throwable e) {
            failure.compareAndSet(null, e); // the thread's edge: run() throws it again, an OutOfMemoryError too
        }
    }

    /** Copies one part to its end; false if it was stopped before. */
    private boolean copyPart(SourceReader reader, LastingSession session,
            Applier applier, ChunkProgress part)
            throws SQLException, InterruptedException {
        SourceTable source = sources.get(part.table());
        ChunkProgress at = part;
        while (!at.done()) {
            if (!valve.pass()) {
                return false;
            }
            ChunkProgress from = at;
            ChunkRows rows = applier.chunk(from.table());
            ChunkProgress to = read(reader, source, from, rows::add);
            Written written;
            try {
                written = session.run(connection -> write(connection, from, to, () -> rows.write(connection)));
            } catch (SQLException e) {
                if (!Applier.isWorthCare(e)) {
                    throw e;
                }
                List<Row> again = new ArrayList<>();
                ChunkProgress toAgain = read(reader, source, from, again::add);
                written = session.run(connection -> write(connection, from, toAgain,
                        () -> applier.copyCarefully(connection, from.table(), again)));
            }
            if (written.parked > 0) {
                progress.parked(at.table(), written.parked);
            }
            progress.copied(at.table(), written.at.rows() - at.rows(), written.at.bytes() - at.bytes());
            at = written.at;
        }
        return true;
    }

    /** Reads the chunk behind {@code from}; returns where the part stands when that is written. */
    private ChunkProgress read(SourceReader reader, SourceTable source, ChunkProgress from, Consumer<Row> rows)
            throws SQLException {
        try (Snapshot snapshot = reader.open()) {
            // SQLite takes the quoted name of a column that is no more for a string, and would give that for each row
            if (!snapshot.schemaHash().equals(settings.schemaHash())) {
                throw new SQLException("the schema of " + file.path() + " was changed while its tables were being copied");
            }
            ScanStep step = snapshot.scan(source, from.after(), from.until(), settings.limits(), rows);
            return new ChunkProgress(from.table(), from.part(), step.last() == null ? from.after() : step.last(),
                    from.until(), from.rows() + step.rows(), from.bytes() + step.bytes(), step.end(),
                    settings.live() ? snapshot.head() : null);
        }
    }

    /** Where a part stands in the target now, and how many rows were parked on the way. */
    private record Written(ChunkProgress at, int parked) {}

    /** Writes rows and returns how many were parked instead. */
    private interface RowWriter {
        int write() throws SQLException;
    }

    private Written write(Connection connection, ChunkProgress from, ChunkProgress to, RowWriter rows)
            throws SQLException {
        if (!store.advanceChunk(connection, generation, from, to)) {
            // a commit of ours succeeded whose answer was lost, or that a killed daemon of before had sent: go on from it
            ChunkProgress stored = store.chunks(connection).stream()
                    .filter(c -> c.table().equals(from.table()) && c.part() == from.part()).findFirst()
                    .orElseThrow(() -> new TargetWentBack("the target knows nothing of a copy that was under way", false));
            connection.rollback();
            return new Written(stored, 0);
        }
        int parked = rows.write();
        if (settings.live()) {
            syncSource();
        }
        connection.commit();
        return new Written(to, parked);
    }

    /** What a power cut takes from the source must not be in the target: no changelog row would tell. */
    private void syncSource() {
        try {
            file.syncWal();
        } catch (IOException e) {
            throw new SourceRefusal("the write-ahead log of " + file.path() + " can't be synced to disk: check the disk", e);
        }
    }
}
