package dev.sluice.store;

import dev.sluice.change.ChangeBatch;
import dev.sluice.change.RowKey;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What verifications of one migration leave in schema {@code sluice}: the runs, what they found per table, the leaves of
 * the hash trees, and how far the changes behind these are known. Every method runs in the caller's transaction. Stateless
 * but for the name.
 */
public final class VerificationStore {

    /** Runs that are kept; older ones go when a new one begins. */
    private static final int RUNS_KEPT = 50;

    private final String migration;

    public VerificationStore(String migration) {
        this.migration = migration;
    }

    // ---- runs ----

    /** Writes a new run, pending, and gives it its number. */
    public StoredRun create(Connection connection, StoredRun wanted) throws SQLException {
        long run;
        try (PreparedStatement lock = connection.prepareStatement(
                "SELECT pg_advisory_xact_lock(hashtextextended('sluice.verification ' || ?, 0))")) {
            lock.setString(1, migration);
            lock.execute();
        }
        try (PreparedStatement insert = prepare(connection, """
                INSERT INTO sluice.verification (migration, run, state, tables, whole, repair, share, actor, traffic, epoch,
                    schema_hash, plan_hash, tool_version)
                SELECT v.migration, 1 + coalesce((SELECT max(run) FROM sluice.verification o WHERE o.migration = v.migration), 0),
                    'pending', v.tables, v.whole, v.repair, v.share, v.actor, v.traffic, v.epoch, v.schema_hash, v.plan_hash,
                    v.tool_version
                FROM (VALUES (?, ?::text[], ?, ?, ?, ?, ?, ?, ?, ?, ?)) v (migration, tables, whole, repair, share, actor,
                    traffic, epoch, schema_hash, plan_hash, tool_version)
                RETURNING run
                """)) {
            insert.setArray(2, connection.createArrayOf("text", wanted.tables().toArray(String[]::new)));
            insert.setBoolean(3, wanted.whole());
            insert.setBoolean(4, wanted.repair());
            insert.setInt(5, wanted.share());
            insert.setString(6, wanted.actor());
            insert.setString(7, wanted.traffic());
            insert.setLong(8, wanted.epoch());
            insert.setString(9, wanted.schemaHash());
            insert.setString(10, wanted.planHash());
            insert.setString(11, wanted.toolVersion());
            try (ResultSet row = insert.executeQuery()) {
                row.next();
                run = row.getLong(1);
            }
        }
        for (String table : List.of("verification_table", "verification")) {
            try (PreparedStatement delete = prepare(connection,
                    "DELETE FROM sluice." + table + " WHERE migration = ? AND run <= ?")) {
                delete.setLong(2, run - RUNS_KEPT);
                delete.executeUpdate();
            }
        }
        return run(connection, run).orElseThrow();
    }

    /** A run; empty if there is none of that number (any more). */
    public Optional<StoredRun> run(Connection connection, long run) throws SQLException {
        return runs(connection, "AND run = " + run).stream().findFirst();
    }

    /** The newest runs, newest first. */
    public List<StoredRun> latest(Connection connection, int runsMax) throws SQLException {
        return runs(connection, "ORDER BY run DESC LIMIT " + runsMax);
    }

    /** Runs that are to go on, oldest first. */
    public List<StoredRun> open(Connection connection) throws SQLException {
        return runs(connection, "AND state IN ('pending', 'running') ORDER BY run");
    }

    /**
     * The newest run that has come to its end, or null.
     *
     * @param whole true for one over all tables that read everything; else any over all tables, or that found a difference
     */
    public StoredRun newest(Connection connection, boolean whole) throws SQLException {
        return runs(connection, "AND state IN ('verified', 'mismatched', 'stale')"
                + (whole ? " AND tables = '{}' AND whole" : " AND (tables = '{}' OR state = 'mismatched')")
                + " ORDER BY run DESC LIMIT 1").stream().findFirst().orElse(null);
    }

    private List<StoredRun> runs(Connection connection, String which) throws SQLException {
        List<StoredRun> runs = new ArrayList<>();
        try (PreparedStatement query = prepare(connection, """
                SELECT run, state, tables, whole, repair, share, actor, traffic, epoch, schema_hash, plan_hash, tool_version,
                       from_seq, to_seq, created_at, started_at, ended_at, reason, findings, evidence
                FROM sluice.verification WHERE migration = ?
                """ + which);
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                runs.add(new StoredRun(row.getLong(1), StoredRun.State.valueOf(row.getString(2).toUpperCase(java.util.Locale.ROOT)),
                        List.of((String[]) row.getArray(3).getArray()), row.getBoolean(4), row.getBoolean(5), row.getInt(6),
                        row.getString(7), row.getString(8), row.getLong(9), row.getString(10), row.getString(11),
                        row.getString(12), row.getLong(13), row.getLong(14), instant(row, 15), instant(row, 16),
                        instant(row, 17), row.getString(18), row.getString(19), row.getString(20)));
            }
        }
        return runs;
    }

    private static Instant instant(ResultSet row, int column) throws SQLException {
        Timestamp at = row.getTimestamp(column);
        return at == null ? null : at.toInstant();
    }

    /**
     * Moves a run to another state; times are set as it begins and ends. False if it is in none of {@code from}.
     *
     * @param why one sentence, or null
     */
    public boolean enter(Connection connection, long run, Collection<StoredRun.State> from, StoredRun.State to, String why)
            throws SQLException {
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.verification r SET state = v.state, reason = v.reason,
                    started_at = CASE WHEN v.state = 'running' THEN coalesce(started_at, clock_timestamp()) ELSE started_at END,
                    ended_at = CASE WHEN v.state IN ('pending', 'running') THEN NULL ELSE clock_timestamp() END
                FROM (VALUES (?, ?::bigint, ?, ?)) v (migration, run, state, reason)
                WHERE r.migration = v.migration AND r.run = v.run AND r.state = ANY (?)
                """)) {
            update.setLong(2, run);
            update.setString(3, to.label());
            update.setString(4, why);
            update.setArray(5, connection.createArrayOf("text", from.stream().map(StoredRun.State::label).toArray()));
            return update.executeUpdate() == 1;
        }
    }

    /** Notes the moments that a run compared at, and what it found beside rows. */
    public void note(Connection connection, long run, long fromSeq, long toSeq, String findings) throws SQLException {
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.verification r SET from_seq = v.from_seq, to_seq = v.to_seq, findings = v.findings
                FROM (VALUES (?, ?::bigint, ?::bigint, ?::bigint, ?)) v (migration, run, from_seq, to_seq, findings)
                WHERE r.migration = v.migration AND r.run = v.run
                """)) {
            update.setLong(2, run);
            update.setLong(3, fromSeq);
            update.setLong(4, toSeq);
            update.setString(5, findings);
            update.executeUpdate();
        }
    }

    public void saveEvidence(Connection connection, long run, String evidence) throws SQLException {
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.verification r SET evidence = v.evidence
                FROM (VALUES (?, ?::bigint, ?)) v (migration, run, evidence) WHERE r.migration = v.migration AND r.run = v.run
                """)) {
            update.setLong(2, run);
            update.setString(3, evidence);
            update.executeUpdate();
        }
    }

    /** The last entry of the audit log: its ordinal and its hash; 0 and empty where there is none. */
    public Map.Entry<Long, String> auditPosition(Connection connection) throws SQLException {
        try (PreparedStatement query = prepare(connection,
                "SELECT ordinal, hash FROM sluice.audit WHERE migration = ? ORDER BY ordinal DESC LIMIT 1");
                ResultSet row = query.executeQuery()) {
            return row.next() ? Map.entry(row.getLong(1), row.getString(2)) : Map.entry(0L, Audit.START);
        }
    }

    // ---- tables of a run ----

    public List<StoredRun.Table> tables(Connection connection, long run) throws SQLException {
        List<StoredRun.Table> tables = new ArrayList<>();
        try (PreparedStatement query = prepare(connection, """
                SELECT ordinal, source_table, state, rows_total, rows_done, rows, parked, source_root, target_root, differences,
                       repaired, remaining, restless, listed
                FROM sluice.verification_table WHERE migration = ? AND run = ? ORDER BY ordinal
                """)) {
            query.setLong(2, run);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    tables.add(new StoredRun.Table(row.getInt(1), row.getString(2), row.getString(3), row.getLong(4),
                            row.getLong(5), row.getLong(6), row.getLong(7), row.getString(8), row.getString(9),
                            row.getLong(10), row.getLong(11), row.getLong(12), row.getLong(13), row.getString(14)));
                }
            }
        }
        return tables;
    }

    public void saveTable(Connection connection, long run, StoredRun.Table table) throws SQLException {
        try (PreparedStatement save = prepare(connection, """
                INSERT INTO sluice.verification_table (migration, run, ordinal, source_table, state, rows_total, rows_done, rows,
                    parked, source_root, target_root, differences, repaired, remaining, restless, listed)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (migration, run, ordinal) DO UPDATE SET state = excluded.state, rows_done = excluded.rows_done,
                    rows = excluded.rows, parked = excluded.parked, source_root = excluded.source_root,
                    target_root = excluded.target_root, differences = excluded.differences, repaired = excluded.repaired,
                    remaining = excluded.remaining,
                    restless = excluded.restless, listed = excluded.listed
                """)) {
            save.setLong(2, run);
            save.setInt(3, table.ordinal());
            save.setString(4, table.table());
            save.setString(5, table.state());
            save.setLong(6, table.total());
            save.setLong(7, table.done());
            save.setLong(8, table.rows());
            save.setLong(9, table.parked());
            save.setString(10, table.sourceRoot());
            save.setString(11, table.targetRoot());
            save.setLong(12, table.differences());
            save.setLong(13, table.repaired());
            save.setLong(14, table.remaining());
            save.setLong(15, table.restless());
            save.setString(16, table.listed());
            save.executeUpdate();
        }
    }

    /** The run compares by this plan from now on. */
    public void plan(Connection connection, long run, String schemaHash, String planHash) throws SQLException {
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.verification r SET schema_hash = v.schema_hash, plan_hash = v.plan_hash
                FROM (VALUES (?, ?::bigint, ?, ?)) v (migration, run, schema_hash, plan_hash)
                WHERE r.migration = v.migration AND r.run = v.run
                """)) {
            update.setLong(2, run);
            update.setString(3, schemaHash);
            update.setString(4, planHash);
            update.executeUpdate();
        }
    }

    /** The run begins anew. */
    public void forgetTables(Connection connection, long run) throws SQLException {
        try (PreparedStatement delete = prepare(connection,
                "DELETE FROM sluice.verification_table WHERE migration = ? AND run = ?")) {
            delete.setLong(2, run);
            delete.executeUpdate();
        }
    }

    // ---- leaves ----

    /** A leaf of a table's hash tree, see {@code dev.sluice.verify.Leaf}. */
    public record StoredLeaf(RowKey after, RowKey last, long rows, long parked, byte[] sourceHash, byte[] targetHash, long seq,
            long lsn, boolean dirty) {}

    /** Source tables that have a tree. */
    public List<String> treeTables(Connection connection) throws SQLException {
        List<String> tables = new ArrayList<>();
        try (PreparedStatement query = prepare(connection,
                "SELECT DISTINCT source_table FROM sluice.verification_leaf WHERE migration = ?");
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                tables.add(row.getString(1));
            }
        }
        return tables;
    }

    /** The leaves of a table, in order. */
    public List<StoredLeaf> leaves(Connection connection, String table) throws SQLException {
        List<StoredLeaf> leaves = new ArrayList<>();
        try (PreparedStatement query = prepare(connection, """
                SELECT after_key, last_key, rows, parked, source_hash, target_hash, seq, lsn, dirty
                FROM sluice.verification_leaf WHERE migration = ? AND source_table = ? ORDER BY ordinal
                """)) {
            query.setString(2, table);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    leaves.add(new StoredLeaf(key(row.getArray(1)), key(row.getArray(2)), row.getLong(3), row.getLong(4),
                            row.getBytes(5), row.getBytes(6), row.getLong(7), row.getLong(8), row.getBoolean(9)));
                }
            }
        }
        return leaves;
    }

    /** Forgets the leaves of {@code table} from {@code ordinal} on, and writes others in their place. */
    public void replaceLeaves(Connection connection, String table, int ordinal, List<StoredLeaf> leaves) throws SQLException {
        try (PreparedStatement delete = prepare(connection,
                "DELETE FROM sluice.verification_leaf WHERE migration = ? AND source_table = ? AND ordinal >= ?")) {
            delete.setString(2, table);
            delete.setInt(3, ordinal);
            delete.executeUpdate();
        }
        saveLeaves(connection, table, ordinal, leaves);
    }

    /** Writes leaves at these places, also over what is there. */
    public void saveLeaves(Connection connection, String table, int ordinal, List<StoredLeaf> leaves) throws SQLException {
        try (PreparedStatement save = prepare(connection, """
                INSERT INTO sluice.verification_leaf (migration, source_table, ordinal, after_key, last_key, rows, parked,
                    source_hash, target_hash, seq, lsn, dirty)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (migration, source_table, ordinal) DO UPDATE SET after_key = excluded.after_key,
                    last_key = excluded.last_key, rows = excluded.rows, parked = excluded.parked,
                    source_hash = excluded.source_hash, target_hash = excluded.target_hash, seq = excluded.seq,
                    lsn = excluded.lsn, dirty = excluded.dirty
                """)) {
            for (int i = 0; i < leaves.size(); i++) {
                StoredLeaf leaf = leaves.get(i);
                save.setString(2, table);
                save.setInt(3, ordinal + i);
                save.setArray(4, array(connection, leaf.after()));
                save.setArray(5, array(connection, leaf.last()));
                save.setLong(6, leaf.rows());
                save.setLong(7, leaf.parked());
                save.setBytes(8, leaf.sourceHash());
                save.setBytes(9, leaf.targetHash());
                save.setLong(10, leaf.seq());
                save.setLong(11, leaf.lsn());
                save.setBoolean(12, leaf.dirty());
                save.addBatch();
            }
            save.executeBatch();
        }
    }

    /** These leaves are to be looked at again. */
    public void soil(Connection connection, String table, Collection<Integer> ordinals) throws SQLException {
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.verification_leaf SET dirty = true WHERE migration = ? AND source_table = ? AND ordinal = ANY (?)
                """)) {
            update.setString(2, table);
            update.setArray(3, connection.createArrayOf("int4", ordinals.toArray()));
            update.executeUpdate();
        }
    }

    /** All leaves are to be looked at again. */
    public void soilAll(Connection connection) throws SQLException {
        try (PreparedStatement update = prepare(connection,
                "UPDATE sluice.verification_leaf SET dirty = true WHERE migration = ? AND NOT dirty")) {
            update.executeUpdate();
        }
    }

    // ---- how far changes are known ----

    /**
     * How far the leaves know what changed since they were compared.
     *
     * @param journalSeq the key journal's changes up to this one have been taken over into the leaves
     * @param lost true if the journal was cut behind that: nothing is known of the changes since
     * @param streaming true if PostgreSQL's commits come back, whose keys only the daemon's memory holds
     * @param planHash of the plan that the leaves were compared by
     */
    public record Bound(long journalSeq, boolean lost, boolean streaming, String planHash) {}

    /** The bound, held until the transaction ends; null as long as nothing was ever compared. */
    public Bound lockBound(Connection connection) throws SQLException {
        try (PreparedStatement query = prepare(connection, """
                SELECT journal_seq, lost, streaming, plan_hash FROM sluice.verification_bound WHERE migration = ? FOR UPDATE
                """);
                ResultSet row = query.executeQuery()) {
            return row.next() ? new Bound(row.getLong(1), row.getBoolean(2), row.getBoolean(3), row.getString(4)) : null;
        }
    }

    public void saveBound(Connection connection, Bound bound) throws SQLException {
        try (PreparedStatement save = prepare(connection, """
                INSERT INTO sluice.verification_bound (migration, journal_seq, lost, streaming, plan_hash) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (migration) DO UPDATE SET journal_seq = excluded.journal_seq, lost = excluded.lost,
                    streaming = excluded.streaming, plan_hash = excluded.plan_hash
                """)) {
            save.setLong(2, bound.journalSeq());
            save.setBoolean(3, bound.lost());
            save.setBoolean(4, bound.streaming());
            save.setString(5, bound.planHash());
            save.executeUpdate();
        }
    }

    /** From now on PostgreSQL's commits come back. */
    public void beginStreaming(Connection connection) throws SQLException {
        try (PreparedStatement update = prepare(connection,
                "UPDATE sluice.verification_bound SET streaming = true WHERE migration = ?")) {
            update.executeUpdate();
        }
    }

    /** The changelog row up to which everything is applied, as committed now. */
    public long seq(Connection connection) throws SQLException {
        try (PreparedStatement query = prepare(connection, "SELECT seq FROM sluice.watermark WHERE migration = ?");
                ResultSet row = query.executeQuery()) {
            return row.next() ? row.getLong(1) : 0;
        }
    }

    /** What {@link #touches} gave: the batches' changes, and the last changelog row of them. */
    public record Touches(List<ChangeBatch.Touch> touches, long toSeq) {}

    /** The journal's changes behind {@code after} and up to {@code upTo}, some batches at a time; null if there are none. */
    public Touches touches(Connection connection, long after, long upTo, int batchesMax) throws SQLException {
        List<ChangeBatch.Touch> touches = new ArrayList<>();
        long last = after;
        try (PreparedStatement query = prepare(connection, """
                SELECT to_seq, seqs, nonces, table_ids, keys FROM sluice.key_journal
                WHERE migration = ? AND to_seq > ? AND to_seq <= ? ORDER BY to_seq LIMIT
                """ + batchesMax)) {
            query.setLong(2, after);
            query.setLong(3, upTo);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    last = row.getLong(1);
                    Long[] seqs = (Long[]) row.getArray(2).getArray();
                    Long[] nonces = (Long[]) row.getArray(3).getArray();
                    Integer[] tables = (Integer[]) row.getArray(4).getArray();
                    String[] keys = (String[]) row.getArray(5).getArray();
                    for (int i = 0; i < seqs.length; i++) {
                        touches.add(new ChangeBatch.Touch(seqs[i], nonces[i], tables[i], Keys.fromJson(keys[i])));
                    }
                }
            }
        }
        return last == after ? null : new Touches(touches, last);
    }

    /** Prepares {@code sql}, whose first parameter is the migration's name. */
    private PreparedStatement prepare(Connection connection, String sql) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        statement.setString(1, migration);
        return statement;
    }

    private static Array array(Connection connection, RowKey key) throws SQLException {
        return key == null ? null : connection.createArrayOf("text", Keys.texts(key.parts()));
    }

    private static RowKey key(Array array) throws SQLException {
        return array == null ? null : Keys.key((String[]) array.getArray());
    }
}
