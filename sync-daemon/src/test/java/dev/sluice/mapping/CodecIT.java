package dev.sluice.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.change.Value;
import dev.sluice.mapping.AllCodecs.Filling;
import dev.sluice.postgres.Target;
import dev.sluice.testing.PostgresForTests;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.SequenceInputStream;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;

/** The law of every codec, held against a real PostgreSQL. */
class CodecIT {

    private static Target target;
    private static Connection connection;

    private final long seed = Long.getLong("seed", new Random().nextLong());
    private final List<Value> values = NastyValues.all(seed, 4000);

    @BeforeAll
    static void start() throws SQLException {
        target = PostgresForTests.fresh();
        connection = target.dedicated();
        execute("SET TimeZone = 'UTC'");
        execute("SET DateStyle = 'ISO'");
        execute("SET bytea_output = 'hex'");
        execute("SET extra_float_digits = 1");
        execute("CREATE EXTENSION IF NOT EXISTS citext");
        execute(AllCodecs.CREATE_ENUM);
    }

    @AfterAll
    static void stop() throws SQLException {
        connection.close();
        PostgresForTests.drop(target);
    }

    @Test
    void everyValueThatFitsComesBackThroughText() throws SQLException {
        for (Filling filling : fillings()) {
            createTable(filling);
            List<Value> fitting = fitting(filling.codec());
            insertAsText(filling, fitting);
            check(filling, fitting, "text");
        }
    }

    @Test
    void everyValueThatFitsComesBackThroughBinaryCopy() throws SQLException {
        for (Filling filling : fillings()) {
            if (filling.codec().hasBinary()) {
                createTable(filling);
                List<Value> fitting = fitting(filling.codec());
                copyBinary(filling, fitting);
                check(filling, fitting, "binary COPY");
            }
        }
    }

    /** Text and binary must also be the same to PostgreSQL: the same keys collide and sort alike. */
    @Test
    void textAndBinaryMeanTheSameToPostgres() throws SQLException {
        for (Filling filling : fillings()) {
            if (!filling.codec().hasBinary()) {
                continue;
            }
            createTable(filling);
            List<Value> fitting = fitting(filling.codec());
            insertAsText(filling, fitting);
            execute("ALTER TABLE one RENAME TO other");
            createTable(filling);
            copyBinary(filling, fitting);
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("SELECT n FROM one JOIN other USING (n)"
                            + " WHERE one.v::text IS DISTINCT FROM other.v::text")) {
                assertThat(row.next()).as("-Dseed=%d %s", seed, filling).isFalse();
            } finally {
                execute("DROP TABLE other");
            }
        }
    }

    /** Those whose type this server knows. */
    private static List<Filling> fillings() throws SQLException {
        boolean anyScale = connection.unwrap(PGConnection.class).getParameterStatus("server_version")
                .compareTo("15") >= 0; // before, a scale was between 0 and the precision
        return AllCodecs.all().stream()
                .filter(filling -> anyScale || !List.of("numeric(2,5)", "numeric(5,-2)").contains(filling.type())).toList();
    }

    private List<Value> fitting(Codec codec) {
        return values.stream().filter(codec::fits).toList();
    }

    private static void createTable(Filling filling) throws SQLException {
        execute("DROP TABLE IF EXISTS one");
        execute("CREATE TEMP TABLE one (n int, v " + filling.type() + ")");
    }

    private void insertAsText(Filling filling, List<Value> fitting) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO one SELECT ?, CAST(? AS text)::" + filling.type())) {
            for (int n = 0; n < fitting.size(); n++) {
                insert.setInt(1, n);
                insert.setString(2, filling.codec().text(fitting.get(n)));
                insert.addBatch();
            }
            insert.executeBatch();
        } catch (SQLException e) {
            throw new AssertionError("-Dseed=" + seed + ": PostgreSQL refused a text for " + filling, e);
        }
    }

    private void copyBinary(Filling filling, List<Value> fitting) throws SQLException {
        BinaryRow rows = new BinaryRow();
        rows.header();
        for (int n = 0; n < fitting.size(); n++) {
            rows.row(2);
            rows.intField(n);
            filling.codec().binary(fitting.get(n), rows);
        }
        try {
            connection.unwrap(PGConnection.class).getCopyAPI().copyIn("COPY one FROM STDIN (FORMAT binary)",
                    new SequenceInputStream(new ByteArrayInputStream(rows.buffer(), 0, rows.length()),
                            new ByteArrayInputStream(BinaryRow.TRAILER)));
        } catch (SQLException | IOException e) {
            throw new AssertionError("-Dseed=" + seed + ": PostgreSQL refused a binary field for " + filling, e);
        }
    }

    private void check(Filling filling, List<Value> fitting, String way) throws SQLException {
        Codec codec = filling.codec();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT v::text FROM one ORDER BY n")) {
            List<String> printed = new ArrayList<>();
            while (rows.next()) {
                printed.add(rows.getString(1));
            }
            assertThat(printed).as("-Dseed=%d %s by %s", seed, filling, way).hasSameSizeAs(fitting);
            for (int n = 0; n < fitting.size(); n++) {
                Value back = codec.canonical(codec.decode(printed.get(n)));
                assertThat(back).as("-Dseed=%d %s by %s, printed %s", seed, filling, way, printed.get(n))
                        .isEqualTo(codec.canonical(fitting.get(n)));
            }
        }
    }

    private static void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
