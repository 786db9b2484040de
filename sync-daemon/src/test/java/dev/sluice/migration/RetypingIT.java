package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The operator gives a column another type in PostgreSQL, so that parked rows can come. */
class RetypingIT {

    private static final String[] SOURCE = {
        "CREATE TABLE t (id INTEGER PRIMARY KEY, active BOOLEAN NOT NULL DEFAULT 1, doc JSON, seen DATETIME, size SMALLINT)",
        "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 3000) INSERT INTO t"
                + " SELECT i, i % 2, '{\"a\": ' || i || '}', '2024-01-31 08:00:00', i FROM g"};

    @TempDir
    Path folder;

    private static void awaitWhole(LiveGround ground) {
        Awaitility.await().atMost(Duration.ofSeconds(30)).pollInterval(Duration.ofMillis(50)).untilAsserted(() -> {
            assertThat(ground.phase()).isEqualTo("replicating");
            assertThat(ground.parked()).isEmpty();
            SameRows.assertSame(ground);
        });
    }

    @Test
    void rowsArriveWhenTheirColumnBecameText() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SOURCE).startAndFollow()) {
            ground.app("UPDATE t SET active = 'maybe' WHERE id = 1", "UPDATE t SET doc = '{broken' WHERE id = 2",
                    "UPDATE t SET seen = 'yesterday' WHERE id = 3");
            Awaitility.await().until(() -> ground.parked().size() == 3);
            ground.there("ALTER TABLE t ALTER active DROP DEFAULT, ALTER active TYPE text, ALTER doc TYPE text,"
                    + " ALTER seen TYPE text");
            // with the old types still in mind, in one batch large enough for a binary COPY
            ground.app("UPDATE t SET size = size + 1");
            ground.migration().retryParked();
            awaitWhole(ground);
            assertThat(ground.target("SELECT active, doc, seen FROM t WHERE id IN (1, 2, 3, 4) ORDER BY id")).containsExactly(
                    "maybe|{\"a\": 1}|2024-01-31 08:00:00", "0|{broken|2024-01-31 08:00:00", "1|{\"a\": 3}|yesterday",
                    "0|{\"a\": 4}|2024-01-31 08:00:00");
            assertThat(ground.migration().status().notes())
                    .contains("column t.active was widened from boolean to text, so that every value fits");
            assertThat(ground.verify().isEqual()).isTrue();
        }
    }

    @Test
    void restartTakesTheNewTypeOverToo() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SOURCE).startAndFollow()) {
            ground.app("UPDATE t SET active = 'maybe' WHERE id = 1");
            Awaitility.await().until(() -> ground.parked().size() == 1);
            ground.stop();
            ground.there("ALTER TABLE t ALTER active DROP DEFAULT, ALTER active TYPE text");
            ground.app("UPDATE t SET active = 'while nobody followed' WHERE id = 2");
            ground.start();
            awaitWhole(ground);
            assertThat(ground.verify().isEqual()).isTrue();
        }
    }

    @Test
    void columnOfTheApplicationsOwnTableIsWidenedByTheOperator() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, s TEXT)",
                "INSERT INTO t VALUES (1, 1, 'a')")) {
            ground.there("CREATE TABLE t (id integer PRIMARY KEY, n smallint, s varchar(3))");
            ground.startAndFollow();
            ground.app("INSERT INTO t VALUES (2, 70000, 'b'), (3, 3, 'longer')");
            Awaitility.await().until(() -> ground.parked().size() == 2);
            ground.there("ALTER TABLE t ALTER n TYPE bigint, ALTER s TYPE varchar(30)");
            ground.migration().retryParked();
            awaitWhole(ground);
        }
    }

    @Test
    void typeThatHoldsLessIsNotTakenOver() throws Exception {
        try (LiveGround ground = new LiveGround(folder, SOURCE).startAndFollow()) {
            ground.there("ALTER TABLE t ALTER size TYPE integer");
            ground.migration().retryParked();
            assertThat(ground.phase()).isEqualTo("replicating");
            assertThat(ground.migration().status().notes()).containsExactly("column t.size was changed to integer in"
                    + " PostgreSQL, which does not hold all that bigint holds: make it bigint again, or text");
        }
    }
}
