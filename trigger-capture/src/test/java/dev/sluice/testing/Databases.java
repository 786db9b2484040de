package dev.sluice.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The folder of real databases: {@code ../shared/databases} beside the repository, or {@code -Dsluice.databases}. The
 * tests work on copies, never on the files themselves.
 */
public final class Databases {

    private Databases() {}

    /** All files, none where the folder is absent (then it says so on the console). */
    public static List<Path> all() {
        Path folder = Path.of(System.getProperty("sluice.databases", "../../shared/databases"));
        if (!Files.isDirectory(folder)) {
            System.out.println("0 of 119 real databases tested: no folder " + folder.toAbsolutePath());
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder, 2)) {
            return files.filter(file -> file.toString().endsWith(".sqlite")).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A copy of its own, with the write-ahead log if there is one. */
    public static Path copy(Path database, Path folder) throws IOException {
        Path copy = Files.copy(database, folder.resolve(database.getFileName()));
        Path wal = database.resolveSibling(database.getFileName() + "-wal");
        if (Files.exists(wal)) {
            Files.copy(wal, folder.resolve(wal.getFileName()));
        }
        return copy;
    }
}
