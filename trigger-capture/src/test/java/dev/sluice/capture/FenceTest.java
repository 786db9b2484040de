package dev.sluice.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.change.Position;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.testing.Follower;
import dev.sluice.testing.SourceFile;
import java.nio.file.Path;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** What {@link Fence} does with our own SQLite; that it holds for those of applications is SqliteVersionsTest's. */
class FenceTest {

    private static final String TRIGGERS =
            "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger' AND name NOT GLOB '_sluice_*' ORDER BY rowid";

    @TempDir Path folder;

    private SourceFile source;
    private SqliteSession writer;
    private long generation;

    private void capture(String... statements) throws Exception {
        source = new SourceFile(folder.resolve("source.sqlite"));
        source.app("PRAGMA journal_mode = WAL", "PRAGMA synchronous = OFF");
        source.app(statements);
        writer = source.writer();
        SourceSchema schema = SchemaReader.read(writer);
        Capture.install(writer, schema.tables(), schema.hash());
        generation = Capture.takeGeneration(writer);
    }

    @AfterEach
    void close() throws Exception {
        if (source != null) {
            writer.close();
            source.close();
        }
    }

    // ---- raise, note, recall, lift ----

    @Test
    void raisedFenceRefusesAndNamesTheLastWrite() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)", "CREATE TABLE u(a)");
        source.app("INSERT INTO t VALUES (1)");
        Position last = Capture.head(writer);
        String hash = SchemaReader.hash(writer);
        Fence.Moment moment = Fence.raise(writer, generation, 5, true);
        assertThat(moment.head()).isEqualTo(last);
        assertThat(SchemaReader.hash(writer)).isEqualTo(hash);
        assertThat(moment.schemaVersion()).isEqualTo(moment.schemaVersionBefore()); // without triggers no DDL
        assertThat(Fence.state(writer)).isEqualTo(new Fence.State(true, true, 5, generation));
        assertRefused("INSERT INTO t VALUES (2)");
        assertRefused("DELETE FROM t");
        assertRefused("INSERT INTO u VALUES (2)");
        assertThat(Capture.head(writer)).isEqualTo(last);
    }

    @Test
    void raisingWaitsForTheWriterInFlightAndCountsItsWrite() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)");
        source.app("BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)");
        try (SqliteSession hasty = source.file().openWriter(Duration.ofMillis(20))) {
            assertThatThrownBy(() -> Fence.raise(hasty, generation, 1, true)).isInstanceOfSatisfying(SQLiteException.class,
                    e -> assertThat(e.getResultCode()).isEqualTo(SQLiteErrorCode.SQLITE_BUSY));
        }
        Future<Fence.Moment> raised = aside(() -> Fence.raise(writer, generation, 1, true));
        source.app("COMMIT");
        assertThat(raised.get(20, TimeUnit.SECONDS).head().seq()).isEqualTo(2);
        assertRefused("INSERT INTO t VALUES (2)");
    }

    @Test
    void secondRaisingChangesNothing() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)", "CREATE TRIGGER app AFTER INSERT ON t BEGIN SELECT 1; END");
        Fence.Moment first = Fence.raise(writer, generation, 1, true);
        assertThat(first.schemaVersion()).isGreaterThan(first.schemaVersionBefore());
        Fence.Moment again = Fence.raise(writer, generation, 1, true);
        assertThat(again).isEqualTo(new Fence.Moment(first.head(), first.schemaVersion(), first.schemaVersion()));
        Fence.noteFlip(writer, generation, SchemaReader.hash(writer));
        Fence.raise(writer, generation, 1, true);
        assertThat(Fence.state(writer).recall()).as("a noted flip stays noted").isFalse();
    }

    @Test
    void fenceOfAFlipThatMayHaveHappenedIsNotTakenForAnotherAttempt() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)");
        Fence.raise(writer, generation, 1, true);
        Fence.noteFlip(writer, generation, SchemaReader.hash(writer));
        assertThatThrownBy(() -> Fence.raise(writer, generation, 3, true)).isInstanceOf(IllegalStateException.class);
        assertThat(Fence.state(writer)).isEqualTo(new Fence.State(true, false, 1, generation));
        Fence.raise(writer, generation, 3, false); // PostgreSQL has the traffic of epoch 3
        assertThat(Fence.state(writer)).isEqualTo(new Fence.State(true, false, 3, generation));
    }

    @Test
    void recallLiftsUntilTheFlipIsNoted() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)");
        assertThat(Fence.recall(writer, generation)).isNull();
        Fence.raise(writer, generation, 5, true);
        assertThat(Fence.recall(writer, generation)).isNotNull();
        assertThat(Fence.state(writer)).isEqualTo(new Fence.State(false, false, 4, generation));
        source.app("INSERT INTO t VALUES (1)");
        Fence.raise(writer, generation, 5, true);
        assertThat(Fence.noteFlip(writer, generation, SchemaReader.hash(writer))).isTrue();
        assertThat(Fence.recall(writer, generation)).isNull();
        assertRefused("INSERT INTO t VALUES (2)");
        Fence.lift(writer, generation, 6);
        assertThat(Fence.state(writer)).isEqualTo(new Fence.State(false, false, 6, generation));
        Fence.lift(writer, generation, 9);
        assertThat(Fence.state(writer).trafficEpoch()).as("nothing to lift").isEqualTo(6);
        source.app("INSERT INTO t VALUES (2)");
    }

    @Test
    void flipIsNotNotedWhenTheSchemaWasChangedBehindTheFence() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)", "CREATE TRIGGER app AFTER INSERT ON t BEGIN SELECT 1; END");
        String hash = SchemaReader.hash(writer);
        Fence.raise(writer, generation, 1, true);
        source.app("ALTER TABLE t ADD COLUMN late");
        assertThat(Fence.noteFlip(writer, generation, hash)).isFalse();
        assertThat(Fence.recall(writer, generation)).isNotNull();
        assertThat(source.ask(TRIGGERS)).hasSize(1);
    }

    @Test
    void olderDaemonChangesNothing() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)");
        Fence.raise(writer, generation, 1, true);
        String hash = SchemaReader.hash(writer);
        long newer = Capture.takeGeneration(writer);
        assertStale(() -> Fence.raise(writer, generation, 1, true));
        assertStale(() -> Fence.noteFlip(writer, generation, hash));
        assertStale(() -> Fence.recall(writer, generation));
        assertStale(() -> Fence.lift(writer, generation, 2));
        assertStale(() -> Fence.writeThrough(writer, generation, () -> 1));
        assertStale(() -> {
            Fence.setSequences(writer, generation, Map.of());
            return null;
        });
        assertStale(() -> {
            Capture.uninstallSwitched(writer, generation, true);
            return null;
        });
        assertThat(Fence.state(writer)).isEqualTo(new Fence.State(true, true, 1, newer));
    }

    @Test
    void installationOfAnOlderReleaseIsCompletedByTheNextDaemon() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (7)");
        source.app("DROP TABLE _sluice_trigger", "ALTER TABLE _sluice_control DROP COLUMN recall",
                "ALTER TABLE _sluice_control DROP COLUMN traffic_epoch");
        assertThat(Fence.state(writer)).isEqualTo(new Fence.State(false, false, 0, generation));
        assertThat(Capture.damaged(writer)).isEmpty();
        generation = Capture.takeGeneration(writer);
        assertThat(source.ask("SELECT fenced, recall, traffic_epoch, generation FROM _sluice_control"))
                .containsExactly("0|0|0|" + generation);
        Fence.raise(writer, generation, 1, true);
        assertRefused("INSERT INTO t VALUES (8)");
    }

    // ---- the application's triggers ----

    @Test
    void triggersAreAwayBehindTheFenceAndComeBackAsTheyWere() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "CREATE TABLE \"Log \"\" b\"(a)", "CREATE VIEW w AS SELECT * FROM t",
                "CREATE TRIGGER z AFTER INSERT ON T BEGIN INSERT INTO \"Log \"\" b\" VALUES ('z;' || new.id); END",
                "CREATE TRIGGER main.[a b] BEFORE UPDATE OF v ON t WHEN new.v > 1 BEGIN SELECT RAISE(IGNORE); END",
                "CREATE TRIGGER i INSTEAD OF INSERT ON w BEGIN INSERT INTO t VALUES (new.id, new.v); END",
                "CREATE TRIGGER y AFTER INSERT ON t BEGIN INSERT INTO \"Log \"\" b\" VALUES ('ü' || new.id); END");
        List<String> before = source.ask(TRIGGERS);
        String hash = SchemaReader.hash(writer);
        SourceSchema schema = SchemaReader.read(writer);
        Fence.raise(writer, generation, 1, true);
        assertThat(source.ask("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name NOT GLOB '_sluice_*'"))
                .containsExactly("i"); // on a view: nothing of ours fires it
        assertThat(source.ask("SELECT name FROM _sluice_trigger ORDER BY position")).containsExactly("z", "a b", "y");
        assertThat(SchemaReader.hash(writer)).isEqualTo(hash);
        assertThat(SchemaReader.read(writer).triggers()).containsExactlyInAnyOrderElementsOf(schema.triggers());
        Fence.writeThrough(writer, generation, () -> {
            writer.execute("INSERT INTO t VALUES (1, 5)");
            writer.execute("UPDATE t SET v = 9");
            return null;
        });
        assertThat(source.ask("SELECT * FROM t")).containsExactly("1|9");
        assertThat(source.ask("SELECT count(*) FROM \"Log \"\" b\"")).containsExactly("0");
        Fence.lift(writer, generation, 2);
        assertThat(SchemaReader.hash(writer)).isEqualTo(hash);
        assertThat(source.ask(TRIGGERS)).containsExactlyInAnyOrderElementsOf(before);
        assertThat(source.ask(TRIGGERS).stream().filter(row -> !row.startsWith("i|")).toList())
                .isEqualTo(before.stream().filter(row -> !row.startsWith("i|")).toList());
        assertThat(source.ask("SELECT count(*) FROM _sluice_trigger")).containsExactly("0");
        assertThat(Capture.damaged(writer)).as("ours are the newest").isEmpty();
        source.app("INSERT INTO w VALUES (2, 2)");
        assertThat(source.ask("SELECT * FROM \"Log \"\" b\"")).containsExactlyInAnyOrder("z;2", "ü2");
    }

    @Test
    void captureFollowsWhatIsWrittenAfterAFence() throws Exception {
        capture("CREATE TABLE t(k TEXT NOT NULL PRIMARY KEY, n UNIQUE)", "CREATE TABLE log(a)",
                "CREATE TRIGGER app AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (new.n); SELECT RAISE(IGNORE); END",
                "INSERT INTO t VALUES ('a', 1), ('b', 2)");
        try (Follower follower = new Follower(source.file())) {
            follower.drain(Follower.AMPLE);
            for (int epoch = 1; epoch < 7; epoch += 2) {
                Fence.raise(writer, generation, epoch, true);
                Fence.lift(writer, generation, epoch + 1);
                source.app("UPDATE t SET n = n + 10", "REPLACE INTO t VALUES ('c" + epoch + "', 12)");
                follower.drain(Follower.AMPLE);
                assertThat(follower.differences()).isEmpty();
            }
        }
    }

    @Test
    void triggerMadeBehindTheFenceIsPutAsideToo() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)", "CREATE TABLE log(a)",
                "CREATE TRIGGER app AFTER INSERT ON t BEGIN INSERT INTO log VALUES ('old'); END");
        Fence.raise(writer, generation, 1, true);
        assertThat(source.ask(TRIGGERS)).isEmpty(); // else SQLite goes by what it remembers of the schema
        source.app("CREATE TRIGGER APP AFTER INSERT ON t BEGIN INSERT INTO log VALUES ('new'); END",
                "CREATE TRIGGER other AFTER INSERT ON t BEGIN INSERT INTO log VALUES ('other'); END");
        Fence.writeThrough(writer, generation, () -> {
            writer.execute("INSERT INTO t VALUES (1)");
            return null;
        });
        assertThat(source.ask("SELECT * FROM log")).isEmpty();
        Fence.lift(writer, generation, 2);
        source.app("INSERT INTO t VALUES (2)");
        assertThat(source.ask("SELECT * FROM log ORDER BY a")).containsExactly("new", "other");
        assertThat(Capture.damaged(writer)).isEmpty();
    }

    @Test
    void fenceStaysWholeWhereATriggerCannotComeBack() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)", "CREATE TABLE gone(id INTEGER PRIMARY KEY)",
                "CREATE TRIGGER first AFTER INSERT ON t BEGIN SELECT 1; END",
                "CREATE TRIGGER second AFTER INSERT ON gone BEGIN SELECT 1; END");
        Fence.raise(writer, generation, 1, true);
        source.app("DROP TABLE gone");
        List<String> content = source.ask("SELECT * FROM sqlite_master ORDER BY rowid");
        for (Callable<?> lift : List.<Callable<?>>of(() -> Fence.lift(writer, generation, 2),
                () -> Fence.recall(writer, generation))) {
            assertThatThrownBy(lift::call).isInstanceOf(SourceRefusal.class).hasMessageContaining("second")
                    .hasMessageContaining("gone").hasMessageContaining("_sluice_trigger");
        }
        assertThat(source.ask("SELECT * FROM sqlite_master ORDER BY rowid")).isEqualTo(content);
        assertThat(Fence.state(writer)).isEqualTo(new Fence.State(true, true, 1, generation));
        assertThat(source.ask("SELECT name FROM _sluice_trigger")).containsExactly("first", "second");
        source.app("DELETE FROM _sluice_trigger WHERE name = 'second'");
        Fence.lift(writer, generation, 2);
        assertThat(source.ask(TRIGGERS)).hasSize(1);
    }

    @Test
    void triggerWhoseTextCannotBeReadIsFoundBeforeTheFence() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)", "CREATE TRIGGER app AFTER INSERT ON t BEGIN SELECT '?'; END",
                "PRAGMA writable_schema = ON");
        source.app("UPDATE sqlite_master SET sql = CAST(x'435245415445205452494747455220617070204146544552"
                        + "20494e53455254204f4e207420424547494e2053454c4543542027ff273b20454e44' AS TEXT) WHERE name = 'app'");
        assertThatThrownBy(() -> Fence.raise(writer, generation, 1, true)).isInstanceOf(SourceRefusal.class)
                .hasMessageContaining("UTF-8");
        assertThat(Fence.state(writer).fenced()).isFalse();
    }

    @Test
    void utf16FileKeepsItsTriggers() throws Exception {
        capture("PRAGMA encoding = 'UTF-16be'", "CREATE TABLE t(id INTEGER PRIMARY KEY, v)",
                "CREATE TRIGGER app AFTER INSERT ON t BEGIN UPDATE t SET v = 'größe 😀' WHERE id = new.id; END");
        List<String> before = source.ask(TRIGGERS);
        Fence.raise(writer, generation, 1, true);
        Fence.lift(writer, generation, 2);
        assertThat(source.ask(TRIGGERS)).isEqualTo(before);
    }

    // ---- writes of ours ----

    @Test
    void writesThroughLeaveNoChangelogRowAndNobodySeesTheFenceDown() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE)", "INSERT INTO t VALUES (1, 'a')");
        source.app("UPDATE t SET u = 'b'");
        Position head = Fence.raise(writer, generation, 1, true).head();
        CountDownLatch end = new CountDownLatch(1);
        Future<Long> seen = aside(() -> {
            long looks = 0;
            try (SqliteSession other = source.reader()) {
                while (end.getCount() > 0) {
                    assertThat(other.number("SELECT fenced FROM _sluice_control")).isEqualTo(1);
                    looks++;
                }
            }
            return looks;
        });
        Future<Integer> refused = aside(() -> {
            int count = 0;
            try (SqliteSession application = source.file().openWriter(Duration.ofSeconds(10))) {
                while (end.getCount() > 0) {
                    try {
                        application.execute("INSERT INTO t VALUES (NULL, 'application')");
                        return -1;
                    } catch (SQLiteException e) {
                        assertThat(e.getResultCode()).isEqualTo(SQLiteErrorCode.SQLITE_CONSTRAINT_TRIGGER);
                        count++;
                    }
                }
            }
            return count;
        });
        for (int i = 2; i < 200; i++) {
            int id = i;
            assertThat(Fence.<Integer>writeThrough(writer, generation, () -> {
                writer.execute("REPLACE INTO t VALUES (" + id + ", 'b')");
                writer.execute("UPDATE t SET id = -id");
                writer.execute("UPDATE t SET id = -id");
                return id;
            })).isEqualTo(i);
            assertThat(Capture.head(writer)).isEqualTo(head);
        }
        end.countDown();
        assertThat(seen.get(20, TimeUnit.SECONDS)).isPositive();
        assertThat(refused.get(20, TimeUnit.SECONDS)).isPositive();
        assertThat(source.ask("SELECT * FROM t")).containsExactly("199|b");
    }

    @Test
    void writesThatFailLeaveNothing() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)");
        Position head = Fence.raise(writer, generation, 1, true).head();
        assertThatThrownBy(() -> Fence.writeThrough(writer, generation, () -> {
            writer.execute("INSERT INTO t VALUES (1)");
            writer.execute("INSERT INTO t VALUES (1)");
            return null;
        })).isInstanceOf(SQLException.class);
        assertThat(source.ask("SELECT * FROM t")).isEmpty();
        assertThat(Capture.head(writer)).isEqualTo(head);
        assertThat(Fence.state(writer).fenced()).isTrue();
    }

    @Test
    void nothingIsWrittenThroughWhereTheApplicationMayWrite() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)");
        assertThatThrownBy(() -> Fence.writeThrough(writer, generation, () -> {
            writer.execute("INSERT INTO t VALUES (1)");
            return null;
        })).isInstanceOf(IllegalStateException.class);
        assertThat(source.ask("SELECT * FROM t")).isEmpty();
    }

    // ---- numbers ----

    @Test
    void sequencesOnlyRise() throws Exception {
        capture("CREATE TABLE a(id INTEGER PRIMARY KEY AUTOINCREMENT)", "CREATE TABLE b(id INTEGER PRIMARY KEY AUTOINCREMENT)",
                "CREATE TABLE c(id INTEGER PRIMARY KEY AUTOINCREMENT)", "CREATE TABLE d(id INTEGER PRIMARY KEY AUTOINCREMENT)",
                "INSERT INTO a VALUES (10)", "INSERT INTO b VALUES (10)", "INSERT INTO d VALUES (1)",
                "UPDATE sqlite_sequence SET seq = 'none' WHERE name = 'd'");
        Fence.raise(writer, generation, 1, true);
        Fence.setSequences(writer, generation, Map.of("a", 5L, "b", 20L, "c", 30L, "d", 40L));
        Fence.lift(writer, generation, 2);
        for (String table : List.of("a", "b", "c", "d")) {
            source.app("INSERT INTO " + table + " DEFAULT VALUES");
        }
        assertThat(source.ask("SELECT name, seq FROM sqlite_sequence ORDER BY 1"))
                .containsExactly("a|11", "b|21", "c|31", "d|41");
        assertThatThrownBy(() -> Fence.setSequences(writer, generation, Map.of("a", 50L)))
                .isInstanceOf(IllegalStateException.class);
    }

    // ---- the end ----

    @Test
    void switchedSourceIsFreedWithItsTriggersOrWithout() throws Exception {
        for (boolean triggers : new boolean[] {true, false}) {
            source = null;
            folder.resolve("source.sqlite").toFile().delete();
            capture("CREATE TABLE t(id INTEGER PRIMARY KEY)", "CREATE TRIGGER app AFTER INSERT ON t BEGIN SELECT 1; END");
            List<String> before = source.ask(TRIGGERS);
            assertThatThrownBy(() -> Capture.uninstallSwitched(writer, generation, triggers))
                    .isInstanceOf(SourceRefusal.class);
            Fence.raise(writer, generation, 1, true);
            assertThatThrownBy(() -> Capture.uninstall(writer)).isInstanceOf(SourceRefusal.class);
            Capture.uninstallSwitched(writer, generation, triggers);
            Capture.uninstallSwitched(writer, generation, triggers);
            assertThat(source.ask(TRIGGERS)).isEqualTo(triggers ? before : List.of());
            assertThat(source.ask("SELECT name FROM sqlite_master WHERE name GLOB '_sluice_*'")).isEmpty();
            source.app("INSERT INTO t VALUES (1)");
            close();
        }
    }

    @Test
    void uninstallGivesTriggersBackThatSomebodyLeftBehindALoweredFence() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)", "CREATE TRIGGER app AFTER INSERT ON t BEGIN SELECT 1; END");
        List<String> before = source.ask(TRIGGERS);
        Fence.raise(writer, generation, 1, true);
        source.app("UPDATE _sluice_control SET fenced = 0");
        Capture.uninstall(writer);
        assertThat(source.ask(TRIGGERS)).isEqualTo(before);
    }

    // ---- small things ----

    private static <T> Future<T> aside(Callable<T> work) {
        ExecutorService thread = Executors.newSingleThreadExecutor();
        Future<T> future = thread.submit(work);
        thread.shutdown();
        return future;
    }

    private void assertRefused(String sql) throws SQLException {
        try (Statement statement = source.appConnection().createStatement()) {
            assertThatThrownBy(() -> statement.execute(sql)).as(sql)
                    .isInstanceOfSatisfying(SQLiteException.class, e -> assertThat(e.getResultCode())
                            .isEqualTo(SQLiteErrorCode.SQLITE_CONSTRAINT_TRIGGER))
                    .hasMessageContaining(TriggerScript.FENCE_MESSAGE);
        }
    }

    private static void assertStale(Callable<?> call) {
        assertThatThrownBy(call::call).isInstanceOf(StaleGeneration.class);
    }
}
