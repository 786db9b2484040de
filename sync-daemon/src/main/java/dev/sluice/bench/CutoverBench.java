package dev.sluice.bench;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetUrl;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/** How long writes stand still when they are moved, as the application that writes them sees it. */
final class CutoverBench {

    private static final Duration ANSWER = Duration.ofMinutes(5);
    /** What it writes on one side before it is moved again. */
    private static final Duration STAY = Duration.ofSeconds(1);

    private final Path folder;
    private final Target target;
    private final Secret password;
    private final ChildProcess migration;

    CutoverBench(Path folder, Target target, Secret password, ChildProcess migration) {
        this.folder = folder;
        this.target = target;
        this.password = password;
        this.migration = migration;
    }

    /** One move of the writes. */
    private record Moved(double pauseMs, JsonNode report) {}

    /** Ends with SQLite having the traffic. */
    BenchReport.Switching measure(Path file, double scale, int perSecond, int flips) throws Exception {
        List<Moved> there = new ArrayList<>();
        List<Moved> back = new ArrayList<>();
        TargetUrl url = target.url();
        String parameters = url.parameters().entrySet().stream().map(one -> "&" + one.getKey() + "=" + one.getValue())
                .collect(Collectors.joining());
        try (ChildProcess application = ChildProcess.start(folder, SwitchedWriter.class, "128m",
                password == null ? Map.of() : Map.of(MeasuredMigration.PASSWORD, password.reveal()),
                List.of(file.toString(), Double.toString(scale), "jdbc:postgresql://" + url.place() + "/" + url.effectiveDatabase()
                        + "?stringtype=unspecified" + parameters, url.effectiveUser(), Integer.toString(perSecond)))) {
            stay();
            // the first of each kind warms up what only they use, in all three processes
            move(application, "cutover");
            move(application, "rollback");
            long start = System.nanoTime();
            for (int i = 0; i < flips; i++) {
                there.add(move(application, "cutover"));
                back.add(move(application, "rollback"));
            }
            return new BenchReport.Switching(flips, perSecond, (System.nanoTime() - start) / 1e9, pauses(there), pauses(back));
        }
    }

    private Moved move(ChildProcess application, String act) throws Exception {
        JsonNode report = migration.ask(act, ANSWER);
        if (!report.path("done").asBoolean()) {
            throw new BenchFailure("the writes could not be moved: " + report.path("summary").asText());
        }
        JsonNode said = application.await(ANSWER);
        String side = act.equals("cutover") ? "postgres" : "sqlite";
        if (!said.path("to").asText().equals(side)) {
            throw new BenchFailure("the application went to " + said.path("to").asText() + " and not to " + side);
        }
        stay();
        return new Moved(said.path("pauseMs").asDouble(), report);
    }

    private static void stay() {
        long end = System.nanoTime() + STAY.toNanos();
        for (long left = STAY.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private static BenchReport.Pauses pauses(List<Moved> moves) {
        double[] seen = sorted(moves.stream().mapToDouble(Moved::pauseMs).toArray());
        double[] reported = sorted(moves.stream().mapToDouble(one -> one.report.path("pauseMs").asDouble()).toArray());
        Map<String, Double> steps = new LinkedHashMap<>();
        moves.get(0).report.path("steps").fieldNames().forEachRemaining(name -> steps.put(name,
                FollowBench.at(sorted(moves.stream().mapToDouble(one -> one.report.path("steps").path(name).asDouble()).toArray()), 0.5)));
        return new BenchReport.Pauses(FollowBench.at(seen, 0.5), FollowBench.at(seen, 0.99), seen[seen.length - 1],
                FollowBench.at(reported, 0.5), steps);
    }

    private static double[] sorted(double[] values) {
        Arrays.sort(values);
        return values;
    }
}
