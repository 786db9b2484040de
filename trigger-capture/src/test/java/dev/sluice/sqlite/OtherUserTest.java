package dev.sluice.sqlite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** We are another user than the application and come first, so that the files beside the database are ours to make. */
class OtherUserTest {

    private static final int APPLICATION = 41001;
    private static final int GROUP = 41002;
    private static final int OURS = 41003;
    private static final Path SETPRIV = Path.of("/usr/bin/setpriv");

    private Path folder;
    private Path database;
    private int paths;

    @BeforeEach
    void make() throws Exception {
        assumeTrue("root".equals(System.getProperty("user.name")) && Files.isExecutable(SETPRIV),
                "not tested: only root can be several users, and it takes setpriv");
        folder = Files.createTempDirectory("users");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxr-x"));
        Files.setAttribute(folder, "unix:gid", GROUP);
        database = folder.resolve("app.sqlite");
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
                Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA journal_mode = WAL");
            statement.execute("CREATE TABLE t(v)");
        }
        Files.setPosixFilePermissions(database, PosixFilePermissions.fromString("rw-rw----"));
        Files.setAttribute(database, "unix:uid", APPLICATION);
        Files.setAttribute(database, "unix:gid", GROUP);
        for (Class<?> type : List.of(org.sqlite.JDBC.class, org.slf4j.Logger.class, SqliteFile.class, OtherUserTest.class)) {
            copy(Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()));
        }
    }

    @AfterEach
    void remove() throws IOException {
        if (folder != null) {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0", OURS + ", " + OURS, OURS + ", " + GROUP, APPLICATION + ", " + APPLICATION})
    void applicationThatComesLaterFindsFilesThatItMayUse(int user, int primaryGroup) throws Exception {
        Process ours = start(user, primaryGroup, "reader");
        try (BufferedReader said = lines(ours)) {
            assertThat(said.readLine()).isEqualTo("open");
            for (String suffix : List.of("-wal", "-shm")) {
                Path beside = Path.of(database + suffix);
                assertThat(Files.getAttribute(beside, "unix:gid")).as(suffix).isEqualTo(GROUP);
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(beside))).isEqualTo("rw-rw----");
            }
            assertWrites(APPLICATION);
            ours.getOutputStream().close();
            assertThat(ours.waitFor()).isZero();
            assertWrites(APPLICATION);
            assertWrites(user);
            assertWrites(APPLICATION);
        } finally {
            ours.destroyForcibly();
        }
    }

    private void assertWrites(int user) throws Exception {
        Process application = start(user, user == 0 ? 0 : user, "writer");
        application.getOutputStream().close();
        try (BufferedReader said = lines(application)) {
            assertThat(said.readLine()).isEqualTo("open");
        }
        assertThat(application.waitFor()).isZero();
    }

    /** As {@code user}, with the database's group among its groups. */
    private Process start(int user, int primaryGroup, String kind) throws IOException {
        String classPath = IntStream.range(0, paths).mapToObj(i -> folder.resolve("path" + i).toString())
                .collect(Collectors.joining(":"));
        return new ProcessBuilder(SETPRIV.toString(), "--reuid=" + user, "--regid=" + primaryGroup, "--groups=" + GROUP,
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx64m", "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData", "-cp", classPath, OtherUserTest.class.getName(), database.toString(), kind)
                .redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }

    private static BufferedReader lines(Process process) {
        return new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    private void copy(Path from) throws IOException {
        Path to = folder.resolve("path" + paths++);
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Path copy = to.resolve(from.relativize(file).toString());
                Files.copy(file, from.equals(file) ? to : copy);
            }
        }
    }

    /** The other process: opens the file as we or as the application do, says so, and closes it when its input ends. */
    public static void main(String[] arguments) throws Exception {
        SqliteFile file = new SqliteFile(Path.of(arguments[0]));
        boolean writes = arguments[1].equals("writer");
        try (SqliteSession session =
                writes ? file.openWriter(Duration.ofSeconds(5)) : file.openReader(Duration.ofSeconds(5))) {
            if (writes) {
                session.execute("INSERT INTO t VALUES (1)");
            }
            session.number("SELECT count(*) FROM t");
            System.out.println("open");
            System.in.read();
        }
    }
}
