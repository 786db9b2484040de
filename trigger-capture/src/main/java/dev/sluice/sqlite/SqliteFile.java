package dev.sluice.sqlite;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteOpenMode;

/**
 * The source file on disk. Only SQLite opens it: closing any other descriptor of the file in this process would drop
 * SQLite's POSIX locks (sqlite.org/howtocorrupt.html, 2.2), so this class only ever asks {@code stat}.
 */
public record SqliteFile(Path path) {

    /** File systems on which SQLite's locks can't be trusted; names as Linux reports them, without {@code fuse.}. */
    private static final Set<String> NETWORK_FILE_SYSTEMS =
            Set.of("nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "afs", "openafs", "coda", "ncpfs", "ceph",
                    "cephfs", "glusterfs", "lustre", "beegfs", "gpfs", "orangefs", "pvfs2", "mfs", "moosefs", "juicefs", "sshfs",
                    "davfs", "davfs2", "s3fs", "rclone", "gcsfuse", "goofys", "blobfuse", "blobfuse2", "curlftpfs", "gvfsd-fuse",
                    "vboxsf", "prl_fs", "grpcfuse");

    private static final Logger LOG = LoggerFactory.getLogger(SqliteFile.class);

    /** Which file it is, whatever its name: survives a write, not a {@code mv} over it. */
    public record Identity(long device, long inode) {}

    public SqliteFile(Path path) {
        this.path = path.toAbsolutePath().normalize();
    }

    /** Asks the file system, without a descriptor. */
    public Identity identity() throws IOException {
        Map<String, Object> attributes = Files.readAttributes(path, "unix:dev,ino");
        return new Identity((Long) attributes.get("dev"), (Long) attributes.get("ino"));
    }

    /** Bytes of the main file, without its WAL. */
    public long size() throws IOException {
        return Files.size(path);
    }

    /** What this user may still write on the file's disk. */
    public long freeBytes() throws IOException {
        return Files.getFileStore(path).getUsableSpace();
    }

    /** Bytes of the write-ahead log beside the file, 0 where there is none. */
    public long walSize() throws IOException {
        try {
            return Files.size(walPath());
        } catch (NoSuchFileException e) {
            return 0;
        }
    }

    /** When the file or its write-ahead log was last written, in milliseconds since 1970; asks without a descriptor. */
    public long writtenAtMillis() throws IOException {
        long file = Files.getLastModifiedTime(path).toMillis();
        try {
            return Math.max(file, Files.getLastModifiedTime(walPath()).toMillis());
        } catch (NoSuchFileException e) {
            return file;
        }
    }

    /**
     * Forces the WAL to disk, so that nothing is applied to the target which a power loss could take from the source.
     * SQLite takes no locks on the WAL file, so this descriptor is harmless.
     */
    public void syncWal() throws IOException {
        try (FileChannel wal = FileChannel.open(walPath(), StandardOpenOption.WRITE)) {
            wal.force(false);
        } catch (NoSuchFileException e) {
            return; // checkpointed and gone: SQLite synced the main file itself
        }
    }

    /**
     * Lets SQLite take away the empty {@code -wal} and {@code -shm} that a connection which may not write leaves behind
     * when it was the only one. To be called after the last reader is closed; nothing happens while the log has
     * content, another process has the file open, or this user may not write.
     */
    public void dropEmptyWal() throws SQLException, IOException {
        if (Files.exists(walPath()) && walSize() == 0 && Files.isWritable(path) && Files.isWritable(path.getParent())) {
            try (SqliteSession session = openWriter(Duration.ZERO)) {
                session.number("SELECT count(*) FROM sqlite_master"); // only who has looked at the file tidies up
            }
        }
    }

    private Path walPath() {
        return path.resolveSibling(path.getFileName() + "-wal");
    }

    /** Opens for reading only; SQLite itself refuses every write on it. */
    public SqliteSession openReader(Duration busyTimeout) throws SQLException {
        SQLiteConfig config = config(busyTimeout);
        config.setReadOnly(true);
        return open(config);
    }

    /** Opens for reading and writing; never creates the file. */
    public SqliteSession openWriter(Duration busyTimeout) throws SQLException {
        SQLiteConfig config = config(busyTimeout);
        config.resetOpenMode(SQLiteOpenMode.CREATE);
        return open(config);
    }

    private static SQLiteConfig config(Duration busyTimeout) {
        SQLiteConfig config = new SQLiteConfig();
        config.setBusyTimeout((int) busyTimeout.toMillis());
        // the driver lets one thread at a time into a connection; SQLite's own lock for each value would come on top
        config.setOpenMode(SQLiteOpenMode.NOMUTEX);
        return config;
    }

    private SqliteSession open(SQLiteConfig config) throws SQLException {
        Connection connection = config.createConnection("jdbc:sqlite:" + path);
        try {
            SqliteSession session = new SqliteSession(connection);
            shareWithItsGroup();
            return session;
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
    }

    /**
     * The {@code -wal} and {@code -shm} that SQLite makes get the database's permissions, but only root gives them its
     * owner too: made by somebody who is merely in the database's group they would shut the application out. By name, as
     * an open descriptor would cost SQLite its locks.
     */
    private void shareWithItsGroup() {
        for (String suffix : List.of("-wal", "-shm")) {
            Path beside = path.resolveSibling(path.getFileName() + suffix);
            try {
                Object group = Files.getAttribute(path, "unix:gid");
                if (!Files.getAttribute(beside, "unix:gid").equals(group)) {
                    Files.setAttribute(beside, "unix:gid", group);
                }
            } catch (NoSuchFileException e) {
                continue; // not in WAL mode
            } catch (IOException e) {
                LOG.debug("{} is somebody else's, and so is its group", beside, e);
            }
        }
    }

    /** The file system's type as the kernel names it, for example {@code ext4} or {@code nfs4}. */
    public String fileSystemType() throws IOException {
        return Files.getFileStore(path).type();
    }

    public boolean onNetworkFileSystem() throws IOException {
        return isNetwork(fileSystemType());
    }

    static boolean isNetwork(String type) {
        return NETWORK_FILE_SYSTEMS.contains(type.toLowerCase(Locale.ROOT).replaceFirst("^fuse\\.", ""));
    }
}
