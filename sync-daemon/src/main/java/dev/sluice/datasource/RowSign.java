package dev.sluice.datasource;

import dev.sluice.datasource.TrafficDataSource.Side;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Optional;
import javax.sql.DataSource;

/**
 * The control rows. SQLite's is asked first: while it is not fenced, PostgreSQL is not. Where it is fenced, or gone, the
 * row in PostgreSQL decides, so nothing is handed out while that can't be asked.
 */
final class RowSign implements TrafficDataSource.Sign {

    private final String migration;
    private final DataSource sqlite;
    private final DataSource postgres;

    RowSign(String migration, DataSource sqlite, DataSource postgres) {
        this.migration = migration;
        this.sqlite = sqlite;
        this.postgres = postgres;
    }

    @Override
    public Optional<Side> read() throws SQLException {
        String fenced = fenced();
        if ("0".equals(fenced)) {
            return Optional.of(Side.SQLITE);
        }
        String traffic = register();
        return switch (traffic == null ? "" : traffic) {
            case "postgres" -> Optional.of(Side.POSTGRES);
            case "fenced" -> Optional.empty();
            // a fence stands for a moment longer; without a row capture was taken out of the source, and with it the fence
            case "sqlite" -> fenced == null ? Optional.of(Side.SQLITE) : Optional.empty();
            default -> throw new SQLTransientConnectionException("neither database has a control row of migration "
                    + migration + ", so nothing says which side takes writes: start \"sluice run\"; after \"sluice"
                    + " complete\" use PostgreSQL alone", "08001");
        };
    }

    /** 0 or 1, null where there is no control row. */
    private String fenced() throws SQLException {
        try (Connection connection = sqlite.getConnection()) {
            if (text(connection, "SELECT name FROM sqlite_master WHERE name = '_sluice_control'", null) == null) {
                return null;
            }
            return text(connection, "SELECT fenced FROM _sluice_control WHERE id = 1", null);
        }
    }

    /** Null where there is no row, and no schema. */
    private String register() throws SQLException {
        try (Connection connection = postgres.getConnection()) {
            if (text(connection, "SELECT to_regclass('sluice.control')::text", null) == null) {
                return null;
            }
            return text(connection, "SELECT traffic FROM sluice.control WHERE migration = ?", migration);
        }
    }

    /** Leaves no transaction open behind it on a connection that goes back to a pool. */
    private static String text(Connection connection, String sql, String parameter) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            if (parameter != null) {
                query.setString(1, parameter);
            }
            try (ResultSet row = query.executeQuery()) {
                return row.next() ? row.getString(1) : null;
            }
        } finally {
            if (!connection.getAutoCommit()) {
                connection.rollback();
            }
        }
    }
}
