package dev.sluice.verify;

import dev.sluice.apply.TableWriter;
import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
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

    private final String schema;
    private final MigrationStore store;
    private final SamePoint samePoint;
    private final Limits limits;
    private final boolean repair;

    /** Told after every chunk; {@code done} of {@code table}'s rows are compared. */
    public interface Listener {
        void compared(String table, long done);
    }

    /** Which table, and how it is declared in the source. */
    public record Subject(TablePlan plan, SourceTable source) {}

    /** @param repair true to mend every difference from the source, in the transaction that found it */
    public Verifier(String schema, MigrationStore store, SamePoint samePoint, Limits limits, boolean repair) {
        this.schema = schema;
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
            if (stopped.getAsBoolean()) {
                break;
            }
            reports.add(new TableScan(subject).run(listener, stopped));
        }
        return new VerifyReport(reports, fromSeq, seq(), start, Instant.now());
    }

    private long seq() throws SQLException, InterruptedException {
        return samePoint.at(snapshot -> 0L, (nothing, target) -> store.lockWatermark(target).seq());
    }

    /** The scan of one table. */
    private final class TableScan {

        private final Subject subject;
        private final TargetRows targetRows;
        private final TableWriter writer;
        private final RowHash sourceHash = new RowHash();
        private final RowHash targetHash = new RowHash();
        private final List<Difference> differences = new ArrayList<>();
        private long differenceCount;
        private long repaired;
        private long rows;
        private long parked;

        TableScan(Subject subject) {
            this.subject = subject;
            this.targetRows = new TargetRows(schema, subject.plan());
            this.writer = new TableWriter(schema, subject.plan());
        }

        TableReport run(Listener listener, BooleanSupplier stopped) throws SQLException, InterruptedException {
            RowKey after = null;
            boolean end = false;
            while (!end && !stopped.getAsBoolean()) {
                RowKey from = after;
                Chunk chunk = samePoint.at(
                        snapshot -> snapshot.chunk(subject.source(), from, null, limits),
                        (read, target) -> {
                            compare(target, from, read);
                            return read;
                        });
                end = chunk.end();
                after = chunk.last() == null ? after : chunk.last();
                listener.compared(subject.plan().source(), rows);
            }
            if (!targetRows.isNumbered() && !stopped.getAsBoolean()) {
                findExtras();
            }
            return new TableReport(subject.plan().source(), rows, parked, sourceHash.hex(), targetHash.hex(),
                    differenceCount, differences, repaired);
        }

        private void compare(Connection target, RowKey after, Chunk chunk) throws SQLException {
            Map<RowKey, Row> sourceRows = new LinkedHashMap<>();
            chunk.rows().forEach(row -> sourceRows.put(row.key(), row));
            Map<RowKey, Value[]> found = new LinkedHashMap<>(targetRows.isNumbered()
                    ? targetRows.range(target, after, chunk.end() ? null : chunk.last())
                    : targetRows.find(target, sourceRows.keySet()));
            if (targetRows.isNumbered() && after == null) {
                found.putAll(targetRows.find(target, List.of(RowKey.of(Value.of(Long.MIN_VALUE)))));
            }
            Set<RowKey> parkedKeys = parkedKeys(target, sourceRows.values(), found);
            RowHash source = new RowHash();
            RowHash targetSide = new RowHash();
            List<Row> toWrite = new ArrayList<>();
            List<RowKey> toDelete = new ArrayList<>();
            for (Row row : sourceRows.values()) {
                rows++;
                if (parkedKeys.contains(row.key())) {
                    parked++;
                    continue;
                }
                Value[] there = found.remove(row.key());
                List<String> columns = hashBoth(row, there, source, targetSide);
                if (there == null) {
                    note(new Difference(Difference.Kind.MISSING, row.key(), List.of()));
                    toWrite.add(row);
                } else if (!columns.isEmpty()) {
                    note(new Difference(Difference.Kind.DIFFERENT, row.key(), columns));
                    toWrite.add(row);
                }
            }
            for (Map.Entry<RowKey, Value[]> extra : found.entrySet()) {
                targetSide.add(extra.getKey());
                for (Value value : extra.getValue()) {
                    targetSide.add(value);
                }
                note(new Difference(Difference.Kind.EXTRA, extra.getKey(), List.of()));
                toDelete.add(extra.getKey());
            }
            sourceHash.add(source.bytes());
            targetHash.add(targetSide.bytes());
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
        private void findExtras() throws SQLException, InterruptedException {
            long[] counts = samePoint.<Long, long[]>at(snapshot -> snapshot.count(subject.source()),
                    (count, target) -> new long[] {count, targetRows.count(target),
                        store.parkedCounts(target).getOrDefault(subject.plan().source(), 0L)});
            if (counts[0] - counts[2] == counts[1] && differenceCount == 0) {
                return;
            }
            RowKey after = null;
            List<RowKey> page;
            do {
                RowKey from = after;
                // the keys are read outside of the moment, then asked for on both sides at one
                page = samePoint.at(snapshot -> 0, (nothing, target) ->
                        targetRows.keysAfter(target, from, limits.rowsMax()));
                List<RowKey> keys = page;
                samePoint.at(snapshot -> snapshot.find(subject.source(), keys).keySet(), (present, target) -> {
                    List<RowKey> toDelete = new ArrayList<>();
                    Map<RowKey, Value[]> there = targetRows.find(target, keys);
                    for (Map.Entry<RowKey, Value[]> row : there.entrySet()) {
                        if (!present.contains(row.getKey())) {
                            note(new Difference(Difference.Kind.EXTRA, row.getKey(), List.of()));
                            toDelete.add(row.getKey());
                            targetHash.add(Keys.hash(row.getKey()));
                        }
                    }
                    mend(target, List.of(), toDelete);
                    return null;
                });
                after = page.isEmpty() ? null : page.get(page.size() - 1);
            } while (after != null);
        }

        private void note(Difference difference) {
            differenceCount++;
            if (differences.size() < DIFFERENCES_LISTED_MAX) {
                differences.add(difference);
            }
        }

        private void mend(Connection target, List<Row> toWrite, List<RowKey> toDelete) throws SQLException {
            if (!repair) {
                return;
            }
            writer.delete(target, toDelete);
            List<Row> fitting = toWrite.stream().filter(row -> writer.misfit(row, 0) == null).toList();
            List<RowKey> rewritten = fitting.stream().map(Row::key).toList();
            writer.delete(target, rewritten);
            writer.insert(target, fitting);
            store.park(target, toWrite.stream().map(row -> writer.misfit(row, 0)).filter(m -> m != null).toList());
            repaired += toDelete.size() + (long) toWrite.size();
        }
    }
}
