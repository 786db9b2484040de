package dev.sluice.mapping;

import dev.sluice.mapping.Codecs.JsonChoice;
import dev.sluice.schema.SourceColumn;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Every codec that some column could get, once. */
public final class AllCodecs {

    private static final String[] DECLARED = {
        "", "INTEGER", "INT", "int(11)", "BIGINT", "TEXT", "varchar(5)", "VARCHAR(10000000000)", "CHAR(36)", "BLOB",
                "REAL", "DOUBLE PRECISION",
        "FLOAT", "NUMERIC", "NUMERIC(10,2)", "DECIMAL(38)", "DECIMAL(5, 5)", "MONEY", "NUMBER(1,9)", "BOOLEAN",
        "BOOL", "DATE", "DATETIME",
        "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIME", "TIME TEXT", "UUID", "GUID", "UNIQUEIDENTIFIER", "JSON",
        "JSONB", "JSON TEXT",
        "varchar2(250)", "BLOB SUB_TYPE TEXT", "WHATEVER", "STRING",
    };
    private static final String[] EXISTING = {
        "smallint", "integer", "bigint", "boolean", "real", "double precision", "numeric", "numeric(10,2)",
                "numeric(3,0)", "numeric(2,2)",
        "numeric(2,5)", "numeric(5,-2)", "text", "character varying", "character varying(5)", "citext", "name",
        "character(5)", "character(1)",
        "\"char\"", "bytea", "json", "jsonb", "uuid", "date", "time without time zone", "time(0) without time zone",
        "time(3) without time zone",
        "timestamp without time zone", "timestamp(3) without time zone", "timestamp(0) without time zone",
        "timestamp with time zone",
        "timestamp(3) with time zone", "timestamp(0) with time zone", "inet", "interval", "xml", "money",
        "time with time zone", "text[]",
        "bit(3)", "tsvector", "int4range",
    };
    private static final String[] ZONES = {"Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "UTC", "+02:00"};

    public static final String CREATE_ENUM = "CREATE TYPE mood AS ENUM ('', 'a', 'Z', '\\x', '日本語', 'null')";
    private static final Codec ENUM = Codecs.forEnum("mood", List.of("", "a", "Z", "\\x", "日本語", "null"));

    private AllCodecs() {}

    /** Type as the target declares it, with a codec that may fill it. */
    public record Filling(String type, Codec codec) {}

    public static Collection<Filling> all() {
        Map<String, Filling> all = new LinkedHashMap<>();
        for (String declared : DECLARED) {
            for (JsonChoice json : JsonChoice.values()) {
                for (boolean key : new boolean[] {false, true}) {
                    Codecs.forNew(column(declared), key, json).forEach(codec -> put(all, codec.type(), codec));
                    Codec without = Codecs.withoutEvidence(column(declared), key, json);
                    put(all, without.type(), without);
                }
            }
        }
        for (String type : EXISTING) {
            for (String declared : List.of("", "INTEGER", "TEXT", "REAL", "NUMERIC")) {
                Codecs.forExisting(type, column(declared), null).forEach(codec -> put(all, type, codec));
                for (String zone : ZONES) {
                    Codecs.forExisting(type, column(declared), zone).forEach(codec -> put(all, type, codec));
                }
            }
        }
        put(all, "mood", ENUM);
        return all.values();
    }

    private static void put(Map<String, Filling> all, String type, Codec codec) {
        all.putIfAbsent(type + " " + codec.id(), new Filling(type, codec));
    }

    public static SourceColumn column(String declared) {
        return new SourceColumn("c", declared, false, null, 0, SourceColumn.Generation.NONE, null, "BINARY");
    }
}
