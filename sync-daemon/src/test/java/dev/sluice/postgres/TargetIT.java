package dev.sluice.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 3, unit = TimeUnit.MINUTES)
class TargetIT {

    private static EmbeddedTarget server;

    @BeforeAll
    static void start() {
        server = EmbeddedTarget.ephemeral();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void everySessionHasOurSettingsWhateverTheRolesDefaults() throws SQLException {
        execute("CREATE ROLE nervous LOGIN PASSWORD 'p'", "ALTER ROLE nervous SET statement_timeout = '1s'",
                "ALTER ROLE nervous SET \"TimeZone\" = 'Asia/Tokyo'",
                "ALTER ROLE nervous SET \"DateStyle\" = 'German'");
        try (Target target = Target.open(server.url().withUser("nervous").withSchema("we \"ird"), Secret.of("p"),
                new Target.Options(2, Duration.ofSeconds(7)))) {
            for (Connection session : List.of(target.connect(), target.dedicated())) {
                try (session) {
                    assertThat(text(session, "SHOW TimeZone")).isEqualTo("UTC");
                    assertThat(text(session, "SHOW DateStyle")).isEqualTo("ISO, YMD");
                    assertThat(text(session, "SHOW statement_timeout")).isEqualTo("0");
                    assertThat(text(session, "SHOW lock_timeout")).isEqualTo("7s");
                    assertThat(text(session, "SHOW search_path")).isEqualTo("\"we \"\"ird\"");
                    assertThat(text(session, "SHOW application_name")).isEqualTo("sluice");
                    assertThat(session.getAutoCommit()).isTrue();
                }
            }
        }
    }

    @Test
    void emptyServerCanBeUsedAndItsFactsAreKnown() throws SQLException {
        try (Target target = open()) {
            TargetCheck check = TargetCheck.of(target);
            assertThat(check.problems()).isEmpty();
            assertThat(check.version()).isGreaterThanOrEqualTo(TargetCheck.VERSION_MIN);
            assertThat(check.replicationRole()).isTrue();
            assertThat(check.citext()).isTrue();
            assertThat(check.icu()).isTrue();
            assertThat(check.walLevelLogical()).isTrue();
            assertThat(check.schemaExists()).isTrue();
            assertThat(check.relations()).isZero();
        }
    }

    @Test
    void missingPrivilegesAreOneSentenceEach() throws SQLException {
        execute("CREATE ROLE guest LOGIN PASSWORD 'p'", "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
                "CREATE SCHEMA closed");
        try (Target target = Target.open(server.url().withUser("guest").withSchema("closed"), Secret.of("p"),
                Target.Options.DEFAULT)) {
            TargetCheck check = TargetCheck.of(target);
            assertThat(check.problems()).hasSize(2)
                    .anyMatch(problem -> problem.contains("GRANT USAGE, CREATE ON SCHEMA \"closed\" TO \"guest\""))
                    .anyMatch(problem -> problem.contains("schema 'sluice'"));
            assertThat(check.replicationRole()).isFalse();
        }
    }

    @Test
    void wrongEncodingAndReadOnlyAreSaid() throws SQLException {
        execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
                "ALTER DATABASE latin SET default_transaction_read_only = on");
        TargetUrl url = server.url();
        TargetUrl latin = new TargetUrl(url.host(), url.port(), "latin", url.user(), null, url.parameters());
        try (Target target = Target.open(latin, server.password(), Target.Options.DEFAULT)) {
            assertThat(TargetCheck.of(target).problems()).anyMatch(problem -> problem.contains("LATIN1"))
                    .anyMatch(problem -> problem.contains("default_transaction_read_only"));
        }
    }

    @Test
    void wrongPasswordDatabaseAndPortAreSentencesNotStackTraces() {
        TargetUrl url = server.url();
        assertThat(problem(url, Secret.of("wrong"))).contains("refused the password").contains("'postgres'");
        assertThat(problem(new TargetUrl(url.host(), url.port(), "nowhere", url.user(), null, url.parameters()),
                server.password())).contains("'nowhere'").contains("CREATE DATABASE");
        assertThat(problem(new TargetUrl(url.host(), 1, "x", url.user(), null, url.parameters()),
                server.password())).contains("127.0.0.1:1").contains("nothing accepts connections");
        assertThat(problem(new TargetUrl("no-such-host.invalid", 5432, "x", "y", null, url.parameters()), null))
                .contains("host name");
    }

    @Test
    void poolSaysThePasswordIsWrongToo() {
        try (Target target = Target.open(server.url(), Secret.of("wrong"), Target.Options.DEFAULT)) {
            assertThatThrownBy(target::connect).satisfies(e -> {
                assertThat(SqlFailure.of(e)).isEqualTo(SqlFailure.PERMISSION);
                assertThat(SqlFailure.sentence(e, target.url())).contains("refused the password");
            });
        }
    }

    @Test
    void valuesOfRowsNeverReachAMessage() throws SQLException {
        execute("CREATE TABLE public.person (mail text CONSTRAINT one_mail UNIQUE, age int)",
                "INSERT INTO public.person VALUES ('ann@example.org', 1)");
        try (Target target = open(); Connection session = target.connect()) {
            assertThatThrownBy(() -> execute(session, "INSERT INTO public.person VALUES ('ann@example.org', 2)"))
                    .hasMessageNotContaining("ann@")
                    .satisfies(e -> assertThat(SqlFailure.sentence(e)).contains("one_mail").doesNotContain("ann@"));
        } finally {
            execute("DROP TABLE public.person");
        }
    }

    @Test
    void lockTimeoutIsTransient() throws SQLException {
        execute("CREATE TABLE public.held (n int)");
        try (Target target = Target.open(server.url(), server.password(),
                new Target.Options(2, Duration.ofMillis(50))); Connection holder = target.connect();
                Connection waiter = target.connect()) {
            holder.setAutoCommit(false);
            execute(holder, "LOCK TABLE public.held IN ACCESS EXCLUSIVE MODE");
            assertThatThrownBy(() -> execute(waiter, "SELECT * FROM public.held"))
                    .satisfies(e -> assertThat(SqlFailure.of(e)).isEqualTo(SqlFailure.TRANSIENT));
            holder.rollback();
        } finally {
            execute("DROP TABLE public.held");
        }
    }

    @Test
    void waitingGoesOnUntilTheServerIsBack(@TempDir Path home) throws Exception {
        EmbeddedTarget first = EmbeddedTarget.persistent(home);
        List<String> reasons = new CopyOnWriteArrayList<>();
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch healed = new CountDownLatch(1);
        AtomicReference<Object> outcome = new AtomicReference<>();
        try (Target target = Target.open(first.url(), first.password(), Target.Options.DEFAULT)) {
            Reconnect reconnect = new Reconnect(target.url(), new Reconnect.Listener() {
                @Override
                public void onBlocked(String reason) {
                    reasons.add(reason);
                    blocked.countDown();
                }

                @Override
                public void onHealed() {
                    healed.countDown();
                }
            });
            assertThat(one(reconnect, target)).isEqualTo("1");
            assertThat(reasons).isEmpty();
            first.close();
            Thread worker = new Thread(() -> {
                try {
                    outcome.set(one(reconnect, target));
                } catch (Exception e) {
                    outcome.set(e);
                }
            }, "worker");
            worker.start();
            assertThat(blocked.await(60, TimeUnit.SECONDS)).isTrue();
            assertThat(reconnect.blocked()).isTrue();
            try (EmbeddedTarget second = EmbeddedTarget.persistent(home)) {
                assertThat(second.url()).isEqualTo(first.url());
                assertThat(healed.await(60, TimeUnit.SECONDS)).isTrue();
                worker.join(10_000);
                assertThat(outcome.get()).isEqualTo("1");
                assertThat(reconnect.blocked()).isFalse();
            }
            assertThat(reasons).isNotEmpty().allMatch(reason -> reason.contains(target.url().place()));
        }
    }

    @Test
    void waitingEndsWhenTheThreadIsInterrupted() throws Exception {
        TargetUrl nobody = TargetUrl.parse("postgres://a@127.0.0.1:1/b");
        CountDownLatch blocked = new CountDownLatch(1);
        List<String> healed = new CopyOnWriteArrayList<>();
        AtomicReference<Object> outcome = new AtomicReference<>();
        try (Target target = Target.open(nobody, null, Target.Options.DEFAULT)) {
            Reconnect reconnect = new Reconnect(nobody, new Reconnect.Listener() {
                @Override
                public void onBlocked(String reason) {
                    blocked.countDown();
                }

                @Override
                public void onHealed() {
                    healed.add("healed");
                }
            });
            Thread worker = new Thread(() -> {
                try {
                    outcome.set(one(reconnect, target));
                } catch (Exception e) {
                    outcome.set(e);
                }
            }, "worker");
            worker.start();
            assertThat(blocked.await(60, TimeUnit.SECONDS)).isTrue();
            worker.interrupt();
            worker.join(20_000);
            assertThat(outcome.get()).isInstanceOf(InterruptedException.class);
            assertThat(healed).isEmpty();
        }
    }

    @Test
    void whatWaitingCantHealIsThrownAtOnce() {
        try (Target target = open()) {
            List<String> reasons = new CopyOnWriteArrayList<>();
            Reconnect reconnect = new Reconnect(target.url(), new Reconnect.Listener() {
                @Override
                public void onBlocked(String reason) {
                    reasons.add(reason);
                }

                @Override
                public void onHealed() {
                    reasons.add("healed");
                }
            });
            assertThatThrownBy(() -> reconnect.call(() -> {
                try (Connection session = target.dedicated()) {
                    return text(session, "SELECT nothing FROM nowhere");
                }
            })).isInstanceOf(SQLException.class);
            assertThat(reasons).isEmpty();
        }
    }

    private static String one(Reconnect reconnect, Target target) throws SQLException, InterruptedException {
        return reconnect.call(() -> {
            try (Connection session = target.dedicated()) {
                return text(session, "SELECT 1");
            }
        });
    }

    private static String problem(TargetUrl url, Secret password) {
        try (Target target = Target.open(url, password, Target.Options.DEFAULT)) {
            List<String> problems = TargetCheck.of(target).problems();
            assertThat(problems).hasSize(1);
            return problems.get(0);
        }
    }

    private static Target open() {
        return Target.open(server.url(), server.password(), Target.Options.DEFAULT);
    }

    private static void execute(String... statements) throws SQLException {
        try (Target target = open(); Connection session = target.dedicated()) {
            for (String sql : statements) {
                execute(session, sql);
            }
        }
    }

    private static void execute(Connection session, String sql) throws SQLException {
        try (Statement statement = session.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String text(Connection session, String sql) throws SQLException {
        try (Statement statement = session.createStatement(); ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }
}
