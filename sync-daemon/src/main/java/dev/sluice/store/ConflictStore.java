package dev.sluice.store;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.conflict.Baseline;
import dev.sluice.conflict.ConflictKind;
import dev.sluice.conflict.Direction;
import dev.sluice.conflict.Verdict;
import dev.sluice.store.Conflict.Decision;
import dev.sluice.store.Conflict.State;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Conflicts, and the last versions that both sides had, of one migration in schema {@code sluice}. Every method runs in
 * the caller's transaction. Stateless but for the name.
 */
public final class ConflictStore {

    private static final int LISTED_IN_AUDIT_MAX = 100;

    private final String migration;

    public ConflictStore(String migration) {
        this.migration = migration;
    }

    // ---- last versions ----

    /**
     * How far the last versions of a table are known.
     *
     * @param form what is remembered of a row; another form makes everything that is remembered useless
     * @param readTo the printed key up to which the table has been read, null before the first
     * @param whole true if a row without an entry is one that neither side had
     */
    public record Versions(String form, String[] readTo, boolean whole) {}

    /** By source table; those that nothing is remembered of are absent. */
    public Map<String, Versions> versions(Connection connection) throws SQLException {
        Map<String, Versions> versions = new HashMap<>();
        try (PreparedStatement query = prepare(connection,
                "SELECT source_table, form, read_to, whole FROM sluice.version_table WHERE migration = ?");
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                Array readTo = row.getArray(3);
                versions.put(row.getString(1), new Versions(row.getString(2),
                        readTo == null ? null : (String[]) readTo.getArray(), row.getBoolean(4)));
            }
        }
        return versions;
    }

    /** Begins anew for a table: whatever was remembered of it counts no more. Quick, however much that is. */
    public void begin(Connection connection, String table, String form) throws SQLException {
        try (PreparedStatement insert = prepare(connection, """
                INSERT INTO sluice.version_table AS t (migration, source_table, form, era) VALUES (?, ?, ?, 1)
                ON CONFLICT (migration, source_table)
                DO UPDATE SET form = excluded.form, era = t.era + 1, read_to = NULL, whole = false
                """)) {
            insert.setString(2, table);
            insert.setString(3, form);
            insert.executeUpdate();
        }
    }

    /** Remembers nothing of a table any more. */
    public void end(Connection connection, String table) throws SQLException {
        for (String from : new String[] {"version", "version_table"}) {
            try (PreparedStatement delete = prepare(connection,
                    "DELETE FROM sluice." + from + " WHERE migration = ? AND source_table = ?")) {
                delete.setString(2, table);
                delete.executeUpdate();
            }
        }
    }

    /** @param whole true if this was the last of it */
    public void read(Connection connection, String table, String[] readTo, boolean whole) throws SQLException {
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.version_table t SET read_to = v.read_to, whole = v.whole
                FROM (VALUES (?, ?, ?::text[], ?)) v (migration, source_table, read_to, whole)
                WHERE t.migration = v.migration AND t.source_table = v.source_table
                """)) {
            update.setString(2, table);
            update.setArray(3, readTo == null ? null : connection.createArrayOf("text", readTo));
            update.setBoolean(4, whole);
            update.executeUpdate();
        }
    }

    /** What is known of the last version of each of {@code keys}. */
    public Map<RowKey, Baseline> baselines(Connection connection, String table, Collection<RowKey> keys, boolean whole)
            throws SQLException {
        Map<String, RowKey> byHash = new HashMap<>();
        keys.forEach(key -> byHash.put(hex(Keys.hash(key)), key));
        Map<RowKey, Baseline> found = new HashMap<>();
        try (PreparedStatement query = prepare(connection, """
                SELECT v.key_hash, v.print
                FROM sluice.version v JOIN sluice.version_table t USING (migration, source_table, era)
                WHERE v.migration = ? AND v.source_table = ? AND v.key_hash = ANY (?)
                """)) {
            query.setString(2, table);
            query.setArray(3, hashes(connection, keys));
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    found.put(byHash.get(hex(row.getBytes(1))), RowPrint.stored(row.getBytes(2)));
                }
            }
        }
        keys.forEach(key -> found.putIfAbsent(key, whole ? Baseline.ABSENT : Baseline.UNKNOWN));
        return found;
    }

    /**
     * Remembers versions that both sides have now.
     *
     * @param fresh true to leave alone what is remembered already
     */
    public void remember(Connection connection, String table, Map<RowKey, RowPrint> prints, boolean fresh)
            throws SQLException {
        Map<RowKey, byte[]> bytes = new HashMap<>();
        prints.forEach((key, print) -> bytes.put(key, print.bytes()));
        store(connection, table, bytes, fresh);
    }

    /** Rows that Sluice has written without a look at what was there: what was remembered of them is not true any more. */
    public void forget(Connection connection, String table, Collection<RowKey> keys) throws SQLException {
        Map<RowKey, byte[]> bytes = new HashMap<>();
        keys.forEach(key -> bytes.put(key, RowPrint.FORGOTTEN));
        store(connection, table, bytes, false);
    }

    private void store(Connection connection, String table, Map<RowKey, byte[]> prints, boolean fresh) throws SQLException {
        if (prints.isEmpty()) {
            return;
        }
        List<RowKey> keys = List.copyOf(prints.keySet());
        try (PreparedStatement insert = connection.prepareStatement("""
                INSERT INTO sluice.version AS v (migration, source_table, key_hash, print, era)
                SELECT t.migration, t.source_table, u.key_hash, u.print, t.era
                FROM sluice.version_table t, unnest(?::bytea[], ?::bytea[]) u (key_hash, print)
                WHERE t.migration = ? AND t.source_table = ?
                ON CONFLICT (migration, source_table, key_hash) DO UPDATE SET print = excluded.print, era = excluded.era"""
                + (fresh ? " WHERE v.era <> excluded.era" : ""))) {
            insert.setArray(1, hashes(connection, keys));
            insert.setArray(2, connection.createArrayOf("bytea", keys.stream().map(prints::get).toArray(byte[][]::new)));
            insert.setString(3, migration);
            insert.setString(4, table);
            insert.executeUpdate();
        }
    }

    /** Neither side has the rows any more. */
    public void removed(Connection connection, String table, Collection<RowKey> keys) throws SQLException {
        if (!keys.isEmpty()) {
            try (PreparedStatement delete = prepare(connection, """
                    DELETE FROM sluice.version WHERE migration = ? AND source_table = ? AND key_hash = ANY (?)
                    """)) {
                delete.setString(2, table);
                delete.setArray(3, hashes(connection, keys));
                delete.executeUpdate();
            }
        }
    }

    // ---- conflicts ----

    private static final String SELECT = """
            SELECT id, source_table, key, kind, act, kept_columns, columns, incoming, incoming_hash, existing, existing_hash, seq,
                   state, decision, decided_by, at, decided_at, direction
            FROM sluice.conflict WHERE migration = ?\s""";

    /**
     * Writes conflicts down, and an entry of the audit log with key and hash of every version that has lost or waits. One
     * that stands open already, with the same two versions, is not written again; another one of the same row is closed.
     */
    public void record(Connection connection, List<Conflict> conflicts) throws SQLException {
        List<Conflict> fresh = new ArrayList<>();
        for (Conflict conflict : conflicts) {
            boolean known = false;
            for (Conflict before : ofKey(connection, conflict.table(), conflict.key())) {
                if (before.state() == State.OPEN && before.incomingHash().equals(conflict.incomingHash())
                        && before.existingHash().equals(conflict.existingHash()) && before.act() == conflict.act()) {
                    known = true;
                } else if (before.state() != State.CLOSED) {
                    close(connection, before.id());
                }
            }
            if (!known) {
                fresh.add(conflict);
            }
        }
        if (fresh.isEmpty()) {
            return;
        }
        insert(connection, fresh);
        for (int from = 0; from < fresh.size(); from += LISTED_IN_AUDIT_MAX) {
            List<Conflict> listed = fresh.subList(from, Math.min(fresh.size(), from + LISTED_IN_AUDIT_MAX));
            ObjectNode detail = JsonNodeFactory.instance.objectNode();
            ArrayNode rows = detail.putArray("conflicts");
            listed.forEach(conflict -> rows.add(audited(conflict)));
            new Audit(migration).append(connection, Audit.DAEMON, "conflict", detail.toString());
        }
    }

    /** The conflict as the audit log has it: key and hashes, no values. */
    public static ObjectNode audited(Conflict conflict) {
        ObjectNode row = JsonNodeFactory.instance.objectNode();
        row.put("direction", label(conflict.direction())).put("table", conflict.table());
        ArrayNode key = row.putArray("key");
        for (String part : Keys.texts(conflict.key().parts())) {
            key.add(part);
        }
        row.put("kind", conflict.kind().code()).put("act", label(conflict.act()));
        row.put("incomingHash", conflict.incomingHash()).put("existingHash", conflict.existingHash());
        return row;
    }

    public static String label(Enum<?> word) {
        return word.name().toLowerCase(Locale.ROOT);
    }

    private void insert(Connection connection, List<Conflict> conflicts) throws SQLException {
        new Audit(migration).lock(connection); // numbers grow one after the other
        long id;
        try (PreparedStatement query = prepare(connection,
                "SELECT coalesce(max(id), 0) FROM sluice.conflict WHERE migration = ?");
                ResultSet row = query.executeQuery()) {
            row.next();
            id = row.getLong(1);
        }
        try (PreparedStatement insert = prepare(connection, """
                INSERT INTO sluice.conflict (migration, id, source_table, key_hash, key, kind, act, kept_columns, columns, incoming,
                                             incoming_hash, existing, existing_hash, seq, state, direction)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)) {
            for (Conflict conflict : conflicts) {
                insert.setLong(2, ++id);
                insert.setString(3, conflict.table());
                insert.setBytes(4, Keys.hash(conflict.key()));
                insert.setArray(5, connection.createArrayOf("text", Keys.texts(conflict.key().parts())));
                insert.setString(6, conflict.kind().code());
                insert.setString(7, label(conflict.act()));
                insert.setArray(8, connection.createArrayOf("text", conflict.kept().toArray()));
                insert.setArray(9, connection.createArrayOf("text", conflict.columns().toArray()));
                insert.setArray(10, values(connection, conflict.incoming()));
                insert.setString(11, conflict.incomingHash());
                insert.setArray(12, values(connection, conflict.existing()));
                insert.setString(13, conflict.existingHash());
                insert.setLong(14, conflict.seq());
                insert.setString(15, label(conflict.state()));
                insert.setString(16, label(conflict.direction()));
                insert.addBatch();
            }
            insert.executeBatch();
        }
    }

    /** Null where there is nothing to keep, or too much. */
    private static Array values(Connection connection, List<Value> values) throws SQLException {
        return values == null || values.stream().mapToLong(value -> value.bytes().length).sum() > ParkedRow.BYTES_KEPT_MAX
                ? null : connection.createArrayOf("text", Keys.texts(values));
    }

    /** Conflicts, youngest first. */
    public List<Conflict> list(Connection connection, boolean openOnly, int max) throws SQLException {
        try (PreparedStatement query = prepare(connection, SELECT + (openOnly ? "AND state <> 'closed' " : "")
                + "ORDER BY id DESC LIMIT ?")) {
            query.setInt(2, max);
            return conflicts(query);
        }
    }

    /** The conflict of that number, or null. */
    public Conflict find(Connection connection, long id) throws SQLException {
        try (PreparedStatement query = prepare(connection, SELECT + "AND id = ?")) {
            query.setLong(2, id);
            List<Conflict> found = conflicts(query);
            return found.isEmpty() ? null : found.get(0);
        }
    }

    /** Everything that was ever written of a row, youngest first. */
    public List<Conflict> ofKey(Connection connection, String table, RowKey key) throws SQLException {
        try (PreparedStatement query = prepare(connection, SELECT + "AND source_table = ? AND key_hash = ? ORDER BY id DESC")) {
            query.setString(2, table);
            query.setBytes(3, Keys.hash(key));
            return conflicts(query);
        }
    }

    /** Which version the operator took when the same two met before; null if that has not been decided. */
    public Conflict decided(Connection connection, String table, RowKey key, String incomingHash, String existingHash)
            throws SQLException {
        return ofKey(connection, table, key).stream().filter(conflict -> conflict.decision() != null
                && conflict.incomingHash().equals(incomingHash) && conflict.existingHash().equals(existingHash))
                .findFirst().orElse(null);
    }

    public long open(Connection connection) throws SQLException {
        try (PreparedStatement query = prepare(connection,
                "SELECT count(*) FROM sluice.conflict WHERE migration = ? AND state <> 'closed'");
                ResultSet row = query.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }

    /** Writes the operator's decision down, with an entry of the audit log; it is done when the row is applied again. */
    public void decide(Connection connection, Conflict conflict, Decision decision, String actor) throws SQLException {
        new Audit(migration).lock(connection); // in the same order as whoever writes conflicts down
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.conflict c SET state = 'decided', decision = v.decision, decided_by = v.actor, decided_at = now()
                FROM (VALUES (?, ?, ?, ?)) v (migration, id, decision, actor)
                WHERE c.migration = v.migration AND c.id = v.id
                """)) {
            update.setLong(2, conflict.id());
            update.setString(3, label(decision));
            update.setString(4, actor);
            update.executeUpdate();
        }
        new Audit(migration).append(connection, actor, "resolve_conflict",
                audited(conflict).put("id", conflict.id()).put("decision", label(decision)).toString());
    }

    /** Nothing is left to do. */
    public void close(Connection connection, long id) throws SQLException {
        try (PreparedStatement update = prepare(connection, """
                UPDATE sluice.conflict c SET state = 'closed' FROM (VALUES (?, ?)) v (migration, id)
                WHERE c.migration = v.migration AND c.id = v.id
                """)) {
            update.setLong(2, id);
            update.executeUpdate();
        }
    }

    /** Closes what is open of rows on which the sides agree again. */
    public void closeAll(Connection connection, String table, Collection<RowKey> keys) throws SQLException {
        if (!keys.isEmpty()) {
            try (PreparedStatement update = prepare(connection, """
                    UPDATE sluice.conflict SET state = 'closed'
                    WHERE migration = ? AND source_table = ? AND key_hash = ANY (?) AND state <> 'closed'
                    """)) {
                update.setString(2, table);
                update.setArray(3, hashes(connection, keys));
                update.executeUpdate();
            }
        }
    }

    private static List<Conflict> conflicts(PreparedStatement query) throws SQLException {
        List<Conflict> conflicts = new ArrayList<>();
        try (ResultSet row = query.executeQuery()) {
            while (row.next()) {
                String decision = row.getString(14);
                Timestamp decidedAt = row.getTimestamp(17);
                conflicts.add(new Conflict(row.getLong(1), Direction.valueOf(upper(row.getString(18))), row.getString(2), Keys.key(texts(row.getArray(3))),
                        ConflictKind.valueOf(upper(row.getString(4))), Verdict.Act.valueOf(upper(row.getString(5))),
                        List.of(texts(row.getArray(6))), List.of(texts(row.getArray(7))), values(row.getArray(8)),
                        row.getString(9), values(row.getArray(10)), row.getString(11), row.getLong(12),
                        State.valueOf(upper(row.getString(13))), decision == null ? null : Decision.valueOf(upper(decision)),
                        row.getString(15), row.getTimestamp(16).toInstant(),
                        decidedAt == null ? null : decidedAt.toInstant()));
            }
        }
        return conflicts;
    }

    private static String upper(String word) {
        return word.toUpperCase(Locale.ROOT);
    }

    private static String[] texts(Array array) throws SQLException {
        return array == null ? null : (String[]) array.getArray();
    }

    private static List<Value> values(Array array) throws SQLException {
        return array == null ? null : Keys.values(texts(array));
    }

    private static Array hashes(Connection connection, Collection<RowKey> keys) throws SQLException {
        return connection.createArrayOf("bytea", keys.stream().map(Keys::hash).toArray(byte[][]::new));
    }

    private static String hex(byte[] bytes) {
        return java.util.HexFormat.of().formatHex(bytes);
    }

    private PreparedStatement prepare(Connection connection, String sql) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        statement.setString(1, migration);
        return statement;
    }
}
