package dev.sluice.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.announce.Addresses;
import dev.sluice.announce.Announcement;
import dev.sluice.announce.FlagFile;
import dev.sluice.announce.Hooks;
import dev.sluice.announce.TrafficFeed;
import dev.sluice.cutover.Traffic;
import dev.sluice.postgres.Secret;
import dev.sluice.testing.SwitchedDatabases;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The examples of docs/operating/applications.md do what the page says. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class ExamplesIT {

    private static final Secret TOKEN = Secret.random();

    @TempDir
    private Path folder;
    private SwitchedDatabases databases;
    private Addresses addresses;
    private FlagFile flag;
    private final TrafficFeed feed = new TrafficFeed();
    private final List<Process> started = new ArrayList<>();

    @BeforeEach
    void open() throws Exception {
        databases = SwitchedDatabases.open(folder);
        addresses = new Addresses("sqlite:///" + databases.sqliteFile(), databases.postgresUrl(), true);
        flag = new FlagFile(folder.resolve("traffic.env"), "id-1", true);
        announce(addresses.at(Traffic.SQLITE, 1));
    }

    @AfterEach
    void close() throws Exception {
        for (Process process : started) {
            List<ProcessHandle> children = process.descendants().toList();
            process.destroyForcibly();
            children.forEach(ProcessHandle::destroyForcibly);
        }
        databases.close();
    }

    @Test
    void pythonApplicationLosesNoWriteInASwitchAndBack() throws Exception {
        assumeTools("python3", "psql");
        Process writer = start("refused_write.py", flag.path().toString(), "60");
        writesThroughTwoSwitches(writer, lines(writer), 60);
    }

    @Test
    void shellApplicationLosesNoWriteInASwitchAndBack() throws Exception {
        assumeTools("sh", "sqlite3", "psql");
        Process writer = startCommand("sh", "-c", "n=1; while [ $n -le 60 ]; do \"$0\" \"$1\" $n || exit 1; n=$((n+1));"
                + " done", example("append.sh"), flag.path().toString());
        writesThroughTwoSwitches(writer, lines(writer), 60);
    }

    private void writesThroughTwoSwitches(Process writer, BufferedReader lines, int count) throws Exception {
        List<String> acknowledged = new ArrayList<>();
        read(lines, acknowledged, 10);
        databases.fenceSqlite(true);
        announce(addresses.fenced(Traffic.SQLITE, 2));
        databases.copyToPostgres();
        databases.trafficOfPostgres("postgres");
        announce(addresses.at(Traffic.POSTGRES, 2));
        readUntil(lines, acknowledged, "postgres");
        read(lines, acknowledged, 10);

        databases.trafficOfPostgres("fenced");
        databases.copyToSqlite();
        databases.trafficOfPostgres("sqlite");
        databases.fenceSqlite(false);
        announce(addresses.at(Traffic.SQLITE, 3));
        readUntil(lines, acknowledged, "sqlite");
        read(lines, acknowledged, count - acknowledged.size());

        assertThat(writer.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(writer.exitValue()).isZero();
        assertThat(acknowledged.stream().map(line -> Long.parseLong(line.split(" ")[0])))
                .containsExactlyElementsOf(LongStream.rangeClosed(1, count).boxed().toList());
        assertThat(databases.numbersInSqlite()).as("each acknowledged write once").isEqualTo(
                LongStream.rangeClosed(1, count).boxed().toList());
    }

    @Test
    void pythonReadsTheControlRows() throws Exception {
        assumeTools("python3", "psql");
        assertThat(controlRows()).isEqualTo("sqlite");
        databases.fenceSqlite(true);
        databases.trafficOfPostgres("fenced");
        assertThat(controlRows()).isEqualTo("fenced");
        databases.trafficOfPostgres("postgres");
        assertThat(controlRows()).isEqualTo("postgres");
    }

    private String controlRows() throws Exception {
        Process process = start("control_rows.py", databases.sqliteFile().toString(), databases.postgresUrl(),
                SwitchedDatabases.MIGRATION);
        String answer = lines(process).readLine();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return answer;
    }

    @Test
    void nodeFollowsTheStreamThroughARestartOfTheDaemon() throws Exception {
        assumeTools("node");
        ApiServer api = api(0);
        Process follower = start("follow.mjs", api.uri().toString(), token().toString());
        BufferedReader lines = lines(follower);
        assertThat(lines.readLine()).isEqualTo("1 sqlite " + addresses.sqlite());
        announce(addresses.fenced(Traffic.SQLITE, 2));
        assertThat(lines.readLine()).isEqualTo("2 fenced " + addresses.sqlite());
        int port = api.uri().getPort();
        api.close();
        announce(addresses.at(Traffic.POSTGRES, 2));
        try (ApiServer again = api(port)) {
            assertThat(lines.readLine()).as("from %s", again.uri()).isEqualTo("2 postgres " + addresses.postgres());
            announce(addresses.at(Traffic.SQLITE, 3));
            assertThat(lines.readLine()).isEqualTo("3 sqlite " + addresses.sqlite());
        }
    }

    @Test
    void shellRunsItsCommandAfterEverySwitchAndOnlyThen() throws Exception {
        assumeTools("sh", "curl");
        Path ran = folder.resolve("ran");
        try (ApiServer api = api(0)) {
            start("on-switch.sh", api.uri().toString(), token().toString(), "sh", "-c",
                    "echo \"$SLUICE_EPOCH $SLUICE_TRAFFIC $DATABASE_URL\" >> '" + ran + "'");
            AtomicLong epoch = new AtomicLong(1);
            // it listens when it notices a change
            Awaitility.await().pollInterval(Duration.ofMillis(300)).atMost(60, TimeUnit.SECONDS).until(() -> {
                announce(addresses.fenced(Traffic.SQLITE, epoch.incrementAndGet()));
                announce(addresses.at(epoch.get() % 2 == 0 ? Traffic.POSTGRES : Traffic.SQLITE, epoch.get()));
                return Files.exists(ran);
            });
            // of two switches between two questions nothing is seen, so each starts from what the last run was told
            awaitLastLine(ran, feed.now().orElseThrow().label());
            long last = epoch.get() + 1;
            Announcement other = addresses.at(last % 2 == 0 ? Traffic.POSTGRES : Traffic.SQLITE, last);
            announce(other);
            awaitLastLine(ran, last + " " + other.label() + " " + other.databaseUrl());
            assertThat(ran).content().doesNotContain("fenced");
        }
    }

    private static void awaitLastLine(Path file, String part) {
        Awaitility.await().atMost(30, TimeUnit.SECONDS)
                .untilAsserted(() -> assertThat(Files.readAllLines(file)).last().asString().contains(part));
    }

    @Test
    void hooksOfTheExampleKeepABackupAndRestartTheService() throws Exception {
        Path hooks = Files.createDirectory(folder.resolve("hooks"));
        Path lock = folder.resolve("backup.lock");
        Path restarted = folder.resolve("restarted");
        for (String name : List.of("before-fence-source", "after-announce")) {
            String text = Files.readString(Path.of(example("hooks/" + name)));
            Files.writeString(hooks.resolve(name), text.replace("/run/app/backup.lock", lock.toString())
                    .replace("systemctl restart app.service", "touch " + restarted));
            assertThat(hooks.resolve(name).toFile().setExecutable(true)).isTrue();
        }
        Hooks all = Hooks.in(hooks, Duration.ofSeconds(30), "shop", flag.path(), Set.of("FENCE_SOURCE", "ANNOUNCE"));
        Announcement now = addresses.at(Traffic.SQLITE, 1);
        Hooks.Moment before = new Hooks.Moment("cutover", true, "FENCE_SOURCE", now);
        Files.createFile(lock);
        assertThatThrownBy(() -> all.run(before, Duration.ofMinutes(1))).isInstanceOf(Hooks.Veto.class)
                .hasMessageEndingWith("it said last: the backup that holds " + lock + " is not done yet");
        Files.delete(lock);
        all.run(before, Duration.ofMinutes(1));
        assertThat(restarted).doesNotExist();
        all.run(new Hooks.Moment("cutover", false, "ANNOUNCE", now), Duration.ofMinutes(1));
        assertThat(restarted).exists();
    }

    private void announce(Announcement traffic) throws IOException {
        feed.set(traffic);
        flag.write(traffic);
    }

    private ApiServer api(int port) {
        return ApiServer.start(new TrafficRoutesTest.FeedOnly(feed), TOKEN, "127.0.0.1", port, false);
    }

    private Path token() throws IOException {
        return Files.writeString(folder.resolve("token"), TOKEN.reveal() + "\n");
    }

    private Process start(String example, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(example(example)));
        command.addAll(List.of(arguments));
        return startCommand(command.toArray(String[]::new));
    }

    private Process startCommand(String... command) throws IOException {
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        started.add(process);
        return process;
    }

    private static BufferedReader lines(Process process) {
        return new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    private static void read(BufferedReader lines, List<String> into, int count) throws IOException {
        for (int i = 0; i < count; i++) {
            String line = lines.readLine();
            assertThat(line).as("after %s", into).isNotNull();
            into.add(line);
        }
    }

    private static void readUntil(BufferedReader lines, List<String> into, String side) throws IOException {
        do {
            read(lines, into, 1);
        } while (!into.get(into.size() - 1).endsWith(" " + side));
    }

    private static String example(String name) {
        Path inModule = Path.of("../docs/operating/examples", name);
        return (Files.exists(inModule) ? inModule : Path.of("docs/operating/examples", name)).toAbsolutePath()
                .normalize().toString();
    }

    private static void assumeTools(String... tools) {
        for (String tool : tools) {
            boolean there = List.of(System.getenv("PATH").split(":")).stream()
                    .anyMatch(path -> Files.isExecutable(Path.of(path, tool)));
            if (!there) {
                System.out.println("skipped: there is no " + tool);
            }
            assumeTrue(there, "needs " + tool);
        }
    }
}
