package dev.sluice.postgres;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real PostgreSQL that this process starts from its dependency jars, on 127.0.0.1 only, behind a random password.
 * {@linkplain #ephemeral Ephemeral}: in a temporary directory, fast, removed on close. {@linkplain #persistent
 * Persistent}: in a given directory, durable; outlives a {@code kill -9} of this process, and the next start takes
 * the running server over. Thread-safe.
 *
 * <p>The directory holds {@code postgres/} (the programs, kept with the data because data and major version belong
 * together), {@code server/} (data and {@code server.log}), {@code password}, {@code pgpass} (for
 * {@code PGPASSFILE=… psql}), {@code port} and {@code lock}.
 */
public final class EmbeddedTarget implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedTarget.class);

    private static final String USER = "postgres";
    private static final String DATABASE = "postgres";
    private static final String TEMPORARY_PREFIX = "sluice-postgres-";
    private static final Duration INIT_WAIT = Duration.ofMinutes(3);
    /** Long, because a start after a crash replays the log first. */
    private static final Duration START_WAIT = Duration.ofMinutes(5);
    private static final Duration STOP_WAIT = Duration.ofSeconds(60);
    private static final int START_ATTEMPTS = 5;
    private static final Duration YOUNG = Duration.ofSeconds(10);
    private static final Duration WATCH_PAUSE = Duration.ofSeconds(2);

    /**
     * Those of this process. Their lock files must not be opened a second time: closing any descriptor of a file drops the
     * process's POSIX lock on it, and another process would take the server for abandoned.
     */
    private static final Set<Path> HOMES = ConcurrentHashMap.newKeySet();

    private final Path home;
    private final boolean temporary;
    private final PostgresPrograms programs;
    private final FileChannel lockFile;
    private final Secret password;
    private final int port;
    private final boolean takenOver;
    private final Thread stopHook;
    private final CountDownLatch constructed = new CountDownLatch(1);
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread watch;
    private boolean closed; // guarded by this

    /** Starts a server that is gone, with its data, after {@link #close} or when this process ends. */
    public static EmbeddedTarget ephemeral() {
        removeAbandoned();
        try {
            Path home = Files.createTempDirectory(TEMPORARY_PREFIX);
            return new EmbeddedTarget(home, true);
        } catch (IOException e) {
            throw new TargetRefusal("the embedded PostgreSQL could not be set up in "
                    + System.getProperty("java.io.tmpdir") + " (" + e + "): free space there, or name another directory"
                    + " with -Djava.io.tmpdir", e);
        }
    }

    /**
     * Starts the server of {@code home}, or takes over the one that still runs there; creates it the first time. It is
     * stopped by {@link #close}, and only by that: one that dies, for example because it can't write its log on a full
     * disk, is started again as soon as it can be.
     */
    public static EmbeddedTarget persistent(Path home) {
        try {
            Files.createDirectories(home);
            return new EmbeddedTarget(home.toAbsolutePath(), false);
        } catch (IOException e) {
            throw new TargetRefusal("the embedded PostgreSQL could not be set up in " + home + " (" + e.getMessage()
                    + "): check its permissions and free space, or name another stateDir", e);
        }
    }

    private EmbeddedTarget(Path home, boolean temporary) throws IOException {
        this.home = home;
        this.temporary = temporary;
        if (!HOMES.add(home)) {
            throw new TargetRefusal("this process runs the embedded PostgreSQL of " + home + " already");
        }
        this.lockFile = FileChannel.open(home.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        // before anything lies there: a Ctrl-C may come while the programs are unpacked
        Thread constructing = Thread.currentThread();
        this.stopHook = temporary ? new Thread(() -> closeAtExit(constructing), "embedded-target-stop") : null;
        if (stopHook != null) {
            Runtime.getRuntime().addShutdownHook(stopHook);
        }
        boolean started = false;
        try {
            lock();
            open("rwx--x--x"); // another user may have to run the programs
            this.programs = PostgresPrograms.find(home.resolve("postgres"));
            if (programs.owner() == null) {
                open("rwx------");
            }
            this.password = initialized();
            Optional<Integer> running = running();
            this.takenOver = running.isPresent();
            this.port = takenOver ? running.get() : start();
            writePrivately(home.resolve("pgpass"), "127.0.0.1:" + port + ":*:" + USER + ":" + password.reveal() + "\n");
            this.watch = new Thread(this::watch, "embedded-target-watch");
            watch.setDaemon(true);
            if (!temporary) {
                watch.start();
            }
            started = true;
        } finally {
            if (!started) {
                HOMES.remove(home);
                lockFile.close();
                if (temporary) {
                    remove(home);
                }
                removeHook();
            }
            constructed.countDown();
        }
    }

    /** Where the start is still under way, it is given up first, so that nothing is written behind the removal. */
    private void closeAtExit(Thread constructing) {
        try {
            if (constructed.getCount() > 0) {
                constructing.interrupt();
                if (!constructed.await(STOP_WAIT.toSeconds(), TimeUnit.SECONDS)) {
                    LOG.warn("the embedded PostgreSQL in {} was still starting when the process ended", home);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        close();
    }

    private void removeHook() {
        if (stopHook != null && Thread.currentThread() != stopHook) {
            try {
                Runtime.getRuntime().removeShutdownHook(stopHook);
            } catch (IllegalStateException e) {
                LOG.debug("the process is ending already"); // the hook then finds nothing left to do
            }
        }
    }

    public TargetUrl url() {
        return new TargetUrl("127.0.0.1", port, DATABASE, USER, null, Map.of());
    }

    /** The superuser's password; also in the file {@code password} of {@link #home}. */
    public Secret password() {
        return password;
    }

    public Path home() {
        return home;
    }

    /** The server's own log. */
    public Path log() {
        return home.resolve("server/server.log");
    }

    /** True where the server of an earlier process was still running. */
    public boolean takenOver() {
        return takenOver;
    }

    /** Nobody else starts this server again; it must not take a new port, which the application does not know. */
    private void watch() {
        String said = null;
        try {
            while (!closing.await(WATCH_PAUSE.toMillis(), TimeUnit.MILLISECONDS)) {
                try {
                    synchronized (this) {
                        if (!closed && postmaster(data()).isEmpty()) {
                            LOG.debug("the embedded PostgreSQL in {} ended by itself: {}", home, lastLine(log()));
                            startAt(port);
                            LOG.info("event=embedded_target_restarted home={} port={}", home, port);
                            said = null;
                        }
                    }
                } catch (IOException | TargetRefusal | NumberFormatException e) { // the last: a pid file cut by a full disk
                    String reason = e.getMessage();
                    if (!reason.equals(said)) {
                        LOG.warn("event=embedded_target_down home={} reason=\"{}\"; it is tried again", home, reason);
                        said = reason;
                    }
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("the embedded PostgreSQL is not watched any more", e);
        }
    }

    private void startAt(int same) throws IOException {
        Files.deleteIfExists(data().resolve("postmaster.pid"));
        if (!startedAt(same)) {
            stop(data(), temporary);
            throw new TargetRefusal("the embedded PostgreSQL in " + home + " does not start: " + lastLine(log())
                    + "; free space there, or look into " + log());
        }
    }

    /** Stops the server, ending its sessions; an ephemeral one is removed. A second call does nothing. */
    @Override
    public void close() {
        closing.countDown();
        if (watch != null) {
            watch.interrupt(); // it may be starting the server
        }
        closeOnce();
    }

    private synchronized void closeOnce() {
        if (closed) {
            return;
        }
        closed = true;
        removeHook();
        try {
            if (!stop(data(), temporary)) {
                LOG.warn("the embedded PostgreSQL in {} did not stop within {} s: look into {}", home,
                        STOP_WAIT.toSeconds(), log());
            }
            lockFile.close();
            if (temporary) {
                remove(home);
            }
        } catch (IOException e) {
            LOG.warn("the embedded PostgreSQL in {} could not be stopped cleanly: {}", home, e.toString());
        } finally {
            HOMES.remove(home);
        }
    }

    private Path data() {
        return home.resolve("server/data");
    }

    private void lock() throws IOException {
        FileLock lock;
        try {
            lock = lockFile.tryLock();
        } catch (OverlappingFileLockException e) {
            lock = null;
        }
        if (lock == null) {
            throw new TargetRefusal("another sluice uses the embedded PostgreSQL in " + home + ": stop it first, or"
                    + " name another stateDir");
        }
    }

    private void open(String permissions) throws IOException {
        Files.setPosixFilePermissions(home, PosixFilePermissions.fromString(permissions));
    }

    /** Creates the cluster unless it is there: beside its place and renamed, so that a half-made one never counts. */
    private Secret initialized() throws IOException {
        Path passwordFile = home.resolve("password");
        if (!Files.exists(passwordFile)) {
            writePrivately(passwordFile, Secret.random().reveal() + "\n");
        }
        Secret secret = Secret.read(passwordFile);
        if (Files.exists(data())) {
            return secret;
        }
        Path server = data().getParent();
        Files.createDirectories(server);
        Files.setPosixFilePermissions(server, PosixFilePermissions.fromString("rwx------"));
        programs.own(server);
        Path young = server.resolve("data.new");
        remove(young);
        Path passwordCopy = server.resolve("password.once");
        Files.deleteIfExists(passwordCopy);
        writePrivately(passwordCopy, secret.reveal() + "\n");
        programs.own(passwordCopy);
        Path initLog = home.resolve("initdb.log");
        // C: text sorts by its bytes and case folds for ASCII only, exactly as in SQLite.
        boolean made = PostgresPrograms.succeeds(programs.command("initdb", "-D", young.toString(), "-U", USER,
                "-E", "UTF8", "--no-locale", "--auth=scram-sha-256", "--pwfile=" + passwordCopy,
                temporary ? "--no-sync" : "--data-checksums"), initLog, INIT_WAIT);
        Files.deleteIfExists(passwordCopy);
        if (!made) {
            throw new TargetRefusal("the embedded PostgreSQL could not be created in " + home + ": "
                    + lastLine(initLog) + "; free space or name another directory"
                    + (temporary ? " with -Djava.io.tmpdir" : " as stateDir"));
        }
        Files.move(young, data(), StandardCopyOption.ATOMIC_MOVE);
        return secret;
    }

    private int start() throws IOException {
        Files.deleteIfExists(data().resolve("postmaster.pid"));
        for (int attempt = 1;; attempt++) {
            int candidate = freePort();
            if (startedAt(candidate)) {
                writePrivately(home.resolve("port"), candidate + "\n");
                return candidate;
            }
            if (attempt == START_ATTEMPTS || Thread.currentThread().isInterrupted()) {
                stop(data(), temporary);
                throw new TargetRefusal("the embedded PostgreSQL in " + home + " did not start: " + lastLine(log())
                        + (temporary ? "" : "; look into " + log()));
            }
        }
    }

    private boolean startedAt(int candidate) throws IOException {
        String options = "-p " + candidate + " -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
                + " -c wal_level=logical -c logging_collector=off" + (temporary ? " -F" : " -c fsync=on");
        // pg_ctl gives the server a session of its own, so Ctrl-C at our terminal does not reach it.
        return PostgresPrograms.succeeds(programs.command("pg_ctl", "start", "-D", data().toString(),
                "-l", log().toString(), "-w", "-t", Long.toString(START_WAIT.toSeconds()), "-o", options),
                home.resolve("pg_ctl.log"), START_WAIT.plusSeconds(10));
    }

    /** The last one, so that applications find the server again; another only if that is taken. */
    private int freePort() throws IOException {
        InetAddress loopback = InetAddress.getByName("127.0.0.1");
        Path last = home.resolve("port");
        if (Files.exists(last)) {
            int port = Integer.parseInt(Secret.read(last).reveal().strip());
            try (ServerSocket probe = new ServerSocket()) {
                probe.setReuseAddress(true);
                probe.bind(new java.net.InetSocketAddress(loopback, port), 1);
                return port;
            } catch (IOException e) {
                LOG.info("port {} of the embedded PostgreSQL is taken, another is chosen", port);
                Files.delete(last);
            }
        }
        try (ServerSocket probe = new ServerSocket(0, 1, loopback)) {
            return probe.getLocalPort();
        }
    }

    /**
     * The port of a server that still runs on this data, once it takes connections. {@code postmaster.pid} says the
     * process in line 1, the port in line 4 and the state in line 8.
     */
    private Optional<Integer> running() throws IOException {
        long deadline = System.nanoTime() + START_WAIT.toNanos();
        while (System.nanoTime() < deadline) {
            Optional<Long> postmaster = postmaster(data());
            if (postmaster.isEmpty()) {
                return Optional.empty();
            }
            List<String> lines = lines(data().resolve("postmaster.pid"));
            if (lines.size() >= 8 && lines.get(7).strip().equals("ready")) {
                return Optional.of(Integer.parseInt(lines.get(3).strip()));
            }
            awaitExit(postmaster.get(), Duration.ofMillis(100)); // it starts, replays its log, or is about to end
        }
        throw new TargetRefusal("the embedded PostgreSQL in " + home + " runs but takes no connections: look into "
                + log());
    }

    /** The process that serves {@code data}; after a crash of the machine its number may belong to another one. */
    private static Optional<Long> postmaster(Path data) throws IOException {
        List<String> lines = lines(data.resolve("postmaster.pid"));
        if (lines.isEmpty()) {
            return Optional.empty();
        }
        long process = Long.parseLong(lines.get(0).strip());
        if (ProcessHandle.of(process).filter(ProcessHandle::isAlive).isEmpty()) {
            return Optional.empty();
        }
        boolean same;
        try {
            same = Files.isSameFile(Path.of("/proc/" + process + "/cwd"), data);
        } catch (IOException e) { // not ours to look at, or not Linux: the program's name decides
            same = ProcessHandle.of(process).flatMap(handle -> handle.info().command())
                    .filter(command -> command.endsWith("/postgres")).isPresent();
        }
        return same ? Optional.of(process) : Optional.empty();
    }

    /** True where the process ended in time. */
    private static boolean awaitExit(long process, Duration within) {
        try {
            ProcessHandle handle = ProcessHandle.of(process).orElse(null);
            if (handle != null) {
                handle.onExit().get(within.toMillis(), TimeUnit.MILLISECONDS);
            }
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TargetRefusal("stopped while waiting for the embedded PostgreSQL", e);
        }
    }

    /** Asks the server to end its sessions and stop, then, where the data are thrown away anyway, kills it. */
    private static boolean stop(Path data, boolean thrownAway) throws IOException {
        Optional<Long> postmaster = postmaster(data);
        if (postmaster.isEmpty()) {
            return true;
        }
        // SIGINT is PostgreSQL's "fast" shutdown; Java itself could only send SIGTERM, which waits for all sessions.
        PostgresPrograms.succeeds(List.of("sh", "-c", "kill -INT \"$0\"", postmaster.get().toString()), null,
                STOP_WAIT);
        if (gone(data, thrownAway ? Duration.ofSeconds(20) : STOP_WAIT)) {
            return true;
        }
        if (thrownAway) {
            ProcessHandle.of(postmaster.get()).ifPresent(ProcessHandle::destroyForcibly);
        }
        return thrownAway && gone(data, Duration.ofSeconds(10));
    }

    /** Asks the files too: below an init process that never collects its children a dead server stays a zombie. */
    private static boolean gone(Path data, Duration within) throws IOException {
        long deadline = System.nanoTime() + within.toNanos();
        for (Optional<Long> left = postmaster(data); left.isPresent(); left = postmaster(data)) {
            if (!awaitExit(left.get(), Duration.ofMillis(100)) && System.nanoTime() > deadline) {
                return false;
            }
        }
        return true;
    }

    /** The lines of a small file; none where it is not there. */
    private static List<String> lines(Path file) throws IOException {
        try {
            return Files.readAllLines(file, StandardCharsets.UTF_8);
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }

    /** Ends and removes temporary servers whose process was killed before it could do so. */
    private static void removeAbandoned() {
        Path temporaryFiles = Path.of(System.getProperty("java.io.tmpdir"));
        try (Stream<Path> homes = Files.list(temporaryFiles)) {
            for (Path home : homes.filter(path -> path.getFileName().toString().startsWith(TEMPORARY_PREFIX))
                    .toList()) {
                removeIfAbandoned(home);
            }
        } catch (IOException | UncheckedIOException e) {
            LOG.debug("leftovers in {} could not be listed: {}", temporaryFiles, e.toString());
        }
    }

    private static void removeIfAbandoned(Path home) {
        Path lockPath = home.resolve("lock");
        if (HOMES.contains(home) || !Files.isWritable(lockPath)
                || isYoung(lockPath)) { // foreign, or made by a process that is about to lock it
            return;
        }
        try (FileChannel channel = FileChannel.open(lockPath, StandardOpenOption.WRITE);
                FileLock lock = channel.tryLock()) {
            if (lock != null && stop(home.resolve("server/data"), true)) {
                remove(home);
            }
        } catch (IOException | OverlappingFileLockException e) {
            LOG.debug("{} is in use or not ours: {}", home, e.toString());
        }
    }

    private static boolean isYoung(Path file) {
        try {
            return Files.getLastModifiedTime(file).toInstant().isAfter(Instant.now().minus(YOUNG));
        } catch (IOException e) {
            return true; // it was removed meanwhile
        }
    }

    /**
     * Deletes a file or a directory with everything in it, without following links; nothing happens where it is gone.
     */
    static void remove(Path root) throws IOException {
        if (!Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
                if (e instanceof NoSuchFileException) { // a server that is ending removes files as well
                    return FileVisitResult.CONTINUE;
                }
                throw e;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, IOException e) throws IOException {
                Files.deleteIfExists(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    private static void writePrivately(Path file, String text) throws IOException {
        Path young = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(young);
        Files.createFile(young, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(young, text, StandardCharsets.UTF_8);
        Files.move(young, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private static String lastLine(Path log) throws IOException {
        if (!Files.isReadable(log)) {
            return "there is no log";
        }
        List<String> lines = Files.readAllLines(log, StandardCharsets.UTF_8);
        return lines.stream().filter(line -> line.contains("FATAL") || line.contains("error:"))
                .reduce((first, second) -> second)
                .orElseGet(() -> lines.isEmpty() ? "the log is empty" : lines.get(lines.size() - 1)).strip();
    }
}
