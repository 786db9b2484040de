package dev.sluice.plan;

import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Codecs;
import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceTable;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What the operator changed in the target behind a plan's back: a column that was given a wider type takes what was
 * parked before. Only types that hold everything the old one held are taken over. Stateless.
 */
public final class Retyping {

    private static final List<String> INTEGERS = List.of("smallint", "integer", "bigint");

    private Retyping() {}

    /**
     * What was found.
     *
     * @param plan with the new types; the same if there are none
     * @param tables source tables with a column of a new type: what the change made of their values has to be compared
     * @param refused a sentence for each change that can't be followed
     */
    public record Outcome(MigrationPlan plan, Set<String> tables, List<String> refused) {}

    /** Compares the plan with the target's catalogue; {@code sources} by name. */
    public static Outcome look(Connection connection, MigrationPlan plan, Map<String, SourceTable> sources)
            throws SQLException {
        Map<String, Map<String, String>> types = types(connection, plan.schema());
        MigrationPlan changed = plan;
        Set<String> tables = new TreeSet<>();
        List<String> refused = new ArrayList<>();
        for (TablePlan table : plan.tables()) {
            for (ColumnPlan column : table.columns()) {
                String there = types.getOrDefault(table.target(), Map.of()).get(column.target());
                SourceColumn declared = sources.get(table.source()).column(column.source());
                if (there == null || column.using() != null || isSame(column.codec(), there, declared)) {
                    continue;
                }
                Codec wider = table.keyTargets().contains(column.target()) ? null : wider(column.codec(), there, declared);
                if (wider == null) {
                    refused.add("column " + table.target() + "." + column.target() + " was changed to " + there
                            + " in PostgreSQL, which does not hold all that " + column.codec().type() + " holds: make it "
                            + column.codec().type() + " again" + (table.keyTargets().contains(column.target())
                                    ? "" : ", or text"));
                } else {
                    changed = changed.withTable(changed.table(table.source()).withColumn(column.withCodec(wider)));
                    tables.add(table.source());
                }
            }
        }
        return new Outcome(changed, tables, refused);
    }

    private static boolean isSame(Codec codec, String there, SourceColumn column) {
        return shortName(codec.type()).equals(shortName(there))
                || Codecs.forExisting(there, column, null).stream().anyMatch(other -> other.id().equals(codec.id()));
    }

    /** The codec into type {@code there} that takes whatever {@code old} takes; null if there is none. */
    private static Codec wider(Codec old, String there, SourceColumn column) {
        List<Codec> codecs = Codecs.forExisting(there, column, null);
        if (there.equals("text")) {
            return codecs.get(codecs.size() - 1);
        }
        return codecs.stream().filter(codec -> takesAll(old.id().split(":", -1), codec.id().split(":", -1)))
                .findFirst().orElse(null);
    }

    private static boolean takesAll(String[] old, String[] wide) {
        return switch (old[0]) {
            case "smallint", "integer", "bigint" -> INTEGERS.indexOf(wide[0]) > INTEGERS.indexOf(old[0])
                    || wide[0].equals("numeric") && wide[1].equals("0") && wide.length > 3;
            case "integertext" -> wide[0].equals("integertext") && number(wide[1]) > number(old[1]);
            case "numeric" -> wide[0].equals("numeric") && wide.length == old.length && (wide[1].equals("0")
                    || number(wide[2]) >= number(old[2])
                            && number(wide[1]) - number(wide[2]) >= number(old[1]) - number(old[2]));
            case "real" -> wide[0].equals("double") && wide.length == old.length;
            case "text" -> wide[0].equals("text") && (wide[1].equals("0") || number(wide[1]) > number(old[1]));
            default -> false;
        };
    }

    private static int number(String digits) {
        return Integer.parseInt(digits);
    }

    private static String shortName(String type) {
        return type.replace("character varying", "varchar").replace("character(", "char(")
                .replace("timestamp without time zone", "timestamp").replace("timestamp with time zone", "timestamptz")
                .replace("time without time zone", "time");
    }

    /** Types by table and column, as {@code format_type} prints them. */
    private static Map<String, Map<String, String>> types(Connection connection, String schema) throws SQLException {
        Map<String, Map<String, String>> types = new HashMap<>();
        try (PreparedStatement query = connection.prepareStatement("""
                SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
                FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = ? AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
                """)) {
            query.setString(1, schema);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    types.computeIfAbsent(row.getString(1), table -> new HashMap<>())
                            .put(row.getString(2), row.getString(3));
                }
            }
        }
        return types;
    }
}
