package dev.sluice.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;

/**
 * The register that decides who takes writes: the migration's row of {@code sluice.control}. Every change is one UPDATE
 * that finds the row only with the generation, the version and the traffic that its sender knew, so one that arrives late
 * changes nothing. It must come first in its transaction: it holds the row until the end, and whoever {@link #ask}s waits
 * for that. Runs in the caller's transaction. Stateless but for the name.
 */
public final class ControlRow {

    public static final String SQLITE = "sqlite";
    public static final String FENCED = "fenced";
    public static final String POSTGRES = "postgres";

    private final String migration;

    public ControlRow(String migration) {
        this.migration = migration;
    }

    /**
     * The row.
     *
     * @param traffic {@link #SQLITE}, {@link #FENCED} or {@link #POSTGRES}
     * @param epoch raised by every flip and every fence of a rollback
     * @param version raised by every change
     * @param generation of the newest daemon
     */
    public record Content(String traffic, long epoch, long version, long generation) {}

    /**
     * On what ground the row is changed.
     *
     * @param epoch what the epoch is after the change
     */
    public record Claim(long generation, long version, long epoch) {}

    /** Reads the row under its lock: a transaction of ours that was committing when its connection was lost has ended. */
    public Content ask(Connection connection) throws SQLException {
        return read(connection, " FOR UPDATE").orElseThrow(() -> new TargetWentBack(
                "the target does not know migration " + migration + " any more", true));
    }

    /** Reads the row without waiting for anybody; empty if there is no such migration. For showing only. */
    public Optional<Content> look(Connection connection) throws SQLException {
        return read(connection, "");
    }

    private Optional<Content> read(Connection connection, String lock) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("""
                SELECT traffic, epoch, version, generation FROM sluice.control WHERE migration = ?""" + lock)) {
            query.setString(1, migration);
            return content(query);
        }
    }

    /** Notes that an attempt to cut over begins; the version alone changes. Empty if the claim does not hold. */
    public Optional<Content> begin(Connection connection, Claim claim) throws SQLException {
        return move(connection, claim, SQLITE, SQLITE);
    }

    /**
     * Leaves the traffic as it is and raises the version: nothing that was sent on an earlier one can succeed any more. So
     * an attempt is given up. Empty if the claim does not hold.
     */
    public Optional<Content> supersede(Connection connection, Claim claim) throws SQLException {
        return move(connection, claim, null, null);
    }

    /** Gives PostgreSQL the traffic; the fence is to be lifted in the same transaction. Empty if the claim does not hold. */
    public Optional<Content> flip(Connection connection, Claim claim) throws SQLException {
        return move(connection, claim, SQLITE, POSTGRES);
    }

    /** Takes it from PostgreSQL; the fence is to be raised in the same transaction. Empty if the claim does not hold. */
    public Optional<Content> fence(Connection connection, Claim claim) throws SQLException {
        return move(connection, claim, POSTGRES, FENCED);
    }

    /** Gives a rollback up; the fence is to be lifted in the same transaction. Empty if the claim does not hold. */
    public Optional<Content> unfence(Connection connection, Claim claim) throws SQLException {
        return move(connection, claim, FENCED, POSTGRES);
    }

    /** Decides a rollback: SQLite has the traffic, and the fence stays up. Empty if the claim does not hold. */
    public Optional<Content> settle(Connection connection, Claim claim) throws SQLException {
        return move(connection, claim, FENCED, SQLITE);
    }

    /** True if the claim holds now, epoch apart, and until the transaction ends; nothing is changed. */
    public boolean holds(Connection connection, Claim claim, String traffic) throws SQLException {
        return read(connection, " FOR UPDATE").filter(row -> row.generation() == claim.generation()
                && row.version() == claim.version() && row.traffic().equals(traffic)).isPresent();
    }

    /** @param from null for any traffic, which then stays */
    private Optional<Content> move(Connection connection, Claim claim, String from, String to) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement("""
                UPDATE sluice.control SET traffic = coalesce(?, traffic), epoch = ?, version = version + 1
                WHERE migration = ? AND generation = ? AND version = ? AND traffic = coalesce(?, traffic) AND epoch <= ?
                RETURNING traffic, epoch, version, generation
                """)) {
            update.setString(1, to);
            update.setLong(2, claim.epoch());
            update.setString(3, migration);
            update.setLong(4, claim.generation());
            update.setLong(5, claim.version());
            update.setString(6, from);
            update.setLong(7, claim.epoch());
            return content(update);
        }
    }

    private static Optional<Content> content(PreparedStatement query) throws SQLException {
        try (ResultSet row = query.executeQuery()) {
            return row.next()
                    ? Optional.of(new Content(row.getString(1), row.getLong(2), row.getLong(3), row.getLong(4)))
                    : Optional.empty();
        }
    }
}
