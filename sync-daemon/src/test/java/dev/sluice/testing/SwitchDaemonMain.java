package dev.sluice.testing;

import dev.sluice.announce.Addresses;
import dev.sluice.announce.Announcer;
import dev.sluice.announce.Hooks;
import dev.sluice.announce.TrafficFeed;
import dev.sluice.census.Census;
import dev.sluice.copy.CopyProgress;
import dev.sluice.migration.LiveMigration;
import dev.sluice.migration.Preparation;
import dev.sluice.migration.SwitchOrder;
import dev.sluice.migration.SwitchReport;
import dev.sluice.migration.SwitchSettings;
import dev.sluice.phase.Phase;
import dev.sluice.plan.MappingRules;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetUrl;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.tail.Limits;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * A live migration in a process of its own that takes orders: lines {@code NUMBER ORDER ARGUMENT} on standard input, answers
 * {@code @NUMBER yes|no SENTENCE} on standard output. It ends with its standard input. Arguments: source, target, folder of
 * hooks, folder for its state; the password is in the environment.
 */
public final class SwitchDaemonMain {

    private static final Duration BUSY = Duration.ofSeconds(20);

    private SwitchDaemonMain() {}

    public static void main(String[] arguments) throws Exception {
        SqliteFile file = new SqliteFile(Path.of(arguments[0]));
        Target target = Target.open(TargetUrl.parse(arguments[1]), Secret.of(System.getenv(DaemonMain.PASSWORD)),
                Target.Options.DEFAULT);
        Path state = Path.of(arguments[3]);
        Hooks hooks = Hooks.in(Path.of(arguments[2]), Duration.ofSeconds(20), LiveGround.NAME, state.resolve("traffic.env"),
                Announcer.hookSteps());
        Announcer announcer = new Announcer(new TrafficFeed(), new Addresses("sqlite:///" + file.path(), arguments[1], false),
                state.resolve("traffic.env"), hooks);
        Limits limits = new Limits(40, 1 << 20, Duration.ofMillis(50));
        LiveMigration migration = new LiveMigration(LiveGround.NAME, file, target,
                new LiveMigration.Options(2, limits, limits, Duration.ofMillis(2), BUSY, 500, 10, 0, true, "test",
                        new Limits(5_000, 16 << 20, Duration.ofSeconds(1))),
                MappingRules.DEFAULT,
                () -> Preparation.of(file, target, MappingRules.DEFAULT, BUSY, Census.Listener.NONE), CopyProgress.NONE,
                new SwitchSettings(announcer, state.resolve("reverse"), SwitchSettings.VERIFIED_WITHIN));
        migration.start();
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = orders.readLine(); line != null; line = orders.readLine()) {
            String[] words = line.split(" ");
            Thread thread = new Thread(() -> answer(migration, words), "order-" + words[0] + "-" + words[1]);
            thread.setDaemon(true);
            thread.start();
        }
        Runtime.getRuntime().halt(0);
    }

    private static void answer(LiveMigration migration, String[] words) {
        String answer;
        try {
            answer = carriedOut(migration, words[1], Long.parseLong(words[2]));
        } catch (Exception e) {
            e.printStackTrace(System.err);
            answer = "no " + e.getMessage();
        }
        synchronized (System.out) {
            System.out.println("@" + words[0] + " " + answer.replace('\n', ' '));
            System.out.flush();
        }
    }

    private static String carriedOut(LiveMigration migration, String order, long millis) throws Exception {
        SwitchOrder asked = new SwitchOrder(false, Duration.ofMillis(millis), 10_000, Set.of(), "test");
        return switch (order) {
            case "status" -> "yes " + migration.phase().label() + " " + migration.status().traffic() + " "
                    + migration.traffic().now().map(traffic -> traffic.side().label()).orElse("unsaid") + " "
                    + migration.status().run();
            case "verify" -> yes(migration.verify(List.of(), false).isEqual()) + "compared";
            case "cutover" -> said(migration.cutover(asked));
            case "rollback" -> said(migration.rollback(asked));
            case "complete" -> said(migration.complete(asked, false));
            case "complete-clean" -> said(migration.complete(asked, true));
            case "repair" -> said(migration.repair(asked, false));
            case "lost" -> said(migration.repair(asked, true));
            case "end" -> yes(migration.awaitEnd(asked.timeout()) && migration.failure() == null
                    && migration.phase() != Phase.SWITCHED) + migration.phase().label() + " " + migration.failure();
            default -> throw new IllegalArgumentException(order);
        };
    }

    private static String yes(boolean so) {
        return so ? "yes " : "no ";
    }

    private static String said(SwitchReport report) {
        return yes(report.done()) + report.summary();
    }
}
