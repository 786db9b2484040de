package dev.sluice.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.sqlite.Preflight;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.testing.Application;
import dev.sluice.testing.Follower;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@link CaptureFuzzTest} with the application in a process of its own, on each SQLite at hand; ours follows. {@code
 * -Dsluice.fuzz.seed} repeats a run, {@code -Dsluice.fuzz.statements} makes it longer.
 */
class SqliteVersionsFuzzTest {

    private static final long SEED = Long.getLong("sluice.fuzz.seed", 20261121);
    private static final int STATEMENTS = Integer.getInteger("sluice.fuzz.statements", 80);

    @TempDir Path folder;

    /** What came of one schema on one version. */
    private static final class Tally {
        private int schemas;
        private int leftOut;
        private int done;
        private int refused;
        private int unreadable;
        private final List<String> ownFaults = new ArrayList<>();

        @Override
        public String toString() {
            return schemas + " schemas, " + done + " statements done, " + refused + " refused, " + unreadable
                    + " left out because it can't read them, as " + leftOut + " schemas"
                    + (ownFaults.isEmpty() ? "" : "; faults of its own: " + ownFaults);
        }
    }

    @Test
    void followerEqualsTheSourceWhateverSqliteTheApplicationBrings() throws Exception {
        List<String> failures = new ArrayList<>();
        for (Application application : Application.all()) {
            try (application) {
                if (!application.isHere()) {
                    continue;
                }
                Tally tally = new Tally();
                for (FuzzSchema schema : FuzzSchema.ALL) {
                    if (application.version().atLeast(schema.since())) {
                        tally.schemas++;
                        try {
                            run(application, schema, tally);
                        } catch (AssertionError e) {
                            failures.add(e.getMessage());
                        }
                    } else {
                        tally.leftOut++;
                    }
                }
                System.out.println("SQLite " + application.version() + " (" + application + "): " + tally);
                assertThat(tally.done).as(application.toString()).isGreaterThan(STATEMENTS * tally.schemas / 4);
            }
        }
        assertThat(failures).isEmpty();
    }

    private void run(Application application, FuzzSchema schema, Tally tally) throws Exception {
        Path file = Files.createTempDirectory(folder, "fuzz").resolve("fuzz.sqlite");
        prepare(application, schema, file);
        SqliteFile source = new SqliteFile(file);
        SourceSchema read;
        try (SqliteSession writer = source.openWriter(Duration.ofSeconds(5))) {
            read = SchemaReader.read(writer);
            Capture.install(writer, read.tables(), read.hash());
        }
        List<String> statements = statements(read, schema, SEED);
        List<String> history = new ArrayList<>();
        try (Follower follower = new Follower(source)) {
            for (int i = 0; i < statements.size(); i++) {
                String statement = statements.get(i);
                if (!application.version().atLeast(since(statement))) {
                    tally.unreadable++;
                    continue;
                }
                try {
                    application.run(statement);
                    history.add(statement);
                    tally.done++;
                } catch (SQLException e) {
                    history.add("-- refused (" + e.getErrorCode() + " " + e.getMessage() + "): " + statement);
                    tally.refused++;
                }
                if (i % 12 == 11 || i == statements.size() - 1) {
                    follower.drain(Follower.AMPLE);
                    assertThat(follower.differences()).isEmpty();
                }
            }
        } catch (AssertionError | SQLException | Application.Died e) {
            String fault = e instanceof Application.Died ? "crash" : corrupt(source) ? "corruption" : "none";
            assertThat(fault.equals("none") ? Set.of() : faultsWithoutUs(application, schema, read, fault))
                    .as("SQLite %s, schema '%s', seed %d: faults of the application's SQLite without our triggers;"
                            + " with them: %s, %s%n%s", application.version(), schema.name(), SEED, fault,
                            e.getMessage(), String.join(";\n", history))
                    .contains(fault);
            tally.ownFaults.add(fault + " with '" + schema.name() + "'");
        }
    }

    /**
     * What the application's SQLite does by itself on the same statements, or on others like them, in files that hold
     * nothing of ours. Tried several times, because some statements put random values into rows.
     */
    private Set<String> faultsWithoutUs(
            Application application, FuzzSchema schema, SourceSchema read, String wanted) throws Exception {
        Set<String> faults = new HashSet<>();
        for (int i = 0; i < 40 && !faults.contains(wanted); i++) {
            List<String> statements = statements(read, schema, i < 10 ? SEED : SEED + i);
            Path file = Files.createTempDirectory(folder, "alone").resolve("alone.sqlite");
            prepare(application, schema, file);
            try {
                for (String statement : statements) {
                    try {
                        application.run(statement);
                    } catch (SQLException e) {
                        continue; // some are refused with our triggers too
                    }
                    if (wanted.equals("corruption") && corrupt(new SqliteFile(file))) {
                        faults.add("corruption");
                        break;
                    }
                }
            } catch (Application.Died e) {
                faults.add("crash");
            }
        }
        return faults;
    }

    private static boolean corrupt(SqliteFile file) {
        try {
            Preflight.checkIntegrity(file, Duration.ofSeconds(5));
            return false;
        } catch (SourceRefusal e) {
            return e.getMessage().contains("E10");
        }
    }

    private static List<String> statements(SourceSchema read, FuzzSchema schema, long seed) {
        RandomWriter writer = new RandomWriter(new Random(seed + schema.name().hashCode()), read.tables(),
                schema.values());
        return Stream.generate(writer::statement).limit(STATEMENTS).toList();
    }

    private static void prepare(Application application, FuzzSchema schema, Path file) throws SQLException {
        application.open(file, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = OFF", "PRAGMA foreign_keys = ON",
                "PRAGMA trusted_schema = OFF",
                "PRAGMA recursive_triggers = " + (schema.name().length() % 2 == 0 ? "ON" : "OFF"));
        application.run(schema.ddl().toArray(String[]::new));
    }

    /** The first version that reads the statement. */
    private static String since(String statement) {
        if (statement.contains(" ON CONFLICT")) {
            return "3.24.0";
        }
        if (statement.contains("char(")) {
            return "3.7.16";
        }
        return statement.contains("), (") ? "3.7.11" : "3.7.0";
    }
}
