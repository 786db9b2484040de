package dev.sluice.apply;

import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.conflict.Refusal;
import dev.sluice.mapping.BinaryRow;
import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Codecs;
import dev.sluice.plan.ColumnPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.postgres.Pipeline;
import dev.sluice.schema.RowIdentity;
import dev.sluice.store.ParkedRow;
import dev.sluice.translate.Identifiers;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.StringJoiner;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * Writes the rows of one table. Rows must fit (see {@link #misfit}); all methods run in the caller's transaction.
 * Not thread-safe.
 */
public final class TableWriter {

    /** From here on a binary COPY into a temporary table is quicker than arrays (NUMBERS.md: 43 against 35 k rows/s). */
    private static final int STAGE_ROWS_MIN = 1_000;

    /** Arrays travel in one protocol message, which PostgreSQL limits to 1 GB, and blobs double in hex. */
    private static final long ARRAY_BYTES_MAX = 8L * 1024 * 1024;

    /** The server reads a message into memory as a whole. */
    private static final int COPY_MESSAGE_BYTES = 256 * 1024;

    private final TablePlan plan;
    private final String table;
    private final List<Column> columns = new ArrayList<>();
    private final List<Column> keys = new ArrayList<>();
    private final boolean binary;
    private final BinaryRow buffer = new BinaryRow();

    /** A target column: where its value stands in a row, and how it is written. {@code index} -1: the rowid. */
    private record Column(String name, int index, Codec codec, String using, String source, boolean key) {

        Value of(Row row) {
            return index < 0 ? row.key().parts().get(0) : row.values()[index];
        }

        /** The column's value from the text {@code name}. */
        String from(String name) {
            if (using != null) {
                return "(" + using.replace("$1", name) + ")";
            }
            String type = codec.castType();
            return type.equals("text") ? name : name + "::" + type;
        }
    }

    public TableWriter(String schema, TablePlan plan) {
        this.plan = plan;
        this.table = Identifiers.quote(schema) + "." + Identifiers.quote(plan.target());
        for (ColumnPlan column : plan.columns()) {
            boolean key = plan.identity().kind() != RowIdentity.Kind.ROWID && plan.keyTargets().contains(column.target());
            columns.add(new Column(column.target(), column.index(), column.codec(), column.using(), column.source(), key));
        }
        if (plan.identity().kind() == RowIdentity.Kind.ROWID) {
            Column rowid = new Column(plan.keyColumn(), -1, Codecs.BIGINT, null, null, true);
            columns.add(rowid);
            keys.add(rowid);
        } else {
            for (String name : plan.keyTargets()) {
                keys.add(columns.stream().filter(c -> c.name.equals(name)).findFirst().orElseThrow());
            }
        }
        this.binary = columns.stream().allMatch(c -> c.using == null && c.codec.hasBinary());
    }

    public TablePlan plan() {
        return plan;
    }

    /** Why the target's types can't hold {@code row}, or null if they can. */
    public ParkedRow misfit(Row row, long seq) {
        for (Column column : columns) {
            Value value = column.of(row);
            if (!value.isNull() && !column.codec.fits(value)) {
                boolean large = value.bytes().length > Codec.BYTES_MAX / 2;
                String reason = large
                        ? String.format("%s.%s holds a value of %,d bytes, more than PostgreSQL takes in one field",
                                plan.source(), column.source, value.bytes().length)
                        : String.format("%s.%s holds %s that %s can't give back unchanged", plan.source(), column.source,
                                describe(value), column.codec.type());
                return new ParkedRow(plan.source(), row.key(), row, (large ? Refusal.TOO_LARGE : Refusal.NOT_REPRESENTABLE).code(), reason,
                        column.source, seq, null);
            }
        }
        for (Column key : keys) {
            if (key.of(row).isNull()) {
                return new ParkedRow(plan.source(), row.key(), row, Refusal.NULL_IN_KEY.code(),
                        plan.source() + "." + key.source + " is NULL in a primary key, so the row has no identity",
                        key.source, seq, null);
            }
        }
        return null;
    }

    private static String describe(Value value) {
        return switch (value.storageClass()) {
            case TEXT -> ((Value.Text) value).isPlain() ? "text" : "text that is not valid UTF-8 or has a NUL byte";
            case BLOB -> "a blob";
            case INTEGER -> "an integer";
            case REAL -> "a real";
            case NULL -> "NULL";
        };
    }

    /** True if rows can be copied in binary form. */
    boolean isBinary() {
        return binary;
    }

    /** Makes room for the rows of a binary copy. */
    void begin() {
        buffer.clear();
        buffer.header();
    }

    /** Adds a row to those that {@link #copyAppended} writes; false, and nothing added, if it is a {@link #misfit}. */
    boolean append(Row row) {
        int before = buffer.length();
        buffer.row(columns.size());
        for (int i = 0; i < columns.size(); i++) {
            Column column = columns.get(i);
            Value value = column.of(row);
            if (value.isNull() && !column.key) {
                buffer.nullField();
            } else if (value.isNull() || !column.codec.appendIfFits(value, buffer)) {
                buffer.cut(before);
                return false;
            }
        }
        return true;
    }

    /** Writes what was appended since {@link #begin}; can be repeated, as long as nothing else is written between. */
    void copyAppended(Connection connection) throws SQLException {
        copyInto(connection, table, this::send);
    }

    /** Appends new rows where no binary form is known. */
    void copyTexts(Connection connection, List<Row> rows) throws SQLException {
        Pipeline pipeline = new Pipeline(connection);
        inPieces(rows, piece -> {
            insert(pipeline, piece, "");
            pipeline.send();
        });
    }

    /** Inserts rows or replaces those that have the same key; what is not sent at once waits in the pipeline. */
    void upsert(Pipeline pipeline, List<Row> rows) throws SQLException {
        StringJoiner set = new StringJoiner(", ");
        for (Column column : columns) {
            if (!keys.contains(column)) {
                set.add(quoted(column) + " = excluded." + quoted(column));
            }
        }
        write(pipeline, rows, " ON CONFLICT (" + names(keys) + ") DO "
                + (set.length() == 0 ? "NOTHING" : "UPDATE SET " + set));
    }

    /** Inserts rows whose keys are not in the table. */
    public void insert(Connection connection, List<Row> rows) throws SQLException {
        Pipeline pipeline = new Pipeline(connection);
        write(pipeline, rows, "");
        pipeline.send();
    }

    private void write(Pipeline pipeline, List<Row> rows, String onConflict) throws SQLException {
        if (rows.isEmpty()) {
            return;
        }
        long bytes = rows.stream().mapToLong(Row::size).sum();
        if (binary && (rows.size() >= STAGE_ROWS_MIN || bytes > ARRAY_BYTES_MAX)) {
            pipeline.send();
            stage(pipeline.connection(), rows, onConflict);
        } else {
            inPieces(rows, piece -> insert(pipeline, piece, onConflict));
        }
    }

    private void stage(Connection connection, List<Row> rows, String onConflict) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            // dropped at once, so that no later change of the table's types meets an old copy of them
            statement.execute("CREATE TEMP TABLE sluice_stage ON COMMIT DROP AS SELECT " + names(columns)
                    + " FROM " + table + " WITH NO DATA");
            copyInto(connection, "sluice_stage", copy -> {
                begin();
                for (Row row : rows) {
                    if (!append(row)) {
                        throw new IllegalStateException("a row that does not fit was to be written to " + table);
                    }
                    if (buffer.length() >= COPY_MESSAGE_BYTES) {
                        send(copy);
                        buffer.clear();
                    }
                }
                send(copy);
            });
            statement.execute("INSERT INTO " + table + " (" + names(columns) + ") OVERRIDING SYSTEM VALUE SELECT "
                    + names(columns) + " FROM sluice_stage" + onConflict);
            statement.execute("DROP TABLE sluice_stage");
        }
    }

    private interface Feed {
        void into(CopyIn copy) throws SQLException;
    }

    private void copyInto(Connection connection, String into, Feed feed) throws SQLException {
        CopyIn copy = connection.unwrap(PGConnection.class).getCopyAPI()
                .copyIn("COPY " + into + " (" + names(columns) + ") FROM STDIN (FORMAT binary)");
        try {
            feed.into(copy);
            copy.writeToCopy(BinaryRow.TRAILER, 0, BinaryRow.TRAILER.length);
            copy.endCopy();
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
    }

    private void send(CopyIn copy) throws SQLException {
        for (int from = 0; from < buffer.length(); from += COPY_MESSAGE_BYTES) {
            copy.writeToCopy(buffer.buffer(), from, Math.min(COPY_MESSAGE_BYTES, buffer.length() - from));
        }
    }

    private interface Piece {
        void write(List<Row> rows) throws SQLException;
    }

    private static void inPieces(List<Row> rows, Piece piece) throws SQLException {
        int from = 0;
        while (from < rows.size()) {
            long bytes = 0;
            int to = from;
            while (to < rows.size() && to - from < 10_000 && (to == from || bytes < ARRAY_BYTES_MAX)) {
                bytes += rows.get(to++).size();
            }
            piece.write(rows.subList(from, to));
            from = to;
        }
    }

    private void insert(Pipeline pipeline, List<Row> rows, String onConflict) throws SQLException {
        StringJoiner values = new StringJoiner(", ");
        for (int i = 0; i < columns.size(); i++) {
            values.add(columns.get(i).from("u.c" + i));
        }
        String sql = "INSERT INTO " + table + " (" + names(columns) + ") OVERRIDING SYSTEM VALUE SELECT " + values
                + " FROM " + unnest(columns.size()) + onConflict;
        List<Object> arrays = new ArrayList<>();
        for (Column column : columns) {
            String[] texts = new String[rows.size()];
            for (int r = 0; r < texts.length; r++) {
                Value value = column.of(rows.get(r));
                texts[r] = value.isNull() ? null : column.codec.text(value);
            }
            arrays.add(pipeline.array("text", texts));
        }
        pipeline.add(sql, arrays);
    }

    /** Deletes rows by key; keys that the target's types can't hold are not there. */
    public void delete(Connection connection, Collection<RowKey> deleted) throws SQLException {
        Pipeline pipeline = new Pipeline(connection);
        delete(pipeline, deleted);
        pipeline.send();
    }

    /** As the other, when the pipeline is sent. */
    void delete(Pipeline pipeline, Collection<RowKey> deleted) throws SQLException {
        List<List<Value>> present = new ArrayList<>();
        List<Codec> codecs = keys.stream().map(Column::codec).toList();
        for (RowKey key : deleted) {
            present.addAll(KeySpellings.of(key, codecs));
        }
        if (present.isEmpty()) {
            return;
        }
        StringJoiner where = new StringJoiner(" AND ");
        for (int i = 0; i < keys.size(); i++) {
            where.add("t." + quoted(keys.get(i)) + " = " + keys.get(i).from("u.c" + i));
        }
        String sql = "DELETE FROM " + table + " t USING " + unnest(keys.size()) + " WHERE " + where;
        List<Object> parts = new ArrayList<>();
        for (int i = 0; i < keys.size(); i++) {
            Codec codec = keys.get(i).codec;
            int part = i;
            parts.add(pipeline.array("text",
                    present.stream().map(key -> codec.text(key.get(part))).toArray(String[]::new)));
        }
        pipeline.add(sql, parts);
    }

    private static String unnest(int count) {
        StringJoiner arrays = new StringJoiner(", ", "unnest(", ")");
        StringJoiner names = new StringJoiner(", ", " AS u (", ")");
        for (int i = 0; i < count; i++) {
            arrays.add("?::text[]");
            names.add("c" + i);
        }
        return arrays + names.toString();
    }

    private static String quoted(Column column) {
        return Identifiers.quote(column.name);
    }

    private static String names(List<Column> columns) {
        StringJoiner names = new StringJoiner(", ");
        columns.forEach(column -> names.add(quoted(column)));
        return names.toString();
    }
}
