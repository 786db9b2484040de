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

    private Widening() {}

    /** A source column. */
    public record Column(String table, String column) {}

    /**
     * Widens those of {@code columns} that have a bound, in the caller's transaction; returns the same plan if none has.
     * A column that something else in the target depends on, a view for example, keeps its type.
     */
    public static MigrationPlan widen(Connection connection, MigrationPlan plan, Collection<Column> columns)
            throws SQLException {
        MigrationPlan wider = plan;
        for (Column wanted : new LinkedHashSet<>(columns)) {
            TablePlan table = wider.table(wanted.table());
            ColumnPlan column = table == null ? null : table.column(wanted.column());
            Codec codec = column == null || table.existing() ? null : wider(column.codec());
            if (codec != null && alter(connection, plan.schema(), table, column, codec)) {
                wider = wider.withTable(table.withColumn(column.withCodec(codec)));
            }
        }
        return wider;
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

    private static boolean alter(Connection connection, String schema, TablePlan table, ColumnPlan column, Codec codec)
            throws SQLException {
        Savepoint savepoint = connection.setSavepoint();
        try (Statement statement = connection.createStatement()) {
            statement.execute("ALTER TABLE " + Identifiers.quote(schema) + "." + Identifiers.quote(table.target())
                    + " ALTER COLUMN " + Identifiers.quote(column.target()) + " TYPE " + codec.type());
            return true;
        } catch (SQLException e) {
            if (SqlFailure.of(e).heals()) {
                throw e;
            }
            connection.rollback(savepoint);
            return false;
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
                            + old.codec().type() + " to " + column.codec().type() + ", because a new value needs it");
                }
            }
        }
        return sentences;
    }
}
