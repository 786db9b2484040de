package dev.sluice.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What systemd is told, by a socket that stands for it, and what systemd says of the unit that we ship. */
class SystemdTest {

    private static final Path UNIT = Path.of("../deploy/systemd/sluice.service");

    @TempDir
    Path folder;

    @Test
    void systemdIsToldThatItIsReadyAliveAndStopping() throws Exception {
        Assumptions.assumeTrue(runs("systemd-notify", "--version") && runs("python3", "--version"));
        Path heard = folder.resolve("heard");
        Path socket = folder.resolve("notify");
        Process listener = new ProcessBuilder("python3", "-c", """
                import array, os, socket, sys
                s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                s.bind(sys.argv[1])
                while True:
                    data, rights, flags, who = s.recvmsg(4096, 4096)
                    for right in rights:
                        if right[1] == socket.SCM_RIGHTS:  # systemd-notify waits until it is closed
                            for descriptor in array.array('i', right[2]):
                                os.close(descriptor)
                    open(sys.argv[2], 'a').write(data.decode() + '\\n')
                """, socket.toString(), heard.toString()).inheritIO().start();
        try {
            Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> Files.exists(socket));
            ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                    System.getProperty("java.class.path"), Teller.class.getName()).inheritIO();
            builder.environment().put("NOTIFY_SOCKET", socket.toString());
            builder.environment().put("WATCHDOG_USEC", "600000");
            Process teller = builder.start();
            assertThat(teller.waitFor(60, TimeUnit.SECONDS)).isTrue();
            Awaitility.await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> assertThat(heard).content()
                    .contains("READY=1", "STATUS=replicating", "WATCHDOG=1", "STOPPING=1"));
        } finally {
            listener.destroyForcibly();
        }
    }

    @Test
    void unitIsWellFormedAndExposesLittle() throws Exception {
        Assumptions.assumeTrue(runs("systemd-analyze", "--version"));
        assertThat(run("systemd-analyze", "verify", UNIT.toString())).isEmpty();
        assertThat(run("systemd-analyze", "security", "--offline=true", "--threshold=20", UNIT.toString()))
                .contains("Overall exposure level");
    }

    /** A daemon that lives for some signs. */
    static final class Teller {
        public static void main(String[] arguments) throws InterruptedException {
            Systemd systemd = Systemd.of(System.getenv(), () -> "replicating", () -> true);
            new CountDownLatch(1).await(3, TimeUnit.SECONDS);
            systemd.close();
        }
    }

    private static boolean runs(String... command) throws InterruptedException {
        try {
            return run(command) != null;
        } catch (IOException e) {
            return false; // not on this machine
        }
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile("systemd", ".log");
        Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        String said = Files.readString(output);
        Files.delete(output);
        assertThat(process.exitValue()).as(said).isZero();
        return said;
    }
}
