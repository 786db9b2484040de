package dev.sluice.announce;

import dev.sluice.settings.InvalidSettings;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The operator's commands at the steps of a cutover or rollback: executable files named {@code before-<step>} and
 * {@code after-<step>} in one folder, run one at a time, without a shell, on the caller's thread. What a hook prints goes
 * into the log, its end only. Immutable.
 */
public final class Hooks {

    /** The moments at which a hook may say no: nothing has happened yet. Later a switch is not stopped by a script. */
    public static final Set<String> VETOES = Set.of("before-fence-source", "before-fence-target");

    private static final Logger LOG = LoggerFactory.getLogger(Hooks.class);
    private static final int OUTPUT_BYTES_MAX = 4 << 10;
    private static final Duration LOOK = Duration.ofMillis(20);
    private static final Duration DYING_MAX = Duration.ofSeconds(2);

    private final Path folder; // null: none
    private final Duration timeout;
    private final Map<String, String> environment;

    /**
     * A point in a switch.
     *
     * @param act     {@code cutover} or {@code rollback}
     * @param step    the step's label or name, {@code fence_source}
     * @param traffic what is true at this point
     */
    public record Moment(String act, boolean before, String step, Announcement traffic) {

        /** The file that is run: {@code before-fence-source}. */
        public String name() {
            return Hooks.name(before, step);
        }
    }

    /** A hook said no to a switch that had not begun; the message is one sentence. */
    public static final class Veto extends Exception {
        private static final long serialVersionUID = 1L;

        Veto(String message) {
            super(message);
        }
    }

    private Hooks(Path folder, Duration timeout, Map<String, String> environment) {
        this.folder = folder;
        this.timeout = timeout;
        this.environment = environment;
    }

    private static String name(boolean before, String step) {
        return (before ? "before-" : "after-") + step.toLowerCase(Locale.ROOT).replace('_', '-');
    }

    public static Hooks none() {
        return new Hooks(null, Duration.ZERO, Map.of());
    }

    /**
     * The hooks in {@code folder}; null is none.
     *
     * @param timeout   how long one may run
     * @param migration its name
     * @param steps     every step there is; a file named otherwise is a mistake, but for names with a dot in them
     * @throws InvalidSettings with every mistake in the folder
     */
    public static Hooks in(Path folder, Duration timeout, String migration, Path flagFile, Set<String> steps) {
        if (folder == null) {
            return none();
        }
        Set<String> names = new TreeSet<>();
        for (String step : steps) {
            names.add(name(true, step));
            names.add(name(false, step));
        }
        List<String> problems = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                if (name.indexOf('.') >= 0) {
                    continue; // README.md, .gitignore, before-fence-source.sample
                }
                if (!names.contains(name)) {
                    problems.add(file + " is named after no step, so it would never run: use one of "
                            + String.join(", ", names));
                } else if (!Files.isExecutable(file) || Files.isDirectory(file)) {
                    problems.add(file + " can't be executed: chmod +x it");
                }
            }
        } catch (IOException e) {
            problems.add("hooks.folder " + folder + " can't be read (" + e.getClass().getSimpleName()
                    + "): check that it exists and its permissions");
        }
        if (!problems.isEmpty()) {
            throw new InvalidSettings(problems);
        }
        return new Hooks(folder.toAbsolutePath(), timeout,
                Map.of("SLUICE_MIGRATION", migration, "SLUICE_FLAG_FILE", flagFile.toString()));
    }

    /**
     * Runs the hook of this moment, if there is one. One that fails is reported in the log; a switch goes on, but at
     * the {@link #VETOES}. One that is killed for its time is one that failed.
     *
     * @param most the time that is left, which may be shorter than the hook's own limit
     * @throws Veto only at the {@link #VETOES}
     */
    public void run(Moment moment, Duration most) throws Veto, InterruptedException {
        Path hook = folder == null ? null : folder.resolve(moment.name());
        if (hook == null || !Files.exists(hook)) {
            return;
        }
        long began = System.nanoTime();
        String failure = failure(hook, moment, most.compareTo(timeout) < 0 ? most : timeout);
        long ms = (System.nanoTime() - began) / 1_000_000;
        if (failure == null) {
            LOG.info("event=hook hook={} act={} epoch={} ms={}", moment.name(), moment.act(), moment.traffic().epoch(),
                    ms);
            return;
        }
        LOG.warn("event=hook_failed hook={} act={} epoch={} ms={} reason=\"{}\"", moment.name(), moment.act(),
                moment.traffic().epoch(), ms, failure);
        if (VETOES.contains(moment.name())) {
            throw new Veto("the hook " + hook + " does not allow this " + moment.act() + ": " + failure);
        }
    }

    /** Null if it ended well. The output goes through a file: a child left in the background would keep a pipe open. */
    private String failure(Path hook, Moment moment, Duration most) throws InterruptedException {
        Path output = null;
        try {
            output = outputFile();
            Process process = start(hook, moment, output);
            boolean ended;
            try {
                ended = process.waitFor(Math.max(0, most.toNanos()), TimeUnit.NANOSECONDS);
            } finally {
                killWhole(process);
            }
            String last = log(moment, output);
            if (!ended) {
                return "it had not ended after " + most.toMillis() + " ms and was killed" + last;
            }
            return process.exitValue() == 0 ? null : "it ended with exit status " + process.exitValue() + last;
        } catch (IOException e) {
            return "it can't be run (" + e.getMessage() + ")";
        } finally {
            delete(output);
        }
    }

    private Process start(Path hook, Moment moment, Path output) throws IOException {
        ProcessBuilder command = new ProcessBuilder(hook.toString()).directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(output == null ? Redirect.DISCARD : Redirect.to(output.toFile()));
        Map<String, String> variables = command.environment();
        variables.remove("SLUICE_TARGET_PASSWORD");
        variables.putAll(environment);
        variables.put("SLUICE_ACT", moment.act());
        variables.put("SLUICE_STEP", moment.step().toLowerCase(Locale.ROOT));
        variables.put("SLUICE_MOMENT", moment.before() ? "before" : "after");
        variables.put("SLUICE_TRAFFIC", moment.traffic().label());
        variables.put("SLUICE_EPOCH", Long.toString(moment.traffic().epoch()));
        variables.put("DATABASE_URL", moment.traffic().databaseUrl());
        return command.start();
    }

    /** Null on a full disk: a hook after the flip matters more than its output. */
    private static Path outputFile() {
        try {
            return Files.createTempFile("sluice-hook", ".log");
        } catch (IOException e) {
            LOG.warn("event=hook_output_lost reason=\"{}\"", e.getMessage());
            return null;
        }
    }

    /** A process that outlives its hook in the background is the operator's wish; one under a killed hook is not. */
    private static void killWhole(Process process) {
        if (!process.isAlive()) {
            return;
        }
        long deadline = System.nanoTime() + DYING_MAX.toNanos();
        // Children first, again and again: one may be starting another just now.
        List<ProcessHandle> family = process.descendants().toList();
        process.destroyForcibly();
        while (!family.isEmpty() && System.nanoTime() < deadline) {
            List<ProcessHandle> born = family.stream().flatMap(ProcessHandle::descendants).toList();
            family.forEach(ProcessHandle::destroyForcibly);
            family = born;
        }
        boolean interrupted = false;
        while (process.isAlive() && System.nanoTime() < deadline) {
            try {
                process.waitFor(LOOK.toMillis(), TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                interrupted = true; // a killed process is gone in a moment
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Logs the end of what it printed; returns the last line as part of a sentence. */
    private static String log(Moment moment, Path output) {
        if (output == null) {
            return "";
        }
        try (RandomAccessFile file = new RandomAccessFile(output.toFile(), "r")) {
            long skipped = Math.max(0, file.length() - OUTPUT_BYTES_MAX);
            file.seek(skipped);
            byte[] end = new byte[(int) Math.min(OUTPUT_BYTES_MAX, file.length() - skipped)];
            file.readFully(end);
            List<String> lines = new String(end, StandardCharsets.UTF_8).lines()
                    .map(line -> line.replaceAll("\\p{Cntrl}", " ").strip()).filter(line -> !line.isEmpty()).toList();
            if (lines.isEmpty()) {
                return "";
            }
            LOG.info("event=hook_output hook={} bytes_left_out={} text=\"{}\"", moment.name(), skipped,
                    String.join(" | ", lines));
            return "; it said last: " + lines.get(lines.size() - 1);
        } catch (IOException e) {
            LOG.warn("event=hook_output_lost reason=\"{}\"", e.getMessage());
            return "";
        }
    }

    private static void delete(Path output) {
        try {
            if (output != null) {
                Files.deleteIfExists(output);
            }
        } catch (IOException e) {
            LOG.debug("event=hook_output_left file={}", output);
        }
    }
}
