package dev.sluice.tail;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.capture.Capture;
import dev.sluice.change.ChangeBatch;
import dev.sluice.change.Position;
import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.TableChange;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.testing.SourceFile;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sqlite.SQLiteException;

/**
 * Copies in chunks and follows while other connections write; whole tables are compared in the follower's snapshots.
 */
class FollowUnderLoadTest {

    private static final long SEED = Long.getLong("sluice.fuzz.seed", 20261121);
    private static final int COMPARISONS = Integer.getInteger("sluice.load.comparisons", 60);

    @TempDir Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"WAL", "DELETE", "TRUNCATE"})
    void copyAndFollowEqualTheSourceInEverySnapshotWhileOthersWrite(String journalMode) throws Exception {
        try (SourceFile source = new SourceFile(folder.resolve("load.sqlite"), "PRAGMA journal_mode = " + journalMode,
                "PRAGMA synchronous = OFF", "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v)",
                "CREATE TABLE k(k TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, p INT REFERENCES t ON DELETE CASCADE, v)",
                "CREATE TABLE w(a TEXT, b INT, v, PRIMARY KEY(a, b DESC)) WITHOUT ROWID", "CREATE TABLE n(v)",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
                        + " INSERT INTO t SELECT i, 'u' || i, i FROM n",
                "INSERT INTO k SELECT 'k' || id, id, v FROM t", "INSERT INTO w SELECT 'w' || id % 7, id, v FROM t",
                "INSERT INTO n SELECT v FROM t")) {
            SourceSchema schema;
            Capture.State state;
            try (SqliteSession writer = source.writer()) {
                schema = SchemaReader.read(writer);
                state = Capture.install(writer, schema.tables(), schema.hash());
            }
            AtomicBoolean stop = new AtomicBoolean();
            AtomicReference<Throwable> failure = new AtomicReference<>();
            AtomicLong written = new AtomicLong();
            List<Thread> writers = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                Random random = new Random(SEED + i);
                writers.add(new Thread(() -> write(source, random, stop, failure, written), "writer-" + i));
            }
            writers.forEach(Thread::start);
            try (SourceReader reader = new SourceReader(source.file(), Duration.ofSeconds(20))) {
                reader.follow(state, schema);
                Map<String, Map<RowKey, List<Object>>> target =
                        copied(reader, state.declared(schema).values(), state.head(), new Random(SEED));
                compareAgainAndAgain(reader, state.declared(schema).values(), target);
            } finally {
                stop.set(true);
                for (Thread writer : writers) {
                    writer.join(60_000);
                }
            }
            assertThat(failure.get()).isNull();
            assertThat(written.get()).as("statements written meanwhile").isGreaterThan(50);
        }
    }

    private Position watermark;

    /** Chunks and batches in turn, each chunk in a snapshot of its own, as the copy does. */
    private Map<String, Map<RowKey, List<Object>>> copied(
            SourceReader reader, Iterable<SourceTable> tables, Position start, Random random) throws Exception {
        Map<String, Map<RowKey, List<Object>>> target = new HashMap<>();
        tables.forEach(table -> target.put(table.name(), new HashMap<>()));
        watermark = start;
        for (SourceTable table : tables) {
            RowKey last = null;
            boolean end = false;
            while (!end) {
                try (Snapshot snapshot = reader.open()) {
                    Chunk chunk = snapshot.chunk(table, last, null,
                            new Limits(1 + random.nextInt(60), Long.MAX_VALUE, Duration.ofMinutes(1)));
                    chunk.rows().forEach(row -> put(target.get(table.name()), row));
                    last = chunk.last() == null ? last : chunk.last();
                    end = chunk.end();
                }
                if (random.nextInt(3) == 0) {
                    try (Snapshot snapshot = reader.open()) {
                        apply(snapshot.changes(watermark, new Limits(50, Long.MAX_VALUE, Duration.ofMinutes(1))),
                                target);
                    }
                }
            }
        }
        return target;
    }

    private void compareAgainAndAgain(
            SourceReader reader, Iterable<SourceTable> tables, Map<String, Map<RowKey,
                    List<Object>>> target) throws Exception {
        for (int i = 0; i < COMPARISONS; i++) {
            try (Snapshot snapshot = reader.open()) {
                ChangeBatch batch = snapshot.changes(watermark, new Limits(1_000_000, Long.MAX_VALUE,
                        Duration.ofMinutes(1)));
                apply(batch, target);
                assertThat(batch.consistent()).isTrue();
                for (SourceTable table : tables) {
                    Map<RowKey, List<Object>> rows = new HashMap<>();
                    snapshot.chunk(table, null, null, new Limits(1_000_000, Long.MAX_VALUE,
                            Duration.ofMinutes(1))).rows()
                            .forEach(row -> put(rows, row));
                    assertThat(target.get(table.name())).as("table %s at seq %d, seed %d", table.name(), batch.toSeq(),
                            SEED)
                            .isEqualTo(rows);
                }
            }
            for (long until = System.nanoTime() + 3_000_000; System.nanoTime() < until;) {
                Thread.onSpinWait(); // in the rollback modes the writers need a gap in which nobody reads
            }
        }
    }

    private void apply(ChangeBatch batch, Map<String, Map<RowKey, List<Object>>> target) {
        for (TableChange change : batch.changes()) {
            change.deletes().forEach(target.get(change.table())::remove);
            change.upserts().forEach(row -> put(target.get(change.table()), row));
        }
        watermark = new Position(batch.toSeq(), batch.toNonce());
    }

    private static void put(Map<RowKey, List<Object>> rows, Row row) {
        rows.put(row.key(), List.of((Object[]) row.values()));
    }

    private static void write(
            SourceFile source, Random random, AtomicBoolean stop, AtomicReference<Throwable> failure,
                    AtomicLong written) {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + source.file().path());
                Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA busy_timeout = 20000");
            statement.execute("PRAGMA synchronous = OFF");
            statement.execute("PRAGMA foreign_keys = " + (random.nextBoolean() ? "ON" : "OFF"));
            statement.execute("PRAGMA recursive_triggers = " + (random.nextBoolean() ? "ON" : "OFF"));
            while (!stop.get()) {
                boolean transaction = random.nextInt(3) == 0;
                if (transaction) {
                    statement.execute("BEGIN IMMEDIATE");
                }
                for (int i = transaction ? random.nextInt(8) : 1; i > 0; i--) {
                    try {
                        statement.execute(statement(random));
                        written.incrementAndGet();
                    } catch (SQLException e) {
                        // A constraint may refuse, nothing else.
                        if (!(e instanceof SQLiteException refused) || (refused.getResultCode().code & 0xff) != 19) {
                            throw e;
                        }
                    }
                }
                if (transaction) {
                    statement.execute(random.nextInt(4) == 0 ? "ROLLBACK" : "COMMIT");
                }
            }
        } catch (Throwable e) {
            failure.set(e);
        }
    }

    private static String statement(Random random) {
        int id = random.nextInt(400);
        int other = random.nextInt(400);
        return switch (random.nextInt(14)) {
            case 0 -> "INSERT OR REPLACE INTO t(u, v) VALUES ('u" + id + "', " + other + ")";
            case 1 -> "REPLACE INTO t VALUES (" + id + ", 'u" + other + "', 0)";
            case 2 -> "UPDATE OR REPLACE t SET id = " + other + " WHERE id = " + id;
            case 3 -> "UPDATE OR IGNORE t SET u = 'u" + other + "' WHERE id < " + id + " AND id > " + (id - 4);
            case 4 -> "DELETE FROM t WHERE id = " + id;
            case 5 -> "INSERT INTO k VALUES ('K" + id + "', " + other + ", 1) ON CONFLICT DO UPDATE SET k ="
                    + " excluded.k, v = v + 1";
            case 6 -> "UPDATE k SET v = v + 1 WHERE k > 'k3" + id % 10 + "'";
            case 7 -> "DELETE FROM k WHERE k = 'k" + id + "'";
            case 8 -> "REPLACE INTO w VALUES ('w" + id % 7 + "', " + other + ", " + id + ")";
            case 9 -> "UPDATE OR REPLACE w SET b = b + 1 WHERE a = 'w" + id % 7 + "' AND b > " + (other + 200);
            case 10 -> "DELETE FROM w WHERE b % 97 = " + id % 97;
            case 11 -> "INSERT INTO n VALUES (" + id + "), (" + other + ")";
            case 12 -> "UPDATE n SET v = v + 1 WHERE rowid % 50 = " + id % 50;
            default -> "DELETE FROM n WHERE v = " + id;
        };
    }
}
