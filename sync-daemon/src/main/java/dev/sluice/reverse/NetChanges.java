package dev.sluice.reverse;

import dev.sluice.change.RowKey;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is left of a run of changes to one table: for each row its last state and where in the source its former one is.
 * Not thread-safe.
 */
final class NetChanges {

    private static final Logger LOG = LoggerFactory.getLogger(NetChanges.class);

    private final StreamTable table;
    private final Map<String, Net> rows = new LinkedHashMap<>();
    /** Rows of the source that are to go, by key, with the key's texts. */
    private final Map<String, String[]> deleted = new LinkedHashMap<>();
    private boolean truncated;

    /**
     * The last state of a row.
     *
     * @param texts what was printed of it
     * @param from the texts of the row whose key it has in the source, where it takes over what was not sent; null for a
     *     new row
     */
    record Net(String[] texts, String[] from) {}

    NetChanges(StreamTable table) {
        this.table = table;
    }

    StreamTable table() {
        return table;
    }

    /** True if all rows go before anything else is done. */
    boolean isTruncated() {
        return truncated;
    }

    Map<String, Net> rows() {
        return rows;
    }

    Map<String, String[]> deleted() {
        return deleted;
    }

    /** The keys of all rows of the source that this may change; null for all there are. */
    Collection<RowKey> sourceKeys() {
        if (truncated) {
            return null;
        }
        Set<RowKey> keys = new HashSet<>();
        deleted.values().forEach(texts -> addKey(keys, texts));
        rows.values().forEach(net -> {
            addKey(keys, net.texts());
            addKey(keys, net.from());
        });
        return keys;
    }

    private void addKey(Set<RowKey> keys, String[] texts) {
        if (texts != null) {
            try {
                keys.add(table.sourceKey(texts));
            } catch (RuntimeException e) {
                LOG.trace("no codec has ever written this key, so the source has no such row");
            }
        }
    }

    void add(RowChange change) {
        switch (change.kind()) {
            case INSERT -> rows.put(table.key(change.after()), new Net(change.after(), null));
            case UPDATE -> update(change.after());
            case MOVE -> move(change.before(), change.after());
            case DELETE -> delete(change.before());
            case TRUNCATE -> {
                rows.clear();
                deleted.clear();
                truncated = true;
            }
        }
    }

    private void update(String[] after) {
        String key = table.key(after);
        Net before = rows.get(key);
        rows.put(key, before == null ? new Net(after, after) : new Net(merged(after, before.texts()), before.from()));
    }

    private void move(String[] before, String[] after) {
        Net moved = rows.remove(table.key(before));
        rows.put(table.key(after), moved == null ? new Net(after, before)
                : new Net(merged(after, moved.texts()), moved.from()));
    }

    private void delete(String[] before) {
        String key = table.key(before);
        Net gone = rows.remove(key);
        String[] from = gone == null ? before : gone.from();
        if (from != null) {
            deleted.put(table.key(from), from);
        }
    }

    /** {@code later}, completed by what {@code earlier} has and it has not. */
    static String[] merged(String[] later, String[] earlier) {
        String[] merged = later;
        for (int i = 0; i < later.length; i++) {
            if (!PrintedValues.isSent(later[i]) && PrintedValues.isSent(earlier[i])) {
                if (merged == later) {
                    merged = later.clone();
                }
                merged[i] = earlier[i];
            }
        }
        return merged;
    }
}
