package dev.sluice.translate;

import dev.sluice.change.Value;
import dev.sluice.schema.Affinity;

/**
 * A translated expression with all that is known of its value, in SQLite and in PostgreSQL.
 *
 * @param sql PostgreSQL's SQL: a name, a literal, a call or in parentheses, so that {@code ::type} may follow it
 * @param kind its type in PostgreSQL; BOOLEAN stands for SQLite's integers 0 and 1; OTHER for a NULL literal
 * @param constant its value if it is a literal, else null
 * @param affinity the affinity with which SQLite compares it, null for none
 * @param unsure true if versions of SQLite disagree about the affinity (columns of views and subqueries)
 * @param collation of a column, or given by COLLATE; null for none
 * @param explicit true if COLLATE gave the collation
 * @param mixed true if a numeric value may be an integer in one row and a real in another
 * @param wide true if an integer is a bigint for certain, so that arithmetic has SQLite's 64 bits
 * @param floor a number that the value is never below, null if not known
 * @param small true if an integer is known to be exact as a double
 * @param form of a date, time or UUID, see {@link Columns.Column#form}; of the current time as text, its strftime
 *     pattern
 * @param number if the text is the decimal form of an integer: SQL of that integer, otherwise null
 */
record Term(String sql, PgKind kind, Value constant, Affinity affinity, boolean unsure, String collation,
        boolean explicit, boolean mixed, boolean wide, Long floor, boolean small, String form, String number) {

    /** The value of a function or operator: no affinity, no collation. */
    static Term of(String sql, PgKind kind) {
        return new Term(sql, kind, null, null, false, null, false, false, false, null, false, null, null);
    }

    static Term constant(Value value) {
        PgKind kind = switch (value.storageClass()) {
            case NULL -> PgKind.OTHER;
            case INTEGER -> PgKind.INTEGER;
            case REAL -> PgKind.DOUBLE;
            case TEXT -> PgKind.TEXT;
            case BLOB -> PgKind.BYTEA;
        };
        Long number = value instanceof Value.Int integer ? integer.value() : null;
        boolean small = number != null && Math.abs(number) <= Constants.EXACT_AS_DOUBLE_MAX;
        return new Term(Constants.literal(value), kind, value, null, false, null, false, false, false, number, small,
                null, null);
    }

    /** A condition: PostgreSQL's boolean for SQLite's 0 and 1. */
    static Term condition(String sql) {
        return of(sql, PgKind.BOOLEAN).withFloor(0L, true);
    }

    boolean isNull() {
        return constant != null && constant.isNull();
    }

    Term withAffinity(Affinity value) {
        return new Term(sql, kind, constant, value, unsure, collation, explicit, mixed, wide, floor, small, form,
                number);
    }

    Term withUnsureAffinity() {
        return new Term(sql, kind, constant, affinity, true, collation, explicit, mixed, wide, floor, small, form,
                number);
    }

    Term withCollation(String value, boolean isExplicit) {
        return new Term(sql, kind, constant, affinity, unsure, value, isExplicit, mixed, wide, floor, small, form,
                number);
    }

    Term withMixed(boolean value) {
        return new Term(sql, kind, constant, affinity, unsure, collation, explicit, value, wide, floor, small, form,
                number);
    }

    Term withWide() {
        return new Term(sql, kind, constant, affinity, unsure, collation, explicit, mixed, true, floor, small, form,
                number);
    }

    Term withFloor(Long value, boolean isSmall) {
        return new Term(sql, kind, constant, affinity, unsure, collation, explicit, mixed, wide, value, isSmall, form,
                number);
    }

    Term withForm(String value) {
        return new Term(sql, kind, constant, affinity, unsure, collation, explicit, mixed, wide, floor, small, value,
                number);
    }

    Term withNumber(String value) {
        return new Term(sql, kind, constant, affinity, unsure, collation, explicit, mixed, wide, floor, small, form,
                value);
    }

    /** The same value under another SQL text. */
    Term withSql(String value) {
        return new Term(value, kind, constant, affinity, unsure, collation, explicit, mixed, wide, floor, small, form,
                number);
    }
}
