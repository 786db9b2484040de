package dev.sluice.tail;

import java.time.Duration;

/**
 * When a read ends early. At least one row is read whatever the limits say, so that the work goes on.
 *
 * @param rowsMax rows of tables; of changelog rows ten times as many
 * @param bytesMax bytes of their content
 * @param timeMax time since the read began; in a rollback journal mode the application can't commit that long
 */
public record Limits(int rowsMax, long bytesMax, Duration timeMax) {

    /** Changelog rows per row of a table, because hot rows are touched again and again. */
    private static final long TOUCHES_PER_ROW = 10;

    long touchesMax() {
        return TOUCHES_PER_ROW * rowsMax;
    }
}
