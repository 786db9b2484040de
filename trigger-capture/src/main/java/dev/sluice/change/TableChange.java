package dev.sluice.change;

import java.util.List;
import java.util.Set;

/**
 * What happened to one table within a batch, net per key: first every key in {@code deletes} goes, then every row in
 * {@code upserts} is there.
 *
 * @param table the source table's name
 * @param deletes keys that no longer exist, or whose row now has another spelling of the key
 * @param upserts the rows as they are now, at most one per key
 */
public record TableChange(String table, Set<RowKey> deletes, List<Row> upserts) {}
