package dev.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SampleApplicationTest {

    private static final long ROWS = 1_000;

    @TempDir
    Path folder;

    @Test
    void applicationThatIsToldToStopLeavesAHealthyFileAndEveryCent() throws Exception {
        Path file = folder.resolve("shop.db");
        try (ApplicationProcess application = ApplicationProcess.start(folder, file, ROWS, null)) {
            assertThat(application.awaitFilled(Duration.ofMinutes(1))).isBetween(ROWS / 2, ROWS * 2);
            Awaitility.await().atMost(Duration.ofMinutes(1)).until(() -> application.transactions() > 200);
            application.stop();
            assertThat(application.errors()).isZero();
            assertThat(application.since(0).slowestMs()).isPositive();
        }
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement()) {
            assertThat(text(statement, "PRAGMA integrity_check")).isEqualTo("ok");
            assertThat(text(statement, "PRAGMA foreign_key_check")).isNull();
            assertThat(text(statement, "SELECT sum(balance_cents) FROM accounts"))
                    .isEqualTo(Long.toString(ShopFill.ACCOUNTS * ShopFill.BALANCE_CENTS));
            assertThat(text(statement, "SELECT count(*) FROM transfers")).isNotEqualTo("0");
        }
    }

    @Test
    void applicationEndsWhenItsParentIsGone() throws Exception {
        Process process = new ProcessBuilder(ApplicationProcess.command(folder, folder.resolve("shop.db"), ROWS))
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        try {
            process.getOutputStream().close(); // what the system does to the pipe of a parent that dies
            assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
            assertThat(process.exitValue()).isZero();
        } finally {
            process.destroyForcibly();
        }
    }

    private static String text(Statement statement, String sql) throws Exception {
        try (ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? row.getString(1) : null;
        }
    }
}
