package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testing.LiveGround;
import dev.sluice.testing.PostgresForTests;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What can't be done is said in one sentence on standard error, with exit status 1, and nothing is changed. */
class RefusalIT {

    @TempDir
    Path folder;

    private record Answer(int status, String out, String err) {}

    private Answer sluice(Map<String, String> environment, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx256m", "-cp",
                System.getProperty("java.class.path"), "dev.sluice.cli.Main"));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("SLUICE_STATE_DIR", folder.resolve("state").toString());
        builder.environment().putAll(environment);
        Path out = folder.resolve("out.txt");
        Path err = folder.resolve("err.txt");
        Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
        assertThat(process.waitFor(2, TimeUnit.MINUTES)).as("ends by itself").isTrue();
        return new Answer(process.exitValue(), read(out), read(err));
    }

    private static String read(Path file) throws IOException {
        return Files.readString(file, StandardCharsets.UTF_8);
    }

    private static Map<String, String> password() {
        return Map.of("SLUICE_TARGET_PASSWORD", PostgresForTests.password().reveal());
    }

    private static String url(LiveGround ground) {
        return "postgres://" + ground.target().url().effectiveUser() + "@" + ground.target().url().host() + ":"
                + ground.target().url().port() + "/" + ground.target().url().effectiveDatabase();
    }

    private void refused(Answer answer, String words) {
        assertThat(answer.err).contains(words).doesNotContain("Exception").doesNotContain("\tat ");
        assertThat(answer.status).as(answer.err).isEqualTo(1);
    }

    @Test
    void unusableSourcesAreRefused() throws Exception {
        refused(sluice(Map.of(), "assess", "--source", folder.resolve("none.db").toString()), "none.db");
        refused(sluice(Map.of(), "assess", "--source", folder.toString()), "directory");
        Path text = Files.writeString(folder.resolve("text.db"), "this is no database, only text of some length ".repeat(40));
        refused(sluice(Map.of(), "assess", "--source", text.toString()), "not a SQLite");
    }

    @Test
    void unusableTargetsAreRefusedAndNothingIsChanged() throws Exception {
        try (LiveGround ground = new LiveGround(folder, "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)",
                "INSERT INTO t(v) VALUES ('a'), ('b')")) {
            String source = ground.file().path().toString();
            refused(sluice(Map.of("SLUICE_TARGET_PASSWORD", "wrong"), "migrate", "--source", source, "--target", url(ground)),
                    "password");
            refused(sluice(password(), "plan", "--source", source, "--target",
                    "postgres://" + ground.target().url().effectiveUser() + "@127.0.0.1:1/nowhere"), "127.0.0.1:1");
            refused(sluice(password(), "migrate", "--source", source, "--target",
                    url(ground).replace(ground.target().url().effectiveDatabase(), "no_such_database")), "has no database 'no_such_database'");
            ground.there("CREATE TABLE t(id bigint PRIMARY KEY, v text)", "INSERT INTO t VALUES (7, 'mine')");
            refused(sluice(password(), "migrate", "--source", source, "--target", url(ground)), "holds rows already");
            assertThat(ground.target("SELECT * FROM t")).containsExactly("7|mine");
            assertThat(ground.target("SELECT count(*) FROM pg_namespace WHERE nspname = 'sluice'")).containsExactly("0");
            assertThat(ground.source("SELECT count(*) FROM sqlite_master WHERE name LIKE '%sluice%'")).containsExactly("0");
        }
    }

    @Test
    void wrongUsageHasItsOwnStatusAndNamesTheNearestKey() throws Exception {
        assertThat(sluice(Map.of(), "assess", "--sauce", "x").status).isEqualTo(2);
        Path config = Files.writeString(folder.resolve("c.yaml"), "sorce: {file: a.db}\ncopy: {workers: many}\n");
        Answer answer = sluice(Map.of(), "assess", "--config", config.toString());
        assertThat(answer.status).isEqualTo(2);
        assertThat(answer.err).contains("source").contains("workers");
    }

    @Test
    void existingSchemaIsMatchedAndFilledAndMisfitsAreNamedBeforeAnythingMoves() throws Exception {
        try (LiveGround ground = new LiveGround(folder,
                "CREATE TABLE Users(Id INTEGER PRIMARY KEY, Email TEXT UNIQUE, Active BOOLEAN, Made DATETIME, Score NUMERIC)",
                "CREATE TABLE Orders(Id INTEGER PRIMARY KEY, UserId INTEGER REFERENCES Users(Id), Code CHAR(2))",
                "INSERT INTO Users VALUES (1, 'a@x', 1, '2026-01-02 03:04:05', 1.5), (9, NULL, 0, NULL, 7)",
                "INSERT INTO Orders VALUES (4, 9, 'DE'), (5, 1, 'FR')")) {
            String source = ground.file().path().toString();
            ground.there("CREATE TABLE users(active boolean, id serial PRIMARY KEY, email varchar(50), made timestamp)",
                    "CREATE TABLE orders(id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                            + " userid integer REFERENCES users, code char(2), extra text DEFAULT 'x')");
            refused(sluice(password(), "migrate", "--source", source, "--target", url(ground)), "Score");
            assertThat(ground.target("SELECT count(*) FROM users")).containsExactly("0");
            ground.there("ALTER TABLE users ADD COLUMN score numeric(6,2)");
            Answer done = sluice(password(), "migrate", "--source", source, "--target", url(ground));
            assertThat(done.status).as(done.err + done.out).isZero();
            assertThat(ground.target("SELECT id, email, active, made, score FROM users ORDER BY 1"))
                    .containsExactly("1|a@x|t|2026-01-02 03:04:05|1.50", "9|∅|f|∅|7.00");
            assertThat(ground.target("SELECT id, userid, code, extra FROM orders ORDER BY 1"))
                    .containsExactly("4|9|DE|x", "5|1|FR|x");
            assertThat(ground.target("INSERT INTO orders(code) VALUES ('XX') RETURNING id")).containsExactly("6");
            assertThat(ground.target("SELECT nextval('users_id_seq')")).containsExactly("10");
            assertThat(ground.traces()).isEmpty();
        }
    }

    @Test
    void mappingRulesOverrideNamesAndTypes() throws Exception {
        try (LiveGround ground = new LiveGround(folder,
                "CREATE TABLE t(id INTEGER PRIMARY KEY, at DATETIME, cents INTEGER, secret TEXT, mail TEXT COLLATE NOCASE)",
                "CREATE TABLE junk(x)",
                "INSERT INTO t VALUES (1, '2026-07-01 12:00:00', 1250, 's', 'A@b')", "INSERT INTO junk VALUES (1)")) {
            Path config = Files.writeString(folder.resolve("c.yaml"), """
                    nocase: citext
                    mapping:
                      tables:
                        junk: {exclude: true}
                        t:
                          name: things
                          columns:
                            at: {type: timestamptz, timezone: Europe/Berlin}
                            cents: {name: euros, type: "numeric(12,2)", using: "$1::numeric / 100"}
                            secret: {exclude: true}
                    """);
            Answer done = sluice(password(), "migrate", "--config", config.toString(), "--source",
                    ground.file().path().toString(), "--target", url(ground));
            assertThat(done.status).as(done.err + done.out).isZero();
            assertThat(ground.target("SELECT id, at AT TIME ZONE 'UTC', euros, mail = 'a@B' FROM things"))
                    .containsExactly("1|2026-07-01 10:00:00|12.50|t");
            assertThat(ground.target("SELECT count(*) FROM pg_attribute WHERE attrelid = 'things'::regclass"
                    + " AND attname = 'secret'")).containsExactly("0");
            assertThat(ground.target("SELECT to_regclass('junk')")).containsExactly("∅");
        }
    }
}
