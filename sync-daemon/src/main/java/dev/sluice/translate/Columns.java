package dev.sluice.translate;

import dev.sluice.schema.Affinity;

/** The columns that an expression may name. */
@FunctionalInterface
public interface Columns {

    /**
     * A column that SQLite has and PostgreSQL does not, or not with the same value. It must be told from a name that is
     * no column, because SQLite takes such a name in double quotes for a string.
     */
    Column NOT_CARRIED = new Column("", PgKind.OTHER);

    /**
     * Finds a column as SQLite does, without regard to ASCII case. {@code rowid}, {@code oid} and {@code _rowid_} may
     * be answered with the INTEGER PRIMARY KEY.
     *
     * @param table the table's name or alias, null if the expression says none
     * @return null if there is no such column; {@link #NOT_CARRIED} if there is, but only in SQLite
     */
    Column find(String table, String column);

    /**
     * A column as both sides see it.
     *
     * @param targetName its name in PostgreSQL, unquoted
     * @param kind what it is in PostgreSQL. It tells SQLite's storage class too: BOOLEAN are the integers 0 and 1, TEXT
     *     is text, BYTEA are blobs. A column of which that isn't true ({@code 't'} and {@code 'f'} as boolean, text as
     *     bytea, a single-precision {@code real}) is OTHER: then it can only be tested for NULL
     * @param affinity what it is in SQLite: decides how SQLite compares it with other things
     * @param collation SQLite's collation of the column, {@code BINARY} unless declared otherwise. All text columns
     *     that are BINARY here have the same, deterministic collation in PostgreSQL
     * @param form how SQLite holds dates, times and UUIDs: a strftime pattern of fixed width ({@code %s} and
     *     {@code %s000} for an integer epoch), {@code uuid} for lower-case text of a UUID. Two columns of the same kind
     *     and form are equal, and ordered, in PostgreSQL exactly as in SQLite. Null if that isn't so or not known: then
     *     the column can only be tested for NULL
     */
    record Column(String targetName, PgKind kind, Affinity affinity, String collation, String form) {

        /** A column with the affinity that its kind suggests, BINARY, and no known form. */
        public Column(String targetName, PgKind kind) {
            this(targetName, kind, affinityOf(kind), kind == PgKind.CITEXT ? "NOCASE" : "BINARY", null);
        }

        public Column(String targetName, PgKind kind, Affinity affinity, String collation) {
            this(targetName, kind, affinity, collation, null);
        }

        private static Affinity affinityOf(PgKind kind) {
            return switch (kind) {
                case BOOLEAN, INTEGER -> Affinity.INTEGER;
                case NUMERIC -> Affinity.NUMERIC;
                case DOUBLE -> Affinity.REAL;
                case BYTEA -> Affinity.BLOB;
                default -> Affinity.TEXT;
            };
        }
    }
}
