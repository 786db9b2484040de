package dev.sluice.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** An application in a process of its own, with a SQLite library of its own. For one thread. */
public final class Application implements AutoCloseable {

    /** Where the build puts drivers of old releases ({@code maven-dependency-plugin} in the pom). */
    private static final Path OLD_DRIVERS = Path.of("target/old-sqlite");

    private static final String END = "\u0000end";

    private final String name;
    private final List<String> command;
    private final Path folder;
    private Process process;
    private Writer requests;
    private BlockingQueue<String> answers;
    private SqliteVersion version;

    /** The application's process ended by itself, as only a fault in a native library can make it. */
    public static final class Died extends RuntimeException {
        Died(String message) {
            super(message);
        }
    }

    private Application(String name, List<String> command, Path folder) {
        this.name = name;
        this.command = command;
        this.folder = folder;
    }

    /** One per SQLite library that is at hand, oldest first: the old drivers, our own, and Python's. */
    public static List<Application> all() throws IOException {
        if (!Files.isDirectory(OLD_DRIVERS)) {
            throw new IOException("no folder " + OLD_DRIVERS.toAbsolutePath()
                    + ": mvn process-test-resources brings the old drivers");
        }
        List<Application> all = new ArrayList<>();
        try (Stream<Path> drivers = Files.list(OLD_DRIVERS)) {
            for (Path driver : drivers.filter(file -> file.toString().endsWith(".jar"))
                    .sorted(Comparator.comparing(driver -> released(driver).number())).toList()) {
                all.add(java(released(driver).toString(), driver));
            }
        }
        all.add(ours());
        all.add(python());
        return all;
    }

    /** An application with the library that we ship. */
    public static Application ours() throws IOException {
        return java("ours", jarOf(org.sqlite.JDBC.class));
    }

    private static SqliteVersion released(Path driver) {
        return SqliteVersion.of(driver.getFileName().toString().replaceAll("sqlite-jdbc-|\\.jar", ""));
    }

    private static Application java(String name, Path driver) throws IOException {
        Path folder = Files.createTempDirectory("application");
        String classPath = String.join(System.getProperty("path.separator"), jarOf(Application.class).toString(),
                driver.toString(), jarOf(org.slf4j.Logger.class).toString());
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        return new Application(name, List.of(java, "-Xmx64m", "-XX:TieredStopAtLevel=1",
                "-XX:-CreateCoredumpOnCrash", "-XX:+DisplayVMOutputToStderr", "-XX:ErrorFile=" + folder + "/crash.log",
                "-Djava.io.tmpdir=" + folder, "-cp", classPath, ApplicationProcess.class.getName()), folder);
    }

    /** An application that takes what Python brings; {@link #isHere} is false where there is none. */
    public static Application python() throws IOException {
        return new Application("Python", List.of("python3", "src/test/python/application.py"),
                Files.createTempDirectory("application"));
    }

    private static Path jarOf(Class<?> type) {
        try {
            return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (java.net.URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** False, with a line on the console, where it can't be started: no program, or no library for this machine. */
    public boolean isHere() {
        try {
            open(folder.resolve("here.sqlite"));
            return true;
        } catch (Died | UncheckedIOException | SQLException e) {
            System.out.println("not tested: an application with SQLite of " + name + " can't be started here: "
                    + e.getMessage());
            return false;
        }
    }

    /** Opens a file, made if need be; what was open before is closed. A process that died is started again. */
    public void open(Path file, String... pragmas) throws SQLException {
        if (process == null || !process.isAlive()) {
            start();
        }
        version = SqliteVersion.of(request("open", file.toString()).get(0));
        run(pragmas);
    }

    public SqliteVersion version() {
        return version;
    }

    /** Runs statements. The exception's code is SQLite's, extended where the driver knows it. */
    public void run(String... statements) throws SQLException {
        for (String sql : statements) {
            request("run", sql);
        }
    }

    /** The rows of a query, its values as text. */
    public List<String> ask(String sql) throws SQLException {
        return request("run", sql);
    }

    /** The count that the driver's executeUpdate of a prepared statement returns. */
    public int update(String sql) throws SQLException {
        return Integer.parseInt(request("update", sql).get(0));
    }

    /** The driver's getGeneratedKeys of a prepared insert. */
    public List<String> insert(String sql) throws SQLException {
        return request("insert", sql);
    }

    /** Prepares a statement and keeps it for {@link #again}. */
    public void keep(String sql) throws SQLException {
        request("keep", sql);
    }

    public int again() throws SQLException {
        return Integer.parseInt(request("again", "").get(0));
    }

    /** Opens a query whose rows {@link #next} fetches, empty at the end. */
    public void cursor(String sql) throws SQLException {
        request("cursor", sql);
    }

    public List<String> next() throws SQLException {
        return request("next", "");
    }

    private void start() {
        try {
            process = new ProcessBuilder(command).redirectError(folder.resolve("stderr").toFile()).start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        requests = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
        answers = new LinkedBlockingQueue<>();
        BufferedReader lines = new BufferedReader(
                new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        BlockingQueue<String> into = answers;
        Thread reader = new Thread(() -> {
            try {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    into.add(line);
                }
            } catch (IOException e) {
                into.add(END); // the process was killed
            }
            into.add(END);
        }, "answers of " + name);
        reader.setDaemon(true);
        reader.start();
    }

    private List<String> request(String verb, String text) throws SQLException {
        try {
            requests.write(verb + " " + ApplicationProcess.escaped(text) + "\n");
            requests.flush();
        } catch (IOException e) {
            throw died(text);
        }
        String[] head = line(text).split(" ", 3);
        if (head[0].equals("no")) {
            throw new SQLException(ApplicationProcess.unescaped(head[2]), null, Integer.parseInt(head[1]));
        }
        if (!head[0].equals("ok")) {
            throw died(text); // the last words of a virtual machine
        }
        List<String> rows = new ArrayList<>();
        for (int i = Integer.parseInt(head[1]); i > 0; i--) {
            rows.add(ApplicationProcess.unescaped(line(text)));
        }
        return rows;
    }

    private String line(String text) {
        try {
            String line = answers.poll(60, TimeUnit.SECONDS);
            if (line == null || line.equals(END)) {
                throw died(text);
            }
            return line;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private Died died(String text) {
        kill();
        String said;
        try {
            said = Files.readString(folder.resolve("stderr")).strip();
        } catch (IOException e) {
            said = e.toString();
        }
        return new Died("the process ended at: " + text + (said.isEmpty() ? "" : "; it said: "
                + said.substring(Math.max(0, said.length() - 500))));
    }

    private void kill() {
        process.destroyForcibly();
        try {
            process.waitFor(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() throws IOException {
        if (process != null) {
            kill();
        }
        if (!Files.exists(folder)) {
            return; // closed already
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
