package dev.sluice.console;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * One stream to a person or a file: lines, and on a terminal one line at the bottom that is drawn over (the progress
 * bar), which gives way to lines. Uses no escape sequence but colour. Thread-safe.
 */
public final class Terminal {

    private static final int WIDTH_DEFAULT = 80;

    private final PrintStream out;
    private final boolean interactive;
    private final boolean colour;
    private final int width;
    private int drawn; // characters of the line that is drawn over; guarded by this

    Terminal(PrintStream out, boolean interactive, boolean colour, int width) {
        this.out = out;
        this.interactive = interactive;
        this.colour = colour;
        this.width = width;
    }

    /** Standard output, for results. */
    public static Terminal standardOutput() {
        return of(FileDescriptor.out, 1, System.getenv());
    }

    /** Standard error, for progress, log lines and refusals. */
    public static Terminal standardError() {
        return of(FileDescriptor.err, 2, System.getenv());
    }

    private static Terminal of(FileDescriptor descriptor, int number, Map<String, String> environment) {
        PrintStream stream = new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
        boolean interactive = isTerminal(number) && !"dumb".equals(environment.get("TERM"));
        boolean colour = interactive && environment.getOrDefault("NO_COLOR", "").isEmpty();
        return new Terminal(stream, interactive, colour, interactive ? width(environment) : WIDTH_DEFAULT);
    }

    /** True where a person watches and a line may be drawn over. */
    public boolean interactive() {
        return interactive;
    }

    /** True where colours may be used: a terminal, and NO_COLOR is not set (https://no-color.org). */
    public boolean colour() {
        return colour;
    }

    /** Columns, 80 where they are not known. */
    public int width() {
        return width;
    }

    /** Writes a line of its own, above the drawn one. */
    public synchronized void line(String text) {
        erase();
        out.println(text);
    }

    /** Draws over the bottom line; only on a terminal. */
    synchronized void draw(String text) {
        String line = text.length() >= width ? text.substring(0, width - 1) : text;
        out.print("\r" + line + " ".repeat(Math.max(0, drawn - line.length())));
        out.flush();
        drawn = line.length();
    }

    /** Removes the drawn line. */
    synchronized void erase() {
        if (drawn > 0) {
            out.print("\r" + " ".repeat(drawn) + "\r");
            out.flush();
            drawn = 0;
        }
    }

    /** A stream for whole lines, written above the drawn one; closing it closes nothing. */
    OutputStream lines() {
        return new OutputStream() {
            @Override
            public void write(int one) {
                write(new byte[] {(byte) one}, 0, 1);
            }

            @Override
            public void write(byte[] bytes, int offset, int length) {
                synchronized (Terminal.this) {
                    erase();
                    out.write(bytes, offset, length);
                    out.flush();
                }
            }
        };
    }

    /** Java 17 knows only whether stdin and stdout both are terminals; Linux says it of each. */
    private static boolean isTerminal(int descriptor) {
        try {
            String file = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
            return file.startsWith("/dev/pts/") || file.startsWith("/dev/tty") || file.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException e) {
            return System.console() != null;
        }
    }

    private static int width(Map<String, String> environment) {
        String columns = environment.getOrDefault("COLUMNS", "");
        if (!columns.matches("[0-9]{2,4}")) {
            columns = columnsOfTty();
        }
        return columns.matches("[0-9]{2,4}") ? Integer.parseInt(columns) : WIDTH_DEFAULT;
    }

    private static String columnsOfTty() {
        try {
            Process stty = new ProcessBuilder("stty", "size").redirectInput(Path.of("/dev/tty").toFile())
                    .redirectError(ProcessBuilder.Redirect.DISCARD).start();
            if (stty.waitFor(2, TimeUnit.SECONDS)) {
                String size = new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
                return size.substring(size.indexOf(' ') + 1);
            }
            stty.destroyForcibly();
        } catch (IOException e) { // no stty, or no terminal
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return "";
    }
}
