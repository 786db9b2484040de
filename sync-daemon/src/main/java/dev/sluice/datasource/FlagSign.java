package dev.sluice.datasource;

import dev.sluice.datasource.TrafficDataSource.Side;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Optional;

/**
 * The flag file, read again when its inode, time or size has changed: a few microseconds a look, and unlike a watcher
 * right on every file system. A file that vanishes later changes nothing, as the fences hold whatever is believed here.
 */
final class FlagSign implements TrafficDataSource.Sign {

    private record Version(Object inode, long modifiedNs, long size) {
    }

    private record Known(Version version, Optional<Side> side) {
    }

    private final Path file;
    private volatile Known known;

    FlagSign(Path file) {
        this.file = file;
    }

    @Override
    public Optional<Side> read() throws SQLException {
        Known last = known;
        try {
            BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
            Version version = new Version(now.fileKey(), now.lastModifiedTime().to(java.util.concurrent.TimeUnit.NANOSECONDS),
                    now.size());
            // During a pause always: two changes within one tick of the file system's clock look the same.
            if (last == null || last.side().isEmpty() || !last.version().equals(version)) {
                last = new Known(version, side(Files.readString(file, StandardCharsets.UTF_8)));
                known = last;
            }
            return last.side();
        } catch (IOException e) {
            if (last != null) {
                return last.side();
            }
            throw new SQLTransientConnectionException("the flag file " + file + (e instanceof NoSuchFileException
                    ? " is not there" : " can't be read (" + e.getClass().getSimpleName() + ")") + ", so nothing says"
                    + " which side takes writes: start \"sluice run\", or before it write SLUICE_TRAFFIC=sqlite into it",
                    "08001", e);
        }
    }

    private Optional<Side> side(String text) throws SQLException {
        String traffic = text.lines().filter(line -> line.startsWith("SLUICE_TRAFFIC="))
                .map(line -> line.substring("SLUICE_TRAFFIC=".length()).strip()).findFirst().orElse("");
        return switch (traffic) {
            case "sqlite" -> Optional.of(Side.SQLITE);
            case "postgres" -> Optional.of(Side.POSTGRES);
            case "fenced" -> Optional.empty();
            default -> throw new SQLTransientConnectionException("the flag file " + file + " has no line"
                    + " SLUICE_TRAFFIC=sqlite, fenced or postgres: see that \"sluice run\" writes it", "08001");
        };
    }
}
