package dev.sluice.audit;

import dev.sluice.audit.AuditCheck.Damage;
import dev.sluice.audit.AuditCheck.Finding;
import dev.sluice.store.Audit;
import dev.sluice.store.Audit.Entry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The audit log as a file beside the daemon, one entry a line, written when its entry is committed in PostgreSQL. A file
 * that PostgreSQL's log does not continue is put aside, never overwritten. Thread-safe.
 */
public final class AuditMirror {

    private static final Logger LOG = LoggerFactory.getLogger(AuditMirror.class);

    /** How the log in PostgreSQL is called in findings. */
    public static final String TARGET = "PostgreSQL";

    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);

    private final String migration;
    private final Path file;
    private Entry last;
    private long size = -1;

    public AuditMirror(String migration, Path file) {
        this.migration = migration;
        this.file = file;
    }

    public Path file() {
        return file;
    }

    /**
     * Writes what PostgreSQL has and the file has not; on disk when it returns. Reads in a transaction that sees what is
     * committed.
     */
    public synchronized void flush(Connection connection) throws SQLException, IOException {
        Audit audit = new Audit(migration);
        if (size < 0 || !Files.exists(file) || Files.size(file) != size) {
            look();
        }
        if (last != null) {
            Entry same = audit.entry(connection, last.ordinal());
            if (!last.equals(same)) {
                putAside(same);
            }
        }
        List<Entry> fresh = audit.entriesAfter(connection, last == null ? 0 : last.ordinal());
        if (!fresh.isEmpty()) {
            append(fresh);
        }
    }

    private void look() throws IOException {
        last = null;
        size = 0;
        if (!Files.exists(file)) {
            return;
        }
        AuditLines.Content content = AuditLines.read(file);
        if (!content.entries().isEmpty()) {
            last = content.entries().get(content.entries().size() - 1);
        }
        size = content.wholeBytes();
        if (size < Files.size(file)) {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(size); // a line that a crash cut off comes again
            }
        }
    }

    private void putAside(Entry same) throws IOException {
        String name = file.getFileName().toString().replaceFirst("\\.jsonl$", "") + "." + STAMP.format(Instant.now()) + ".jsonl";
        Path aside = file.resolveSibling(name);
        LOG.warn("event=audit_diverged migration={} entry={} kept={}: PostgreSQL's audit log {}", migration, last.ordinal(), aside,
                same == null ? "has lost what the file has, or is of another migration of this name"
                        : "says something else than the file");
        Files.move(file, aside);
        last = null;
        size = 0;
    }

    private void append(List<Entry> fresh) throws IOException {
        StringBuilder lines = new StringBuilder();
        fresh.forEach(entry -> lines.append(AuditLines.line(migration, entry)));
        Files.createDirectories(file.toAbsolutePath().getParent());
        Set<StandardOpenOption> how = EnumSet.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try (FileChannel channel = posix()
                ? FileChannel.open(file, how, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))
                : FileChannel.open(file, how)) {
            channel.position(size);
            ByteBuffer bytes = ByteBuffer.wrap(lines.toString().getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
            size = channel.position();
        } catch (IOException | RuntimeException e) {
            size = -1; // what has arrived is looked at
            throw e;
        }
        last = fresh.get(fresh.size() - 1);
    }

    private boolean posix() {
        return FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
    }

    /**
     * Compares PostgreSQL's log, the file, and files that were put aside; writes the newest entries to the file first.
     *
     * @param entries how many PostgreSQL has
     */
    public record Report(long entries, List<String> files, List<Finding> findings) {}

    public synchronized Report verify(Connection connection) throws SQLException, IOException {
        List<Finding> findings = new ArrayList<>();
        if (size >= 0 && Files.exists(file) && Files.size(file) < size) {
            findings.add(new Finding(Damage.CUT_OFF, file.toString(), 0, file + " is shorter than it was: its end was cut off"
                    + " and is written again from PostgreSQL"));
        }
        flush(connection);
        List<Entry> entries = new Audit(migration).entries(connection);
        findings.addAll(AuditCheck.chain(TARGET, migration, entries));
        List<String> files = new ArrayList<>();
        for (Path each : files()) {
            AuditLines.Content content = AuditLines.read(each);
            boolean current = each.equals(file);
            if (!current && !isOfThisMigration(content.entries(), entries)) {
                continue;
            }
            files.add(each.toString());
            content.unreadable().forEach(line -> findings.add(new Finding(Damage.UNREADABLE, each.toString(), 0,
                    each + ": line " + line + " is no entry of this log")));
            findings.addAll(AuditCheck.chain(each.toString(), migration, content.entries()));
            AuditCheck.compare(TARGET, entries, each.toString(), content.entries()).stream()
                    // a file that was put aside ends where it was
                    .filter(finding -> current || !finding.where().equals(each.toString())).forEach(findings::add);
        }
        return new Report(entries.size(), files, findings);
    }

    private static boolean isOfThisMigration(List<Entry> aside, List<Entry> entries) {
        return !aside.isEmpty() && !entries.isEmpty() && aside.get(0).at().equals(entries.get(0).at());
    }

    /** The file, and those of its name that were put aside. */
    private List<Path> files() throws IOException {
        String stem = file.getFileName().toString().replaceFirst("\\.jsonl$", "");
        Path folder = file.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(folder)) {
            return all.filter(each -> each.getFileName().toString().startsWith(stem + ".")
                    && each.getFileName().toString().endsWith(".jsonl"))
                    .map(each -> each.getFileName().equals(file.getFileName()) ? file : each).sorted().toList();
        }
    }
}
