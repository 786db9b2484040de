package dev.sluice.console;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.settings.Settings;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class ConsoleTest {

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @AfterEach
    void restoreLogging() throws Exception {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        JoranConfigurator configurator = new JoranConfigurator();
        configurator.setContext(context);
        configurator.doConfigure(ConsoleTest.class.getResource("/logback-test.xml"));
    }

    @Test
    void amountsReadTheSameEverywhere() {
        assertThat(Amounts.count(1_234_567)).isEqualTo("1,234,567");
        assertThat(Amounts.rows(1)).isEqualTo("1 row");
        assertThat(List.of(Amounts.bytes(0), Amounts.bytes(1023), Amounts.bytes(1536), Amounts.bytes(1024 * 1024 - 1),
                Amounts.bytes(Long.MAX_VALUE))).containsExactly("0 B", "1023 B", "1.5 kB", "1.0 MB", "8.0 EB");
        assertThat(List.of(duration(0), duration(999), duration(1000), duration(59_960), duration(3_599_600),
                duration(7_380_000), duration(180_000_000))).containsExactly("0 ms", "999 ms", "1.0 s", "1 min 00 s",
                "1 h 00 min", "2 h 03 min", "2 d 02 h");
        assertThat(List.of(Amounts.percent(0, 0), Amounts.percent(999_999, 1_000_000), Amounts.percent(5, 5),
                Amounts.percent(1, 3))).containsExactly("100 %", "99 %", "100 %", "33 %");
    }

    @Test
    void tableAlignsAndNeverLetsATextCommandTheTerminal() {
        Output output = new Output(terminal(false, false), false);
        output.table(List.of("table", "rows", "size"), List.of(List.of("orders", "1,234", "1.5 kB"),
                List.of("a\u001B[31m\nb", "7", "12.0 MB"), List.of("x".repeat(100), "-", "")));
        assertThat(written()).isEqualTo("""
                table%s   rows     size
                %s  -----  -------
                orders%s  1,234   1.5 kB
                a\uFFFD[31m\uFFFDb%s      7  12.0 MB
                %s…      -
                """.formatted(" ".repeat(55), "-".repeat(60), " ".repeat(54), " ".repeat(52), "x".repeat(59)));
    }

    @Test
    void jsonIsTheOnlyThingPrintedWhenAskedFor() throws Exception {
        Output output = new Output(terminal(false, false), true);
        output.heading("Status");
        output.line("text");
        output.table(List.of("a"), List.of(List.of("b")));
        output.json(new Sample("ü", Instant.parse("2026-01-02T03:04:05Z"), Duration.ofSeconds(5), Path.of("/x"), null));
        assertThat(new ObjectMapper().readTree(written()).toString()).isEqualTo("{\"name\":\"ü\",\"at\":"
                + "\"2026-01-02T03:04:05Z\",\"took\":\"PT5S\",\"file\":\"/x\",\"absent\":null}");
        assertThat(Json.tree(List.of(1, 2)).toString()).isEqualTo("[1,2]");
    }

    @Test
    void textHasNoJsonAndNoColourAwayFromATerminal() {
        Output output = new Output(terminal(false, false), false);
        output.json(List.of(1));
        output.heading("Status");
        output.line(output.good("fine") + output.bad("broken") + output.notable("look"));
        assertThat(written()).isEqualTo("Status\nfinebrokenlook\n");
        bytes.reset();
        output = new Output(terminal(true, true), false);
        output.line(output.good("fine"));
        assertThat(written()).isEqualTo("\u001B[32mfine\u001B[0m\n");
    }

    @Test
    void progressAwayFromATerminalIsAFewPlainLines() {
        AtomicLong now = new AtomicLong();
        try (Progress progress = new Progress(terminal(false, false), "copy", 100_000, 0, now::get)) {
            for (int i = 0; i < 100; i++) {
                now.addAndGet(100);
                progress.advance("orders", 1000);
            }
        }
        assertThat(written()).isEqualTo("""
                copy orders: 50,000 of 100,000 rows (50 %), 10,000 rows/s, about 5.0 s left
                copy orders: 100,000 of 100,000 rows (100 %), 10,000 rows/s
                copy: 100,000 rows in 10.0 s, 10,000 rows/s
                """);
    }

    @Test
    void progressOfMoreRowsThanCountedStaysSensible() {
        AtomicLong now = new AtomicLong();
        try (Progress progress = new Progress(terminal(false, false), "copy", 10, 0, now::get)) {
            now.set(5_000);
            progress.advance("a", 15);
        }
        assertThat(written()).isEqualTo("copy a: 15 of 15 rows (100 %), 3 rows/s\ncopy: 15 rows in 5.0 s, 3 rows/s\n");
    }

    @Test
    void resumedProgressCountsEarlierRowsButNotForTheSpeed() {
        AtomicLong now = new AtomicLong();
        try (Progress progress = new Progress(terminal(false, false), "copy", 1000, 500, now::get)) {
            now.set(5_000);
            progress.advance("a", 50);
        }
        assertThat(written()).isEqualTo("""
                copy a: 550 of 1,000 rows (55 %), 10 rows/s, about 45.0 s left
                copy: 50 rows in 5.0 s, 10 rows/s
                """);
    }

    @Test
    void barShowsTableRowsAndSpeedWithoutEscapesAndGivesWayToLines() {
        Terminal terminal = terminal(true, false);
        try (Progress progress = Progress.start(terminal, "copy", 1000)) {
            progress.advance("orders", 400);
            org.awaitility.Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> written().contains("orders"));
            terminal.line("a line of the log");
        }
        assertThat(written()).contains("\rcopy").contains("400/1000").contains("rows/s").doesNotContain("\u001B");
        assertThat(written()).containsPattern("\r +\ra line of the log\n").containsPattern("\rcopy: 400 rows in .*\n$");
    }

    @Test
    void logIsReadableOrJson() throws Exception {
        Logging.configure(new Settings.Log(Settings.LogFormat.TEXT, Settings.LogLevel.INFO), terminal(false, false));
        LoggerFactory.getLogger("dev.sluice.migration.Migration").info("event=phase to={}", "copying");
        LoggerFactory.getLogger("dev.sluice.x").debug("hidden");
        LoggerFactory.getLogger("com.zaxxer.hikari.pool.HikariPool").warn("hidden");
        assertThat(written()).matches(
                "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z INFO  main +Migration - event=phase to=copying\n");
        bytes.reset();
        Logging.configure(new Settings.Log(Settings.LogFormat.JSON, Settings.LogLevel.DEBUG), terminal(false, false));
        LoggerFactory.getLogger("dev.sluice.x").debug("said \"{}\"", "so");
        LoggerFactory.getLogger("other").debug("hidden");
        LoggerFactory.getLogger("dev.sluice.x").error("failed", new IllegalStateException("because"));
        LoggerFactory.getLogger("dev.sluice.x").warn("event=blocked migration={} seq={}: reason=\"the role \"x\"=y: no\"", "a", 7);
        List<String> lines = written().lines().toList();
        assertThat(lines).hasSize(3);
        ObjectMapper mapper = new ObjectMapper();
        assertThat(mapper.readTree(lines.get(0)).path("message").asText()).isEqualTo("said \"so\"");
        assertThat(mapper.readTree(lines.get(0)).path("at").asText()).endsWith("Z");
        assertThat(mapper.readTree(lines.get(1)).path("error").asText()).isEqualTo("java.lang.IllegalStateException: because");
        assertThat(mapper.readTree(lines.get(2)).path("event").asText()).isEqualTo("blocked");
        assertThat(mapper.readTree(lines.get(2)).path("migration").asText()).isEqualTo("a");
        assertThat(mapper.readTree(lines.get(2)).path("seq").asLong()).isEqualTo(7);
        assertThat(mapper.readTree(lines.get(2)).path("reason").asText()).isEqualTo("the role \"x\"=y: no");
    }

    private record Sample(String name, Instant at, Duration took, Path file, String absent) {
    }

    private static String duration(long ms) {
        return Amounts.duration(Duration.ofMillis(ms));
    }

    private Terminal terminal(boolean interactive, boolean colour) {
        return new Terminal(new PrintStream(bytes, true, StandardCharsets.UTF_8), interactive, colour, 120);
    }

    private String written() {
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
