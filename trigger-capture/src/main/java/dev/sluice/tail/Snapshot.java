package dev.sluice.tail;

import dev.sluice.capture.Capture;
import dev.sluice.change.ChangeBatch;
import dev.sluice.change.ChangeBatch.Touch;
import dev.sluice.change.Position;
import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.TableChange;
import dev.sluice.change.Value;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqliteRows;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.tail.HistoryDiverged.Reason;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The source as it was at one commit. Keep it open for milliseconds: in WAL mode it holds back the checkpoint, in the
 * rollback journal modes the application's commits. Not thread-safe, like the {@link SourceReader} that opened it.
 */
public final class Snapshot implements AutoCloseable {

    private final SourceReader reader;
    private final SqliteSession session;
    private final String epoch;
    private final Map<Integer, TableQueries> tables;
    private final Set<Integer> ignoredIds;
    private final Set<String> nullKeyTables = new LinkedHashSet<>();

    Snapshot(SourceReader reader, SqliteSession session, String epoch, Map<Integer, TableQueries> tables,
            Set<Integer> ignoredIds) {
        this.reader = reader;
        this.session = session;
        this.epoch = epoch;
        this.tables = tables;
        this.ignoredIds = ignoredIds;
    }

    /** The newest changelog row. */
    public Position head() throws SQLException {
        reader.checkOpen(this);
        return Capture.head(session);
    }

    /** {@link dev.sluice.schema.SourceSchema#hash} of this snapshot; cheap while nobody changes the schema. */
    public String schemaHash() throws SQLException {
        return reader.schemaHash();
    }

    /** A hash over our own triggers and tables; when it moves, {@link Capture#damaged} tells what happened. */
    public String captureHash() throws SQLException {
        return reader.captureHash();
    }

    /** SQLite's own counter of schema changes: also VACUUM moves it, which may move rowids. */
    public long schemaVersion() throws SQLException {
        return session.number("PRAGMA schema_version");
    }

    /** The connection, for questions of one's own within this snapshot; never end its transaction. */
    public SqliteSession session() {
        return session;
    }

    // ---- what was touched ----

    /**
     * The changes behind {@code watermark}, as this snapshot shows them: every row that the changelog names is read
     * now, whatever was done to it.
     *
     * @throws HistoryDiverged if the source is not the continuation of {@code watermark}
     * @throws SourceRefusal if somebody else has written to the changelog (E17)
     * @throws IllegalStateException if the changelog names a table that {@link SourceReader#follow} was not told of
     */
    public ChangeBatch changes(Position watermark, Limits limits) throws SQLException {
        reader.checkOpen(this);
        if (epoch == null) {
            throw new IllegalStateException("the reader was not told which tables to follow");
        }
        checkContinuation(watermark);
        Position head = head();
        Drain drain = new Drain(limits);
        Position reached = watermark;
        if (head.seq() > watermark.seq()) {
            reached = drain.read(watermark);
        }
        return new ChangeBatch(epoch, watermark.seq(), reached.seq(), reached.nonce(), reached.seq() == head.seq(),
                drain.changes(), drain.touched);
    }

    /**
     * Reads again what a journal says was touched, in the tables that are followed.
     *
     * @param touches rows of the journal; ids of tables that are not followed are skipped
     */
    public List<TableChange> reread(Collection<Touch> touches) throws SQLException {
        reader.checkOpen(this);
        Drain drain = new Drain(null);
        for (Touch touch : touches) {
            TableQueries table = tables.get(touch.tableId());
            if (table != null) {
                drain.look(table, touch.key());
            }
        }
        return drain.changes();
    }

    /**
     * Tables of the last {@link #changes} or {@link #reread} that hold rows with NULL in their declared key now: several
     * rows may have the same such key, and the changes name only one of them.
     */
    public Set<String> nullKeyTables() {
        return Set.copyOf(nullKeyTables);
    }

    private void checkContinuation(Position watermark) throws SQLException {
        if (!epoch.equals(reader.epoch())) {
            throw new HistoryDiverged(Reason.EPOCH_DIFFERS, "the source history diverged at seq " + watermark.seq()
                    + ": the file holds another installation of capture, so it was restored or replaced");
        }
        Long nonce = nonce(watermark.seq());
        if (nonce == null) {
            throw new HistoryDiverged(Reason.ROW_MISSING, "the source history diverged at seq " + watermark.seq()
                    + ": the changelog lacks this row, so the file was restored, replaced or cut by a power loss");
        }
        if (nonce != watermark.nonce()) {
            throw new HistoryDiverged(Reason.NONCE_DIFFERS, "the source history diverged at seq " + watermark.seq()
                    + ": the changelog has another row there, so the file was restored, replaced or cut by a"
                    + " power loss");
        }
    }

    /** The nonce of a changelog row, null if there is no such row. */
    Long nonce(long seq) throws SQLException {
        PreparedStatement query = reader.prepared("SELECT nonce FROM \"_sluice_changelog\" WHERE seq = ?");
        try (SqliteRows row = session.rows(query, List.of(Value.of(seq)))) {
            return row.next() ? row.longValue(0) : null;
        }
    }

    /** Collects the net change of every touched key. */
    private final class Drain {
        private final Limits limits;
        private final long startedAt = System.nanoTime();
        private final Map<TableQueries, Net> nets = new LinkedHashMap<>();
        private final List<Touch> touched = new ArrayList<>();
        private long steps;
        private long rows;
        private long bytes;

        Drain(Limits limits) {
            this.limits = limits;
            nullKeyTables.clear();
        }

        /** Reads changelog rows until a limit is reached; returns the last one whose key was read. */
        Position read(Position watermark) throws SQLException {
            int keyColumns = tables.values().stream().mapToInt(TableQueries::keyParts).max().orElse(1);
            String keyNames =
                    IntStream.rangeClosed(1, keyColumns).mapToObj(i -> "k" + i).collect(Collectors.joining(", "));
            Position reached = watermark;
            try (PreparedStatement query = session.prepare("SELECT seq, nonce, tid, "
                            + keyNames
                            + " FROM \"_sluice_changelog\" WHERE seq > " + watermark.seq() + " ORDER BY seq");
                    SqliteRows log = session.rows(query)) {
                while (!isFull() && log.next()) {
                    steps++;
                    reached = new Position(log.longValue(0), log.longValue(1));
                    int id = tableId(log.value(2), reached);
                    TableQueries table = tables.get(id);
                    if (table != null) {
                        Value[] parts = new Value[table.keyParts()];
                        log.read(3, parts);
                        RowKey key = RowKey.of(parts);
                        touched.add(new Touch(reached.seq(), reached.nonce(), id, key));
                        look(table, key);
                    }
                }
            }
            return reached;
        }

        private int tableId(Value value, Position at) {
            if (!(value instanceof Value.Int number) || number.value() < 0 || number.value() > Integer.MAX_VALUE) {
                throw new SourceRefusal("changelog row " + at.seq() + " was not written by our triggers (E17):"
                        + " remove the capture from the source and install it again");
            }
            int id = (int) number.value();
            if (id != 0 && !tables.containsKey(id) && !ignoredIds.contains(id)) {
                throw new IllegalStateException("changelog row " + at.seq() + " names table id " + id
                        + ", which this reader was not told of");
            }
            return id;
        }

        private boolean isFull() {
            return steps > 0 && (rows >= limits.rowsMax() || bytes >= limits.bytesMax() || steps >= limits.touchesMax()
                    || System.nanoTime() - startedAt > limits.timeMax().toNanos());
        }

        void look(TableQueries table, RowKey key) throws SQLException {
            Net net = nets.computeIfAbsent(table, t -> new Net());
            if (!net.looked.add(key)) {
                return;
            }
            rows++;
            // A key with NULL may name several rows or, as a BEFORE trigger only guesses, none; one of them stands for all.
            Row row = row(table, key);
            if (row != null && key.hasNull()) {
                nullKeyTables.add(table.table().name());
            }
            if (row == null || !row.key().equals(key)) {
                net.absent.add(key);
            }
            if (row != null && net.found.put(row.key(), row) == null) {
                bytes += row.size();
            }
        }

        List<TableChange> changes() {
            List<TableChange> changes = new ArrayList<>();
            nets.forEach((table, net) -> {
                if (!net.absent.isEmpty() || !net.found.isEmpty()) {
                    changes.add(new TableChange(table.table().name(), net.absent, List.copyOf(net.found.values())));
                }
            });
            return changes;
        }
    }

    /** What came of the keys of one table. */
    private static final class Net {
        private final Set<RowKey> looked = new HashSet<>();
        private final Set<RowKey> absent = new LinkedHashSet<>();
        private final Map<RowKey, Row> found = new LinkedHashMap<>();
    }

    // ---- rows ----

    /**
     * The next rows of a table in scan order: by rowid where it has one that can be asked for, else by primary key.
     *
     * @param after {@link Chunk#last} of the chunk before, null to start
     * @param upTo the last position of the range, null for the table's end
     */
    public Chunk chunk(SourceTable table, RowKey after, RowKey upTo, Limits limits) throws SQLException {
        List<Row> rows = new ArrayList<>();
        ScanStep step = scan(table, after, upTo, limits, rows::add);
        return new Chunk(rows, step.last(), step.end());
    }

    /**
     * As {@link #chunk}, in the order of {@link KeyOrder}: positions are keys, so that a key tells in which range its row
     * is. Rows with NULL in a declared key are left out, see {@link #withoutKey}.
     */
    public Chunk range(SourceTable table, RowKey after, RowKey upTo, Limits limits) throws SQLException {
        List<Row> rows = new ArrayList<>();
        ScanStep step = scan(reader.queries(table).inKeyOrder(), after, upTo, limits, rows::add);
        return new Chunk(rows, step.last(), step.end());
    }

    /** Up to {@code rowsMax} rows that have NULL in their declared key. */
    public List<Row> withoutKey(SourceTable table, int rowsMax) throws SQLException {
        reader.checkOpen(this);
        TableQueries queries = reader.queries(table).inKeyOrder();
        List<Row> found = new ArrayList<>();
        if (queries.withoutKey() != null) {
            PreparedStatement query = reader.prepared(queries.withoutKey());
            try (SqliteRows rows = session.rows(query, List.of(Value.of(rowsMax)))) {
                while (rows.next()) {
                    found.add(queries.row(rows));
                }
            }
        }
        return found;
    }

    /** As {@link #chunk}, but hands each row over as it is read and keeps none. */
    public ScanStep scan(SourceTable table, RowKey after, RowKey upTo, Limits limits, Consumer<Row> sink)
            throws SQLException {
        return scan(reader.queries(table), after, upTo, limits, sink);
    }

    private ScanStep scan(TableQueries queries, RowKey after, RowKey upTo, Limits limits, Consumer<Row> sink)
            throws SQLException {
        reader.checkOpen(this);
        PreparedStatement query = reader.prepared(queries.next(after, upTo));
        List<Value> values = new ArrayList<>(queries.bounds(after));
        values.addAll(queries.bounds(upTo));
        values.add(Value.of(limits.rowsMax()));
        long startedAt = System.nanoTime();
        boolean byNumber = queries.scansByNumber();
        Row row = null;
        long number = 0;
        long rows = 0;
        long bytes = 0;
        boolean end = true;
        try (SqliteRows result = session.rows(query, values)) {
            while (result.next()) {
                row = queries.scanned(result);
                number = byNumber ? queries.position(result) : 0;
                sink.accept(row);
                rows++;
                bytes += row.size();
                if (rows >= limits.rowsMax() || bytes >= limits.bytesMax()
                        || System.nanoTime() - startedAt > limits.timeMax().toNanos()) {
                    end = false;
                    break;
                }
            }
        }
        RowKey last = row == null ? null : byNumber ? RowKey.of(Value.of(number)) : row.key();
        return new ScanStep(last, end, rows, bytes);
    }

    /**
     * Positions that cut a table into about {@code parts} ranges of the same width, for copying them in parallel: the
     * ranges are from the start to the first position, and so on, and from the last one to the end. Empty where the
     * table is small or has no rowid: then there is one range.
     */
    public List<RowKey> split(SourceTable table, int parts) throws SQLException {
        TableQueries queries = reader.queries(table);
        if (parts < 2 || !queries.scansByNumber()) {
            return List.of();
        }
        try (SqliteRows row = session.rows(reader.prepared(queries.bounds()))) {
            if (!row.next() || !(row.value(0) instanceof Value.Int first)
                    || !(row.value(1) instanceof Value.Int last)) {
                return List.of();
            }
            // Doubles, because the distance may be beyond 2^63; exact positions are not needed.
            double width = ((double) last.value() - (double) first.value()) / parts;
            if (width < 1) {
                return List.of();
            }
            Set<RowKey> positions = new LinkedHashSet<>();
            for (int i = 1; i < parts; i++) {
                positions.add(RowKey.of(Value.of((long) (first.value() + width * i))));
            }
            return List.copyOf(positions);
        }
    }

    /** The rows of {@code keys}; a key that no row has in exactly this spelling is missing from the answer. */
    public Map<RowKey, Row> find(SourceTable table, Collection<RowKey> keys) throws SQLException {
        reader.checkOpen(this);
        TableQueries queries = reader.queries(table);
        Map<RowKey, Row> rows = new LinkedHashMap<>();
        for (RowKey key : keys) {
            Row row = row(queries, key);
            if (row != null && row.key().equals(key)) {
                rows.put(key, row);
            }
        }
        return rows;
    }

    public long count(SourceTable table) throws SQLException {
        reader.checkOpen(this);
        return session.number(reader.queries(table).count());
    }

    private Row row(TableQueries queries, RowKey key) throws SQLException {
        PreparedStatement query = reader.prepared(queries.byKey(key));
        try (SqliteRows rows = session.rows(query, key.parts())) {
            return rows.next() ? queries.row(rows) : null;
        }
    }

    /** Ends the snapshot; nothing happens if it has ended already. */
    @Override
    public void close() throws SQLException {
        reader.closed(this);
    }
}
