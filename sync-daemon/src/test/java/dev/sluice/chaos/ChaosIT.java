package dev.sluice.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.chaos.ChaosLife.Count;
import dev.sluice.chaos.ChaosWriter.Fault;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Everything at once, at random, for as long as {@code -Dsluice.chaos.seconds} says (the profile {@code chaos} says an
 * hour); see docs/RELIABILITY.md. {@code -Dsluice.chaos.seed} repeats the life with that seed.
 */
class ChaosIT {

    private static final Duration LENGTH = Duration.ofSeconds(Long.getLong("sluice.chaos.seconds", 1));
    private static final int FAILURES_MAX = 5;

    @Test
    void bothSidesAreEqualAfterEverythingThatCanHappen() throws Exception {
        Long seed = Long.getLong("sluice.chaos.seed");
        long next = seed != null ? seed : System.nanoTime() % 1_000_000_000;
        Path folder = Files.createDirectories(Path.of("target", "chaos")).toAbsolutePath();
        // a build takes the faults that have been lived through for long; SchemaDriftIT and FailoverIT are there for the rest
        String named = System.getProperty("sluice.chaos.faults",
                System.getProperty("sluice.chaos.seconds") == null ? "PRAGMAS,REBUILDS,VACUUM,CHECKPOINTS" : null);
        Set<Fault> faults = EnumSet.allOf(Fault.class);
        if (named != null) {
            faults.removeIf(fault -> !Arrays.asList(named.split(",")).contains(fault.name()));
        }
        Map<Count, Long> sum = new EnumMap<>(Count.class);
        List<String> failures = new ArrayList<>();
        long lives = 0;
        Path home = Files.createTempDirectory(folder, "postgres");
        long end = System.nanoTime() + LENGTH.toNanos();
        try (ChaosPostgres server = new ChaosPostgres(home, new Random())) {
            do {
                long started = System.nanoTime();
                ChaosLife life = new ChaosLife(next, server, folder, faults);
                String outcome = "equal";
                try {
                    life.live();
                } catch (Exception | AssertionError e) {
                    StringWriter text = new StringWriter();
                    e.printStackTrace(new PrintWriter(text, true));
                    outcome = "FAILED, repeat with -Dsluice.chaos.seed=" + next + "; see " + life.folder() + "\n" + text;
                    failures.add("seed " + next + ": " + e);
                } finally {
                    life.end();
                }
                Map<Count, Long> counts = life.counts();
                counts.forEach((count, number) -> sum.merge(count, number, Long::sum));
                System.out.println("chaos: seed " + next + ", " + (System.nanoTime() - started) / 1_000_000_000 + " s, "
                        + words(counts) + ": " + outcome);
                if (outcome.equals("equal")) {
                    life.forget();
                }
                lives++;
                next++;
            } while (System.nanoTime() < end && failures.size() < FAILURES_MAX && seed == null);
        }
        System.out.println("chaos: " + lives + " lives, " + words(sum) + ", failures " + failures.size());
        assertThat(failures).isEmpty();
        remove(home);
    }

    private static String words(Map<Count, Long> counts) {
        StringBuilder words = new StringBuilder();
        counts.forEach((count, number) -> words.append(words.length() == 0 ? "" : ", ")
                .append(count.name().toLowerCase(Locale.ROOT).replace('_', ' ')).append(' ').append(number));
        return words.toString();
    }

    static void remove(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> {
                try {
                    Files.delete(file);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
