package dev.sluice.bench;

import dev.sluice.postgres.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The least that bringing these rows into this PostgreSQL can cost: the server itself reads its own binary files, which
 * were written from the copied tables before, then makes the same keys, indexes and foreign keys, over as many
 * connections as the copy had. There is no SQLite, no client and no network in it.
 */
final class Floor {

    private static final String SCHEMA = "sluice_bench_floor";

    private final Target target;
    private final Path folder;
    private final int workers;

    /** @param folder one that the server can be let into */
    Floor(Target target, Path folder, int workers) {
        this.target = target;
        this.folder = folder;
        this.workers = workers;
    }

    /** A copied table, and what it has to have in the end. */
    private record Table(String name, List<String> keysAndIndexes, List<String> foreignKeys) {}

    /** Measures; leaves nothing behind. */
    BenchReport.Floor measure() throws Exception {
        List<Table> tables = tables();
        Path files = Files.createDirectory(folder.resolve("floor"));
        Files.setPosixFilePermissions(files, PosixFilePermissions.fromString("rwxrwxrwx")); // the server writes there
        try (Connection connection = target.dedicated(java.time.Duration.ZERO);
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE SCHEMA " + SCHEMA);
            try {
                for (Table table : tables) {
                    statement.execute("COPY " + source(table) + " TO '" + file(files, table) + "' (FORMAT binary)");
                    statement.execute("CREATE TABLE " + SCHEMA + "." + table.name + " (LIKE " + source(table) + ")");
                }
                statement.execute("CHECKPOINT");
                return measure(connection, tables, files);
            } finally {
                statement.execute("DROP SCHEMA " + SCHEMA + " CASCADE");
            }
        } finally {
            BenchFolder.remove(files);
        }
    }

    private BenchReport.Floor measure(Connection connection, List<Table> tables, Path files) throws Exception {
        CpuTime cpu = CpuTime.ofServer(connection);
        double cpuBefore = cpu.seconds();
        long start = System.nanoTime();
        inParallel(tables, (worker, table) -> {
            worker.execute("COPY " + SCHEMA + "." + table.name + " FROM '" + file(files, table) + "' (FORMAT binary)");
            for (String sql : table.keysAndIndexes) {
                worker.execute(sql);
            }
        });
        long indexed = System.nanoTime();
        try (Statement statement = connection.createStatement()) {
            for (Table table : tables) {
                for (String sql : table.foreignKeys) {
                    statement.execute(sql);
                }
            }
        }
        long end = System.nanoTime();
        return new BenchReport.Floor((end - start) / 1e9, (end - indexed) / 1e9, cpu.since(cpuBefore));
    }

    private interface Act {
        void run(Statement worker, Table table) throws SQLException;
    }

    private void inParallel(List<Table> tables, Act act) throws Exception {
        BlockingQueue<Table> queue = new LinkedBlockingQueue<>(tables);
        AtomicInteger number = new AtomicInteger();
        ExecutorService pool = Executors.newFixedThreadPool(workers,
                work -> new Thread(work, "bench-floor-" + number.incrementAndGet()));
        try {
            List<Future<Void>> running = new ArrayList<>();
            Callable<Void> work = () -> {
                try (Connection connection = target.dedicated(java.time.Duration.ZERO);
                        Statement statement = connection.createStatement()) {
                    for (Table table = queue.poll(); table != null; table = queue.poll()) {
                        act.run(statement, table);
                    }
                    return null;
                }
            };
            for (int i = 0; i < workers; i++) {
                running.add(pool.submit(work));
            }
            for (Future<Void> one : running) {
                one.get();
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof SQLException sql ? sql : e;
        } finally {
            pool.shutdownNow();
        }
    }

    /** The copied tables, the largest first, with what the server says of their keys and indexes. */
    private List<Table> tables() throws SQLException {
        List<Table> tables = new ArrayList<>();
        try (Connection connection = target.connect(); Statement statement = connection.createStatement()) {
            List<String> names = texts(statement, "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r'"
                    + " AND c.relnamespace = '" + target.schema() + "'::regnamespace ORDER BY pg_table_size(c.oid) DESC");
            for (String name : names) {
                String table = "'" + target.schema() + "." + name + "'::regclass";
                List<String> built = new ArrayList<>(texts(statement, "SELECT 'ALTER TABLE " + SCHEMA + "." + name
                        + " ADD ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'p' AND conrelid = "
                        + table));
                built.addAll(texts(statement, "SELECT replace(pg_get_indexdef(indexrelid), ' ON " + target.schema()
                        + ".', ' ON " + SCHEMA + ".') FROM pg_index WHERE NOT indisprimary AND indrelid = " + table));
                List<String> foreign = texts(statement, "SELECT 'ALTER TABLE " + SCHEMA + "." + name + " ADD ' || replace("
                        + "pg_get_constraintdef(c.oid), 'REFERENCES ' || CASE WHEN pg_table_is_visible(c.confrelid) THEN ''"
                        + " ELSE '" + target.schema() + ".' END, 'REFERENCES " + SCHEMA + ".')"
                        + " FROM pg_constraint c WHERE contype = 'f' AND conrelid = " + table);
                tables.add(new Table(name, built, foreign));
            }
        }
        return tables;
    }

    private static List<String> texts(Statement statement, String sql) throws SQLException {
        List<String> texts = new ArrayList<>();
        try (ResultSet row = statement.executeQuery(sql)) {
            while (row.next()) {
                texts.add(row.getString(1));
            }
        }
        return texts;
    }

    private String source(Table table) {
        return target.schema() + "." + table.name;
    }

    private static String file(Path files, Table table) {
        return files.resolve(table.name + ".copy").toString().replace("'", "''");
    }
}
