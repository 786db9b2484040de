package dev.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.demo.Demo.Moment;
import dev.sluice.postgres.Target;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

class DemoIT {

    private static final long ROWS = 1_500;

    private final ByteArrayOutputStream said = new ByteArrayOutputStream();
    private final PrintStream out = new PrintStream(said, true, StandardCharsets.UTF_8);

    @Test
    void demoProvesBothSidesEqualAndLeavesNothingBehind() throws Exception {
        Demo demo = new Demo(new DemoOptions(false, 2, ROWS, true), out);

        int exit = demo.run();

        JsonNode facts = new ObjectMapper().readTree(said.toString(StandardCharsets.UTF_8));
        assertThat(exit).as(facts.toPrettyString()).isZero();
        assertThat(facts.path("equal").asBoolean()).isTrue();
        assertThat(facts.path("failure").isNull()).isTrue();
        assertThat(facts.path("applicationErrors").asLong(-1)).isZero();
        assertThat(facts.path("transactions").asLong()).isPositive();
        assertThat(facts.path("changesFollowed").asLong()).isPositive();
        assertThat(facts.path("balanceChecks").asLong()).isPositive();
        assertThat(facts.path("acknowledgedBySqlite").asLong()).isPositive();
        assertThat(facts.path("acknowledgedByPostgres").asLong()).isPositive();
        assertThat(facts.path("pausesMs")).hasSize(3);
        assertThat(facts.path("verifiedAtRest")).hasSize(ShopSchema.TABLES.size());
        assertThat(demo.place()).doesNotExist();
    }

    @Test
    void sumThatSqliteNeverHadIsNoticedWhileFollowing() throws Exception {
        assertThat(failureAfter(Moment.FOLLOWING, (target, file) -> {
            try (Connection connection = target.connect()) {
                change(connection, "INSERT INTO accounts VALUES (1000000, 'nobody', 1)");
            }
        }))
                .contains("NOT PROVEN: PostgreSQL showed a sum of accounts that SQLite never had");
    }

    @Test
    void oneChangedRowIsNoticedByTheFinalVerification() throws Exception {
        assertThat(failureAfter(Moment.BEFORE_FINAL_VERIFICATION, pastTheFence("UPDATE customers SET name = name || '.' WHERE id ="
                + " (SELECT max(id) FROM customers)")))
                .contains("1 DIFFERENT")
                .contains("NOT PROVEN: SQLite and PostgreSQL do not hold the same rows in customers: 1 differ");
    }

    @Test
    void oneMissingRowIsNoticedByCountsAndSums() throws Exception {
        assertThat(failureAfter(Moment.BEFORE_COMPARISON,
                pastTheFence("DELETE FROM events WHERE at_ms = (SELECT min(at_ms) FROM events)")))
                .contains("NOT PROVEN: counts and sums of events are not the same on both sides");
    }

    private interface Wrong {
        void to(Target target, Path file) throws SQLException;
    }

    private static void change(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            assertThat(statement.executeUpdate(sql)).isPositive();
        }
    }

    /** Changes SQLite while PostgreSQL has the traffic: what is changed in PostgreSQL would come back and be equal. */
    private static Wrong pastTheFence(String sql) {
        return (target, file) -> {
            try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file)) {
                change(connection, "UPDATE _sluice_control SET fenced = 0");
                change(connection, sql);
                change(connection, "UPDATE _sluice_control SET fenced = 1");
            }
        };
    }

    /** Runs a demo in which something goes wrong at {@code moment}; returns what it said. */
    private String failureAfter(Moment moment, Wrong wrong) throws Exception {
        Demo demo = new Demo(new DemoOptions(false, 1, ROWS, false), out, (now, target, file) -> {
            if (now == moment) {
                wrong.to(target, file);
            }
        });

        assertThat(demo.run()).isEqualTo(1);

        assertThat(demo.place()).doesNotExist();
        return said.toString(StandardCharsets.UTF_8);
    }
}
