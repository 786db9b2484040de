package dev.sluice.conflict;

import java.util.Locale;

/** Why the receiving side does not take rows. */
public enum Refusal {
    /** A unique key other than the row's own is held by another row. */
    UNIQUE_KEY_HELD,
    FOREIGN_KEY_MISSING,
    CHECK_BROKEN,
    NULL_REFUSED,
    /** A value has no form in the column's type. */
    NOT_REPRESENTABLE,
    /** A row, value or index entry over the receiving side's limits. */
    TOO_LARGE,
    /** A primary key with NULL in it: the row has no identity on the receiving side. */
    NULL_IN_KEY,
    /** Nothing that a row is to blame for: the connection, the disk, a privilege, a missing table. */
    NOT_ABOUT_ROWS;

    /** Short and stable, as it stands in the parking table, in JSON and in metrics. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }
}
