package dev.sluice.reverse;

import dev.sluice.change.RowKey;
import java.util.Collection;

/** Hears which rows of the source the stream is about to change, before anybody can see it; on the stream's thread. */
public interface Touches {

    Touches UNHEARD = (table, keys, lsn) -> {};

    /**
     * @param keys null for all rows of the table
     * @param lsn the end of the transaction that they come with, or of a later one
     */
    void touched(String table, Collection<RowKey> keys, long lsn);
}
