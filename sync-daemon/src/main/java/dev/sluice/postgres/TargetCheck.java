package dev.sluice.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * What must be true of a target before anything is moved, and what it can do. Changes nothing.
 *
 * @param problems         one sentence each, with what to do; empty where the target can be used
 * @param version          as PostgreSQL's server_version_num, 180006 for 18.6; 0 where the server was not reached
 * @param versionText      as the server says it, or "unknown"
 * @param schemaExists     whether the target schema is there
 * @param relations        tables, views, sequences and the like already in the target schema
 * @param replicationRole  whether the role may set session_replication_role, so that triggers and foreign keys stay
 * silent
 * @param icu              whether ICU collations exist
 * @param citext           whether the type citext is installed or the role may install it
 * @param walLevelLogical  whether logical decoding is on, which the way back needs
 * @param connectionsLeft  how many more sessions the server takes from ordinary roles
 */
public record TargetCheck(List<String> problems, int version, String versionText, boolean schemaExists, int relations,
        boolean replicationRole, boolean icu, boolean citext, boolean walLevelLogical, int connectionsLeft) {

    public static final int VERSION_MIN = 130000;
    private static final String CONTROL_SCHEMA = "sluice";

    public TargetCheck {
        problems = List.copyOf(problems);
    }

    /** Connects and checks; a failure to connect is a problem too, never an exception. */
    public static TargetCheck of(Target target) {
        try {
            return asked(target);
        } catch (SQLException e) {
            return new TargetCheck(List.of(SqlFailure.sentence(e, target.url())), 0, "unknown", false, 0, false, false,
                    false, false, 0);
        }
    }

    /** As {@link #require} of a fresh check; a refusal because of a failed connection has that as its cause. */
    public static TargetCheck required(Target target) {
        TargetCheck check;
        try {
            check = asked(target);
        } catch (SQLException e) {
            throw new TargetRefusal(SqlFailure.sentence(e, target.url()), e);
        }
        check.require();
        return check;
    }

    private static TargetCheck asked(Target target) throws SQLException {
        try (Connection connection = target.dedicated()) {
            return of(connection, target.schema(), target.options().poolSize() + target.options().beside() - 1);
        }
    }

    /** Throws if the target can't be used. */
    public void require() {
        if (!problems.isEmpty()) {
            throw problems.size() == 1 ? new TargetRefusal(problems.get(0))
                    : new TargetRefusal("the target can't be used", problems);
        }
    }

    /**
     * Checks over an open connection outside a transaction.
     *
     * @param connectionsNeeded how many more sessions Sluice will open
     */
    public static TargetCheck of(Connection connection, String schema, int connectionsNeeded) throws SQLException {
        Facts facts = facts(connection, schema);
        List<String> problems = new ArrayList<>();
        if (facts.version < VERSION_MIN) {
            problems.add("the target is PostgreSQL " + facts.versionText + ", and Sluice needs 13 or newer: upgrade"
                    + " it or name another");
        }
        if (!facts.encoding.equals("UTF8")) {
            problems.add("the database '" + facts.database + "' has the encoding " + facts.encoding
                    + ", which can't hold every text: create one with ENCODING 'UTF8' (TEMPLATE template0)");
        }
        if (facts.recovery) {
            problems.add("the target is a standby and takes no writes: name the primary");
        } else if (facts.readOnly) {
            problems.add("default_transaction_read_only is on for the role '" + facts.user + "' at the target: turn it"
                    + " off with ALTER ROLE or ALTER DATABASE");
        }
        if (!facts.schemaExists && !facts.mayCreateSchema) {
            problems.add("the schema '" + schema + "' is not there and the role '" + facts.user + "' may not create it:"
                    + " create it, or GRANT CREATE ON DATABASE " + quoted(facts.database) + " TO "
                    + quoted(facts.user));
        }
        if (facts.schemaExists && !facts.mayCreateInSchema) {
            problems.add("the role '" + facts.user + "' may not create tables in the schema '" + schema
                    + "': GRANT USAGE, CREATE ON SCHEMA " + quoted(schema) + " TO " + quoted(facts.user));
        }
        if (!facts.mayKeepControl) {
            problems.add(facts.controlExists
                    ? "the schema 'sluice' at the target belongs to another role: GRANT USAGE, CREATE ON SCHEMA"
                    + " sluice TO "
                            + quoted(facts.user) + " or use the role that made it"
                    : "the role '" + facts.user + "' may not create the schema 'sluice', which holds the migration's"
                            + " state: GRANT CREATE ON DATABASE " + quoted(facts.database) + " TO "
                            + quoted(facts.user));
        }
        if (!facts.mayUseTemporary) {
            problems.add("the role '" + facts.user + "' may not create temporary tables, which big batches pass"
                    + " through: GRANT TEMPORARY ON DATABASE " + quoted(facts.database) + " TO " + quoted(facts.user));
        }
        if (facts.connectionsLeft < connectionsNeeded) {
            problems.add("the target takes only " + Math.max(0, facts.connectionsLeft) + " more connections and Sluice"
                    + " needs " + connectionsNeeded + ": raise max_connections, or lower target.poolSize and"
                    + " copy.workers");
        }
        return new TargetCheck(problems, facts.version, facts.versionText, facts.schemaExists, facts.relations,
                replicationRole(connection), facts.icu, facts.citext, facts.walLevelLogical, facts.connectionsLeft);
    }

    private record Facts(int version, String versionText, String encoding, String database, String user,
            boolean recovery, boolean readOnly, boolean schemaExists, boolean mayCreateInSchema,
            boolean mayCreateSchema, boolean controlExists, boolean mayKeepControl, boolean mayUseTemporary,
            boolean icu, boolean citext,
            boolean walLevelLogical, int connectionsLeft, int relations) {
    }

    private static Facts facts(Connection connection, String schema) throws SQLException {
        String sql = """
                SELECT current_setting('server_version_num')::int AS version,
                       current_setting('server_version') AS version_text,
                       current_setting('server_encoding') AS encoding,
                       current_database() AS database,
                       current_user AS role,
                       pg_is_in_recovery() AS recovery,
                       current_setting('default_transaction_read_only')::bool AS read_only,
                       EXISTS (SELECT FROM pg_namespace WHERE nspname = ?) AS schema_exists,
                       coalesce((SELECT has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE')
                                 FROM pg_namespace WHERE nspname = ?), false) AS may_create_in_schema,
                       has_database_privilege(current_database(), 'CREATE') AS may_create_schema,
                       EXISTS (SELECT FROM pg_namespace WHERE nspname = ?) AS control_exists,
                       coalesce((SELECT has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE')
                                 FROM pg_namespace WHERE nspname = ?),
                                has_database_privilege(current_database(), 'CREATE')) AS may_keep_control,
                       has_database_privilege(current_database(), 'TEMPORARY') AS may_use_temporary,
                       EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i') AS icu,
                       EXISTS (SELECT FROM pg_extension WHERE extname = 'citext')
                           OR EXISTS (SELECT FROM pg_available_extension_versions
                                      WHERE name = 'citext'
                                        AND (trusted AND has_database_privilege(current_database(), 'CREATE')
                                             OR (SELECT rolsuper FROM pg_roles
                                                 WHERE rolname = current_user))) AS citext,
                       current_setting('wal_level') = 'logical' AS wal_level_logical,
                       current_setting('max_connections')::int
                           - current_setting('superuser_reserved_connections')::int
                           - coalesce(current_setting('reserved_connections', true)::int, 0)
                           - (SELECT count(*)::int FROM pg_stat_activity
                              WHERE backend_type = 'client backend') AS connections_left,
                       (SELECT count(*)::int FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname = ? AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')) AS relations
                """;
        if (version(connection) < VERSION_MIN) { // without the column "trusted"
            sql = sql.replace("trusted AND", "false AND");
        }
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            query.setString(1, schema);
            query.setString(2, schema);
            query.setString(3, CONTROL_SCHEMA);
            query.setString(4, CONTROL_SCHEMA);
            query.setString(5, schema);
            try (ResultSet row = query.executeQuery()) {
                row.next();
                return new Facts(row.getInt("version"), row.getString("version_text"), row.getString("encoding"),
                        row.getString("database"), row.getString("role"), row.getBoolean("recovery"),
                        row.getBoolean("read_only"), row.getBoolean("schema_exists"),
                        row.getBoolean("may_create_in_schema"), row.getBoolean("may_create_schema"),
                        row.getBoolean("control_exists"), row.getBoolean("may_keep_control"),
                        row.getBoolean("may_use_temporary"), row.getBoolean("icu"), row.getBoolean("citext"),
                        row.getBoolean("wal_level_logical"), row.getInt("connections_left"), row.getInt("relations"));
            }
        }
    }

    private static int version(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT current_setting('server_version_num')::int")) {
            row.next();
            return row.getInt(1);
        }
    }

    /** Tried and undone: the rules differ between versions and hosted servers, so only the attempt is a fact. */
    private static boolean replicationRole(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET LOCAL session_replication_role = replica");
            return true;
        } catch (SQLException e) {
            if (SqlFailure.of(e) == SqlFailure.PERMISSION) {
                return false;
            }
            throw e;
        } finally {
            connection.rollback();
            connection.setAutoCommit(true);
        }
    }

    private static String quoted(String identifier) {
        return '"' + identifier.replace("\"", "\"\"") + '"';
    }
}
