package dev.sluice.reverse;

import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Codecs;
import dev.sluice.plan.ColumnPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.schema.Affinity;
import dev.sluice.schema.RowIdentity;
import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqlText;
import dev.sluice.sqlite.SqliteFailure;
import dev.sluice.sqlite.SqliteSession;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A table on its way back: which target columns are read, and where each stands in the source. Columns with an operator's
 * own {@code USING} expression have no way back and are left as they are in the source. Immutable.
 */
final class StreamTable {

    /** What SQLite takes for a number where it stands as text in a column of numeric affinity. */
    private static final Pattern NUMBER = Pattern.compile(
            "[ \\t\\n\\u000B\\f\\r]*[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?[ \\t\\n\\u000B\\f\\r]*");
    private static final int NUMBER_LENGTH_MAX = 1_000;

    private final int number;
    private final TablePlan plan;
    private final SourceTable source;
    private final List<SourceColumn> stored;
    private final List<Column> columns = new ArrayList<>();
    private final String[] names;
    private final int[] keys;

    /**
     * A column that comes back.
     *
     * @param index its place among the stored columns of the source; -1 for the rowid
     */
    record Column(String target, int index, Codec codec, Affinity affinity) {}

    /** @param source the table as it is declared now */
    StreamTable(int number, TablePlan plan, SourceTable source) {
        this.number = number;
        this.plan = plan;
        this.source = source;
        this.stored = source.storedColumns();
        for (ColumnPlan column : plan.columns()) {
            if (column.using() == null) {
                int index = index(column.source());
                columns.add(new Column(column.target(), index, column.codec(), source.affinity(stored.get(index))));
            }
        }
        if (plan.identity().kind() == RowIdentity.Kind.ROWID) {
            columns.add(new Column(plan.keyColumn(), -1, Codecs.BIGINT, Affinity.INTEGER));
        }
        this.names = columns.stream().map(Column::target).toArray(String[]::new);
        this.keys = plan.keyTargets().stream().mapToInt(this::position).toArray();
    }

    private int index(String column) {
        for (int i = 0; i < stored.size(); i++) {
            if (stored.get(i).name().equalsIgnoreCase(column)) {
                return i;
            }
        }
        throw new SourceRefusal("column " + column + " of table " + plan.source() + " is gone from the source, so nothing can"
                + " be brought back into it: add it again");
    }

    private int position(String target) {
        for (int i = 0; i < names.length; i++) {
            if (names[i].equals(target)) {
                return i;
            }
        }
        throw new SourceRefusal("the key column " + target + " of table " + plan.source() + " is made by an expression, which"
                + " has no way back: exclude the table or map the column without USING");
    }

    /**
     * Has SQLite compile a write of each kind, which reads all indexes and checks of the table. Triggers of the
     * application are read too while they are there: where there are some, a failure may be theirs and says nothing.
     *
     * @throws SourceRefusal if one needs a function or collation that only the application has
     */
    void rehearse(SqliteSession session) throws SQLException {
        if (!session.texts("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name NOT GLOB '_sluice_*'"
                + " AND lower(tbl_name) = " + SqlText.literal(SqlText.lower(source.name()))).isEmpty()) {
            return;
        }
        String name = SqlText.quoted(source.name());
        String column = SqlText.quoted(stored.get(0).name());
        for (String sql : List.of("INSERT INTO " + name + "(" + column + ") VALUES(NULL)",
                "UPDATE " + name + " SET " + String.join(", ", stored.stream().map(c -> SqlText.quoted(c.name()) + " = NULL")
                        .toList()), "DELETE FROM " + name)) {
            try {
                session.prepare(sql).close();
            } catch (SQLException e) {
                if (SqliteFailure.of(e) == SqliteFailure.STATEMENT) {
                    throw new SourceRefusal("table " + source.name() + " has an index or a CHECK with a function or"
                            + " collation of the application's own, so only it can write to the table: drop that, or exclude"
                            + " the table", e);
                }
                throw e;
            }
        }
    }

    int number() {
        return number;
    }

    TablePlan plan() {
        return plan;
    }

    SourceTable source() {
        return source;
    }

    /** The source's stored columns, in order. */
    List<SourceColumn> stored() {
        return stored;
    }

    List<Column> columns() {
        return columns;
    }

    /** The target's names of the columns that are read, in the order of a change's texts. */
    String[] names() {
        return names;
    }

    /** Where the key's parts stand among the texts, in key order. */
    int[] keys() {
        return keys;
    }

    /** What names a row within the stream: the printed parts of its key, told apart by their lengths. */
    String key(String[] texts) {
        if (keys.length == 1) {
            return String.valueOf(texts[keys[0]]);
        }
        StringBuilder key = new StringBuilder();
        for (int position : keys) {
            String text = String.valueOf(texts[position]);
            key.append(text.length()).append(':').append(text);
        }
        return key.toString();
    }

    /** True if both rows have the same key. */
    boolean sameKey(String[] one, String[] other) {
        for (int position : keys) {
            if (!one[position].equals(other[position])) {
                return false;
            }
        }
        return true;
    }

    /** True if all parts of the key are there. */
    boolean hasKey(String[] texts) {
        for (int position : keys) {
            if (texts == null || texts[position] == null || !PrintedValues.isSent(texts[position])) {
                return false;
            }
        }
        return true;
    }

    /**
     * The key as SQLite holds it.
     *
     * @throws RuntimeException if it is none that the codecs ever wrote
     */
    RowKey sourceKey(String[] texts) {
        List<Value> parts = new ArrayList<>();
        for (int position : keys) {
            parts.add(columns.get(position).codec().decode(texts[position]));
        }
        return new RowKey(parts);
    }

    /**
     * True if SQLite keeps {@code value} when it is written to {@code column}: the affinity may turn it into a number or
     * into text, but only into one that says the same.
     */
    static boolean isKept(Column column, Value value) {
        if (value instanceof Value.Real real && Double.isNaN(real.value())) {
            return false; // stored as NULL
        }
        return switch (column.affinity()) {
            case BLOB -> true;
            case TEXT -> !(value instanceof Value.Int || value instanceof Value.Real);
            case REAL -> !(value instanceof Value.Int number && (long) (double) number.value() != number.value())
                    && !changesAsNumber(value);
            case INTEGER, NUMERIC -> !changesAsNumber(value);
        };
    }

    /** True for text that SQLite takes for a number which is printed in another way, such as 007. */
    private static boolean changesAsNumber(Value value) {
        if (!(value instanceof Value.Text text) || text.utf8().length == 0 || text.utf8().length > NUMBER_LENGTH_MAX
                || text.utf8()[0] > '9') {
            return false;
        }
        String decoded = text.decoded();
        if (decoded == null || !NUMBER.matcher(decoded).matches()) {
            return false;
        }
        try {
            return !Long.toString(Long.parseLong(decoded)).equals(decoded);
        } catch (NumberFormatException e) {
            return !Double.toString(Double.parseDouble(decoded.strip())).equals(decoded);
        }
    }
}
