package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.postgres.Secret;
import dev.sluice.postgres.SqlFailure;
import dev.sluice.postgres.Target;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.OwnServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What an administrator, another client or the server itself does to us, in the middle of the copy and while following: it
 * is said why nothing moves, it heals when the cause is gone, and nothing is lost. The migration runs as an ordinary role.
 */
class TargetFaultIT {

    private static final String[] SCHEMA = {
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE)",
        "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT)", "CREATE TABLE log (line TEXT)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
                + " INSERT INTO users SELECT i, 'name ' || i, 'mail' || i FROM n",
        "INSERT INTO kv SELECT 'k' || id, name FROM users", "INSERT INTO log SELECT name FROM users"};

    @TempDir
    static Path home;

    private static OwnServer server;

    @TempDir
    Path folder;

    @BeforeAll
    static void startServer() throws Exception {
        Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwxr-xr-x"));
        server = new OwnServer(home.resolve("postgres"));
        server.sql("CREATE ROLE mover LOGIN PASSWORD 'mover'", "ALTER SYSTEM SET max_connections = 20");
        server.stop();
        server.start();
    }

    @AfterAll
    static void stopServer() {
        server.close();
    }

    /** Done to the target, and taken back. */
    private interface Act {
        void on(LiveGround ground) throws Exception;
    }

    private static void write(LiveGround ground, String mark) throws Exception {
        ground.app("UPDATE users SET name = '" + mark + "' WHERE id % 7 = 0", "DELETE FROM users WHERE id % 50 = 1",
                "REPLACE INTO kv VALUES ('k5', '" + mark + "'), ('new " + mark + "', 'x')",
                "INSERT INTO log VALUES ('" + mark + "')", "DELETE FROM log WHERE line = 'name 9'");
    }

    private LiveGround ground() throws Exception {
        LiveGround ground = new LiveGround(folder, server.fresh(), SCHEMA);
        ground.there("GRANT CREATE, CONNECT, TEMPORARY ON DATABASE " + database(ground) + " TO mover",
                "REVOKE ALL ON DATABASE " + database(ground) + " FROM PUBLIC", "GRANT CREATE, USAGE ON SCHEMA public TO mover");
        return ground;
    }

    private static String database(LiveGround ground) {
        return ground.target().url().effectiveDatabase();
    }

    /** Another way to the same database, which gives up a lock soon. */
    private static Target as(LiveGround ground, String role, String password) {
        return Target.open(ground.target().url().withUser(role), Secret.of(password),
                new Target.Options(4, Duration.ofMillis(300)));
    }

    /** Ends our sessions, so that new ones have to be made. */
    private static void endSessions(LiveGround ground) throws SQLException {
        ground.there("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mover'");
    }

    /** Both in the middle of the copy and while following. */
    private void strike(String words, Act fault, Act remedy) throws Exception {
        try (LiveGround ground = ground(); Target mover = as(ground, "mover", "mover")) {
            ground.through(mover).startAndPauseMidCopy();
            fault.on(ground);
            write(ground, "copying");
            try {
                ground.migration().resume();
            } catch (SQLException e) {
                assertThat(SqlFailure.of(e)).isNotEqualTo(SqlFailure.OTHER); // the wish is not stored, but it goes on
            }
            ground.awaitBlocked(words);
            write(ground, "still copying");
            remedy.on(ground);
            ground.awaitReplicating();
            ground.awaitSame();
            ground.migration().resume();
            fault.on(ground);
            write(ground, "following");
            String sentence = ground.awaitBlocked(words);
            assertThat(sentence).doesNotContain("Exception").doesNotContain("mover'").contains("target");
            write(ground, "still following");
            remedy.on(ground);
            ground.awaitSame();
            assertThat(ground.verify().isEqual()).isTrue();
            ground.migration().close();
        } finally {
            server.sql("ALTER ROLE mover CONNECTION LIMIT -1 PASSWORD 'mover'", "ALTER ROLE mover RESET ALL");
        }
    }

    @Test
    void restart() throws Exception {
        strike("target", ground -> server.stop(), ground -> server.start());
    }

    @Test
    void connectionLimitOfTheRole() throws Exception {
        strike("no connection left", ground -> {
            server.sql("ALTER ROLE mover CONNECTION LIMIT 0");
            endSessions(ground);
        }, ground -> server.sql("ALTER ROLE mover CONNECTION LIMIT -1"));
    }

    @Test
    void connectionsTakenByOthers() throws Exception {
        List<Connection> others = new ArrayList<>();
        try {
            strike("no connection left", ground -> takeAllConnections(ground, others), ground -> close(others));
        } finally {
            close(others);
        }
    }

    private static void takeAllConnections(LiveGround ground, List<Connection> others) throws SQLException {
        endSessions(ground);
        try (Target other = Target.open(ground.target().url().withUser("other"), Secret.of("other"), Target.Options.DEFAULT)) {
            server.sql("DROP OWNED BY other", "DROP ROLE other");
            other.schema();
        } catch (SQLException e) {
            assertThat(SqlFailure.of(e)).isEqualTo(SqlFailure.MISSING);
        }
        server.sql("CREATE ROLE other LOGIN PASSWORD 'other'", "GRANT CONNECT ON DATABASE " + database(ground) + " TO other");
        try (Target other = Target.open(ground.target().url().withUser("other"), Secret.of("other"), Target.Options.DEFAULT)) {
            SQLException full = null;
            // the migration itself may have been quicker than we in between
            while (full == null || others.size() < 8 || !ground.target(
                    "SELECT 1 FROM pg_stat_activity WHERE usename = 'mover'").isEmpty()) {
                try {
                    others.add(other.dedicated());
                } catch (SQLException e) {
                    full = e;
                    endSessions(ground);
                }
            }
        }
    }

    private static void close(List<Connection> connections) throws SQLException {
        for (Connection connection : connections) {
            connection.close();
        }
        connections.clear();
    }

    @Test
    void revokedTable() throws Exception {
        strike("lacks a privilege", ground -> ground.there("REVOKE ALL ON kv, log, users FROM mover"),
                ground -> ground.there("GRANT ALL ON kv, log, users TO mover"));
    }

    @Test
    void revokedSchema() throws Exception {
        strike("target", ground -> ground.there("REVOKE ALL ON SCHEMA public FROM mover, PUBLIC"),
                ground -> ground.there("GRANT USAGE, CREATE ON SCHEMA public TO mover"));
    }

    @Test
    void revokedOwnSchema() throws Exception {
        strike("lacks a privilege", ground -> ground.there("REVOKE ALL ON SCHEMA sluice FROM mover"),
                ground -> ground.there("GRANT ALL ON SCHEMA sluice TO mover"));
    }

    @Test
    void revokedConnect() throws Exception {
        strike("lacks a privilege", ground -> {
            ground.there("REVOKE CONNECT ON DATABASE " + database(ground) + " FROM mover");
            endSessions(ground);
        }, ground -> ground.there("GRANT CONNECT ON DATABASE " + database(ground) + " TO mover"));
    }

    @Test
    void changedPassword() throws Exception {
        strike("refused the password", ground -> {
            ground.there("ALTER ROLE mover PASSWORD 'other'");
            endSessions(ground);
        }, ground -> ground.there("ALTER ROLE mover PASSWORD 'mover'"));
    }

    @Test
    void readOnlyRole() throws Exception {
        strike("takes no writes", ground -> {
            ground.there("ALTER ROLE mover SET default_transaction_read_only = on");
            endSessions(ground);
        }, ground -> {
            ground.there("ALTER ROLE mover RESET default_transaction_read_only");
        });
    }

    @Test
    void standbyThatIsPromoted() throws Exception {
        strike("takes no writes", ground -> server.becomeStandby(), ground -> ground.there("SELECT pg_promote(true, 60)"));
    }

    @Test
    void lockedTables() throws Exception {
        List<Connection> readers = new ArrayList<>();
        strike("did not give a lock", ground -> {
            Connection reader = ground.target().dedicated();
            readers.add(reader);
            reader.setAutoCommit(false);
            try (Statement statement = reader.createStatement()) {
                statement.execute("LOCK TABLE kv, log, users IN ACCESS EXCLUSIVE MODE");
            }
        }, ground -> readers.remove(0).close());
    }

    /** Timeouts that are meant for the application's queries do not hinder us. */
    @Test
    void timeoutsOfTheRoleDoNotHinder() throws Exception {
        try (LiveGround ground = ground()) {
            server.sql("ALTER ROLE mover SET statement_timeout = '100ms'", "ALTER ROLE mover SET lock_timeout = '1ms'",
                    "ALTER ROLE mover SET idle_in_transaction_session_timeout = '1ms'");
            int version = Integer.parseInt(ground.target("SHOW server_version_num").get(0)) / 10_000;
            if (version >= 14) {
                server.sql("ALTER ROLE mover SET idle_session_timeout = '50ms'");
            }
            if (version >= 17) {
                server.sql("ALTER ROLE mover SET transaction_timeout = '100ms'");
            }
            ground.there("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.3);"
                    + " RETURN new; END $$");
            try (Target mover = as(ground, "mover", "mover")) {
                ground.through(mover).startAndFollow();
                ground.there("CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON kv FOR EACH STATEMENT EXECUTE FUNCTION wait()");
                write(ground, "slow");
                ground.awaitSame();
                ground.app("UPDATE kv SET v = 'again'");
                ground.awaitSame();
                ground.migration().close();
            }
        } finally {
            server.sql("ALTER ROLE mover RESET ALL");
        }
    }

    /** Reader and writer wait for each other; PostgreSQL undoes one of the two. */
    @Test
    void deadlockWithAReadersDdlPasses() throws Exception {
        try (LiveGround ground = ground().startAndFollow(); Connection reader = ground.target().dedicated();
                Statement statement = reader.createStatement()) {
            for (int i = 0; i < 3; i++) {
                reader.setAutoCommit(false);
                statement.execute("SET deadlock_timeout = '100ms'");
                statement.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE");
                ground.appTogether("UPDATE kv SET v = 'both " + i + "' WHERE k = 'k2'",
                        "UPDATE users SET name = 'both " + i + "' WHERE id = 2", "UPDATE log SET line = 'both' WHERE rowid = 2");
                Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> ground.target(
                        "SELECT count(*) FROM pg_locks WHERE NOT granted").equals(List.of("1")));
                try {
                    statement.execute("ALTER TABLE kv ADD COLUMN theirs" + i + " text");
                    statement.execute("ALTER TABLE log ADD COLUMN theirs" + i + " text");
                    reader.commit();
                } catch (SQLException e) {
                    assertThat(e.getSQLState()).isEqualTo("40P01");
                    reader.rollback();
                }
                ground.awaitSame();
            }
        }
    }
}
