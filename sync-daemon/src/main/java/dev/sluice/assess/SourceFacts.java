package dev.sluice.assess;

import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * What the file is.
 *
 * @param bytes of the file
 * @param walBytes of the write-ahead log beside it, 0 where there is none
 * @param freePages pages of the file that hold nothing
 * @param encoding {@code UTF-8}, {@code UTF-16le} or {@code UTF-16be}
 * @param journalMode as SQLite names it, for example {@code wal}
 * @param lastWriter the version of SQLite that wrote last, null if not known
 * @param writable whether this process may write it
 */
public record SourceFacts(
        Path path, long bytes, long walBytes, long pageSize, long pages, long freePages, String encoding,
        String journalMode, String lastWriter, long applicationId, long userVersion, String fileSystem,
        boolean networkFileSystem, boolean writable) {

    private static final int HEADER_BYTES = 100;
    private static final int HEADER_VERSION_OFFSET = 96;

    static SourceFacts of(SqliteFile file, SqliteSession session) throws SQLException, IOException,
            InterruptedException {
        return new SourceFacts(file.path(), file.size(), file.walSize(), session.number("PRAGMA page_size"),
                session.number("PRAGMA page_count"), session.number("PRAGMA freelist_count"),
                session.text("PRAGMA encoding"), session.text("PRAGMA journal_mode"), lastWriter(file.path()),
                session.number("PRAGMA application_id"), session.number("PRAGMA user_version"),
                file.fileSystemType(), file.onNetworkFileSystem(), Files.isWritable(file.path()));
    }

    public boolean isWal() {
        return "wal".equals(journalMode);
    }

    /** True if the version that wrote last is known, and older than this one. */
    boolean lastWriterBefore(int major, int minor, int patch) {
        return lastWriter != null
                && Arrays.compare(Stream.of(lastWriter.split("\\.")).mapToInt(Integer::parseInt).toArray(),
                        new int[] {major, minor, patch}) < 0;
    }

    /**
     * Bytes 96 to 99 of the file (sqlite.org/fileformat.html, 1.3). No pragma tells them, and this process must not
     * open the file itself, or SQLite's locks on it would be gone: so another process reads them.
     */
    private static String lastWriter(Path path) throws InterruptedException {
        Process head = null;
        try {
            head = new ProcessBuilder("head", "-c", Integer.toString(HEADER_BYTES), path.toString())
                    .redirectError(ProcessBuilder.Redirect.DISCARD).start();
            head.getOutputStream().close();
            if (!head.waitFor(5, TimeUnit.SECONDS)) {
                return null;
            }
            try (InputStream out = head.getInputStream()) {
                byte[] header = out.readNBytes(HEADER_BYTES);
                int version = header.length < HEADER_BYTES ? 0 : ByteBuffer.wrap(header).getInt(HEADER_VERSION_OFFSET);
                return version < 3_000_000 ? null
                        : version / 1_000_000 + "." + version / 1000 % 1000 + "." + version % 1000;
            }
        } catch (IOException e) {
            return null; // no such command here: the version is only good to know
        } finally {
            if (head != null) {
                head.destroyForcibly();
            }
        }
    }
}
