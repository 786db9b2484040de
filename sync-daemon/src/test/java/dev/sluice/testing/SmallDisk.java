package dev.sluice.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A small file system in memory, to be filled to the brim. Needs the right to mount; a test without it is skipped. */
public final class SmallDisk implements AutoCloseable {

    private final Path path;

    private SmallDisk(Path path) {
        this.path = path;
    }

    /** Mounts it over an empty folder, which is made. */
    public static SmallDisk mount(Path path, int megabytes) throws IOException {
        Files.createDirectories(path);
        boolean mounted = succeeds("mount", "-t", "tmpfs", "-o", "size=" + megabytes + "m", "none", path.toString());
        if (!mounted) {
            System.out.println("skipped: a full disk can't be tried without the right to mount a small one");
        }
        assumeTrue(mounted, "needs the right to mount");
        return new SmallDisk(path);
    }

    public Path path() {
        return path;
    }

    /** Takes all room that is left but {@code kilobytes}. */
    public void fill(int kilobytes) throws IOException {
        byte[] block = new byte[64 << 10];
        try (OutputStream ballast = Files.newOutputStream(ballast())) {
            while (room() - (kilobytes << 10) >= block.length) {
                ballast.write(block);
            }
            ballast.write(new byte[(int) Math.max(0, room() - (kilobytes << 10)) / 4096 * 4096]);
        }
    }

    /** Gives the room back. */
    public void free() throws IOException {
        Files.deleteIfExists(ballast());
    }

    public long room() throws IOException {
        return Files.getFileStore(path).getUsableSpace();
    }

    private Path ballast() {
        return path.resolve("ballast");
    }

    @Override
    public void close() {
        if (!succeeds("umount", "-l", path.toString())) {
            throw new AssertionError(path + " is still mounted");
        }
    }

    /** Runs a program; true if it is here and said yes. */
    public static boolean succeeds(String... command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
            return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException e) {
            return false; // no such program here
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
