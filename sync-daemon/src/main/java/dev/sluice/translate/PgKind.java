package dev.sluice.translate;

/** What a column is in PostgreSQL, as far as translating an expression over it must know. */
public enum PgKind {
    /** {@code boolean}, for SQLite's integers 0 and 1. */
    BOOLEAN,
    /** {@code smallint}, {@code integer} or {@code bigint}. */
    INTEGER,
    /** {@code numeric}: SQLite holds an integer or a real, as the value has a fraction or not. */
    NUMERIC,
    /** {@code double precision}. */
    DOUBLE,
    /** {@code text} or {@code varchar}; never {@code char(n)}. */
    TEXT,
    CITEXT,
    BYTEA,
    TIMESTAMP,
    TIMESTAMPTZ,
    DATE,
    TIME,
    /** {@code json}, which keeps its text byte for byte. */
    JSON,
    JSONB,
    UUID,
    /** Anything else, and every column in which PostgreSQL's value does not tell SQLite's storage class and text. */
    OTHER;

    boolean isNumber() {
        return this == BOOLEAN || this == INTEGER || this == NUMERIC || this == DOUBLE;
    }

    boolean isText() {
        return this == TEXT || this == CITEXT;
    }

    /** The type to cast to; only for kinds that name one type. */
    String typeName() {
        return switch (this) {
            case BOOLEAN -> "boolean";
            case INTEGER -> "bigint";
            case NUMERIC -> "numeric";
            case DOUBLE -> "double precision";
            case TEXT -> "text";
            case CITEXT -> "citext";
            case BYTEA -> "bytea";
            case TIMESTAMP -> "timestamp";
            case TIMESTAMPTZ -> "timestamptz";
            case DATE -> "date";
            case TIME -> "time";
            case JSON -> "json";
            case JSONB -> "jsonb";
            case UUID -> "uuid";
            case OTHER -> throw new Untranslatable("it holds a column whose type has no name here");
        };
    }
}
