package dev.sluice.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.tail.Limits;
import dev.sluice.testing.Follower;
import dev.sluice.testing.SourceFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random statements against every schema of {@link FuzzSchema}; after each drain the follower must equal the source,
 * value by value. {@code -Dsluice.fuzz.seed} repeats a run, {@code -Dsluice.fuzz.statements} makes it longer.
 */
class CaptureFuzzTest {

    private static final long SEED = Long.getLong("sluice.fuzz.seed", 20261121);
    private static final int STATEMENTS = Integer.getInteger("sluice.fuzz.statements", 1200);

    @TempDir Path folder;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void followerEqualsTheSourceAfterEveryDrain(boolean recursiveTriggers) throws Exception {
        long done = 0;
        for (FuzzSchema schema : FuzzSchema.ALL) {
            done += run(schema, recursiveTriggers, false, SEED);
        }
        // Most random statements are meant to succeed: a fuzz whose statements all fail proves nothing.
        assertThat(done).isGreaterThan(STATEMENTS * FuzzSchema.ALL.size() / 3);
    }

    /** The control: without the BEFORE triggers the same test must find rows that REPLACE deleted unseen. */
    @Test
    void followerMissesReplacedRowsWithoutTheBeforeTriggers() throws Exception {
        int failures = 0;
        for (FuzzSchema schema : FuzzSchema.ALL) {
            try {
                run(schema, false, true, SEED);
            } catch (AssertionError e) {
                failures++;
            }
        }
        assertThat(failures).as("schemas on which the fuzz noticed that triggers were missing").isGreaterThan(10);
    }

    private long run(FuzzSchema schema, boolean recursiveTriggers, boolean withoutBefore, long seed) throws Exception {
        Random random = new Random(seed);
        Path file = Files.createTempDirectory(folder, "fuzz").resolve("fuzz.sqlite");
        List<String> history = new ArrayList<>();
        long done = 0;
        try (SourceFile source = new SourceFile(file, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = OFF",
                "PRAGMA recursive_triggers = " + recursiveTriggers, "PRAGMA foreign_keys = ON")) {
            source.app(schema.ddl().toArray(String[]::new));
            SourceSchema read;
            try (SqliteSession writer = source.writer()) {
                read = SchemaReader.read(writer);
                Capture.install(writer, read.tables(), read.hash());
            }
            if (withoutBefore) {
                for (String trigger : source.ask("SELECT name FROM sqlite_master WHERE name GLOB '_sluice_*_b[iu]'")) {
                    source.app("DROP TRIGGER " + trigger);
                }
            }
            RandomWriter writer = new RandomWriter(random, read.tables(), schema.values());
            try (Follower follower = new Follower(source.file())) {
                for (int i = 0; i < STATEMENTS; i++) {
                    String statement = writer.statement();
                    try {
                        source.app(statement);
                        history.add(statement);
                        done++;
                    } catch (SQLException e) {
                        history.add("-- refused: " + statement);
                    }
                    if (random.nextInt(12) == 0) {
                        Limits limits = random.nextBoolean() ? Follower.AMPLE
                                : new Limits(1 + random.nextInt(20), 1 + random.nextInt(2000), Duration.ofMinutes(1));
                        follower.drain(limits);
                        assertThat(follower.differences())
                                .as("schema '%s', recursive_triggers %s, seed %d, statements:%n%s", schema.name(),
                                        recursiveTriggers, seed, String.join(";\n",
                                                history.subList(Math.max(0, history.size() - 30), history.size())))
                                .isEmpty();
                    }
                }
            }
            if (!withoutBefore) {
                try {
                    source.app("COMMIT");
                } catch (SQLException e) {
                    assertThat(source.ask("SELECT 1")).hasSize(1); // no transaction was open
                }
                assertThat(source.ask("PRAGMA integrity_check")).containsExactly("ok");
            }
        }
        return done;
    }
}
