package dev.sluice.datasource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.announce.Addresses;
import dev.sluice.announce.FlagFile;
import dev.sluice.cutover.Traffic;
import dev.sluice.testing.PostgresForTests;
import dev.sluice.testing.SwitchedDatabases;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import javax.sql.DataSource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;
import org.sqlite.SQLiteDataSource;

@Timeout(value = 3, unit = TimeUnit.MINUTES)
class TrafficDataSourceIT {

    private static final Duration SHORT = Duration.ofMillis(150);
    private static final Duration LONG = Duration.ofMinutes(1);

    @TempDir
    private Path folder;
    private SwitchedDatabases databases;
    private FlagFile flag;
    private Addresses addresses;
    private final SQLiteDataSource sqlite = new SQLiteDataSource();
    private final PGSimpleDataSource postgres = new PGSimpleDataSource();

    @BeforeEach
    void open() throws Exception {
        databases = SwitchedDatabases.open(folder);
        sqlite.setUrl("jdbc:sqlite:" + databases.sqliteFile());
        sqlite.setBusyTimeout(20_000);
        postgres.setUrl("jdbc:" + databases.postgresUrl().replaceFirst("//.*@", "//"));
        postgres.setUser(databases.target().url().effectiveUser());
        postgres.setPassword(PostgresForTests.password() == null ? null
                : PostgresForTests.password().reveal());
        flag = new FlagFile(folder.resolve("traffic.env"), "id-1", false);
        addresses = new Addresses("sqlite:///" + databases.sqliteFile(), databases.postgresUrl(), false);
    }

    @AfterEach
    void close() throws Exception {
        databases.close();
    }

    @Test
    void connectionsAreOfTheSideThatTheFlagNames() throws Exception {
        TrafficDataSource source = byFile(SHORT);
        flag.write(addresses.at(Traffic.SQLITE, 1));
        try (Connection before = source.getConnection()) {
            assertThat(product(before)).isEqualTo("SQLite");
            assertThat(source.isStale(before)).isFalse();
            flag.write(addresses.at(Traffic.POSTGRES, 2));
            try (Connection after = source.getConnection()) {
                assertThat(product(after)).isEqualTo("PostgreSQL");
                assertThat(source.isStale(before)).isTrue();
                assertThat(source.isStale(after)).isFalse();
            }
            Files.delete(flag.path());
            try (Connection after = source.getConnection()) {
                assertThat(product(after)).as("what was known stays").isEqualTo("PostgreSQL");
            }
        }
    }

    @Test
    void pauseIsWaitedThroughUpToTheLimit() throws Exception {
        flag.write(addresses.fenced(Traffic.SQLITE, 2));
        assertThatThrownBy(() -> byFile(SHORT).getConnection()).isInstanceOf(SQLTransientConnectionException.class)
                .hasMessageContaining("neither SQLite nor PostgreSQL").hasMessageContaining("150 ms");
        TrafficDataSource patient = byFile(LONG);
        CompletableFuture<String> waiting = CompletableFuture.supplyAsync(() -> {
            try (Connection connection = patient.getConnection()) {
                return product(connection);
            } catch (SQLException e) {
                throw new AssertionError(e);
            }
        });
        flag.write(addresses.at(Traffic.POSTGRES, 2));
        assertThat(waiting.get(30, TimeUnit.SECONDS)).isEqualTo("PostgreSQL");
    }

    @Test
    void withoutAFlagNothingIsHandedOut() throws Exception {
        assertThatThrownBy(() -> byFile(LONG).getConnection()).isInstanceOf(SQLTransientConnectionException.class)
                .hasMessageContaining("is not there").hasMessageContaining("SLUICE_TRAFFIC=sqlite");
        Files.writeString(flag.path(), "DATABASE_URL=x\n");
        assertThatThrownBy(() -> byFile(LONG).getConnection()).hasMessageContaining("has no line");
        Files.writeString(flag.path(), "SLUICE_TRAFFIC=sqlite\n");
        try (Connection connection = byFile(LONG).getConnection()) {
            assertThat(product(connection)).isEqualTo("SQLite");
        }
    }

    @Test
    void controlRowsSayTheSame() throws Exception {
        TrafficDataSource source = TrafficDataSource.followingRows(SwitchedDatabases.MIGRATION, sqlite, postgres, SHORT);
        assertThat(source.side()).contains(TrafficDataSource.Side.SQLITE);
        databases.fenceSqlite(true);
        assertThat(source.side()).as("fenced, and the register does not know yet").isEmpty();
        databases.trafficOfPostgres("fenced");
        assertThatThrownBy(source::getConnection).isInstanceOf(SQLTransientConnectionException.class);
        databases.trafficOfPostgres("postgres");
        try (Connection connection = source.getConnection()) {
            assertThat(product(connection)).isEqualTo("PostgreSQL");
        }
        databases.trafficOfPostgres("sqlite");
        databases.fenceSqlite(false);
        try (Connection connection = source.getConnection()) {
            assertThat(product(connection)).isEqualTo("SQLite");
        }
        assertThat(TrafficDataSource.followingRows("other", sqlite, postgres, SHORT).side())
                .as("SQLite's row has no name").isPresent();
        databases.fenceSqlite(true);
        assertThatThrownBy(TrafficDataSource.followingRows("other", sqlite, postgres, SHORT)::getConnection)
                .hasMessageContaining("neither database has a control row of migration other");
    }

    @Test
    void unreachablePostgresIsNoReasonToWriteToAFencedSqlite() throws Exception {
        PGSimpleDataSource nowhere = new PGSimpleDataSource();
        nowhere.setUrl("jdbc:postgresql://127.0.0.1:1/none");
        TrafficDataSource source = TrafficDataSource.followingRows(SwitchedDatabases.MIGRATION, sqlite, nowhere, SHORT);
        assertThat(source.side()).contains(TrafficDataSource.Side.SQLITE);
        databases.fenceSqlite(true);
        assertThatThrownBy(source::getConnection).isInstanceOf(SQLException.class);
    }

    @Test
    void refusedWriteIsToldFromOtherFailures() throws Exception {
        databases.fenceSqlite(true);
        SQLException bySqlite = failure(sqlite, "INSERT INTO log(n) VALUES(1)");
        SQLException byPostgres = failure(postgres, "INSERT INTO log(n) VALUES(1)");
        assertThat(TrafficDataSource.isRefusedWrite(bySqlite)).isTrue();
        assertThat(TrafficDataSource.isRefusedWrite(byPostgres)).isTrue();
        SQLException batch = new SQLException("batch");
        batch.setNextException(byPostgres);
        assertThat(TrafficDataSource.isRefusedWrite(batch)).isTrue();
        assertThat(TrafficDataSource.isRefusedWrite(new SQLException(new RuntimeException(bySqlite)))).isTrue();
        databases.fenceSqlite(false);
        databases.trafficOfPostgres("postgres");
        for (DataSource side : List.of(sqlite, postgres)) {
            assertThat(TrafficDataSource.isRefusedWrite(failure(side, "INSERT INTO log(n) VALUES(NULL)"))).isFalse();
            assertThat(TrafficDataSource.isRefusedWrite(failure(side, "INSERT INTO nowhere VALUES(1)"))).isFalse();
        }
    }

    @Test
    void applicationThatRepeatsRefusedWritesLosesNoneInASwitchAndBack() throws Exception {
        flag.write(addresses.at(Traffic.SQLITE, 1));
        TrafficDataSource source = byFile(LONG);
        List<String> sides = Collections.synchronizedList(new ArrayList<>());
        CompletableFuture<Void> application = CompletableFuture.runAsync(() -> {
            for (int n = 1; n <= 1_000; n++) {
                sides.add(write(source, n));
            }
        });
        awaitWrites(sides, 20);
        databases.fenceSqlite(true);
        flag.write(addresses.fenced(Traffic.SQLITE, 2));
        databases.copyToPostgres();
        databases.trafficOfPostgres("postgres");
        flag.write(addresses.at(Traffic.POSTGRES, 2));
        awaitWrites(sides, sides.size() + 20);
        databases.trafficOfPostgres("fenced"); // the flag does not say so: the refusal must do
        databases.copyToSqlite();
        databases.trafficOfPostgres("sqlite");
        databases.fenceSqlite(false);
        flag.write(addresses.at(Traffic.SQLITE, 3));
        application.get(2, TimeUnit.MINUTES);
        assertThat(sides).contains("PostgreSQL").hasSize(1_000);
        assertThat(databases.numbersInSqlite()).isEqualTo(LongStream.rangeClosed(1, 1_000).boxed().toList());
    }

    @Test
    void restOfTheInterfaceIsHonest() throws Exception {
        DataSource source = byFile(SHORT);
        assertThat(source.unwrap(TrafficDataSource.class)).isSameAs(source);
        assertThat(source.isWrapperFor(SQLiteDataSource.class)).isFalse();
        assertThatThrownBy(() -> source.unwrap(SQLiteDataSource.class)).isInstanceOf(SQLException.class);
        assertThatThrownBy(() -> source.getConnection("a", "b")).isInstanceOf(SQLException.class);
    }

    /** One write, done again while it is refused; returns which side took it. */
    private static String write(DataSource source, int n) {
        long deadline = System.nanoTime() + LONG.toNanos();
        while (System.nanoTime() < deadline) {
            try (Connection connection = source.getConnection(); Statement statement = connection.createStatement()) {
                statement.executeUpdate("INSERT INTO log(n) VALUES(" + n + ")");
                return product(connection);
            } catch (SQLException e) {
                if (!TrafficDataSource.isRefusedWrite(e)) {
                    throw new AssertionError(e);
                }
            }
        }
        throw new AssertionError("refused for a minute");
    }

    private static void awaitWrites(List<String> sides, int count) {
        Awaitility.await().atMost(60, TimeUnit.SECONDS).until(() -> sides.size() >= count);
    }

    private TrafficDataSource byFile(Duration waitMax) {
        return TrafficDataSource.followingFile(flag.path(), sqlite, postgres, waitMax);
    }

    private static SQLException failure(DataSource source, String sql) throws SQLException {
        try (Connection connection = source.getConnection(); Statement statement = connection.createStatement()) {
            return catchThrowableOfType(SQLException.class, () -> statement.executeUpdate(sql));
        }
    }

    private static String product(Connection connection) throws SQLException {
        return connection.getMetaData().getDatabaseProductName();
    }
}
