package dev.sluice.reverse;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.sqlite.SqliteSession;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Collectors;

/**
 * SQLite has taken over tables and columns that PostgreSQL was given, and PostgreSQL's record of the plan has still to be
 * told. Stands in SQLite from the transaction that made them until {@link #forget}.
 *
 * @param from the plan before
 * @param plan the plan from now on
 * @param columns what the watch compares with from now on, as {@code sluice.reverse} keeps it
 * @param pieces likewise, or null
 * @param versionBefore SQLite's counter of schema changes as the transaction found it
 * @param version the counter as it left it
 * @param news one sentence for each table and column
 */
public record Grown(MigrationPlan from, MigrationPlan plan, String columns, String pieces, long versionBefore, long version,
        List<String> news) {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String TABLE = "\"_sluice_reverse_plan\"";

    /** Null where nothing is left to be told. */
    public static Grown read(SqliteSession session) throws SQLException {
        if (!exists(session)) {
            return null;
        }
        try (PreparedStatement query = session.prepare("SELECT grown FROM " + TABLE + " WHERE id = 1");
                ResultSet row = query.executeQuery()) {
            return row.next() ? JSON.readValue(row.getString(1), Grown.class) : null;
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("what _sluice_reverse_plan holds can't be read", e);
        }
    }

    private static boolean exists(SqliteSession session) throws SQLException {
        return session.number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '_sluice_reverse_plan'") > 0;
    }

    /** Makes its table; before the counter is read, as that is a change too. */
    static void makeRoom(SqliteSession writer) throws SQLException {
        writer.execute("CREATE TABLE IF NOT EXISTS " + TABLE + "(id INTEGER PRIMARY KEY, grown)");
    }

    /** In the caller's transaction. */
    void write(SqliteSession writer) throws SQLException {
        try (PreparedStatement insert = writer.prepare("INSERT OR REPLACE INTO " + TABLE + "(id, grown) VALUES(1, ?)")) {
            insert.setString(1, JSON.writeValueAsString(this));
            insert.executeUpdate();
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a plan that can't be written as JSON", e);
        }
    }

    /** To be called when PostgreSQL has the plan. */
    public static void forget(SqliteSession writer, long generation) throws SQLException {
        if (exists(writer)) {
            Ledger.alone(writer, generation, () -> writer.execute("DELETE FROM " + TABLE));
        }
    }

    /** Tells PostgreSQL what the watch compares with; in the caller's transaction, with the plan. */
    public void remember(Connection connection, String migration) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(
                "UPDATE sluice.reverse SET columns = ?, pieces = ? WHERE migration = ?")) {
            update.setString(1, columns);
            update.setString(2, pieces);
            update.setString(3, migration);
            update.executeUpdate();
        }
    }

    /** The source's names of tables that it did not have before. */
    public List<String> newTables() {
        return plan.tables().stream().map(table -> table.source()).filter(table -> from.table(table) == null)
                .collect(Collectors.toList());
    }
}
