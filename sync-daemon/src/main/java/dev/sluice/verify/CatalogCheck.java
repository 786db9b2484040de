package dev.sluice.verify;

import dev.sluice.declare.Declarations;
import dev.sluice.plan.Declaration;
import dev.sluice.plan.Declaration.Stage;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.Retyping;
import dev.sluice.postgres.SqlFailure;
import dev.sluice.schema.SourceTable;
import dev.sluice.store.MigrationStore;
import dev.sluice.translate.Identifiers;
import dev.sluice.verify.Findings.Finding;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Compares what the target's catalog has with what was planned: each index, constraint, view and default is declared once
 * more on an empty temporary table, and PostgreSQL prints both. Tries to validate what is NOT VALID. Leaves no trace;
 * connections come with autocommit off.
 */
public final class CatalogCheck {

    private static final String NAME = "(\"(?:[^\"]|\"\")*\")";
    private static final Pattern DROP_INDEX = Pattern.compile("DROP INDEX (" + NAME + "\\." + NAME + ")");
    private static final Pattern DROP_VIEW = Pattern.compile("DROP VIEW (" + NAME + "\\." + NAME + ")");
    private static final Pattern DROP_CONSTRAINT =
            Pattern.compile("ALTER TABLE (" + NAME + "\\." + NAME + ") DROP CONSTRAINT " + NAME);
    private static final Pattern DROP_TABLE = Pattern.compile("DROP TABLE (" + NAME + "\\." + NAME + ")");
    private static final String WAIT_MAX = "2s";
    private static final String QUERY_MAX = "10min";

    private final MigrationPlan plan;
    private final MigrationStore store;
    private final boolean fatal;
    private final List<Finding> findings = new ArrayList<>();

    /** @param fatal false where the application may have changed the target's schema on purpose, as it has the traffic */
    public CatalogCheck(MigrationPlan plan, MigrationStore store, boolean fatal) {
        this.plan = plan;
        this.store = store;
        this.fatal = fatal;
    }

    /**
     * @param sources by name
     * @param thorough true to look through the rows too: foreign keys, and what is NOT VALID
     */
    public List<Finding> run(Connection connection, Map<String, SourceTable> sources, boolean thorough) throws SQLException {
        Map<Integer, MigrationStore.DeclarationState> states = store.declarations(connection);
        Retyping.Outcome types = Retyping.look(connection, plan, sources);
        types.refused().forEach(sentence -> add("declaration", "type", fatal, sentence));
        types.tables().forEach(table -> add("declaration", table, fatal, "a column of " + table
                + " has another type than planned: sluice parked --retry takes it over"));
        for (int i = 0; i < plan.declarations().size(); i++) {
            MigrationStore.DeclarationState state = states.get(i);
            if (state != null && !state.status().equals(Declarations.NOT_CARRIED)) {
                look(connection, i, plan.declarations().get(i), state, thorough);
                connection.rollback();
            }
        }
        return List.copyOf(findings);
    }

    private void add(String kind, String object, boolean isFatal, String says) {
        findings.add(new Finding(kind, object, isFatal, says));
    }

    private void look(Connection connection, int ordinal, Declaration declaration, MigrationStore.DeclarationState state,
            boolean thorough) throws SQLException {
        Matcher constraint = DROP_CONSTRAINT.matcher(declaration.undo() == null ? "" : declaration.undo());
        Matcher index = DROP_INDEX.matcher(declaration.undo() == null ? "" : declaration.undo());
        Matcher view = DROP_VIEW.matcher(declaration.undo() == null ? "" : declaration.undo());
        Matcher table = DROP_TABLE.matcher(declaration.undo() == null ? "" : declaration.undo());
        if (constraint.matches()) {
            constraint(connection, ordinal, declaration, state, constraint, thorough);
        } else if (index.matches()) {
            index(connection, declaration, index.group(1));
        } else if (view.matches()) {
            view(connection, declaration, view.group(1), view.group(3));
        } else if (table.matches()) {
            table(connection, declaration, table.group(1), table.group(3));
        }
    }

    private void gone(Declaration declaration) {
        add("declaration", declaration.object(), fatal, declaration.object() + " is gone from PostgreSQL: make it again with "
                + declaration.sql().replaceAll("\\s+", " "));
    }

    private void other(Declaration declaration) {
        add("declaration", declaration.object(), fatal, declaration.object() + " is declared otherwise in PostgreSQL than"
                + " planned: drop it and make it again with " + declaration.sql().replaceAll("\\s+", " "));
    }

    // ---- constraints ----

    private void constraint(Connection connection, int ordinal, Declaration declaration, MigrationStore.DeclarationState state,
            Matcher named, boolean thorough) throws SQLException {
        String table = named.group(1);
        String name = unquoted(named.group(4));
        String there = null;
        boolean valid = false;
        try (PreparedStatement query = connection.prepareStatement("""
                SELECT pg_get_constraintdef(oid), convalidated FROM pg_constraint
                WHERE conrelid = to_regclass(?) AND conname = ?
                """)) {
            query.setString(1, table);
            query.setString(2, name);
            try (ResultSet row = query.executeQuery()) {
                if (row.next()) {
                    there = row.getString(1);
                    valid = row.getBoolean(2);
                }
            }
        }
        if (there == null) {
            gone(declaration);
            return;
        }
        boolean foreign = declaration.stage() == Stage.FOREIGN_KEY;
        String planned = foreign ? declaration.sql().substring(declaration.sql().indexOf(" FOREIGN KEY ") + 1)
                : onTemporary(connection, declaration, table, named.group(3), """
                        SELECT pg_get_constraintdef(oid) FROM pg_constraint
                        WHERE conrelid = to_regclass(?) AND conname = '""" + name.replace("'", "''") + "'");
        if (planned != null && !(foreign ? bare(planned).equals(bare(there))
                : planned.equals(there.replaceFirst(" NOT VALID$", "")))) {
            other(declaration);
        }
        if (!valid) {
            notValid(connection, ordinal, declaration, state, thorough);
        } else if (foreign && thorough) {
            orphans(connection, declaration, table, name);
        }
    }

    /** A foreign key without what PostgreSQL prints as it likes. */
    private String bare(String foreignKey) {
        return foreignKey.replace(Identifiers.quote(plan.schema()) + ".", "").replace(plan.schema() + ".", "").replace("\"", "")
                .replaceAll("\\s+", "").replace("INITIALLYIMMEDIATE", "").replace("NOTVALID", "");
    }

    private void notValid(Connection connection, int ordinal, Declaration declaration, MigrationStore.DeclarationState state,
            boolean thorough) throws SQLException {
        String refusal = "it was not tried to validate it";
        if (thorough) {
            connection.rollback();
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET LOCAL lock_timeout = '" + WAIT_MAX + "'");
                statement.execute(declaration.undo().replace(" DROP CONSTRAINT ", " VALIDATE CONSTRAINT "));
                store.saveDeclaration(connection, ordinal, declaration.stage().name(), declaration.object(),
                        Declarations.DONE, null);
                connection.commit();
                add("constraint", declaration.object(), false, declaration.object() + " was NOT VALID and holds for all rows now:"
                        + " it was validated");
                return;
            } catch (SQLException e) {
                connection.rollback();
                if (SqlFailure.of(e).heals() && !"55P03".equals(e.getSQLState())) {
                    throw e;
                }
                refusal = SqlFailure.sentence(e);
            }
        }
        boolean known = state.status().equals(Declarations.NOT_VALID);
        add("constraint", declaration.object(), fatal && !known, declaration.object() + " is NOT VALID in PostgreSQL"
                + (known ? ", as rows of the source break it" : ", and it was made valid") + " (" + refusal + "): mend the rows");
    }

    /** Replicated rows are not checked, so PostgreSQL may take a foreign key for valid that is not. */
    private void orphans(Connection connection, Declaration declaration, String table, String name) throws SQLException {
        String query;
        try (PreparedStatement columns = connection.prepareStatement("""
                SELECT format('SELECT 1 FROM %s c WHERE %s AND NOT EXISTS (SELECT 1 FROM %s p WHERE %s) LIMIT 1',
                    k.conrelid::regclass, string_agg(format('c.%I IS NOT NULL', a.attname), ' AND '), k.confrelid::regclass,
                    string_agg(format('p.%I = c.%I', b.attname, a.attname), ' AND '))
                FROM pg_constraint k
                CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS u (child, parent)
                JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.child
                JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = u.parent
                WHERE k.conrelid = to_regclass(?) AND k.conname = ? GROUP BY k.conrelid, k.confrelid
                """)) {
            columns.setString(1, table);
            columns.setString(2, name);
            try (ResultSet row = columns.executeQuery()) {
                row.next();
                query = row.getString(1);
            }
        }
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET LOCAL statement_timeout = '" + QUERY_MAX + "'");
            try (ResultSet row = statement.executeQuery(query)) {
                if (row.next()) {
                    add("foreign_key", declaration.object(), false, "rows break " + declaration.object() + ", which PostgreSQL"
                            + " takes for valid: they came from SQLite, which does not check them unless asked to; mend them"
                            + " there");
                }
            }
        } catch (SQLException e) {
            if (!"57014".equals(e.getSQLState())) { // query_canceled
                throw e;
            }
            connection.rollback();
            add("foreign_key", declaration.object(), false, declaration.object() + " was not looked through within " + QUERY_MAX);
        }
    }

    // ---- indexes, views, tables ----

    private void index(Connection connection, Declaration declaration, String index) throws SQLException {
        String there;
        boolean valid;
        try (PreparedStatement query = connection.prepareStatement("""
                SELECT pg_get_indexdef(indexrelid), indisvalid AND indisready FROM pg_index WHERE indexrelid = to_regclass(?)
                """)) {
            query.setString(1, index);
            try (ResultSet row = query.executeQuery()) {
                if (!row.next()) {
                    gone(declaration);
                    return;
                }
                there = row.getString(1);
                valid = row.getBoolean(2);
            }
        }
        if (!valid) {
            add("declaration", declaration.object(), fatal, declaration.object() + " is not valid in PostgreSQL: REINDEX it");
        }
        String table = plan.table(declaration.table()).target();
        String planned = onTemporary(connection, declaration, Identifiers.quote(plan.schema()) + "." + Identifiers.quote(table),
                Identifiers.quote(table), "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = to_regclass(?)");
        if (planned != null && !definition(planned).equals(definition(there))) {
            other(declaration);
        }
    }

    /** An index's definition without the names. */
    private static String definition(String sql) {
        return sql.startsWith("CREATE UNIQUE ") + sql.substring(Math.max(0, sql.indexOf(" USING ")));
    }

    private void view(Connection connection, Declaration declaration, String view, String bareName) throws SQLException {
        String there = text(connection, "SELECT pg_get_viewdef(to_regclass(?))", view);
        if (there == null) {
            gone(declaration);
            return;
        }
        String planned = attempt(connection, () -> {
            execute(connection, declaration.sql().replaceFirst("CREATE VIEW " + Pattern.quote(view),
                    Matcher.quoteReplacement("CREATE TEMPORARY VIEW " + bareName)));
            return text(connection, "SELECT pg_get_viewdef(to_regclass(?))", "pg_temp." + bareName);
        });
        if (planned != null && !planned.equals(there)) {
            other(declaration);
        }
    }

    /** NOT NULL, defaults and identities; types are compared by the codecs. */
    private void table(Connection connection, Declaration declaration, String table, String bareName) throws SQLException {
        String columns = """
                SELECT string_agg(format('%s|%s|%s|%s', a.attname, a.attnotnull, a.attidentity,
                           coalesce(pg_get_expr(d.adbin, d.adrelid), '')), chr(10) ORDER BY a.attname)
                FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped
                """;
        String there = text(connection, columns, table);
        if (there == null) {
            gone(declaration);
            return;
        }
        String planned = attempt(connection, () -> {
            execute(connection, declaration.sql().replaceFirst("CREATE TABLE (IF NOT EXISTS )?" + Pattern.quote(table),
                    Matcher.quoteReplacement("CREATE TEMPORARY TABLE " + bareName)));
            return text(connection, columns, "pg_temp." + bareName);
        });
        if (planned == null) {
            return;
        }
        List<String> now = List.of(there.split("\n"));
        for (String column : planned.split("\n")) {
            String name = column.substring(0, column.indexOf('|') + 1);
            String found = now.stream().filter(one -> one.startsWith(name)).findFirst().orElse(null);
            // a key makes its columns NOT NULL later
            if (found == null || !found.equals(column) && !found.equals(column.replaceFirst("\\|f\\|", "|t|"))) {
                add("declaration", declaration.object(), fatal, "column " + name.replace("|", "") + " of " + declaration.object()
                        + (found == null ? " is gone from PostgreSQL" : " has another NOT NULL, default or identity in"
                                + " PostgreSQL than planned") + ": see sluice plan");
            }
        }
    }

    // ---- what PostgreSQL makes of the plan ----

    /** What {@code question} prints when the declaration is made on an empty copy of the table; null if it can't be. */
    private static String onTemporary(Connection connection, Declaration declaration, String table, String bareName,
            String question) throws SQLException {
        return attempt(connection, () -> {
            execute(connection, "CREATE TEMPORARY TABLE " + bareName + " (LIKE " + table + ")");
            execute(connection, declaration.sql().replaceFirst(Pattern.quote(table),
                    Matcher.quoteReplacement("pg_temp." + bareName)));
            return text(connection, question, "pg_temp." + bareName);
        });
    }

    private interface Work {
        String run() throws SQLException;
    }

    /** Null if PostgreSQL refuses it for itself, which says nothing of what stands there. */
    private static String attempt(Connection connection, Work work) throws SQLException {
        Savepoint before = connection.setSavepoint();
        try {
            String result = work.run();
            connection.rollback(before);
            return result;
        } catch (SQLException e) {
            if (SqlFailure.of(e).heals()) {
                throw e;
            }
            connection.rollback(before);
            return null;
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String text(Connection connection, String sql, String parameter) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            query.setString(1, parameter);
            try (ResultSet row = query.executeQuery()) {
                return row.next() ? row.getString(1) : null;
            }
        }
    }

    private static String unquoted(String name) {
        return name.substring(1, name.length() - 1).replace("\"\"", "\"");
    }
}
