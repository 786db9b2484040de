package dev.sluice.plan;

import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Codecs;
import dev.sluice.postgres.SqlFailure;
import dev.sluice.translate.Identifiers;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * Takes the bound off types: {@code varchar(n)} becomes {@code text}, {@code numeric(p,s)} becomes {@code numeric}.
 * PostgreSQL changes only its catalogue for that, every value stays as it is, and everything that fitted still does.
 */
public final class Widening {

    /** A lock that a reader of the application's holds is not waited for longer: following comes first. */
    private static final String LOCK_WAIT = "SET LOCAL lock_timeout = '200ms'";
    private static final String LOCK_NOT_AVAILABLE = "55P03";

    private Widening() {}

    /**
     * What became of it.
     *
     * @param plan the same if nothing was widened
     * @param busy true if a column could not be widened because somebody held a lock on its table: try again later
     */
    public record Outcome(MigrationPlan plan, boolean busy) {}

    /** A source column. */
    public record Column(String table, String column) {}

    /**
     * Widens those of {@code columns} that have a bound, in the caller's transaction.
     * A column that something else in the target depends on, a view for example, keeps its type.
     */
    public static Outcome widen(Connection connection, MigrationPlan plan, Collection<Column> columns)
            throws SQLException {
        MigrationPlan wider = plan;
        boolean busy = false;
        for (Column wanted : new LinkedHashSet<>(columns)) {
            TablePlan table = wider.table(wanted.table());
            ColumnPlan column = table == null ? null : table.column(wanted.column());
            Codec codec = column == null || table.existing() ? null : wider(column.codec());
            if (codec == null) {
                continue;
            }
            String refused = alter(connection, plan.schema(), table, column, codec);
            if (refused == null) {
                wider = wider.withTable(table.withColumn(column.withCodec(codec)));
            }
            busy |= LOCK_NOT_AVAILABLE.equals(refused);
        }
        return new Outcome(wider, busy);
    }

    private static Codec wider(Codec codec) {
        if (codec.type().startsWith("varchar(")) {
            return Codecs.TEXT;
        }
        if (codec.type().startsWith("numeric(")) {
            String[] parts = codec.id().split(":", 4);
            return Codecs.parse("numeric:0:0" + (parts.length > 3 ? ":" + parts[3] : ""));
        }
        return null;
    }

    /** Null if it was done, else PostgreSQL's code. */
    private static String alter(Connection connection, String schema, TablePlan table, ColumnPlan column, Codec codec)
            throws SQLException {
        Savepoint savepoint = connection.setSavepoint();
        try (Statement statement = connection.createStatement()) {
            statement.execute(LOCK_WAIT);
            statement.execute("ALTER TABLE " + Identifiers.quote(schema) + "." + Identifiers.quote(table.target())
                    + " ALTER COLUMN " + Identifiers.quote(column.target()) + " TYPE " + codec.type());
            return null;
        } catch (SQLException e) {
            if (SqlFailure.of(e).heals() && !LOCK_NOT_AVAILABLE.equals(e.getSQLState())) {
                throw e;
            }
            connection.rollback(savepoint);
            return e.getSQLState();
        }
    }

    /** One sentence per column whose type differs between the plans. */
    public static List<String> difference(MigrationPlan before, MigrationPlan after) {
        List<String> sentences = new ArrayList<>();
        for (TablePlan table : after.tables()) {
            for (ColumnPlan column : table.columns()) {
                ColumnPlan old = before.table(table.source()).column(column.source());
                if (!old.codecId().equals(column.codecId())) {
                    sentences.add("column " + table.source() + "." + column.source() + " was widened from "
                            + old.codec().type() + " to " + column.codec().type() + ", so that every value fits");
                }
            }
        }
        return sentences;
    }
}
