package dev.sluice.verify;

import dev.sluice.apply.Applier;
import dev.sluice.change.ChangeBatch;
import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.TableChange;
import dev.sluice.change.Value;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.schema.SourceTable;
import dev.sluice.store.Keys;
import dev.sluice.store.MigrationStore;
import dev.sluice.tail.Chunk;
import dev.sluice.tail.Limits;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;

/**
 * Compares tables chunk by chunk, each chunk at a moment of its own ({@link SamePoint}), while the application writes.
 * Rows that change behind the scan are the applier's business; what it does is what the next verification sees.
 */
public final class Verifier {

    private static final int DIFFERENCES_LISTED_MAX = 100;

    private final MigrationPlan plan;
    private final Applier applier;
    private final MigrationStore store;
    private final SamePoint samePoint;
    private final Limits limits;
    private final boolean repair;

    /** Told after every chunk; {@code done} of {@code table}'s rows are compared. */
    public interface Listener {
        void compared(String table, long done);
    }

    /** It was told to stop. Half a verification proves nothing, so it has no report. */
    public static final class Stopped extends RuntimeException {
        Stopped() {
            super("the verification was stopped before every table was compared: run it again");
        }
    }

    /** Which table, and how it is declared in the source. */
    public record Subject(TablePlan plan, SourceTable source) {}

    /** @param repair true to mend every difference from the source, in the transaction that found it */
    public Verifier(MigrationPlan plan, MigrationStore store, SamePoint samePoint, Limits limits, boolean repair) {
        this.plan = plan;
        this.applier = new Applier(store, plan);
        this.store = store;
        this.samePoint = samePoint;
        this.limits = limits;
        this.repair = repair;
    }

    public VerifyReport verify(List<Subject> subjects, Listener listener, BooleanSupplier stopped)
            throws SQLException, InterruptedException {
        Instant start = Instant.now();
        long fromSeq = seq();
        List<TableReport> reports = new ArrayList<>();
        for (Subject subject : subjects) {
            reports.add(new TableScan(subject).run(listener, stopped));
        }
        return new VerifyReport(reports, fromSeq, seq(), start, Instant.now(), List.of());
    }

    private long seq() throws SQLException, InterruptedException {
        return samePoint.at(snapshot -> 0L, (nothing, target) -> store.lockWatermark(target).seq());
    }

    /** The scan of one table. */
    private final class TableScan {

        private final Subject subject;
        private final TargetRows targetRows;
        private final RowHash sourceHash = new RowHash();
        private final RowHash targetHash = new RowHash();
        private final List<Difference> differences = new ArrayList<>();
        private long differenceCount;
        private long repaired;
        private long rows;
        private long parked;
        // of the present moment, not certain before it has ended
        private byte[] chunkSource;
        private final List<byte[]> chunkTarget = new ArrayList<>();
        private final List<Difference> found = new ArrayList<>();
        private long chunkRows;
        private long chunkParked;
        private long chunkRepaired;

        TableScan(Subject subject) {
            this.subject = subject;
            this.targetRows = new TargetRows(plan.schema(), subject.plan());
        }

        TableReport run(Listener listener, BooleanSupplier stopped) throws SQLException, InterruptedException {
            RowKey after = null;
            boolean end = false;
            while (!end) {
                requireGoingOn(stopped);
                RowKey from = after;
                Chunk chunk = samePoint.at(
                        snapshot -> snapshot.chunk(subject.source(), from, null, limits),
                        (read, target) -> {
                            restore(); // the same moment may be made again after a lost connection
                            compare(target, from, read);
                            return read;
                        });
                settle();
                end = chunk.end();
                after = chunk.last() == null ? after : chunk.last();
                listener.compared(subject.plan().source(), rows);
            }
            if (!targetRows.isNumbered()) {
                findExtras(stopped);
            }
            return new TableReport(subject.plan().source(), rows, parked, sourceHash.hex(), targetHash.hex(),
                    differenceCount, List.copyOf(differences), repaired);
        }

        private static void requireGoingOn(BooleanSupplier stopped) {
            if (stopped.getAsBoolean()) {
                throw new Stopped();
            }
        }

        /** Adds what the last moment found to what is certain. */
        private void settle() {
            if (chunkSource != null) {
                sourceHash.add(chunkSource);
            }
            chunkTarget.forEach(targetHash::add);
            found.forEach(difference -> {
                differenceCount++;
                if (differences.size() < DIFFERENCES_LISTED_MAX) {
                    differences.add(difference);
                }
            });
            rows += chunkRows;
            parked += chunkParked;
            repaired += chunkRepaired;
            restore();
        }

        /** Forgets what the present moment found. */
        private void restore() {
            chunkSource = null;
            chunkTarget.clear();
            found.clear();
            chunkRows = 0;
            chunkParked = 0;
            chunkRepaired = 0;
        }

        private void compare(Connection target, RowKey after, Chunk chunk) throws SQLException {
            Map<RowKey, Row> sourceRows = new LinkedHashMap<>();
            chunk.rows().forEach(row -> sourceRows.put(row.key(), row));
            Map<RowKey, Value[]> there = new LinkedHashMap<>(targetRows.isNumbered()
                    ? targetRows.range(target, after, chunk.end() ? null : chunk.last())
                    : targetRows.find(target, sourceRows.keySet()));
            if (targetRows.isNumbered() && after == null) {
                there.putAll(targetRows.find(target, List.of(RowKey.of(Value.of(Long.MIN_VALUE)))));
            }
            Set<RowKey> parkedKeys = parkedKeys(target, sourceRows.values(), there);
            RowHash source = new RowHash();
            RowHash targetSide = new RowHash();
            List<Row> toWrite = new ArrayList<>();
            List<RowKey> toDelete = new ArrayList<>();
            for (Row row : sourceRows.values()) {
                chunkRows++;
                if (parkedKeys.contains(row.key())) {
                    chunkParked++;
                    hashBoth(row, null, source, targetSide); // the target lacks it, so the hashes must not be the same
                    continue;
                }
                Value[] values = there.remove(row.key());
                List<String> columns = hashBoth(row, values, source, targetSide);
                if (values == null) {
                    note(new Difference(Difference.Kind.MISSING, row.key(), List.of()));
                    toWrite.add(row);
                } else if (!columns.isEmpty()) {
                    note(new Difference(Difference.Kind.DIFFERENT, row.key(), columns));
                    toWrite.add(row);
                }
            }
            for (Map.Entry<RowKey, Value[]> extra : there.entrySet()) {
                targetSide.add(extra.getKey());
                for (Value value : extra.getValue()) {
                    targetSide.add(value);
                }
                note(new Difference(Difference.Kind.EXTRA, extra.getKey(), List.of()));
                toDelete.add(extra.getKey());
            }
            chunkSource = source.bytes();
            chunkTarget.add(targetSide.bytes());
            mend(target, toWrite, toDelete);
        }

        /** Hashes a row on both sides; returns the columns in which they differ. */
        private List<String> hashBoth(Row row, Value[] there, RowHash source, RowHash targetSide) {
            List<String> different = new ArrayList<>();
            source.add(row.key());
            if (there != null) {
                targetSide.add(row.key());
            }
            List<TargetRows.Column> columns = targetRows.columns();
            for (int i = 0; i < columns.size(); i++) {
                TargetRows.Column column = columns.get(i);
                Value here = column.codec().canonical(column.of(row));
                source.add(here);
                if (there != null) {
                    Value other = column.codec().canonical(there[i]);
                    targetSide.add(other);
                    if (!here.equals(other)) {
                        different.add(column.source());
                    }
                }
            }
            return different;
        }

        private Set<RowKey> parkedKeys(Connection target, Iterable<Row> sourceRows, Map<RowKey, Value[]> found)
                throws SQLException {
            List<RowKey> absent = new ArrayList<>();
            for (Row row : sourceRows) {
                if (!found.containsKey(row.key())) {
                    absent.add(row.key());
                }
            }
            return absent.isEmpty() ? Set.of()
                    : new HashSet<>(store.parkedAmong(target, subject.plan().source(), absent));
        }

        /**
         * Rows of the target that no chunk asked for, in tables whose keys have no common order on both sides: looked
         * for only if the counts say that there are any.
         */
        private void findExtras(BooleanSupplier stopped) throws SQLException, InterruptedException {
            long[] counts = samePoint.<Long, long[]>at(snapshot -> snapshot.count(subject.source()),
                    (count, target) -> new long[] {count, targetRows.count(target),
                        store.parkedCounts(target).getOrDefault(subject.plan().source(), 0L)});
            if (counts[2] == 0 && counts[0] == counts[1] && differenceCount == 0) {
                return;
            }
            String[] after = null;
            TargetRows.Page page;
            do {
                requireGoingOn(stopped);
                String[] from = after;
                // the keys are read outside of the moment, then asked for on both sides at one
                page = samePoint.at(snapshot -> 0, (nothing, target) ->
                        targetRows.keysAfter(target, from, limits.rowsMax()));
                List<RowKey> keys = page.keys();
                samePoint.at(snapshot -> snapshot.find(subject.source(), keys).keySet(), (present, target) -> {
                    restore();
                    List<RowKey> toDelete = new ArrayList<>();
                    Map<RowKey, Value[]> there = targetRows.find(target, keys);
                    for (Map.Entry<RowKey, Value[]> row : there.entrySet()) {
                        if (!present.contains(row.getKey())) {
                            note(new Difference(Difference.Kind.EXTRA, row.getKey(), List.of()));
                            toDelete.add(row.getKey());
                            chunkTarget.add(Keys.hash(row.getKey()));
                        }
                    }
                    mend(target, List.of(), toDelete);
                    return null;
                });
                settle();
                after = keys.isEmpty() ? null : page.last();
            } while (after != null);
        }

        private void note(Difference difference) {
            found.add(difference);
        }

        /** Brings the source's rows to the target, carefully: other rows may hold their unique values still. */
        private void mend(Connection target, List<Row> toWrite, List<RowKey> toDelete) throws SQLException {
            if (!repair || toWrite.isEmpty() && toDelete.isEmpty()) {
                return;
            }
            applier.loadParked(target);
            applier.apply(target, new ChangeBatch("", 0, 0, 0, true,
                    List.of(new TableChange(subject.plan().source(), new HashSet<>(toDelete), toWrite)), List.of()), true);
            chunkRepaired += toDelete.size() + (long) toWrite.size();
        }
    }
}
