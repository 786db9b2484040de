package dev.sluice.verify;

import dev.sluice.apply.KeyJoin;
import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Codecs;
import dev.sluice.plan.ColumnPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.schema.RowIdentity;
import dev.sluice.translate.Identifiers;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads rows of one target table back into the values that SQLite stored. Columns with an operator's own
 * {@code USING} expression have no way back and are left out. Stateless.
 */
final class TargetRows {

    private static final Logger LOG = LoggerFactory.getLogger(TargetRows.class);

    /** What is in front of a text that no codec has written; drawn anew, so that no source can hold it. */
    private static final byte[] FOREIGN = ("not decodable " + UUID.randomUUID() + ": ").getBytes(StandardCharsets.UTF_8);

    private final String table;
    private final List<Column> columns = new ArrayList<>();
    private final List<Column> keys = new ArrayList<>();
    private final boolean numbered;

    /** A column that comes back: its place among a source row's values, -1 for the rowid. */
    record Column(String source, String target, int index, Codec codec) {

        Value of(Row row) {
            return index < 0 ? row.key().parts().get(0) : row.values()[index];
        }

        /** What is in the target may be anything: what the codec never wrote is given as something that no source holds. */
        private Value decode(String text) {
            if (text == null) {
                return Value.NULL;
            }
            try {
                return codec.decode(text);
            } catch (RuntimeException e) {
                LOG.debug("a value of the target has no meaning in SQLite", e);
                byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
                byte[] foreign = Arrays.copyOf(FOREIGN, FOREIGN.length + utf8.length);
                System.arraycopy(utf8, 0, foreign, FOREIGN.length, utf8.length);
                return Value.of(foreign);
            }
        }
    }

    /** True for what the target holds that stands for no value of SQLite's. */
    static boolean isForeign(Value value) {
        return value instanceof Value.Blob blob && blob.content().length >= FOREIGN.length
                && Arrays.equals(blob.content(), 0, FOREIGN.length, FOREIGN, 0, FOREIGN.length);
    }

    /** True for a key that no source can have. */
    static boolean isForeign(RowKey key) {
        return key.parts().stream().anyMatch(TargetRows::isForeign);
    }

    TargetRows(String schema, TablePlan plan) {
        this.table = Identifiers.quote(schema) + "." + Identifiers.quote(plan.target());
        for (ColumnPlan column : plan.columns()) {
            if (column.using() == null) {
                columns.add(new Column(column.source(), column.target(), column.index(), column.codec()));
            }
        }
        if (plan.identity().kind() == RowIdentity.Kind.ROWID) {
            keys.add(new Column(null, plan.keyColumn(), -1, Codecs.BIGINT));
        } else {
            for (String name : plan.keyTargets()) {
                keys.add(columns.stream().filter(c -> c.target.equals(name)).findFirst().orElseThrow());
            }
        }
        this.numbered = plan.identity().kind() != RowIdentity.Kind.DECLARED_KEY;
    }

    /** The columns that are compared. */
    List<Column> columns() {
        return columns;
    }

    /** True if rows are named by one integer in scan order, so that a range of keys is a range of rows. */
    boolean isNumbered() {
        return numbered;
    }

    /** Rows with {@code after < key <= last}; null leaves an end open. Only where {@link #isNumbered}. */
    Map<RowKey, Value[]> range(Connection connection, RowKey after, RowKey last) throws SQLException {
        return range(connection, after, last, Integer.MAX_VALUE);
    }

    /** As {@link #range}, but only the first {@code rowsMax} of them, in order. */
    Map<RowKey, Value[]> range(Connection connection, RowKey after, RowKey last, int rowsMax) throws SQLException {
        String key = "t." + Identifiers.quote(keys.get(0).target);
        String sql = "SELECT " + selected() + " FROM " + table + " t WHERE " + key + (after == null ? " >= ?" : " > ?")
                + " AND " + key + " <= ?" + (rowsMax == Integer.MAX_VALUE ? "" : " ORDER BY " + key + " LIMIT " + rowsMax);
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            query.setLong(1, after == null ? Long.MIN_VALUE : number(after));
            query.setLong(2, last == null ? Long.MAX_VALUE : number(last));
            return read(query);
        }
    }

    /** The number that names a row. */
    static long number(RowKey key) {
        return ((Value.Int) key.parts().get(0)).value();
    }

    /** The rows of these keys, in whatever spelling the target has them. */
    Map<RowKey, Value[]> find(Connection connection, Collection<RowKey> wanted) throws SQLException {
        return find(connection, wanted, "", this::read);
    }

    /** As {@link #find}, and nobody else can change them until the transaction ends. */
    Map<RowKey, Value[]> hold(Connection connection, Collection<RowKey> wanted) throws SQLException {
        return find(connection, wanted, " FOR SHARE OF t", this::read);
    }

    /** What the target prints of these rows: the columns, and behind them the rowid where that names a row. */
    Map<RowKey, String[]> texts(Connection connection, Collection<RowKey> wanted) throws SQLException {
        boolean rowid = keys.get(0).source == null;
        return find(connection, wanted, "", query -> {
            Map<RowKey, String[]> rows = new LinkedHashMap<>();
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    String[] texts = new String[columns.size() + (rowid ? 1 : 0)];
                    for (int i = 0; i < columns.size(); i++) {
                        texts[i] = row.getString(keys.size() + i + 1);
                    }
                    if (rowid) {
                        texts[columns.size()] = row.getString(1);
                    }
                    rows.put(key(row, 0), texts);
                }
            }
            return rows;
        });
    }

    /** The key of a row of which {@code printed} holds what the target printed, by its columns. */
    RowKey key(Map<String, String> printed) {
        return new RowKey(keys.stream().map(key -> key.decode(printed.get(key.target))).toList());
    }

    /** The values of a source's row in the form in which the target's are compared. */
    Value[] values(Row row) {
        return columns.stream().map(column -> column.of(row)).toArray(Value[]::new);
    }

    private interface Read<T> {
        T of(PreparedStatement query) throws SQLException;
    }

    private <T> Map<RowKey, T> find(Connection connection, Collection<RowKey> wanted, String lock, Read<Map<RowKey, T>> read)
            throws SQLException {
        KeyJoin join = new KeyJoin(keys.stream().map(key -> new KeyJoin.Part(key.target, key.codec)).toList());
        List<List<Value>> spellings = join.spellings(wanted);
        if (spellings.isEmpty()) {
            return Map.of();
        }
        String sql = "SELECT " + selected() + " FROM " + join.from(table) + lock;
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            join.bind(query, spellings);
            return read.of(query);
        }
    }

    /** Some keys, and the last of them as PostgreSQL prints it, part by part. */
    record Page(List<RowKey> keys, String[] last) {}

    /** Up to {@code rowsMax} keys behind {@code after} in the order of the target's key index. */
    Page keysAfter(Connection connection, String[] after, int rowsMax) throws SQLException {
        StringJoiner names = new StringJoiner(", ");
        StringJoiner texts = new StringJoiner(", ");
        StringJoiner parameters = new StringJoiner(", ");
        for (Column key : keys) {
            String name = "t." + Identifiers.quote(key.target); // a bare name in ORDER BY would mean the text beside SELECT
            names.add(name);
            texts.add(name + "::text");
            parameters.add("?::" + key.codec.castType());
        }
        String sql = "SELECT " + texts + " FROM " + table + " t"
                + (after == null ? "" : " WHERE (" + names + ") > (" + parameters + ")")
                + " ORDER BY " + names + " LIMIT " + rowsMax;
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            for (int i = 0; after != null && i < keys.size(); i++) {
                query.setString(i + 1, after[i]);
            }
            List<RowKey> found = new ArrayList<>();
            String[] last = new String[keys.size()];
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    found.add(key(row, 0));
                    for (int i = 0; i < last.length; i++) {
                        last[i] = row.getString(i + 1);
                    }
                }
            }
            return new Page(found, last);
        }
    }

    long count(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("SELECT count(*) FROM " + table);
                ResultSet row = query.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }

    /** Keys first, then the columns, all as text. */
    private String selected() {
        StringJoiner selected = new StringJoiner(", ");
        for (Column key : keys) {
            selected.add("t." + Identifiers.quote(key.target) + "::text");
        }
        for (Column column : columns) {
            selected.add("t." + Identifiers.quote(column.target) + "::text");
        }
        return selected.toString();
    }

    private RowKey key(ResultSet row, int from) throws SQLException {
        List<Value> parts = new ArrayList<>();
        for (int i = 0; i < keys.size(); i++) {
            parts.add(keys.get(i).decode(row.getString(from + i + 1)));
        }
        return new RowKey(parts);
    }

    private Map<RowKey, Value[]> read(PreparedStatement query) throws SQLException {
        Map<RowKey, Value[]> rows = new LinkedHashMap<>();
        try (ResultSet row = query.executeQuery()) {
            while (row.next()) {
                Value[] values = new Value[columns.size()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = columns.get(i).decode(row.getString(keys.size() + i + 1));
                }
                rows.put(key(row, 0), values);
            }
        }
        return rows;
    }
}
