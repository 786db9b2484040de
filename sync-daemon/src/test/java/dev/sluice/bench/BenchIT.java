package dev.sluice.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.bench.BenchOptions.Part;
import dev.sluice.console.Json;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.postgres.TargetUrl;
import dev.sluice.testing.PostgresForTests;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Whether everything is measured, never how long it took. */
class BenchIT {

    private static BenchOptions options(TargetUrl target, Secret password, Set<Part> parts) {
        return new BenchOptions(0.001, parts, target, password, "256m", 2, Duration.ofSeconds(2), 200, 1_000, 1);
    }

    @Test
    void everyPartIsMeasuredAndBothSidesAreEqual() throws Exception {
        BenchReport report = new Bench(options(null, null, EnumSet.allOf(Part.class)), step -> {}).run();

        assertThat(report.equal()).isTrue();
        assertThat(report.rowsCompared()).isGreaterThan(report.source().rows());
        assertThat(report.copy().floorProblem()).isNull();
        assertThat(report.copy().floor().seconds()).isPositive();
        assertThat(report.copy().timesFloor()).isPositive();
        assertThat(report.copy().clientCpuSeconds()).isPositive();
        assertThat(report.copy().serverCpuSeconds()).isPositive();
        assertThat(report.copy().peakMemoryMb()).isPositive();
        assertThat(report.latency().commits()).isEqualTo(400);
        assertThat(report.latency().p99()).isGreaterThanOrEqualTo(report.latency().p50());
        assertThat(report.catchUps()).extracting(BenchReport.CatchUp::kind).containsExactly("distinct", "hot");
        assertThat(report.catchUps()).allSatisfy(one -> assertThat(one.changesPerSecond()).isPositive());
        assertThat(report.switching().there().p50()).isPositive();
        assertThat(report.switching().back().steps()).containsKeys("fence_target", "drain_reverse", "lift");
        assertThat(report.writers()).hasSize(16).allSatisfy(one -> assertThat(one.timesCpu()).isPositive());
        assertThat(report.lines()).anyMatch(line -> line.startsWith("Both sides are equal"));
        assertThat(Json.tree(report).path("copy").path("timesFloor").isNumber()).isTrue();
    }

    @Test
    void aTargetOfTheUsersIsLeftEmpty() throws Exception {
        try (Target target = PostgresForTests.fresh()) {
            BenchReport report =
                    new Bench(options(target.url(), PostgresForTests.password(), Set.of(Part.CATCHUP)), step -> {}).run();

            assertThat(report.equal()).isTrue();
            assertThat(report.copy()).isNull();
            try (Connection connection = target.connect(); Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("""
                            SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                            WHERE n.nspname IN ('public', 'sluice', 'sluice_bench_floor')""")) {
                row.next();
                assertThat(row.getLong(1)).isZero();
            }
        }
    }

    @Test
    void aTargetThatIsInUseIsRefused() throws Exception {
        try (Target target = PostgresForTests.fresh()) {
            try (Connection connection = target.connect(); Statement statement = connection.createStatement()) {
                statement.execute("CREATE TABLE theirs (id int)");
            }
            Bench bench = new Bench(options(target.url(), PostgresForTests.password(), Set.of(Part.COPY)), step -> {});
            assertThatThrownBy(bench::run).isInstanceOf(TargetRefusal.class).hasMessageContaining("not empty");
        }
    }
}
