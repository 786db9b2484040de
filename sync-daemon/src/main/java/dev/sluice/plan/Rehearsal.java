package dev.sluice.plan;

import dev.sluice.postgres.SqlFailure;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Runs all of a plan's DDL over empty tables in one transaction and takes it back: what PostgreSQL refuses is known
 * before anything is changed.
 */
public final class Rehearsal {


    private Rehearsal() {}

    /**
     * The plan without the optional declarations that PostgreSQL refuses (they are named as not carried), and with a
     * problem for each required one.
     *
     * @param connection outside a transaction; nothing of what this does remains
     */
    public static MigrationPlan rehearse(Connection connection, MigrationPlan plan) throws SQLException {
        List<Declaration> kept = new ArrayList<>();
        List<NotCarried> notCarried = new ArrayList<>(plan.notCarried());
        List<String> problems = new ArrayList<>(plan.problems());
        Set<String> missing = new HashSet<>();
        connection.setAutoCommit(false);
        try {
            for (Declaration declaration : plan.declarations()) {
                if (declaration.table() != null && missing.contains(declaration.table())) {
                    continue; // its table is a problem already
                }
                String reason = attempt(connection, declaration.sql());
                if (reason == null) {
                    kept.add(declaration);
                } else if (declaration.required()) {
                    problems.add(declaration.object() + " can't be made: " + reason);
                    missing.add(declaration.table());
                } else {
                    notCarried.add(new NotCarried(declaration.object(), declaration.sql(),
                            "PostgreSQL refuses it: " + reason));
                }
            }
        } finally {
            connection.rollback();
            connection.setAutoCommit(true);
        }
        return plan.with(kept, notCarried, problems);
    }

    /**
     * Tries what a drift can't do without. Indexes and constraints are left to the moment at which they are made: over a
     * table with rows they are work, and none of them stops a migration.
     *
     * @param old the plan that the drift starts from
     * @param made ordinals of those of its declarations that stand in the target
     * @param connection outside a transaction; nothing of what this does remains
     * @return by source table, why PostgreSQL refuses its change
     */
    public static Map<String, String> refusals(Connection connection, MigrationPlan old, Set<Integer> made, Drift drift)
            throws SQLException {
        Map<String, String> refused = new LinkedHashMap<>();
        connection.setAutoCommit(false);
        try {
            for (int ordinal : drift.undone()) {
                if (made.contains(ordinal)) {
                    Declaration declaration = old.declarations().get(ordinal);
                    note(refused, declaration.table(), attempt(connection, declaration.undo()));
                }
            }
            for (Drift.Change change : drift.changes()) {
                note(refused, change.table(), attempt(connection, change.sql()));
            }
            for (int i = 0; i < drift.kept().size(); i++) {
                Declaration declaration = drift.plan().declarations().get(i);
                if (declaration.required() && drift.kept().get(i) < 0 && !refused.containsKey(declaration.table())) {
                    note(refused, declaration.table(), attempt(connection, declaration.sql()));
                }
            }
            return refused;
        } finally {
            connection.rollback();
            connection.setAutoCommit(true);
        }
    }

    private static void note(Map<String, String> refused, String table, String reason) throws SQLException {
        if (reason != null && table == null) {
            throw new SQLException("the target could not follow a change of the source's schema: " + reason);
        }
        if (reason != null) {
            refused.putIfAbsent(table, "the target could not follow a change of table " + table + ": " + reason
                    + "; mend that, then sluice resync " + table);
        }
    }

    /** Why PostgreSQL refuses {@code sql}, or null if it does not; what it did stays in the transaction. */
    private static String attempt(Connection connection, String sql) throws SQLException {
        Savepoint savepoint = connection.setSavepoint();
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
            connection.releaseSavepoint(savepoint);
            return null;
        } catch (SQLException e) {
            if (SqlFailure.of(e).heals()) {
                throw e;
            }
            connection.rollback(savepoint);
            connection.releaseSavepoint(savepoint);
            return SqlFailure.sentence(e);
        }
    }
}
