package dev.sluice.demo;

import static dev.sluice.console.Amounts.bytes;
import static dev.sluice.console.Amounts.count;
import static dev.sluice.console.Amounts.duration;

import dev.sluice.announce.Addresses;
import dev.sluice.announce.Announcer;
import dev.sluice.announce.Hooks;
import dev.sluice.announce.TrafficFeed;
import dev.sluice.assess.Assessment;
import dev.sluice.assess.ColumnMapping;
import dev.sluice.assess.Note;
import dev.sluice.assess.TableAssessment;
import dev.sluice.census.Census;
import dev.sluice.console.Json;
import dev.sluice.console.Progress;
import dev.sluice.console.Terminal;
import dev.sluice.copy.CopyProgress;
import dev.sluice.migration.LiveMigration;
import dev.sluice.migration.Preparation;
import dev.sluice.migration.StatusSnapshot;
import dev.sluice.migration.SwitchOrder;
import dev.sluice.migration.SwitchReport;
import dev.sluice.migration.SwitchSettings;
import dev.sluice.phase.Phase;
import dev.sluice.plan.Declaration;
import dev.sluice.plan.Declaration.Stage;
import dev.sluice.plan.MappingRules;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.NotCarried;
import dev.sluice.postgres.EmbeddedTarget;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetUrl;
import dev.sluice.settings.Settings;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.tail.Limits;
import dev.sluice.verify.TableReport;
import dev.sluice.verify.VerifyReport;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A tour on this machine alone: an application of ours writes all the while; its file is copied to an embedded
 * PostgreSQL, followed and verified, its writes are moved there, back and there again, and the migration is completed.
 * Everything lives in temporary directories and is gone at the end, also after Ctrl-C. An instance runs once.
 */
public final class Demo {

    private static final long UNDER_LOAD_NANOS_MAX = 20_000_000_000L;
    private static final Duration FILL_WAIT = Duration.ofMinutes(10);
    private static final Duration COPY_WAIT = Duration.ofMinutes(30);
    private static final Duration BUSY_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration LOOK_PAUSE = Duration.ofMillis(20);
    private static final Duration FOLLOW_LINE_EVERY = Duration.ofSeconds(2);
    /** Smaller than in earnest: the demo has few rows, and its progress should be seen. */
    private static final Limits CHUNK = new Limits(5_000, 4 << 20, Duration.ofMillis(200));
    private static final Limits BATCH = new Limits(10_000, 16 << 20, Duration.ofMillis(200));
    private static final String NAME = "demo";
    private static final LiveMigration.Options LIVE = new LiveMigration.Options(2, CHUNK, BATCH,
            Duration.ofMillis(5), BUSY_TIMEOUT, 10_000, 10, true, NAME);
    private static final int HASH_SHOWN = 16;
    private static final Duration WRITES_MOVED_FOR = Duration.ofSeconds(3);
    private static final Duration WRITES_WAIT = Duration.ofSeconds(60);
    private static final Duration DRAIN_WAIT = Duration.ofSeconds(60);
    private static final SwitchOrder ORDER =
            new SwitchOrder(false, SwitchOrder.TIMEOUT, SwitchOrder.MAX_LAG, Set.of(), "demo");
    /** As shells say it of a program that Ctrl-C ended. */
    private static final int INTERRUPTED = 130;

    private final DemoOptions options;
    private final PrintStream out;
    private final Narration say;
    private final Interference interference;
    private final Map<String, Object> facts = new LinkedHashMap<>();
    private final long startedNanos = System.nanoTime();

    // in the order in which they come to life; closed in the reverse one
    private DemoFolder folder;
    private ApplicationProcess application;
    private EmbeddedTarget server;
    private Target target;
    private LiveMigration migration;
    private BalanceWatch watch;

    private SqliteFile file;
    private List<String> schemaBefore;
    private long filledNanos;
    private long capturedNanos;
    private final List<SwitchReport> switches = new ArrayList<>();
    private volatile boolean collapsing;

    /** A moment at which a test can put one side in the wrong. */
    enum Moment { FOLLOWING, BEFORE_FINAL_VERIFICATION, BEFORE_COMPARISON }

    /** What a test does to one side, to see that the demo notices. */
    interface Interference {
        void at(Moment moment, Target target, Path file) throws Exception;
    }

    /** @param out where the steps are told or, with {@link DemoOptions#json}, where the one JSON object goes */
    public Demo(DemoOptions options, PrintStream out) {
        this(options, out, (moment, target, file) -> {});
    }

    Demo(DemoOptions options, PrintStream out, Interference interference) {
        this.options = options;
        this.out = out;
        this.say = new Narration(options.json() ? System.err : out);
        this.interference = interference;
    }

    /** Runs the whole tour; 0 only if both sides were proven equal, else 1 and one sentence that says what was not. */
    public int run() throws Exception {
        folder = DemoFolder.create();
        Thread collapse = new Thread(this::collapse, "demo-stop");
        Runtime.getRuntime().addShutdownHook(collapse);
        String failure = null;
        DemoLog log = DemoLog.to(folder.path().resolve("sluice.log"));
        try {
            tour();
        } catch (SQLException | IOException | RuntimeException e) {
            failure = Preparation.sentence(e);
            tellFailure(failure);
        } finally {
            if (!collapsing) { // else the process is ending, and what its threads still log is of no interest
                end();
                log.close();
            }
        }
        if (collapsing) {
            return INTERRUPTED;
        }
        Runtime.getRuntime().removeShutdownHook(collapse);
        facts.put("equal", failure == null);
        facts.put("failure", failure);
        facts.put("seconds", Math.round((System.nanoTime() - startedNanos) / 1e8) / 10.0);
        facts.put("kept", options.keep() ? folder.path().toString() : null);
        if (options.json()) {
            out.println(Json.text(facts));
        }
        return failure == null ? 0 : 1;
    }

    /** For tests, which look whether it is gone. */
    Path place() {
        return folder.path();
    }

    private void tour() throws Exception {
        say.title("A live SQLite application moves to PostgreSQL, back, and there again, while it writes");
        startApplication();
        assess();
        Preparation preparation = plan();
        copy(preparation);
        follow();
        verifyUnderLoad();
        cutOver("Cut over: the writes move to PostgreSQL, whose commits come back to the file from now on");
        rollBack();
        verify(); // a cutover is refused without a fresh one
        cutOver("Cut over again");
        verifyAtRest();
        complete();
        summary(preparation.plan());
    }

    // ---- 1 ----

    private void startApplication() throws Exception {
        say.step("An application and an empty PostgreSQL start");
        server = options.keep() ? EmbeddedTarget.persistent(folder.path().resolve("postgres"))
                : EmbeddedTarget.ephemeral();
        target = Target.open(server.url(), server.password(), Target.Options.DEFAULT);
        Path path = folder.path().resolve("shop.db");
        application = ApplicationProcess.start(folder.path(), path, options.rows(), server.password());
        long rows = application.awaitFilled(FILL_WAIT);
        filledNanos = System.nanoTime();
        file = new SqliteFile(path);
        schemaBefore = schema();
        say.line("A web shop in a process of its own (pid " + application.pid() + ") has filled " + path.getFileName()
                + ": " + schemaBefore.stream().filter(line -> line.startsWith("table ")).count() + " tables, "
                + count(rows) + " rows, " + bytes(file.size() + file.walSize()));
        say.line("From now on it writes " + ApplicationProcess.TRANSACTIONS_PER_SECOND
                + " transactions a second. It knows nothing of what follows, but that the file "
                + ApplicationProcess.flagFile(folder.path()).getFileName() + " names the database to go on with when a write is refused");
        say.line("PostgreSQL runs at " + server.url().place());
        facts.put("rowsAtStart", rows);
    }

    /** What the source declares, a line an object, without SQLite's own tables. */
    private List<String> schema() throws SQLException {
        try (SqliteSession session = file.openReader(BUSY_TIMEOUT)) {
            return session.texts("""
                    SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master
                    WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name""");
        }
    }

    // ---- 2 ----

    private void assess() throws Exception {
        say.step("Assess: every value in the file is read once");
        Assessment assessment = Assessment.of(file, Assessment.Options.DEFAULT, Census.Listener.NONE);
        say.line("Verdict: " + assessment.verdict() + "; " + count(assessment.estimate().rows()) + " rows read in "
                + duration(assessment.elapsed()));
        assessment.notes().stream().filter(note -> note.severity() != Note.Severity.INFO)
                .forEach(note -> say.line("- " + note.sentence()));
        say.line("Types are chosen by what is stored, for example:");
        List<List<String>> examples = new ArrayList<>();
        for (String example : List.of("customers.newsletter", "products.attributes", "orders.placed_at", "payments.id",
                "order_items.unit_price", "settings.value")) {
            examples.add(example(assessment, example));
        }
        say.table(List.of("column", "declared", "PostgreSQL", "because of"), examples);
        facts.put("verdict", assessment.verdict().toString());
    }

    private static List<String> example(Assessment assessment, String name) {
        String[] parts = name.split("\\.");
        TableAssessment table = assessment.tables().stream().filter(t -> t.name().equals(parts[0]))
                .findFirst().orElseThrow();
        ColumnMapping column = table.columns().stream().filter(c -> c.name().equals(parts[1]))
                .findFirst().orElseThrow();
        String evidence = column.evidence();
        return List.of(name, column.census().declaredType().isEmpty() ? "(nothing)" : column.census().declaredType(),
                column.type(), evidence.length() <= 60 ? evidence : evidence.substring(0, 57) + "...");
    }

    // ---- 3 ----

    private Preparation plan() throws Exception {
        say.step("Plan");
        Preparation preparation =
                Preparation.of(file, target, MappingRules.DEFAULT, BUSY_TIMEOUT, Census.Listener.NONE);
        preparation.requireFit();
        MigrationPlan plan = preparation.plan();
        say.line(stages(plan));
        say.line("For example:");
        example(plan, Stage.TABLE, "\"orders\"");
        example(plan, Stage.UNIQUE, "payments_captured_once");
        example(plan, Stage.FOREIGN_KEY, "orders_customer_id_fkey");
        if (!plan.notCarried().isEmpty()) {
            say.line("Not carried:");
            for (NotCarried missing : plan.notCarried()) {
                say.line("- " + missing.object() + ": " + missing.reason());
            }
        }
        facts.put("tables", plan.tables().size());
        facts.put("notCarried", plan.notCarried().stream().map(NotCarried::object).toList());
        return preparation;
    }

    private static String stages(MigrationPlan plan) {
        return Stream.of(counted(plan, Stage.TABLE, "table", "tables"),
                counted(plan, Stage.KEY, "primary key", "primary keys"),
                counted(plan, Stage.UNIQUE, "unique constraint or index", "unique constraints and indexes"),
                counted(plan, Stage.INDEX, "other index", "other indexes"),
                counted(plan, Stage.CHECK, "check", "checks"),
                counted(plan, Stage.FOREIGN_KEY, "foreign key", "foreign keys"),
                counted(plan, Stage.VIEW, "view", "views"))
                .filter(part -> !part.isEmpty()).collect(Collectors.joining(", "));
    }

    private static String counted(MigrationPlan plan, Stage stage, String one, String many) {
        int number = plan.declarations(stage).size();
        return number == 0 ? "" : number + " " + (number == 1 ? one : many);
    }

    private void example(MigrationPlan plan, Stage stage, String with) {
        plan.declarations(stage).stream().map(Declaration::sql).filter(sql -> sql.contains(with)).findFirst()
                .ifPresent(sql -> sql.lines().forEach(line -> say.line("  " + line)));
    }

    // ---- 4 ----

    private void copy(Preparation preparation) throws Exception {
        say.step("Copy, while the application writes");
        long start = System.nanoTime();
        capturedNanos = start;
        try (Progress progress = Progress.start(Terminal.standardError(), "copy", preparation.plan().rows())) {
            migration = new LiveMigration(NAME, file, target, LIVE, MappingRules.DEFAULT, () -> preparation,
                    new Shown(progress), switching());
            migration.start();
            while (migration.phase() == Phase.CREATED || migration.phase() == Phase.COPYING) {
                require(migration, start);
            }
        }
        while (migration.phase() != Phase.REPLICATING) {
            require(migration, start);
        }
        Duration taken = Duration.ofNanos(System.nanoTime() - start);
        StatusSnapshot status = migration.status();
        say.line(count(status.rowsCopied()) + " rows copied, " + count(status.changesApplied())
                + " changes made meanwhile caught up, indexes and constraints built, all in " + duration(taken));
        tellApplication("meanwhile", application.since(start));
        application.requireWell();
        facts.put("rowsCopied", status.rowsCopied());
        facts.put("copySeconds", taken.toMillis() / 1e3);
    }

    private SwitchSettings switching() {
        Announcer announcer = new Announcer(new TrafficFeed(),
                Addresses.of(new Settings.Traffic(null, null, null), file.path(), target.url()),
                ApplicationProcess.flagFile(folder.path()), Hooks.none());
        return new SwitchSettings(announcer, folder.path().resolve("state"), SwitchSettings.VERIFIED_WITHIN);
    }

    /** The bulk copy on the progress bar. */
    private record Shown(Progress progress) implements CopyProgress {

        @Override
        public void copied(String table, long rows, long bytes) {
            progress.advance(table, rows);
        }

        @Override
        public void parked(String table, long rows) {
            progress.advance(table, rows);
        }

        @Override
        public void finished(String table) {
            progress.advance(table, 0);
        }
    }

    private static void require(LiveMigration migration, long since) throws Exception {
        if (migration.awaitEnd(LOOK_PAUSE)) {
            throw migration.failure() == null ? new NotProven("the migration ended early") : migration.failure();
        }
        if (System.nanoTime() - since > COPY_WAIT.toNanos()) {
            throw new NotProven("the copy did not end within " + COPY_WAIT.toMinutes() + " minutes: "
                    + migration.status().run());
        }
    }

    private static String speed(ApplicationProcess.Stretch stretch) {
        return (stretch.mostMs() == 0 ? "" : "99 % under " + stretch.mostMs() + " ms, ")
                + String.format(Locale.ROOT, "slowest %.0f ms", stretch.slowestMs());
    }

    private void tellApplication(String when, ApplicationProcess.Stretch stretch) {
        say.line("The application " + when + ": " + count(stretch.transactions()) + " transactions, "
                + Math.round(stretch.perSecond()) + "/s, " + application.errors() + " errors, " + speed(stretch));
    }

    // ---- 5 ----

    private void follow() throws Exception {
        say.step("Follow for " + options.seconds() + " s");
        long sum;
        try (SqliteSession session = file.openReader(BUSY_TIMEOUT)) {
            sum = session.number("SELECT sum(balance_cents) FROM accounts");
        }
        watch = new BalanceWatch(target, sum);
        watch.start();
        interference.at(Moment.FOLLOWING, target, file.path());
        long start = System.nanoTime();
        long end = start + Duration.ofSeconds(options.seconds()).toNanos();
        long changesBefore = migration.status().changesApplied();
        long nextLine = start + FOLLOW_LINE_EVERY.toNanos();
        while (System.nanoTime() < end) {
            require(migration, System.nanoTime());
            application.requireWell();
            if (System.nanoTime() >= nextLine) {
                nextLine += FOLLOW_LINE_EVERY.toNanos();
                BalanceWatch.Sight sight = watch.sight();
                say.line(String.format(Locale.ROOT, "%3d s: %,7d changes applied; PostgreSQL is %d ms behind;"
                        + " sum of accounts right in %d of %d looks",
                        Duration.ofNanos(System.nanoTime() - start).toSeconds(),
                        migration.status().changesApplied() - changesBefore, sight.ageMedianMs(),
                        sight.checks() - sight.broken(), sight.checks()));
            }
        }
        tellApplication("meanwhile", application.since(start));
        facts.put("changesFollowed", migration.status().changesApplied() - changesBefore);
        requireBalance();
    }

    private BalanceWatch.Sight requireBalance() {
        BalanceWatch.Sight sight = watch.sight();
        if (sight.failure() != null) {
            throw new NotProven(sight.failure());
        }
        if (sight.broken() > 0) {
            throw new NotProven("PostgreSQL showed a sum of accounts that SQLite never had, in " + sight.broken()
                    + " of " + sight.checks() + " looks");
        }
        if (sight.checks() == 0) {
            throw new NotProven("PostgreSQL was never looked at");
        }
        return sight;
    }

    // ---- 6 ----

    private void verifyUnderLoad() throws Exception {
        say.step("Verify under load: SHA-256 over all rows, at the same moments on both sides");
        long start = System.nanoTime();
        VerifyReport report = verify();
        ApplicationProcess.Stretch stretch = application.since(start);
        // on an idle machine it is over before the application has written again
        while (stretch.transactions() == 0 && System.nanoTime() - start < UNDER_LOAD_NANOS_MAX) {
            report = verify();
            stretch = application.since(start);
        }
        tellReport(report);
        tellApplication("meanwhile", stretch);
        requireEqual(report);
        if (stretch.transactions() == 0) {
            throw new NotProven("the application wrote nothing during the verification");
        }
        BalanceWatch.Sight sight = requireBalance();
        watch.close();
        say.line("The sum of accounts was right in all " + sight.checks() + " looks at PostgreSQL, which was "
                + sight.ageMedianMs() + " ms behind (median; at most " + sight.ageMaxMs() + " ms)");
        facts.put("balanceChecks", sight.checks());
        facts.put("behindMedianMs", sight.ageMedianMs());
        facts.put("behindMaxMs", sight.ageMaxMs());
        facts.put("verifiedUnderLoad", roots(report));
    }

    // ---- 7 to 9 ----

    private void cutOver(String title) throws Exception {
        say.step(title);
        ApplicationProcess.Writes before = application.writes();
        long start = System.nanoTime();
        tellSwitch(migration.cutover(ORDER), start, before);
    }

    private void rollBack() throws Exception {
        say.step("Roll back: the writes move to SQLite, with everything that PostgreSQL took");
        ApplicationProcess.Writes before = application.writes();
        long start = System.nanoTime();
        tellSwitch(migration.rollback(ORDER), start, before);
    }

    /** Waits until the application writes on the other side, and lets it do so for a while. */
    private void tellSwitch(SwitchReport report, long startNanos, ApplicationProcess.Writes before) throws Exception {
        Duration taken = Duration.ofNanos(System.nanoTime() - startNanos);
        if (!report.done()) {
            throw new NotProven("the writes could not be moved: " + report.summary());
        }
        switches.add(report);
        long movedNanos = System.nanoTime();
        while (application.writes().pausesMs().size() < switches.size()
                || System.nanoTime() - movedNanos < WRITES_MOVED_FOR.toNanos()) {
            require(migration, System.nanoTime());
            application.requireWell();
            if (System.nanoTime() - movedNanos > WRITES_WAIT.toNanos()) {
                throw new NotProven("the application did not write on the other side within " + WRITES_WAIT.toSeconds() + " s");
            }
        }
        ApplicationProcess.Writes after = application.writes();
        say.line(report.summary().replaceFirst("\\.$", "") + ", after " + duration(taken) + ": " + steps(report));
        say.line("Writes stood still for " + milliseconds(report.pause().toNanos() / 1e6) + " by Sluice's clock, "
                + milliseconds(after.pausesMs().get(switches.size() - 1)) + " by the application's, which had "
                + count(after.refused() - before.refused()) + " refused and tried them again");
        say.line("Acknowledged so far, by the application's count: " + count(after.onSqlite()) + " writes on SQLite, "
                + count(after.onPostgres()) + " on PostgreSQL");
        application.requireWell();
    }

    /** The steps that the writes waited for. */
    private static String steps(SwitchReport report) {
        Map<String, Long> millis = new LinkedHashMap<>();
        report.steps().forEach(step -> millis.merge(step.name(), step.took().toMillis(), Long::sum));
        return millis.entrySet().stream().map(step -> step.getKey() + " " + step.getValue()).collect(Collectors.joining(", "))
                + " ms";
    }

    private static String milliseconds(double ms) {
        return String.format(Locale.ROOT, "%.0f ms", ms);
    }

    // ---- 10 ----

    private void verifyAtRest() throws Exception {
        say.step("The application stops, on PostgreSQL: compare once more, and count for ourselves");
        application.stop();
        ApplicationProcess.Writes writes = application.writes();
        say.line("It made " + count(application.transactions()) + " transactions in all, " + application.errors()
                + " errors; " + count(writes.onSqlite()) + " writes were acknowledged by SQLite, "
                + count(writes.onPostgres()) + " by PostgreSQL");
        facts.put("acknowledgedBySqlite", writes.onSqlite());
        facts.put("acknowledgedByPostgres", writes.onPostgres());
        facts.put("refused", writes.refused());
        facts.put("pausesMs", writes.pausesMs());
        RestingSides sides = new RestingSides(file, target, BUSY_TIMEOUT);
        if (!sides.awaitDrained(DRAIN_WAIT)) {
            throw new NotProven("PostgreSQL's last commits did not come back to SQLite within " + DRAIN_WAIT.toSeconds() + " s");
        }
        interference.at(Moment.BEFORE_FINAL_VERIFICATION, target, file.path());
        VerifyReport report = sides.verify(NAME, migration.plan(), CHUNK);
        if (!report.isEqual()) {
            tellReport(report);
        }
        requireEqual(report);
        say.line("SHA-256 over all rows: " + report.tables().size() + " tables, " + count(report.rows())
                + " rows, no difference");
        interference.at(Moment.BEFORE_COMPARISON, target, file.path());
        List<RestComparison.Answer> answers = RestComparison.ask(file.path(), target,
                !migration.plan().declarations(Stage.VIEW).isEmpty());
        say.table(List.of("plain SQL on", "SQLite", "PostgreSQL", ""), answers.stream().map(answer -> List.of(
                answer.about(), String.join(" ", answer.sqlite()), String.join(" ", answer.postgres()),
                answer.isEqual() ? "equal" : "DIFFERENT")).toList());
        answers.stream().filter(answer -> !answer.isEqual()).findFirst().ifPresent(answer -> {
            throw new NotProven("counts and sums of " + answer.about() + " are not the same on both sides");
        });
        facts.put("transactions", application.transactions());
        facts.put("applicationErrors", application.errors());
        facts.put("rowsAtEnd", report.rows());
        facts.put("verifiedAtRest", roots(report));
        facts.put("comparisonsEqual", answers.size());
    }

    private VerifyReport verify() throws Exception {
        return migration.verify(List.of(), false);
    }

    private void tellReport(VerifyReport report) {
        say.table(List.of("table", "rows", "SQLite", "PostgreSQL", ""), report.tables().stream().map(table -> List.of(
                table.table(), count(table.rows()), shortened(table.sourceHash()), shortened(table.targetHash()),
                table.isEqual() ? "equal"
                        : count(table.differenceCount()) + " DIFFERENT, " + table.parked() + " parked")).toList());
    }

    private static void requireEqual(VerifyReport report) {
        List<String> unequal = report.tables().stream().filter(table -> !table.isEqual()
                || !table.sourceHash().equals(table.targetHash())).map(TableReport::table).toList();
        if (!unequal.isEmpty()) {
            throw new NotProven("SQLite and PostgreSQL do not hold the same rows in " + String.join(", ", unequal)
                    + ": " + report.differenceCount() + " differ, " + report.parked() + " are parked");
        }
    }

    private static Map<String, String> roots(VerifyReport report) {
        Map<String, String> roots = new LinkedHashMap<>();
        report.tables().forEach(table -> roots.put(table.table(), table.targetHash()));
        return roots;
    }

    private static String shortened(String hash) {
        return hash.substring(0, Math.min(HASH_SHOWN, hash.length()));
    }

    // ---- 11 ----

    private void complete() throws Exception {
        say.step("Complete: nothing of Sluice is left on either side");
        SwitchReport report = migration.complete(ORDER, true);
        if (!report.done()) {
            throw new NotProven("the migration could not be completed: " + report.summary());
        }
        List<String> schemaAfter = schema();
        if (!schemaAfter.equals(schemaBefore)) {
            List<String> left = new ArrayList<>(schemaAfter);
            left.removeAll(schemaBefore);
            throw new NotProven("the source's schema is not what it was: " + left.size()
                    + " objects are left or changed");
        }
        try (SqliteSession session = file.openReader(BUSY_TIMEOUT)) {
            String integrity = session.text("PRAGMA integrity_check");
            int orphans = session.texts("PRAGMA foreign_key_check").size();
            if (!"ok".equals(integrity) || orphans > 0) {
                throw new NotProven("SQLite's own checks of the file fail: integrity_check, or " + orphans
                        + " broken references");
            }
        }
        List<String> left = RestingSides.leftIn(target);
        if (!left.isEmpty()) {
            throw new NotProven("PostgreSQL still holds " + String.join(", ", left));
        }
        say.line("PostgreSQL holds no schema, trigger, publication or slot of Sluice; in the SQLite file the "
                + schemaAfter.size() + " tables, indexes, triggers and views are word for word those from before, and"
                + " SQLite's integrity_check and foreign_key_check are content");
    }

    // ---- 12 ----

    private void summary(MigrationPlan plan) {
        ApplicationProcess.Stretch alone = application.between(filledNanos, capturedNanos);
        ApplicationProcess.Stretch accompanied = application.since(capturedNanos);
        say.step("What happened");
        say.line("Equal: " + plan.tables().size() + " tables, " + count((Long) facts.get("rowsAtEnd"))
                + " rows, proven three times by SHA-256 and once by plain SQL, in "
                + duration(Duration.ofNanos(System.nanoTime() - startedNanos)));
        say.line("The application made " + count(application.transactions()) + " transactions and met no error:");
        say.line("  before capture: " + speed(alone));
        say.line("  while copied, followed, verified and moved: " + speed(accompanied));
        say.line("  its writes stood still " + application.writes().pausesMs().size() + " times, for "
                + application.writes().pausesMs().stream().map(Demo::milliseconds).collect(Collectors.joining(", ")));
        facts.put("before", alone);
        facts.put("accompanied", accompanied);
        if (!plan.notCarried().isEmpty()) {
            say.line("Not carried, and said so: "
                    + plan.notCarried().stream().map(NotCarried::object).collect(Collectors.joining(", ")));
        }
        say.blank();
        say.line("On a file of your own, with TARGET = postgres://user@host/database or embedded:");
        say.line("  sluice assess --source app.db                     reads only: what is in it, what it would become");
        say.line("  sluice plan --source app.db --target TARGET       the DDL and the steps; changes nothing");
        say.line("  sluice migrate --source app.db --target TARGET    if the application may stop for a while");
        say.line("  sluice run --source app.db --target TARGET        if it may not; meanwhile, in another shell:");
        say.line("  sluice status --wait replicating                  and likewise verify, pause, resume, cancel");
        say.line("  sluice cutover --dry-run                          then cutover, rollback, complete");
        say.line("where sluice is: java -jar " + jar());
    }

    private static String jar() {
        String classPath = System.getProperty("java.class.path");
        return classPath.endsWith(".jar") && !classPath.contains(java.io.File.pathSeparator) ? classPath
                : "sync-daemon/target/sluice.jar";
    }

    // ---- the end ----

    private void tellFailure(String sentence) throws IOException {
        say.title("");
        say.title("NOT PROVEN: " + sentence);
        Path log = folder.path().resolve("sluice.log");
        if (Files.exists(log)) {
            List<String> serious = Files.readAllLines(log).stream()
                    .filter(line -> line.contains(" WARN ") || line.contains(" ERROR ")).toList();
            serious.subList(Math.max(0, serious.size() - 5), serious.size()).forEach(say::line);
        }
    }

    private synchronized void end() throws IOException {
        if (watch != null) {
            watch.close();
        }
        if (migration != null) {
            migration.close();
        }
        if (target != null) {
            target.close();
        }
        if (application != null) {
            application.close();
        }
        if (options.keep()) {
            tellPlaces();
            return;
        }
        if (server != null) {
            server.close();
        }
        folder.remove();
    }

    private void tellPlaces() {
        say.blank();
        say.line("Kept in " + folder.path() + ": shop.db, sluice.log, application.log, postgres");
        if (server != null) {
            TargetUrl url = server.url();
            say.line("  PGPASSFILE=" + server.home().resolve("pgpass") + " psql -h " + url.host() + " -p " + url.port()
                    + " -U " + url.effectiveUser() + " " + url.effectiveDatabase());
            say.line("PostgreSQL still runs; to end it and remove everything:");
            say.line("  kill -INT $(head -1 " + server.home().resolve("server/data/postmaster.pid") + ")");
            say.line("  rm -r " + folder.path());
        }
    }

    /** Ctrl-C: the server stops by its own hook, so what is left is the application and the files. */
    private void collapse() {
        collapsing = true;
        say.fallSilent();
        if (application != null) {
            application.close();
        }
        if (!options.keep()) {
            try {
                folder.remove();
            } catch (IOException e) {
                System.err.println("the temporary directory " + folder.path() + " could not be removed: " + e);
            }
        }
    }
}
