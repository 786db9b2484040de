package dev.sluice.tail;

import dev.sluice.capture.Capture;
import dev.sluice.change.Value;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteRows;
import dev.sluice.sqlite.SqliteSession;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Reads the source through one connection that can't write. Between snapshots it holds no lock; one snapshot at a time.
 * Not thread-safe: copying in parallel takes a reader per thread.
 */
public final class SourceReader implements AutoCloseable {

    private static final int STATEMENTS_MAX = 500;

    /** Edits through PRAGMA writable_schema don't move schema_version, so the text is looked at again now and then. */
    private static final long HASH_NANOS_MAX = Duration.ofSeconds(30).toNanos();

    private final SqliteFile file;
    private final SqliteSession session;
    private final SqliteFile.Identity opened;
    private final Map<String, PreparedStatement> statements = new LinkedHashMap<>(64, 0.75f, true);
    private final Map<String, TableQueries> queries = new HashMap<>();

    private String epoch;
    private Map<Integer, TableQueries> tables = Map.of();
    private Set<Integer> ignoredIds = Set.of();
    private Snapshot current;
    private long seenVersion = Long.MIN_VALUE;

    private long hashedVersion = Long.MIN_VALUE;
    private long hashedAt;
    private String schemaHash;
    private String captureHash;
    private boolean captureInstalled;

    /** Opens the file; {@code busyTimeout} bounds every wait for a lock of the application. */
    public SourceReader(SqliteFile file, Duration busyTimeout) throws SQLException {
        this.file = file;
        this.opened = identity();
        this.session = file.openReader(busyTimeout);
    }

    public SqliteFile file() {
        return file;
    }

    /**
     * Follows all captured tables as {@code schema} declares them. To be called before {@link Snapshot#changes}, and
     * again whenever capture or the schema has changed. A captured table that is gone or declared otherwise now is
     * not skipped: a changelog row that names it stops {@link Snapshot#changes}, until {@link Capture#repair} has
     * seen to it.
     */
    public void follow(Capture.State state, SourceSchema schema) {
        follow(state, state.declared(schema), state.goneIds());
    }

    /**
     * Follows only some of the captured tables, by their ids; changelog rows of all others are skipped for good.
     *
     * @param followed from {@link Capture.State#declared}
     */
    public void follow(Capture.State state, Map<Integer, SourceTable> followed) {
        Set<Integer> ignored = new HashSet<>(state.goneIds());
        state.tables().forEach(table -> ignored.add(table.id()));
        ignored.removeAll(followed.keySet());
        follow(state, followed, ignored);
    }

    private void follow(Capture.State state, Map<Integer, SourceTable> followed, Set<Integer> ignored) {
        epoch = state.epoch();
        tables = new HashMap<>();
        followed.forEach((id, table) -> tables.put(id, queries(table)));
        ignoredIds = Set.copyOf(ignored);
    }

    /**
     * True if somebody has committed to the file since the last snapshot began, or none was opened yet. Costs some
     * microseconds and takes no lock that outlives the call.
     */
    public boolean changed() throws SQLException {
        return dataVersion() != seenVersion;
    }

    /** Asked twenty times a second and more, so without preparing it anew. */
    private long dataVersion() throws SQLException {
        try (ResultSet row = prepared("PRAGMA data_version").executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }

    /**
     * Begins a snapshot: from here on the source is seen as it is now, until the snapshot is closed.
     *
     * @throws HistoryDiverged if the path leads to another file by now
     */
    public Snapshot open() throws SQLException {
        if (current != null) {
            throw new IllegalStateException("the last snapshot is still open");
        }
        if (!identity().equals(opened)) {
            throw new HistoryDiverged(HistoryDiverged.Reason.FILE_REPLACED,
                    "another file stands at " + file.path() + " now: it was replaced while it was being followed");
        }
        session.begin();
        boolean done = false;
        try {
            session.number("SELECT count(*) FROM (SELECT 1 FROM sqlite_master LIMIT 1)"); // the first read pins it
            seenVersion = dataVersion();
            current = new Snapshot(this, session, epoch, tables, ignoredIds);
            done = true;
            return current;
        } finally {
            if (!done) {
                session.rollback();
            }
        }
    }

    private SqliteFile.Identity identity() {
        try {
            return file.identity();
        } catch (IOException e) {
            throw new UncheckedIOException("the source " + file.path() + " can't be asked for its identity", e);
        }
    }

    void checkOpen(Snapshot snapshot) {
        if (current != snapshot) {
            throw new IllegalStateException("the snapshot is closed");
        }
    }

    void closed(Snapshot snapshot) throws SQLException {
        if (current == snapshot) {
            current = null;
            session.rollback();
        }
    }

    /** A prepared statement of this connection, kept for the next time. */
    PreparedStatement prepared(String sql) throws SQLException {
        PreparedStatement statement = statements.get(sql);
        if (statement == null) {
            if (statements.size() >= STATEMENTS_MAX) {
                String oldest = statements.keySet().iterator().next();
                statements.remove(oldest).close();
            }
            statement = session.prepare(sql);
            statements.put(sql, statement);
        }
        return statement;
    }

    TableQueries queries(SourceTable table) {
        TableQueries known = queries.get(table.name());
        if (known == null || known.table() != table && !known.table().equals(table)) {
            known = new TableQueries(table);
            queries.put(table.name(), known);
        }
        return known;
    }

    String schemaHash() throws SQLException {
        refreshHashes();
        return schemaHash;
    }

    String captureHash() throws SQLException {
        refreshHashes();
        return captureHash;
    }

    /** The installed capture's epoch as the open snapshot shows it, null where none is installed. */
    String epoch() throws SQLException {
        refreshHashes();
        if (!captureInstalled) {
            return null;
        }
        try (SqliteRows row = session.rows(prepared("SELECT epoch FROM \"_sluice_control\" WHERE id = 1"))) {
            return row.next() && row.value(0) instanceof Value.Text text ? text.decoded() : null;
        }
    }

    private void refreshHashes() throws SQLException {
        long version = session.number("PRAGMA schema_version");
        long now = System.nanoTime();
        if (version != hashedVersion || now - hashedAt > HASH_NANOS_MAX) {
            schemaHash = SchemaReader.hash(session);
            captureHash = SchemaReader.captureHash(session);
            captureInstalled = session.number("SELECT count(*) FROM sqlite_master WHERE name = '_sluice_control'"
                    + " OR name = '_sluice_changelog'") == 2;
            hashedVersion = version;
            hashedAt = now;
        }
    }

    @Override
    public void close() throws SQLException {
        if (current != null) {
            current.close();
        }
        session.close();
    }
}
