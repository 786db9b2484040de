package dev.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.demo.Demo.Moment;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
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
        assertThat(facts.path("verifiedAtRest")).hasSize(ShopSchema.TABLES.size());
        assertThat(demo.place()).doesNotExist();
    }

    @Test
    void sumThatSqliteNeverHadIsNoticedWhileFollowing() throws Exception {
        assertThat(failureAfter(Moment.FOLLOWING, "INSERT INTO accounts VALUES (1000000, 'nobody', 1)"))
                .contains("NOT PROVEN: PostgreSQL showed a sum of accounts that SQLite never had");
    }

    @Test
    void oneChangedRowIsNoticedByTheFinalVerification() throws Exception {
        assertThat(failureAfter(Moment.BEFORE_FINAL_VERIFICATION, "UPDATE customers SET name = name || '.' WHERE id ="
                + " (SELECT max(id) FROM customers)"))
                .contains("1 DIFFERENT")
                .contains("NOT PROVEN: SQLite and PostgreSQL do not hold the same rows in customers: 1 differ");
    }

    @Test
    void oneMissingRowIsNoticedByCountsAndSums() throws Exception {
        assertThat(failureAfter(Moment.BEFORE_COMPARISON,
                "DELETE FROM events WHERE at_ms = (SELECT min(at_ms) FROM events)"))
                .contains("NOT PROVEN: counts and sums of events are not the same on both sides");
    }

    /** Runs a demo in which {@code sql} changes PostgreSQL at {@code moment}; returns what it said. */
    private String failureAfter(Moment moment, String sql) throws Exception {
        Demo demo = new Demo(new DemoOptions(false, 1, ROWS, false), out, (now, target) -> {
            if (now == moment) {
                try (Connection connection = target.connect(); Statement statement = connection.createStatement()) {
                    assertThat(statement.executeUpdate(sql)).isPositive();
                }
            }
        });

        assertThat(demo.run()).isEqualTo(1);

        assertThat(demo.place()).doesNotExist();
        return said.toString(StandardCharsets.UTF_8);
    }
}
