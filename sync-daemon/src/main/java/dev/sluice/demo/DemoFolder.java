package dev.sluice.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The temporary directory that holds everything of one demo. */
final class DemoFolder {

    private static final int REMOVE_ATTEMPTS = 5;

    private final Path path;

    private DemoFolder(Path path) {
        this.path = path;
    }

    static DemoFolder create() throws IOException {
        Path path = Files.createTempDirectory("sluice-demo-");
        // where root can't run PostgreSQL as itself, another user must find its way to the server's files
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx--x--x"));
        return new DemoFolder(path.toRealPath());
    }

    Path path() {
        return path;
    }

    /** Removes it with all that is in it; a process that is just ending may still remove or add files. */
    void remove() throws IOException {
        for (int attempt = 1; Files.exists(path); attempt++) {
            try (Stream<Path> files = Files.walk(path)) {
                List<Path> deepestFirst = files.sorted(Comparator.reverseOrder()).toList();
                for (Path file : deepestFirst) {
                    Files.deleteIfExists(file);
                }
            } catch (IOException | UncheckedIOException e) {
                boolean gone = e instanceof NoSuchFileException
                        || e instanceof UncheckedIOException u && u.getCause() instanceof NoSuchFileException;
                if (attempt == REMOVE_ATTEMPTS && !gone) {
                    throw e;
                }
            }
        }
    }
}
