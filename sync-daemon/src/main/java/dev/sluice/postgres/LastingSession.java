package dev.sluice.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection that one thread keeps, opened again when it was lost. Work runs with autocommit off and must be safe to
 * repeat (see {@link Reconnect}): after any failure the connection is closed, so nothing half done can commit later.
 * Not thread-safe.
 */
public final class LastingSession implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(LastingSession.class);

    private final Target target;
    private final Reconnect reconnect;
    private final boolean replicationRole;
    private final Greeting greeting;
    private final Duration answerWithin;
    private Connection connection;
    private long opened;

    /** Work on the connection. */
    public interface Work<T> {
        T run(Connection connection) throws SQLException;
    }

    /** Looks at the target over every new connection, before anything else is done on it; may refuse by an exception. */
    public interface Greeting {
        void meet(Connection connection) throws SQLException;
    }

    /** @param replicationRole true to keep the target's triggers and foreign keys from firing for what we write */
    public LastingSession(Target target, Reconnect reconnect, boolean replicationRole) {
        this(target, reconnect, replicationRole, connection -> {});
    }

    /** As the other one; {@code greeting} sees whether the target behind a new connection still is what it was. */
    public LastingSession(Target target, Reconnect reconnect, boolean replicationRole, Greeting greeting) {
        this(target, reconnect, replicationRole, greeting, Duration.ZERO);
    }

    /** As the other one; an answer that takes longer than {@code answerWithin} counts as lost, with zero none does. */
    public LastingSession(Target target, Reconnect reconnect, boolean replicationRole, Greeting greeting,
            Duration answerWithin) {
        this.target = target;
        this.reconnect = reconnect;
        this.replicationRole = replicationRole;
        this.greeting = greeting;
        this.answerWithin = answerWithin;
    }

    /** Runs {@code work}, which commits itself; what it leaves open is rolled back. Waits while the target is away. */
    public <T> T run(Work<T> work) throws SQLException, InterruptedException {
        return reconnect.call(() -> once(work));
    }

    /** As {@link #run}, but says at once when the target is away. */
    public <T> T once(Work<T> work) throws SQLException {
        if (connection == null || connection.isClosed()) {
            open();
        }
        try {
            T result = work.run(connection);
            connection.rollback();
            return result;
        } catch (SQLException | RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Changes whenever the connection was opened anew: what was known of the target must be asked again. */
    public long opened() {
        return opened;
    }

    private void open() throws SQLException {
        Connection fresh = target.dedicated(answerWithin);
        try (Statement statement = fresh.createStatement()) {
            if (replicationRole) {
                statement.execute("SET session_replication_role = replica");
            }
            fresh.setAutoCommit(false);
            greeting.meet(fresh);
            fresh.rollback();
        } catch (SQLException | RuntimeException e) {
            fresh.close();
            throw e;
        }
        connection = fresh;
        opened++;
    }

    @Override
    public void close() {
        if (connection != null) {
            try {
                connection.close();
            } catch (SQLException e) {
                LOG.debug("closing a lost connection", e); // its transaction is gone either way
            }
            connection = null;
        }
    }
}
