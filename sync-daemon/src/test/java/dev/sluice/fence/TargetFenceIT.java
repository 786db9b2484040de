package dev.sluice.fence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.plan.MigrationPlan;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.SqlFailure;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.store.ControlRow;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.StoreSchema;
import dev.sluice.testing.Plans;
import dev.sluice.testing.PostgresForTests;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;
import org.postgresql.util.PSQLException;

class TargetFenceIT {

    private static final Duration LONG = Duration.ofSeconds(20);
    private static final Duration SHORT = Duration.ofMillis(150);
    private static final AtomicInteger ROLES = new AtomicInteger();

    private Target target;
    private String role;
    private final List<Connection> connections = new ArrayList<>();
    private final MigrationPlan plan = Plans.of("t", "u");
    private final TargetFence fence = new TargetFence("it's", plan);

    @BeforeEach
    void open() throws Exception {
        target = PostgresForTests.fresh();
        role = "app_" + ProcessHandle.current().pid() + "_" + ROLES.incrementAndGet();
        ours("CREATE TABLE t (id bigint PRIMARY KEY, v text)", "CREATE TABLE u (id bigserial PRIMARY KEY, v text)",
                "CREATE ROLE " + role + " LOGIN PASSWORD 'p'", "GRANT ALL ON ALL TABLES IN SCHEMA public TO " + role,
                "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO " + role, "INSERT INTO t VALUES (1, 'one')");
        within(connection -> {
            StoreSchema.create(connection);
            new MigrationStore("it's").create(connection, "app.db", "live", plan, "test");
        });
    }

    @AfterEach
    void close() throws Exception {
        for (Connection connection : connections) {
            connection.close();
        }
        ours("DROP OWNED BY " + role, "DROP ROLE " + role);
        PostgresForTests.drop(target);
    }

    // ---- what it refuses ----

    @Test
    void everyWriteIsRefusedWithTheEpochToARoleThatMayNotEvenLookIntoOurSchema() throws Exception {
        ours("UPDATE sluice.control SET epoch = 7");
        raise();
        Connection app = application();
        assertThat(refusal(() -> run(app, "SELECT * FROM sluice.control")).state()).isEqualTo("42501");
        List<String> writes = new ArrayList<>(List.of("INSERT INTO t VALUES (2)", "UPDATE t SET v = 'x'", "DELETE FROM t",
                "TRUNCATE t", "TRUNCATE u, t", "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
                "INSERT INTO t VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v = excluded.v",
                "UPDATE t SET v = 'x' WHERE false", "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
                "INSERT INTO u (v) SELECT v FROM t", "DO $$ BEGIN DELETE FROM t; END $$"));
        if (number(app, "SELECT current_setting('server_version_num')::int") >= 150_000) {
            writes.add("MERGE INTO t USING (VALUES (1)) s (id) ON t.id = s.id WHEN MATCHED THEN DELETE");
        }
        for (String write : writes) {
            assertThat(refusal(() -> run(app, write))).as(write).satisfies(e -> {
                assertThat(e.state()).isEqualTo(TargetFence.REFUSED);
                assertThat(e.message()).startsWith("sluice: writes go to SQLite (epoch 7), table")
                        .contains("takes none");
                assertThat(e.hint()).contains("/v1/traffic");
                assertThat(e.failure()).isEqualTo(SqlFailure.FENCED);
            });
        }
        assertThat(refusal(() -> app.unwrap(PGConnection.class).getCopyAPI()
                .copyIn("COPY t FROM STDIN", new StringReader("9\tnine\n"))).state()).isEqualTo(TargetFence.REFUSED);
        assertThat(number(app, "SELECT count(*) FROM t")).isEqualTo(1);
    }

    @Test
    void statementsPreparedBeforeAreRefused() throws Exception {
        raise();
        lift();
        Connection app = application();
        try (PreparedStatement insert = app.prepareStatement("INSERT INTO t VALUES (?, 'x')")) {
            insert.unwrap(org.postgresql.PGStatement.class).setPrepareThreshold(1);
            for (int id = 10; id < 20; id++) {
                insert.setLong(1, id);
                insert.executeUpdate();
            }
            raise();
            insert.setLong(1, 20);
            assertRefused(insert::executeUpdate);
        }
    }

    @Test
    void transactionsWhoseSnapshotIsOlderAreRefused() throws Exception {
        raise();
        give("postgres", 1);
        lift();
        for (String level : List.of("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")) {
            Connection app = application();
            run(app, "BEGIN ISOLATION LEVEL " + level);
            assertThat(number(app, "SELECT count(*) FROM u")).isZero();
            give("fenced", 2);
            raise();
            assertThat(refusal(() -> run(app, "INSERT INTO t VALUES (5)"))).as(level).satisfies(e -> {
                assertThat(e.state()).isEqualTo(TargetFence.REFUSED);
                assertThat(e.message()).startsWith("sluice: writes are being moved (epoch ");
            });
            run(app, "ROLLBACK");
            give("postgres", 2);
            lift();
        }
    }

    @Test
    void writesThatComeAroundACornerAreRefused() throws Exception {
        ours("CREATE VIEW w AS SELECT * FROM t", "CREATE TABLE parent (id int PRIMARY KEY)", "INSERT INTO parent VALUES (1)",
                "ALTER TABLE u ADD COLUMN p int REFERENCES parent ON DELETE CASCADE ON UPDATE SET NULL",
                "INSERT INTO u (v, p) VALUES ('child', 1)",
                "CREATE FUNCTION lent() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM t'",
                "GRANT ALL ON ALL TABLES IN SCHEMA public TO " + role);
        raise();
        Connection app = application();
        for (String write : List.of("INSERT INTO w VALUES (3)", "UPDATE w SET v = 'x'", "DELETE FROM w", "SELECT lent()",
                "DELETE FROM parent", "UPDATE parent SET id = 2", "TRUNCATE parent CASCADE")) {
            assertRefused(() -> run(app, write));
        }
        assertThat(number(app, "SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM u WHERE p = 1)")).isEqualTo(2);
    }

    @Test
    void sessionsInReplicaRoleAreBoundToo() throws Exception {
        raise();
        try (Connection superuser = plain()) {
            run(superuser, "SET session_replication_role = replica");
            assertRefused(() -> run(superuser, "INSERT INTO t VALUES (2)"));
            assertRefused(() -> run(superuser, "TRUNCATE t"));
        }
    }

    @Test
    void whoMayNotChangeTheControlRowDoesNotPassByTheWord() throws Exception {
        raise();
        Connection app = application();
        run(app, "SET sluice.writer = on");
        assertRefused(() -> run(app, "INSERT INTO t VALUES (2)"));
        try (Connection superuser = plain()) {
            run(superuser, "SET sluice.writer = on", "INSERT INTO t VALUES (2)", "SET sluice.writer = off");
            assertRefused(() -> run(superuser, "INSERT INTO t VALUES (3)"));
        }
    }

    @Test
    void applicationsSearchPathAndOperatorsDoNotMatter() throws Exception {
        ours("CREATE SCHEMA trap AUTHORIZATION " + role);
        Connection app = application();
        run(app, "CREATE FUNCTION trap.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$SELECT 'on'::text$$",
                "CREATE FUNCTION trap.has_table_privilege(name, text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
                "CREATE TEMP TABLE control (traffic text, epoch int, migration text)", "SET search_path = trap, pg_catalog, public");
        raise();
        assertRefused(() -> run(app, "INSERT INTO public.t VALUES (2)"));
    }

    @Test
    void ourOwnSessionsPass() throws Exception {
        raise();
        for (Connection session : List.of(target.connect(), target.dedicated())) {
            try (session) {
                assertThat(text(session, "SHOW sluice.writer")).isEqualTo("on");
                run(session, "INSERT INTO t VALUES (2)", "UPDATE t SET v = 'x'", "TRUNCATE t, u", "INSERT INTO t VALUES (1)",
                        "SET session_replication_role = replica", "DELETE FROM t WHERE id = 2", "RESET session_replication_role");
                session.unwrap(PGConnection.class).getCopyAPI().copyIn("COPY u FROM STDIN", new StringReader("9\tnine\n"));
                run(session, "DELETE FROM u");
            }
        }
    }

    @Test
    void roleThatOwnsNothingOfThePlanPassesInItsOwnMigration() throws Exception {
        String mover = role + "_mover";
        ours("CREATE ROLE " + mover + " LOGIN PASSWORD 'p'", "GRANT CREATE ON DATABASE "
                + target.url().effectiveDatabase() + " TO " + mover, "DROP SCHEMA sluice CASCADE",
                "GRANT USAGE, CREATE ON SCHEMA public TO " + mover);
        try (Target other = Target.open(target.url().withUser(mover), Secret.of("p"), Target.Options.DEFAULT)) {
            try (Connection session = other.dedicated()) {
                session.setAutoCommit(false);
                StoreSchema.create(session);
                new MigrationStore("it's").create(session, "app.db", "live", plan, "test");
                session.commit();
                assertThatThrownBy(() -> fence.raise(session, LONG)).isInstanceOf(TargetRefusal.class)
                        .hasMessageContaining("\"public\".\"t\"").hasMessageContaining(mover).hasMessageContaining("GRANT");
                session.rollback();
                ours("ALTER TABLE t OWNER TO " + mover, "ALTER TABLE u OWNER TO " + mover);
                fence.raise(session, LONG);
                session.commit();
                run(session, "INSERT INTO t VALUES (2)");
                session.commit();
            }
            Connection app = application();
            assertRefused(() -> run(app, "INSERT INTO t VALUES (3)"));
        } finally {
            ours("DROP OWNED BY " + mover + " CASCADE", "DROP ROLE " + mover, "CREATE TABLE t ()", "CREATE TABLE u ()");
        }
    }

    // ---- how it is raised ----

    @Test
    void raisingWaitsForWritersInFlightAndNotForReaders() throws Exception {
        Connection reader = application();
        run(reader, "BEGIN", "SELECT * FROM t", "SELECT * FROM u FOR UPDATE");
        Connection writer = application();
        run(writer, "BEGIN", "INSERT INTO t VALUES (2)");
        try (Connection hasty = ours()) {
            long began = System.nanoTime();
            assertThatThrownBy(() -> fence.raise(hasty, SHORT)).isInstanceOfSatisfying(SQLException.class, e -> {
                assertThat(SqlFailure.of(e)).isEqualTo(SqlFailure.TRANSIENT);
                assertThat(SqlFailure.isLockTimeout(e) || e.getSQLState().equals("57014")).isTrue();
            });
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isBetween(SHORT, LONG);
            hasty.rollback();
        }
        run(writer, "INSERT INTO u (v) VALUES ('still allowed')");
        try (Connection look = target.connect()) {
            assertThat(fence.inTheWay(look)).hasSize(2).allMatch(found -> found.contains("RowExclusiveLock"));
        }
        Future<?> raised = aside(() -> {
            raise();
            return null;
        });
        awaitWaiting();
        assertThat(number(reader, "SELECT count(*) FROM t")).isEqualTo(1);
        run(application(), "INSERT INTO t VALUES (3)"); // who comes meanwhile is not kept waiting for as long
        run(writer, "COMMIT");
        raised.get(20, TimeUnit.SECONDS);
        assertThat(refusal(() -> run(writer, "INSERT INTO t VALUES (4)")).state()).isEqualTo(TargetFence.REFUSED);
        try (Connection look = target.connect()) {
            assertThat(number(look, "SELECT count(*) FROM t")).as("their rows are there").isEqualTo(3);
            assertThat(fence.missing(look)).isEmpty();
        }
        run(reader, "COMMIT");
    }

    @Test
    void waitIsForAllTablesTogether() throws Exception {
        Connection one = application();
        run(one, "BEGIN", "INSERT INTO t VALUES (2)");
        Connection other = application();
        run(other, "BEGIN", "INSERT INTO u (v) VALUES ('x')");
        try (Connection hasty = ours()) {
            Future<?> failed = aside(() -> {
                assertThatThrownBy(() -> fence.raise(hasty, Duration.ofSeconds(2))).isInstanceOf(SQLException.class);
                return null;
            });
            awaitWaiting();
            long began = System.nanoTime();
            run(one, "COMMIT");
            failed.get(20, TimeUnit.SECONDS);
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofMillis(2_500));
            hasty.rollback();
        }
        run(other, "ROLLBACK");
    }

    @Test
    void writerThatHoldsOneTableAndWantsAnotherIsNeitherStoppedNorEnded() throws Exception {
        try (Connection writer = plain()) {
            run(writer, "SET deadlock_timeout = '60s'", "SET statement_timeout = '15s'", "BEGIN", "INSERT INTO u (v) VALUES ('x')");
            Future<?> raised = aside(() -> {
                within(connection -> {
                    run(connection, "SET LOCAL deadlock_timeout = '60s'");
                    fence.raise(connection, LONG);
                });
                return null;
            });
            awaitWaiting(); // it holds t and wants u
            run(writer, "UPDATE t SET v = 'x'", "COMMIT");
            raised.get(20, TimeUnit.SECONDS);
            assertThat(refusal(() -> run(writer, "DELETE FROM t")).state()).isEqualTo(TargetFence.REFUSED);
        }
    }

    @Test
    void settingsOfTheCallersTransactionStayAsTheyWere() throws Exception {
        try (Connection session = ours()) {
            run(session, "SET LOCAL lock_timeout = '1234ms'", "SET LOCAL statement_timeout = '17s'");
            fence.raise(session, SHORT);
            assertThat(text(session, "SHOW lock_timeout")).isEqualTo("1234ms");
            assertThat(text(session, "SHOW statement_timeout")).isEqualTo("17s");
            session.rollback();
        }
    }

    @Test
    void nothingIsLockedWhereTheFenceIsUp() throws Exception {
        raise();
        Connection holder = application();
        run(holder, "BEGIN", "LOCK TABLE t IN ROW EXCLUSIVE MODE");
        try (Connection session = ours()) {
            fence.raise(session, SHORT);
            session.rollback();
        }
    }

    @Test
    void fenceHoldsFromTheCommitOnAndNotFromARollback() throws Exception {
        try (Connection session = ours()) {
            fence.raise(session, LONG);
            session.rollback();
            Connection app = application();
            run(app, "INSERT INTO t VALUES (2)");
            fence.raise(session, LONG);
            session.commit();
            fence.lift(session, LONG);
            session.rollback();
            assertRefused(() -> run(app, "INSERT INTO t VALUES (3)"));
            fence.lift(session, LONG);
            session.commit();
            run(app, "INSERT INTO t VALUES (3)", "TRUNCATE t");
            assertThat(text(session, "SELECT string_agg(tgenabled::text, '') FROM pg_trigger WHERE tgname = '_sluice_fence'"))
                    .as("disabled, not dropped").isEqualTo("DD");
        }
        try (Connection session = target.connect()) {
            assertThatThrownBy(() -> fence.raise(session, LONG)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void liftedFenceAndTrafficAreOneDecision() throws Exception {
        raise();
        ControlRow row = new ControlRow("it's");
        Connection app = application();
        try (Connection session = ours()) {
            ControlRow.Content asked = row.ask(session);
            assertThat(row.flip(session, new ControlRow.Claim(asked.generation(), asked.version() - 1, 1))).isEmpty();
            session.rollback();
            assertRefused(() -> run(app, "INSERT INTO t VALUES (2)"));
            assertThat(row.flip(session, new ControlRow.Claim(asked.generation(), asked.version(), 1)))
                    .contains(new ControlRow.Content("postgres", 1, asked.version() + 1, asked.generation()));
            fence.lift(session, LONG);
            session.commit();
            run(app, "INSERT INTO t VALUES (2)");
        }
    }

    // ---- where it stands ----

    @Test
    void partitionsAndWhatATableIsAPartitionOfAreFencedWithIt() throws Exception {
        ours("DROP TABLE t", "CREATE TABLE whole (id bigint, part int, PRIMARY KEY (id, part)) PARTITION BY LIST (part)",
                "CREATE TABLE t PARTITION OF whole FOR VALUES IN (1) PARTITION BY RANGE (id)",
                "CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (0) TO (100)",
                "CREATE TABLE other PARTITION OF whole FOR VALUES IN (2)", "CREATE TABLE heir () INHERITS (u)",
                "GRANT ALL ON ALL TABLES IN SCHEMA public TO " + role);
        raise();
        Connection app = application();
        for (String write : List.of("INSERT INTO whole VALUES (1, 1)", "INSERT INTO t VALUES (1, 1)",
                "INSERT INTO t_low VALUES (1, 1)", "DELETE FROM whole", "TRUNCATE t_low", "INSERT INTO heir (v) VALUES ('x')",
                "UPDATE u SET v = 'x'")) {
            assertRefused(() -> run(app, write));
        }
        run(app, "INSERT INTO other VALUES (1, 2)");
        ours("CREATE TABLE t_high PARTITION OF t FOR VALUES FROM (100) TO (200)", "GRANT ALL ON t_high TO " + role);
        try (Connection session = ours()) {
            assertThat(fence.missing(session)).containsExactly("\"public\".\"t_high\"");
            fence.raise(session, LONG);
            session.commit();
            assertThat(fence.missing(session)).isEmpty();
        }
        assertRefused(() -> run(app, "INSERT INTO t_high VALUES (101, 1)"));
        lift();
        run(app, "INSERT INTO whole VALUES (1, 1)", "INSERT INTO t_high VALUES (101, 1)", "INSERT INTO heir (v) VALUES ('x')");
    }

    @Test
    void fenceThatWasTamperedWithIsMissingAndMadeAnew() throws Exception {
        raise();
        for (String tampering : List.of("ALTER TABLE t DISABLE TRIGGER _sluice_fence", "ALTER TABLE t DISABLE TRIGGER ALL",
                "ALTER TABLE t ENABLE TRIGGER _sluice_fence", "DROP TRIGGER _sluice_fence ON t",
                "DROP TRIGGER _sluice_fence ON t; CREATE TRIGGER _sluice_fence BEFORE INSERT ON t"
                        + " FOR EACH STATEMENT EXECUTE FUNCTION sluice.refuse_write('it''s')",
                "DROP TRIGGER _sluice_fence ON t; CREATE TRIGGER _sluice_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON t"
                        + " FOR EACH STATEMENT EXECUTE FUNCTION sluice.refuse_write('another')",
                "DROP FUNCTION sluice.refuse_write() CASCADE")) {
            ours(tampering);
            try (Connection session = ours()) {
                assertThat(fence.missing(session)).as(tampering).contains("\"public\".\"t\"");
                fence.raise(session, LONG);
                session.commit();
                assertThat(fence.missing(session)).as(tampering).isEmpty();
            }
            Connection app = application();
            assertRefused(() -> run(app, "DELETE FROM t"));
        }
    }

    @Test
    void twoDaemonsRaiseTheFirstFenceAtOnce() throws Exception {
        List<Future<?>> raised = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            raised.add(aside(() -> {
                raise();
                return null;
            }));
        }
        for (Future<?> one : raised) {
            one.get(30, TimeUnit.SECONDS);
        }
        try (Connection session = target.connect()) {
            assertThat(fence.missing(session)).isEmpty();
        }
    }

    @Test
    void removedFenceLeavesThoseOfOtherMigrations() throws Exception {
        ours("CREATE TABLE x (id bigint PRIMARY KEY)", "GRANT ALL ON x TO " + role);
        raise();
        MigrationPlan plans = Plans.of("x");
        TargetFence other = new TargetFence("other", plans);
        within(connection -> {
            new MigrationStore("other").create(connection, "b.db", "live", plans, "test");
            other.raise(connection, LONG);
        });
        within(connection -> new TargetFence("it's", Plans.of()).remove(connection, LONG));
        Connection app = application();
        run(app, "INSERT INTO t VALUES (2)");
        assertRefused(() -> run(app, "INSERT INTO x VALUES (2)"));
        within(connection -> {
            fence.raise(connection, LONG);
            StoreSchema.remove(connection, "it's");
        });
        assertThat(refusal(() -> run(app, "INSERT INTO t VALUES (3)")).message())
                .as("a fence whose migration is gone").contains("epoch unknown");
        within(connection -> StoreSchema.remove(connection, "other"));
        run(app, "INSERT INTO t VALUES (3)", "INSERT INTO x VALUES (3)");
    }

    @Test
    void tablesThatAreNotThereYetAreLeftOut() throws Exception {
        TargetFence early = new TargetFence("it's", Plans.of("t", "later", "\"odd\" 'name'"));
        within(connection -> early.raise(connection, LONG));
        ours("CREATE TABLE later (id int PRIMARY KEY)", "CREATE TABLE \"\"\"odd\"\" 'name'\" (id int)");
        try (Connection session = target.connect()) {
            assertThat(early.missing(session)).containsExactly("\"public\".\"\"\"odd\"\" 'name'\"", "\"public\".\"later\"");
        }
        within(connection -> early.raise(connection, LONG));
        try (Connection session = target.connect()) {
            assertThat(early.missing(session)).isEmpty();
        }
    }

    // ---- the stage ----

    private interface Act {
        void on(Connection connection) throws SQLException;
    }

    private interface Attempt {
        Object run() throws Exception;
    }

    private void within(Act act) throws SQLException {
        try (Connection connection = ours()) {
            act.on(connection);
            connection.commit();
        }
    }

    private void raise() throws SQLException {
        within(connection -> fence.raise(connection, LONG));
    }

    private void lift() throws SQLException {
        within(connection -> fence.lift(connection, LONG));
    }

    private void give(String traffic, long epoch) throws SQLException {
        ours("UPDATE sluice.control SET traffic = '" + traffic + "', epoch = " + epoch);
    }

    private void ours(String... statements) throws SQLException {
        try (Connection connection = target.connect()) {
            run(connection, statements);
        }
    }

    private Connection ours() throws SQLException {
        Connection connection = target.dedicated();
        connection.setAutoCommit(false);
        return connection;
    }

    /** As an application connects: with a role of its own and without our word. */
    private Connection application() throws SQLException {
        Connection connection = login(role, "p");
        connections.add(connection);
        return connection;
    }

    private Connection plain() throws SQLException {
        return login(target.url().effectiveUser(), PostgresForTests.password().reveal());
    }

    private Connection login(String user, String password) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", password);
        return DriverManager.getConnection("jdbc:postgresql://" + target.url().place() + "/"
                + target.url().effectiveDatabase(), properties);
    }

    private static Object run(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
        return null;
    }

    private static String text(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    private static long number(Connection connection, String sql) throws SQLException {
        return Long.parseLong(text(connection, sql));
    }

    private record Refused(String state, String message, String hint, SqlFailure failure) {}

    private static Refused refusal(Attempt attempt) {
        try {
            attempt.run();
        } catch (PSQLException e) {
            return new Refused(e.getSQLState(), e.getServerErrorMessage().getMessage(), e.getServerErrorMessage().getHint(),
                    SqlFailure.of(e));
        } catch (Exception e) {
            throw new AssertionError(e);
        }
        throw new AssertionError("was not refused");
    }

    private static void assertRefused(Attempt attempt) {
        assertThat(refusal(attempt).state()).isEqualTo(TargetFence.REFUSED);
    }

    /** Until somebody waits for a lock on a table. */
    private void awaitWaiting() {
        Awaitility.await().atMost(LONG).pollInterval(Duration.ofMillis(5)).until(() -> {
            try (Connection look = target.connect()) {
                return number(look, "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'ShareRowExclusiveLock'") > 0;
            }
        });
    }

    private static <T> Future<T> aside(Callable<T> work) {
        ExecutorService thread = Executors.newSingleThreadExecutor();
        Future<T> future = thread.submit(work);
        thread.shutdown();
        return future;
    }
}
