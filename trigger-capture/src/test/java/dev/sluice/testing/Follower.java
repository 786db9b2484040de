package dev.sluice.testing;

import dev.sluice.capture.Capture;
import dev.sluice.change.ChangeBatch;
import dev.sluice.change.Position;
import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.TableChange;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.tail.Chunk;
import dev.sluice.tail.Limits;
import dev.sluice.tail.Snapshot;
import dev.sluice.tail.SourceReader;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** A target in memory: copies the captured tables, then applies batches, and says where it differs from the source. */
public final class Follower implements AutoCloseable {

    public static final Limits AMPLE = new Limits(1_000_000, Long.MAX_VALUE, Duration.ofMinutes(10));

    private final SourceReader reader;
    private final Map<String, SourceTable> tables = new LinkedHashMap<>();
    private final Map<String, Map<RowKey, List<Object>>> rows = new LinkedHashMap<>();
    private Position watermark;

    public Follower(SqliteFile file) throws SQLException {
        this.reader = new SourceReader(file, Duration.ofSeconds(5));
        Capture.State state;
        SourceSchema schema;
        try (SqliteSession session = file.openReader(Duration.ofSeconds(5))) {
            state = Capture.state(session);
            schema = SchemaReader.read(session);
        }
        state.declared(schema).values().forEach(table -> tables.put(table.name(), table));
        reader.follow(state, schema);
        try (Snapshot snapshot = reader.open()) {
            watermark = snapshot.head();
            for (SourceTable table : tables.values()) {
                rows.put(table.name(), all(snapshot, table));
            }
        }
    }

    /** Applies what was committed since; {@code limits} may cut it into several batches. */
    public List<ChangeBatch> drain(Limits limits) throws SQLException {
        List<ChangeBatch> batches = new ArrayList<>();
        do {
            try (Snapshot snapshot = reader.open()) {
                batches.add(snapshot.changes(watermark, limits));
            }
            apply(batches.get(batches.size() - 1));
        } while (!batches.get(batches.size() - 1).consistent());
        return batches;
    }

    private void apply(ChangeBatch batch) {
        for (TableChange change : batch.changes()) {
            Map<RowKey, List<Object>> target = rows.get(change.table());
            change.deletes().forEach(target::remove);
            for (Row row : change.upserts()) {
                target.put(row.key(), List.of((Object[]) row.values()));
            }
        }
        watermark = new Position(batch.toSeq(), batch.toNonce());
    }

    /** One line per table that is not equal, value by value, to the source as it is now. */
    public List<String> differences() throws SQLException {
        List<String> differences = new ArrayList<>();
        try (Snapshot snapshot = reader.open()) {
            for (SourceTable table : tables.values()) {
                Map<RowKey, List<Object>> source = all(snapshot, table);
                Map<RowKey, List<Object>> target = rows.get(table.name());
                if (!source.equals(target)) {
                    Set<String> keys = new TreeSet<>();
                    source.forEach((key, values) -> {
                        if (!values.equals(target.get(key))) {
                            keys.add("lacks " + key + " " + values + " has " + target.get(key));
                        }
                    });
                    target.keySet().stream().filter(key -> !source.containsKey(key))
                            .forEach(key -> keys.add("invents " + key + " " + target.get(key)));
                    differences.add(table.name() + ": " + keys);
                }
            }
        }
        return differences;
    }

    public Map<RowKey, List<Object>> rows(String table) {
        return rows.get(table);
    }

    public Position watermark() {
        return watermark;
    }

    public SourceReader reader() {
        return reader;
    }

    public SourceTable table(String name) {
        return tables.get(name);
    }

    private static Map<RowKey, List<Object>> all(Snapshot snapshot, SourceTable table) throws SQLException {
        Map<RowKey, List<Object>> rows = new LinkedHashMap<>();
        Limits limits = new Limits(7, Long.MAX_VALUE, Duration.ofMinutes(1));
        Chunk chunk = new Chunk(List.of(), null, false);
        long count = 0;
        while (!chunk.end()) {
            chunk = snapshot.chunk(table, chunk.last(), null, limits);
            chunk.rows().forEach(row -> rows.put(row.key(), List.of((Object[]) row.values())));
            count += chunk.rows().size();
        }
        if (count != rows.size() || count != snapshot.count(table)) {
            throw new AssertionError(table.name() + ": " + count + " rows scanned, " + rows.size() + " keys, "
                    + snapshot.count(table) + " rows counted");
        }
        return rows;
    }

    @Override
    public void close() throws SQLException {
        reader.close();
    }
}
