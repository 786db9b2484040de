package dev.sluice.sqlite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.sluice.testing.Databases;
import dev.sluice.testing.SourceFile;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PreflightTest {

    @TempDir Path folder;

    @Test
    void networkFileSystemsAreKnownByTheKernelsNames() {
        for (String type : List.of("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "fuse.sshfs", "fuse.glusterfs", "fuse.s3fs",
                "fuse.rclone", "vboxsf")) {
            assertThat(SqliteFile.isNetwork(type)).as(type).isTrue();
        }
        for (String type : List.of("ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "apfs", "fuseblk", "fuse.fuse-overlayfs",
                "nfsd", "")) {
            assertThat(SqliteFile.isNetwork(type)).as(type).isFalse();
        }
    }

    @Test
    void soundFilePassesForReadingAndWriting() throws Exception {
        for (String mode : new String[] {"WAL", "DELETE"}) {
            try (SourceFile source = new SourceFile(folder.resolve(mode + ".sqlite"), "PRAGMA journal_mode = " + mode,
                    "CREATE TABLE t(a UNIQUE)", "INSERT INTO t VALUES (1)")) {
                Preflight.check(source.file(), true);
                Preflight.checkIntegrity(source.file(), Duration.ofSeconds(1));
                assertThat(source.ask("SELECT count(*) FROM sqlite_master")).containsExactly("2");
            }
        }
    }

    @Test
    void lookingAtAFileThatNobodyHasOpenLeavesNothingBesideIt() throws Exception {
        Path path = folder.resolve("alone.sqlite");
        try (SourceFile source = new SourceFile(path, "PRAGMA journal_mode = WAL", "CREATE TABLE t(a)")) {
            assertThat(source.ask("SELECT 1")).hasSize(1);
        }
        byte[] before = Files.readAllBytes(path);
        for (boolean willWrite : new boolean[] {false, true}) {
            Preflight.check(new SqliteFile(path), willWrite);
            assertThat(folder.toFile().list()).containsExactly("alone.sqlite");
            assertThat(Files.readAllBytes(path)).isEqualTo(before);
        }
    }

    @Test
    void everyRealDatabasePasses() throws Exception {
        for (Path database : Databases.all()) {
            Path copy = Databases.copy(database, Files.createTempDirectory(folder, "db"));
            Preflight.check(new SqliteFile(copy), true);
        }
    }

    @Test
    void missingFileAndDirectoryAreRefused() {
        assertRefused(folder.resolve("none.sqlite"), "there is no file");
        assertRefused(folder, "is a directory");
    }

    @Test
    void fileThatIsNotSqliteIsRefused() throws Exception {
        byte[] noise = new byte[8192];
        new Random(1).nextBytes(noise);
        assertRefused(Files.write(folder.resolve("noise"), noise), "is not a SQLite database, or it is encrypted");
        assertRefused(Files.writeString(folder.resolve("text"), "id,name\n1,x\n".repeat(200)),
                "is not a SQLite database");
    }

    @Test
    void corruptFileIsRefusedWithTheFirstError() throws Exception {
        Path path = folder.resolve("corrupt.sqlite");
        try (SourceFile source = new SourceFile(path, "CREATE TABLE t(a, b)", "CREATE INDEX i ON t(a)",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
                        + " INSERT INTO t SELECT i, hex(randomblob(20)) FROM n")) {
            assertThat(source.ask("PRAGMA integrity_check")).containsExactly("ok");
        }
        Path broken = Files.copy(path, folder.resolve("broken.sqlite"));
        try (RandomAccessFile bytes = new RandomAccessFile(broken.toFile(), "rw")) {
            bytes.seek(4096 * 5);
            bytes.write(new byte[4096 * 3]);
        }
        assertRefused(broken, "is corrupt (first error: ");
        assertThat(assertRefused(broken, "E10")).doesNotContain("\n");
    }

    @Test
    void indexThatLacksARowIsCorruption() throws Exception {
        Path path = folder.resolve("index.sqlite");
        try (SourceFile source = new SourceFile(path, "CREATE TABLE t(a, b)", "CREATE INDEX i ON t(a)",
                "INSERT INTO t VALUES (1, 10), (2, 20)", "PRAGMA writable_schema = ON",
                "UPDATE sqlite_master SET sql = 'CREATE INDEX i ON t(b)' WHERE name = 'i'")) {
            assertThat(source.ask("SELECT a FROM t")).hasSize(2);
        }
        assertRefused(path, "is corrupt");
    }

    @Test
    void valueThatBreaksAConstraintIsNotCorruption() throws Exception {
        try (SourceFile source = new SourceFile(folder.resolve("values.sqlite"), "CREATE TABLE t(a, b CHECK (b > 0))",
                "PRAGMA ignore_check_constraints = ON", "INSERT INTO t VALUES (NULL, -1)",
                "PRAGMA writable_schema = ON",
                "UPDATE sqlite_master SET sql = 'CREATE TABLE t(a NOT NULL, b CHECK (b > 0))' WHERE name = 't'")) {
            assertThat(source.ask("SELECT count(*) FROM t")).containsExactly("1");
        }
        Preflight.check(new SqliteFile(folder.resolve("values.sqlite")), true);
    }

    @Test
    void newerSchemaFormatIsRefused() throws Exception {
        Path path = folder.resolve("newer.sqlite");
        try (SourceFile source = new SourceFile(path, "CREATE TABLE t(a)")) {
            assertThat(source.ask("SELECT 1")).hasSize(1);
        }
        try (RandomAccessFile bytes = new RandomAccessFile(path.toFile(), "rw")) {
            bytes.seek(44);
            bytes.writeInt(9);
        }
        assertRefused(path, "newer format");
    }

    @Test
    void fileThatStaysLockedIsRefusedAfterABoundedWait() throws Exception {
        for (String mode : new String[] {"WAL", "DELETE"}) {
            Path path = folder.resolve("locked-" + mode + ".sqlite");
            try (SourceFile source = new SourceFile(path, "PRAGMA journal_mode = " + mode,
                    "PRAGMA locking_mode = EXCLUSIVE",
                    "CREATE TABLE t(a)", "INSERT INTO t VALUES (1)")) {
                assertThatThrownBy(() -> Preflight.check(source.file(), false, Duration.ofMillis(50)))
                        .isInstanceOf(SourceRefusal.class).hasMessageContaining("E08");
            }
        }
    }

    @Test
    void writeLockThatIsNeverFreeIsRefusedOnlyToAWriter() throws Exception {
        try (SourceFile source = new SourceFile(folder.resolve("busy.sqlite"), "PRAGMA journal_mode = WAL",
                "CREATE TABLE t(a)", "BEGIN IMMEDIATE")) {
            Preflight.check(source.file(), false, Duration.ofMillis(50));
            assertThatThrownBy(() -> Preflight.check(source.file(), true, Duration.ofMillis(50)))
                    .isInstanceOf(SourceRefusal.class).hasMessageContaining("E08");
        }
    }

    @Test
    void fileWithoutWritePermissionIsRefusedOnlyToAWriter() throws Exception {
        assumeThat(System.getProperty("user.name")).as("root may write everywhere").isNotEqualTo("root");
        Path path = folder.resolve("readonly.sqlite");
        try (SourceFile source = new SourceFile(path, "CREATE TABLE t(a)")) {
            assertThat(source.ask("SELECT 1")).hasSize(1);
        }
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("r--r--r--"));
        Preflight.check(new SqliteFile(path), false);
        assertThatThrownBy(() -> Preflight.check(new SqliteFile(path), true))
                .isInstanceOf(SourceRefusal.class).hasMessageContaining("read-only");
    }

    private static String assertRefused(Path path, String text) {
        String[] message = new String[1];
        assertThatThrownBy(() -> Preflight.check(new SqliteFile(path), true, Duration.ofSeconds(1)))
                .isInstanceOfSatisfying(SourceRefusal.class, e -> message[0] = e.getMessage())
                .hasMessageContaining(text);
        return message[0];
    }
}
