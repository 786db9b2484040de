package dev.sluice.sqlite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.testing.Application;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Locks and files, with the application in another process: POSIX locks do not bind the process that holds them. */
class SqliteFileTest {

    private static final int BUSY = 5;

    @TempDir Path folder;

    private SqliteFile file;
    private Application application;

    @BeforeEach
    void open() throws Exception {
        file = new SqliteFile(folder.resolve("source.sqlite"));
        application = Application.ours();
        application.open(file.path(), "PRAGMA busy_timeout = 0", "CREATE TABLE t(id INTEGER PRIMARY KEY, v)",
                "INSERT INTO t VALUES (1, 1)");
    }

    @AfterEach
    void close() throws Exception {
        application.close();
    }

    @Test
    void whatWeAskOfAFileLeavesOurLocksOnIt() throws Exception {
        for (String mode : List.of("DELETE", "WAL")) {
            application.run("PRAGMA journal_mode = " + mode, "INSERT INTO t(v) VALUES (1)");
            try (SqliteSession writer = file.openWriter(Duration.ofSeconds(1))) {
                writer.beginImmediate();
                file.identity();
                assertThat(file.size()).isPositive();
                file.walSize();
                file.syncWal();
                file.fileSystemType();
                file.dropEmptyWal();
                try (SqliteSession second = file.openReader(Duration.ofSeconds(1))) {
                    assertThat(second.number("SELECT count(*) FROM t")).isPositive();
                }
                assertThatThrownBy(() -> application.run("INSERT INTO t(v) VALUES (2)"))
                        .isInstanceOfSatisfying(SQLException.class, e -> assertThat(e.getErrorCode()).isEqualTo(BUSY));
                writer.rollback();
            }
            application.run("INSERT INTO t(v) VALUES (3)");
        }
    }

    /** The control: this is why nothing but SQLite may open the file. */
    @Test
    void anyOtherDescriptorThatIsClosedDropsOurLocks() throws Exception {
        try (SqliteSession writer = file.openWriter(Duration.ofSeconds(1))) {
            writer.beginImmediate();
            assertThatThrownBy(() -> application.run("INSERT INTO t(v) VALUES (2)")).isInstanceOf(SQLException.class);
            FileChannel.open(file.path()).close();
            application.run("INSERT INTO t(v) VALUES (2)");
            writer.rollback();
        }
    }

    @Test
    void identityTellsAFileThatWasReplacedFromOneThatWasWritten() throws Exception {
        SqliteFile.Identity before = file.identity();
        application.run("INSERT INTO t(v) VALUES (2)", "VACUUM");
        assertThat(file.identity()).isEqualTo(before);
        Path other = Files.copy(file.path(), folder.resolve("other.sqlite"));
        Files.move(other, file.path(), StandardCopyOption.REPLACE_EXISTING);
        assertThat(file.identity()).isNotEqualTo(before);
    }

    @Test
    void fileSystemsWithoutReliableLocksAreKnownByTheirTypes() throws Exception {
        assertThat(List.of("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "fuse.sshfs", "fuse.glusterfs"))
                .allMatch(SqliteFile::isNetwork);
        assertThat(List.of("ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "apfs")).noneMatch(SqliteFile::isNetwork);
        assertThat(file.fileSystemType()).isNotEmpty();
    }

    /** Its log is longer than those that SQLite moves into the file by itself. */
    @Test
    void logOfAnApplicationThatIsThereIsNeitherMovedIntoTheFileNorDeletedWhenWeClose() throws Exception {
        application.run("PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
                        + " INSERT INTO t(v) SELECT zeroblob(4000) FROM n");
        Path wal = Path.of(file.path() + "-wal");
        Object inode = Files.getAttribute(wal, "unix:ino");
        long size = file.walSize();
        assertThat(size).isGreaterThan(8_000_000);
        try (SqliteSession reader = file.openReader(Duration.ofSeconds(1));
                SqliteSession writer = file.openWriter(Duration.ofSeconds(1))) {
            assertThat(reader.number("SELECT count(*) FROM t")).isEqualTo(2001);
            writer.beginImmediate();
            writer.rollback();
        }
        file.dropEmptyWal();
        assertThat(Files.getAttribute(wal, "unix:ino")).isEqualTo(inode);
        assertThat(file.walSize()).isEqualTo(size);
        assertThat(file.size()).isLessThan(100_000);
        assertThat(application.ask("SELECT count(*) FROM t")).containsExactly("2001");
    }

    /** Only the superuser can be somebody else here; SQLite itself gives the files it makes to the database's owner. */
    @Test
    void walAndShmOfAnotherUsersFileBelongToThatUser() throws Exception {
        application.run("PRAGMA journal_mode = WAL");
        application.close();
        assumeTrue("root".equals(System.getProperty("user.name")),
                "not tested: only root can read another user's file as somebody else");
        Files.setAttribute(file.path(), "unix:uid", 12345);
        Files.setAttribute(file.path(), "unix:gid", 12345);
        try (SqliteSession reader = file.openReader(Duration.ofSeconds(1));
                SqliteSession writer = file.openWriter(Duration.ofSeconds(1))) {
            assertThat(reader.number("SELECT count(*) FROM t")).isEqualTo(1);
            writer.execute("INSERT INTO t(v) VALUES (2)");
            for (String suffix : List.of("-wal", "-shm")) {
                Path beside = Path.of(file.path() + suffix);
                assertThat(Files.getAttribute(beside, "unix:uid")).as(suffix).isEqualTo(12345);
                assertThat(Files.getAttribute(beside, "unix:mode")).as(suffix)
                        .isEqualTo(Files.getAttribute(file.path(), "unix:mode"));
            }
        }
        assertThat(Files.getAttribute(file.path(), "unix:uid")).isEqualTo(12345);
    }
}
