package dev.sluice.plan;

import dev.sluice.postgres.SqlFailure;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
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
        try (Statement statement = connection.createStatement()) {
            for (Declaration declaration : plan.declarations()) {
                if (declaration.table() != null && missing.contains(declaration.table())) {
                    continue; // its table is a problem already
                }
                Savepoint savepoint = connection.setSavepoint();
                try {
                    statement.execute(declaration.sql());
                    kept.add(declaration);
                } catch (SQLException e) {
                    if (SqlFailure.of(e).heals()) {
                        throw e;
                    }
                    connection.rollback(savepoint);
                    if (declaration.required()) {
                        problems.add(declaration.object() + " can't be made: " + SqlFailure.sentence(e));
                        missing.add(declaration.table());
                    } else {
                        notCarried.add(new NotCarried(declaration.object(), declaration.sql(),
                                "PostgreSQL refuses it: " + SqlFailure.sentence(e)));
                    }
                }
                connection.releaseSavepoint(savepoint);
            }
        } finally {
            connection.rollback();
            connection.setAutoCommit(true);
        }
        return new MigrationPlan(plan.schema(), plan.tables(), kept, notCarried, plan.notes(), problems,
                plan.schemaHash());
    }
}
