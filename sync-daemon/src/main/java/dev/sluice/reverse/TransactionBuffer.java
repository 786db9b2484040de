package dev.sluice.reverse;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The changes of one PostgreSQL transaction until its end is known. Beyond a limit they go to a file that only this user
 * can read and that is gone with the buffer. Not thread-safe.
 */
final class TransactionBuffer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(TransactionBuffer.class);

    private static final RowChange.Kind[] KINDS = RowChange.Kind.values();

    private final Path folder;
    private final String prefix;
    private final long memoryBytes;
    private final long fileBytesMax;
    private final List<RowChange> changes = new ArrayList<>();
    private long bytes;
    private long rows;
    private Path file;
    private DataOutputStream out;

    /** What to do with a part of the transaction. */
    interface Part {
        void take(List<RowChange> changes) throws Exception;
    }

    /** @param name the stream's, by which its files are known */
    TransactionBuffer(Path folder, String name, long memoryBytes, long fileBytesMax) {
        this.folder = folder;
        this.prefix = prefix(name);
        this.memoryBytes = memoryBytes;
        this.fileBytesMax = fileBytesMax;
    }

    private static String prefix(String name) {
        return "reverse-" + name + "-";
    }

    /** Removes what a killed process left. To be called while no buffer of that name is in use. */
    static void clear(Path folder, String name) {
        try {
            Files.createDirectories(folder);
            try (DirectoryStream<Path> left = Files.newDirectoryStream(folder, prefix(name) + "*")) {
                for (Path file : left) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            throw failed(folder, e);
        }
    }

    private static IllegalStateException failed(Path folder, IOException e) {
        return new IllegalStateException("a large transaction of PostgreSQL can't be kept in " + folder + " ("
                + e.getClass().getSimpleName() + "): make room there, check its permissions, or name another stateDir", e);
    }

    long rows() {
        return rows;
    }

    /** Bytes held in memory, roughly. */
    long bytes() {
        return bytes;
    }

    boolean isSpilled() {
        return file != null;
    }

    void add(RowChange change) {
        rows++;
        changes.add(change);
        bytes += change.size();
        if (bytes > memoryBytes) {
            try {
                spill();
            } catch (IOException e) {
                throw failed(folder, e);
            }
        }
    }

    private void spill() throws IOException {
        if (out == null) {
            file = Files.createTempFile(folder, prefix, ".transaction",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file), 1 << 16));
        }
        for (RowChange change : changes) {
            out.writeInt(change.table());
            out.writeByte(change.kind().ordinal());
            write(change.before());
            write(change.after());
        }
        changes.clear();
        bytes = 0;
        out.flush();
        long size = Files.size(file);
        if (size > fileBytesMax) {
            throw new IllegalStateException("a transaction of PostgreSQL needs more than " + fileBytesMax + " bytes in " + folder
                    + ", which is the limit: it can't be brought back");
        }
    }

    private void write(String[] texts) throws IOException {
        out.writeShort(texts == null ? -1 : texts.length);
        if (texts == null) {
            return;
        }
        for (String text : texts) {
            if (text == null) {
                out.writeInt(-1);
            } else if (text == PrintedValues.UNCHANGED) {
                out.writeInt(-2);
            } else if (text == PrintedValues.ABSENT) {
                out.writeInt(-3);
            } else {
                byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
                out.writeInt(utf8.length);
                out.write(utf8);
            }
        }
    }

    /** Gives all changes in order, in parts of about the memory limit; may be called again. */
    void forEach(Part part) throws Exception {
        if (file != null) {
            out.flush();
            try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16))) {
                List<RowChange> read = new ArrayList<>();
                long size = 0;
                for (RowChange change = read(in); change != null; change = read(in)) {
                    read.add(change);
                    size += change.size();
                    if (size > memoryBytes) {
                        part.take(read);
                        read = new ArrayList<>();
                        size = 0;
                    }
                }
                part.take(read);
            }
        }
        part.take(changes);
    }

    private static RowChange read(DataInputStream in) throws IOException {
        int table;
        try {
            table = in.readInt();
        } catch (EOFException e) {
            return null;
        }
        RowChange.Kind kind = KINDS[in.readByte()];
        return new RowChange(table, kind, readTexts(in), readTexts(in));
    }

    private static String[] readTexts(DataInputStream in) throws IOException {
        int count = in.readShort();
        if (count < 0) {
            return null;
        }
        String[] texts = new String[count];
        for (int i = 0; i < count; i++) {
            int length = in.readInt();
            if (length == -2) {
                texts[i] = PrintedValues.UNCHANGED;
            } else if (length == -3) {
                texts[i] = PrintedValues.ABSENT;
            } else if (length >= 0) {
                texts[i] = new String(in.readNBytes(length), StandardCharsets.UTF_8);
            }
        }
        return texts;
    }

    @Override
    public void close() {
        changes.clear();
        if (file != null) {
            try {
                Files.deleteIfExists(file); // first, as on a full disk closing fails
                out.close();
            } catch (IOException e) {
                LOG.debug("a spilled transaction was not removed; the next start does it", e);
            }
        }
    }
}
