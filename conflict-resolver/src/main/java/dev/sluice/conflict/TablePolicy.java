package dev.sluice.conflict;

import java.util.Map;

/**
 * What holds for one table and one direction.
 *
 * @param detects false where nobody looks for disagreement
 * @param stance for the row as a whole
 * @param newestBy the column by which a version is younger; -1 for the order in which commits arrive
 * @param columns stances of single columns, by their place in a version; never MERGE
 */
public record TablePolicy(boolean detects, Stance stance, int newestBy, Map<Integer, Stance> columns) {

    /** The side with traffic is right. */
    public static final TablePolicy TRAFFIC_WINS = new TablePolicy(false, Stance.INCOMING, -1, Map.of());

    public TablePolicy {
        columns = Map.copyOf(columns);
        if (columns.containsValue(Stance.MERGE)) {
            throw new IllegalArgumentException("a column alone can't be merged");
        }
    }

    /** True where it must be known which columns were changed. */
    public boolean needsColumns() {
        return detects && (stance == Stance.MERGE || !columns.isEmpty());
    }
}
