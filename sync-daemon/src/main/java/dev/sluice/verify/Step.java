package dev.sluice.verify;

import dev.sluice.change.RowKey;
import java.util.List;

/**
 * What was found when one range of a table was compared, at one moment.
 *
 * @param leaves of the range, in order
 * @param last where the next step goes on; null if the range is at its end
 * @param restless rows that changed whenever they were looked at, so that nothing can be said of them
 * @param repaired how many differences were mended
 */
record Step(List<Leaf> leaves, RowKey last, List<Difference> differences, long restless, long repaired) {}
