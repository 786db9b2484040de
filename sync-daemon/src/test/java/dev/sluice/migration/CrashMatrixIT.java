package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cutover.Step;
import dev.sluice.testing.CutProxy;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.MovingApplication;
import dev.sluice.testing.MovingApplication.Side;
import dev.sluice.testing.OwnServer;
import dev.sluice.testing.SameRows;
import dev.sluice.testing.SwitchDaemon;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * The daemon is killed, PostgreSQL is killed, stopped and cut off, before and after every step of a switch, while an
 * application writes and another thread of it tries both sides: afterwards one side takes writes, and both have every write
 * that was acknowledged, once. {@code -Dsluice.matrix=all} walks every row, else the seed chooses some of each kind.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CrashMatrixIT {

    private static final boolean ALL = "all".equals(System.getProperty("sluice.matrix"));
    private static final int SAMPLE = 2;
    private static final long TIMEOUT_MILLIS = 20_000;
    private static final long SHORT_MILLIS = 8_000;

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final List<String> table = new ArrayList<>();

    @TempDir
    static Path folder;

    private OwnServer server;
    private Ground ground;

    /**
     * Kills of the daemon, one after the other: each daemon that is started dies at the next moment.
     *
     * @param moments names of hooks
     * @param end who takes writes when a daemon was left alone
     */
    private record Kills(String act, List<String> moments, Side end) {}

    @BeforeAll
    void start() throws Exception {
        System.out.println("CrashMatrixIT: seed " + seed + " (repeat with -Dsluice.seed=" + seed + "), "
                + (ALL ? "all rows" : "a sample; -Dsluice.matrix=all walks all rows"));
        server = new OwnServer(folder.resolve("postgres"));
        ground = new Ground("first");
    }

    @AfterAll
    void printTable() throws Exception {
        System.out.println("CrashMatrixIT: seed " + seed + ", " + table.size() + " rows, "
                + (ground == null ? 0 : ground.application.writes()) + " acknowledged writes\n\n"
                + "| step | strike | state found | who takes writes in the end | ms |\n|---|---|---|---|---|\n"
                + String.join("\n", table) + "\n");
        if (ground != null) {
            ground.close();
        }
        if (server != null) {
            server.close();
        }
    }

    private <T> List<T> chosen(List<T> rows) {
        if (ALL) {
            return rows;
        }
        List<T> some = new ArrayList<>(rows);
        Collections.shuffle(some, random);
        return some.subList(0, Math.min(SAMPLE, some.size()));
    }

    // ---- the daemon is killed ----

    private static List<Kills> aroundEach(String act, List<Step> steps, Side start, Step decisive) {
        List<Kills> rows = new ArrayList<>();
        Side other = start == Side.SQLITE ? Side.POSTGRES : Side.SQLITE;
        boolean decided = false;
        for (Step step : steps) {
            rows.add(new Kills(act, List.of(moment("before", step)), decided ? other : start));
            decided |= step == decisive;
            rows.add(new Kills(act, List.of(moment("after", step)), decided ? other : start));
        }
        return rows;
    }

    private static String moment(String side, Step step) {
        return side + "-" + step.label().replace('_', '-');
    }

    @Test
    void killedCutoverEndsOnOneSideWithEveryWrite() throws Exception {
        for (Kills row : chosen(aroundEach("cutover", Step.ofCutover(), Side.SQLITE, Step.FLIP))) {
            kill(row);
        }
    }

    @Test
    void killedRollbackEndsOnOneSideWithEveryWrite() throws Exception {
        for (Kills row : chosen(aroundEach("rollback", Step.ofRollback(), Side.POSTGRES, Step.DECIDE))) {
            kill(row);
        }
    }

    @Test
    void killedAgainWhileItSettlesItEndsOnOneSideWithEveryWrite() throws Exception {
        List<Kills> rows = new ArrayList<>();
        for (String when : List.of("before-", "after-")) {
            rows.add(new Kills("cutover", List.of(when + "recall"), Side.SQLITE));
            rows.add(new Kills("cutover", List.of("before-flip", when + "give-up"), Side.SQLITE));
            rows.add(new Kills("cutover", List.of("before-flip", when + "lift"), Side.SQLITE));
            rows.add(new Kills("cutover", List.of("after-flip", when + "confirm"), Side.POSTGRES));
            rows.add(new Kills("rollback", List.of("after-fence-target", when + "unfence"), Side.POSTGRES));
            rows.add(new Kills("rollback", List.of("after-decide", when + "give-up"), Side.SQLITE));
        }
        for (Kills row : chosen(rows)) {
            kill(row);
        }
    }

    private void kill(Kills row) throws Exception {
        ground.prepare(row.act());
        long struck = 0;
        String found = "";
        for (String moment : row.moments()) {
            ground.hook(moment, "kill -9 $PPID");
            Future<SwitchDaemon.Answer> answer = null;
            if (moment.endsWith("-recall")) {
                // what has it taken back; a daemon that is started recalls before anything else, and runs no hook for it
                answer = ground.pauseAt("before-note-flip", row.act(), TIMEOUT_MILLIS);
                ground.live.app("ALTER TABLE audit ADD COLUMN since_" + table.size() + " TEXT");
                ground.goOn("before-note-flip");
            } else if (struck == 0) {
                answer = ground.daemon.order(row.act(), TIMEOUT_MILLIS);
            } else {
                ground.startDaemon();
            }
            boolean died = ground.daemon.awaitDeath(60);
            struck = struck == 0 ? System.nanoTime() : struck;
            assertThat(died).as("%s: the daemon was to die at %s, but it answered %s", row, moment,
                    answer == null || !answer.isDone() ? ground.status() : answer.get()).isTrue();
            ground.unhook(moment);
            found = ground.state();
        }
        ground.startDaemon();
        ground.awaitSettled(row.end());
        note(row.act() + (row.moments().size() > 1 || row.moments().get(0).endsWith("-recall") ? ", settling" : ""), "daemon killed "
                + String.join(", then ", row.moments()).replace("before-", "before ").replace("after-", "after ")
                        .replace('-', '_'), found, struck);
    }

    // ---- PostgreSQL is killed, or gone ----

    @Test
    void killedPostgresLeavesOneSideWithEveryWrite() throws Exception {
        for (int i = 0; i < (ALL ? 3 : 1); i++) {
            killPostgres("cutover", "before-begin");
            killPostgres("rollback", "before-fence-target");
        }
    }

    private void killPostgres(String act, String from) throws Exception {
        ground.prepare(act);
        Path begun = ground.folder.resolve("begun");
        ground.hook(from, "touch " + begun);
        Future<SwitchDaemon.Answer> answer = ground.daemon.order(act, SHORT_MILLIS);
        await().until(() -> Files.exists(begun));
        int millis = random.nextInt(120);
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
        server.kill();
        long struck = System.nanoTime();
        String found = "fence of SQLite: " + ground.fence();
        SwitchDaemon.Answer said = answer.get(120, TimeUnit.SECONDS);
        Files.delete(begun);
        ground.unhook(from);
        ground.awaitSettled(null);
        note(act, "PostgreSQL killed " + millis + " ms in (" + (said.done() ? "done" : "given up") + ")", found, struck);
    }

    @Test
    void sqliteTakesWritesAgainInTimeWhenPostgresIsGoneBeforeTheFlip() throws Exception {
        for (String moment : chosen(List.of("before-drain", "before-set-target-sequences"))) {
            ground.prepare("cutover");
            Future<SwitchDaemon.Answer> answer = ground.pauseAt(moment, "cutover", SHORT_MILLIS);
            long struck = System.nanoTime();
            String found = ground.state();
            server.stop();
            try {
                ground.goOn(moment);
                await().until(() -> ground.application.firstAfter(struck) != null);
                assertThat(ground.application.firstAfter(struck).getValue()).isEqualTo(Side.SQLITE);
                await().until(() -> ground.feed().equals("sqlite"));
                note("cutover", "PostgreSQL stopped " + moment.replaceFirst("-", " ").replace('-', '_') + ", started later",
                        found, struck);
            } finally {
                server.start();
            }
            assertThat(answer.get(120, TimeUnit.SECONDS).done()).isFalse();
            ground.awaitSettled(Side.SQLITE);
        }
    }

    // ---- the way to PostgreSQL is cut around the commit of the flip ----

    @Test
    void flipThatCannotBeAskedLeavesTheFenceUntilItCan() throws Exception {
        for (CutProxy.Cut cut : CutProxy.Cut.values()) {
            ground.prepare("cutover");
            Future<SwitchDaemon.Answer> answer = ground.pauseAt("before-flip", "cutover", SHORT_MILLIS);
            ground.proxy.arm(cut, "UPDATE sluice.control SET traffic");
            ground.goOn("before-flip");
            assertThat(ground.proxy.awaitCut(30)).isTrue();
            long struck = System.nanoTime();
            String found = ground.state();
            await().until(() -> ground.status().matches("cutting_over .*blocked.*"));
            SwitchDaemon.Answer repair = ground.daemon.ask("repair", 1_000);
            assertThat(repair.done()).isFalse();
            assertThat(repair.says()).contains("is not settled within 1000 ms").contains("goes on trying by itself");
            assertThat(ground.fence()).isEqualTo("fenced");
            ground.proxy.open();
            if (cut == CutProxy.Cut.LATE) {
                await().until(() -> ground.live.target("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                        + " AND application_name LIKE 'sluice%'"), count -> !count.equals(List.of("0")));
                ground.proxy.deliver();
            }
            SwitchDaemon.Answer said = answer.get(120, TimeUnit.SECONDS);
            Side end = cut == CutProxy.Cut.SWALLOWED ? Side.SQLITE : Side.POSTGRES;
            if (!said.says().contains("No side takes writes until PostgreSQL has been asked")) { // who asked was not kept waiting
                assertThat(said.done()).as(said.says()).isEqualTo(end == Side.POSTGRES);
            }
            ground.awaitSettled(end);
            note("cutover", "network cut in flip, commit " + cut.name().toLowerCase(java.util.Locale.ROOT), found, struck);
        }
    }

    @Test
    void operatorsWordThatTheTargetIsLostGivesSqliteTheWrites() throws Exception {
        try (Ground lost = new Ground("lost")) {
            lost.prepare("cutover");
            lost.pauseAt("before-flip", "cutover", SHORT_MILLIS);
            lost.proxy.arm(CutProxy.Cut.SWALLOWED, "UPDATE sluice.control SET traffic");
            lost.goOn("before-flip");
            assertThat(lost.proxy.awaitCut(30)).isTrue();
            long struck = System.nanoTime();
            String found = lost.state();
            await().until(() -> lost.status().contains("blocked"));
            assertThat(lost.application.firstAfter(struck)).as("nobody takes writes").isNull();
            lost.application.forgetEpochs();
            SwitchDaemon.Answer repair = lost.daemon.ask("lost", 5_000);
            assertThat(repair.done()).as(repair.says()).isTrue();
            await().until(() -> lost.application.firstAfter(struck) != null);
            assertThat(lost.application.firstAfter(struck).getValue()).isEqualTo(Side.SQLITE);
            lost.application.still(() -> {
                try (Connection here = lost.sqlite()) {
                    lost.application.assertEachOnce(here, "SQLite");
                }
            });
            lost.application.assertWell();
            assertThat(lost.live.traces()).isEmpty();
            table.add(row("cutover", "network cut in flip for good, repair: the target is lost", found, "SQLite",
                    lost.millis(struck)));
        }
    }

    // ---- complete: it has no hooks, so PostgreSQL is made to wait within its steps ----

    /**
     * A place in the completion.
     *
     * @param trigger what has PostgreSQL wait there for a lock that the test holds
     */
    private record Halt(String place, String trigger, boolean decided) {}

    private static Halt before(String tag) {
        return new Halt("in " + tag, "CREATE EVENT TRIGGER strike ON ddl_command_start WHEN TAG IN ('" + tag
                + "') EXECUTE FUNCTION strike.wait_in_ddl(); ALTER EVENT TRIGGER strike ENABLE ALWAYS", true);
    }

    @Test
    void killedCompletionIsFinishedOrWasNeverBegun() throws Exception {
        List<Halt> halts = List.of(
                new Halt("in its decision", "CREATE TRIGGER strike BEFORE UPDATE ON sluice.migration FOR EACH ROW"
                        + " WHEN (NEW.phase = 'completed') EXECUTE FUNCTION strike.wait_in_row();"
                        + " ALTER TABLE sluice.migration ENABLE ALWAYS TRIGGER strike", false),
                before("DROP PUBLICATION"), before("DROP TRIGGER"), before("DROP SCHEMA"));
        for (Halt halt : ALL ? halts : chosen(halts).subList(0, 1)) {
            killCompletion(halt);
        }
    }

    private void killCompletion(Halt halt) throws Exception {
        try (Ground done = new Ground("complete-" + halt.place().replace(' ', '-'))) {
            done.prepare("complete");
            done.application.still(done.application::forgetEpochs);
            done.live.there("CREATE SCHEMA strike",
                    "CREATE FUNCTION strike.wait_in_ddl() RETURNS event_trigger LANGUAGE plpgsql AS"
                            + " $$BEGIN PERFORM pg_advisory_xact_lock(4711); END$$",
                    "CREATE FUNCTION strike.wait_in_row() RETURNS trigger LANGUAGE plpgsql AS"
                            + " $$BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END$$", halt.trigger());
            long struck;
            String found;
            try (Connection held = done.live.target().dedicated(); Statement lock = held.createStatement()) {
                lock.execute("SELECT pg_advisory_lock(4711)");
                Future<SwitchDaemon.Answer> answer = done.daemon.order("complete", TIMEOUT_MILLIS);
                await().failFast(() -> assertThat(answer.isDone() ? "it answered " + answer.get() : "it waits")
                        .isEqualTo("it waits"))
                        .until(() -> done.live.target("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"),
                                count -> count.equals(List.of("1")));
                done.daemon.close();
                struck = System.nanoTime();
                found = "SQLite " + done.fence() + "; phase " + done.live.target("SELECT phase FROM sluice.migration").get(0);
            }
            await().until(() -> done.live.target("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"),
                    count -> count.equals(List.of("0")));
            done.live.there(halt.decided() ? "DROP EVENT TRIGGER strike"
                    : "DROP TRIGGER IF EXISTS strike ON sluice.migration", "DROP SCHEMA strike CASCADE");
            done.startDaemon();
            if (halt.decided()) {
                SwitchDaemon.Answer end = done.daemon.ask("end", 50_000);
                assertThat(end.done()).as(end.says() + "\n" + done.log()).isTrue();
                assertThat(end.says()).startsWith("completed ");
                assertThat(done.live.target("SELECT 'schema' FROM pg_namespace WHERE nspname = 'sluice' UNION ALL"
                        + " SELECT 'trigger' FROM pg_trigger WHERE tgname LIKE '%sluice%' UNION ALL"
                        + " SELECT 'publication' FROM pg_publication UNION ALL"
                        + " SELECT 'slot' FROM pg_replication_slots WHERE database = current_database()")).isEmpty();
                assertThat(done.fence()).as("no mistake writes to the old file").isEqualTo("fenced");
                long now = System.nanoTime();
                await().failFast(done.application::assertWell).until(() -> done.application.firstAfter(now) != null);
                done.application.still(() -> {
                    try (Connection there = DriverManager.getConnection(done.url(), done.live.target().login())) {
                        done.application.assertEachOnce(there, "PostgreSQL");
                    }
                });
                done.application.assertWell();
            } else {
                done.awaitSettled(Side.POSTGRES);
            }
            table.add(row("complete", "daemon killed " + halt.place(), found, "PostgreSQL"
                    + (halt.decided() ? ", completed" : ""), done.millis(struck)));
        }
    }

    // ---- the table ----

    private void note(String step, String strike, String found, long struck) throws SQLException {
        table.add(row(step, strike, found, ground.takesWrites(), ground.millis(struck)));
    }

    private static String row(String step, String strike, String found, String end, long millis) {
        String row = "| " + step + " | " + strike + " | " + found + " | " + end + " | " + millis + " |";
        System.out.println("CrashMatrixIT: " + row);
        return row;
    }

    private static ConditionFactory await() {
        return Awaitility.await().atMost(Duration.ofSeconds(90)).pollInterval(Duration.ofMillis(20));
    }

    /** One source, one database, a daemon that reaches it through a proxy, and an application. */
    private final class Ground implements AutoCloseable {

        private final Path folder;
        private final Path hooks;
        private final LiveGround live;
        private final CutProxy proxy;
        private final MovingApplication application;
        private SwitchDaemon daemon;

        Ground(String name) throws Exception {
            folder = Files.createDirectories(CrashMatrixIT.folder.resolve(name));
            hooks = Files.createDirectory(folder.resolve("hooks"));
            live = new LiveGround(folder, server.fresh(), MovingApplication.SCHEMA);
            proxy = new CutProxy(live.target().url().port());
            startDaemon();
            await().until(() -> status().startsWith("replicating "));
            application = new MovingApplication(live.file().path(), url(), live.target().login());
        }

        String url() {
            return "jdbc:postgresql://" + live.target().url().place() + "/" + live.target().url().effectiveDatabase();
        }

        Connection sqlite() throws SQLException {
            return DriverManager.getConnection("jdbc:sqlite:" + live.file().path());
        }

        void startDaemon() throws Exception {
            daemon = new SwitchDaemon(live.file().path(), "postgres://" + live.target().url().effectiveUser() + "@127.0.0.1:"
                    + proxy.port() + "/" + live.target().url().effectiveDatabase(), server.server().password(), hooks, folder,
                    folder.resolve("daemon.log"));
        }

        /** phase, traffic, what the feed says, run. */
        String status() throws Exception {
            return daemon.ask("status", 0).says();
        }

        String feed() throws Exception {
            return status().split(" ")[2];
        }

        void awaitStatus(String pattern) throws Exception {
            try {
                await().failFast(() -> {
                    application.assertWell();
                    assertThat(daemon.isAlive()).as("the daemon ended by itself: " + log()).isTrue();
                }).until(this::status, status -> status.matches(pattern));
            } catch (ConditionTimeoutException e) {
                throw new AssertionError(e.getMessage() + "\n" + state() + "\n" + log(), e);
            }
        }

        String log() throws Exception {
            List<String> lines = Files.readAllLines(folder.resolve("daemon.log"));
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 60), lines.size()));
        }

        /** Has the side take writes that {@code act} starts from, and opens its gates. */
        void prepare(String act) throws Exception {
            proxy.open();
            boolean cutover = act.equals("cutover");
            String phase = status().split(" ")[0];
            if (cutover && phase.equals("switched")) {
                done(daemon.ask("rollback", TIMEOUT_MILLIS));
            }
            if (cutover || phase.equals("replicating")) {
                awaitStatus("replicating \\w+ \\w+ running");
                await().until(() -> daemon.ask("verify", 0).done()); // it may have left replicating for a moment
            }
            if (!cutover && phase.equals("replicating")) {
                done(daemon.ask("cutover", TIMEOUT_MILLIS));
            }
        }

        private void done(SwitchDaemon.Answer answer) throws Exception {
            assertThat(answer.done()).as(answer.says() + "\n" + log()).isTrue();
        }

        // ---- hooks ----

        /** A hook whose name is there only when it is whole. */
        void hook(String moment, String command) throws Exception {
            Path young = hooks.resolve(moment + ".young");
            Files.writeString(young, "#!/bin/sh\n" + command + "\n");
            Files.setPosixFilePermissions(young, PosixFilePermissions.fromString("rwxr-xr-x"));
            Files.move(young, hooks.resolve(moment), StandardCopyOption.ATOMIC_MOVE);
        }

        void unhook(String moment) throws Exception {
            Files.delete(hooks.resolve(moment));
        }

        /** Orders {@code act} and returns when it waits at {@code moment}. */
        Future<SwitchDaemon.Answer> pauseAt(String moment, String act, long millis) throws Exception {
            hook(moment, "touch ../there; i=0; while [ ! -e ../on ] && [ $i -lt 500 ]; do sleep 0.01; i=$((i+1)); done");
            Future<SwitchDaemon.Answer> answer = daemon.order(act, millis);
            await().failFast(() -> assertThat(answer.isDone()
                    ? "it answered " + answer.get() : "it waits").as("at %s", moment).isEqualTo("it waits"))
                    .until(() -> Files.exists(folder.resolve("there")));
            return answer;
        }

        void goOn(String moment) throws Exception {
            unhook(moment);
            Files.createFile(folder.resolve("on"));
            Files.delete(folder.resolve("there"));
        }

        // ---- what is found ----

        String fence() throws SQLException {
            return live.source("SELECT CASE WHEN fenced = 0 THEN 'open' WHEN recall = 1 THEN 'fenced, marked' ELSE 'fenced' END"
                    + " FROM _sluice_control").get(0);
        }

        String state() throws SQLException {
            return "SQLite " + fence() + "; register " + live.target("SELECT traffic || ', epoch ' || epoch FROM sluice.control")
                    .get(0);
        }

        String takesWrites() throws SQLException {
            return fence().equals("open") ? "SQLite" : "PostgreSQL";
        }

        long millis(long since) {
            return TimeUnit.NANOSECONDS.toMillis(application.firstAfter(since).getKey() - since);
        }

        /** Waits until one side takes writes and the other has them all. */
        void awaitSettled(Side end) throws Exception {
            Files.deleteIfExists(folder.resolve("on"));
            String onSqlite = "replicating sqlite sqlite running";
            String onPostgres = "switched postgres postgres running";
            awaitStatus(end == null ? onSqlite + "|" + onPostgres : end == Side.SQLITE ? onSqlite : onPostgres);
            String side = status().startsWith("switched") ? "postgres" : "sqlite";
            long now = System.nanoTime();
            await().failFast(application::assertWell).until(() -> application.firstAfter(now) != null);
            assertThat(application.firstAfter(now).getValue().name()).isEqualToIgnoringCase(side);
            application.still(() -> {
                await().pollInterval(Duration.ofMillis(50)).untilAsserted(() -> SameRows.assertSame(live));
                try (Connection here = sqlite(); Connection there = DriverManager.getConnection(url(), live.target().login())) {
                    application.assertEachOnce(here, "SQLite");
                    application.assertEachOnce(there, "PostgreSQL");
                }
            });
            application.assertWell();
        }

        @Override
        public void close() throws IOException, SQLException {
            application.close();
            daemon.close();
            proxy.close();
            live.close();
        }
    }
}
