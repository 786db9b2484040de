package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.testing.LiveGround;
import dev.sluice.testing.PostgresForTests;
import dev.sluice.testing.SmallDisk;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** No room in the folders that Sluice itself writes to: a sentence, or it goes on without. */
class FullFolderIT {

    private static final File FULL = new File("/dev/full"); // every write fails with "no space left on device"

    @TempDir
    Path folder;

    private Process sluice(Path temporary, File out, File err, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m", "-Djava.io.tmpdir=" + temporary, "-cp", System.getProperty("java.class.path"), "dev.sluice.cli.Main"));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        if (!builder.environment().containsKey("SLUICE_STATE_DIR")) {
            builder.environment().put("SLUICE_STATE_DIR", folder.resolve("state").toString());
        }
        builder.environment().put("SLUICE_TARGET_PASSWORD", PostgresForTests.password().reveal());
        return builder.redirectOutput(out).redirectError(err).start();
    }

    private File file(String name) {
        return folder.resolve(name).toFile();
    }

    private String refused(Process process) throws Exception {
        assertThat(process.waitFor(2, TimeUnit.MINUTES)).as("ends by itself").isTrue();
        String err = Files.readString(folder.resolve("err"));
        assertThat(process.exitValue()).as(err).isEqualTo(1);
        assertThat(err).doesNotContain("\tat ").doesNotContain("Exception");
        return err;
    }

    private static String url(LiveGround ground) {
        return "postgres://" + ground.target().url().effectiveUser() + "@" + ground.target().url().host() + ":"
                + ground.target().url().port() + "/" + ground.target().url().effectiveDatabase();
    }

    private LiveGround ground() throws Exception {
        return new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "INSERT INTO t VALUES (1, 'a')");
    }

    @Test
    void temporaryFolderWithoutRoomIsSaid() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("tmp"), 1); LiveGround ground = ground()) {
            disk.fill(0);
            assertThat(refused(sluice(disk.path(), file("out"), file("err"), "assess", "--source",
                    ground.file().path().toString()))).contains(disk.path().toString()).contains("java.io.tmpdir");
        }
    }

    @Test
    void stateDirectoryWithoutRoomIsSaid() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("state"), 1); LiveGround ground = ground()) {
            disk.fill(0);
            assertThat(refused(sluice(folder, file("out"), file("err"), "run", "--source", ground.file().path().toString(),
                    "--target", "embedded"))).contains(disk.path().toString()).contains("space");
            assertThat(refused(sluice(folder, file("out"), file("err"), "run", "--source", ground.file().path().toString(),
                    "--target", url(ground)))).contains(disk.path().toString()).contains("space");
            assertThat(ground.traces()).isEmpty();
        }
    }

    @Test
    void outputThatCantBeWrittenIsNoSuccess() throws Exception {
        assumeTrue(FULL.exists());
        try (LiveGround ground = ground()) {
            for (String form : List.of("--json", "--html=/dev/full", "")) {
                List<String> arguments = new ArrayList<>(List.of("assess", "--source", ground.file().path().toString()));
                if (!form.isEmpty()) {
                    arguments.add(form);
                }
                assertThat(refused(sluice(folder, FULL, file("err"), arguments.toArray(String[]::new)))).as(form)
                        .contains("output").contains("space");
            }
        }
    }

    @Test
    void logThatCantBeWrittenStopsNothing() throws Exception {
        assumeTrue(FULL.exists());
        try (LiveGround ground = ground()) {
            Process daemon = sluice(folder, FULL, FULL, "run", "--source", ground.file().path().toString(), "--target", url(ground),
                    "--port", "0");
            try {
                Awaitility.await().atMost(Duration.ofSeconds(60)).ignoreExceptions().until(() -> ground.phase().equals("replicating"));
                ground.app("INSERT INTO t VALUES (2, 'b')");
                Awaitility.await().atMost(Duration.ofSeconds(20)).until(
                        () -> ground.target("SELECT v FROM t ORDER BY id").equals(List.of("a", "b")));
                daemon.destroy();
                assertThat(daemon.waitFor(40, TimeUnit.SECONDS)).isTrue();
                assertThat(daemon.exitValue()).isEqualTo(143);
            } finally {
                daemon.destroyForcibly().waitFor();
            }
        }
    }
}
