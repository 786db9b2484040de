package dev.sluice.conflict;

import java.util.Locale;

/** How two versions of a row disagree. The first word says what the arriving side did, the second what the other did. */
public enum ConflictKind {
    /** Both made a row of this key, and not the same. */
    INSERT_INSERT,
    /** Both changed the row, and not to the same. */
    UPDATE_UPDATE,
    /** The arriving side changed a row that the other has deleted. */
    UPDATE_DELETE,
    /** The arriving side deleted a row that the other has changed. */
    DELETE_UPDATE,
    /** The arriving side did nothing that would explain it: the row was changed, made or deleted outside of Sluice. */
    CHANGED_OUTSIDE,
    /** Another row holds a unique value of the arriving one. */
    UNIQUE_KEY_HELD,
    /** The row that the arriving one refers to is not there. */
    FOREIGN_KEY_MISSING,
    /** A value of the arriving row has no form on the other side. */
    NOT_REPRESENTABLE;

    /** Short and stable, as it stands in tables, JSON and metrics. */
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** True where the arriving row can't be written at all: then neither version can win, and nothing can be merged. */
    public boolean isRefusal() {
        return this == UNIQUE_KEY_HELD || this == FOREIGN_KEY_MISSING || this == NOT_REPRESENTABLE;
    }
}
