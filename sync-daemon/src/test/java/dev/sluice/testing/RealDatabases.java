package dev.sluice.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The folder of real SQLite databases that the project is tested against; a clone without it tests without them. */
public final class RealDatabases {

    private RealDatabases() {}

    private static Path folder() {
        String named = System.getProperty("sluice.databases");
        if (named != null) {
            return Path.of(named);
        }
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            Path candidate = at.resolve("shared/databases");
            if (Files.isDirectory(candidate)) {
                return candidate;
            }
        }
        return null;
    }

    /** All databases, or none (said on the console) where the folder is absent. */
    public static List<Path> all() throws IOException {
        Path folder = folder();
        if (folder == null || !Files.isDirectory(folder)) {
            System.out.println("skipped: 119 real databases, because no folder shared/databases is at hand");
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(".sqlite")).sorted().toList();
        }
    }

    /** The name as the manifest has it, for example {@code spider/geo}. */
    public static String name(Path database) {
        String text = database.toString();
        int at = text.indexOf("databases/");
        return text.substring(at < 0 ? 0 : at + "databases/".length()).replace(".sqlite", "");
    }

    /** The script that writes to a database as an application would; null where it or python3 is absent. */
    public static Path workload() {
        Path folder = folder();
        Path script = folder == null ? null : folder.resolve("workload.py");
        return script != null && Files.exists(script) ? script : null;
    }
}
