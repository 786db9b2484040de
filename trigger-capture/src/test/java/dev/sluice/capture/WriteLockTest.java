package dev.sluice.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.testing.SourceFile;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteCommitListener;
import org.sqlite.SQLiteConnection;

/**
 * How long the application may have to wait for us: no transaction of ours that writes reads the application's rows, and
 * none touches more of our own than so many. What that means in milliseconds is printed with {@code
 * -Dsluice.locks.megabytes=1024}, and not asserted.
 */
class WriteLockTest {

    private static final int STEP_ROWS = 5_000;
    private static final int PAGE = 4096;

    @TempDir Path folder;

    /** Every page behind the schema is rubbish, so whoever reads a row of the application finds a corrupt file. */
    @Test
    void installationAndRemovalReadNoRowOfTheApplication() throws Exception {
        Path path = folder.resolve("rubbish.sqlite");
        SourceSchema schema;
        try (SourceFile source = new SourceFile(path, "PRAGMA page_size = " + PAGE, "PRAGMA journal_mode = WAL",
                "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, v)",
                "CREATE TABLE k(a TEXT, b INT, v, PRIMARY KEY(a, b))", "CREATE UNIQUE INDEX e ON k(lower(v))",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                        + " INSERT INTO t SELECT i, 'u' || i, i FROM n",
                "INSERT INTO k SELECT u, id, v FROM t");
                SqliteSession reader = source.reader()) {
            schema = SchemaReader.read(reader);
        }
        assertThat(Path.of(path + "-wal")).doesNotExist();
        byte[] rubbish = new byte[(int) Files.size(path) - PAGE];
        new Random(1).nextBytes(rubbish);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.seek(PAGE);
            file.write(rubbish);
        }
        try (SourceFile source = new SourceFile(path); SqliteSession writer = source.writer()) {
            assertThatThrownBy(() -> source.ask("SELECT count(v) FROM t")).hasMessageContaining("CORRUPT");
            assertThat(Capture.install(writer, schema.tables(), schema.hash()).tables()).hasSize(2);
            long generation = Capture.takeGeneration(writer);
            Capture.release(writer, generation, List.of("k"));
            assertThat(Capture.purge(writer, generation, 1, 10)).isZero();
            Capture.uninstall(writer);
        }
    }

    /** Which of a table's columns hold NULL is asked before and after the transaction, by a search of the whole table. */
    @Test
    void repairReadsRowsOnlyWhileOthersMayWrite() throws Exception {
        try (SourceFile source = captured(2_000); SqliteSession writer = source.writer()) {
            long generation = Capture.takeGeneration(writer);
            source.app("DROP TRIGGER _sluice_1_ai", "CREATE TABLE later(a, b, PRIMARY KEY(a, b))");
            List<Boolean> free = new ArrayList<>();
            try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + source.file().path());
                    Statement statement = other.createStatement()) {
                statement.execute("PRAGMA busy_timeout = 0");
                connection(writer).addUpdateListener((type, database, table, rowid) -> { });
                org.sqlite.ProgressHandler.setHandler(connection(writer), 1_000, new org.sqlite.ProgressHandler() {
                    @Override
                    protected int progress() throws SQLException {
                        free.add(isFree(statement));
                        return 0;
                    }
                });
                Capture.repair(writer, generation, List.of("k", "later"));
                org.sqlite.ProgressHandler.clearHandler(connection(writer));
            }
            assertThat(free).hasSizeGreaterThan(3).contains(true);
            assertThat(free.stream().filter(isFree -> !isFree).count()).as("thousands of steps under the lock")
                    .isLessThanOrEqualTo(3);
            assertThat(Capture.damaged(writer)).isEmpty();
        }
    }

    @Test
    void longChangelogIsRemovedInStepsBetweenWhichOthersMayWrite() throws Exception {
        try (SourceFile source = captured(23_000); SqliteSession writer = source.writer()) {
            List<Long> deleted = deletedPerCommit(writer);
            Capture.uninstall(writer);
            assertThat(deleted).hasSizeGreaterThan(5).allMatch(rows -> rows <= STEP_ROWS + 10);
            assertThat(deleted.stream().mapToLong(Long::longValue).sum()).isGreaterThan(23_000 - STEP_ROWS);
            assertThat(source.ask("SELECT name FROM sqlite_master WHERE name GLOB '_sluice_*'")).isEmpty();
        }
    }

    @Test
    void removalThatWasCutOffIsFinishedByTheNextRemovalOrInstallation() throws Exception {
        for (boolean again : new boolean[] {false, true}) {
            try (SourceFile source = captured(12_000); SqliteSession writer = source.writer()) {
                SourceSchema schema = SchemaReader.read(writer);
                for (String trigger : source.ask("SELECT name FROM sqlite_master WHERE type = 'trigger'")) {
                    source.app("DROP TRIGGER " + trigger);
                }
                for (String table : source.ask("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '_sluice_*'"
                        + " AND name <> '_sluice_changelog'")) {
                    source.app("DROP TABLE " + table);
                }
                assertThat(Capture.state(writer)).isNull();
                List<Long> deleted = deletedPerCommit(writer);
                if (again) {
                    assertThat(Capture.install(writer, schema.tables(), schema.hash()).head().seq()).isEqualTo(1);
                } else {
                    Capture.uninstall(writer);
                    assertThat(source.ask("SELECT name FROM sqlite_master WHERE name GLOB '_sluice_*'")).isEmpty();
                }
                assertThat(deleted).hasSizeGreaterThan(2).allMatch(rows -> rows <= STEP_ROWS + 10);
            }
        }
    }

    @Test
    void purgeDeletesNoMoreRowsInOneTransactionThanItWasTold() throws Exception {
        try (SourceFile source = captured(12_000); SqliteSession writer = source.writer()) {
            long generation = Capture.takeGeneration(writer);
            List<Long> deleted = deletedPerCommit(writer);
            long rows;
            do {
                rows = Capture.purge(writer, generation, 11_000, STEP_ROWS);
            } while (rows >= Capture.STEP_ROWS);
            assertThat(deleted).allMatch(count -> count <= STEP_ROWS);
            assertThat(deleted.stream().mapToLong(Long::longValue).sum()).isEqualTo(10_999);
        }
    }

    // ---- in milliseconds ----

    @Test
    void longestHolds() throws Exception {
        int megabytes = Integer.getInteger("sluice.locks.megabytes", 0);
        assumeTrue(megabytes > 0, "nothing is timed without -Dsluice.locks.megabytes");
        for (String mode : List.of("WAL", "DELETE")) {
            for (int tables : new int[] {10, 300}) {
                holds(mode, tables, megabytes);
            }
        }
    }

    private void holds(String mode, int tables, int megabytes) throws Exception {
        Path path = folder.resolve(mode + tables + ".sqlite");
        try (SourceFile source = new SourceFile(path, "PRAGMA journal_mode = " + mode, "PRAGMA synchronous = OFF")) {
            for (int i = 0; i < tables; i++) {
                source.app("CREATE TABLE t" + i + "(a TEXT, b INT, u UNIQUE, w, v, PRIMARY KEY(a, b))",
                        "CREATE INDEX w" + i + " ON t" + i + "(w)");
            }
            long rows = megabytes * 1024L * 1024 / tables / 1_000;
            for (int i = 0; i < tables; i++) {
                source.app("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " + rows + ") INSERT INTO t"
                        + i + " SELECT 'key ' || i, i, i * 7, i % 100, zeroblob(900) FROM n");
            }
            source.app("PRAGMA synchronous = FULL");
            new ProcessBuilder("sync").start().waitFor(); // what was not forced until now is not ours to wait for
            try (SqliteSession writer = source.writer(); Prober prober = new Prober(path)) {
                String what = String.format(Locale.ROOT, "%s, %d tables, %d MB: ", mode, tables, source.file().size() >> 20);
                prober.start();
                SourceSchema schema = SchemaReader.read(writer);
                prober.say(what + "nothing");
                Capture.install(writer, schema.tables(), schema.hash());
                prober.say(what + "install");
                long generation = Capture.takeGeneration(writer);
                prober.say(what + "generation");
                source.app("DROP TRIGGER _sluice_1_ai");
                prober.pause();
                Capture.repair(writer, generation, List.of("t0"));
                prober.say(what + "repair of one table");
                List<String> all = schema.tables().stream().map(table -> table.name()).toList();
                Capture.repair(writer, generation, all);
                prober.say(what + "repair of all tables");
                source.app("BEGIN", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)"
                        + " INSERT INTO _sluice_changelog(tid, op, k1, k2) SELECT 1, 'U', 'key ' || i, i FROM n", "COMMIT");
                prober.pause();
                int steps = 0;
                while (steps < 100 && Capture.purge(writer, generation, 900_000, STEP_ROWS) >= Capture.STEP_ROWS) {
                    steps++;
                    LockSupport.parkNanos(50_000_000); // as between two steps of the daemon's
                }
                prober.say(what + "purge, " + steps + " steps");
                Capture.release(writer, generation, List.of("t1"));
                prober.say(what + "release of one table");
                Capture.uninstall(writer);
                prober.say(what + "removal with " + "500,000 changelog rows");
            }
        }
        Files.delete(path);
    }

    /** Another connection that wants the write lock all the time, and notes how long it did not get it. */
    private static final class Prober implements AutoCloseable {
        private final Connection connection;
        private final Thread thread = new Thread(this::probe, "prober");
        private final AtomicLong longest = new AtomicLong();
        private final AtomicBoolean stop = new AtomicBoolean();
        private volatile long from = System.nanoTime();

        Prober(Path path) throws SQLException {
            connection = DriverManager.getConnection("jdbc:sqlite:" + path);
        }

        void start() {
            thread.start();
        }

        /** Forgets what was waited for until now. */
        void pause() {
            from = System.nanoTime();
            longest.set(0);
        }

        void say(String what) {
            System.out.printf(Locale.ROOT, "longest wait for the write lock, %s: %.1f ms%n", what, longest.get() / 1e6);
            pause();
        }

        private void probe() {
            try (Statement statement = connection.createStatement()) {
                statement.execute("PRAGMA busy_timeout = 0");
                long since = System.nanoTime();
                while (!stop.get()) {
                    boolean free = isFree(statement);
                    long waited = System.nanoTime() - Math.max(since, from);
                    longest.accumulateAndGet(waited, Math::max);
                    if (free) {
                        since = System.nanoTime();
                    }
                    LockSupport.parkNanos(100_000);
                }
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() throws SQLException {
            stop.set(true);
            try {
                thread.join(10_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            connection.close();
        }
    }

    // ---- small things ----

    private static boolean isFree(Statement statement) throws SQLException {
        try {
            statement.execute("BEGIN IMMEDIATE");
            statement.execute("ROLLBACK");
            return true;
        } catch (SQLException e) {
            return false;
        }
    }

    /** A file with so many rows in a table with a key of two columns, and as many in the changelog. */
    private SourceFile captured(int rows) throws Exception {
        SourceFile source = new SourceFile(Files.createTempFile(folder, "source", ".sqlite"), "PRAGMA journal_mode = WAL",
                "CREATE TABLE k(a, b, v, PRIMARY KEY(a, b))");
        try (SqliteSession writer = source.writer()) {
            SourceSchema schema = SchemaReader.read(writer);
            Capture.install(writer, schema.tables(), schema.hash());
        }
        source.app("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " + rows + ")"
                + " INSERT INTO k SELECT i % 7, i, i FROM n");
        return source;
    }

    private static SQLiteConnection connection(SqliteSession session) throws SQLException {
        try (PreparedStatement statement = session.prepare("SELECT 1")) {
            return (SQLiteConnection) statement.getConnection();
        }
    }

    private static List<Long> deletedPerCommit(SqliteSession writer) throws SQLException {
        List<Long> perCommit = new ArrayList<>();
        long[] deleted = {0};
        connection(writer).addUpdateListener((type, database, table, rowid) -> deleted[0]++);
        connection(writer).addCommitListener(new SQLiteCommitListener() {
            @Override
            public void onCommit() {
                perCommit.add(deleted[0]);
                deleted[0] = 0;
            }

            @Override
            public void onRollback() {
                deleted[0] = 0;
            }
        });
        return perCommit;
    }
}
