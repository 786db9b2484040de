package dev.sluice.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;

/** The temporary directory that holds everything of one bench. */
final class BenchFolder {

    private BenchFolder() {}

    static Path create() throws IOException {
        Path folder = Files.createTempDirectory("sluice-bench-");
        // where root can't run PostgreSQL as itself, another user must find its way to the server's files
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        return folder.toRealPath();
    }

    /** Removes a directory with all that is in it. */
    static void remove(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> files = Files.walk(folder)) {
                List<Path> deepestFirst = files.sorted(java.util.Comparator.reverseOrder()).toList();
                for (Path file : deepestFirst) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }
}
