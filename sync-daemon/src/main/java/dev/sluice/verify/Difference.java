package dev.sluice.verify;

import dev.sluice.change.RowKey;
import java.util.List;

/**
 * A row that is not the same on both sides.
 *
 * @param cells the columns that differ, for {@link Kind#DIFFERENT}
 */
public record Difference(Kind kind, RowKey key, List<Cell> cells) {

    /** How it differs, seen from the side that takes the application's writes. */
    public enum Kind {
        /** That side has it, the other one not. */
        MISSING,
        /** Only the other side has it. */
        EXTRA,
        DIFFERENT
    }

    /**
     * A column in which both sides have something else.
     *
     * @param column the source's name for it
     * @param sourceType the storage class of the source's value
     * @param sourceHash the start of SHA-256 (hex) over that value with its class
     * @param targetType the storage class that the target's value stands for, or {@code none} if no value of SQLite's is
     *     stored like that
     * @param targetHash as {@code sourceHash}
     * @param sourceValue for people; null unless values were asked for
     * @param targetValue as {@code sourceValue}
     */
    public record Cell(String column, String sourceType, String sourceHash, String targetType, String targetHash,
            String sourceValue, String targetValue) {}

    /** Source columns that differ. */
    public List<String> columns() {
        return cells.stream().map(Cell::column).toList();
    }
}
