package dev.sluice.testing;

import dev.sluice.census.Census;
import dev.sluice.copy.CopyProgress;
import dev.sluice.migration.LiveMigration;
import dev.sluice.migration.Preparation;
import dev.sluice.plan.MappingRules;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetUrl;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.tail.Limits;
import java.nio.file.Path;
import java.time.Duration;

/** A live migration in a process of its own, to be killed. Arguments: source, target; the password is in the environment. */
public final class DaemonMain {

    public static final String PASSWORD = "SLUICE_TEST_CHILD_PASSWORD";

    private DaemonMain() {}

    public static void main(String[] arguments) throws Exception {
        SqliteFile file = new SqliteFile(Path.of(arguments[0]));
        Target target = Target.open(TargetUrl.parse(arguments[1]), Secret.of(System.getenv(PASSWORD)), Target.Options.DEFAULT);
        Duration busy = Duration.ofSeconds(20);
        // small, so that there are many transactions to be killed in
        Limits limits = new Limits(40, 1 << 20, Duration.ofMillis(20));
        LiveMigration migration = new LiveMigration(LiveGround.NAME, file, target,
                new LiveMigration.Options(2, limits, limits, Duration.ofMillis(2), busy, 500, 10, true, "test"),
                MappingRules.DEFAULT,
                () -> Preparation.of(file, target, MappingRules.DEFAULT, busy, Census.Listener.NONE), CopyProgress.NONE);
        migration.start();
        while (!migration.awaitEnd(Duration.ofMinutes(5))) {
            System.out.println(migration.status());
        }
        System.out.println("ended by itself");
        if (migration.failure() != null) {
            migration.failure().printStackTrace(System.out);
        }
        System.exit(3);
    }
}
