package dev.sluice.mapping;

import dev.sluice.mapping.NumberCodecs.Booleans;
import dev.sluice.mapping.NumberCodecs.Decimals;
import dev.sluice.mapping.NumberCodecs.Doubles;
import dev.sluice.mapping.NumberCodecs.Integers;
import dev.sluice.mapping.NumberCodecs.TruthForm;
import dev.sluice.mapping.TextCodecs.BlobAsText;
import dev.sluice.mapping.TextCodecs.Bytes;
import dev.sluice.mapping.TextCodecs.Escaped;
import dev.sluice.mapping.TextCodecs.Json;
import dev.sluice.mapping.TextCodecs.Labels;
import dev.sluice.mapping.TextCodecs.PaddedText;
import dev.sluice.mapping.TextCodecs.Texts;
import dev.sluice.mapping.TextCodecs.UuidForm;
import dev.sluice.mapping.TextCodecs.Uuids;
import dev.sluice.mapping.TimeCodecs.Dates;
import dev.sluice.mapping.TimeCodecs.EpochUnit;
import dev.sluice.mapping.TimeCodecs.Epochs;
import dev.sluice.mapping.TimeCodecs.Fraction;
import dev.sluice.mapping.TimeCodecs.Times;
import dev.sluice.mapping.TimeCodecs.Timestamps;
import dev.sluice.schema.Affinity;
import dev.sluice.schema.SourceColumn;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which codecs a column may get. {@link #forNew} lists them from the one its declaration asks for to the one that holds
 * anything: the first that fits every stored value is taken. {@link #forExisting} lists those for a type that the
 * target has already.
 */
public final class Codecs {

    /** The codec of last resort: any value of any class, in {@code text}. */
    public static final Codec ANYTHING = new Escaped(true);
    public static final Codec ANYTHING_AS_TEXT = new Escaped(false);
    public static final Codec BIGINT = new Integers(8);
    /** For text that only ever holds the digits of an integer, in a column that refers to an integer key. */
    public static final Codec BIGINT_OF_TEXT = new TextIntegers(8);
    public static final Codec TEXT = Texts.TEXT;
    public static final Codec BYTEA = new Bytes(false);

    private static final List<String> SUFFIXES = List.of("", "Z", "+00:00", "+00", " UTC", " +0000 UTC");
    private static final Pattern ARGUMENTS = Pattern.compile("\\(\\s*(\\d{1,9})\\s*(?:,\\s*(\\d{1,9})\\s*)?\\)");

    /** What an operator chose for all columns. */
    public enum JsonChoice {
        JSON,
        JSONB,
        TEXT
    }

    private Codecs() {}

    /**
     * The codecs for a column of a table that we create, best first; the last fits every value.
     *
     * @param key true for INTEGER PRIMARY KEY, which is always an integer
     */
    public static List<Codec> forNew(SourceColumn column, boolean key, JsonChoice json) {
        if (key) {
            return List.of(BIGINT);
        }
        String declared = column.declaredType().toUpperCase(Locale.ROOT);
        Affinity affinity = column.affinity();
        boolean wholeIsInteger = affinity == Affinity.INTEGER || affinity == Affinity.NUMERIC;
        Set<Codec> codecs = new LinkedHashSet<>();
        if (declared.contains("BOOL")) {
            for (TruthForm form : TruthForm.values()) {
                codecs.add(new Booleans(form));
            }
        }
        if (declared.contains("UUID") || declared.contains("GUID")) {
            // without its hyphens it may be meant as text: only a schema that is there says that it isn't
            for (UuidForm form : List.of(UuidForm.LOWER, UuidForm.UPPER, UuidForm.BLOB)) {
                codecs.add(new Uuids(form));
            }
        }
        if (declared.contains("JSON") && json != JsonChoice.TEXT) {
            codecs.add(new Json(json == JsonChoice.JSONB));
        }
        if (declared.contains("DATE") || declared.contains("TIME")) {
            addTimes(codecs, declared);
        }
        int[] arguments = arguments(declared);
        if (declared.contains("DEC") || declared.contains("NUM") || declared.contains("MONEY")) {
            if (arguments[0] > 0 && arguments[0] <= 1000 && arguments[1] <= arguments[0]) {
                codecs.add(new Decimals(arguments[0], Math.max(arguments[1], 0), wholeIsInteger));
            }
            if (wholeIsInteger) {
                codecs.add(new Decimals(0, 0, true));
            }
        }
        codecs.add(BIGINT);
        codecs.add(new Doubles(false, false));
        if (wholeIsInteger) {
            codecs.add(new Decimals(0, 0, true));
        }
        if (arguments[0] > 0 && arguments[0] <= 10_485_760 && declared.contains("CHAR")) {
            codecs.add(Texts.varchar(arguments[0]));
        }
        codecs.add(TEXT);
        codecs.add(BYTEA);
        codecs.add(affinity == Affinity.TEXT ? ANYTHING_AS_TEXT : ANYTHING);
        codecs.add(affinity == Affinity.TEXT ? ANYTHING : ANYTHING_AS_TEXT);
        return List.copyOf(codecs);
    }

    /**
     * The codec for a column that has no value to learn from: what its declaration asks for if that leaves no form
     * open, else the one that takes the most.
     */
    public static Codec withoutEvidence(SourceColumn column, boolean key, JsonChoice json) {
        String declared = column.declaredType().toUpperCase(Locale.ROOT);
        Affinity affinity = column.affinity();
        if (key) {
            return BIGINT;
        }
        if (declared.contains("BOOL")) {
            return new Booleans(TruthForm.INTEGER);
        }
        if (declared.contains("JSON") && json != JsonChoice.TEXT) {
            return new Json(json == JsonChoice.JSONB);
        }
        if (declared.contains("DATE") || declared.contains("TIME")) {
            String value = column.defaultSql() == null ? "" : column.defaultSql().toUpperCase(Locale.ROOT);
            return value.contains("CURRENT_TIMESTAMP") || value.startsWith("DATETIME('NOW')")
                            || value.startsWith("(DATETIME('NOW')")
                    ? new Timestamps(' ', Fraction.NONE, "", null) : ANYTHING;
        }
        int[] arguments = arguments(declared);
        return switch (affinity) {
            case INTEGER -> BIGINT;
            case REAL -> new Doubles(false, false);
            case TEXT -> arguments[0] > 0 && arguments[0] <= 10_485_760 && declared.contains("CHAR")
                    ? Texts.varchar(arguments[0]) : TEXT;
            case BLOB -> declared.isEmpty() ? ANYTHING : BYTEA;
            case NUMERIC -> declared.contains("DEC") || declared.contains("NUM") || declared.contains("MONEY")
                    ? new Decimals(0, 0, true) : ANYTHING;
        };
    }

    private static void addTimes(Set<Codec> codecs, String declared) {
        Set<Codec> dates = Set.of(new Dates());
        if (declared.startsWith("DATE") && !declared.contains("TIME")) {
            codecs.addAll(dates);
        }
        if (declared.startsWith("TIME") && !declared.contains("STAMP")) {
            for (Fraction fraction : Fraction.values()) {
                codecs.add(new Times(fraction));
            }
        }
        addTimestamps(codecs, null);
        codecs.addAll(dates);
        for (EpochUnit unit : EpochUnit.values()) {
            codecs.add(new Epochs(unit, true));
        }
    }

    private static void addTimestamps(Set<Codec> codecs, String zone) {
        for (char separator : new char[] {' ', 'T'}) {
            for (Fraction fraction : List.of(Fraction.NONE, Fraction.SIX, Fraction.THREE, Fraction.MINUTES, Fraction.ONE,
                    Fraction.TWO, Fraction.FOUR, Fraction.FIVE, Fraction.SIX_OR_NONE, Fraction.THREE_OR_NONE,
                    Fraction.TRIMMED)) {
                if (zone != null) {
                    codecs.add(new Timestamps(separator, fraction, "", zone));
                    continue;
                }
                for (String suffix : SUFFIXES) {
                    codecs.add(new Timestamps(separator, fraction, suffix, null));
                }
            }
        }
    }

    /**
     * The codecs for a column that the target has already, best first; empty if none of ours can fill the type. An enum
     * has its own: {@link #forEnum}.
     *
     * @param type as {@code format_type} prints it, for example {@code character varying(20)}
     * @param zone the zone that the operator named for local times, or null
     */
    public static List<Codec> forExisting(String type, SourceColumn column, String zone) {
        Affinity affinity = column.affinity();
        boolean wholeIsInteger = affinity == Affinity.INTEGER || affinity == Affinity.NUMERIC;
        int[] arguments = arguments(type);
        String base = longName(type.replaceAll("\\(.*?\\)", "").replaceAll("\\s+", " ").trim());
        Set<Codec> codecs = new LinkedHashSet<>();
        switch (base) {
            case "smallint" -> {
                codecs.add(new Integers(2));
                codecs.add(new TextIntegers(2));
            }
            case "integer" -> {
                codecs.add(new Integers(4));
                codecs.add(new TextIntegers(4));
            }
            case "bigint" -> {
                codecs.add(new Integers(8));
                codecs.add(new TextIntegers(8));
            }
            case "boolean" -> {
                for (TruthForm form : TruthForm.values()) {
                    codecs.add(new Booleans(form));
                }
            }
            case "real", "double precision" -> {
                codecs.add(new Doubles(base.equals("real"), false));
                codecs.add(new Doubles(base.equals("real"), wholeIsInteger));
            }
            case "numeric" -> {
                if (arguments[0] > 0) {
                    codecs.add(new Decimals(arguments[0], Math.max(arguments[1], 0), wholeIsInteger));
                } else if (!type.contains("(")) { // a negative scale rounds before the point
                    codecs.add(new Decimals(0, 0, wholeIsInteger));
                }
            }
            case "text", "character varying", "citext" -> {
                codecs.add(new Texts(type, Math.max(arguments[0], 0), true));
                if (arguments[0] < 0) {
                    codecs.add(new BlobAsText(type));
                    if (base.equals("text")) {
                        codecs.add(affinity == Affinity.TEXT ? ANYTHING_AS_TEXT : ANYTHING);
                    }
                }
            }
            case "character" -> codecs.add(new PaddedText(Math.max(arguments[0], 1)));
            case "bytea" -> {
                codecs.add(new Bytes(false));
                codecs.add(new Bytes(true));
            }
            case "json", "jsonb" -> codecs.add(new Json(base.equals("jsonb")));
            case "uuid" -> {
                for (UuidForm form : UuidForm.values()) {
                    codecs.add(new Uuids(form));
                }
            }
            case "date" -> codecs.add(new Dates());
            case "time without time zone", "time" -> {
                for (Fraction fraction : Fraction.values()) {
                    if (arguments[0] < 0 || fraction.digitsMax() <= arguments[0]) {
                        codecs.add(new Times(fraction));
                    }
                }
            }
            case "timestamp without time zone", "timestamp with time zone" -> {
                boolean zoned = base.equals("timestamp with time zone");
                Set<Codec> all = new LinkedHashSet<>();
                addTimestamps(all, zoned ? zone : null);
                addTimestamps(all, null);
                for (EpochUnit unit : EpochUnit.values()) {
                    all.add(new Epochs(unit, zoned));
                }
                all.stream()
                        .filter(codec -> codec.type().equals(zoned ? "timestamptz" : "timestamp"))
                        .filter(codec -> arguments[0] < 0 || digitsMax(codec) <= arguments[0])
                        .forEach(codecs::add);
            }
            case "inet" -> codecs.add(new Addresses());
            default -> {
                // interval, money, arrays and the like print a value in another way than it was written
            }
        }
        return List.copyOf(codecs);
    }

    /**
     * The codec for an enum of the target.
     *
     * @param labels its labels as {@code pg_enum} has them
     */
    public static Codec forEnum(String type, List<String> labels) {
        return new Labels(type, List.copyOf(labels));
    }

    /** timestamp(3) rounds what has more digits. */
    private static int digitsMax(Codec codec) {
        return codec instanceof Timestamps timestamps ? timestamps.fraction().digitsMax()
                : ((Epochs) codec).unit().digitsMax();
    }

    /** PostgreSQL's own name of a type that has shorter ones, as operators write them. */
    private static String longName(String type) {
        return switch (type) {
            case "int2" -> "smallint";
            case "int", "int4" -> "integer";
            case "int8" -> "bigint";
            case "bool" -> "boolean";
            case "float4" -> "real";
            case "float8", "double" -> "double precision";
            case "decimal" -> "numeric";
            case "varchar" -> "character varying";
            case "char", "bpchar" -> "character";
            case "timestamp" -> "timestamp without time zone";
            case "timestamptz" -> "timestamp with time zone";
            default -> type;
        };
    }

    /** The codec that {@link Codec#id} names. */
    public static Codec parse(String id) {
        String[] parts = id.split(":", -1);
        return switch (parts[0]) {
            case "smallint" -> new Integers(2);
            case "integer" -> new Integers(4);
            case "bigint" -> new Integers(8);
            case "integertext" -> new TextIntegers(Integer.parseInt(parts[1]));
            case "boolean" -> new Booleans(TruthForm.valueOf(parts[1]));
            case "double", "real" -> new Doubles(parts[0].equals("real"), parts.length > 1);
            case "numeric" -> new Decimals(Integer.parseInt(parts[1]), Integer.parseInt(parts[2]), parts.length > 3);
            case "text" -> new Texts(id.split(":", 4)[3], Integer.parseInt(parts[1]), Boolean.parseBoolean(parts[2]));
            case "char" -> new PaddedText(Integer.parseInt(parts[1]));
            case "bytea" -> new Bytes(parts.length > 1);
            case "blobtext" -> new BlobAsText(id.substring("blobtext:".length()));
            case "json" -> new Json(false);
            case "jsonb" -> new Json(true);
            case "uuid" -> new Uuids(UuidForm.valueOf(parts[1]));
            case "enum" -> Labels.parse(parts);
            case "escaped" -> new Escaped(parts[1].equals("numbers"));
            case "date" -> new Dates();
            case "time" -> new Times(Fraction.valueOf(parts[1]));
            case "timestamp" -> new Timestamps(parts[1].charAt(0), Fraction.valueOf(parts[2]),
                    parts[3].replace(';', ':'), parts[4].isEmpty() ? null : parts[4].replace(';', ':'));
            case "epoch" -> new Epochs(EpochUnit.valueOf(parts[1]), parts.length == 2);
            case "inet" -> new Addresses();
            default -> throw new IllegalArgumentException("unknown codec " + id);
        };
    }

    /** The numbers in a type's parentheses, -1 where there is none. */
    private static int[] arguments(String type) {
        Matcher matcher = ARGUMENTS.matcher(type);
        if (!matcher.find()) {
            return new int[] {-1, -1};
        }
        List<Integer> numbers = new ArrayList<>();
        numbers.add(Integer.parseInt(matcher.group(1)));
        numbers.add(matcher.group(2) == null ? -1 : Integer.parseInt(matcher.group(2)));
        return new int[] {numbers.get(0), numbers.get(1)};
    }
}
