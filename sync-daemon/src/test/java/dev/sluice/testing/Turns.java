package dev.sluice.testing;

import dev.sluice.capture.Capture;
import dev.sluice.conflict.ConflictRules;
import dev.sluice.follow.Follower;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.postgres.LastingSession;
import dev.sluice.postgres.Reconnect;
import dev.sluice.postgres.Target;
import dev.sluice.schema.SchemaReader;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.MigrationStore.SourceFacts;
import dev.sluice.tail.Limits;
import dev.sluice.tail.SourceReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;

/** A follower whose every turn the test makes, over a migration that has reached {@code replicating} and was stopped. */
public final class Turns implements AutoCloseable {

    private final SourceReader reader;
    private final LastingSession session;
    private final Follower follower;
    private final long generation;

    public Turns(LiveGround ground, Limits limits) throws SQLException, InterruptedException {
        this(ground.file(), ground.target(), limits);
    }

    /** With a look at what others have done to the target. */
    public Turns(LiveGround ground, Limits limits, ConflictRules rules) throws SQLException, InterruptedException {
        this(ground.file(), ground.target(), limits, rules);
    }

    /** As a daemon that starts: takes the next generation. */
    public Turns(SqliteFile file, Target target, Limits limits) throws SQLException, InterruptedException {
        this(file, target, limits, ConflictRules.DEFAULT);
    }

    private Turns(SqliteFile file, Target target, Limits limits, ConflictRules rules) throws SQLException, InterruptedException {
        MigrationStore store = new MigrationStore(LiveGround.NAME);
        session = new LastingSession(target, new Reconnect(target.url(), new Reconnect.Listener() {
            @Override
            public void onBlocked(String reason) {}

            @Override
            public void onHealed() {}
        }), true);
        generation = session.run(connection -> {
            long taken = store.takeGeneration(connection);
            connection.commit();
            return taken;
        });
        MigrationPlan plan;
        SourceFacts facts;
        try (Connection connection = target.connect()) {
            plan = store.load(connection).plan();
            facts = store.source(connection);
        }
        reader = new SourceReader(file, Duration.ofSeconds(20));
        try (SqliteSession look = file.openReader(Duration.ofSeconds(20))) {
            reader.follow(Capture.state(look), SchemaReader.read(look));
            follower = new Follower(file, reader, session, store, plan, rules, generation, limits, new Follower.Expected(
                    new SqliteFile.Identity(facts.device(), facts.inode()), facts.schemaHash(),
                    SchemaReader.captureHash(look), Follower.Expected.ANY_VERSION), connection -> {});
        }
    }

    public Follower follower() {
        return follower;
    }

    public long generation() {
        return generation;
    }

    /** Applies everything, and says what it did. */
    public Follower.Turn whole() throws SQLException, InterruptedException {
        return follower.turn(true);
    }

    @Override
    public void close() throws SQLException {
        reader.close();
        session.close();
    }
}
