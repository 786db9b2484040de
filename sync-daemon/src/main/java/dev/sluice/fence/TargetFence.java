package dev.sluice.fence;

import dev.sluice.plan.MigrationPlan;
import dev.sluice.postgres.SqlFailure;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.store.StoreSchema;
import dev.sluice.translate.Identifiers;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * A statement-level trigger on every target table of a plan, on its partitions and on what it is a partition of. While
 * it is enabled (ALWAYS, so that sessions in replica role are bound too) it refuses INSERT, UPDATE, DELETE and TRUNCATE
 * of every session but ours, which say {@code sluice.writer = on} (see {@link dev.sluice.postgres.Target}). That word
 * counts only from a role that may change {@code sluice.control}.
 *
 * <p>All methods run in the caller's transaction, with autocommit off, at READ COMMITTED; what they change holds from
 * its commit on. Enabling and disabling take a lock (SHARE ROW EXCLUSIVE) that waits for every transaction which has
 * written to the table, and for vacuum and DDL, never for readers. Who waits for it afterwards finds the fence, whatever
 * the isolation level or the age of its snapshot, because PostgreSQL looks triggers up anew under its own lock.
 *
 * <p>Passed by: a superuser or owner who disables triggers on purpose, DDL, and the apply worker of a subscription, which
 * fires no statement-level triggers (https://www.postgresql.org/docs/current/logical-replication-architecture.html).
 */
public final class TargetFence {

    /** The SQLSTATE of a refused write. */
    public static final String REFUSED = "SL001";

    private static final String TRIGGER = "_sluice_fence";

    /** BEFORE, for each statement, INSERT, UPDATE, DELETE and TRUNCATE: the bits of pg_trigger.tgtype. */
    private static final int KIND = 2 + 4 + 8 + 16 + 32;

    /** Partitions may be made while we wait for locks; more rounds than this means that it does not end. */
    private static final int ROUNDS_MAX = 10;

    /** How long writers are waited for before they are let go on; well below PostgreSQL's deadlock_timeout of 1 s. */
    private static final Duration ATTEMPT = Duration.ofMillis(50);

    private static final Duration ATTEMPT_MAX = Duration.ofMillis(400);

    /**
     * With the owner's rights, so that it can name the epoch to roles that may not even look into schema sluice; those of
     * the session are asked for by session_user. An old snapshot may show an old row: then only the words are old.
     */
    private static final String BODY = """

            DECLARE
                present record;
                place text := format('%I.%I', tg_table_schema, tg_table_name);
            BEGIN
                IF current_setting('sluice.writer', true) = 'on'
                   AND (has_table_privilege(session_user, 'sluice.control', 'UPDATE')
                        OR pg_has_role(session_user,
                               (SELECT relowner FROM pg_class WHERE oid = 'sluice.control'::regclass), 'MEMBER')) THEN
                    RETURN NULL;
                END IF;
                SELECT traffic, epoch INTO present FROM sluice.control WHERE migration = tg_argv[0];
                IF present.traffic = 'sqlite' THEN
                    RAISE EXCEPTION USING ERRCODE = 'SL001', SCHEMA = tg_table_schema, TABLE = tg_table_name,
                        MESSAGE = format('sluice: writes go to SQLite (epoch %s), table %s of PostgreSQL takes none',
                            present.epoch, place),
                        HINT = 'Write to the SQLite file. sluice.control, the flag file and GET /v1/traffic say when'
                            ' writes move here.';
                END IF;
                RAISE EXCEPTION USING ERRCODE = 'SL001', SCHEMA = tg_table_schema, TABLE = tg_table_name,
                    MESSAGE = format('sluice: writes are being moved (epoch %s), table %s takes none just now',
                        coalesce(present.epoch::text, 'unknown'), place),
                    HINT = 'Try again in a moment, on the side that sluice.control, the flag file or GET /v1/traffic'
                        ' names.';
            END""";

    private final String migration;
    private final String schema;
    private final List<String> tables;

    public TargetFence(String migration, MigrationPlan plan) {
        this.migration = migration;
        this.schema = plan.schema();
        TreeSet<String> names = new TreeSet<>();
        plan.tables().forEach(table -> names.add(table.target()));
        plan.held().forEach(table -> names.add(table.target())); // its rows wait; they are not the application's yet
        this.tables = List.copyOf(names);
    }

    /** A table and its trigger; {@code state} as in pg_trigger.tgenabled, null where there is no whole trigger of ours. */
    private record Post(String schema, String table, String state, boolean stale, boolean ours) {

        String name() {
            return Identifiers.quote(schema) + "." + Identifiers.quote(table);
        }

        boolean stands(boolean up) {
            return (up ? "A" : "D").equals(state);
        }
    }

    // ---- change ----

    /**
     * Raises the fence, made where it is missing: when the caller commits, no other write can be in flight or begin.
     * Where it is up on all tables nothing is locked and nothing changes.
     *
     * @param wait how long to wait for writers in flight; beyond it the transaction fails as TRANSIENT and can be repeated
     * @throws TargetRefusal if tables belong to a role that ours is no member of
     */
    public void raise(Connection connection, Duration wait) throws SQLException {
        set(connection, true, wait);
    }

    /** Lets everybody write again, once the caller commits. Otherwise as {@link #raise}. */
    public void lift(Connection connection, Duration wait) throws SQLException {
        set(connection, false, wait);
    }

    private void set(Connection connection, boolean up, Duration wait) throws SQLException {
        if (connection.getAutoCommit()) {
            throw new IllegalStateException("a fence holds from a commit on: autocommit must be off");
        }
        Set<String> locked = new HashSet<>();
        for (int round = 0; round < ROUNDS_MAX; round++) {
            List<Post> wrong = posts(connection).stream().filter(post -> !post.stands(up)).toList();
            if (wrong.isEmpty()) {
                return;
            }
            List<String> unlocked = wrong.stream().map(Post::name).filter(name -> !locked.contains(name)).toList();
            if (unlocked.isEmpty()) {
                // under these locks nobody else can alter a trigger or attach a partition
                execute(connection, wrong.stream().map(post -> statements(post, up)).collect(Collectors.joining("; ")));
                return;
            }
            requireOwnership(connection, wrong);
            makeFunction(connection);
            lock(connection, unlocked, wait);
            locked.addAll(unlocked); // and look again: somebody may have done it while we waited
        }
        throw new IllegalStateException("partitions are made or triggers disabled faster than the fence can be raised");
    }

    /** ONLY, because below PostgreSQL 15 the statement for a parent fails where a partition lacks the trigger. */
    private String statements(Post post, boolean up) {
        String alter = "ALTER TABLE ONLY " + post.name() + (up ? " ENABLE ALWAYS" : " DISABLE") + " TRIGGER " + TRIGGER;
        if (post.state() != null) {
            return alter;
        }
        return (post.stale() ? "DROP TRIGGER " + TRIGGER + " ON " + post.name() + "; " : "")
                + "CREATE TRIGGER " + TRIGGER + " BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON " + post.name()
                + " FOR EACH STATEMENT EXECUTE FUNCTION sluice.refuse_write('" + migration.replace("'", "''") + "'); "
                + alter;
    }

    /**
     * All or none, and all within {@code wait}. What has been locked is let go after a moment and locked again: a writer that
     * has another table and waits for one of these would else be the one whom PostgreSQL ends for the deadlock.
     */
    private static void lock(Connection connection, Collection<String> tables, Duration wait) throws SQLException {
        long deadline = System.nanoTime() + wait.toNanos();
        long millis = ATTEMPT.toMillis();
        while (true) {
            Savepoint before = connection.setSavepoint();
            try {
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                lockAtOnce(connection, tables, Math.max(1, Math.min(millis, left)));
                connection.releaseSavepoint(before);
                return;
            } catch (SQLException e) {
                if (SqlFailure.of(e) != SqlFailure.TRANSIENT || System.nanoTime() > deadline) {
                    throw e;
                }
                connection.rollback(before);
                millis = Math.min(ATTEMPT_MAX.toMillis(), 2 * millis);
            }
        }
    }

    /** Both limits, as lock_timeout alone would count anew for every table. */
    private static void lockAtOnce(Connection connection, Collection<String> tables, long millis) throws SQLException {
        String before = text(connection, "SELECT current_setting('lock_timeout') || ' ' || current_setting('statement_timeout')");
        execute(connection, "SET LOCAL lock_timeout = " + millis + "; SET LOCAL statement_timeout = " + millis + "; LOCK TABLE "
                + tables.stream().map(table -> "ONLY " + table).collect(Collectors.joining(", "))
                + " IN SHARE ROW EXCLUSIVE MODE; SET LOCAL lock_timeout = '" + before.split(" ")[0]
                + "'; SET LOCAL statement_timeout = '" + before.split(" ")[1] + "'");
    }

    private static void requireOwnership(Connection connection, Collection<Post> posts) throws SQLException {
        List<String> foreign = posts.stream().filter(post -> !post.ours()).map(Post::name).toList();
        if (!foreign.isEmpty()) {
            throw new TargetRefusal("the role '" + text(connection, "SELECT current_user") + "' owns neither the tables "
                    + String.join(", ", foreign) + " of the target nor is it a member of the role that does, so it can't"
                    + " fence them: GRANT it that role, or make it their owner");
        }
    }

    private static void makeFunction(Connection connection) throws SQLException {
        if (hasFunction(connection)) {
            return;
        }
        StoreSchema.lock(connection); // two daemons that replace a function at once would collide
        if (!hasFunction(connection)) {
            execute(connection, "CREATE OR REPLACE FUNCTION sluice.refuse_write() RETURNS trigger LANGUAGE plpgsql"
                    + " SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fence$" + BODY + "$fence$");
        }
    }

    private static boolean hasFunction(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("""
                SELECT 1 FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE n.nspname = 'sluice' AND p.proname = 'refuse_write' AND p.prosrc = ?
                """)) {
            query.setString(1, BODY);
            try (ResultSet row = query.executeQuery()) {
                return row.next();
            }
        }
    }

    /**
     * Drops the fence of this migration wherever it stands, also on tables that the plan does not name any more. DROP
     * TRIGGER waits for readers too.
     *
     * @param wait how long to wait for each table
     */
    public void remove(Connection connection, Duration wait) throws SQLException {
        execute(connection, "SET LOCAL lock_timeout = " + Math.max(1, wait.toMillis()));
        try (PreparedStatement query = connection.prepareStatement("""
                SELECT format('DROP TRIGGER %I ON %I.%I', t.tgname, n.nspname, c.relname)
                FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace f ON f.oid = p.pronamespace
                WHERE f.nspname = 'sluice' AND p.proname = 'refuse_write'
                  AND t.tgargs = convert_to(?, getdatabaseencoding()::name) || '\\x00'::bytea
                """)) {
            query.setString(1, migration);
            List<String> drops = new ArrayList<>();
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    drops.add(row.getString(1));
                }
            }
            if (!drops.isEmpty()) {
                execute(connection, String.join("; ", drops));
            }
        }
    }

    // ---- ask ----

    /** Tables on which the fence is not up: missing, disabled, or altered; one catalog query. */
    public List<String> missing(Connection connection) throws SQLException {
        return posts(connection).stream().filter(post -> !post.stands(true)).map(Post::name).toList();
    }

    /**
     * Who would keep a raising or lifting waiting at this moment, one clause each: vacuum, DDL, writers that are not ours.
     * An ordinary autovacuum gives way after deadlock_timeout, one against wraparound does not.
     */
    public List<String> inTheWay(Connection connection) throws SQLException {
        List<String> found = new ArrayList<>();
        try (PreparedStatement query = prepared(connection, """
                SELECT DISTINCT format('%I.%I: %s (pid %s%s)', n.nspname, c.relname,
                           CASE WHEN a.backend_type = 'autovacuum worker' THEN 'autovacuum' ELSE l.mode END, l.pid,
                           CASE WHEN a.application_name <> '' THEN ', ' || a.application_name ELSE '' END)
                FROM family f JOIN pg_class c ON c.oid = f.oid JOIN pg_namespace n ON n.oid = c.relnamespace
                JOIN pg_locks l ON l.relation = f.oid AND l.granted AND l.locktype = 'relation'
                     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                LEFT JOIN pg_stat_activity a ON a.pid = l.pid
                WHERE l.pid <> pg_backend_pid() AND a.application_name IS DISTINCT FROM 'sluice'
                  AND l.mode NOT IN ('AccessShareLock', 'RowShareLock') ORDER BY 1
                """);
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                found.add(row.getString(1));
            }
        }
        return found;
    }

    private List<Post> posts(Connection connection) throws SQLException {
        List<Post> posts = new ArrayList<>();
        try (PreparedStatement query = prepared(connection, """
                SELECT n.nspname, c.relname, t.tgname IS NOT NULL AS there, t.tgenabled::text,
                       t.tgtype = %d AND t.tgqual IS NULL AND p.proname = 'refuse_write' AND s.nspname = 'sluice'
                         AND t.tgargs = convert_to(?, getdatabaseencoding()::name) || '\\x00'::bytea AS whole,
                       pg_has_role(c.relowner, 'USAGE')
                FROM family f JOIN pg_class c ON c.oid = f.oid JOIN pg_namespace n ON n.oid = c.relnamespace
                LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = '%s'
                LEFT JOIN pg_proc p ON p.oid = t.tgfoid LEFT JOIN pg_namespace s ON s.oid = p.pronamespace
                WHERE c.relkind IN ('r', 'p') ORDER BY n.nspname, c.relname
                """.formatted(KIND, TRIGGER))) {
            query.setString(3, migration);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    boolean whole = row.getBoolean(5);
                    posts.add(new Post(row.getString(1), row.getString(2), whole ? row.getString(4) : null,
                            row.getBoolean(3) && !whole, row.getBoolean(6)));
                }
            }
        }
        return posts;
    }

    /**
     * Prepares a query over {@code family}: a statement on a partition fires no trigger of its parent, and one on a parent
     * none of the partitions that its rows go to.
     */
    private PreparedStatement prepared(Connection connection, String sql) throws SQLException {
        PreparedStatement statement = connection.prepareStatement("""
                WITH RECURSIVE named AS (
                    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = ? AND c.relname = ANY (?)),
                below AS (SELECT oid FROM named UNION
                          SELECT i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.oid),
                above AS (SELECT oid FROM named UNION
                          SELECT i.inhparent FROM above a JOIN pg_inherits i ON i.inhrelid = a.oid),
                family AS (SELECT oid FROM below UNION SELECT oid FROM above)
                """ + sql);
        statement.setString(1, schema);
        statement.setArray(2, connection.createArrayOf("text", tables.toArray()));
        return statement;
    }

    private static String text(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
