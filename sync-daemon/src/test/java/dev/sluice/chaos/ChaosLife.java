package dev.sluice.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.api.DaemonClient;
import dev.sluice.api.DaemonFailure;
import dev.sluice.chaos.ChaosWriter.Fault;
import dev.sluice.store.MigrationStore;
import dev.sluice.testing.SameRows;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * One migration from its first look to its end. In each of some rounds writers and the daemon run and are disturbed;
 * then the writers stop, the daemon must catch up, and both sides must be equal. What happens follows from the seed, as
 * far as two cores and three kinds of processes can be made to repeat themselves.
 */
final class ChaosLife {

    private static final String DATABASE_PREFIX = "chaos_";
    private static final Duration SETTLE = Duration.ofSeconds(120);
    private static final int WRITERS = 3;
    private static final Duration ROUND_LEAST = Duration.ofSeconds(20);
    private static final Duration PAUSE_MAX = Duration.ofMillis(800);
    /** A round lasts until at least this was written and looked at, however slow the machine is, */
    private static final int ROUND_CHANGES = 1_500;
    private static final int ROUND_SNAPSHOTS = 100;
    /** but not longer than that. */
    private static final Duration ROUND_MAX = Duration.ofSeconds(90);

    /** What is counted. */
    enum Count {
        COMPARISONS, ROWS_COMPARED, VERIFICATIONS, SNAPSHOTS,
        CHANGES, TRANSACTIONS, STATEMENTS, BUSY, REBUILDS, VACUUMS, DRIFTS, PARKED,
        EARLY_KILLS, DAEMON_KILLS, DAEMON_STOPS, DAEMON_FREEZES, WRITER_KILLS, RESTARTS_OF_APPLICATION,
        POSTGRES_CRASHES, POSTGRES_RESTARTS, SESSION_KILLS, TABLE_LOCKS
    }

    private final long seed;
    private final Random random;
    private final ChaosPostgres server;
    private final String database;
    private final Path folder;
    private final Path source;
    private final Set<Fault> faults;
    private final Map<Count, Long> counts = new EnumMap<>(Count.class);
    private final List<Process> writers = new ArrayList<>();
    private final BalanceWatch watch;
    private final Thread atExit = new Thread(() -> processes().forEach(Process::destroyForcibly), "chaos-exit");
    private Process changer;
    private Process daemon;
    private int writersStarted;
    private volatile int daemonsStarted;
    private DaemonClient client; // guarded by this
    private int clientOf; // guarded by this

    ChaosLife(long seed, ChaosPostgres server, Path parent, Set<Fault> faults) throws Exception {
        this.seed = seed;
        this.random = new Random(seed);
        this.server = server;
        this.faults = faults;
        this.database = DATABASE_PREFIX + Long.toUnsignedString(seed, 36);
        this.folder = Files.createTempDirectory(parent, database + "-");
        this.source = folder.resolve("app.db");
        server.run("postgres", "CREATE DATABASE " + database + " TEMPLATE template0 ENCODING 'UTF8'",
                "ALTER DATABASE " + database + " SET synchronous_commit = "
                        + (random.nextBoolean() && faults.contains(Fault.LOST_COMMITS) ? "off" : "on"));
        createSource();
        watch = new BalanceWatch(server, database);
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    private void createSource() throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + source);
                Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA page_size = " + (512 << random.nextInt(5)));
            statement.execute("PRAGMA auto_vacuum = " + Math.max(0, random.nextInt(6) - 3));
            statement.execute("PRAGMA encoding = '" + (random.nextInt(6) == 0 ? "UTF-16le" : "UTF-8") + "'");
            statement.execute("PRAGMA journal_mode = " + (random.nextInt(5) < 3 ? "WAL" : "DELETE"));
            statement.execute("PRAGMA synchronous = OFF");
            statement.execute("BEGIN");
            for (String sql : ChaosSchema.statements()) {
                statement.execute(sql);
            }
            statement.execute("COMMIT");
        }
    }

    /** Where its source and all logs lie. */
    Path folder() {
        return folder;
    }

    Map<Count, Long> counts() {
        counts.put(Count.SNAPSHOTS, watch.snapshots());
        return counts;
    }

    private void count(Count what, long more) {
        counts.merge(what, more, Long::sum);
    }

    private void event(Count what) throws IOException {
        count(what, 1);
        note(what.toString());
    }

    /** Beside the logs of the processes, for whoever looks for the reason of a failure. */
    private void note(String what) throws IOException {
        Files.writeString(folder.resolve("events.log"), Instant.now() + " " + what + "\n", StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
    }

    /** Runs it to its end. */
    void live() throws Exception {
        int rounds = 2 + random.nextInt(2);
        for (int i = 0; i < WRITERS; i++) {
            startWriter();
        }
        long start = System.nanoTime();
        startDaemon();
        awaitLog("event=started");
        Duration tempo = Duration.ofNanos(System.nanoTime() - start);
        for (int kills = random.nextInt(3); kills > 0; kills--) {
            disturbBeginning(tempo);
        }
        for (int round = 0; round < rounds; round++) {
            long least = System.nanoTime()
                    + Math.min(tempo.multipliedBy(5 + random.nextInt(6)).toNanos(), ROUND_LEAST.toNanos());
            long most = System.nanoTime() + ROUND_MAX.toNanos();
            long written = head();
            long seen = watch.snapshots();
            VerifyWatch verifications = new VerifyWatch(this::client);
            try {
                while (System.nanoTime() < least || System.nanoTime() < most
                        && (head() < written + ROUND_CHANGES || watch.snapshots() < seen + ROUND_SNAPSHOTS)) {
                    daemon.waitFor(Math.min(PAUSE_MAX.toMillis(), tempo.toMillis() * (2 + random.nextInt(40)) / 100),
                            TimeUnit.MILLISECONDS);
                    disturb();
                    assertRunning();
                }
            } finally {
                verifications.end();
            }
            count(Count.VERIFICATIONS, verifications.verifications());
            assertThat(verifications.broken()).as("verifications while everything went on").isEmpty();
            note("settling");
            settle();
            mend();
            note("settled");
            compare();
            note("compared");
            for (int i = 0; i < WRITERS && round + 1 < rounds; i++) {
                startWriter();
            }
        }
        daemon.destroy();
        assertThat(daemon.waitFor(40, TimeUnit.SECONDS)).as("the daemon stops on SIGTERM").isTrue();
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + source)) {
            count(Count.CHANGES, head());
            assertThat(ask(connection, "PRAGMA integrity_check")).isEqualTo("ok");
        }
    }

    /** Rounds begin late for a census and a copy of this size, so these get their share here. */
    private void disturbBeginning(Duration tempo) throws Exception {
        if (random.nextBoolean()) {
            awaitLog("to=copying|to=catching_up");
            daemon.waitFor(random.nextInt((int) tempo.toMillis() / 3), TimeUnit.MILLISECONDS);
        } else {
            daemon.waitFor(random.nextInt((int) tempo.toMillis()), TimeUnit.MILLISECONDS);
        }
        event(Count.EARLY_KILLS);
        switch (random.nextInt(4)) {
            case 0 -> {
                server.crash(random.nextBoolean());
                server.restart();
            }
            case 1 -> endSessions();
            default -> {
                daemon.destroyForcibly().waitFor();
                startDaemon();
                awaitLog("event=started");
            }
        }
    }

    /** Waits until the present daemon has said so, or an earlier one has. */
    private void awaitLog(String pattern) throws Exception {
        long end = System.nanoTime() + SETTLE.toNanos();
        Pattern wanted = Pattern.compile(pattern);
        while (!wanted.matcher(Files.readString(folder.resolve("daemon" + daemonsStarted + ".log"))).find()) {
            if (!pattern.startsWith("event") && daemonsStarted > 1) {
                return; // it may have come so far before
            }
            daemon.waitFor(5, TimeUnit.MILLISECONDS);
            assertRunning();
            assertThat(System.nanoTime()).as("%s; log:%n%s", pattern, log(daemonsStarted)).isLessThan(end);
        }
    }

    /** Number of the newest changelog row. */
    private long head() throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + source)) {
            ask(connection, "PRAGMA busy_timeout = 20000");
            return ask(connection, "SELECT name FROM sqlite_master WHERE name = '_sluice_changelog'") == null ? 0
                    : Long.parseLong(ask(connection, "SELECT max(seq) FROM _sluice_changelog"));
        }
    }

    // ---- disturbances ----

    private void disturb() throws Exception {
        int kind = random.nextInt(100);
        if (kind < 8) {
            event(Count.DAEMON_KILLS);
            daemon.destroyForcibly().waitFor();
            startDaemon();
        } else if (kind < 10) {
            daemon.destroy();
            assertThat(daemon.waitFor(40, TimeUnit.SECONDS)).as("the daemon stops on SIGTERM").isTrue();
            event(Count.DAEMON_STOPS);
            startDaemon();
        } else if (kind < 16) {
            freeze();
        } else if (kind < 28) {
            Process writer = writers.remove(random.nextInt(writers.size()));
            writer.destroyForcibly().waitFor();
            event(Count.WRITER_KILLS);
            startWriter();
        } else if (kind < 42) {
            event(Count.SESSION_KILLS);
            endSessions();
        } else if (kind < 47) {
            event(Count.POSTGRES_CRASHES);
            server.crash(random.nextBoolean());
            daemon.waitFor(random.nextInt(1_000), TimeUnit.MILLISECONDS);
            server.restart();
        } else if (kind < 48) {
            event(Count.POSTGRES_RESTARTS);
            server.restart();
        } else if (kind < 55) {
            lockTable();
        } else if (kind < 57) {
            restartApplication();
        }
    }

    private void endSessions() throws SQLException {
        server.run(database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                + " WHERE application_name LIKE 'sluice%' AND random() < 0.7");
    }

    /** A daemon that stands still is no daemon that is dead: another takes its place, and then it wakes up. */
    private void freeze() throws Exception {
        Process frozen = daemon;
        ChaosPostgres.signal("STOP", frozen.pid());
        event(Count.DAEMON_FREEZES);
        boolean replaced = random.nextBoolean();
        if (replaced) {
            startDaemon();
        }
        daemon.waitFor(100 + random.nextInt(replaced ? 4_000 : 1_000), TimeUnit.MILLISECONDS);
        ChaosPostgres.signal("CONT", frozen.pid());
        if (replaced) {
            frozen.waitFor(random.nextInt(500), TimeUnit.MILLISECONDS);
            frozen.destroyForcibly().waitFor();
        }
    }

    /** What a reader's long transaction, or somebody's DDL, does to a table of the target. */
    private void lockTable() throws Exception {
        event(Count.TABLE_LOCKS);
        try (Connection connection = server.connect(database); Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SET lock_timeout = '2s'");
            statement.execute("LOCK TABLE " + (random.nextBoolean() ? "users" : "accounts") + " IN "
                    + (random.nextBoolean() ? "ACCESS EXCLUSIVE" : "SHARE") + " MODE");
            daemon.waitFor(random.nextInt(1_500), TimeUnit.MILLISECONDS);
        } catch (SQLException e) {
            if (!Set.of("42P01", "55P03", "40P01").contains(String.valueOf(e.getSQLState()))) { // no table yet, or busy
                throw e;
            }
        }
    }

    /** All connections are closed for once, so that the journal mode can be changed. */
    private void restartApplication() throws Exception {
        stopWriters();
        daemon.destroyForcibly().waitFor();
        event(Count.DAEMON_KILLS);
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + source)) {
            ask(connection, "PRAGMA journal_mode = " + (random.nextBoolean() ? "WAL" : "DELETE"));
        }
        event(Count.RESTARTS_OF_APPLICATION);
        for (int i = 0; i < WRITERS; i++) {
            startWriter();
        }
        startDaemon();
    }

    private void assertRunning() throws IOException {
        assertThat(daemon.isAlive()).as("the daemon runs; its log ends with:%n%s", log(daemonsStarted)).isTrue();
        for (Process writer : writers) {
            assertThat(writer.isAlive()).as("writer runs: %s", writerLogs()).isTrue();
        }
    }

    // ---- processes ----

    private void startWriter() throws IOException {
        int number = ++writersStarted;
        // one at a time changes the schema and vacuums, else nothing else would be done
        boolean changes = !writers.contains(changer);
        Process writer = start("writer" + number, List.of("-Xmx64m"), ChaosWriter.class.getName(), source.toString(),
                Long.toString(seed * 1_000 + number), "800",
                faults.stream().map(Fault::name).collect(Collectors.joining(",")), Boolean.toString(changes));
        writers.add(writer);
        changer = changes ? writer : changer;
    }

    private void startDaemon() throws IOException {
        int number = ++daemonsStarted;
        Path settings = folder.resolve("daemon" + number + ".yaml");
        Files.writeString(settings, """
                copy: {workers: %d, chunkRows: %d}
                follow: {batchRows: %d}
                verify: {chunkRows: %d}
                changelog: {purgeKeepRows: %d}
                """.formatted(1 + random.nextInt(3), 200 + random.nextInt(3_000), 20 + random.nextInt(2_000),
                200 + random.nextInt(3_000), random.nextBoolean() ? 500 : 10_000));
        daemon = start("daemon" + number, List.of("-Xmx128m"), "dev.sluice.cli.Main", "run", "--config",
                settings.toString(), "--source", source.toString(), "--target", server.url(database), "--name", "chaos",
                "--port", "0", "--state-dir", folder.resolve("state").toString(), "--log-level", "debug");
    }

    private List<Process> processes() {
        List<Process> all = new ArrayList<>(writers);
        if (daemon != null) {
            all.add(daemon);
        }
        return all;
    }

    private Process start(String name, List<String> options, String main, String... arguments) throws IOException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        List<String> command = new ArrayList<>(List.of(java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData"));
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("SLUICE_TARGET_PASSWORD", server.password());
        builder.redirectErrorStream(true).redirectOutput(folder.resolve(name + ".log").toFile());
        return builder.start();
    }

    private String log(int number) throws IOException {
        List<String> lines = Files.readAllLines(folder.resolve("daemon" + number + ".log"));
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 25), lines.size()));
    }

    private String writerLogs() throws IOException {
        StringBuilder all = new StringBuilder();
        for (int i = 1; i <= writersStarted; i++) {
            List<String> lines = Files.readAllLines(folder.resolve("writer" + i + ".log"));
            lines.stream().filter(line -> line.startsWith("unexpected") || line.startsWith("Exception"))
                    .forEach(line -> all.append('\n').append(line));
        }
        return all.toString();
    }

    // ---- rest, and comparison ----

    private void stopWriters() throws Exception {
        for (Process writer : writers) {
            try {
                writer.getOutputStream().write('\n');
                writer.getOutputStream().flush();
            } catch (IOException e) {
                throw new AssertionError("a writer ended by itself: " + writerLogs(), e);
            }
        }
        for (Process writer : writers) {
            assertThat(writer.waitFor(60, TimeUnit.SECONDS)).as("writers end").isTrue();
            assertThat(writer.exitValue()).as("writer: %s", writerLogs()).isZero();
        }
        writers.clear();
    }

    /** Writers stop, and the daemon comes to the end of the changelog. */
    private void settle() throws Exception {
        stopWriters();
        long end = System.nanoTime() + SETTLE.toNanos();
        JsonNode status = null;
        while (true) {
            try {
                JsonNode before = status;
                status = client().status();
                if (before == null || status.path("seq").asLong() != before.path("seq").asLong()) {
                    end = System.nanoTime() + SETTLE.toNanos(); // it is slow, but it does what it should
                }
                if (status.path("phase").asText().equals("replicating") && status.path("lagChanges").asLong(-1) == 0
                        && status.path("run").asText().equals("running")) {
                    return;
                }
            } catch (DaemonFailure | IllegalStateException e) {
                assertThat(System.nanoTime()).as("%s; log:%n%s", e.getMessage(), log(daemonsStarted)).isLessThan(end);
            }
            assertThat(System.nanoTime())
                    .as("it stands still for %s: %s; log:%n%s", SETTLE, status, log(daemonsStarted)).isLessThan(end);
            daemon.waitFor(100, TimeUnit.MILLISECONDS);
            assertRunning();
        }
    }

    /** Parked rows come to rest at the latest when their values fit again. */
    private void mend() throws Exception {
        try (Connection connection = server.connect(database)) {
            count(Count.PARKED, Long.parseLong(ask(connection, "SELECT count(*) FROM sluice.parked_row")));
        }
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + source);
                Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA busy_timeout = 20000");
            for (String sql : ChaosSchema.mending()) {
                statement.execute(sql);
            }
        }
        settle();
    }

    /** One for each daemon: a client keeps its connection, and the daemon takes only so many. */
    private synchronized DaemonClient client() throws IOException {
        int number = daemonsStarted;
        if (client == null || clientOf != number) {
            String line = Files.readAllLines(folder.resolve("daemon" + number + ".log")).stream()
                    .filter(text -> text.contains("event=started api=")).findFirst()
                    .orElseThrow(() -> new IllegalStateException("the daemon has not started yet"));
            client = DaemonClient.of(URI.create(line.replaceFirst(".*api=(\\S+).*", "$1")),
                    folder.resolve("state/api.token"));
            clientOf = number;
        }
        return client;
    }

    private void compare() throws Exception {
        JsonNode report = verified();
        assertThat(report.path("equal").asBoolean()).as("the daemon's own verification: %s", report).isTrue();
        try (Connection here = DriverManager.getConnection("jdbc:sqlite:" + source);
                Connection there = server.connect(database)) {
            assertThat(ask(here, "SELECT sum(cents) FROM accounts")).as("what the writers never change")
                    .isEqualTo(Long.toString(ChaosSchema.CENTS));
            assertThat(planned(there)).as("tables and columns that are followed").isEqualTo(declared(here));
            SameRows.assertSame(here, there, "chaos");
        }
        event(Count.COMPARISONS);
        count(Count.ROWS_COMPARED, report.path("rows").asLong());
        try (Connection connection = server.connect(database)) {
            assertThat(ask(connection, "SELECT count(*) || ' ' || coalesce(min(reason), '') FROM sluice.parked_row"))
                    .as("parked rows").isEqualTo("0 ");
        }
        assertThat(watch.broken()).as("snapshots in phase replicating that no commit of the source looked like")
                .isEmpty();
    }

    /** All stored columns of the source, {@code table.column}. */
    private static Set<String> declared(Connection here) throws SQLException {
        Set<String> columns = new TreeSet<>();
        try (Statement statement = here.createStatement(); ResultSet row = statement.executeQuery("""
                SELECT t.name || '.' || c.name FROM sqlite_master t JOIN pragma_table_xinfo(t.name) c
                WHERE t.type = 'table' AND t.name NOT GLOB '_sluice_*' AND t.name NOT GLOB 'sqlite_*' AND c.hidden = 0
                """)) {
            while (row.next()) {
                columns.add(row.getString(1));
            }
        }
        return columns;
    }

    private static Set<String> planned(Connection there) throws SQLException {
        Set<String> columns = new TreeSet<>();
        new MigrationStore("chaos").load(there).plan().tables().forEach(table -> table.columns()
                .forEach(column -> columns.add(table.source() + "." + column.source())));
        return columns;
    }

    private JsonNode verified() throws Exception {
        long end = System.nanoTime() + SETTLE.toNanos();
        while (true) {
            try {
                return client().verify(List.of(), SETTLE);
            } catch (DaemonFailure e) {
                // one that was asked for before may be under way still
                assertThat(System.nanoTime()).as("it does not verify: %s", e.getMessage()).isLessThan(end);
                daemon.waitFor(200, TimeUnit.MILLISECONDS);
                assertRunning();
            }
        }
    }

    private static String ask(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? row.getString(1) : null;
        }
    }

    /** Sums what the writers said last. */
    private void readWriters() throws IOException {
        for (int i = 1; i <= writersStarted; i++) {
            File log = folder.resolve("writer" + i + ".log").toFile();
            if (log.exists()) {
                String last = Files.readAllLines(log.toPath()).stream().filter(line -> line.matches("\\d+( \\d+){6}"))
                        .reduce((one, other) -> other).orElse("0 0 0 0 0 0 0");
                String[] numbers = last.split(" ");
                count(Count.TRANSACTIONS, Long.parseLong(numbers[0]));
                count(Count.STATEMENTS, Long.parseLong(numbers[1]));
                count(Count.BUSY, Long.parseLong(numbers[3]));
                count(Count.REBUILDS, Long.parseLong(numbers[4]));
                count(Count.VACUUMS, Long.parseLong(numbers[5]));
                count(Count.DRIFTS, Long.parseLong(numbers[6]));
            }
        }
    }

    /** Removes what it left; for a life without a failure. */
    void forget() throws IOException, SQLException {
        ChaosIT.remove(folder);
        server.run("postgres", "DROP DATABASE " + database + " WITH (FORCE)");
    }

    /** Ends what still runs. */
    void end() throws Exception {
        watch.end();
        for (Process process : processes()) {
            process.destroyForcibly().waitFor();
        }
        Runtime.getRuntime().removeShutdownHook(atExit);
        readWriters();
    }
}
