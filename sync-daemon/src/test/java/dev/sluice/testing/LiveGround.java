package dev.sluice.testing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.announce.Addresses;
import dev.sluice.announce.Announcer;
import dev.sluice.announce.Hooks;
import dev.sluice.announce.TrafficFeed;
import dev.sluice.capture.Capture;
import dev.sluice.census.Census;
import dev.sluice.conflict.ConflictRules;
import dev.sluice.copy.CopyProgress;
import dev.sluice.migration.LiveMigration;
import dev.sluice.migration.OneShot;
import dev.sluice.migration.Preparation;
import dev.sluice.migration.SwitchSettings;
import dev.sluice.phase.Phase;
import dev.sluice.plan.MappingRules;
import dev.sluice.postgres.Reconnect;
import dev.sluice.postgres.Target;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.tail.Limits;
import dev.sluice.verify.VerifyReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;

/**
 * A source with an application's connection, a fresh target, and a live migration between them. The application writes
 * through plain JDBC, as any other program would.
 */
public final class LiveGround implements AutoCloseable {

    public static final String NAME = "live";

    /** For a one-shot migration that nobody watches. */
    public static final OneShot.Listener UNHEARD = new OneShot.Listener() {
        @Override
        public void step(String what) {}

        @Override
        public void verified(String table, long done) {}

        @Override
        public void copied(String table, long rows, long bytes) {}

        @Override
        public void parked(String table, long rows) {}

        @Override
        public void finished(String table) {}
    };
    private static final Duration BUSY = Duration.ofSeconds(20);

    private final SqliteFile file;
    private final Target target;
    private final boolean ownsDatabase;
    private Connection application;
    private MappingRules rules = MappingRules.DEFAULT;
    private Limits chunk = new Limits(500, 16 << 20, Duration.ofSeconds(1));
    private Limits batch = new Limits(500, 16 << 20, Duration.ofSeconds(1));
    private ConflictRules conflicts = ConflictRules.DEFAULT;
    private long purgeKeepRows = 10_000;
    private long changelogBytesMax;
    private Target way;
    private Path flagFile;
    private LiveMigration migration;

    /** A new source in WAL mode with {@code statements} run in it, and a target that nobody has used. */
    public LiveGround(Path folder, String... statements) throws SQLException {
        this(folder, PostgresForTests.fresh(), true, statements);
    }

    /** As the other one with a target of the caller's, which is closed with this and not dropped. */
    public LiveGround(Path folder, Target target, String... statements) throws SQLException {
        this(folder, target, false, statements);
    }

    private LiveGround(Path folder, Target target, boolean ownsDatabase, String... statements) throws SQLException {
        this.ownsDatabase = ownsDatabase;
        this.file = new SqliteFile(folder.resolve("app.db"));
        this.target = target;
        openApplication();
        app("PRAGMA journal_mode = WAL");
        app(statements);
    }

    private void openApplication() throws SQLException {
        application = DriverManager.getConnection("jdbc:sqlite:" + file.path());
        app("PRAGMA busy_timeout = 20000", "PRAGMA synchronous = NORMAL");
    }

    public SqliteFile file() {
        return file;
    }

    public Target target() {
        return target;
    }

    public LiveMigration migration() {
        return migration;
    }

    /** The application's connection, autocommit on. */
    public Connection application() {
        return application;
    }

    public LiveGround rules(MappingRules chosen) {
        rules = chosen;
        return this;
    }

    /** Another way to the same target for the migration, for example as another role. */
    public LiveGround through(Target chosen) {
        way = chosen;
        return this;
    }

    /** The file in which the application reads who takes writes. */
    public LiveGround flagFile(Path chosen) {
        flagFile = chosen;
        return this;
    }

    /** What to do with rows that both sides have changed. */
    public LiveGround conflicts(ConflictRules chosen) {
        conflicts = chosen;
        return this;
    }

    public LiveGround changelogBytesMax(long bytes) {
        changelogBytesMax = bytes;
        return this;
    }

    public LiveGround chunk(Limits chosen) {
        chunk = chosen;
        return this;
    }

    public LiveGround batch(Limits chosen) {
        batch = chosen;
        return this;
    }

    public LiveGround purgeKeepRows(long rows) {
        purgeKeepRows = rows;
        return this;
    }

    // ---- the application and the two sides ----

    /** Runs statements as the application. */
    public void app(String... statements) throws SQLException {
        try (Statement statement = application.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    /** Runs statements in one transaction of the application. */
    public void appTogether(String... statements) throws SQLException {
        app("BEGIN IMMEDIATE");
        app(statements);
        app("COMMIT");
    }

    /** Lays another file over the source, as a restore by {@code mv} does, while the application is stopped. */
    public void replaceSource(Path other) throws SQLException, IOException {
        application.close(); // the last to close takes the WAL along, unless we still read
        Files.deleteIfExists(Path.of(file.path() + "-wal"));
        Files.deleteIfExists(Path.of(file.path() + "-shm"));
        Files.move(other, file.path(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        openApplication();
    }

    /** Runs statements in the target, past the migration. */
    public void there(String... statements) throws SQLException {
        try (Connection connection = target.connect(); Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    /** Rows of a query on the target, columns joined by {@code |}, NULL as {@code ∅}. */
    public List<String> target(String sql) throws SQLException {
        try (Connection connection = target.connect()) {
            return rows(connection, sql);
        }
    }

    public List<String> source(String sql) throws SQLException {
        return rows(application, sql);
    }

    private static List<String> rows(Connection connection, String sql) throws SQLException {
        List<String> rows = new ArrayList<>();
        try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery(sql)) {
            while (row.next()) {
                List<String> cells = new ArrayList<>();
                for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                    String cell = row.getString(i);
                    cells.add(cell == null ? "∅" : cell);
                }
                rows.add(String.join("|", cells));
            }
        }
        return rows;
    }

    /** What is parked: {@code table|key|code}, sorted. */
    public List<String> parked() throws SQLException {
        return target("SELECT source_table, array_to_string(key, ',', '∅'), code FROM sluice.parked_row ORDER BY 1, 2");
    }

    public String phase() throws SQLException {
        return target("SELECT phase FROM sluice.migration").get(0);
    }

    /** What the source holds of ours. */
    public List<String> traces() throws SQLException {
        return source("SELECT name FROM sqlite_master WHERE name LIKE '%sluice%' ORDER BY 1");
    }

    // ---- the migration ----

    public Preparation prepare() throws SQLException, InterruptedException {
        return Preparation.of(file, way == null ? target : way, rules, BUSY, Census.Listener.NONE);
    }

    /** Runs {@code migrate}: the application is stopped meanwhile. */
    public OneShot.Report migrate() throws SQLException, InterruptedException {
        return migrate(prepare());
    }

    /** Removes what a {@link #migrate} left that did not come to its end. */
    public boolean removeUnfinished() throws SQLException {
        return oneShot().removeUnfinished(false);
    }

    private OneShot oneShot() {
        return new OneShot(NAME, file, target, new Reconnect(target.url(), new Reconnect.Listener() {
            @Override
            public void onBlocked(String reason) {}

            @Override
            public void onHealed() {}
        }), new OneShot.Options(2, chunk, BUSY, "test"));
    }

    public OneShot.Report migrate(Preparation preparation) throws SQLException, InterruptedException {
        return oneShot().run(preparation, UNHEARD);
    }

    /** Starts the daemon's part, or starts it again. */
    public LiveMigration start() {
        return start(this::prepare);
    }

    /** As {@link #start}, with a plan that was made before. */
    public LiveMigration startWith(Preparation preparation) {
        return start(() -> preparation);
    }

    /** As {@link #start} on another way to a target. */
    public LiveMigration start(Target other) {
        return start(other, file, NAME);
    }

    /** Starts a migration of another file, target or name; it is {@link #migration} from then on. */
    public LiveMigration start(Target other, SqliteFile source, String name) {
        return start(name, source, other,
                () -> Preparation.of(source, other, rules, BUSY, Census.Listener.NONE));
    }

    /** As {@link #start} with another way to a plan. */
    public LiveMigration start(LiveMigration.Planning planning) {
        return start(NAME, file, way == null ? target : way, planning);
    }

    private LiveMigration start(String name, SqliteFile source, Target other, LiveMigration.Planning planning) {
        make(name, source, other, planning).start();
        return migration;
    }

    /** The daemon's part, which somebody else starts. */
    public LiveMigration unstarted() {
        return make(NAME, file, way == null ? target : way, this::prepare);
    }

    private LiveMigration make(String name, SqliteFile source, Target other, LiveMigration.Planning planning) {
        LiveMigration.Options options = new LiveMigration.Options(2, chunk, batch, Duration.ofMillis(2), BUSY, purgeKeepRows, 10,
                changelogBytesMax, true, "test", chunk, conflicts);
        migration = flagFile == null ? new LiveMigration(name, source, other, options, rules, planning, CopyProgress.NONE)
                : new LiveMigration(name, source, other, options, rules, planning, CopyProgress.NONE,
                        new SwitchSettings(new Announcer(new TrafficFeed(), new Addresses("sqlite:///" + source.path(),
                                other.url().toString(), false), flagFile, Hooks.none()), flagFile.resolveSibling("state"),
                                SwitchSettings.VERIFIED_WITHIN));
        return migration;
    }

    public LiveGround startAndFollow() {
        start();
        awaitReplicating();
        return this;
    }

    /**
     * Everything that the application has committed arrives in the end, and the migration replicates: told by a row that
     * is written now. The source has a table {@code kv(k, v)}.
     */
    public void awaitArrival() throws SQLException {
        app("REPLACE INTO kv (k, v) VALUES ('last', 'word')");
        String word = "word " + System.nanoTime();
        app("UPDATE kv SET v = '" + word + "' WHERE k = 'last'");
        Awaitility.await().atMost(Duration.ofSeconds(30)).pollInterval(Duration.ofMillis(20))
                .failFast(() -> {
                    if (migration.failure() != null) {
                        throw new AssertionError("the migration ended", migration.failure());
                    }
                })
                .until(() -> target("SELECT v FROM kv WHERE k = 'last'").equals(List.of(word))
                        && migration.phase() == Phase.REPLICATING);
    }

    /** The migration replicates and runs, and both sides hold the same rows. A target that is away meanwhile is waited for. */
    public void awaitSame() {
        Awaitility.await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(50))
                .ignoreExceptionsInstanceOf(SQLException.class) // our own pool may hold a session that ended
                .failFast(() -> {
                    if (migration.failure() != null) {
                        throw new AssertionError("the migration ended", migration.failure());
                    }
                })
                .untilAsserted(() -> {
                    assertThat(migration.phase()).isEqualTo(Phase.REPLICATING);
                    assertThat(migration.status().run()).isEqualTo("running");
                    SameRows.assertSame(this);
                });
    }

    public void awaitReplicating() {
        Awaitility.await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(10))
                .failFast(() -> {
                    if (migration.failure() != null) {
                        throw new AssertionError("the migration ended", migration.failure());
                    }
                })
                .until(() -> migration.phase() == Phase.REPLICATING);
    }

    /** Starts with chunks of one row and pauses when some rows are copied and many are not. */
    public void startAndPauseMidCopy() throws Exception {
        chunk = new Limits(1, 1, Duration.ofNanos(1));
        start();
        Awaitility.await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(2))
                .until(() -> migration.status().rowsCopied() > 20);
        migration.pause();
        chunk = new Limits(500, 16 << 20, Duration.ofSeconds(1));
    }

    /** What the application does at some moment. */
    public interface Act {
        void run() throws Exception;
    }

    /** Follows, and has {@code act} happen after capture was installed and before the copy is at its end. */
    public void startAndPauseMidCopyOf(Act act) throws Exception {
        app("CREATE TABLE filling (v TEXT)", "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 300)"
                + " INSERT INTO filling SELECT i FROM g");
        startAndPauseMidCopy();
        act.run();
        migration.resume();
        awaitReplicating();
    }

    /** Waits until it is blocked with a sentence that contains {@code words}; returns the sentence. */
    public String awaitBlocked(String words) {
        return Awaitility.await().atMost(Duration.ofSeconds(30)).pollInterval(Duration.ofMillis(10))
                .failFast(() -> {
                    if (migration.failure() != null) {
                        throw new AssertionError("the migration ended", migration.failure());
                    }
                })
                .until(() -> migration.status().run(), run -> run.startsWith("blocked") && run.contains(words));
    }

    /** Waits until it has ended by itself, and returns why. */
    public Exception awaitFailure() throws InterruptedException {
        if (!migration.awaitEnd(Duration.ofSeconds(30))) {
            throw new AssertionError("the migration goes on: " + migration.status());
        }
        return migration.failure();
    }

    /** Stops the daemon's part as SIGTERM does. */
    public void stop() {
        migration.close();
    }

    /** Everything committed in the source so far is in the target when this returns; nothing is mended. */
    public VerifyReport verify() throws Exception {
        return migration.verify(List.of(), false);
    }

    public VerifyReport repair() throws Exception {
        return migration.verify(List.of(), true);
    }

    /** Leaves the source without capture; for tests that end with it. */
    public Capture.State capture() throws SQLException {
        try (SqliteSession session = file.openReader(BUSY)) {
            return Capture.state(session);
        }
    }

    @Override
    public void close() throws SQLException {
        if (migration != null) {
            migration.close();
        }
        application.close();
        if (ownsDatabase) {
            PostgresForTests.drop(target);
        } else {
            target.close();
        }
    }
}
