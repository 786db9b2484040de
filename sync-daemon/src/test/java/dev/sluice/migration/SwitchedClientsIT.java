package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.phase.Phase;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.SameRows;
import dev.sluice.testing.SwitchingClient;
import dev.sluice.verify.VerifyReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three applications in processes of their own write a bank, a log and a set while their writes are moved to and fro and
 * verification runs; what they noted is held against both sides. {@code -Dsluice.test.switches=N} for another number of
 * cutovers than 6, {@code -Dsluice.test.seed=N} for the writes of another run.
 */
class SwitchedClientsIT {

    private static final int CUTOVERS = Integer.getInteger("sluice.test.switches", 6);
    private static final long SEED = Long.getLong("sluice.test.seed", System.nanoTime() & 0xffffff);
    private static final List<String> KINDS = List.of("bank", "log", "set");
    private static final int WRITES_PER_SECOND = 80;
    /** That each of them acknowledges between two moves. */
    private static final int WRITES_LEAST = 40;

    private final List<Moved> moves = new ArrayList<>();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final AtomicInteger verifications = new AtomicInteger();
    private final AtomicInteger looks = new AtomicInteger();
    private final CountDownLatch stop = new CountDownLatch(1);

    @TempDir
    Path folder;

    /** A move of the writes, as this process saw it. */
    private record Moved(String to, long startNanos, long endNanos, SwitchReport report) {}

    /** A line of a client's notes. */
    private record Note(String answer, String side, long epoch, long start, long end, String name, String what) {

        static Note of(String line) {
            String[] words = line.split(" ", 7);
            return new Note(words[0], words[1], Long.parseLong(words[2]), Long.parseLong(words[3]), Long.parseLong(words[4]),
                    words[5], words[6].stripTrailing());
        }

        boolean is(String kind) {
            return answer.equals(kind);
        }

        boolean acknowledgedBy(String which) {
            return is(SwitchingClient.OK) && side.equals(which);
        }
    }

    @Test
    void noAcknowledgedWriteIsLostOrDoubledHoweverOftenTheWritesMove() throws Exception {
        List<Process> clients = new ArrayList<>();
        List<Thread> watches = new ArrayList<>();
        try (LiveGround ground = new LiveGround(folder, SwitchingClient.SCHEMA).flagFile(folder.resolve("flag"))
                .startAndFollow()) {
            try {
                for (String kind : KINDS) {
                    clients.add(client(ground, kind));
                }
                watches.add(watch("watch-sqlite", () -> look(DriverManager.getConnection(sqlite(ground)))));
                watches.add(watch("watch-postgres", () -> look(application(ground))));
                watches.add(watch("verifying", () -> verifyAgainAndAgain(ground)));
                for (int round = 1; round <= CUTOVERS; round++) {
                    awaitWrites("sqlite", clients);
                    int before = verifications.get();
                    Awaitility.await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(20))
                            .until(() -> failure.get() != null || verifications.get() > before);
                    move("postgres", () -> ground.migration().cutover(order()));
                    awaitWrites("postgres", clients);
                    if (round < CUTOVERS) {
                        move("sqlite", () -> ground.migration().rollback(order()));
                    }
                }
            } finally {
                end(clients, watches);
            }
            requireNoFailure();
            List<Note> notes = notes();
            Awaitility.await().atMost(Duration.ofSeconds(30)).pollInterval(Duration.ofMillis(50))
                    .untilAsserted(() -> SameRows.assertSame(ground));
            tell(notes);
            requireExactlyOnce(ground, notes);
            requireOneSideAtATime(notes);
            assertThat(ground.migration().rollback(order()).done()).isTrue();
            ground.awaitReplicating();
            assertThat(ground.verify().isEqual()).isTrue();
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + " (seed " + SEED + ")", e);
        }
    }

    private static SwitchOrder order() {
        return new SwitchOrder(false, Duration.ofSeconds(30), 5_000, Set.of(), "test");
    }

    private interface Act {
        SwitchReport run() throws Exception;
    }

    private void move(String to, Act act) throws Exception {
        long start = System.nanoTime();
        SwitchReport report = act.run();
        moves.add(new Moved(to, start, System.nanoTime(), report));
        assertThat(report.done()).as(report.toString()).isTrue();
        requireNoFailure();
    }

    private void requireNoFailure() {
        if (failure.get() != null) {
            throw new AssertionError("while the writes were moved: " + failure.get().getMessage(), failure.get());
        }
    }

    // ---- the clients ----

    private static String sqlite(LiveGround ground) {
        return "jdbc:sqlite:" + ground.file().path();
    }

    private static Connection application(LiveGround ground) throws SQLException {
        return DriverManager.getConnection(postgres(ground), null, ground.target().login().getProperty("password"));
    }

    private static String postgres(LiveGround ground) {
        return "jdbc:postgresql://" + ground.target().url().place() + "/" + ground.target().url().effectiveDatabase() + "?user="
                + ground.target().url().effectiveUser();
    }

    private Process client(LiveGround ground, String kind) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx64m",
                "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-cp", System.getProperty("java.class.path"),
                SwitchingClient.class.getName(), kind, folder.resolve("flag").toString(), notesOf(kind).toString(),
                Long.toString(SEED + KINDS.indexOf(kind)), Integer.toString(WRITES_PER_SECOND), sqlite(ground), postgres(ground));
        String password = ground.target().login().getProperty("password");
        if (password != null) {
            builder.environment().put("PGPASSWORD", password);
        }
        return builder.redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(folder.resolve(kind + ".err").toFile()).start();
    }

    private Path notesOf(String kind) {
        return folder.resolve(kind + ".notes");
    }

    /** Everyone has written to {@code side} for a while since the last move. */
    private void awaitWrites(String side, List<Process> clients) {
        long since = moves.isEmpty() ? 0 : moves.get(moves.size() - 1).endNanos;
        for (int i = 0; i < clients.size(); i++) {
            Process client = clients.get(i);
            String kind = KINDS.get(i);
            Awaitility.await(kind + " writes to " + side).atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(50))
                    .failFast(kind + " ended", () -> !client.isAlive())
                    .until(() -> failure.get() != null || notesOf(List.of(kind)).stream()
                            .filter(note -> note.start > since && note.acknowledgedBy(side)).count() >= WRITES_LEAST);
        }
        requireNoFailure();
    }

    private List<Note> notes() throws IOException {
        return notesOf(KINDS);
    }

    private List<Note> notesOf(List<String> kinds) throws IOException {
        List<Note> notes = new ArrayList<>();
        for (String kind : kinds) {
            if (Files.exists(notesOf(kind))) {
                String text = Files.readString(notesOf(kind));
                text.substring(0, text.lastIndexOf('\n') + 1).lines().map(Note::of).forEach(notes::add);
            }
        }
        return notes;
    }

    private void end(List<Process> clients, List<Thread> watches) throws Exception {
        stop.countDown();
        for (Process client : clients) {
            client.getOutputStream().close();
        }
        for (Process client : clients) {
            if (!client.waitFor(30, TimeUnit.SECONDS)) {
                client.destroyForcibly().waitFor();
            }
        }
        for (Thread watch : watches) {
            watch.join(60_000);
        }
        for (int i = 0; i < clients.size(); i++) {
            assertThat(clients.get(i).exitValue()).as(KINDS.get(i) + " said " + Files.readString(folder.resolve(KINDS.get(i) + ".err")))
                    .isZero();
        }
    }

    // ---- what goes on meanwhile ----

    private interface Watch {
        void run() throws Exception;
    }

    private Thread watch(String name, Watch watch) {
        Thread thread = new Thread(() -> {
            try {
                watch.run();
            } catch (Exception | AssertionError e) {
                failure.compareAndSet(null, e);
            }
        }, name);
        thread.start();
        return thread;
    }

    /** In no snapshot is a transfer half there, or an account that does not fit the transfers. */
    private void look(Connection reader) throws Exception {
        long fits = IntStream.rangeClosed(1, SwitchingClient.ACCOUNTS).sum() * (long) SwitchingClient.BALANCE;
        try (reader; Statement statement = reader.createStatement()) {
            do {
                try (ResultSet row = statement.executeQuery("""
                        SELECT (SELECT sum(balance) FROM accounts), (SELECT sum(id * balance) FROM accounts)
                            - (SELECT coalesce(sum((dst - src) * amount), 0) FROM transfers)
                        """)) {
                    row.next();
                    String url = reader.getMetaData().getURL();
                    assertThat(row.getLong(1)).as("sum of the accounts in %s", url)
                            .isEqualTo((long) SwitchingClient.ACCOUNTS * SwitchingClient.BALANCE);
                    assertThat(row.getLong(2)).as("accounts against transfers in %s", url).isEqualTo(fits);
                    looks.incrementAndGet();
                }
            } while (!stop.await(40, TimeUnit.MILLISECONDS));
        }
    }

    private void verifyAgainAndAgain(LiveGround ground) throws Exception {
        do {
            if (ground.migration().phase() == Phase.REPLICATING) {
                try {
                    VerifyReport report = ground.verify();
                    assertThat(report.isEqual()).as(report.toString()).isTrue();
                    verifications.incrementAndGet();
                } catch (TargetRefusal e) {
                    assertThat(ground.migration().failure()).as(e.getMessage()).isNull(); // the writes have moved meanwhile
                }
            }
        } while (!stop.await(100, TimeUnit.MILLISECONDS));
    }

    // ---- what must be so in the end ----

    private void requireExactlyOnce(LiveGround ground, List<Note> notes) throws SQLException {
        for (String side : List.of("sqlite", "postgres")) {
            requireExactlyOnce(rows(ground, side, "SELECT name FROM transfers"), "bank", notes, side);
            requireExactlyOnce(rows(ground, side, "SELECT name FROM log"), "log", notes, side);
            assertThat(rows(ground, side, "SELECT member || ' ' || name FROM members")).as("the set in %s", side)
                    .containsExactlyInAnyOrderElementsOf(membersBy(notes));
        }
    }

    private static List<String> rows(LiveGround ground, String side, String sql) throws SQLException {
        return side.equals("sqlite") ? ground.source(sql) : ground.target(sql);
    }

    private static void requireExactlyOnce(List<String> found, String kind, List<Note> notes, String side) {
        List<Note> its = notes.stream().filter(note -> note.name.startsWith(kind)).toList();
        Set<String> uncertain = its.stream().filter(note -> note.is(SwitchingClient.LOST)).map(Note::name).collect(Collectors.toSet());
        List<String> certain = found.stream().filter(name -> !uncertain.contains(name)).toList();
        assertThat(new HashSet<>(found)).as("%s in %s: nothing twice", kind, side).hasSameSizeAs(found);
        assertThat(certain).as("%s in %s: what was acknowledged, and nothing that was refused", kind, side)
                .containsExactlyInAnyOrderElementsOf(its.stream().filter(note -> note.is(SwitchingClient.OK)).map(Note::name).toList());
    }

    /** The set after all that was acknowledged; on the way every answer must have fitted it. */
    private static List<String> membersBy(List<Note> notes) {
        Map<String, String> members = new LinkedHashMap<>();
        for (Note note : notes.stream().filter(note -> note.name.startsWith("set")).toList()) {
            assertThat(note.answer).as("a client that had no fault but refusals: %s", note).isNotEqualTo(SwitchingClient.LOST);
            if (note.is(SwitchingClient.OK)) {
                boolean insert = note.what.startsWith("+");
                String member = note.what.substring(1, note.what.indexOf('='));
                boolean changes = insert != members.containsKey(member);
                assertThat(note.what).as("%s found what it had written before", note).endsWith(changes ? "=1" : "=0");
                if (!insert) {
                    members.remove(member);
                } else if (changes) {
                    members.put(member, note.name);
                }
            }
        }
        return members.entrySet().stream().map(one -> one.getKey() + " " + one.getValue()).toList();
    }

    /** By the machine's one clock, and by the epochs that those who follow the flag had read in it. */
    private void requireOneSideAtATime(List<Note> notes) {
        for (int i = 0; i < moves.size(); i++) {
            long from = i == 0 ? 0 : moves.get(i - 1).endNanos;
            long to = i == moves.size() - 1 ? Long.MAX_VALUE : moves.get(i + 1).startNanos;
            String young = moves.get(i).to;
            long lastBegun = notes.stream().filter(note -> !note.side.equals(young) && note.is(SwitchingClient.OK)
                    && note.end > from && note.start < to).mapToLong(Note::start).max().orElseThrow();
            long firstEnded = notes.stream().filter(note -> note.acknowledgedBy(young) && note.end > from && note.start < to)
                    .mapToLong(Note::end).min().orElseThrow();
            assertThat(lastBegun).as("move %d to %s: when the new side had acknowledged a write, none on the old one began that was"
                    + " acknowledged", i + 1, young).isLessThan(firstEnded);
        }
        Map<Long, Set<String>> sides = new HashMap<>();
        notes.stream().filter(note -> note.is(SwitchingClient.OK) && note.epoch >= 0)
                .forEach(note -> sides.computeIfAbsent(note.epoch, epoch -> new HashSet<>()).add(note.side));
        assertThat(sides).as("sides that acknowledged writes, by epoch").hasSize(moves.size() + 1)
                .allSatisfy((epoch, of) -> assertThat(of).containsExactly(epoch % 2 == 0 ? "sqlite" : "postgres"));
    }

    private void tell(List<Note> notes) {
        Map<String, Long> answers = notes.stream().collect(Collectors.groupingBy(note -> note.answer + " " + note.side
                + note.what.replaceFirst("^[^ ]*", ""), TreeMap::new, Collectors.counting()));
        System.out.printf("SwitchedClientsIT: seed %d, %d moves, %d verifications, %d snapshots, answers %s%n", SEED, moves.size(),
                verifications.get(), looks.get(), answers);
        for (Moved move : moves) {
            long last = notes.stream().filter(note -> note.is(SwitchingClient.OK) && !note.side.equals(move.to)
                    && note.start < move.endNanos).mapToLong(Note::end).max().orElse(0);
            long first = notes.stream().filter(note -> note.acknowledgedBy(move.to) && note.end > move.startNanos)
                    .mapToLong(Note::end).min().orElse(0);
            System.out.printf("  to %-8s %5d ms in all; writes stood still for %4d ms by the clients, %4d by the report: %s%n", move.to,
                    (move.endNanos - move.startNanos) / 1_000_000, (first - last) / 1_000_000,
                    move.report.pause() == null ? -1 : move.report.pause().toMillis(), move.report.steps().stream()
                            .filter(step -> step.took().toMillis() > 0).map(step -> step.name() + " " + step.took().toMillis())
                            .collect(Collectors.joining(", ")));
        }
    }
}
