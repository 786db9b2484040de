package dev.sluice.bench;

import dev.sluice.capture.Capture;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What the capture triggers cost the application: the same statements on two files that differ in nothing but them, turn
 * by turn, so that what else happens on the machine meets both. Processor time is that of the writing thread, in which
 * SQLite does all its work.
 */
final class WriterBench {

    private static final int ROUNDS = 7;
    private static final int WARM_UP_ROUNDS = 2;
    private static final int ROWS_BEFORE = 20_000;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    /** Two indexes beside the key; in {@code strict} one of them is unique, which needs triggers of its own. */
    private static final List<String> SCHEMA = List.of(
            "CREATE TABLE loose (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, code TEXT NOT NULL, amount REAL, note TEXT)",
            "CREATE INDEX loose_customer ON loose (customer)",
            "CREATE INDEX loose_code ON loose (code)",
            "CREATE TABLE strict (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, code TEXT NOT NULL, amount REAL, note TEXT)",
            "CREATE INDEX strict_customer ON strict (customer)",
            "CREATE UNIQUE INDEX strict_code ON strict (code)");

    private enum Act {
        INSERT("insert"),
        /** Writes one page, so that the changelog's page is as much again. */
        UPDATE("update of plain columns"),
        UPDATE_INDEXED("update of an indexed column"),
        DELETE("delete");

        private final String label;

        Act(String label) {
            this.label = label;
        }
    }

    private record Cost(double cpuSeconds, double seconds) {}

    private final Path folder;
    private final int rowsPerRound;

    /** @param rowsPerRound one-row transactions in one round; ten times as many rows in larger ones */
    WriterBench(Path folder, int rowsPerRound) {
        this.folder = folder;
        this.rowsPerRound = rowsPerRound;
    }

    List<BenchReport.Writer> measure() throws SQLException {
        List<BenchReport.Writer> figures = new ArrayList<>();
        try (Application bare = new Application(folder.resolve("bare.db"), false);
                Application captured = new Application(folder.resolve("captured.db"), true)) {
            for (String table : List.of("loose", "strict")) {
                for (int perTransaction : new int[] {1, 100}) {
                    figures.addAll(measure(bare, captured, table, perTransaction));
                }
            }
        }
        return figures;
    }

    private List<BenchReport.Writer> measure(Application bare, Application captured, String table, int perTransaction)
            throws SQLException {
        int rows = perTransaction == 1 ? rowsPerRound : rowsPerRound * 10;
        Map<Act, List<Cost[]>> costs = new EnumMap<>(Act.class);
        for (int round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
            for (Act act : Act.values()) {
                Cost[] pair = new Cost[2];
                boolean bareFirst = round % 2 == 0;
                for (boolean first : new boolean[] {true, false}) {
                    boolean ofBare = first == bareFirst;
                    pair[ofBare ? 0 : 1] = (ofBare ? bare : captured).run(act, table, rows, perTransaction);
                }
                if (round >= 0) {
                    costs.computeIfAbsent(act, a -> new ArrayList<>()).add(pair);
                }
            }
        }
        List<BenchReport.Writer> figures = new ArrayList<>();
        costs.forEach((act, pairs) -> figures.add(new BenchReport.Writer(act.label,
                perTransaction, table.equals("strict"),
                1e6 * median(pairs.stream().mapToDouble(pair -> pair[0].cpuSeconds).toArray()) / rows,
                1e6 * median(pairs.stream().mapToDouble(pair -> pair[1].cpuSeconds).toArray()) / rows,
                median(pairs.stream().mapToDouble(pair -> pair[1].cpuSeconds / pair[0].cpuSeconds).toArray()),
                median(pairs.stream().mapToDouble(pair -> pair[1].seconds / pair[0].seconds).toArray()))));
        return figures;
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }

    /** One file and the connection that writes to it. */
    private static final class Application implements AutoCloseable {
        private final Connection connection;
        private long next = 1;

        Application(Path file, boolean captured) throws SQLException {
            this.connection = ReferenceSet.open(file);
            try (Statement statement = connection.createStatement()) {
                for (String sql : SCHEMA) {
                    statement.execute(sql);
                }
            }
            connection.setAutoCommit(false);
            for (String table : List.of("loose", "strict")) {
                run(Act.INSERT, table, ROWS_BEFORE, ROWS_BEFORE);
            }
            if (captured) {
                try (SqliteSession writer = new SqliteFile(file).openWriter(Duration.ofSeconds(10))) {
                    SourceSchema schema = SchemaReader.read(writer);
                    Capture.install(writer, schema.tables(), schema.hash());
                }
            }
        }

        /** Inserts new rows, or updates or deletes those that were inserted last. */
        Cost run(Act act, String table, int rows, int perTransaction) throws SQLException {
            if (act == Act.INSERT) {
                next += rows;
            }
            long first = next - rows;
            String sql = switch (act) {
                case INSERT -> "INSERT INTO " + table + " VALUES (?, ?, ?, 9.99, 'left at the door, rang twice')";
                case UPDATE -> "UPDATE " + table + " SET amount = amount + 1, note = 'moved' WHERE id = ?";
                case UPDATE_INDEXED -> "UPDATE " + table + " SET amount = amount + 1, code = code || 'b' WHERE id = ?";
                case DELETE -> "DELETE FROM " + table + " WHERE id = ?";
            };
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                long start = System.nanoTime();
                long cpu = THREADS.getCurrentThreadCpuTime();
                for (int i = 0; i < rows; i++) {
                    long id = first + i;
                    statement.setLong(1, id);
                    if (act == Act.INSERT) {
                        statement.setString(2, "customer " + id % 997);
                        statement.setString(3, "code " + Long.reverse(id));
                    }
                    statement.executeUpdate();
                    if ((i + 1) % perTransaction == 0 || i == rows - 1) {
                        connection.commit();
                    }
                }
                return new Cost((THREADS.getCurrentThreadCpuTime() - cpu) / 1e9, (System.nanoTime() - start) / 1e9);
            }
        }

        @Override
        public void close() throws SQLException {
            connection.close();
        }
    }
}
