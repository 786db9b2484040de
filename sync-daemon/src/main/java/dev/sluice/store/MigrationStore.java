package dev.sluice.store;

import dev.sluice.change.ChangeBatch;
import dev.sluice.change.Position;
import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.phase.Phase;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.postgres.Pipeline;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Reads and writes the rows of one migration in schema {@code sluice}. Every method runs in the caller's transaction
 * on the caller's connection, so that progress commits with the rows it speaks of. Stateless but for the name.
 */
public final class MigrationStore {

    private static final String ADVANCE = """
            UPDATE sluice.watermark w
            SET seq = v.to_seq, nonce = v.to_nonce, consistent = v.consistent, applied_at = now()
            FROM (VALUES (?, ?, ?, ?, ?, ?, ?))
                v (migration, to_seq, to_nonce, consistent, from_seq, from_nonce, generation)
            WHERE w.migration = v.migration AND w.seq = v.from_seq AND w.nonce = v.from_nonce
              AND w.generation = v.generation
            """;

    private final String migration;

    public MigrationStore(String migration) {
        this.migration = migration;
    }

    /** What {@code sluice.migration} holds. */
    public record Stored(String source, String targetSchema, String mode, Phase phase, boolean paused, MigrationPlan plan) {}

    /**
     * The other facts of the source that the control row keeps.
     *
     * @param schemaVersion SQLite's own counter of schema changes; VACUUM moves it too
     */
    public record SourceFacts(String epoch, long device, long inode, String schemaHash, long schemaVersion) {}

    public String migration() {
        return migration;
    }

    /** The stored migration, or null if there is none of that name (or no schema {@code sluice} yet). */
    public Stored load(Connection connection) throws SQLException {
        if (!exists(connection)) {
            return null;
        }
        try (PreparedStatement query = prepare(connection, """
                SELECT source, target_schema, mode, phase, paused, plan FROM sluice.migration WHERE name = ?
                """)) {
            try (ResultSet row = query.executeQuery()) {
                return row.next()
                        ? new Stored(row.getString(1), row.getString(2), row.getString(3), Phase.of(row.getString(4)),
                                row.getBoolean(5), MigrationPlan.fromJson(row.getString(6)))
                        : null;
            }
        }
    }

    private static boolean exists(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("SELECT to_regclass('sluice.migration') IS NOT NULL");
                ResultSet row = query.executeQuery()) {
            row.next();
            return row.getBoolean(1);
        }
    }

    /** Writes a new migration in phase {@code created} with an empty watermark. */
    public void create(Connection connection, String source, String mode, MigrationPlan plan, String version)
            throws SQLException {
        try (PreparedStatement insert = prepare(connection, """
                INSERT INTO sluice.migration (name, source, target_schema, mode, phase, plan, tool_version)
                VALUES (?, ?, ?, ?, 'created', ?, ?)
                """)) {
            insert.setString(2, source);
            insert.setString(3, plan.schema());
            insert.setString(4, mode);
            insert.setString(5, plan.toJson());
            insert.setString(6, version);
            insert.executeUpdate();
        }
        try (PreparedStatement insert = prepare(connection, """
                INSERT INTO sluice.control (migration, traffic, epoch, version, generation)
                VALUES (?, 'sqlite', 0, 0, 0)
                """)) {
            insert.executeUpdate();
        }
        try (PreparedStatement insert = prepare(connection, """
                INSERT INTO sluice.watermark (migration, seq, nonce, generation, consistent)
                VALUES (?, 0, 0, 0, false)
                """)) {
            insert.executeUpdate();
        }
    }

    public void savePlan(Connection connection, MigrationPlan plan) throws SQLException {
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.migration m SET plan = v.plan FROM (VALUES (?, ?)) v (name, plan) WHERE m.name = v.name
                """)) {
            update.setString(2, plan.toJson());
            update.executeUpdate();
        }
    }

    /**
     * Moves the phase; throws if the stored phase is neither {@code from} nor, after a lost answer, {@code to} already.
     */
    public void enter(Connection connection, Phase from, Phase to) throws SQLException {
        if (!from.successors().contains(to)) {
            throw new IllegalStateException(from + " may not lead to " + to);
        }
        Phase stored = lockPhase(connection);
        if (stored != from && stored != to) {
            throw new IllegalStateException("the stored phase is not " + from + " any more");
        }
        changePhase(connection, stored, to);
    }

    /** Moves the phase together with the register, whose conditions guard it: first in that transaction stands its change. */
    public void setPhase(Connection connection, Phase to) throws SQLException {
        changePhase(connection, lockPhase(connection), to);
    }

    /** Ends the migration from whatever phase it is in. */
    public void cancel(Connection connection) throws SQLException {
        boolean alone = connection.getAutoCommit();
        connection.setAutoCommit(false);
        changePhase(connection, lockPhase(connection), Phase.CANCELLED);
        if (alone) {
            connection.commit();
            connection.setAutoCommit(true);
        }
    }

    /** Null if the target knows nothing of the migration. */
    private Phase lockPhase(Connection connection) throws SQLException {
        try (PreparedStatement query = prepare(connection, "SELECT phase FROM sluice.migration WHERE name = ? FOR UPDATE");
                ResultSet row = query.executeQuery()) {
            return row.next() ? Phase.of(row.getString(1)) : null;
        }
    }

    private void changePhase(Connection connection, Phase from, Phase to) throws SQLException {
        if (from == to) {
            return;
        }
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.migration m SET phase = v.next, phase_since = now()
                FROM (VALUES (?, ?)) v (name, next) WHERE m.name = v.name
                """)) {
            update.setString(2, to.label());
            update.executeUpdate();
        }
        if (from != null) {
            new Audit(migration).append(connection, Audit.DAEMON, "phase",
                    "{\"from\":\"" + from.label() + "\",\"to\":\"" + to.label() + "\"}");
        }
    }

    public void setPaused(Connection connection, boolean paused) throws SQLException {
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.migration m SET paused = v.paused
                FROM (VALUES (?, ?)) v (name, paused) WHERE m.name = v.name
                """)) {
            update.setBoolean(2, paused);
            update.executeUpdate();
        }
    }

    /** Takes the next generation number: from now on no transaction of an older daemon can commit. */
    public long takeGeneration(Connection connection) throws SQLException {
        long generation;
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.control SET generation = generation + 1, version = version + 1
                WHERE migration = ? RETURNING generation
                """);
                ResultSet row = update.executeQuery()) {
            row.next();
            generation = row.getLong(1);
        }
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.watermark w SET generation = v.generation
                FROM (VALUES (?, ?)) v (migration, generation) WHERE w.migration = v.migration
                """)) {
            update.setLong(2, generation);
            update.executeUpdate();
        }
        return generation;
    }

    /**
     * Throws if a newer daemon has taken over; holds the control row until the transaction ends.
     *
     * @throws TargetWentBack if the target has forgotten that we took this generation
     */
    public void requireGeneration(Connection connection, long generation) throws SQLException {
        try (PreparedStatement query = prepare(connection,
                "SELECT generation FROM sluice.control WHERE migration = ? FOR SHARE");
                ResultSet row = query.executeQuery()) {
            if (!row.next() || row.getLong(1) < generation) {
                throw new TargetWentBack("the target does not know generation " + generation + " of migration "
                        + migration + " any more", true);
            }
            if (row.getLong(1) > generation) {
                throw new IllegalStateException("a newer daemon has taken over this migration: stop this one");
            }
        }
    }

    /**
     * What tells whether the target still is where we left it.
     *
     * @param plan a fingerprint of the stored plan
     * @param standby true if the server replays another one's log, so that it may only be late
     */
    public record Standing(long generation, long seq, Phase phase, String plan, boolean standby) {}

    /** Where the migration stands now, or null if the target knows nothing of it. */
    public Standing standing(Connection connection) throws SQLException {
        if (!exists(connection)) {
            return null;
        }
        try (PreparedStatement query = prepare(connection, """
                SELECT c.generation, w.seq, m.phase, encode(sha256(convert_to(m.plan, 'UTF8')), 'hex'), pg_is_in_recovery()
                FROM sluice.migration m
                JOIN sluice.control c ON c.migration = m.name JOIN sluice.watermark w ON w.migration = m.name
                WHERE m.name = ?
                """);
                ResultSet row = query.executeQuery()) {
            return row.next()
                    ? new Standing(row.getLong(1), row.getLong(2), Phase.of(row.getString(3)), row.getString(4),
                            row.getBoolean(5)) : null;
        }
    }

    /** Remembers that changes of {@code tables} stand in no changelog: they must be compared before all is well again. */
    public void addRechecks(Connection connection, Collection<String> tables) throws SQLException {
        try (PreparedStatement insert = prepare(connection, """
                INSERT INTO sluice.recheck (migration, source_table) SELECT ?, t FROM unnest(?::text[]) t
                ON CONFLICT DO NOTHING
                """)) {
            insert.setArray(2, connection.createArrayOf("text", tables.toArray(String[]::new)));
            insert.executeUpdate();
        }
    }

    /** Tables to compare, see {@link #addRechecks}. */
    public List<String> rechecks(Connection connection) throws SQLException {
        List<String> tables = new ArrayList<>();
        try (PreparedStatement query = prepare(connection,
                "SELECT source_table FROM sluice.recheck WHERE migration = ? ORDER BY source_table");
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                tables.add(row.getString(1));
            }
        }
        return tables;
    }

    /**
     * A table was compared. The journal is forgotten with it: it does not name what the comparison mended, so no heal may
     * reach back behind it.
     */
    public void removeRecheck(Connection connection, String table) throws SQLException {
        clearJournal(connection);
        try (PreparedStatement delete = prepare(connection,
                "DELETE FROM sluice.recheck WHERE migration = ? AND source_table = ?")) {
            delete.setString(2, table);
            delete.executeUpdate();
        }
    }

    /** Raises the generation to at least {@code generation}, where the source's control row was ahead. */
    public void setGeneration(Connection connection, long generation) throws SQLException {
        for (String table : new String[] {"control", "watermark"}) {
            try (PreparedStatement update = prepare(connection, "UPDATE sluice." + table + " t SET generation = v.generation"
                    + " FROM (VALUES (?, ?)) v (migration, generation)"
                    + " WHERE t.migration = v.migration AND t.generation <= v.generation")) {
                update.setLong(2, generation);
                if (update.executeUpdate() != 1) {
                    throw new IllegalStateException("a newer daemon has taken over this migration");
                }
            }
        }
    }

    /** Starts the watermark anew, where what it said of the source no longer holds. */
    public void resetWatermark(Connection connection, Watermark watermark) throws SQLException {
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.watermark w SET seq = v.seq, nonce = v.nonce, consistent = v.consistent
                FROM (VALUES (?, ?, ?, ?)) v (migration, seq, nonce, consistent) WHERE w.migration = v.migration
                """)) {
            update.setLong(2, watermark.seq());
            update.setLong(3, watermark.nonce());
            update.setBoolean(4, watermark.consistent());
            update.executeUpdate();
        }
    }

    /** Writes what the source is when capture is installed or its present state is accepted. */
    public void saveSource(Connection connection, SourceFacts facts) throws SQLException {
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.control c
                SET source_epoch = v.epoch, source_device = v.device, source_inode = v.inode,
                    schema_hash = v.schema_hash, schema_version = v.schema_version, version = version + 1
                FROM (VALUES (?, ?, ?, ?, ?, ?)) v (migration, epoch, device, inode, schema_hash, schema_version)
                WHERE c.migration = v.migration
                """)) {
            update.setString(2, facts.epoch());
            update.setLong(3, facts.device());
            update.setLong(4, facts.inode());
            update.setString(5, facts.schemaHash());
            update.setLong(6, facts.schemaVersion());
            update.executeUpdate();
        }
    }

    /** The source as it was when capture was installed or last accepted; null before that. */
    public SourceFacts source(Connection connection) throws SQLException {
        try (PreparedStatement query = prepare(connection, """
                SELECT source_epoch, source_device, source_inode, schema_hash, schema_version FROM sluice.control
                WHERE migration = ? AND source_epoch IS NOT NULL
                """);
                ResultSet row = query.executeQuery()) {
            return row.next()
                    ? new SourceFacts(row.getString(1), row.getLong(2), row.getLong(3), row.getString(4), row.getLong(5))
                    : null;
        }
    }

    /** Reads the watermark under its row lock: a late transaction of our own past has ended when this returns. */
    public Watermark lockWatermark(Connection connection) throws SQLException {
        try (PreparedStatement query = prepare(connection,
                "SELECT seq, nonce, consistent FROM sluice.watermark WHERE migration = ? FOR UPDATE");
                ResultSet row = query.executeQuery()) {
            row.next();
            return new Watermark(row.getLong(1), row.getLong(2), row.getBoolean(3));
        }
    }

    /**
     * Compare-and-set of the watermark, first thing in an applying transaction. False if another daemon or an older
     * transaction of ours has moved it: the caller must roll back.
     */
    public boolean advance(Connection connection, long generation, Watermark from, Watermark to) throws SQLException {
        try (PreparedStatement update = prepare(connection, ADVANCE)) {
            update.setLong(2, to.seq());
            update.setLong(3, to.nonce());
            update.setBoolean(4, to.consistent());
            update.setLong(5, from.seq());
            update.setLong(6, from.nonce());
            update.setLong(7, generation);
            return update.executeUpdate() == 1;
        }
    }

    /** As {@link #advance(Connection, long, Watermark, Watermark)}; throws {@code refusal} where that says false. */
    public void advance(Pipeline pipeline, long generation, Watermark from, Watermark to, String refusal) {
        pipeline.addChecked(refusal, ADVANCE, List.of(migration, to.seq(), to.nonce(), to.consistent(), from.seq(),
                from.nonce(), generation));
    }

    /** Appends the batch's touched keys, so that a source that went back in time can be healed. */
    public void appendJournal(Pipeline pipeline, ChangeBatch batch) throws SQLException {
        List<ChangeBatch.Touch> touched = batch.touched();
        if (touched.isEmpty()) {
            return;
        }
        pipeline.add("""
                INSERT INTO sluice.key_journal (migration, to_seq, seqs, nonces, table_ids, keys)
                VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (migration, to_seq) DO UPDATE
                SET seqs = excluded.seqs, nonces = excluded.nonces, table_ids = excluded.table_ids, keys = excluded.keys
                """, List.of(migration, batch.toSeq(),
                pipeline.array("bigint", touched.stream().map(ChangeBatch.Touch::seq).toArray(Long[]::new)),
                pipeline.array("bigint", touched.stream().map(ChangeBatch.Touch::nonce).toArray(Long[]::new)),
                pipeline.array("int", touched.stream().map(ChangeBatch.Touch::tableId).toArray(Integer[]::new)),
                pipeline.array("text", touched.stream().map(touch -> Keys.json(touch.key())).toArray(String[]::new))));
    }

    /**
     * Forgets journal rows up to {@code seq} that are older than {@code minutes}. If a verification has not seen them all, it
     * knows nothing any more of what changed since.
     */
    public void trimJournal(Connection connection, long seq, int minutes) throws SQLException {
        try (PreparedStatement lose = prepare(connection, """
                UPDATE sluice.verification_bound b SET lost = true WHERE b.migration = ? AND EXISTS (
                    SELECT 1 FROM sluice.key_journal j WHERE j.migration = b.migration AND j.to_seq > b.journal_seq
                        AND j.to_seq < ? AND j.applied_at < now() - make_interval(mins => ?))
                """)) {
            lose.setLong(2, seq);
            lose.setInt(3, minutes);
            lose.executeUpdate();
        }
        try (PreparedStatement delete = prepare(connection, """
                DELETE FROM sluice.key_journal
                WHERE migration = ? AND to_seq < ? AND applied_at < now() - make_interval(mins => ?)
                """)) {
            delete.setLong(2, seq);
            delete.setInt(3, minutes);
            delete.executeUpdate();
        }
    }

    /** The journal's touches, newest first. */
    public List<ChangeBatch.Touch> journal(Connection connection) throws SQLException {
        List<ChangeBatch.Touch> touches = new ArrayList<>();
        try (PreparedStatement query = prepare(connection, """
                SELECT seqs, nonces, table_ids, keys FROM sluice.key_journal WHERE migration = ? ORDER BY to_seq DESC
                """);
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                Long[] seqs = (Long[]) row.getArray(1).getArray();
                Long[] nonces = (Long[]) row.getArray(2).getArray();
                Integer[] tables = (Integer[]) row.getArray(3).getArray();
                String[] keys = (String[]) row.getArray(4).getArray();
                for (int i = seqs.length - 1; i >= 0; i--) {
                    touches.add(new ChangeBatch.Touch(seqs[i], nonces[i], tables[i], Keys.fromJson(keys[i])));
                }
            }
        }
        return touches;
    }

    /** Forgets what was applied behind {@code seq}: that history is not the source's any more. */
    public void forgetJournalAfter(Connection connection, long seq) throws SQLException {
        loseChanges(connection);
        try (PreparedStatement delete = prepare(connection,
                "DELETE FROM sluice.key_journal WHERE migration = ? AND to_seq > ?")) {
            delete.setLong(2, seq);
            delete.executeUpdate();
        }
    }

    public void clearJournal(Connection connection) throws SQLException {
        loseChanges(connection);
        try (PreparedStatement delete = prepare(connection, "DELETE FROM sluice.key_journal WHERE migration = ?")) {
            delete.executeUpdate();
        }
    }

    /** What the journal will not tell a verification: everything may have changed since it compared. */
    private void loseChanges(Connection connection) throws SQLException {
        try (PreparedStatement lose = prepare(connection,
                "UPDATE sluice.verification_bound SET lost = true WHERE migration = ?")) {
            lose.executeUpdate();
        }
    }

    /** Writes the parts of a table's copy, all at their start. */
    public void createChunks(Connection connection, String table, List<RowKey> boundaries) throws SQLException {
        for (int part = 0; part <= boundaries.size(); part++) {
            try (PreparedStatement insert = prepare(connection, """
                    INSERT INTO sluice.chunk (migration, source_table, part, after_key, until_key)
                    VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                    """)) {
                insert.setString(2, table);
                insert.setInt(3, part);
                insert.setArray(4, array(connection, part == 0 ? null : boundaries.get(part - 1)));
                insert.setArray(5, array(connection, part == boundaries.size() ? null : boundaries.get(part)));
                insert.executeUpdate();
            }
        }
    }

    public List<ChunkProgress> chunks(Connection connection) throws SQLException {
        return chunks(connection, "");
    }

    /** As {@link #chunks}, after every transaction that is moving one of them has ended. */
    public List<ChunkProgress> lockChunks(Connection connection) throws SQLException {
        return chunks(connection, " FOR UPDATE");
    }

    private List<ChunkProgress> chunks(Connection connection, String lock) throws SQLException {
        List<ChunkProgress> chunks = new ArrayList<>();
        try (PreparedStatement query = prepare(connection, """
                SELECT source_table, part, after_key, until_key, rows, bytes, done, head_seq, head_nonce
                FROM sluice.chunk WHERE migration = ? ORDER BY source_table, part""" + lock);
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                long seq = row.getLong(8);
                Position head = row.wasNull() ? null : new Position(seq, row.getLong(9));
                chunks.add(new ChunkProgress(row.getString(1), row.getInt(2), key(row.getArray(3)),
                        key(row.getArray(4)), row.getLong(5), row.getLong(6), row.getBoolean(7), head));
            }
        }
        return chunks;
    }

    /**
     * Moves a part's progress in the transaction that copies its rows. False if the part is not where {@code from}
     * says: then the caller must roll back, the rows are there already.
     *
     * @throws IllegalStateException if a newer daemon has taken over
     */
    public boolean advanceChunk(Connection connection, long generation, ChunkProgress from, ChunkProgress to)
            throws SQLException {
        requireGeneration(connection, generation);
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.chunk c SET after_key = v.after_key, rows = v.rows, bytes = v.bytes, done = v.done,
                       head_seq = v.head_seq, head_nonce = v.head_nonce
                FROM (VALUES (?, ?, ?, ?::text[], ?, ?, ?, ?, ?::text[], ?::bigint, ?::bigint))
                         v (migration, source_table, part, after_key, rows, bytes, done, from_rows, from_key,
                            head_seq, head_nonce)
                WHERE c.migration = v.migration AND c.source_table = v.source_table AND c.part = v.part
                  AND c.rows = v.from_rows AND NOT c.done AND c.after_key IS NOT DISTINCT FROM v.from_key
                """)) {
            update.setString(2, to.table());
            update.setInt(3, to.part());
            update.setArray(4, array(connection, to.after()));
            update.setLong(5, to.rows());
            update.setLong(6, to.bytes());
            update.setBoolean(7, to.done());
            update.setLong(8, from.rows());
            update.setArray(9, array(connection, from.after()));
            update.setObject(10, to.head() == null ? null : to.head().seq(), java.sql.Types.BIGINT);
            update.setObject(11, to.head() == null ? null : to.head().nonce(), java.sql.Types.BIGINT);
            return update.executeUpdate() == 1;
        }
    }

    /** Keeps rows whole that could not be applied; a row parked before is replaced. */
    public void park(Connection connection, Collection<ParkedRow> rows) throws SQLException {
        if (rows.isEmpty()) {
            return;
        }
        try (PreparedStatement insert = prepare(connection, """
                INSERT INTO sluice.parked_row
                    (migration, source_table, key_hash, key, row, code, reason, column_name, seq)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (migration, source_table, key_hash) DO UPDATE
                SET key = excluded.key, row = excluded.row, code = excluded.code, reason = excluded.reason,
                    column_name = excluded.column_name, seq = excluded.seq
                """)) {
            for (ParkedRow parked : rows) {
                Row row = parked.row();
                boolean kept = row != null && row.size() <= ParkedRow.BYTES_KEPT_MAX;
                insert.setString(2, parked.table());
                insert.setBytes(3, Keys.hash(parked.key()));
                insert.setArray(4, array(connection, parked.key()));
                insert.setArray(5, kept
                        ? connection.createArrayOf("text", Keys.texts(Arrays.asList(row.values()))) : null);
                insert.setString(6, parked.code());
                insert.setString(7, parked.reason());
                insert.setString(8, parked.column());
                insert.setLong(9, parked.seq());
                insert.addBatch();
            }
            insert.executeBatch();
        }
    }

    /** Forgets parked rows of {@code keys}: they were applied, or are gone. Returns how many there were. */
    public int unpark(Connection connection, String table, Collection<RowKey> keys) throws SQLException {
        if (keys.isEmpty()) {
            return 0;
        }
        try (PreparedStatement delete = prepare(connection, """
                DELETE FROM sluice.parked_row WHERE migration = ? AND source_table = ? AND key_hash = ANY (?)
                """)) {
            delete.setString(2, table);
            delete.setArray(3, connection.createArrayOf("bytea", keys.stream().map(Keys::hash).toArray(byte[][]::new)));
            return delete.executeUpdate();
        }
    }

    /** Those of {@code keys} that are parked. */
    public List<RowKey> parkedAmong(Connection connection, String table, Collection<RowKey> keys) throws SQLException {
        List<RowKey> parked = new ArrayList<>();
        try (PreparedStatement query = prepare(connection, """
                SELECT key FROM sluice.parked_row WHERE migration = ? AND source_table = ? AND key_hash = ANY (?)
                """)) {
            query.setString(2, table);
            query.setArray(3, connection.createArrayOf("bytea", keys.stream().map(Keys::hash).toArray(byte[][]::new)));
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    parked.add(key(row.getArray(1)));
                }
            }
        }
        return parked;
    }

    /** Number of parked rows per source table; tables without any are absent. */
    public Map<String, Long> parkedCounts(Connection connection) throws SQLException {
        Map<String, Long> counts = new TreeMap<>();
        try (PreparedStatement query = prepare(connection,
                "SELECT source_table, count(*) FROM sluice.parked_row WHERE migration = ? GROUP BY 1");
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                counts.put(row.getString(1), row.getLong(2));
            }
        }
        return counts;
    }

    /** Source tables that have rows parked for the reason {@code code}. */
    public List<String> tablesWithParked(Connection connection, String code) throws SQLException {
        List<String> tables = new ArrayList<>();
        try (PreparedStatement query = prepare(connection,
                "SELECT DISTINCT source_table FROM sluice.parked_row WHERE migration = ? AND code = ?")) {
            query.setString(2, code);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    tables.add(row.getString(1));
                }
            }
        }
        return tables;
    }

    /** Any rows of {@code table} that are parked for the reason {@code code}, with their content where it was kept. */
    public List<Row> parkedRows(Connection connection, String table, String code, int rowsMax) throws SQLException {
        List<Row> rows = new ArrayList<>();
        try (PreparedStatement query = prepare(connection, """
                SELECT key, row FROM sluice.parked_row
                WHERE migration = ? AND source_table = ? AND code = ? AND row IS NOT NULL ORDER BY random() LIMIT ?
                """)) {
            query.setString(2, table);
            query.setString(3, code);
            query.setInt(4, rowsMax);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    rows.add(new Row(key(row.getArray(1)),
                            Keys.values((String[]) row.getArray(2).getArray()).toArray(Value[]::new)));
                }
            }
        }
        return rows;
    }

    /** A parked row with its content, or null. */
    public ParkedRow parkedRow(Connection connection, String table, RowKey key) throws SQLException {
        try (PreparedStatement query = prepare(connection, """
                SELECT row, code, reason, column_name, seq, parked_at FROM sluice.parked_row
                WHERE migration = ? AND source_table = ? AND key_hash = ?
                """)) {
            query.setString(2, table);
            query.setBytes(3, Keys.hash(key));
            try (ResultSet row = query.executeQuery()) {
                if (!row.next()) {
                    return null;
                }
                Array values = row.getArray(1);
                return new ParkedRow(table, key, values == null ? null : new Row(key,
                        Keys.values((String[]) values.getArray()).toArray(Value[]::new)), row.getString(2), row.getString(3),
                        row.getString(4), row.getLong(5), row.getTimestamp(6).toInstant());
            }
        }
    }

    /** Parked rows, oldest first, without their content. */
    public List<ParkedRow> parked(Connection connection, int rowsMax) throws SQLException {
        List<ParkedRow> parked = new ArrayList<>();
        try (PreparedStatement query = prepare(connection, """
                SELECT source_table, key, code, reason, column_name, seq, parked_at FROM sluice.parked_row
                WHERE migration = ? ORDER BY parked_at, source_table, key_hash LIMIT ?
                """)) {
            query.setInt(2, rowsMax);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    parked.add(new ParkedRow(row.getString(1), key(row.getArray(2)), null, row.getString(3),
                            row.getString(4), row.getString(5), row.getLong(6),
                            row.getTimestamp(7, java.util.Calendar.getInstance()).toInstant()));
                }
            }
        }
        return parked;
    }

    /** Writes what became of a declaration: {@code done}, or {@code not carried} with the reason. */
    public void saveDeclaration(
            Connection connection, int ordinal, String stage, String object, String status, String reason)
            throws SQLException {
        try (PreparedStatement insert = prepare(connection, """
                INSERT INTO sluice.declaration (migration, ordinal, stage, object, status, reason)
                VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (migration, ordinal) DO UPDATE SET status = excluded.status, reason = excluded.reason
                """)) {
            insert.setInt(2, ordinal);
            insert.setString(3, stage);
            insert.setString(4, object);
            insert.setString(5, status);
            insert.setString(6, reason);
            insert.executeUpdate();
        }
    }

    /** What became of one declaration. */
    public record DeclarationState(int ordinal, String object, String status, String reason) {}

    /** By ordinal; a declaration that has not run yet is absent. */
    public Map<Integer, DeclarationState> declarations(Connection connection) throws SQLException {
        Map<Integer, DeclarationState> states = new TreeMap<>();
        try (PreparedStatement query = prepare(connection,
                "SELECT ordinal, object, status, reason FROM sluice.declaration WHERE migration = ?");
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                states.put(row.getInt(1),
                        new DeclarationState(row.getInt(1), row.getString(2), row.getString(3), row.getString(4)));
            }
        }
        return states;
    }

    /** Gives declarations other ordinals, as another plan has them; those that are not named have never run. */
    public void renumberDeclarations(Connection connection, Map<Integer, Integer> newByOld) throws SQLException {
        try (PreparedStatement move = prepare(connection, """
                WITH moved AS (DELETE FROM sluice.declaration WHERE migration = ? RETURNING *)
                INSERT INTO sluice.declaration (migration, ordinal, stage, object, status, reason)
                SELECT m.migration, -1 - n.ordinal, m.stage, m.object, m.status, m.reason
                FROM moved m JOIN unnest(?::int[], ?::int[]) n (old, ordinal) ON n.old = m.ordinal
                """);
                PreparedStatement settle = prepare(connection,
                        "UPDATE sluice.declaration SET ordinal = -1 - ordinal WHERE migration = ?")) {
            move.setArray(2, connection.createArrayOf("int4", newByOld.keySet().toArray()));
            move.setArray(3, connection.createArrayOf("int4", newByOld.values().toArray()));
            move.executeUpdate();
            settle.executeUpdate();
        }
    }

    /** Forgets all parked rows of a table; returns how many there were. */
    public int unparkAll(Connection connection, String table) throws SQLException {
        try (PreparedStatement delete = prepare(connection,
                "DELETE FROM sluice.parked_row WHERE migration = ? AND source_table = ?")) {
            delete.setString(2, table);
            return delete.executeUpdate();
        }
    }

    /** Forgets how far the copy of a table is, and its parked rows: there is nothing left that they speak of. */
    public void forget(Connection connection, String table) throws SQLException {
        for (String from : new String[] {"chunk", "parked_row", "recheck"}) {
            try (PreparedStatement delete = prepare(connection,
                    "DELETE FROM sluice." + from + " WHERE migration = ? AND source_table = ?")) {
                delete.setString(2, table);
                delete.executeUpdate();
            }
        }
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

    /** For callers that show times: PostgreSQL's clock, so that two machines need not agree. */
    public static Timestamp now(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("SELECT clock_timestamp()");
                ResultSet row = query.executeQuery()) {
            row.next();
            return row.getTimestamp(1);
        }
    }
}
