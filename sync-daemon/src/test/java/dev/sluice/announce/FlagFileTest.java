package dev.sluice.announce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.cutover.Traffic;
import dev.sluice.testing.SmallDisk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 2, unit = TimeUnit.MINUTES)
class FlagFileTest {

    private static final String ID = "0c5e-77";

    @TempDir
    private Path folder;

    @Test
    void shellsAndSystemdReadEveryAddressAsItWasWritten() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String odd = "az09:/@?&=%#$`\\\"'!~*;|<>(){}[] ^+äß€😀";
        int[] letters = odd.codePoints().toArray();
        FlagFile flag = flag();
        for (int i = 0; i < 60; i++) {
            StringBuilder url = new StringBuilder(i % 2 == 0 ? "postgres://" : "");
            for (int j = random.nextInt(30); j > 0; j--) {
                url.appendCodePoint(letters[random.nextInt(letters.length)]);
            }
            flag.write(new Announcement(Traffic.POSTGRES, i, url.toString()));
            for (String shell : List.of("/bin/sh", "/bin/bash")) {
                assumeTrue(Files.exists(Path.of(shell)));
                assertThat(run(shell, "-c", ". \"$0\"; printf '%s|%s|%s' \"$SLUICE_TRAFFIC\" \"$SLUICE_EPOCH\""
                        + " \"$DATABASE_URL\"", flag.path().toString()))
                        .as("%s, seed %s", shell, seed).isEqualTo("postgres|" + i + "|" + url);
            }
            assertThat(systemd(Files.readString(flag.path()))).as("seed %s", seed)
                    .containsEntry("DATABASE_URL", url.toString()).containsEntry("SLUICE_TRAFFIC", "postgres")
                    .containsEntry("SLUICE_EPOCH", "" + i).hasSize(4);
        }
    }

    @Test
    void lineEndInAnAddressIsRefused() {
        for (String bad : List.of("a\nSLUICE_TRAFFIC=sqlite", "a\rb", "a\0b", "a\tb")) {
            assertThatThrownBy(() -> new Announcement(Traffic.SQLITE, 1, bad)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void sameStateIsNotWrittenAgainAndARemovedFileIs() throws IOException {
        FlagFile flag = flag();
        assertThat(flag.write(traffic(Traffic.SQLITE, 3))).isTrue();
        Object inode = Files.getAttribute(flag.path(), "unix:ino");
        assertThat(flag.write(traffic(Traffic.SQLITE, 3))).isFalse();
        assertThat(flag().write(traffic(Traffic.SQLITE, 3))).as("after a restart").isFalse();
        assertThat(Files.getAttribute(flag.path(), "unix:ino")).isEqualTo(inode);
        Files.delete(flag.path());
        assertThat(flag.write(traffic(Traffic.SQLITE, 3))).isTrue();
        assertThat(files()).containsExactly("traffic.env");
    }

    @Test
    void olderEpochNeverReplacesANewerOne() throws IOException {
        flag().write(traffic(Traffic.POSTGRES, 8));
        assertThatThrownBy(() -> flag().write(traffic(Traffic.SQLITE, 7))).isInstanceOf(IOException.class)
                .hasMessageContaining("epoch 8").hasMessageContaining("another daemon");
        assertThat(flag().path()).content().contains("SLUICE_TRAFFIC=postgres");
        assertThatThrownBy(() -> flag().write(traffic(Traffic.FENCED, 7))).isInstanceOf(IOException.class);
        assertThat(flag().write(traffic(Traffic.FENCED, 9))).isTrue();
        assertThat(flag().write(traffic(Traffic.POSTGRES, 8))).as("a switch that is given up").isTrue();
        assertThat(new FlagFile(folder.resolve("traffic.env"), "other", false).write(traffic(Traffic.SQLITE, 1)))
                .as("another installation counts anew").isTrue();
    }

    @Test
    void modeAndOwnerStayAsTheyWere() throws IOException {
        Path file = folder.resolve("traffic.env");
        flag().write(traffic(Traffic.SQLITE, 1));
        assertThat(mode(file)).isEqualTo("rw-r--r--");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        boolean root = "root".equals(System.getProperty("user.name"));
        if (root) {
            Files.setOwner(file, file.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody"));
        }
        flag().write(traffic(Traffic.POSTGRES, 2));
        assertThat(mode(file)).isEqualTo("rw-r-----");
        assertThat(Files.getOwner(file).getName()).isEqualTo(root ? "nobody" : System.getProperty("user.name"));
        Path secret = folder.resolve("secret.env");
        new FlagFile(secret, ID, true).write(traffic(Traffic.SQLITE, 1));
        assertThat(mode(secret)).isEqualTo("rw-------");
    }

    @Test
    void symbolicLinkStaysOne() throws IOException {
        Path real = Files.createDirectory(folder.resolve("real")).resolve("there");
        Files.createFile(real);
        Files.createSymbolicLink(folder.resolve("traffic.env"), real);
        flag().write(traffic(Traffic.POSTGRES, 2));
        assertThat(folder.resolve("traffic.env")).isSymbolicLink();
        assertThat(real).content().contains("SLUICE_EPOCH=2");
    }

    @Test
    void missingFolderIsOneSentence() {
        assertThatThrownBy(() -> new FlagFile(folder.resolve("none/traffic.env"), ID, false)
                .write(traffic(Traffic.SQLITE, 1))).isInstanceOf(IOException.class)
                .hasMessageContaining("none/traffic.env can't be replaced").hasMessageContaining("folder exists");
    }

    @Test
    void fullDiskLeavesTheOldFileWhole() throws IOException {
        try (SmallDisk disk = SmallDisk.mount(folder.resolve("small"), 1)) {
            FlagFile flag = new FlagFile(disk.path().resolve("traffic.env"), ID, false);
            flag.write(traffic(Traffic.SQLITE, 1));
            String before = Files.readString(flag.path());
            disk.fill(0);
            assertThatThrownBy(() -> flag.write(traffic(Traffic.POSTGRES, 2))).isInstanceOf(IOException.class)
                    .hasMessageContaining("No space left on device").hasMessageContaining("2-postgres");
            assertThat(flag.path()).content().isEqualTo(before);
            disk.free();
            assertThat(flag.write(traffic(Traffic.POSTGRES, 2))).isTrue();
        }
    }

    @Test
    void readersSeeTheOldFileOrTheNewButNeverAPart() throws Exception {
        FlagFile flag = flag();
        flag.write(traffic(Traffic.SQLITE, 0));
        AtomicBoolean over = new AtomicBoolean();
        CompletableFuture<Integer> reads = CompletableFuture.supplyAsync(() -> {
            int count = 0;
            while (!over.get()) {
                try {
                    assertThat(Files.readString(flag.path())).contains("SLUICE_EPOCH=").endsWith("=" + ID + "\n");
                    count++;
                } catch (IOException e) {
                    throw new AssertionError("the file was away", e);
                }
            }
            return count;
        });
        for (int i = 1; i <= 300; i++) {
            flag.write(traffic(i % 2 == 0 ? Traffic.SQLITE : Traffic.POSTGRES, i));
        }
        over.set(true);
        assertThat(reads.get(60, TimeUnit.SECONDS)).isPositive();
    }

    private FlagFile flag() {
        return new FlagFile(folder.resolve("traffic.env"), ID, false);
    }

    private static Announcement traffic(Traffic side, long epoch) {
        return new Announcement(side, epoch, "postgresql://app@db/app");
    }

    private List<String> files() throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    private static String mode(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    private static String run(String... command) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("LC_ALL", "C.UTF-8");
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    /** As systemd reads an EnvironmentFile (src/basic/env-file.c, parse_env_file_internal); without line continuation. */
    private static Map<String, String> systemd(String text) {
        Map<String, String> variables = new HashMap<>();
        for (String line : text.split("\n")) {
            if (line.isBlank() || line.startsWith("#") || line.startsWith(";")) {
                continue;
            }
            int equals = line.indexOf('=');
            StringBuilder value = new StringBuilder();
            char quote = 0;
            for (int i = equals + 1; i < line.length(); i++) {
                char c = line.charAt(i);
                if (quote == 0 && value.isEmpty() && (c == '"' || c == '\'')) {
                    quote = c;
                } else if (quote != 0 && c == quote) {
                    quote = 0;
                } else if (c == '\\' && quote == '"') {
                    c = line.charAt(++i);
                    value.append("\"\\`$".indexOf(c) >= 0 ? "" : "\\").append(c);
                } else if (c == '\\' && quote == 0) {
                    value.append(line.charAt(++i));
                } else {
                    value.append(c);
                }
            }
            variables.put(line.substring(0, equals), value.toString());
        }
        return variables;
    }
}
