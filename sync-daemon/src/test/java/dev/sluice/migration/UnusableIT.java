package dev.sluice.migration;

import static dev.sluice.testing.SmallDisk.succeeds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.census.Census;
import dev.sluice.plan.MappingRules;
import dev.sluice.postgres.EmbeddedTarget;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetUrl;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.PostgresForTests;
import dev.sluice.testing.SameRows;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What can't be used is refused with one sentence and left as it is; what only waits is blocked, and heals by itself. */
class UnusableIT {

    @TempDir
    Path folder;

    private static final String[] SCHEMA = {"CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "INSERT INTO t VALUES (1, 'a'), (2, 'b')"};

    /** Both ways refuse with a sentence that contains {@code words}; neither side is changed. */
    private static void assertRefused(LiveGround ground, Target target, String... words) throws Exception {
        for (String word : words) {
            assertThatThrownBy(() -> Preparation.of(ground.file(), target, MappingRules.DEFAULT,
                    Duration.ofSeconds(2), Census.Listener.NONE).requireFit())
                    .hasMessageContaining(word).satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
        }
        LiveMigration migration = ground.start(target);
        assertThat(migration.awaitEnd(Duration.ofSeconds(30))).isTrue();
        assertThat(Preparation.sentence(migration.failure())).contains(words);
        assertThat(ground.traces()).isEmpty();
        assertThat(ground.target("SELECT to_regnamespace('sluice')")).containsExactly("∅");
        assertThat(ground.target("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")).isEmpty();
    }

    private static Target as(LiveGround ground, String role, String password) {
        return Target.open(ground.target().url().withUser(role), Secret.of(password), Target.Options.DEFAULT);
    }

    @Test
    void roleWithoutPrivilegesIsRefused() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SCHEMA)) {
            String role = "weak_" + ProcessHandle.current().pid();
            ground.there("CREATE ROLE " + role + " LOGIN PASSWORD 'weak'", "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
            try (Target weak = as(ground, role, "weak")) {
                assertRefused(ground, weak, "CREATE", role);
            } finally {
                ground.there("DROP ROLE " + role);
            }
        }
    }

    @Test
    void targetThatGoesAwayWhileItIsLookedAtIsWaitedFor() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SCHEMA);
                Target away = Target.open(TargetUrl.parse("postgres://nobody@127.0.0.1:1/none"), Secret.of("none"),
                        Target.Options.DEFAULT)) {
            AtomicInteger looks = new AtomicInteger();
            ground.start(() -> Preparation.of(ground.file(), looks.incrementAndGet() == 1 ? away : ground.target(),
                    MappingRules.DEFAULT, Duration.ofSeconds(2), Census.Listener.NONE));
            ground.awaitReplicating();
            assertThat(looks).hasValue(2);
            SameRows.assertSame(ground);
        }
    }

    /** The least that the documentation asks for is enough. */
    @Test
    void roleWithTheLeastPrivilegesFollows() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE p (id INTEGER PRIMARY KEY, v TEXT)",
                "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p ON DELETE CASCADE)",
                "INSERT INTO p VALUES (1, 'a'), (2, 'b')", "INSERT INTO c VALUES (1, 1), (2, 2)")) {
            String role = "least_" + ProcessHandle.current().pid();
            ground.there("CREATE ROLE " + role + " LOGIN PASSWORD 'least'", "GRANT CREATE ON DATABASE "
                    + ground.target().url().effectiveDatabase() + " TO " + role, "GRANT CREATE, USAGE ON SCHEMA public TO " + role);
            try (Target least = as(ground, role, "least")) {
                ground.start(least);
                ground.awaitReplicating();
                // without the right to keep triggers quiet there are no foreign keys, and so no cascades
                ground.app("DELETE FROM p WHERE id = 1", "INSERT INTO p VALUES (3, 'c')");
                assertThat(ground.verify().isEqual()).isTrue();
                SameRows.assertSame(ground);
                ground.migration().close();
            } finally {
                ground.there("DROP OWNED BY " + role + " CASCADE", "DROP ROLE " + role);
            }
        }
    }

    @Test
    void wrongPasswordAndUnknownDatabaseEndAFirstStart() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SCHEMA)) {
            try (Target wrong = Target.open(ground.target().url(), Secret.of("wrong"), Target.Options.DEFAULT)) {
                assertRefused(ground, wrong, "refused the password");
            }
            try (Target unknown = Target.open(TargetUrl.parse(ground.target().url().toString()
                    .replace(ground.target().url().effectiveDatabase(), "no_such")), PostgresForTests.password(),
                    Target.Options.DEFAULT)) {
                assertRefused(ground, unknown, "no database");
            }
        }
    }

    @Test
    void tableWithMoreColumnsThanPostgresqlTakesIsRefused() throws Exception {
        String columns = IntStream.range(0, 2_000).mapToObj(i -> "c" + i).collect(Collectors.joining(", "));
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE wide (" + columns + ")", "INSERT INTO wide (c0) VALUES (1)")) {
            assertRefused(ground, ground.target(), "table wide has 2,000 columns, and PostgreSQL takes 1,600");
        }
    }

    @Test
    void targetThatIsAwayAtTheStartIsWaitedFor() throws Exception {
        Path home = folder.resolve("postgres");
        EmbeddedTarget server = EmbeddedTarget.persistent(home);
        Target target = Target.open(server.url(), server.password(), Target.Options.DEFAULT);
        LiveGround ground = new LiveGround(folder, target, SCHEMA);
        try {
            server.close();
            ground.start();
            assertThat(ground.awaitBlocked("unreachable")).contains("nothing accepts connections");
            assertThat(ground.traces()).isEmpty();
            server = EmbeddedTarget.persistent(home);
            ground.awaitReplicating();
            assertThat(ground.migration().status().run()).isEqualTo("running");
            server.close();
            ground.app("INSERT INTO t VALUES (3, 'written while it was away')");
            ground.awaitBlocked("unreachable");
            server = EmbeddedTarget.persistent(home);
            Awaitility.await().atMost(Duration.ofSeconds(30)).ignoreExceptionsInstanceOf(SQLException.class)
                    .untilAsserted(() -> SameRows.assertSame(ground));
            assertThat(ground.migration().status().run()).isEqualTo("running");
        } finally {
            ground.migration().close();
            ground.application().close();
            target.close();
            server.close();
        }
    }

    /** The target's disk is a small one in memory, and it grows later. */
    @Test
    void fullDiskOfTheTargetBlocksUntilThereIsRoom() throws Exception {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        assumeTrue(succeeds("mount", "-t", "tmpfs", "-o", "size=40m", "none", disk.toString()), "needs the right to mount");
        try {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
            Path space = Files.createDirectory(disk.resolve("space"));
            Files.setPosixFilePermissions(space, PosixFilePermissions.fromString("rwxrwxrwx"));
            try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)",
                    "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 600)"
                            + " INSERT INTO t SELECT i, randomblob(100000) FROM g")) {
                String owner = ground.target("SELECT setting FROM pg_settings WHERE name = 'data_directory'").get(0);
                assumeTrue(succeeds("chown", "--reference=" + owner, space.toString()), "needs the right to change owners");
                String name = "small_" + ProcessHandle.current().pid();
                ground.there("CREATE TABLESPACE " + name + " LOCATION '" + space + "'");
                ground.there("ALTER DATABASE " + ground.target().url().effectiveDatabase() + " SET default_tablespace = '" + name + "'");
                ground.start();
                assertThat(ground.awaitBlocked("no disk space left")).contains("free or add some");
                long seen = ground.migration().status().rowsCopied();
                assertThat(seen).isLessThan(600);
                ground.app("UPDATE t SET v = x'00' WHERE id < 10");
                assertThat(succeeds("mount", "-o", "remount,size=400m", disk.toString())).isTrue();
                ground.awaitReplicating();
                assertThat(ground.verify().isEqual()).isTrue();
                ground.migration().close();
                ground.there("ALTER DATABASE " + ground.target().url().effectiveDatabase() + " RESET default_tablespace",
                        "DROP SCHEMA sluice CASCADE", "DROP TABLE t");
                ground.there("DROP TABLESPACE " + name);
            }
        } finally {
            assertThat(succeeds("umount", "-l", disk.toString())).isTrue();
        }
    }

    @Test
    void secondMigrationOfTheSameNameOrSourceIsRefused() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SCHEMA).startAndFollow()) {
            ground.stop();
            Path own = Files.createTempDirectory(folder, "other");
            Path other = own.resolve("app.db");
            ground.app("VACUUM INTO '" + other + "'");
            LiveMigration second = ground.start(ground.target(), new SqliteFile(other), LiveGround.NAME);
            assertThat(second.awaitEnd(Duration.ofSeconds(30))).isTrue();
            assertThat(second.failure()).hasMessageContaining("belongs to").hasMessageContaining("another --name");
            assertThatThrownBy(() -> ground.migrate()).isInstanceOf(RuntimeException.class);
            try (Connection connection = ground.target().connect(); Statement statement = connection.createStatement()) {
                statement.execute("CREATE SCHEMA elsewhere");
            }
            try (Target elsewhere = Target.open(ground.target().url().withSchema("elsewhere"), PostgresForTests.password(),
                    Target.Options.DEFAULT)) {
                ground.start(elsewhere, ground.file(), "third");
                assertThat(ground.awaitFailure()).hasMessageContaining("captured already");
            }
            ground.startAndFollow();
            ground.app("INSERT INTO t VALUES (3, 'c')");
            assertThat(ground.verify().isEqual()).isTrue();
        }
    }
}
