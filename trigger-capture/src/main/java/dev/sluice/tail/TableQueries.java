package dev.sluice.tail;

import static dev.sluice.sqlite.SqlText.quoted;

import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.schema.RowIdentity.Kind;
import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceIndex;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqliteRows;
import dev.sluice.sqlite.SqliteSession;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/** The SQL that reads one table, and how its result becomes rows. Immutable. */
final class TableQueries {

    private final SourceTable table;
    private final List<String> stored;
    /** Positions of the key columns among the stored ones; null where the rowid is the key. */
    private final int[] keyPositions;
    /** The single column to scan by, null where the scan goes by primary key. */
    private final String cursor;
    private final String byRowid;
    private final String byPlainKey;
    /** True where a scan by primary key must leave rows out that have NULL in it: nothing is behind them. */
    private final boolean leavesNullsOut;
    private TableQueries inKeyOrder;

    TableQueries(SourceTable table) {
        this(table, false);
    }

    private TableQueries(SourceTable table, boolean byKey) {
        if (table.identity() == null) {
            throw new IllegalArgumentException("rows of table " + table.name() + " can't be named");
        }
        this.table = table;
        this.stored = table.storedColumns().stream().map(SourceColumn::name).toList();
        this.keyPositions = table.identity().kind() == Kind.ROWID ? null
                : table.identity().columns().stream().mapToInt(stored::indexOf).toArray();
        boolean declared = table.identity().kind() == Kind.DECLARED_KEY;
        this.leavesNullsOut = byKey && declared && !table.withoutRowid();
        this.cursor = table.identity().kind() == Kind.INTEGER_KEY ? quoted(table.identity().columns().get(0))
                : byKey && declared ? null : table.identity().rowidName();
        String rowid = table.identity().rowidName();
        this.byRowid = "SELECT " + columns(rowid) + " WHERE " + rowid + " = ?";
        this.byPlainKey =
                keyPositions == null ? null : byKey(Collections.nCopies(keyPositions.length, Value.of(0)));
    }

    SourceTable table() {
        return table;
    }

    /** The same table, scanned in the order of the keys that name its rows, so that every position is a key. */
    TableQueries inKeyOrder() {
        if (inKeyOrder == null) {
            inKeyOrder = new TableQueries(table, true);
        }
        return inKeyOrder;
    }

    /** Rows that have NULL in their declared key, which a scan in key order leaves out; null where there can be none. */
    String withoutKey() {
        return !leavesNullsOut ? null : "SELECT " + columns(null) + " WHERE " + table.identity().columns().stream()
                .map(name -> quoted(name) + " IS NULL").collect(Collectors.joining(" OR ")) + " LIMIT ?";
    }

    int keyParts() {
        return keyPositions == null ? 1 : keyPositions.length;
    }

    /** True if the scan goes by a 64-bit number, so that a range can be split without looking at the rows. */
    boolean scansByNumber() {
        return cursor != null;
    }

    String bounds() {
        return "SELECT min(" + cursor + "), max(" + cursor + ") FROM " + quoted(table.name());
    }

    /** Counting goes by the smallest index, which may be one that can't be opened here. */
    String count() {
        boolean open = table.indexes().stream().allMatch(SourceIndex::opensHere);
        return "SELECT count(*) FROM " + quoted(table.name()) + (open ? "" : " NOT INDEXED");
    }

    // ---- rows by key ----

    /** Reads the row of {@code key}, one of several if NULL is part of it; another spelling of the value is found too. */
    String byKey(RowKey key) {
        if (keyPositions == null) {
            return byRowid;
        }
        for (Value part : key.parts()) {
            if (part.isNull() || SqliteSession.needsCast(part)) {
                return byKey(key.parts());
            }
        }
        return byPlainKey;
    }

    private String byKey(List<Value> parts) {
        List<String> conditions = new ArrayList<>();
        for (int i = 0; i < keyPositions.length; i++) {
            Value part = parts.get(i);
            conditions.add(keyTerm(i) + (part.isNull() ? " IS " : " = ") + place(part));
        }
        return "SELECT " + columns(null) + " WHERE " + String.join(" AND ", conditions);
    }

    /** Builds a row from a result of {@link #byKey}. */
    Row row(SqliteRows rows) throws SQLException {
        Value[] values = new Value[stored.size()];
        if (keyPositions == null) {
            rows.read(1, values);
            return new Row(RowKey.of(rows.value(0)), values);
        }
        rows.read(0, values);
        return new Row(key(values), values);
    }

    // ---- rows in scan order ----

    /**
     * The next rows; bind what {@link #bounds(RowKey)} lists for {@code after}, then for {@code upTo}, then the
     * limit.
     */
    String next(RowKey after, RowKey upTo) {
        List<String> conditions = new ArrayList<>();
        String order;
        if (cursor != null) {
            if (after != null) {
                conditions.add(cursor + " > ?");
            }
            if (upTo != null) {
                conditions.add(cursor + " <= ?");
            }
            order = cursor;
        } else {
            if (after != null) {
                conditions.add(beyond(after));
            }
            if (upTo != null) {
                conditions.add("NOT (" + beyond(upTo) + ")");
            }
            if (leavesNullsOut) {
                table.identity().columns().forEach(name -> conditions.add(quoted(name) + " IS NOT NULL"));
            }
            order = keyOrder();
        }
        return "SELECT " + columns(cursor) + (conditions.isEmpty() ? "" : " WHERE " + String.join(" AND ", conditions))
                + " ORDER BY " + order + " LIMIT ?";
    }

    /** The values to bind for a bound of {@link #next}. */
    List<Value> bounds(RowKey bound) {
        if (bound == null) {
            return List.of();
        }
        if (cursor != null || rowValues()) {
            return bound.parts();
        }
        List<Value> values = new ArrayList<>();
        beyondValues(bound.parts(), values);
        return values;
    }

    /** Builds a row from a result of {@link #next}. */
    Row scanned(SqliteRows rows) throws SQLException {
        Value[] values = new Value[stored.size()];
        rows.read(cursor == null ? 0 : 1, values);
        return new Row(keyPositions == null ? RowKey.of(rows.value(0)) : key(values), values);
    }

    /** Where a scan by number stands after the current row: the key that {@link RowKey#of} makes of it. */
    long position(SqliteRows rows) throws SQLException {
        return rows.longValue(0);
    }

    private boolean rowValues() {
        return table.keyIndex() == null || table.keyIndex().terms().stream().noneMatch(SourceIndex.Term::descending);
    }

    /**
     * True for the rows behind {@code bound} in the order of the key's index. With all columns ascending SQLite's row
     * values say that; otherwise it is spelled out, with a leading term that the index can seek.
     */
    private String beyond(RowKey bound) {
        int parts = bound.parts().size();
        if (rowValues()) {
            List<String> terms = new ArrayList<>();
            List<String> places = new ArrayList<>();
            for (int i = 0; i < parts; i++) {
                terms.add(keyTerm(i));
                places.add(place(bound.parts().get(i)));
            }
            return parts == 1 ? terms.get(0) + " > " + places.get(0)
                    : "(" + String.join(", ", terms) + ") > (" + String.join(", ", places) + ")";
        }
        String condition = null;
        for (int i = parts - 1; i >= 0; i--) {
            String past = keyTerm(i) + (descending(i) ? " < " : " > ") + place(bound.parts().get(i));
            condition = condition == null ? past
                    : "(" + past + " OR (" + keyTerm(i) + " = " + place(bound.parts().get(i)) + " AND " + condition
                    + "))";
        }
        return keyTerm(0) + (descending(0) ? " <= " : " >= ") + place(bound.parts().get(0)) + " AND " + condition;
    }

    private static void beyondValues(List<Value> parts, List<Value> values) {
        values.add(parts.get(0));
        for (int i = 0; i < parts.size(); i++) {
            values.add(parts.get(i));
            if (i < parts.size() - 1) {
                values.add(parts.get(i));
            }
        }
    }

    private String keyOrder() {
        List<String> terms = new ArrayList<>();
        for (int i = 0; i < keyPositions.length; i++) {
            terms.add(keyTerm(i) + (descending(i) ? " DESC" : ""));
        }
        return String.join(", ", terms);
    }

    private boolean descending(int i) {
        return keyIndexTerm(i) != null && keyIndexTerm(i).descending();
    }

    /** A key column, compared as the key's index compares it. */
    private String keyTerm(int i) {
        SourceColumn column = table.column(table.identity().columns().get(i));
        SourceIndex.Term term = keyIndexTerm(i);
        return quoted(column.name()) + (term == null || term.collation().equals(column.collation()) ? ""
                : " COLLATE " + quoted(term.collation()));
    }

    private SourceIndex.Term keyIndexTerm(int i) {
        String name = table.identity().columns().get(i);
        return table.keyIndex() == null ? null : table.keyIndex().terms().stream()
                .filter(term -> name.equals(term.column())).findFirst().orElse(null);
    }

    /** The plus takes the affinity away that a CAST has, so that the column is compared as with a plain parameter. */
    private static String place(Value value) {
        return SqliteSession.needsCast(value) ? "+CAST(? AS TEXT)" : "?";
    }

    private String columns(String first) {
        return (first == null ? "" : first + ", ")
                + stored.stream().map(name -> quoted(name)).collect(Collectors.joining(", ")) + " FROM "
                + quoted(table.name());
    }

    private RowKey key(Value[] values) {
        if (keyPositions.length == 1) {
            return RowKey.of(values[keyPositions[0]]);
        }
        Value[] parts = new Value[keyPositions.length];
        for (int i = 0; i < parts.length; i++) {
            parts[i] = values[keyPositions[i]];
        }
        return RowKey.of(parts);
    }
}
