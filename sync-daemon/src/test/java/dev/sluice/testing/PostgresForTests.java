package dev.sluice.testing;

import dev.sluice.postgres.EmbeddedTarget;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetUrl;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One real PostgreSQL for all tests of a JVM, a new database for each that asks. {@code SLUICE_TEST_TARGET} (a URL, with
 * {@code SLUICE_TEST_TARGET_PASSWORD}) names another server than the embedded one; its role must be a superuser.
 */
public final class PostgresForTests {

    private static final AtomicInteger NUMBER = new AtomicInteger();
    private static TargetUrl url;
    private static Secret password;

    private PostgresForTests() {}

    private static synchronized void start() {
        if (url != null) {
            return;
        }
        String named = System.getenv("SLUICE_TEST_TARGET");
        if (named != null) {
            url = TargetUrl.parse(named);
            String secret = System.getenv("SLUICE_TEST_TARGET_PASSWORD");
            password = secret == null ? null : Secret.of(secret);
            return;
        }
        @SuppressWarnings("resource") // its own hook stops it when the JVM ends
        EmbeddedTarget server = EmbeddedTarget.ephemeral();
        url = server.url();
        password = server.password();
    }

    /** A connection pool to a database that nobody has used before. */
    public static Target fresh() throws SQLException {
        start();
        String database = "test_" + ProcessHandle.current().pid() + "_" + NUMBER.incrementAndGet();
        try (Target server = Target.open(url, password, Target.Options.DEFAULT);
                Connection connection = server.dedicated();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE DATABASE " + database + " TEMPLATE template0 ENCODING 'UTF8'");
        }
        return Target.open(TargetUrl.parse(named(database)), password, Target.Options.DEFAULT);
    }

    /** Drops the database of {@code target} and closes it. */
    public static void drop(Target target) throws SQLException {
        String database = target.url().effectiveDatabase();
        target.close();
        try (Target server = Target.open(url, password, Target.Options.DEFAULT);
                Connection connection = server.dedicated();
                Statement statement = connection.createStatement()) {
            statement.execute("DROP DATABASE " + database + " WITH (FORCE)");
        }
    }

    public static Secret password() {
        start();
        return password;
    }

    private static String named(String database) {
        return "postgres://" + url.effectiveUser() + "@" + url.host() + ":" + url.port() + "/" + database;
    }
}
