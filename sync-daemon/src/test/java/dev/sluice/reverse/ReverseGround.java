package dev.sluice.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.capture.Fence;
import dev.sluice.conflict.ConflictRules;
import dev.sluice.plan.MappingRules;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.postgres.Target;
import dev.sluice.schema.SchemaReader;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.MigrationStore;
import dev.sluice.testing.LiveGround;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A source that was migrated, fenced, with a target that has traffic, and the stream from there to here. */
final class ReverseGround implements AutoCloseable {

    static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path folder;
    private final LiveGround ground;
    private MigrationPlan plan;
    private long generation;
    private ReverseStream stream;
    private Target way;
    private final List<SchemaNotice> notices = new ArrayList<>();
    private long memoryBytes = 64L << 20;
    private ConflictRules conflicts = ConflictRules.DEFAULT;
    private Duration beat = Duration.ofSeconds(2);

    ReverseGround(Path folder, String... statements) throws SQLException {
        this(folder, new LiveGround(folder, statements));
    }

    ReverseGround(Path folder, Target target, String... statements) throws SQLException {
        this(folder, new LiveGround(folder, target, statements));
    }

    private ReverseGround(Path folder, LiveGround ground) {
        this.folder = folder;
        this.ground = ground;
    }

    ReverseGround rules(MappingRules rules) {
        ground.rules(rules);
        return this;
    }

    /** Another way to the same target, for all that is Sluice's. */
    ReverseGround through(Target chosen) {
        ground.through(chosen);
        way = chosen;
        return this;
    }

    /** What to do with rows that somebody writes to SQLite meanwhile. */
    ReverseGround resolving(ConflictRules chosen) {
        conflicts = chosen;
        return this;
    }

    ReverseGround memoryBytes(long bytes) {
        memoryBytes = bytes;
        return this;
    }

    ReverseGround beat(Duration every) {
        beat = every;
        return this;
    }

    LiveGround live() {
        return ground;
    }

    ReverseStream stream() {
        return stream;
    }

    long generation() {
        return generation;
    }

    MigrationPlan plan() {
        return plan;
    }

    synchronized List<SchemaNotice> notices() {
        return List.copyOf(notices);
    }

    /** Copies and stops the daemon's part: the source has capture, the target has the rows. */
    ReverseGround copied() throws Exception {
        ground.startAndFollow();
        ground.stop();
        try (Connection connection = ground.target().connect()) {
            plan = new MigrationStore(LiveGround.NAME).load(connection).plan();
        }
        generation = Long.parseLong(ground.source("SELECT generation FROM _sluice_control").get(0));
        return this;
    }

    ReverseStream open() {
        stream = new ReverseStream(LiveGround.NAME, ground.file(), way == null ? ground.target() : way, plan,
                new ReverseStream.Options(folder.resolve("spill"), memoryBytes, 4L << 30, Duration.ofSeconds(5), beat, 1L << 30),
                new ReverseStream.Listener() {
                    @Override
                    public void onNotice(SchemaNotice notice) {
                        synchronized (ReverseGround.this) {
                            notices.add(notice);
                        }
                    }
                });
        stream.resolving(conflicts);
        return stream;
    }

    /** Sets the stream up and gives the traffic to PostgreSQL. */
    ReverseGround switched() throws Exception {
        copied();
        open().prepare(generation);
        stream.start(generation);
        stream.heartbeat(PATIENCE);
        fence();
        flip("postgres", 1);
        stream.awaitMarker(1, "postgres", PATIENCE);
        return this;
    }

    void fence() throws SQLException {
        try (SqliteSession writer = ground.file().openWriter(Duration.ofSeconds(10))) {
            Fence.raise(writer, generation, 1, true);
            assertThat(Fence.noteFlip(writer, generation, SchemaReader.hash(writer))).isTrue();
        }
    }

    void flip(String traffic, long epoch) throws SQLException {
        ground.there("UPDATE sluice.control SET traffic = '" + traffic + "', epoch = " + epoch + ", version = version + 1");
    }

    /** Runs statements in PostgreSQL as the application, each by itself, and waits until SQLite has them. */
    void write(String... statements) throws Exception {
        ground.there(statements);
        stream.heartbeat(PATIENCE);
    }

    /** As {@link #write}, in one transaction. */
    void together(String... statements) throws Exception {
        try (Connection connection = ground.target().connect()) {
            connection.setAutoCommit(false);
            try (var statement = connection.createStatement()) {
                for (String sql : statements) {
                    statement.execute(sql);
                }
                connection.commit();
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        }
        stream.heartbeat(PATIENCE);
    }

    List<String> source(String sql) throws SQLException {
        return ground.source(sql);
    }

    List<String> target(String sql) throws SQLException {
        return ground.target(sql);
    }

    List<String> parked() throws SQLException {
        return stream.parked(1_000).stream().map(row -> row.table() + "|" + row.key() + "|" + row.code()).toList();
    }

    @Override
    public void close() throws SQLException {
        if (stream != null) {
            stream.close();
        }
        ground.close();
    }
}
