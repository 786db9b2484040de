package dev.sluice.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;

/**
 * The steps of cutovers, rollbacks and completions, each written down before it is done ({@code sluice.journal}). It tells
 * people what happened; what is to be done next is asked of the two sides, never of it. Runs in the caller's transaction.
 * Stateless but for the name.
 */
public final class StepJournal {

    private final String migration;

    public StepJournal(String migration) {
        this.migration = migration;
    }

    /** How a step stands. */
    public enum State {
        /** It was about to be done; whether it was, the journal does not know. */
        BEGUN,
        DONE,
        FAILED;

        private String label() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /**
     * One line.
     *
     * @param attempt counts the attempts of a migration from 1
     * @param ordinal counts the lines of an attempt from 1; a repeated step is another line
     * @param begunAt by PostgreSQL's clock
     * @param endedAt null while it is begun
     * @param detail a sentence or JSON for people, or null
     */
    public record Step(long attempt, int ordinal, String step, State state, Instant begunAt, Instant endedAt,
            String detail) {}

    /** The number that the next attempt has. */
    public long nextAttempt(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(
                "SELECT coalesce(max(attempt), 0) + 1 FROM sluice.journal WHERE migration = ?")) {
            query.setString(1, migration);
            try (ResultSet row = query.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }

    /** Writes down that a step is about to be done; returns the line's ordinal. To be committed before it is done. */
    public int begin(Connection connection, long attempt, String step, String detail) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement("""
                INSERT INTO sluice.journal (migration, attempt, ordinal, step, state, begun_at, detail)
                SELECT v.migration, v.attempt, coalesce(max(j.ordinal), 0) + 1, v.step, 'begun', clock_timestamp(), v.detail
                FROM (VALUES (?, ?, ?, ?)) v (migration, attempt, step, detail)
                LEFT JOIN sluice.journal j ON j.migration = v.migration AND j.attempt = v.attempt
                GROUP BY v.migration, v.attempt, v.step, v.detail
                RETURNING ordinal
                """)) {
            insert.setString(1, migration);
            insert.setLong(2, attempt);
            insert.setString(3, step);
            insert.setString(4, detail);
            try (ResultSet row = insert.executeQuery()) {
                row.next();
                return row.getInt(1);
            }
        }
    }

    /**
     * Writes down how a step ended; a line that has ended stays as it is.
     *
     * @param detail null to keep what was written at the beginning
     */
    public void end(Connection connection, long attempt, int ordinal, State state, String detail) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement("""
                UPDATE sluice.journal SET state = ?, ended_at = clock_timestamp(), detail = coalesce(?, detail)
                WHERE migration = ? AND attempt = ? AND ordinal = ? AND state = 'begun'
                """)) {
            update.setString(1, state.label());
            update.setString(2, detail);
            update.setString(3, migration);
            update.setLong(4, attempt);
            update.setInt(5, ordinal);
            update.executeUpdate();
        }
    }

    /** The lines of all attempts from {@code fromAttempt} on, in order. */
    public List<Step> steps(Connection connection, long fromAttempt) throws SQLException {
        List<Step> steps = new ArrayList<>();
        try (PreparedStatement query = connection.prepareStatement("""
                SELECT attempt, ordinal, step, state, begun_at, ended_at, detail FROM sluice.journal
                WHERE migration = ? AND attempt >= ? ORDER BY attempt, ordinal
                """)) {
            query.setString(1, migration);
            query.setLong(2, fromAttempt);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    steps.add(new Step(row.getLong(1), row.getInt(2), row.getString(3),
                            State.valueOf(row.getString(4).toUpperCase(java.util.Locale.ROOT)), instant(row, 5),
                            instant(row, 6), row.getString(7)));
                }
            }
        }
        return steps;
    }

    private static Instant instant(ResultSet row, int column) throws SQLException {
        OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }
}
