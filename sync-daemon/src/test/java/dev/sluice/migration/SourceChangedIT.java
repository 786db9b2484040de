package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import dev.sluice.verify.VerifyReport;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A source that is not what it was is healed or blocked with a sentence; it is never followed blindly. */
class SourceChangedIT {

    private static final String[] SCHEMA = {
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE)",
        "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT)",
        "CREATE TABLE log (line TEXT)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
                + " INSERT INTO users SELECT i, 'name ' || i, 'mail' || i FROM n",
        "INSERT INTO kv SELECT 'k' || id, name FROM users", "INSERT INTO log SELECT name FROM users"};

    @TempDir
    Path folder;

    private LiveGround ground() throws Exception {
        return new LiveGround(folder, SCHEMA);
    }

    /** Everything that the application has committed arrives, and nothing else is there. */
    private static void assertFollows(LiveGround ground) throws Exception {
        ground.awaitArrival();
        VerifyReport report = ground.verify();
        SameRows.assertSame(ground);
        assertThat(report.isEqual()).isTrue();
    }

    private void write(LiveGround ground, String mark) throws Exception {
        ground.app("UPDATE users SET name = '" + mark + "' WHERE id % 7 = 0", "DELETE FROM users WHERE id % 50 = 1",
                "REPLACE INTO kv VALUES ('k5', '" + mark + "'), ('new " + mark + "', 'x')",
                "INSERT INTO log VALUES ('" + mark + "')", "DELETE FROM log WHERE line = 'name 9'");
    }

    // ---- the file ----

    @Test
    void backupMovedOverTheFileIsHealed() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            write(ground, "before");
            Path backup = folder.resolve("backup.db");
            ground.app("VACUUM INTO '" + backup + "'");
            write(ground, "lost");
            ground.verify();
            ground.replaceSource(backup);
            write(ground, "after");
            assertFollows(ground);
        }
    }

    @Test
    void backupMovedOverTheFileWhileNobodyFollowsIsHealed() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            Path backup = folder.resolve("backup.db");
            ground.app("VACUUM INTO '" + backup + "'");
            write(ground, "lost");
            ground.verify();
            ground.stop();
            ground.replaceSource(backup);
            ground.startAndFollow();
            assertFollows(ground);
        }
    }

    @Test
    void backupFromBeforeTheMigrationIsComparedWhole() throws Exception {
        try (LiveGround ground = ground()) {
            Path backup = folder.resolve("backup.db");
            ground.app("VACUUM INTO '" + backup + "'");
            write(ground, "never backed up");
            ground.startAndFollow();
            ground.replaceSource(backup);
            write(ground, "after");
            assertFollows(ground);
        }
    }

    @Test
    void backupRestoredIntoTheSameFileIsHealed() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            Path backup = folder.resolve("backup.db");
            write(ground, "before");
            ground.app("backup to '" + backup + "'");
            write(ground, "lost");
            ground.verify();
            ground.app("restore from '" + backup + "'");
            // more changes than were lost, so that the changelog's numbers are given again
            write(ground, "after");
            write(ground, "and after");
            assertFollows(ground);
        }
    }

    @Test
    void backupRestoredInTheMiddleOfTheCopyIsComparedWhole() throws Exception {
        try (LiveGround ground = ground()) {
            Path backup = folder.resolve("backup.db");
            ground.app("backup to '" + backup + "'");
            write(ground, "copied in part");
            ground.startAndPauseMidCopy();
            ground.app("restore from '" + backup + "'");
            ground.migration().resume();
            ground.awaitReplicating();
            assertFollows(ground);
        }
    }

    @Test
    void backupMovedOverTheFileInTheMiddleOfTheCopyIsComparedWhole() throws Exception {
        try (LiveGround ground = ground()) {
            Path backup = folder.resolve("backup.db");
            ground.app("backup to '" + backup + "'");
            write(ground, "copied in part");
            ground.startAndPauseMidCopy();
            ground.replaceSource(backup);
            ground.migration().resume();
            ground.awaitReplicating();
            assertFollows(ground);
        }
    }

    @Test
    void missingFileBlocksUntilItIsBack() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            Path away = folder.resolve("away.db");
            ground.verify();
            Files.move(ground.file().path(), away);
            assertThat(ground.awaitBlocked("is gone")).contains("put it back");
            Files.move(away, ground.file().path());
            assertFollows(ground);
        }
    }

    // ---- the schema ----

    private static void rebuild(LiveGround ground, String... between) throws Exception {
        ground.app("BEGIN IMMEDIATE",
                "CREATE TABLE users_new (id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE)",
                "INSERT INTO users_new SELECT id, name, email FROM users");
        ground.app(between);
        ground.app("DROP TABLE users", "ALTER TABLE users_new RENAME TO users", "COMMIT");
    }

    @Test
    void tableRebuiltInTwelveStepsIsCapturedAgainAndCompared() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            rebuild(ground, "UPDATE users_new SET name = 'in the rebuild' WHERE id < 10", "DELETE FROM users_new WHERE id = 200");
            ground.app("UPDATE users SET name = 'in the gap' WHERE id = 100");
            assertFollows(ground);
            write(ground, "captured again");
            assertFollows(ground);
        }
    }

    @Test
    void tableRebuiltWhileNobodyFollowsIsCapturedAgainAndCompared() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            ground.stop();
            rebuild(ground, "UPDATE users_new SET name = 'in the rebuild' WHERE id < 10");
            ground.app("UPDATE users SET name = 'in the gap' WHERE id = 100");
            ground.startAndFollow();
            assertFollows(ground);
        }
    }

    @Test
    void tableRebuiltInTheMiddleOfTheCopyIsCapturedAgainAndCompared() throws Exception {
        try (LiveGround ground = ground()) {
            ground.startAndPauseMidCopy();
            rebuild(ground, "UPDATE users_new SET name = 'in the rebuild'", "DELETE FROM users_new WHERE id < 10");
            ground.app("UPDATE kv SET v = 'captured'");
            ground.migration().resume();
            ground.awaitReplicating();
            assertFollows(ground);
        }
    }

    @Test
    void comparisonThatWasInterruptedIsDoneByTheNextDaemon() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            ground.stop();
            rebuild(ground, "UPDATE users_new SET name = 'in the rebuild' WHERE id < 10");
            ground.there("ALTER TABLE users RENAME TO hidden"); // so that the comparison can't come to its end
            ground.start();
            ground.awaitBlocked("the target lacks something that was expected");
            ground.stop();
            ground.there("ALTER TABLE hidden RENAME TO users");
            ground.startAndFollow();
            assertFollows(ground);
        }
    }

    @Test
    void rebuiltGapIsNotForgottenByALaterRestoreOfAnOlderBackup() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            Path backup = folder.resolve("backup.db");
            ground.app("backup to '" + backup + "'");
            rebuild(ground, "UPDATE users_new SET name = 'no changelog row says so' WHERE id = 10");
            assertFollows(ground);
            ground.app("DELETE FROM kv WHERE k = 'last'");
            ground.app("restore from '" + backup + "'");
            assertFollows(ground);
        }
    }

    @Test
    void vacuumThatRenumbersRowsIsNoticed() throws Exception {
        try (LiveGround ground = ground().startAndFollow()) {
            ground.app("DELETE FROM log WHERE rowid < 100");
            ground.verify();
            ground.app("VACUUM");
            assertFollows(ground);
            ground.stop();
            ground.app("DELETE FROM log WHERE rowid < 100", "VACUUM", "INSERT INTO log VALUES ('after')");
            ground.startAndFollow();
            assertFollows(ground);
        }
    }

    @Test
    void vacuumInTheMiddleOfTheCopyLosesNothing() throws Exception {
        try (LiveGround ground = ground()) {
            ground.app("DELETE FROM log WHERE rowid % 2 = 0");
            ground.startAndPauseMidCopy();
            ground.app("DELETE FROM log WHERE rowid < 60", "VACUUM");
            ground.migration().resume();
            ground.awaitReplicating();
            assertFollows(ground);
        }
    }
}
