package dev.sluice.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.conflict.ConflictRules;
import dev.sluice.conflict.Direction;
import dev.sluice.conflict.Policy;
import dev.sluice.postgres.Secret;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {

    @TempDir
    private Path directory;

    @Test
    void nothingWrittenGivesEveryDefault() {
        Settings settings = Settings.load(Map.of(), Map.of("XDG_STATE_HOME", "/state"), null);
        assertThat(settings).isEqualTo(new Settings("main", Path.of("/state/sluice"),
                new Settings.Source(null, Duration.ofSeconds(5)),
                new Settings.Destination(null, null, "public", 4),
                Settings.Identifiers.FOLD, Settings.Nocase.LOWER, Settings.Json.JSON, Settings.OnMisfit.WIDEN, Map.of(),
                new Settings.Copy(2, 20_000, 16 << 20),
                new Settings.Follow(Duration.ofMillis(5), 10_000, 16 << 20),
                new Settings.Verify(20_000),
                new Settings.Changelog(10_000, Duration.ofMinutes(10), 0),
                new Settings.Traffic(Path.of("/state/sluice/traffic.env"), null, null),
                new Settings.Hooks(null, Duration.ofSeconds(5)),
                new Settings.Cutover(Duration.ofHours(1)), ConflictRules.DEFAULT,
                new Settings.Audit(Path.of("/state/sluice/audit-main.jsonl")),
                new Settings.Api("127.0.0.1", 7717, false, Path.of("/state/sluice/api.token")),
                new Settings.Log(Settings.LogFormat.TEXT, Settings.LogLevel.INFO)));
    }

    @Test
    void everythingWrittenIsRead() throws IOException {
        Files.writeString(directory.resolve("secret"), "s3cret\n");
        Settings settings = load("""
                migration: shop-1
                stateDir: state
                source: {file: data/Shop.db, busyTimeout: 2m}
                target: {url: "postgres://h:6000/d?sslmode=require", user: ann, passwordFile: secret, schema: app,
                        poolSize: 9}
                identifiers: preserve
                nocase: citext
                json: jsonb
                onMisfit: widen
                mapping:
                  tables:
                    orders:
                      name: purchase
                      columns:
                        placed: {type: timestamptz, timezone: Europe/Berlin}
                        total: {type: "numeric(12,2)", using: total / 100.0, name: sum}
                        debug: {exclude: true}
                    log: {exclude: true}
                copy: {workers: 3, chunkRows: 5_000, chunkBytes: 512kB}
                follow: {pollInterval: 1s, batchRows: 7, batchBytes: 1GB}
                verify: {chunkRows: 11}
                changelog: {purgeKeepRows: 12, journalKeepAge: 2d, maxBytes: 300MB}
                api: {host: 0.0.0.0, port: 0, allowRemote: true, tokenFile: /run/token}
                log: {format: json, level: debug}
                """);
        assertThat(settings.migration()).isEqualTo("shop-1");
        assertThat(settings.stateDir()).isEqualTo(directory.resolve("state"));
        assertThat(settings.source())
                .isEqualTo(new Settings.Source(directory.resolve("data/Shop.db"), Duration.ofMinutes(2)));
        assertThat(settings.target().url()).hasToString("postgres://ann@h:6000/d?schema=app&sslmode=require");
        assertThat(settings.target().password()).isEqualTo(Secret.of("s3cret"));
        assertThat(settings.target().schema()).isEqualTo("app");
        assertThat(settings.target().poolSize()).isEqualTo(9);
        assertThat(settings.identifiers()).isEqualTo(Settings.Identifiers.PRESERVE);
        assertThat(settings.nocase()).isEqualTo(Settings.Nocase.CITEXT);
        assertThat(settings.json()).isEqualTo(Settings.Json.JSONB);
        assertThat(settings.onMisfit()).isEqualTo(Settings.OnMisfit.WIDEN);
        assertThat(settings.tables()).isEqualTo(Map.of(
                "orders", new Settings.TableRule("purchase", false, Map.of(
                        "placed", new Settings.ColumnRule("timestamptz", null, false, null, ZoneId.of("Europe/Berlin")),
                        "total", new Settings.ColumnRule("numeric(12,2)", "sum", false, "total / 100.0", null),
                        "debug", new Settings.ColumnRule(null, null, true, null, null))),
                "log", new Settings.TableRule(null, true, Map.of())));
        assertThat(settings.copy()).isEqualTo(new Settings.Copy(3, 5000, 512 << 10));
        assertThat(settings.follow()).isEqualTo(new Settings.Follow(Duration.ofSeconds(1), 7, 1 << 30));
        assertThat(settings.verify()).isEqualTo(new Settings.Verify(11));
        assertThat(settings.changelog()).isEqualTo(new Settings.Changelog(12, Duration.ofDays(2), 300L << 20));
        assertThat(settings.api()).isEqualTo(new Settings.Api("0.0.0.0", 0, true, Path.of("/run/token")));
        assertThat(settings.log()).isEqualTo(new Settings.Log(Settings.LogFormat.JSON, Settings.LogLevel.DEBUG));
        assertThat(settings.toString()).doesNotContain("s3cret");
    }

    @Test
    void optionBeatsEnvironmentBeatsFileBeatsDefault() throws IOException {
        Path file = write("copy: {workers: 3, chunkRows: 30}\nverify: {chunkRows: 3}\n");
        Settings settings = Settings.load(Map.of(SettingKey.COPY_WORKERS, "5"),
                Map.of("SLUICE_COPY_WORKERS", "4", "SLUICE_COPY_CHUNK_ROWS", "40", "PATH", "/bin"), file);
        assertThat(settings.copy()).isEqualTo(new Settings.Copy(5, 40, 16 << 20));
        assertThat(settings.verify().chunkRows()).isEqualTo(3);
    }

    @Test
    void everySettingHasAVariableOfItsOwn() {
        assertThat(SettingKey.values()).extracting(SettingKey::variable).doesNotHaveDuplicates()
                .contains("SLUICE_TARGET_PASSWORD_FILE", "SLUICE_FOLLOW_POLL_INTERVAL", "SLUICE_ON_MISFIT");
        Settings settings = Settings.load(Map.of(), Map.of("SLUICE_TARGET_PASSWORD", "s3cret",
                "SLUICE_TARGET_URL", "postgres://h/d", "SLUICE_MAPPING_TABLES", "{a: {exclude: true}}"), null);
        assertThat(settings.target().password().reveal()).isEqualTo("s3cret");
        assertThat(settings.tables().get("a").exclude()).isTrue();
        assertThat(settings.toString()).doesNotContain("s3cret");
    }

    @Test
    void policiesAreReadPerMigrationTableAndColumn() throws IOException {
        Settings settings = Settings.load(Map.of(), Map.of(), write("""
                conflicts:
                  policy: Source wins
                  tables:
                    Orders: {policy: newest wins, newestBy: updated_at, columns: {Note: target wins}}
                    log: {policy: traffic wins}
                """));
        assertThat(settings.conflicts()).isEqualTo(new ConflictRules(Policy.SOURCE_WINS, Map.of(
                "orders", new ConflictRules.TableRule(Policy.NEWEST_WINS, "updated_at", Map.of("note", Policy.TARGET_WINS)),
                "log", new ConflictRules.TableRule(Policy.TRAFFIC_WINS, null, Map.of()))));
        assertThat(settings.conflicts().table("LOG", List.of("id"), Direction.FORWARD).detects()).isFalse();
        assertThat(Settings.load(Map.of(), Map.of("SLUICE_CONFLICTS_TABLES", "{a: {policy: park}}"), null).conflicts().tables()
                .get("a").policy()).isEqualTo(Policy.PARK);
    }

    @Test
    void policyThatCannotBeMeantIsRefusedWithASentence() throws IOException {
        Path file = write("""
                conflicts:
                  policy: mine wins
                  tables:
                    a: {policy: nobody}
                    b: {policy: park, newestBy: at}
                    c: {policy: traffic wins, columns: {x: park}}
                    d: {columns: {x: merge}}
                    e: {polciy: park}
                """);
        assertThatThrownBy(() -> Settings.load(Map.of(), Map.of(), file)).isInstanceOfSatisfying(InvalidSettings.class,
                e -> assertThat(e.problems()).hasSize(6).anySatisfy(p -> assertThat(p).contains("conflicts.policy",
                        "'mine wins'", "one of traffic wins, source wins, target wins, newest wins, merge, park, halt"))
                        .anySatisfy(p -> assertThat(p).contains("conflicts.tables.a.policy", "line 4", "'nobody'"))
                        .anySatisfy(p -> assertThat(p).contains("conflicts.tables.b.newestBy", "no effect"))
                        .anySatisfy(p -> assertThat(p).contains("conflicts.tables.c.columns", "nobody looks"))
                        .anySatisfy(p -> assertThat(p).contains("conflicts.tables.d.columns.x", "'merge'"))
                        .anySatisfy(p -> assertThat(p).contains("conflicts.tables.e.polciy", "did you mean 'policy'")));
    }

    @Test
    void policyOfATableThatIsNotCarriedIsNamed() {
        ConflictRules rules = new ConflictRules(Policy.PARK, Map.of("gone", new ConflictRules.TableRule(null, null, Map.of()),
                "t", new ConflictRules.TableRule(Policy.NEWEST_WINS, "at", Map.of("x", Policy.HALT))));
        assertThat(rules.problems(Map.of("T", List.of("id", "AT")))).hasSize(2)
                .anySatisfy(p -> assertThat(p).contains("gone", "a table that is not carried"))
                .anySatisfy(p -> assertThat(p).contains("column x, which is not carried"));
    }

    @Test
    void fileMayBeNamedByTheEnvironment() throws IOException {
        Path file = write("migration: from-variable\n");
        assertThat(Settings.load(Map.of(), Map.of("SLUICE_CONFIG", file.toString()), null).migration())
                .isEqualTo("from-variable");
    }

    @Test
    void allMistakesAreReportedAtOnceWithFileLineAndSuggestion() throws IOException {
        Path file = write("""
                sorce: {file: a.db}
                copy:
                  workers: many
                  chunkBytes: 5
                  chunkrow: 7
                follow: {pollInterval: 1 fortnight}
                json: xml
                api: {host: 0.0.0.0, port: 70000}
                verify: [1, 2]
                target: {url: mysql://h/d, password: s3cret}
                mapping: {tables: {A: {colums: {}}, a: {exclude: maybe}, b: {columns: {c: {timezone: Mars}}}}}
                """);
        InvalidSettings invalid = catchThrowableOfType(InvalidSettings.class, () -> Settings.load(
                Map.of(SettingKey.TARGET_PASSWORD, "s3cret"),
                Map.of("SLUICE_COPY_WORKER", "1", "SLUICE_SERVICE_HOST", "10.0.0.1", "SLUICE_PORT", "tcp://"), file));
        assertThat(invalid.problems()).hasSize(17)
                .anyMatch(problem -> problem.equals("sorce in " + file + " line 1 is not a setting"
                        + "; did you mean 'source'?"))
                .anyMatch(problem -> problem.equals("copy.workers in " + file + " line 3 is 'many': it must be a whole"
                        + " number from 1 to 64"))
                .anyMatch(problem -> problem.startsWith("copy.chunkBytes in " + file + " line 4"))
                .anyMatch(problem -> problem.contains("did you mean 'copy.chunkRows'?"))
                .anyMatch(problem -> problem.contains("500ms, 10s"))
                .anyMatch(problem -> problem.contains("one of json, jsonb, text"))
                .anyMatch(problem -> problem.contains("api.allowRemote"))
                .anyMatch(problem -> problem.contains("api.port"))
                .anyMatch(problem -> problem.startsWith("verify in"))
                .anyMatch(problem -> problem.startsWith("target.url in"))
                .anyMatch(problem -> problem.startsWith("a password on the command line"))
                .anyMatch(problem -> problem.startsWith("target.password in") && problem.contains("passwordFile"))
                .anyMatch(problem -> problem.contains("did you mean 'columns'?"))
                .anyMatch(problem -> problem.contains("mapping.tables.a in"))
                .anyMatch(problem -> problem.contains("mapping.tables.a.exclude"))
                .anyMatch(problem -> problem.contains("Europe/Berlin"))
                .anyMatch(problem -> problem.contains("SLUICE_COPY_WORKER ")
                        && problem.contains("did you mean 'SLUICE_COPY_WORKERS'?"))
                .noneMatch(problem -> problem.contains("s3cret") || problem.contains("SERVICE_HOST"));
    }

    @Test
    void brokenOrAbsentFileIsOneSentence() throws IOException {
        assertThat(problems(write("a: [1\nb: }"))).singleElement().asString().contains("line 2").contains("YAML");
        assertThat(problems(directory.resolve("none.yaml"))).singleElement().asString().contains("no file of settings");
        assertThat(problems(write("copy: {workers: 1}\ncopy: {workers: 2}\n"))).singleElement().asString()
                .contains("twice");
        assertThat(problems(write("just text"))).singleElement().asString().contains("key: value");
        assertThat(problems(write("target: {passwordFile: none}"))).singleElement().asString().contains("passwordFile");
    }

    @Test
    void addressAndSettingsMayNotContradictEachOther() throws IOException {
        Path file = write("target: {url: 'postgres://ann@h/d?schema=a', schema: b}");
        assertThat(problems(file)).singleElement().asString().contains("leave one of them out");
        Settings settings = Settings.load(Map.of(SettingKey.TARGET_URL, "postgres://bob@h/d?schema=c"), Map.of(), file);
        assertThat(settings.target().url().schema()).isEqualTo("c");
        assertThat(settings.target().schema()).isEqualTo("c");
        assertThat(settings.target().url().user()).isEqualTo("bob");
        settings = Settings.load(Map.of(SettingKey.TARGET_SCHEMA, "z"), Map.of(), file);
        assertThat(settings.target().url().effectiveSchema()).isEqualTo("z");
        assertThat(problems(write("target: {schema: sluice}"))).singleElement().asString().contains("Sluice's own");
    }

    @Test
    void migrationIsNamedAfterItsSource() {
        assertThat(named("/srv/My Shop.v2.sqlite3")).isEqualTo("my-shop-v2");
        assertThat(named("app.db")).isEqualTo("app");
        assertThat(named("/x/.db")).isEqualTo("db");
        assertThat(named("/x/Ü.db")).isEqualTo("main");
    }

    @Test
    void missingSourceOrTargetIsSaidToCommandsThatNeedIt() {
        Settings settings = Settings.load(Map.of(), Map.of(), null);
        assertThat(catchThrowableOfType(InvalidSettings.class, settings::requireSource).problems())
                .singleElement().asString().contains("--source").contains("SLUICE_SOURCE_FILE");
        assertThat(catchThrowableOfType(InvalidSettings.class, settings::requireTarget).problems())
                .singleElement().asString().contains("--target").contains("embedded");
    }

    @Test
    void exampleFileHoldsTheDefaultsAndNamesEverySetting() throws IOException {
        Path example = example();
        Settings defaults = Settings.load(Map.of(), Map.of(), null);
        assertThat(Settings.load(Map.of(), Map.of(), example)).isEqualTo(defaults);

        Map<String, String> named = new TreeMap<>();
        String[] level = new String[4];
        for (String line : Files.readAllLines(example)) {
            java.util.regex.Matcher entry = java.util.regex.Pattern.compile("( *)#?([A-Za-z]+):(?: (.*))?")
                    .matcher(line);
            if (entry.matches() && entry.group(1).length() <= 2) {
                int depth = entry.group(1).length() / 2;
                level[depth] = entry.group(2);
                String path = depth == 0 ? level[0] : level[0] + "." + level[1];
                named.put(path, line.contains("#") ? null : entry.group(3));
            }
        }
        named.keySet().removeIf(path -> List.of("source", "target", "mapping", "copy", "follow", "verify", "changelog",
                "traffic", "hooks", "cutover", "conflicts", "audit", "api", "log").contains(path));
        Map<String, String> expected = new TreeMap<>();
        for (SettingKey key : SettingKey.values()) {
            if (key != SettingKey.TARGET_PASSWORD) {
                expected.put(key.path(), key.fallback());
            }
        }
        assertThat(named).isEqualTo(expected);
    }

    @Test
    void exampleFileWithEveryLineInUseIsValid() throws IOException {
        String text = Files.readString(example()).replaceAll("(?m)^( *)#([A-Za-z])", "$1$2")
                .replace("/run/secrets/target-password", "pw");
        Files.writeString(directory.resolve("pw"), "x");
        Settings settings = load(text);
        assertThat(settings.tables().get("orders").columns()).containsOnlyKeys("placed_at", "total", "note", "debug");
        assertThat(settings.requireSource()).isEqualTo(Path.of("/srv/app/app.db"));
    }

    private static Path example() {
        Path inModule = Path.of("../deploy/sluice.example.yaml");
        return Files.exists(inModule) ? inModule : Path.of("deploy/sluice.example.yaml");
    }

    private static String named(String source) {
        return Settings.load(Map.of(SettingKey.SOURCE_FILE, source), Map.of(), null).migration();
    }

    private static List<String> problems(Path file) {
        return catchThrowableOfType(InvalidSettings.class, () -> Settings.load(Map.of(), Map.of(), file)).problems();
    }

    private Settings load(String yaml) throws IOException {
        return Settings.load(Map.of(), Map.of(), write(yaml));
    }

    private Path write(String yaml) throws IOException {
        return Files.writeString(directory.resolve("sluice.yaml"), yaml);
    }
}
