package dev.sluice.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program of the machine that does what no Java driver can; there may be none. */
public final class Tool {

    /** What it printed, standard error included, and how it ended. */
    public record Answer(int code, String text) {}

    private Tool() {}

    /** Python with the arguments {@code sys.argv[1:]}, null where there is none. */
    public static Answer python(String script, Object... arguments) {
        return run("python3", List.of("-c", script), arguments);
    }

    /** SQLite's shell, null where there is none. */
    public static Answer shell(Path file, String... commands) {
        List<Object> arguments = new ArrayList<>(List.of(file));
        arguments.addAll(List.of(commands));
        return run("sqlite3", List.of("-batch", "-bail"), arguments.toArray());
    }

    private static Answer run(String program, List<String> options, Object... arguments) {
        List<String> command = new ArrayList<>(List.of(program));
        command.addAll(options);
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        try {
            Path output = Files.createTempFile("tool", null);
            Process process;
            try {
                process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
            } catch (IOException e) {
                System.out.println("not tested: " + program + " can't be started here");
                Files.delete(output);
                return null;
            }
            process.getOutputStream().close();
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IllegalStateException(program + " does not end");
            }
            String text = Files.readString(output, StandardCharsets.UTF_8).strip();
            Files.delete(output);
            return new Answer(process.exitValue(), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
