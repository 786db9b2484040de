package dev.sluice.migration;

import java.time.Duration;
import java.util.List;

/** What happens in a live migration, for whoever counts it. Called on the thread it happens on: must return at once. */
public interface MigrationEvents {

    /** For whom nobody listens. */
    MigrationEvents NONE = new MigrationEvents() {};

    /**
     * Everything that the source had committed a moment ago can be read in the target.
     *
     * @param atMost the age of the oldest of these commits; it may be younger by the time between two looks at the source
     */
    default void visible(Duration atMost) {}

    /** Rows of one source table were upserted and deleted in the target. */
    default void applied(String table, long upserts, long deletes) {}

    /** Writes were moved, or the attempt was given up; {@code act} is {@code cutover}, {@code rollback} or {@code settle}. */
    default void moved(String act, SwitchReport report) {}

    /** The gates of a cutover were looked at. */
    default void looked(List<Gate.Look> gates) {}
}
