package dev.sluice.schema;

import java.util.Locale;

/** A column's type affinity, by the rules of sqlite.org/datatype3.html section 3.1. */
public enum Affinity {
    INTEGER,
    TEXT,
    BLOB,
    REAL,
    NUMERIC;

    /** The affinity of a declared type; null or empty means none was declared. */
    public static Affinity of(String declaredType) {
        String type = declaredType == null ? "" : declaredType.toUpperCase(Locale.ROOT);
        if (type.contains("INT")) {
            return INTEGER;
        }
        if (type.contains("CHAR") || type.contains("CLOB") || type.contains("TEXT")) {
            return TEXT;
        }
        if (type.isEmpty() || type.contains("BLOB")) {
            return BLOB;
        }
        if (type.contains("REAL") || type.contains("FLOA") || type.contains("DOUB")) {
            return REAL;
        }
        return NUMERIC;
    }

    /** True if text that looks like a number is stored as a number in such a column. */
    public boolean isNumeric() {
        return this == INTEGER || this == REAL || this == NUMERIC;
    }
}
