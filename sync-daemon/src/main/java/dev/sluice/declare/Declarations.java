package dev.sluice.declare;

import dev.sluice.plan.Declaration;
import dev.sluice.plan.Declaration.Stage;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.postgres.SqlFailure;
import dev.sluice.store.MigrationStore;
import dev.sluice.translate.Identifiers;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs declarations that have not run yet, each in a transaction together with the note that it did. Connections come
 * with autocommit off and are left outside a transaction. Stateless.
 */
public final class Declarations {

    private static final Logger LOG = LoggerFactory.getLogger(Declarations.class);

    public static final String DONE = "done";
    public static final String NOT_CARRIED = "not carried";
    public static final String NOT_VALID = "not valid";

    private final MigrationPlan plan;
    private final MigrationStore store;

    public Declarations(MigrationPlan plan, MigrationStore store) {
        this.plan = plan;
        this.store = store;
    }

    /** Runs those of {@code stages}. */
    public void run(Connection connection, Set<Stage> stages) throws SQLException {
        run(connection, declaration -> stages.contains(declaration.stage()));
    }

    /** Runs those of {@code stages} that belong to {@code table}. */
    public void run(Connection connection, Set<Stage> stages, TablePlan table) throws SQLException {
        run(connection, declaration -> stages.contains(declaration.stage())
                && table.source().equals(declaration.table()));
    }

    private void run(Connection connection, Predicate<Declaration> wanted) throws SQLException {
        Map<Integer, MigrationStore.DeclarationState> states = store.declarations(connection);
        connection.commit();
        List<Declaration> all = plan.declarations();
        for (int i = 0; i < all.size(); i++) {
            if (wanted.test(all.get(i)) && !states.containsKey(i)) {
                run(connection, i, all.get(i));
            }
        }
    }

    private void run(Connection connection, int ordinal, Declaration declaration) throws SQLException {
        try {
            execute(connection, ordinal, declaration, declaration.sql(), DONE, null);
        } catch (SQLException e) {
            connection.rollback();
            if (store.declarations(connection).containsKey(ordinal)) {
                connection.rollback();
                return; // it had happened, only the answer was lost
            }
            SqlFailure failure = SqlFailure.of(e);
            if (declaration.stage() == Stage.KEY && failure == SqlFailure.UNIQUE_VIOLATION) {
                removeTwins(connection, plan.table(declaration.table()));
                execute(connection, ordinal, declaration, declaration.sql(), DONE, null);
                return;
            }
            boolean ours = failure.heals() || failure == SqlFailure.DISK_FULL || failure == SqlFailure.READ_ONLY
                    || failure == SqlFailure.PERMISSION;
            if (ours || declaration.required()) {
                throw e;
            }
            if (declaration.stage() == Stage.FOREIGN_KEY && failure == SqlFailure.FOREIGN_KEY
                    || declaration.stage() == Stage.CHECK && failure == SqlFailure.CHECK) {
                // the source broke it before: from now on it is checked, the old rows are not
                execute(connection, ordinal, declaration, declaration.sql() + " NOT VALID", NOT_VALID,
                        "rows of the source break it already, so it is NOT VALID: it holds for new rows only");
                return;
            }
            LOG.warn("{} is not carried: {}", declaration.object(), SqlFailure.sentence(e));
            save(connection, ordinal, declaration, NOT_CARRIED, "PostgreSQL refuses it: " + SqlFailure.sentence(e));
        }
    }

    /**
     * A row that was replaced during the copy can have been met twice, under its old rowid and its new one. Which of the
     * two stays does not matter: its key stands in the changelog, so it is written again before anybody relies on it.
     */
    private void removeTwins(Connection connection, TablePlan table) throws SQLException {
        StringJoiner same = new StringJoiner(" AND ");
        table.keyTargets().forEach(key -> same.add("a." + quote(key) + " = b." + quote(key)));
        try (Statement statement = connection.createStatement()) {
            statement.execute("DELETE FROM " + qualified(table) + " a USING " + qualified(table) + " b WHERE " + same
                    + " AND a.ctid < b.ctid");
        }
    }

    private void execute(Connection connection, int ordinal, Declaration declaration, String sql, String status,
            String reason) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
        save(connection, ordinal, declaration, status, reason);
    }

    private void save(Connection connection, int ordinal, Declaration declaration, String status, String reason)
            throws SQLException {
        store.saveDeclaration(connection, ordinal, declaration.stage().name(), declaration.object(), status, reason);
        connection.commit();
    }

    /** Lets the planner know {@code table}, while other tables are still being copied: foreign keys are checked by plan. */
    public void analyze(Connection connection, TablePlan table) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("ANALYZE " + qualified(table));
        }
        connection.commit();
    }

    /** {@link #analyze} of the tables that nobody has analyzed yet. */
    public void analyzeUnknown(Connection connection) throws SQLException {
        Set<String> known = new HashSet<>();
        try (PreparedStatement query = connection.prepareStatement("""
                SELECT relname FROM pg_class c
                WHERE relnamespace = to_regnamespace(quote_ident(?)) AND EXISTS (SELECT FROM pg_stats s
                      WHERE s.schemaname = ? AND s.tablename = c.relname)
                """)) {
            query.setString(1, plan.schema());
            query.setString(2, plan.schema());
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    known.add(row.getString(1));
                }
            }
        }
        for (TablePlan table : plan.tables()) {
            if (!known.contains(table.target())) {
                analyze(connection, table);
            }
        }
    }

    /** Raises the target's sequences, see {@link Sequences#raise}. */
    public void setSequences(Connection connection, Map<String, Long> remembered) throws SQLException {
        Sequences.read(connection, plan).raise(connection, remembered);
        connection.commit();
    }

    private String qualified(TablePlan table) {
        return quote(plan.schema()) + "." + quote(table.target());
    }

    private static String quote(String name) {
        return Identifiers.quote(name);
    }
}
