package dev.sluice.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 5, unit = TimeUnit.MINUTES)
class EmbeddedTargetIT {

    @Test
    void ephemeralServerLeavesNothingBehind() throws SQLException {
        Path home;
        TargetUrl url;
        Secret password;
        try (EmbeddedTarget embedded = EmbeddedTarget.ephemeral()) {
            home = embedded.home();
            url = embedded.url();
            password = embedded.password();
            assertThat(embedded.takenOver()).isFalse();
            assertThat(text(embedded, "SHOW server_encoding")).isEqualTo("UTF8");
            assertThat(text(embedded, "SHOW listen_addresses")).isEqualTo("127.0.0.1");
            assertThat(text(embedded, "SHOW wal_level")).isEqualTo("logical");
            assertThat(embedded.log()).exists();
        }
        assertThat(home).doesNotExist();
        try (Target gone = Target.open(url, password, Target.Options.DEFAULT)) {
            assertThatThrownBy(gone::dedicated).satisfies(
                    e -> assertThat(SqlFailure.of(e)).isEqualTo(SqlFailure.UNREACHABLE));
        }
    }

    @Test
    void processThatEndsWhileItStartsAServerRemovesItAndOneThatWasAbandonedHalfMade(@TempDir Path temporary)
            throws Exception {
        Path abandoned = Files.createDirectory(temporary.resolve("sluice-postgres-1"));
        Files.createDirectory(abandoned.resolve("postgres.new"));
        Files.createFile(abandoned.resolve("lock"));
        Files.setLastModifiedTime(abandoned.resolve("lock"), FileTime.from(Instant.now().minusSeconds(3_600)));
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Djava.io.tmpdir=" + temporary, "-cp", System.getProperty("java.class.path"), Starter.class.getName())
                .redirectOutput(ProcessBuilder.Redirect.INHERIT).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try {
            Awaitility.await().atMost(1, TimeUnit.MINUTES).until(() -> {
                try (Stream<Path> files = Files.walk(temporary)) {
                    return files.anyMatch(path -> path.endsWith("postgres.new/bin") && !path.startsWith(abandoned));
                } catch (UncheckedIOException e) {
                    return false; // it removes what was abandoned while we look
                }
            });
            process.destroy(); // SIGTERM, which runs the hooks as Ctrl-C does
            assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(temporary).isEmptyDirectory();
    }

    @Test
    void persistentServerSurvivesTheKillOfItsProcess(@TempDir Path home) throws Exception {
        Process first = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                System.getProperty("java.class.path"), Holder.class.getName(), home.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (BufferedReader output = new BufferedReader(
                new InputStreamReader(first.getInputStream(), StandardCharsets.UTF_8))) {
            String line = output.readLine();
            while (line != null && !line.startsWith("port ")) {
                line = output.readLine();
            }
            assertThat(line).isNotNull();
            assertThatThrownBy(() -> EmbeddedTarget.persistent(home)).isInstanceOf(TargetRefusal.class)
                    .hasMessageContaining("another sluice");
            first.destroyForcibly().waitFor();
            try (EmbeddedTarget second = EmbeddedTarget.persistent(home)) {
                assertThat(second.takenOver()).isTrue();
                assertThat(line).isEqualTo("port " + second.url().port());
                assertThat(text(second, "SELECT word FROM kept")).isEqualTo("here");
                assertThat(text(second, "SHOW fsync")).isEqualTo("on");
            }
            try (EmbeddedTarget third = EmbeddedTarget.persistent(home)) {
                assertThat(third.takenOver()).isFalse();
                assertThat(line).as("the port stays").isEqualTo("port " + third.url().port());
                assertThat(text(third, "SELECT word FROM kept")).isEqualTo("here");
            }
        } finally {
            first.destroyForcibly();
        }
    }

    @Test
    void stalePidFileOfAnotherProcessDoesNotStopTheStart(@TempDir Path home) throws Exception {
        try (EmbeddedTarget first = EmbeddedTarget.persistent(home)) {
            assertThat(text(first, "SELECT 1")).isEqualTo("1");
        }
        Files.writeString(home.resolve("server/data/postmaster.pid"), ProcessHandle.current().pid() + "\n"
                + home.resolve("server/data") + "\n1700000000\n1\n\n127.0.0.1\n0 0\nready   \n");
        try (EmbeddedTarget second = EmbeddedTarget.persistent(home)) {
            assertThat(second.takenOver()).isFalse();
            assertThat(text(second, "SELECT 1")).isEqualTo("1");
        }
    }

    static String text(EmbeddedTarget embedded, String sql) throws SQLException {
        try (Target target = Target.open(embedded.url(), embedded.password(), Target.Options.DEFAULT);
                Connection connection = target.connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    /** Another process that starts a server for itself. */
    static final class Starter {

        private Starter() {
        }

        public static void main(String[] arguments) {
            EmbeddedTarget.ephemeral().close();
        }
    }

    /** Another process that starts the server and is killed. */
    static final class Holder {

        private Holder() {
        }

        public static void main(String[] arguments) throws Exception {
            EmbeddedTarget embedded = EmbeddedTarget.persistent(Path.of(arguments[0]));
            try (Target target = Target.open(embedded.url(), embedded.password(), Target.Options.DEFAULT);
                    Connection connection = target.connect();
                    Statement statement = connection.createStatement()) {
                statement.execute("CREATE TABLE kept AS SELECT 'here'::text AS word");
            }
            System.out.println("port " + embedded.url().port());
            System.out.flush();
            System.in.read(); // until killed
        }
    }
}
