package dev.sluice.reverse;

import dev.sluice.capture.Capture;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetUrl;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.MigrationStore;
import dev.sluice.testing.DaemonMain;
import dev.sluice.testing.LiveGround;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;

/** The stream in a process of its own, to be killed. Arguments: source, target, spill folder; the password is in the environment. */
final class ReverseMain {

    private ReverseMain() {}

    public static void main(String[] arguments) throws Exception {
        SqliteFile file = new SqliteFile(Path.of(arguments[0]));
        Target target = Target.open(TargetUrl.parse(arguments[1]), Secret.of(System.getenv(DaemonMain.PASSWORD)),
                Target.Options.DEFAULT);
        MigrationPlan plan = null;
        while (plan == null) {
            try (Connection connection = target.connect()) {
                plan = new MigrationStore(LiveGround.NAME).load(connection).plan();
            } catch (SQLException e) {
                System.out.println("PostgreSQL is away: " + e.getSQLState()); // connecting waits long enough by itself
            }
        }
        long generation;
        try (SqliteSession writer = file.openWriter(Duration.ofSeconds(20))) {
            generation = Capture.takeGeneration(writer);
        }
        ReverseStream stream = new ReverseStream(LiveGround.NAME, file, target, plan,
                // small, so that transactions are applied in parts and spilled
                new ReverseStream.Options(Path.of(arguments[2]), 200_000, 1L << 30, Duration.ofSeconds(20), Duration.ofMillis(500),
                        1L << 30), ReverseStream.Listener.NONE);
        stream.start(generation);
        Thread.currentThread().join();
    }
}
