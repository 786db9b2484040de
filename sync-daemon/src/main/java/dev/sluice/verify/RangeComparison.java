package dev.sluice.verify;

import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.store.Keys;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Compares the rows that both sides hold in one range and hashes them into leaves. Stateless. */
final class RangeComparison {

    private static final int HASH_SHOWN = 16;

    private final TargetRows targetRows;
    private final int leafRows;
    private final boolean targetLeads;
    private final boolean showValues;

    /**
     * @param leafRows rows of a leaf at most, but for those that only the target has
     * @param targetLeads true if the target takes the application's writes
     */
    RangeComparison(TargetRows targetRows, int leafRows, boolean targetLeads, boolean showValues) {
        this.targetRows = targetRows;
        this.leafRows = leafRows;
        this.targetLeads = targetLeads;
        this.showValues = showValues;
    }

    /** Where and when. */
    record Range(RowKey after, RowKey upTo, long seq, long lsn) {}

    /**
     * @param here the source's rows of the range, in scan order
     * @param there the target's; in tables without numbers only those that the source has too
     * @param parked keys that one side rightly lacks, as their rows are parked
     * @param differences what is found is added
     */
    List<Leaf> leaves(Range range, Map<RowKey, Row> here, Map<RowKey, Value[]> there, Set<RowKey> parked,
            List<Difference> differences) {
        List<Leaf> leaves = new ArrayList<>();
        TreeMap<Long, RowKey> onlyThere = new TreeMap<>();
        for (RowKey key : there.keySet()) {
            if (!here.containsKey(key)) {
                onlyThere.put(targetRows.isNumbered() ? TargetRows.number(key) : onlyThere.size(), key);
            }
        }
        Iterator<Row> rows = here.values().iterator();
        RowKey after = range.after();
        do {
            RowHash source = new RowHash();
            RowHash target = new RowHash();
            long count = 0;
            long lacking = 0;
            RowKey last = null;
            while (count < leafRows && rows.hasNext()) {
                Row row = rows.next();
                count++;
                last = row.key();
                Value[] values = there.get(row.key());
                List<Difference.Cell> cells = hash(row, values, source, target);
                if (values == null && parked.contains(row.key())) {
                    lacking++;
                } else if (values == null) {
                    differences.add(only(row.key(), true));
                } else if (!cells.isEmpty()) {
                    differences.add(new Difference(Difference.Kind.DIFFERENT, row.key(), cells));
                }
            }
            boolean end = !rows.hasNext();
            RowKey upTo = end ? range.upTo() : last;
            var extras = end ? onlyThere : targetRows.isNumbered()
                    ? onlyThere.headMap(TargetRows.number(upTo), true) : new TreeMap<Long, RowKey>();
            for (RowKey extra : extras.values()) {
                target.add(extra);
                for (Value value : there.get(extra)) {
                    target.add(value);
                }
                if (parked.contains(extra)) {
                    lacking++;
                } else {
                    differences.add(only(extra, false));
                }
            }
            extras.clear();
            Leaf leaf = new Leaf(after, upTo, count, lacking, source.bytes(), target.bytes(), range.seq(), range.lsn(), false);
            leaves.add(leaf.isEqual() ? leaf : leaf.soiled());
            after = upTo;
        } while (rows.hasNext());
        return leaves;
    }

    /** A row that one side has, as a difference. */
    Difference only(RowKey key, boolean inSource) {
        return new Difference(inSource == targetLeads ? Difference.Kind.EXTRA : Difference.Kind.MISSING, key, List.of());
    }

    /** True if both sides hold the same row; a null one is not there. */
    boolean same(Row here, Value[] there) {
        return here == null ? there == null
                : there != null && hash(here, there, new RowHash(), new RowHash()).isEmpty();
    }

    /** Hashes a row on both sides; returns the columns in which they differ. */
    private List<Difference.Cell> hash(Row row, Value[] there, RowHash source, RowHash target) {
        List<Difference.Cell> different = List.of();
        source.add(row.key());
        if (there != null) {
            target.add(row.key());
        }
        List<TargetRows.Column> columns = targetRows.columns();
        for (int i = 0; i < columns.size(); i++) {
            TargetRows.Column column = columns.get(i);
            Value here = column.codec().canonical(column.of(row));
            source.add(here);
            if (there != null) {
                Value other = column.codec().canonical(there[i]);
                target.add(other);
                if (!here.equals(other)) {
                    different = different.isEmpty() ? new ArrayList<>() : different;
                    different.add(cell(column, here, other));
                }
            }
        }
        return different;
    }

    private Difference.Cell cell(TargetRows.Column column, Value here, Value there) {
        return new Difference.Cell(column.source(), type(here), hash(here), type(there), hash(there),
                showValues ? shown(here) : null, showValues ? shown(there) : null);
    }

    private static String type(Value value) {
        return TargetRows.isForeign(value) ? "none" : value.storageClass().name().toLowerCase(Locale.ROOT);
    }

    private static String hash(Value value) {
        MessageDigest digest = Keys.sha256();
        digest.update(value.storageClass().tag());
        return HexFormat.of().formatHex(digest.digest(value.bytes())).substring(0, HASH_SHOWN);
    }

    private static String shown(Value value) {
        return TargetRows.isForeign(value) ? "(no value of SQLite's)" : value.toString();
    }
}
