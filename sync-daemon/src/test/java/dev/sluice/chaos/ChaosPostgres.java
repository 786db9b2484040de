package dev.sluice.chaos;

import dev.sluice.postgres.EmbeddedTarget;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** A PostgreSQL of its own that is stopped in every way and comes back with its data at its address. */
final class ChaosPostgres implements AutoCloseable {

    private final Path home;
    private final Thread atExit = new Thread(this::stop, "chaos-postgres-exit");
    private EmbeddedTarget server;

    ChaosPostgres(Path home, Random random) throws IOException {
        this.home = home;
        Files.createDirectories(home);
        // below the numbers that the kernel gives to outgoing connections, else it may be taken when the server is back
        Files.createFile(home.resolve("port"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(home.resolve("port"), free(random) + "\n");
        server = EmbeddedTarget.persistent(home);
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    private static int free(Random random) throws IOException {
        while (true) {
            int port = 15_000 + random.nextInt(15_000);
            try (ServerSocket probe = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
                return probe.getLocalPort();
            } catch (java.net.BindException e) {
                continue; // somebody else's
            }
        }
    }

    String url(String database) {
        return "postgres://" + server.url().effectiveUser() + "@127.0.0.1:" + server.url().port() + "/" + database;
    }

    String password() {
        return server.password().reveal();
    }

    Connection connect(String database) throws SQLException {
        return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + server.url().port() + "/" + database
                + "?connectTimeout=5&socketTimeout=60", server.url().effectiveUser(), password());
    }

    void run(String database, String... statements) throws SQLException {
        try (Connection connection = connect(database); Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    /** An end without a checkpoint: what was committed has to come back from the log. */
    void crash(boolean immediately) throws IOException, InterruptedException {
        ProcessHandle postmaster = ProcessHandle.of(Long.parseLong(
                Files.readAllLines(home.resolve("server/data/postmaster.pid")).get(0).strip())).orElseThrow();
        List<ProcessHandle> all = postmaster.descendants().toList();
        signal(immediately ? "KILL" : "QUIT", postmaster.pid());
        for (ProcessHandle process : all) {
            await(process);
        }
        await(postmaster);
    }

    /** Zombies count as alive where nobody collects them, so the wait is bounded and no error. */
    private static void await(ProcessHandle process) throws InterruptedException {
        try {
            process.onExit().get(10, TimeUnit.SECONDS);
        } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
            if (process.info().command().isPresent()) {
                process.destroyForcibly();
            }
        }
    }

    /** Starts it again, after a crash or after stopping it as an operator does. */
    void restart() {
        int port = server.url().port();
        server.close();
        server = EmbeddedTarget.persistent(home);
        if (server.url().port() != port) {
            throw new IllegalStateException("another program has taken port " + port + " while PostgreSQL was down");
        }
    }

    static void signal(String name, long process) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, Long.toString(process)).inheritIO().start().waitFor();
    }

    private void stop() {
        server.close();
    }

    @Override
    public void close() {
        stop();
        Runtime.getRuntime().removeShutdownHook(atExit);
    }
}
