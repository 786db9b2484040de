package dev.sluice.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.apply.TableWriter;
import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.mapping.AllCodecs;
import dev.sluice.mapping.AllCodecs.Filling;
import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Codecs;
import dev.sluice.mapping.NastyValues;
import dev.sluice.plan.ColumnPlan;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.postgres.Target;
import dev.sluice.schema.RowIdentity;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.StoreSchema;
import dev.sluice.testing.PostgresForTests;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The stream gives the text that PostgreSQL prints, for every type that a plan may use and for odd values of it. */
class PrintedValuesIT {

    private static final String MIGRATION = "types";

    @TempDir
    private Path folder;
    private final long seed = System.nanoTime();
    private Target target;

    @BeforeEach
    void open() throws SQLException {
        target = PostgresForTests.fresh();
        execute("CREATE EXTENSION citext", "CREATE EXTENSION hstore", AllCodecs.CREATE_ENUM,
                "CREATE DOMAIN short AS varchar(20) CHECK (length(VALUE) < 15)", "CREATE DOMAIN price AS numeric(12,3)");
    }

    @AfterEach
    void drop() throws SQLException {
        PostgresForTests.drop(target);
    }

    @Test
    void everyValueOfEveryCodecComesBack() throws Exception {
        List<Filling> fillings = List.copyOf(AllCodecs.all());
        TablePlan plan = table(fillings.stream().map(Filling::codec).toList(), fillings.stream().map(Filling::type).toList());
        List<Row> rows = new ArrayList<>();
        for (Value value : NastyValues.all(seed, 200)) {
            Value[] values = new Value[fillings.size() + 1];
            values[0] = Value.of(rows.size());
            for (int i = 0; i < fillings.size(); i++) {
                values[i + 1] = fillings.get(i).codec().fits(value) ? value : Value.NULL;
            }
            rows.add(new Row(RowKey.of(values[0]), values));
        }
        Map<Long, String[]> printed = streamed(plan, connection -> {
            TableWriter writer = new TableWriter("public", plan);
            for (Row row : rows) {
                try {
                    connection.setAutoCommit(false);
                    writer.insert(connection, List.of(row));
                    connection.commit();
                } catch (SQLException e) {
                    connection.rollback(); // as the forward way does: it would be parked
                }
            }
        });

        assertThat(printed.size()).as("seed %d", seed).isGreaterThan(rows.size() * 9 / 10);
        List<String> wrong = new ArrayList<>();
        printed.forEach((id, texts) -> {
            Value[] values = rows.get(id.intValue()).values();
            for (int i = 0; i < fillings.size(); i++) {
                Codec codec = fillings.get(i).codec();
                String text = texts[i + 1];
                Value back = text == null ? Value.NULL : codec.decode(text);
                if (!codec.canonical(back).equals(codec.canonical(values[i + 1]))) {
                    wrong.add(codec.id() + " " + values[i + 1] + " came as " + text);
                }
            }
        });
        assertThat(wrong).as("seed %d", seed).isEmpty();
    }

    @Test
    void oddValuesArePrintedAsPostgresPrintsThem() throws Exception {
        Map<String, List<String>> values = Map.ofEntries(
                Map.entry("date", List.of("infinity", "-infinity", "0044-03-15 BC", "0001-01-01", "0001-12-31 BC", "4713-11-24 BC",
                        "5874897-12-31", "10000-01-01", "2000-02-29")),
                Map.entry("timestamp", List.of("infinity", "-infinity", "0044-03-15 12:00:00.000001 BC", "1969-12-31 23:59:59.999999",
                        "2024-01-01 24:00:00", "2024-01-01 00:00:00.1", "294276-12-31 23:59:59.999999", "4713-11-24 00:00:00 BC")),
                Map.entry("timestamptz", List.of("infinity", "-infinity", "0044-03-15 12:00:00.000001+00 BC",
                        "1883-11-18 12:03:57.5-04:56:02", "2024-10-27 02:30:00 Europe/Berlin", "2024-01-01 00:00:00.12+14")),
                Map.entry("time", List.of("24:00:00", "00:00:00", "23:59:59.999999", "12:30:00.5")),
                Map.entry("numeric", List.of("NaN", "Infinity", "-Infinity", "0.000", "-0", "1e1000", "1e-1000", "1.50",
                        "-12345678901234567890.12345678901234567890")),
                Map.entry("numeric(12,3)", List.of("1", "0.1", "-0.0005")),
                Map.entry("price", List.of("1", "99999.999")),
                Map.entry("short", List.of("", "ä", "日本語")),
                Map.entry("char(5)", List.of("abcde", "日本語aa")),
                Map.entry("text", List.of("", "unchanged", "__debezium_unavailable_value", "x".repeat(300_000), "\u0001\uFFFD😀")),
                Map.entry("citext", List.of("Ab", "")),
                Map.entry("json", List.of("{\"a\" : 1.50}", "null", "\"\"")),
                Map.entry("jsonb", List.of("{\"b\": 1.50, \"a\": 1e3}", "null")),
                Map.entry("uuid", List.of("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11")),
                Map.entry("bytea", List.of("", "\\x00ff", "\\x")),
                Map.entry("inet", List.of("127.0.0.1", "10.0.0.0/8", "::1", "fe80::1/64")),
                Map.entry("cidr", List.of("10.0.0.0/8")),
                Map.entry("macaddr", List.of("08:00:2b:01:02:03")),
                Map.entry("hstore", List.of("a=>1,b=>NULL", "")),
                Map.entry("xml", List.of("<a>b</a>")),
                Map.entry("bit(3)", List.of("101")),
                Map.entry("varbit", List.of("", "10101")),
                Map.entry("int4range", List.of("[1,5)", "empty")),
                Map.entry("tsvector", List.of("'a' 'b'")),
                Map.entry("text[]", List.of("{}", "{a,NULL,\"b c\",\"\"}", "{{1,2},{3,4}}")),
                Map.entry("int[]", List.of("{1,NULL,3}")),
                Map.entry("mood", List.of("", "日本語", "null")));
        List<String> types = values.keySet().stream().sorted().toList();
        TablePlan plan = table(types.stream().map(type -> Codecs.TEXT).toList(), types);

        Map<Long, String[]> printed = streamed(plan, connection -> {
            try (Statement statement = connection.createStatement()) {
                for (int i = 0; i < types.size(); i++) {
                    for (String value : values.get(types.get(i))) {
                        statement.execute("INSERT INTO every (id, c" + i + ") SELECT coalesce(max(id), 0) + 1, '"
                                + value.replace("'", "''") + "' FROM every");
                    }
                }
            }
        });
        List<String> wrong = new ArrayList<>();
        try (Connection connection = target.connect(); Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT id, " + java.util.stream.IntStream.range(0, types.size())
                        .mapToObj(i -> "c" + i + "::text").collect(Collectors.joining(", ")) + " FROM every")) {
            while (row.next()) {
                String[] texts = printed.get(row.getLong(1));
                for (int i = 0; i < types.size(); i++) {
                    if (!java.util.Objects.equals(texts[i + 1], row.getString(i + 2))) {
                        wrong.add(types.get(i) + ": " + row.getString(i + 2) + " came as " + texts[i + 1]);
                    }
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    private TablePlan table(List<Codec> codecs, List<String> types) throws SQLException {
        List<ColumnPlan> columns = new ArrayList<>();
        columns.add(new ColumnPlan("id", 0, "id", Codecs.BIGINT.id(), null));
        StringBuilder there = new StringBuilder("CREATE TABLE every (id bigint PRIMARY KEY");
        StringBuilder here = new StringBuilder("CREATE TABLE every (id INTEGER PRIMARY KEY");
        for (int i = 0; i < codecs.size(); i++) {
            columns.add(new ColumnPlan("c" + i, i + 1, "c" + i, codecs.get(i).id(), null));
            there.append(", c").append(i).append(' ').append(types.get(i));
            here.append(", c").append(i);
        }
        execute(there + ")");
        try (Connection source = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("app.db"));
                Statement statement = source.createStatement()) {
            statement.execute(here + ")");
        }
        return new TablePlan("every", "every", new RowIdentity(RowIdentity.Kind.INTEGER_KEY, List.of("id"), "_rowid_"),
                columns.stream().map(ColumnPlan::source).toList(), columns, null, false, 0);
    }

    private interface Writing {
        void on(Connection connection) throws SQLException;
    }

    /** What the stream printed of each row of the table, by id. */
    private Map<Long, String[]> streamed(TablePlan table, Writing writing) throws Exception {
        MigrationPlan plan = new MigrationPlan("public", List.of(table), List.of(), List.of(), List.of(), List.of(), "", List.of(),
                List.of());
        SourceTable source;
        try (SqliteSession session = new SqliteFile(folder.resolve("app.db")).openReader(Duration.ofSeconds(5))) {
            source = SchemaReader.read(session).table("every");
        }
        Slot slot = new Slot(MIGRATION, plan, target.url().effectiveDatabase());
        long start;
        try (Connection connection = target.connect()) {
            StoreSchema.create(connection);
            new MigrationStore(MIGRATION).create(connection, "x", "run", plan, "test");
            slot.publish(connection);
            start = slot.create(connection);
        }
        Map<Long, String[]> printed = new ConcurrentHashMap<>();
        Map<String, Boolean> ended = new ConcurrentHashMap<>();
        Intake intake = new Intake(MIGRATION, "public", List.of(new StreamTable(0, table, source)), Map.of(),
                () -> new TransactionBuffer(folder, "types", 1 << 20, 1 << 30),
                whole -> {
                    for (Intake.Whole transaction : whole) {
                        transaction.changes().forEach(part -> part.forEach(change ->
                                printed.put(Long.parseLong(change.after()[0]), change.after())));
                        if (transaction.beat() > 0) {
                            ended.put("ended", true);
                        }
                    }
                });
        LedgerOffsets.provide(slot.name(), () -> start);
        Engine engine = new Engine(target, slot, slot.tables(), () -> {}, intake);
        Throwable[] failure = new Throwable[1];
        Thread runner = new Thread(() -> failure[0] = engine.run(), "types");
        runner.start();
        try (Connection connection = target.connect()) {
            writing.on(connection);
            connection.setAutoCommit(true);
            slot.beat(connection);
            Awaitility.await().atMost(Duration.ofSeconds(120)).failFast(() -> {
                if (!runner.isAlive()) {
                    throw new AssertionError("the engine ended", failure[0]);
                }
            }).until(() -> ended.containsKey("ended"));
        } finally {
            while (runner.isAlive()) {
                engine.stop();
                runner.join(100);
            }
            LedgerOffsets.forget(slot.name());
            try (Connection connection = target.connect()) {
                slot.drop(connection);
            }
        }
        return printed;
    }

    private void execute(String... statements) throws SQLException {
        try (Connection connection = target.connect(); Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }
}
