package dev.sluice.apply;

import dev.sluice.change.ChangeBatch;
import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.TableChange;
import dev.sluice.conflict.Attempt;
import dev.sluice.conflict.ConflictRules;
import dev.sluice.conflict.DecisionTable;
import dev.sluice.conflict.Direction;
import dev.sluice.conflict.Refusal;
import dev.sluice.conflict.Resolution;
import dev.sluice.conflict.TablePolicy;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.postgres.Pipeline;
import dev.sluice.postgres.SqlFailure;
import dev.sluice.store.ConflictStore;
import dev.sluice.store.ControlRow;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.ParkedRow;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Brings a batch's net changes into the target within the caller's transaction. The quick way writes each table at
 * once; where the target refuses a row, the careful way finds it and parks it, and everything else arrives. Not
 * thread-safe.
 */
public final class Applier {

    private static final String CONTESTED = Refusal.UNIQUE_KEY_HELD.code();

    /** So many contested rows are tried again per batch: each that is still refused costs a round trip. */
    private static final int CONTESTED_ROWS_MAX = 16;

    private final MigrationStore store;
    private final Map<String, TableWriter> writers = new HashMap<>();
    /** Tables that may have parked rows; others need no look into the parking table. */
    private final Set<String> withParked = new HashSet<>();
    /** Those of them in which another row may stand in the way of a parked one. */
    private final Set<String> contested = new HashSet<>();
    private final ConflictStore conflicts;
    /** Where the operator wants to know of rows that somebody else has changed; nearly always empty. */
    private final Map<String, Reconciler> reconcilers = new HashMap<>();
    /** Tables of which versions are remembered, though this applier does not look. */
    private Set<String> unlooked = Set.of();

    /** Writes the source's rows whatever is in the target: for what mends it, and where nobody asks. */
    public Applier(MigrationStore store, MigrationPlan plan) {
        this(store, plan, ConflictRules.DEFAULT);
    }

    /** @param rules what to do with rows that somebody else has changed in the target */
    public Applier(MigrationStore store, MigrationPlan plan, ConflictRules rules) {
        this.store = store;
        this.conflicts = new ConflictStore(store.migration());
        for (TablePlan table : plan.tables()) {
            writers.put(table.source(), new TableWriter(plan.schema(), table));
            ExistingRows existing = new ExistingRows(plan.schema(), table);
            TablePolicy policy = rules.table(table.source(), existing.columns(), Direction.FORWARD);
            if (policy.detects()) {
                reconcilers.put(table.source(), new Reconciler(conflicts, table, policy, existing));
            }
        }
    }

    /** What a batch did to the target. */
    public record Applied(long rows, long parked) {}

    /** True if what the quick way met can be reached by the careful one. */
    public static boolean isWorthCare(SQLException e) {
        return resolution(e, Attempt.UPSERT_ALL) == Resolution.REMOVE_THEN_INSERT;
    }

    private static Resolution resolution(SQLException e, Attempt attempt) {
        return DecisionTable.resolve(refusal(e), attempt);
    }

    private static Refusal refusal(SQLException e) {
        return switch (SqlFailure.of(e)) {
            case UNIQUE_VIOLATION -> Refusal.UNIQUE_KEY_HELD;
            case FOREIGN_KEY -> Refusal.FOREIGN_KEY_MISSING;
            case CHECK -> Refusal.CHECK_BROKEN;
            case NOT_NULL -> Refusal.NULL_REFUSED;
            case NOT_REPRESENTABLE -> Refusal.NOT_REPRESENTABLE;
            case TOO_LARGE -> Refusal.TOO_LARGE;
            case UNREACHABLE, TRANSIENT, DISK_FULL, READ_ONLY, FENCED, PERMISSION, MISSING, OTHER -> Refusal.NOT_ABOUT_ROWS;
        };
    }

    /** Must be called once a connection is there, and again after the parking table was changed by someone else. */
    public void loadParked(Connection connection) throws SQLException {
        withParked.clear();
        withParked.addAll(store.parkedCounts(connection).keySet());
        contested.clear();
        contested.addAll(store.tablesWithParked(connection, CONTESTED));
        Map<String, ConflictStore.Versions> versions = conflicts.versions(connection);
        if (!reconcilers.isEmpty()) {
            long epoch = new ControlRow(store.migration()).look(connection).map(ControlRow.Content::epoch).orElse(0L);
            for (Map.Entry<String, Reconciler> table : reconcilers.entrySet()) {
                table.getValue().load(connection, versions.get(table.getKey()), epoch);
            }
        }
        unlooked = new HashSet<>(versions.keySet());
        unlooked.removeAll(reconcilers.keySet());
    }

    /** Has nothing remembered of tables that are not looked at any more; after {@link #loadParked}. */
    public void endUnlooked(Connection connection) throws SQLException {
        for (String table : unlooked) {
            conflicts.end(connection, table);
        }
        unlooked = Set.of();
    }

    /** True while there are tables under a policy whose rows have not all been read once: see {@link #readVersions}. */
    public boolean hasUnreadVersions() {
        return reconcilers.values().stream().anyMatch(reconciler -> !reconciler.isWhole());
    }

    /** Reads some more rows that are in the target, to know them again; conflicts are only noticed in rows that were read. */
    public void readVersions(Connection connection, int rowsMax) throws SQLException {
        for (Reconciler reconciler : reconcilers.values()) {
            if (!reconciler.isWhole()) {
                reconciler.readMore(connection, rowsMax);
                return;
            }
        }
    }

    /**
     * Applies every table's changes.
     *
     * @param careful true to find and park single rows that the target refuses; costs savepoints
     */
    public Applied apply(Connection connection, ChangeBatch batch, boolean careful) throws SQLException {
        Pipeline pipeline = new Pipeline(connection);
        Applied applied = apply(pipeline, batch, careful);
        pipeline.send();
        return applied;
    }

    /** As the other; what is not sent meanwhile waits in {@code pipeline}. */
    public Applied apply(Pipeline pipeline, ChangeBatch batch, boolean careful) throws SQLException {
        long rows = 0;
        long parked = 0;
        for (TableChange change : batch.changes()) {
            TableWriter writer = writers.get(change.table());
            if (writer == null) {
                continue; // excluded by the operator
            }
            parked += apply(pipeline, writer, change, batch.toSeq(), careful);
            if (contested.contains(change.table())) {
                pipeline.send();
                retryContested(pipeline.connection(), writer, batch.toSeq());
            }
            rows += change.upserts().size() + (long) change.deletes().size();
        }
        return new Applied(rows, parked);
    }

    private int apply(Pipeline pipeline, TableWriter writer, TableChange arrived, long seq, boolean careful)
            throws SQLException {
        Connection connection = pipeline.connection();
        Reconciler reconciler = reconcilers.get(arrived.table());
        if (reconciler == null) {
            if (unlooked.contains(arrived.table())) {
                pipeline.send();
                conflicts.forget(connection, arrived.table(), keys(arrived));
            }
            List<ParkedRow> parked = write(pipeline, writer, arrived, seq, careful);
            settleParked(pipeline, arrived, parked);
            return parked.size();
        }
        pipeline.send(); // what is asked now must see what was written before
        Reconciler.Settled settled = reconciler.settle(connection, arrived, seq);
        List<ParkedRow> parked = write(pipeline, writer, settled.change(), seq, careful);
        parked.forEach(reconciler::requireParking);
        Set<RowKey> refused = new HashSet<>();
        parked.forEach(row -> refused.add(row.key()));
        pipeline.send();
        reconciler.remember(connection, settled, refused);
        parked.addAll(settled.parked());
        settleParked(pipeline, arrived, parked);
        return parked.size();
    }

    private static Set<RowKey> keys(TableChange change) {
        Set<RowKey> keys = new HashSet<>(change.deletes());
        change.upserts().forEach(row -> keys.add(row.key()));
        return keys;
    }

    /** Returns the rows that the target does not take. */
    private List<ParkedRow> write(Pipeline pipeline, TableWriter writer, TableChange change, long seq, boolean careful)
            throws SQLException {
        List<Row> fitting = new ArrayList<>();
        List<ParkedRow> parked = new ArrayList<>();
        Set<RowKey> gone = new HashSet<>(change.deletes());
        for (Row row : change.upserts()) {
            ParkedRow misfit = writer.misfit(row, seq);
            if (misfit == null) {
                fitting.add(row);
            } else {
                // its older version would be wrong data: better absent and listed than present and stale
                parked.add(misfit);
                gone.add(row.key());
            }
            if (KeySpellings.areSeveral(row.key())) {
                gone.add(row.key()); // the target may hold 0.0 where the row is spelled -0.0 now, or the other way
            }
        }
        if (careful) {
            pipeline.send();
            carefully(pipeline.connection(), writer, gone, fitting, seq, parked);
        } else {
            writer.delete(pipeline, gone);
            writer.upsert(pipeline, fitting);
        }
        return parked;
    }

    /** Removes what is parked no more, and parks what is now. */
    private void settleParked(Pipeline pipeline, TableChange change, List<ParkedRow> parked) throws SQLException {
        Connection connection = pipeline.connection();
        if (withParked.contains(change.table()) || !parked.isEmpty()) {
            pipeline.send();
        }
        if (withParked.contains(change.table())) {
            store.unpark(connection, change.table(), keys(change));
        }
        if (!parked.isEmpty()) {
            withParked.add(change.table());
            if (parked.stream().anyMatch(row -> row.code().equals(CONTESTED))) {
                contested.add(change.table());
            }
            store.park(connection, parked);
        }
    }

    /**
     * A unique rule of the target can be stricter than the source's; the row that was refused arrives when the other one
     * has changed. What is parked is the row as it is now: any change of it would have settled it.
     */
    private void retryContested(Connection connection, TableWriter writer, long seq) throws SQLException {
        String table = writer.plan().source();
        List<Row> rows = store.parkedRows(connection, table, CONTESTED, CONTESTED_ROWS_MAX).stream()
                .filter(row -> writer.misfit(row, seq) == null).toList();
        List<ParkedRow> refused = new ArrayList<>();
        insertHalving(connection, writer, rows, seq, refused);
        Set<RowKey> arrived = new HashSet<>();
        rows.forEach(row -> arrived.add(row.key()));
        refused.forEach(row -> arrived.remove(row.key()));
        if (reconcilers.containsKey(table) || unlooked.contains(table)) {
            conflicts.forget(connection, table, arrived);
        }
        store.unpark(connection, table, arrived);
    }

    /**
     * Reaches the final state although single rows can't: first every touched row goes, which also lets unique values
     * swap or move along a chain, then the new rows are inserted, halving where the target refuses.
     */
    private void carefully(Connection connection, TableWriter writer, Set<RowKey> gone, List<Row> rows, long seq,
            List<ParkedRow> parked) throws SQLException {
        Set<RowKey> touched = new HashSet<>(gone);
        rows.forEach(row -> touched.add(row.key()));
        writer.delete(connection, touched);
        insertHalving(connection, writer, rows, seq, parked);
    }

    private void insertHalving(Connection connection, TableWriter writer, List<Row> rows, long seq,
            List<ParkedRow> parked) throws SQLException {
        if (rows.isEmpty()) {
            return;
        }
        Savepoint savepoint = connection.setSavepoint();
        try {
            writer.insert(connection, rows);
            connection.releaseSavepoint(savepoint);
        } catch (SQLException e) {
            Resolution resolution = resolution(e, rows.size() == 1 ? Attempt.INSERT_ONE : Attempt.INSERT_SEVERAL);
            if (resolution == Resolution.HALT) {
                throw e;
            }
            connection.rollback(savepoint);
            connection.releaseSavepoint(savepoint);
            if (resolution == Resolution.PARK) {
                parked.add(refused(writer.plan(), rows.get(0), seq, e));
                return;
            }
            int middle = rows.size() / 2;
            insertHalving(connection, writer, rows.subList(0, middle), seq, parked);
            insertHalving(connection, writer, rows.subList(middle, rows.size()), seq, parked);
        }
    }

    private static ParkedRow refused(TablePlan plan, Row row, long seq, SQLException e) {
        return new ParkedRow(plan.source(), row.key(), row, refusal(e).code(),
                "PostgreSQL refused the row of " + plan.source() + ": " + SqlFailure.sentence(e), null, seq, null);
    }

    /**
     * Takes the rows of a chunk of the bulk copy. They are kept in the form in which they are sent, so that no more than
     * that has to stay in memory; at most one chunk of a table at a time.
     */
    public ChunkRows chunk(String table) {
        return new ChunkRows(writers.get(table), store);
    }

    /** Appends a chunk that the target has refused as a whole; returns how many of its rows were parked. */
    public int copyCarefully(Connection connection, String table, List<Row> rows) throws SQLException {
        TableWriter writer = writers.get(table);
        List<Row> fitting = new ArrayList<>(rows.size());
        List<ParkedRow> parked = new ArrayList<>();
        for (Row row : rows) {
            ParkedRow misfit = writer.misfit(row, 0);
            if (misfit == null) {
                fitting.add(row);
            } else {
                parked.add(misfit);
            }
        }
        insertHalving(connection, writer, fitting, 0, parked);
        store.park(connection, parked);
        return parked.size();
    }

    /** The writer of a source table, or null if it is not carried. */
    public TableWriter writer(String table) {
        return writers.get(table);
    }
}
