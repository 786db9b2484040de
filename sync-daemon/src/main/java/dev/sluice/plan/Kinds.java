package dev.sluice.plan;

import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Codecs;
import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceTable;
import dev.sluice.translate.Columns;
import dev.sluice.translate.PgKind;
import java.util.Map;

/** What translation must know of planned columns. */
final class Kinds {

    private Kinds() {}

    static PgKind of(Codec codec) {
        String id = codec.id();
        if (codec.equals(Codecs.ANYTHING) || codec.equals(Codecs.ANYTHING_AS_TEXT)) {
            return PgKind.OTHER; // its text may carry marks, so no expression over it means the same
        }
        boolean otherClass = id.startsWith("boolean:") && !id.equals("boolean:INTEGER") || id.equals("bytea:text")
                || id.startsWith("blobtext:") || id.startsWith("integertext:") || codec.type().equals("real");
        // where the type doesn't tell what SQLite holds, no expression over it means the same either
        return otherClass ? PgKind.OTHER : ofType(codec.type());
    }

    static PgKind ofType(String type) {
        String base = type.replaceAll("\\(.*?\\)", "").replaceAll("\\s+", " ").trim();
        return switch (base) {
            case "boolean" -> PgKind.BOOLEAN;
            case "smallint", "integer", "bigint" -> PgKind.INTEGER;
            case "numeric" -> PgKind.NUMERIC;
            case "double precision", "real" -> PgKind.DOUBLE;
            case "text", "varchar", "character varying" -> PgKind.TEXT;
            case "citext" -> PgKind.CITEXT;
            case "bytea" -> PgKind.BYTEA;
            case "timestamp", "timestamp without time zone" -> PgKind.TIMESTAMP;
            case "timestamptz", "timestamp with time zone" -> PgKind.TIMESTAMPTZ;
            case "date" -> PgKind.DATE;
            case "time", "time without time zone" -> PgKind.TIME;
            case "json" -> PgKind.JSON;
            case "jsonb" -> PgKind.JSONB;
            case "uuid" -> PgKind.UUID;
            default -> PgKind.OTHER;
        };
    }

    /** The columns of one table, for its expressions; {@code generated} gives the planned names of generated columns. */
    static Columns columns(SourceTable source, TablePlan plan, Map<String, Columns.Column> generated) {
        return (table, name) -> {
            if (table != null && !table.equalsIgnoreCase(source.name())) {
                return null;
            }
            SourceColumn column = source.column(name);
            if (column == null) {
                boolean rowid = name.equalsIgnoreCase("rowid") || name.equalsIgnoreCase("oid")
                        || name.equalsIgnoreCase("_rowid_");
                if (!rowid || source.withoutRowid()) {
                    return null;
                }
                return plan.keyColumn() != null ? new Columns.Column(plan.keyColumn(), PgKind.INTEGER)
                        : switch (plan.identity().kind()) {
                            case INTEGER_KEY -> new Columns.Column(plan.keyTargets().get(0), PgKind.INTEGER);
                            case DECLARED_KEY, ROWID -> null;
                        };
            }
            if (column.isGenerated()) {
                return generated.getOrDefault(column.name(), Columns.NOT_CARRIED);
            }
            ColumnPlan planned = plan.column(column.name());
            if (planned == null || planned.using() != null) {
                return Columns.NOT_CARRIED;
            }
            Codec codec = planned.codec();
            return new Columns.Column(planned.target(), of(codec), column.affinity(), column.collation(),
                    codec.id().equals("uuid:LOWER") ? "uuid" : codec.strftime());
        };
    }
}
