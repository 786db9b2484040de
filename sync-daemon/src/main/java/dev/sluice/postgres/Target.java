package dev.sluice.postgres;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.SQLExceptionOverride;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.postgresql.Driver;

/**
 * The connections to one target schema. {@link #connect} lends from a small pool (for bulk work: silent for as long as
 * it takes, a vanished server is noticed by TCP probes); {@link #dedicated} opens one outside the pool for a thread
 * that keeps it. Every session has the same settings whatever the role's or database's defaults are, see {@link
 * #SESSION}. Opening a Target connects to nothing, so it also works while the server is away. Thread-safe.
 */
public final class Target implements AutoCloseable {

    /** How long a pooled connection may be waited for; longer means a leak or a server that is away. */
    private static final Duration POOL_WAIT = Duration.ofSeconds(10);
    private static final Duration CONNECT_WAIT = Duration.ofSeconds(10);

    /** The word that our fence lets pass; a name of two parts needs no declaration and may be set by every role. */
    private static final String WRITER = "sluice.writer";

    /**
     * The settings of every session of ours. Timeouts that an administrator set for applications must not kill a copy
     * or an index build; row security must fail instead of hiding rows; a vanished client must not keep its locks.
     */
    private static final Map<String, String> SESSION = Map.ofEntries(
            Map.entry("TimeZone", "UTC"),
            Map.entry("DateStyle", "ISO, YMD"),
            Map.entry("IntervalStyle", "iso_8601"),
            Map.entry("extra_float_digits", "3"),
            Map.entry("standard_conforming_strings", "on"),
            Map.entry("bytea_output", "hex"),
            Map.entry("default_transaction_isolation", "read committed"),
            Map.entry("statement_timeout", "0"),
            Map.entry("transaction_timeout", "0"),
            Map.entry("idle_session_timeout", "0"),
            Map.entry("idle_in_transaction_session_timeout", "15min"),
            Map.entry("row_security", "off"),
            Map.entry("tcp_keepalives_idle", "30"),
            Map.entry("tcp_keepalives_interval", "10"),
            Map.entry("tcp_keepalives_count", "3"),
            Map.entry("jit", "off"),
            Map.entry(WRITER, "on"));

    private final TargetUrl url;
    private final Secret password;
    private final Options options;
    private final HikariDataSource pool;

    /**
     * What may be chosen about the connections.
     *
     * @param poolSize    connections lent at most at the same time
     * @param lockTimeout how long one statement waits for a lock; zero waits for ever
     * @param beside      connections that are opened beside the pool at most
     */
    public record Options(int poolSize, Duration lockTimeout, int beside) {

        public static final Options DEFAULT = new Options(4, Duration.ofSeconds(30));

        /** With the follower, a verification (two) and the control session beside the pool. */
        public Options(int poolSize, Duration lockTimeout) {
            this(poolSize, lockTimeout, 4);
        }

        public Options {
            if (poolSize < 1) {
                throw new IllegalArgumentException("poolSize " + poolSize);
            }
        }
    }

    private Target(TargetUrl url, Secret password, Options options) {
        this.url = url;
        this.password = password;
        this.options = options;
        HikariConfig config = new HikariConfig();
        config.setPoolName("sluice-target");
        config.setDataSource(new Sessions());
        config.setMaximumPoolSize(options.poolSize());
        config.setMinimumIdle(0);
        config.setIdleTimeout(TimeUnit.MINUTES.toMillis(2));
        config.setMaxLifetime(TimeUnit.MINUTES.toMillis(30));
        config.setKeepaliveTime(TimeUnit.SECONDS.toMillis(60));
        config.setConnectionTimeout(POOL_WAIT.toMillis());
        config.setValidationTimeout(TimeUnit.SECONDS.toMillis(5));
        config.setExceptionOverride(new Spent());
        config.setInitializationFailTimeout(-1); // a target that is away at the start is waited for by Reconnect
        this.pool = new HikariDataSource(config);
    }

    /**
     * @param password null where the server needs none or ~/.pgpass (or PGPASSFILE) has it
     * @throws TargetRefusal for the word {@code embedded}: open {@link EmbeddedTarget} first and use its address
     */
    public static Target open(TargetUrl url, Secret password, Options options) {
        if (url.embedded()) {
            throw new TargetRefusal("the embedded target must be started before it can be connected to");
        }
        return new Target(url, password, options);
    }

    /** Counts the pool's connections in {@code registry}; once. */
    public void meter(MeterRegistry registry) {
        pool.setMetricRegistry(registry);
    }

    /** A connection from the pool, autocommit on; close it to give it back. Change settings with SET LOCAL only. */
    public Connection connect() throws SQLException {
        return pool.getConnection();
    }

    /**
     * A connection of its own for a thread that keeps it, autocommit on; the caller closes it. An answer that takes
     * longer than two minutes counts as a lost connection.
     */
    public Connection dedicated() throws SQLException {
        return dedicated(Duration.ofMinutes(2));
    }

    /** As {@link #dedicated()} with another patience for one answer; zero waits as long as the server is alive. */
    public Connection dedicated(Duration answerWithin) throws SQLException {
        return session(answerWithin, "sluice");
    }

    public TargetUrl url() {
        return url;
    }

    /** The schema that receives the tables. */
    public String schema() {
        return url.effectiveSchema();
    }

    public Options options() {
        return options;
    }

    /** Closes the pool; dedicated connections are their owners'. */
    @Override
    public void close() {
        pool.close();
    }

    @Override
    public String toString() {
        return url.toString();
    }

    /**
     * What another client in this process logs in to the same place with: the driver's properties, the password among
     * them. Never to be printed.
     */
    public Properties login() {
        Properties properties = new Properties();
        properties.putAll(url.parameters());
        properties.setProperty("user", url.effectiveUser());
        if (password != null) {
            properties.setProperty("password", password.reveal());
        }
        properties.putIfAbsent("connectTimeout", Long.toString(CONNECT_WAIT.toSeconds()));
        properties.putIfAbsent("loginTimeout", Long.toString(CONNECT_WAIT.toSeconds() + 5));
        properties.setProperty("tcpKeepAlive", "true");
        properties.setProperty("socketFactory", LiveSocketFactory.class.getName());
        properties.setProperty("logServerErrorDetail", "false"); // details quote values of user columns
        return properties;
    }

    private Connection session(Duration answerWithin, String applicationName) throws SQLException {
        Properties properties = login();
        properties.setProperty("ApplicationName", applicationName);
        properties.setProperty("socketTimeout", Long.toString(answerWithin.toSeconds()));
        if (!answerWithin.isZero() && answerWithin.compareTo(CONNECT_WAIT) < 0 && !url.parameters().containsKey("connectTimeout")) {
            properties.setProperty("connectTimeout", Long.toString(Math.max(1, answerWithin.toSeconds())));
            properties.setProperty("loginTimeout", Long.toString(Math.max(2, answerWithin.toSeconds())));
        }
        Connection connection = new Driver().connect(jdbcUrl(), properties);
        if (connection == null) {
            throw new IllegalStateException("the driver does not know its own address form: " + jdbcUrl());
        }
        try {
            prepareSession(connection);
            return connection;
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
    }

    private String jdbcUrl() {
        String database = java.net.URLEncoder.encode(url.effectiveDatabase(), java.nio.charset.StandardCharsets.UTF_8);
        return "jdbc:postgresql://" + url.place() + "/" + database;
    }

    /** One round trip, sent after the login because poolers such as PgBouncer refuse settings in it. */
    private void prepareSession(Connection connection) throws SQLException {
        Map<String, String> settings = new TreeMap<>(SESSION);
        settings.put("search_path", '"' + schema().replace("\"", "\"\"") + '"');
        settings.put("lock_timeout", Long.toString(options.lockTimeout().toMillis()));
        try (PreparedStatement set = connection.prepareStatement("""
                SELECT set_config(v.name, v.value, false) FROM unnest(?::text[], ?::text[]) v (name, value)
                LEFT JOIN pg_settings s ON lower(s.name) = lower(v.name)
                WHERE s.name IS NOT NULL OR v.name LIKE '%.%'
                """)) { // a server that is too old for a setting has nothing to set
            set.setArray(1, connection.createArrayOf("text", settings.keySet().toArray()));
            set.setArray(2, connection.createArrayOf("text", settings.values().toArray()));
            set.execute();
        }
    }

    /** A session keeps the default that it was opened with: one that takes no writes has to be opened anew. */
    private static final class Spent implements SQLExceptionOverride {

        @java.lang.Override
        public Override adjudicate(SQLException e) {
            return SqlFailure.of(e) == SqlFailure.READ_ONLY ? Override.MUST_EVICT : Override.CONTINUE_EVICT;
        }
    }

    /** Feeds the pool with prepared sessions. */
    private final class Sessions implements DataSource {

        @Override
        public Connection getConnection() throws SQLException {
            return session(Duration.ZERO, "sluice");
        }

        @Override
        public Connection getConnection(String user, String otherPassword) throws SQLException {
            throw new SQLFeatureNotSupportedException("the target's user is fixed");
        }

        @Override
        public PrintWriter getLogWriter() {
            return null;
        }

        @Override
        public void setLogWriter(PrintWriter out) {
            // the driver logs through java.util.logging
        }

        @Override
        public void setLoginTimeout(int seconds) {
            // given in the connection's properties
        }

        @Override
        public int getLoginTimeout() {
            return 0;
        }

        @Override
        public Logger getParentLogger() throws SQLFeatureNotSupportedException {
            throw new SQLFeatureNotSupportedException();
        }

        @Override
        public <T> T unwrap(Class<T> type) throws SQLException {
            throw new SQLException("wraps nothing");
        }

        @Override
        public boolean isWrapperFor(Class<?> type) {
            return false;
        }
    }
}
