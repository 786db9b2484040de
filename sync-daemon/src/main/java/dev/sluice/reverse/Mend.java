package dev.sluice.reverse;

import dev.sluice.change.RowKey;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;

/**
 * Rows of the source that are to be made as the target has them, between two transactions of the stream.
 *
 * @param rows printed by the target: the columns that come back in the plan's order, and the rowid's last
 * @param gone keys of rows that the target does not have
 * @param stale rows that changed since they were printed: they are left as they are
 * @param done how many rows were written or deleted
 */
record Mend(String table, List<Printed> rows, List<RowKey> gone, Predicate<RowKey> stale, CompletableFuture<Integer> done) {

    /** A row and its key. */
    record Printed(RowKey key, String[] texts) {}
}
