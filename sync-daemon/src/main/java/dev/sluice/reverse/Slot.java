package dev.sluice.reverse;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.translate.Identifiers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;

/**
 * What the stream needs in PostgreSQL: a logical replication slot, a publication of the plan's tables, of the control row
 * and of a heartbeat, and replica identities that say which row was changed. Stateless but for the names; every method
 * runs on the caller's connection.
 */
final class Slot {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final TypeReference<LinkedHashMap<String, String>> TEXTS = new TypeReference<>() {};
    /** 'sluice' in ASCII, as everywhere: CREATE … IF NOT EXISTS alone can collide with itself. */
    private static final String LOCK = "SELECT pg_advisory_xact_lock(126896516588389)";
    private static final int NAME_MAX = 40;

    private final String migration;
    private final MigrationPlan plan;
    private final String name;

    /** What a slot says of itself; sizes in bytes, positions as numbers. */
    record State(String walStatus, boolean active, int pid, Long safeBytes, long confirmed, long restart, long current) {

        boolean isLost() {
            return "lost".equals(walStatus);
        }
    }

    /** @param database where the slot is: names of slots are shared by all databases of a server */
    Slot(String migration, MigrationPlan plan, String database) {
        this.migration = migration;
        this.plan = plan;
        this.name = "sluice_" + migration.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9_]", "_")
                .substring(0, Math.min(NAME_MAX, migration.length())) + "_" + hash(database + "\n" + migration);
    }

    /** Different migrations have different names however alike their own and their databases' are. */
    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 4);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** The slot's name, also the stream's within this process. */
    String name() {
        return name;
    }

    String publication() {
        return name;
    }

    String migration() {
        return migration;
    }

    /** Schema and name of all tables of the publication. */
    List<String[]> tables() {
        List<String[]> tables = new ArrayList<>();
        for (TablePlan table : plan.tables()) {
            tables.add(new String[] {plan.schema(), table.target()});
        }
        tables.add(new String[] {"sluice", "control"});
        tables.add(new String[] {"sluice", "heartbeat"});
        return tables;
    }

    // ---- before ----

    /** Why the stream can't be set up, one sentence each. */
    List<String> obstacles(Connection connection) throws SQLException {
        List<String> obstacles = new ArrayList<>();
        String level = text(connection, "SELECT current_setting('wal_level')");
        if (!level.equals("logical")) {
            obstacles.add("PostgreSQL writes its log with wal_level=" + level + ": set wal_level=logical (hosted: for example"
                    + " rds.logical_replication=1) and restart it");
        }
        if (state(connection) == null) {
            if (number(connection, "SELECT count(*) - current_setting('max_replication_slots')::int FROM pg_replication_slots")
                    >= 0) {
                obstacles.add("PostgreSQL has no replication slot left: raise max_replication_slots and restart it, or drop one"
                        + " that nobody uses (pg_replication_slots)");
            }
            if (number(connection, "SELECT count(*) - current_setting('max_wal_senders')::int FROM pg_stat_get_wal_senders()")
                    >= 0) {
                obstacles.add("PostgreSQL has no wal sender left: raise max_wal_senders and restart it");
            }
        }
        if (number(connection, """
                SELECT count(*) FROM pg_roles r WHERE r.rolname = current_user
                  AND (r.rolsuper OR r.rolreplication OR EXISTS (SELECT 1 FROM pg_roles h
                       WHERE h.rolname IN ('rds_replication', 'azure_pg_admin') AND pg_has_role(current_user, h.oid, 'MEMBER')))
                """) == 0) {
            obstacles.add("the role may not use replication: ALTER ROLE … REPLICATION (hosted: for example GRANT"
                    + " rds_replication TO …)");
        }
        if (number(connection, "SELECT has_database_privilege(current_database(), 'CREATE')::int") == 0) {
            obstacles.add("the role may not create a publication: GRANT CREATE ON DATABASE … TO it");
        }
        for (TablePlan table : plan.tables()) {
            obstacle(connection, table.target(), obstacles);
        }
        return obstacles;
    }

    /** Why a table of the target can't be streamed, one sentence each. */
    void obstacle(Connection connection, String table, List<String> obstacles) throws SQLException {
        String named = plan.schema() + "." + table;
        try (PreparedStatement query = connection.prepareStatement("""
                SELECT c.relkind IN ('r', 'p') AND c.relpersistence = 'p', pg_has_role(current_user, c.relowner, 'USAGE'),
                       pg_get_userbyid(c.relowner),
                       (SELECT count(*) <> count(DISTINCT lower(a.attname)) FROM pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
                FROM pg_class c WHERE c.oid = to_regclass(?)
                """)) {
            query.setString(1, qualified(new String[] {plan.schema(), table}));
            try (ResultSet row = query.executeQuery()) {
                if (!row.next()) {
                    obstacles.add("the target table " + named + " is not there");
                    return;
                }
                if (!row.getBoolean(1)) {
                    obstacles.add("the target's " + named + " is no ordinary logged table, so its changes can't be streamed");
                }
                if (!row.getBoolean(2)) {
                    obstacles.add("the target table " + named + " belongs to " + row.getString(3) + ", and only its owner can"
                            + " publish it: make the role a member of that one");
                }
                if (row.getBoolean(4)) {
                    obstacles.add("the target table " + named + " has columns whose names differ in case alone: the stream can't"
                            + " tell them apart, rename one");
                }
            }
        }
    }

    // ---- set up and take away ----

    /** Makes publication, heartbeat and replica identities; in the caller's transaction. Idempotent. */
    void publish(Connection connection) throws SQLException {
        execute(connection, LOCK);
        execute(connection, """
                CREATE TABLE IF NOT EXISTS sluice.heartbeat (
                    migration text PRIMARY KEY REFERENCES sluice.migration ON DELETE CASCADE,
                    beat      bigint NOT NULL,
                    beat_at   timestamptz NOT NULL DEFAULT now())
                """);
        execute(connection, """
                CREATE TABLE IF NOT EXISTS sluice.reverse (
                    migration  text PRIMARY KEY REFERENCES sluice.migration ON DELETE CASCADE,
                    identities text NOT NULL,
                    columns    text NOT NULL,
                    pieces     text)
                """);
        execute(connection, "ALTER TABLE sluice.reverse ADD COLUMN IF NOT EXISTS pieces text"); // of an older release
        update(connection, "INSERT INTO sluice.heartbeat (migration, beat) VALUES (?, 0) ON CONFLICT DO NOTHING", migration);
        update(connection, "INSERT INTO sluice.reverse (migration, identities, columns) VALUES (?, '{}', '{}')"
                + " ON CONFLICT DO NOTHING", migration);
        execute(connection, "DROP PUBLICATION IF EXISTS " + Identifiers.quote(publication()));
        StringJoiner tables = new StringJoiner(", ");
        for (String[] table : tables()) {
            tables.add(qualified(table));
        }
        execute(connection, "CREATE PUBLICATION " + Identifiers.quote(publication()) + " FOR TABLE " + tables
                + " WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true)");
        Map<String, String> identities = identities(connection);
        for (TablePlan table : plan.tables()) {
            identify(connection, table.target(), table.keyTargets(), identities);
        }
        TargetShape shape = shape(connection);
        update(connection, "UPDATE sluice.reverse r SET identities = v.identities, columns = v.columns, pieces = v.pieces"
                + " FROM (VALUES (?, ?, ?, ?)) v (migration, identities, columns, pieces) WHERE r.migration = v.migration",
                migration, json(identities), TargetShape.json(shape.columns()), TargetShape.json(shape.pieces()));
    }

    private Map<String, String> identities(Connection connection) throws SQLException {
        return texts(text(connection, "SELECT identities FROM sluice.reverse WHERE migration = ?", migration), TEXTS);
    }

    /** A changed row must come with what names it in the source; where its identity does not have that, all of it must. */
    private void identify(Connection connection, String table, List<String> key, Map<String, String> identities)
            throws SQLException {
        String named = qualified(new String[] {plan.schema(), table});
        try (PreparedStatement query = connection.prepareStatement("""
                SELECT format('%I.%I', n.nspname, c.relname), c.relreplident::text,
                       (SELECT format('%I', ic.relname) FROM pg_index x JOIN pg_class ic ON ic.oid = x.indexrelid
                        WHERE x.indrelid = c.oid AND x.indisreplident),
                       (SELECT array_agg(a.attname::text) FROM pg_index x
                        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (x.indkey)
                        WHERE x.indrelid = c.oid AND CASE c.relreplident WHEN 'd' THEN x.indisprimary
                                                          WHEN 'i' THEN x.indisreplident ELSE false END)
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.oid = to_regclass(?) AND c.relkind = 'r'
                   OR c.oid IN (SELECT relid FROM pg_partition_tree(to_regclass(?)) WHERE isleaf)
                """)) {
            query.setString(1, named);
            query.setString(2, named);
            List<String> full = new ArrayList<>();
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    Set<String> known = row.getArray(4) == null ? Set.of()
                            : new HashSet<>(List.of((String[]) row.getArray(4).getArray()));
                    String identity = row.getString(2);
                    if (!identity.equals("f") && !known.containsAll(key)) {
                        full.add(row.getString(1));
                        identities.putIfAbsent(row.getString(1), identity.equals("d") ? "DEFAULT"
                                : identity.equals("n") ? "NOTHING" : "USING INDEX " + row.getString(3));
                    }
                }
            }
            for (String relation : full) {
                execute(connection, "ALTER TABLE " + relation + " REPLICA IDENTITY FULL");
            }
        }
    }

    /** Makes the slot, outside of a transaction; returns where it begins. Waits for transactions that are open now. */
    long create(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(
                "SELECT (lsn - '0/0')::bigint FROM pg_create_logical_replication_slot(?, 'pgoutput')")) {
            query.setQueryTimeout(60);
            query.setString(1, name);
            try (ResultSet row = query.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }

    /** Ends the connection that reads the slot, if there is one, and waits a while until it has let go. */
    void release(Connection connection) throws SQLException {
        State state = state(connection);
        if (state == null || !state.active()) {
            return;
        }
        try (PreparedStatement end = connection.prepareStatement("SELECT pg_terminate_backend(?)")) {
            end.setInt(1, state.pid());
            end.execute();
        }
        execute(connection, """
                DO $$ BEGIN FOR i IN 1..200 LOOP
                    EXIT WHEN NOT EXISTS (SELECT 1 FROM pg_replication_slots WHERE slot_name = '%s' AND active);
                    PERFORM pg_sleep(0.05);
                END LOOP; END $$
                """.formatted(name));
    }

    /** Drops the slot if it is there; who reads it is sent away first. */
    void drop(Connection connection) throws SQLException {
        release(connection);
        if (state(connection) == null) {
            return;
        }
        try (PreparedStatement drop = connection.prepareStatement("SELECT pg_drop_replication_slot(?)")) {
            drop.setString(1, name);
            drop.execute();
        }
    }

    /** Takes publication and heartbeat away and gives the tables their replica identities back; in a transaction. */
    void unpublish(Connection connection) throws SQLException {
        execute(connection, LOCK);
        execute(connection, "DROP PUBLICATION IF EXISTS " + Identifiers.quote(publication()));
        if (text(connection, "SELECT to_regclass('sluice.reverse')::text") == null) {
            return;
        }
        String identities = text(connection, "SELECT identities FROM sluice.reverse WHERE migration = ?", migration);
        if (identities != null) {
            for (Map.Entry<String, String> before : texts(identities, TEXTS).entrySet()) {
                if (text(connection, "SELECT to_regclass(?)::text", before.getKey()) != null) {
                    execute(connection, "ALTER TABLE " + before.getKey() + " REPLICA IDENTITY " + before.getValue());
                }
            }
        }
        update(connection, "DELETE FROM sluice.reverse WHERE migration = ?", migration);
        update(connection, "DELETE FROM sluice.heartbeat WHERE migration = ?", migration);
        if (number(connection, "SELECT count(*) FROM sluice.heartbeat") == 0) {
            execute(connection, "DROP TABLE sluice.heartbeat, sluice.reverse");
        }
    }

    // ---- ask ----

    /** Null if there is no slot of this name in this database. */
    State state(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("""
                SELECT wal_status, active, coalesce(active_pid, 0), safe_wal_size,
                       (coalesce(confirmed_flush_lsn, '0/0') - '0/0')::bigint, (coalesce(restart_lsn, '0/0') - '0/0')::bigint,
                       ((CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)
                        - '0/0')::bigint
                FROM pg_replication_slots WHERE slot_name = ? AND database = current_database()
                """)) {
            query.setString(1, name);
            try (ResultSet row = query.executeQuery()) {
                if (!row.next()) {
                    return null;
                }
                long safe = row.getLong(4);
                Long safeBytes = row.wasNull() ? null : safe;
                return new State(row.getString(1), row.getBoolean(2), row.getInt(3), safeBytes, row.getLong(5), row.getLong(6),
                        row.getLong(7));
            }
        }
    }

    /** True if the publication has all tables of the plan; but one that is gone altogether has no rows to be lost. */
    boolean isPublished(Connection connection) throws SQLException {
        Set<String> published = published(connection);
        for (String[] table : tables()) {
            if (!published.contains(text(connection, "SELECT format('%I.%I', ?::text, ?::text)", table[0], table[1]))
                    && text(connection, "SELECT to_regclass(?)::text", qualified(table)) != null) {
                return false;
            }
        }
        return true;
    }

    private Set<String> published(Connection connection) throws SQLException {
        Set<String> published = new HashSet<>();
        try (PreparedStatement query = connection.prepareStatement(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_publication_tables WHERE pubname = ?")) {
            query.setString(1, publication());
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    published.add(row.getString(1));
                }
            }
        }
        return published;
    }

    static String system(Connection connection) throws SQLException {
        return text(connection, "SELECT system_identifier::text FROM pg_control_system()");
    }

    /** Changes the heartbeat row; returns its new number. */
    long beat(Connection connection) throws SQLException {
        return Long.parseLong(text(connection, "UPDATE sluice.heartbeat SET beat = beat + 1, beat_at = now()"
                + " WHERE migration = ? RETURNING beat", migration));
    }

    // ---- what the application does to the schema ----

    /** What the watch compares with: the schema when the stream was set up, and what SQLite was given since. */
    TargetShape shapeBefore(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(
                "SELECT to_jsonb(r)->>'columns', to_jsonb(r)->>'pieces' FROM sluice.reverse r WHERE migration = ?")) {
            query.setString(1, migration); // read so that a table of an older release will do
            try (ResultSet row = query.executeQuery()) {
                return row.next() ? new TargetShape(TargetShape.named(row.getString(1)), TargetShape.named(row.getString(2)))
                        : new TargetShape(Map.of(), null);
            }
        }
    }

    TargetShape shape(Connection connection) throws SQLException {
        return TargetShape.read(connection, plan.schema());
    }

    /**
     * Readies a table that the application made for being streamed: gives it a key column where it needs one, publishes
     * it, and sees that its changed rows come with their key. In the caller's transaction. Idempotent.
     *
     * @param key its key columns; the one that is to be made where {@code keyColumn} is not null
     * @param keyColumn the key column of ours, or null
     */
    void ready(Connection connection, String table, List<String> key, String keyColumn) throws SQLException {
        String named = qualified(new String[] {plan.schema(), table});
        execute(connection, LOCK);
        execute(connection, "ALTER TABLE sluice.reverse ADD COLUMN IF NOT EXISTS pieces text"); // of an older release
        if (keyColumn != null && !shape(connection).columns().get(table).containsKey(keyColumn)) {
            execute(connection, keyColumn(plan.schema(), table, keyColumn));
        }
        if (!published(connection).contains(text(connection, "SELECT format('%I.%I', ?::text, ?::text)", plan.schema(), table))) {
            execute(connection, "ALTER PUBLICATION " + Identifiers.quote(publication()) + " ADD TABLE " + named);
        }
        Map<String, String> identities = identities(connection);
        identify(connection, table, key, identities);
        update(connection, "UPDATE sluice.reverse r SET identities = v.identities FROM (VALUES (?, ?)) v (migration, identities)"
                + " WHERE r.migration = v.migration", migration, json(identities));
    }

    /** The statement that gives a table without a key one of ours. */
    static String keyColumn(String schema, String table, String keyColumn) {
        return "ALTER TABLE " + qualified(new String[] {schema, table}) + " ADD COLUMN " + Identifiers.quote(keyColumn)
                + " bigint GENERATED BY DEFAULT AS IDENTITY UNIQUE";
    }

    // ---- small things ----

    static String qualified(String[] table) {
        return Identifiers.quote(table[0]) + "." + Identifiers.quote(table[1]);
    }

    private static String json(Map<String, ?> texts) {
        try {
            return JSON.writeValueAsString(texts);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("strings are always JSON", e);
        }
    }

    private static <T> T texts(String json, TypeReference<T> type) {
        try {
            return JSON.readValue(json == null ? "{}" : json, type);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("what sluice.reverse holds can't be read", e);
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void update(Connection connection, String sql, String... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setString(i + 1, values[i]);
            }
            statement.executeUpdate();
        }
    }

    private static String text(Connection connection, String sql, String... values) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                query.setString(i + 1, values[i]);
            }
            try (ResultSet row = query.executeQuery()) {
                return row.next() ? row.getString(1) : null;
            }
        }
    }

    private static long number(Connection connection, String sql) throws SQLException {
        return Long.parseLong(text(connection, sql));
    }
}
