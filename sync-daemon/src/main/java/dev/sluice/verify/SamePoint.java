package dev.sluice.verify;

import dev.sluice.tail.Snapshot;
import java.sql.Connection;
import java.sql.SQLException;

/**
 * Makes moments at which both sides must be equal: the source is read in one snapshot, everything up to that snapshot
 * is applied, and the target is looked at before anything more is.
 */
public interface SamePoint {

    /** Reads what it needs from the source; must be quick, the snapshot holds back checkpoints. */
    interface SourceRead<R> {
        R read(Snapshot snapshot) throws SQLException;
    }

    /** Looks at the target; what it writes commits with the moment. */
    interface TargetRead<R, T> {
        T read(R source, Connection target) throws SQLException;
    }

    <R, T> T at(SourceRead<R> source, TargetRead<R, T> target) throws SQLException, InterruptedException;
}
