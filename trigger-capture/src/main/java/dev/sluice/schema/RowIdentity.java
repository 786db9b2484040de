package dev.sluice.schema;

import java.util.List;

/**
 * How capture and copy name a row of a table.
 *
 * @param kind what the identity is
 * @param columns the key columns in key order; for {@link Kind#ROWID} empty
 * @param rowidName the name under which the rowid can be asked for ({@code _rowid_}, {@code rowid} or {@code oid}),
 *     null where the table has none or all three are names of columns
 */
public record RowIdentity(Kind kind, List<String> columns, String rowidName) {

    /** The three ways to name a row. */
    public enum Kind {
        /** INTEGER PRIMARY KEY: the column is the rowid. */
        INTEGER_KEY,
        /** A declared primary key without NULLs. */
        DECLARED_KEY,
        /** No key, or one that holds NULLs or can't be compared here: the hidden rowid. */
        ROWID
    }

    /** The SQL names of the identity's parts, unquoted: columns, or the rowid's name. */
    public List<String> names() {
        return kind == Kind.ROWID ? List.of(rowidName) : columns;
    }
}
