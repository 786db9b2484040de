package dev.sluice.testing;

import dev.sluice.postgres.EmbeddedTarget;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetUrl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A PostgreSQL of the test's own, to be stopped, started and put back in time. Its address stays the same.
 */
public final class OwnServer implements AutoCloseable {

    private final Path home;
    private final TargetUrl url;
    private EmbeddedTarget server;
    private int databases;

    public OwnServer(Path home) {
        this.home = home;
        this.server = EmbeddedTarget.persistent(home);
        this.url = server.url();
    }

    public EmbeddedTarget server() {
        return server;
    }

    /** A new database, which stays when the target is closed. */
    public Target fresh() throws SQLException {
        String database = "own_" + ++databases;
        sql("CREATE DATABASE " + database + " TEMPLATE template0 ENCODING 'UTF8'");
        return Target.open(new TargetUrl(url.host(), url.port(), database, url.user(), null, url.parameters()),
                server.password(), Target.Options.DEFAULT);
    }

    /** Runs statements as the superuser. */
    public void sql(String... statements) throws SQLException {
        try (Target target = Target.open(url, server.password(), Target.Options.DEFAULT);
                Connection connection = target.dedicated(); Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    public void stop() {
        server.close();
    }

    /** Ends it as a failing machine does; it starts again by itself. */
    public void kill() throws IOException, InterruptedException {
        ProcessHandle postmaster = ProcessHandle.of(Long.parseLong(
                Files.readAllLines(data().resolve("postmaster.pid")).get(0).strip())).orElseThrow();
        List<ProcessHandle> all = postmaster.descendants().toList();
        run("kill", "-KILL", Long.toString(postmaster.pid()));
        all.forEach(ProcessHandle::destroyForcibly);
    }

    /** Starts it again, at the same address. */
    public void start() {
        server = EmbeddedTarget.persistent(home);
        if (!server.url().equals(url)) {
            throw new AssertionError("the server came back at " + server.url() + " instead of " + url);
        }
    }

    /** Copies the data of the stopped server to {@code copy}, as a replica that lags has them. */
    public void keep(Path copy) throws IOException, InterruptedException {
        copyAll(data(), copy);
    }

    /** Puts back what was kept: every commit since is lost. */
    public void putBack(Path copy) throws IOException, InterruptedException {
        Files.move(data(), data().resolveSibling("lost-" + System.nanoTime()));
        copyAll(copy, data());
    }

    /** Stops it and starts it as a standby that follows nobody, until it is promoted. */
    public void becomeStandby() throws IOException {
        stop();
        Files.createFile(data().resolve("standby.signal"));
        start();
    }

    /** Moves the stopped server's write-ahead log to another disk. */
    public void moveLogTo(Path disk) throws IOException, InterruptedException {
        copyAll(data().resolve("pg_wal"), disk.resolve("pg_wal"));
        run("rm", "-rf", data().resolve("pg_wal").toString());
        Files.createSymbolicLink(data().resolve("pg_wal"), disk.resolve("pg_wal"));
    }

    private Path data() {
        return home.resolve("server/data");
    }

    /** With owners, modes and holes. */
    private static void copyAll(Path from, Path to) throws IOException, InterruptedException {
        run("cp", "-a", from.toString(), to.toString());
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).inheritIO().start();
        if (!process.waitFor(2, TimeUnit.MINUTES) || process.exitValue() != 0) {
            throw new IOException(String.join(" ", command) + " failed");
        }
    }

    @Override
    public void close() {
        server.close();
    }
}
