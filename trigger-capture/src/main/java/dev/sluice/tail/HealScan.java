package dev.sluice.tail;

import dev.sluice.change.Position;
import java.sql.SQLException;
import java.util.Iterator;

/**
 * Finds how far back a source went that lost its latest commits. All keys that the target's journal or the changelog
 * names above the common row may differ: they are read again ({@link Snapshot#reread}, {@link Snapshot#changes}).
 */
public final class HealScan {

    private HealScan() {}

    /**
     * The greatest changelog row that the source and the journal have in common.
     *
     * @param journal what was applied, the newest first
     * @return null if there is none: then every table has to be compared
     */
    public static Position commonRow(Snapshot snapshot, Iterator<Position> journal) throws SQLException {
        while (journal.hasNext()) {
            Position applied = journal.next();
            Long nonce = snapshot.nonce(applied.seq());
            if (nonce != null && nonce == applied.nonce()) {
                return applied;
            }
        }
        return null;
    }
}
