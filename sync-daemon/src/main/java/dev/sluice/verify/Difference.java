package dev.sluice.verify;

import dev.sluice.change.RowKey;
import java.util.List;

/**
 * A row that is not the same on both sides.
 *
 * @param columns source columns that differ, for {@link Kind#DIFFERENT}
 */
public record Difference(Kind kind, RowKey key, List<String> columns) {

    /** How it differs. */
    public enum Kind {
        /** In the source only. */
        MISSING,
        /** In the target only. */
        EXTRA,
        DIFFERENT
    }
}
