package dev.sluice.apply;

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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The versions of rows that stand in one target table, as SQLite would store them. A version consists of the columns that
 * have a way back; those that the operator's own expression makes are none of it. Stateless.
 */
final class ExistingRows {

    private static final Logger LOG = LoggerFactory.getLogger(ExistingRows.class);

    private final String table;
    private final List<Column> columns = new ArrayList<>();
    private final List<Column> keys = new ArrayList<>();

    /** {@code index} is the place among a source row's values, -1 for the rowid. */
    private record Column(String source, String target, int index, Codec codec) {

        Value decode(String text) {
            if (text == null) {
                return Value.NULL;
            }
            try {
                return codec.decode(text);
            } catch (RuntimeException e) {
                LOG.debug("a value of the target has no meaning in SQLite", e);
                return Value.of(("not decodable: " + text).getBytes(StandardCharsets.UTF_8)); // equal to none of ours
            }
        }
    }

    ExistingRows(String schema, TablePlan plan) {
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
    }

    /** The source's names of what a version consists of, in its order. */
    List<String> columns() {
        return columns.stream().map(Column::source).toList();
    }

    /** The version that a row of the source is. */
    List<Value> version(Row row) {
        return columns.stream().map(column -> row.values()[column.index]).toList();
    }

    /** {@code row} with the columns of {@code version}. */
    Row with(Row row, List<Value> version) {
        Value[] values = row.values().clone();
        for (int i = 0; i < columns.size(); i++) {
            values[columns.get(i).index] = version.get(i);
        }
        return new Row(row.key(), values);
    }

    /** The versions of those of {@code wanted} that are there; nobody else changes them until the transaction ends. */
    Map<RowKey, List<Value>> lock(Connection connection, Collection<RowKey> wanted) throws SQLException {
        KeyJoin join = new KeyJoin(keys.stream().map(key -> new KeyJoin.Part(key.target, key.codec)).toList());
        List<List<Value>> spellings = join.spellings(wanted);
        if (spellings.isEmpty()) {
            return Map.of();
        }
        String sql = "SELECT " + selected() + " FROM " + join.from(table) + " FOR UPDATE OF t";
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            join.bind(query, spellings);
            Map<RowKey, List<Value>> rows = new LinkedHashMap<>();
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    rows.put(key(row), version(row));
                }
            }
            return rows;
        }
    }

    /**
     * Some rows in key order.
     *
     * @param last the last key as PostgreSQL prints it, part by part; null if there was none
     */
    record Page(Map<RowKey, List<Value>> rows, String[] last) {}

    /** Up to {@code rowsMax} rows behind {@code after}. */
    Page after(Connection connection, String[] after, int rowsMax) throws SQLException {
        StringJoiner names = new StringJoiner(", ");
        StringJoiner parameters = new StringJoiner(", ");
        for (Column key : keys) {
            names.add("t." + Identifiers.quote(key.target));
            parameters.add("?::" + key.codec.castType());
        }
        String sql = "SELECT " + selected() + " FROM " + table + " t"
                + (after == null ? "" : " WHERE (" + names + ") > (" + parameters + ")")
                + " ORDER BY " + names + " LIMIT " + rowsMax;
        try (PreparedStatement query = connection.prepareStatement(sql)) {
            for (int i = 0; after != null && i < keys.size(); i++) {
                query.setString(i + 1, after[i]);
            }
            Map<RowKey, List<Value>> rows = new LinkedHashMap<>();
            String[] last = null;
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    rows.put(key(row), version(row));
                    last = new String[keys.size()];
                    for (int i = 0; i < last.length; i++) {
                        last[i] = row.getString(i + 1);
                    }
                }
            }
            return new Page(rows, last);
        }
    }

    /** Keys first, then the columns, all as text. */
    private String selected() {
        StringJoiner selected = new StringJoiner(", ");
        keys.forEach(key -> selected.add("t." + Identifiers.quote(key.target) + "::text"));
        columns.forEach(column -> selected.add("t." + Identifiers.quote(column.target) + "::text"));
        return selected.toString();
    }

    private RowKey key(ResultSet row) throws SQLException {
        Value[] parts = new Value[keys.size()];
        for (int i = 0; i < parts.length; i++) {
            parts[i] = keys.get(i).decode(row.getString(i + 1));
        }
        return new RowKey(Arrays.asList(parts));
    }

    private List<Value> version(ResultSet row) throws SQLException {
        List<Value> version = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            version.add(columns.get(i).decode(row.getString(keys.size() + i + 1)));
        }
        return version;
    }
}
