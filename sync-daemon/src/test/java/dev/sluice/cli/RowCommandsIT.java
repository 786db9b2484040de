package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.audit.AuditLines;
import dev.sluice.conflict.ConflictRules;
import dev.sluice.conflict.Policy;
import dev.sluice.daemon.Daemon;
import dev.sluice.metrics.Meters;
import dev.sluice.postgres.Secret;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator does with single rows, through the commands, the API and a daemon. */
class RowCommandsIT {

    @TempDir
    Path folder;

    private LiveGround ground;
    private Daemon daemon;
    private Path token;

    /** What a command said, and how it ended. */
    private record Said(int status, String out, String err) {
        JsonNode json() throws Exception {
            return new ObjectMapper().readTree(out);
        }
    }

    @BeforeEach
    void start() throws Exception {
        ground = new LiveGround(folder, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, s TEXT)",
                "INSERT INTO t VALUES (1, 1, 'one'), (2, 2, 'two'), (3, 3, 'three')", "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT)")
                .flagFile(folder.resolve("traffic.env"))
                .conflicts(new ConflictRules(Policy.TRAFFIC_WINS, Map.of("t", new ConflictRules.TableRule(Policy.PARK, null,
                        Map.of()))));
        token = folder.resolve("token");
        Files.writeString(token, "t0ken-of-the-test");
        daemon = new Daemon(ground.unstarted(), new Meters("test"), Secret.of("t0ken-of-the-test"), new Daemon.ApiAddress("127.0.0.1", 0, false));
        ground.awaitReplicating();
    }

    @AfterEach
    void stop() throws Exception {
        daemon.close();
        ground.close();
    }

    private synchronized Said run(String... words) {
        List<String> line = new ArrayList<>(List.of(words));
        line.addAll(List.of("--daemon", daemon.uri().toString(), "--token-file", token.toString()));
        return said(line.toArray(String[]::new));
    }

    private Said edit(String id, String columns) throws IOException {
        return run("parked", "edit", id, "--columns",
                Files.writeString(folder.resolve("columns.json"), columns).toString());
    }

    private static Said said(String... line) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
        ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
        try {
            System.setOut(new PrintStream(outBytes, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(errBytes, true, StandardCharsets.UTF_8));
            int status = Main.run(line);
            System.out.flush();
            return new Said(status, outBytes.toString(StandardCharsets.UTF_8), errBytes.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }

    private String parkOne() throws Exception {
        ground.app("UPDATE t SET n = 'no number', s = 'secret' WHERE id = 1");
        ground.awaitArrival();
        JsonNode rows = run("parked", "list", "--json").json().path("rows");
        assertThat(rows).hasSize(1);
        return rows.path(0).path("id").asText();
    }

    private List<String> acts() throws Exception {
        List<String> acts = new ArrayList<>();
        run("audit", "show", "--json").json().path("entries").forEach(entry -> acts.add(entry.path("act").asText()));
        return acts;
    }

    @Test
    void parkedRowIsShownWithoutItsValuesUnlessTheyAreAskedFor() throws Exception {
        String id = parkOne();
        assertThat(run("parked").out()).contains(id, "t key (1)").doesNotContain("secret");
        assertThat(run("parked", "show", id).out()).contains("not_representable", "sha256").doesNotContain("secret");
        assertThat(run("parked", "show", id, "--show-values").out()).contains("s = secret", "n = no number");
        Said unknown = run("parked", "show", "f000000000000");
        assertThat(unknown.status()).isEqualTo(1);
        assertThat(unknown.err()).contains("no row is parked as f000000000000");
    }

    @Test
    void parkedRowIsRetriedEditedOrDiscardedAndTheAuditKnows() throws Exception {
        String id = parkOne();
        assertThat(run("parked", "retry", id).status()).as("it still does not fit").isEqualTo(1);
        Said refused = edit(id, "{\"n\": \"still no number\"}");
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.err()).contains("stays parked");
        assertThat(edit(id, "{\"id\": \"9\"}").err()).contains("part of the key");
        assertThat(edit(id, "{\"x\": \"9\"}").err()).contains("no column x");
        assertThat(edit(id, "{\"n\": sevén").err()).contains("holds no JSON object").doesNotContain("sevén");
        assertThat(ground.parked()).containsExactly("t|1|not_representable");
        assertThat(edit(id, "{\"n\": \"7\", \"s\": null}").status()).isZero();
        assertThat(ground.target("SELECT id, n, s FROM t WHERE id = 1")).containsExactly("1|7|∅");
        assertThat(ground.parked()).isEmpty();

        id = parkAgain();
        assertThat(run("parked", "discard", id).status()).as("a reason is asked for").isEqualTo(2);
        assertThat(run("parked", "discard", id, "--reason", "a test row").status()).isZero();
        assertThat(ground.parked()).isEmpty();
        assertThat(acts()).contains("phase", "retry_parked", "edit_parked", "discard_parked");
        String audited = run("audit", "show").out();
        assertThat(audited).contains("a test row", "api token, 127.0.0.1", System.getProperty("user.name"))
                .doesNotContain("secret", "no number");
    }

    private String parkAgain() throws Exception {
        ground.app("UPDATE t SET n = 'nothing' WHERE id = 1");
        ground.awaitArrival();
        return run("parked", "--json").json().path("rows").path(0).path("id").asText();
    }

    @Test
    void conflictIsListedShownAndResolved() throws Exception {
        Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> ground.target(
                "SELECT whole FROM sluice.version_table").equals(List.of("t")));
        ground.there("SET sluice.writer = 'on'", "UPDATE t SET s = 'outside' WHERE id IN (2, 3)", "RESET sluice.writer");
        ground.app("UPDATE t SET n = 22 WHERE id = 2", "UPDATE t SET n = 33 WHERE id = 3");
        ground.awaitArrival();
        assertThat(run("conflicts").out()).contains("t key (2): update_update, park", "t key (3): update_update, park")
                .doesNotContain("outside");
        JsonNode conflicts = run("conflicts", "list", "--json").json().path("conflicts");
        for (JsonNode conflict : conflicts) {
            String id = conflict.path("id").asText();
            boolean second = conflict.path("key").path(0).asText().equals("2");
            assertThat(run("conflicts", "show", id, "--show-values").out()).contains("≠ s: SQLite", "PostgreSQL outside");
            Said said = run("conflicts", "resolve", id, "--take", second ? "source" : "target");
            assertThat(said.err()).isEmpty();
            assertThat(said.out()).contains("closed", second ? "source taken by" : "target taken by");
        }
        assertThat(ground.target("SELECT id, n, s FROM t WHERE id > 1 ORDER BY id")).containsExactly("2|22|two", "3|3|outside");
        assertThat(ground.parked()).isEmpty();
        assertThat(run("conflicts").out()).startsWith("0 listed");
        assertThat(acts()).contains("conflict", "resolve_conflict");
    }

    @Test
    void auditIsExportedAndWhatIsDoneToItIsNamed() throws Exception {
        run("pause");
        run("resume");
        Said whole = run("audit", "verify");
        assertThat(whole.status()).as(whole.out() + whole.err()).isZero();
        Path exported = folder.resolve("exported.jsonl");
        assertThat(run("audit", "export", exported.toString()).status()).isZero();
        assertThat(AuditLines.read(exported).entries()).extracting(entry -> entry.act()).contains("phase", "pause", "resume");
        assertThat(said("audit", "verify", exported.toString()).status()).isZero();
        Files.writeString(exported, Files.readString(exported).replace("\"pause\"", "\"nothing\""));
        Said edited = said("audit", "verify", exported.toString());
        assertThat(edited.status()).isEqualTo(1);
        assertThat(edited.out()).contains("was edited");

        ground.there("DELETE FROM sluice.audit WHERE ordinal = 2");
        Said deleted = run("audit", "verify");
        assertThat(deleted.status()).isEqualTo(1);
        assertThat(deleted.out()).contains("PostgreSQL: entry 2 was deleted");
        SameRows.assertSame(ground);
    }
}
