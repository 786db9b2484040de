package dev.sluice.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.postgres.Target;
import dev.sluice.store.ControlRow.Claim;
import dev.sluice.store.ControlRow.Content;
import dev.sluice.testing.Plans;
import dev.sluice.testing.PostgresForTests;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The register's row and the audit chain. */
class SwitchRecordsIT {

    private static final String NAME = "m";

    private Target target;
    private Connection session;
    private final ControlRow row = new ControlRow(NAME);

    @BeforeEach
    void open() throws Exception {
        target = PostgresForTests.fresh();
        session = ours();
        StoreSchema.create(session);
        new MigrationStore(NAME).create(session, "app.db", "live", Plans.of("t"), "test");
        session.commit();
    }

    @AfterEach
    void close() throws Exception {
        session.close();
        PostgresForTests.drop(target);
    }

    private Connection ours() throws SQLException {
        Connection connection = target.dedicated();
        connection.setAutoCommit(false);
        return connection;
    }

    // ---- the register ----

    @Test
    void wayThereAndBackRaisesVersionAndEpoch() throws Exception {
        long generation = new MigrationStore(NAME).takeGeneration(session);
        Content at = row.ask(session);
        assertThat(at).isEqualTo(new Content("sqlite", 0, 1, generation));
        long version = at.version();
        assertThat(row.begin(session, new Claim(generation, version, 0))).contains(new Content("sqlite", 0, version + 1, generation));
        assertThat(row.supersede(session, new Claim(generation, version + 1, 0)).orElseThrow().traffic()).isEqualTo("sqlite");
        assertThat(row.flip(session, new Claim(generation, version + 2, 1)))
                .contains(new Content("postgres", 1, version + 3, generation));
        assertThat(row.fence(session, new Claim(generation, version + 3, 2)))
                .contains(new Content("fenced", 2, version + 4, generation));
        assertThat(row.unfence(session, new Claim(generation, version + 4, 2)).orElseThrow().traffic()).isEqualTo("postgres");
        assertThat(row.supersede(session, new Claim(generation, version + 5, 2)))
                .contains(new Content("postgres", 2, version + 6, generation));
        assertThat(row.fence(session, new Claim(generation, version + 6, 3)).orElseThrow().epoch()).isEqualTo(3);
        assertThat(row.settle(session, new Claim(generation, version + 7, 3)))
                .contains(new Content("sqlite", 3, version + 8, generation));
        session.commit();
        assertThat(row.look(session)).contains(row.ask(session));
    }

    @Test
    void claimThatDoesNotHoldChangesNothing() throws Exception {
        long generation = new MigrationStore(NAME).takeGeneration(session);
        Content at = row.ask(session);
        session.commit();
        for (Claim wrong : List.of(new Claim(generation - 1, at.version(), 1), new Claim(generation + 1, at.version(), 1),
                new Claim(generation, at.version() - 1, 1), new Claim(generation, at.version() + 1, 1),
                new Claim(generation, at.version(), -1))) {
            assertThat(row.begin(session, wrong)).as("%s", wrong).isEmpty();
            assertThat(row.supersede(session, wrong)).isEmpty();
            assertThat(row.flip(session, wrong)).isEmpty();
        }
        Claim right = new Claim(generation, at.version(), 1);
        assertThat(row.fence(session, right)).isEmpty();
        assertThat(row.unfence(session, right)).isEmpty();
        assertThat(row.settle(session, right)).isEmpty();
        assertThat(row.holds(session, right, "sqlite")).isTrue();
        assertThat(row.holds(session, right, "postgres")).isFalse();
        assertThat(row.holds(session, new Claim(generation, at.version() + 1, 1), "sqlite")).isFalse();
        assertThat(row.ask(session)).isEqualTo(at);
        assertThat(new ControlRow("another").look(session)).isEmpty();
        assertThatThrownBy(() -> new ControlRow("another").ask(session)).isInstanceOf(TargetWentBack.class);
    }

    @Test
    void askingWaitsForATransactionOfOursThatIsStillUnderWay() throws Exception {
        Content at = row.ask(session);
        session.commit();
        try (Connection late = ours()) {
            row.flip(late, new Claim(at.generation(), at.version(), 1)).orElseThrow();
            Future<Content> asked = aside(() -> row.ask(session));
            Awaitility.await().atMost(Duration.ofSeconds(20)).pollInterval(Duration.ofMillis(5)).until(() -> {
                try (Connection look = target.connect(); Statement statement = look.createStatement();
                        var waiting = statement.executeQuery("SELECT count(*) FROM pg_locks WHERE NOT granted")) {
                    waiting.next();
                    return waiting.getLong(1) > 0;
                }
            });
            late.commit();
            assertThat(asked.get(20, TimeUnit.SECONDS).traffic()).isEqualTo("postgres");
        }
    }

    @Test
    void flipThatArrivesAfterTheAttemptWasGivenUpFindsAnotherVersion() throws Exception {
        Content at = row.ask(session);
        Optional<Content> begun = row.begin(session, new Claim(at.generation(), at.version(), 0));
        session.commit();
        try (Connection other = ours()) {
            row.supersede(other, new Claim(at.generation(), begun.orElseThrow().version(), 0)).orElseThrow();
            other.commit();
        }
        assertThat(row.flip(session, new Claim(at.generation(), begun.orElseThrow().version(), 1))).isEmpty();
    }

    @Test
    void schemaOfAnOlderReleaseGetsWhatItLacks() throws Exception {
        try (Statement statement = session.createStatement()) {
            statement.execute("DROP TABLE sluice.audit");
        }
        StoreSchema.create(session);
        assertThat(new Audit(NAME).entries(session)).isEmpty();
    }

    // ---- the audit ----

    @Test
    void actsOfManyStandInOneChain() throws Exception {
        Audit audit = new Audit(NAME);
        List<Future<?>> writers = new ArrayList<>();
        for (int writer = 0; writer < 4; writer++) {
            String actor = "operator " + writer;
            writers.add(aside(() -> {
                try (Connection connection = ours()) {
                    for (int i = 0; i < 10; i++) {
                        audit.append(connection, actor, "force", "{\"gate\":\"lag\",\"note\":\"größer\"}");
                        connection.commit();
                    }
                }
                return null;
            }));
        }
        for (Future<?> writer : writers) {
            writer.get(60, TimeUnit.SECONDS);
        }
        List<Audit.Entry> entries = audit.entries(session);
        assertThat(entries).hasSize(40);
        assertThat(entries.get(0).previous()).isEqualTo(Audit.START);
        assertThat(entries.get(0).at()).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z");
        assertThat(Audit.brokenAt(NAME, entries)).isEmpty();
        Audit.Entry last = audit.append(session, "x", "cutover", "{}");
        assertThat(last.previous()).isEqualTo(entries.get(39).hash());
        assertThat(audit.entries(session)).last().isEqualTo(last);
    }

    @Test
    void whatIsAlteredOrTakenOutShows() throws Exception {
        Audit audit = new Audit(NAME);
        for (int i = 0; i < 5; i++) {
            audit.append(session, "operator", "pause", "{\"n\":" + i + "}");
        }
        session.commit();
        List<String> tamperings = List.of("UPDATE sluice.audit SET detail = '{}' WHERE ordinal = 3",
                "UPDATE sluice.audit SET actor = 'nobody' WHERE ordinal = 3",
                "UPDATE sluice.audit SET act = 'resume' WHERE ordinal = 3",
                "UPDATE sluice.audit SET at = at + interval '1 microsecond' WHERE ordinal = 3",
                "UPDATE sluice.audit SET hash = repeat('0', 64) WHERE ordinal = 3",
                "DELETE FROM sluice.audit WHERE ordinal = 3");
        for (String tampering : tamperings) {
            try (Statement statement = session.createStatement()) {
                statement.execute(tampering);
            }
            assertThat(Audit.brokenAt(NAME, audit.entries(session))).as(tampering).isEqualTo(OptionalLong.of(3));
            session.rollback();
        }
        assertThat(Audit.brokenAt(NAME, audit.entries(session))).isEmpty();
        assertThat(Audit.brokenAt("another", audit.entries(session))).isEqualTo(OptionalLong.of(1));
    }

    private static <T> Future<T> aside(Callable<T> work) {
        ExecutorService thread = Executors.newSingleThreadExecutor();
        Future<T> future = thread.submit(work);
        thread.shutdown();
        return future;
    }
}
