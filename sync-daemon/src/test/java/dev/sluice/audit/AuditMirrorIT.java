package dev.sluice.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.audit.AuditCheck.Damage;
import dev.sluice.audit.AuditCheck.Finding;
import dev.sluice.postgres.Target;
import dev.sluice.store.Audit;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.StoreSchema;
import dev.sluice.testing.Plans;
import dev.sluice.testing.PostgresForTests;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditMirrorIT {

    private static final String NAME = "app";

    @TempDir
    Path folder;

    private Target target;
    private Connection session;
    private Path file;
    private AuditMirror mirror;

    @BeforeEach
    void writesTen() throws Exception {
        target = PostgresForTests.fresh();
        session = target.dedicated();
        StoreSchema.create(session);
        new MigrationStore(NAME).create(session, "app.db", "live", Plans.of("t"), "test");
        file = folder.resolve("audit-app.jsonl");
        mirror = new AuditMirror(NAME, file);
        act(10);
        mirror.flush(session);
    }

    @AfterEach
    void close() throws Exception {
        session.close();
        PostgresForTests.drop(target);
    }

    private void act(int times) throws Exception {
        for (int i = 0; i < times; i++) {
            new Audit(NAME).append(session, "anna", "pause", "{\"wörter\":\"zwei\\nZeilen\"}");
        }
    }

    private void execute(String sql) throws Exception {
        try (Statement statement = session.createStatement()) {
            statement.execute(sql);
        }
    }

    private List<Damage> damages() throws Exception {
        return mirror.verify(session).findings().stream().map(Finding::damage).distinct().toList();
    }

    @Test
    void theFileHasWhatPostgresHasAndOnlyItsUserMayReadIt() throws Exception {
        assertThat(AuditLines.read(file).entries()).isEqualTo(new Audit(NAME).entries(session)).hasSize(10);
        assertThat(Files.getPosixFilePermissions(file)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        act(3);
        AuditMirror.Report report = mirror.verify(session);
        assertThat(report).isEqualTo(new AuditMirror.Report(13, List.of(file.toString()), List.of()));
    }

    @Test
    void aDaemonThatStartsAgainGoesOnBehindALineThatACrashCutOff() throws Exception {
        String whole = Files.readString(file);
        Files.writeString(file, whole.substring(0, whole.length() - 40));
        act(1);
        mirror = new AuditMirror(NAME, file);
        assertThat(mirror.verify(session).findings()).isEmpty();
        assertThat(AuditLines.read(file).entries()).hasSize(11);
    }

    @Test
    void whatWasDoneInPostgresIsNamed() throws Exception {
        execute("DELETE FROM sluice.audit WHERE ordinal = 4");
        assertThat(mirror.verify(session).findings()).extracting(Finding::says)
                .containsExactly("PostgreSQL: entry 4 was deleted");
    }

    @Test
    void anEndThatWasCutOffInPostgresIsFoundByTheFileAlsoAfterMoreWasWritten() throws Exception {
        execute("DELETE FROM sluice.audit WHERE ordinal > 7");
        assertThat(damages()).containsExactly(Damage.CUT_OFF);
        act(5);
        assertThat(mirror.verify(session).findings()).extracting(Finding::damage, Finding::ordinal)
                .contains(org.assertj.core.groups.Tuple.tuple(Damage.DIFFERENT, 8L));
        assertThat(new AuditMirror(NAME, file).verify(session).findings()).as("after a restart").isNotEmpty();
    }

    @Test
    void whatWasDoneInTheFileIsNamed() throws Exception {
        List<String> lines = Files.readAllLines(file);
        List<String> edited = new ArrayList<>(lines);
        edited.set(2, lines.get(2).replace("anna", "otto"));
        Files.write(file, edited);
        assertThat(mirror.verify(session).findings()).extracting(Finding::damage, Finding::ordinal)
                .contains(org.assertj.core.groups.Tuple.tuple(Damage.EDITED, 3L));
        List<String> moved = new ArrayList<>(lines);
        Collections.swap(moved, 2, 6);
        Files.write(file, moved);
        assertThat(damages()).contains(Damage.REORDERED);
        List<String> less = new ArrayList<>(lines);
        less.remove(5);
        Files.write(file, less);
        assertThat(damages()).contains(Damage.DELETED);
        Files.write(file, lines.subList(0, 8));
        assertThat(mirror.verify(session).findings()).extracting(Finding::damage).containsExactly(Damage.CUT_OFF);
        assertThat(mirror.verify(session).findings()).as("written again").isEmpty();
    }

    @Test
    void theFileOfAnEarlierMigrationOfThisNameIsPutAsideAndLeftAlone() throws Exception {
        execute("DELETE FROM sluice.audit");
        act(2);
        assertThat(mirror.verify(session).findings()).isEmpty();
        assertThat(AuditLines.read(file).entries()).hasSize(2);
        try (var files = Files.list(folder)) {
            assertThat(files.toList()).hasSize(2);
        }
    }
}
