package dev.sluice.tail;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeyOrderTest {

    private static final String[] TABLES = {
        "CREATE TABLE plain (k PRIMARY KEY, v)", "CREATE TABLE nocase (k TEXT COLLATE NOCASE PRIMARY KEY, v)",
        "CREATE TABLE rtrim (k TEXT COLLATE RTRIM PRIMARY KEY, v)", "CREATE TABLE down (k, l, v, PRIMARY KEY (k DESC, l))",
        "CREATE TABLE bare (k, l TEXT, v, PRIMARY KEY (k, l COLLATE NOCASE DESC)) WITHOUT ROWID"};
    private static final Limits SMALL = new Limits(7, 1 << 20, Duration.ofSeconds(5));

    @TempDir
    Path folder;

    private static Object random(Random random) {
        return switch (random.nextInt(9)) {
            case 0 -> random.nextLong();
            case 1 -> (long) random.nextInt(20);
            case 2 -> random.nextInt(20) + 0.5;
            case 3 -> List.of(9.2e18, -9.3e18, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 9007199254740993.0)
                    .get(random.nextInt(5));
            case 4 -> List.of(Long.MAX_VALUE, Long.MIN_VALUE, 9007199254740993L, 9007199254740992L).get(random.nextInt(4));
            case 5, 6 -> "aAbB zZ[`é".substring(random.nextInt(5), 5 + random.nextInt(5)) + " ".repeat(random.nextInt(3))
                    + (random.nextInt(5) == 0 ? "\0" + random.nextInt(3) : "");
            case 7 -> "Ä" + (char) ('A' + random.nextInt(60));
            default -> {
                byte[] bytes = new byte[random.nextInt(4)];
                random.nextBytes(bytes);
                yield bytes;
            }
        };
    }

    @Test
    void rangesComeInTheOrderThatIsComputedAndLeaveNothingOut() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Path path = folder.resolve("app.db");
        try (Connection application = DriverManager.getConnection("jdbc:sqlite:" + path)) {
            for (String table : TABLES) {
                application.createStatement().execute(table);
                String name = table.split(" ")[2];
                boolean two = table.contains("l,") || table.contains("l TEXT");
                try (PreparedStatement insert = application.prepareStatement("INSERT OR IGNORE INTO " + name
                        + (two ? "(k, l, v) VALUES (?, ?, 1)" : "(k, v) VALUES (?, 1)"))) {
                    for (int i = 0; i < 150; i++) {
                        insert.setObject(1, random(random));
                        if (two) {
                            insert.setObject(2, random(random));
                        }
                        insert.executeUpdate();
                    }
                }
                if (!name.equals("bare")) {
                    application.createStatement().execute("INSERT INTO " + name + "(k, v) VALUES (NULL, 2), (NULL, 3)");
                }
            }
        }
        SqliteFile file = new SqliteFile(path);
        try (SourceReader reader = new SourceReader(file, Duration.ofSeconds(5));
                SqliteSession look = file.openReader(Duration.ofSeconds(5))) {
            for (SourceTable table : SchemaReader.read(look).tables()) {
                if (table.identity().columns().isEmpty()) {
                    continue;
                }
                List<RowKey> keys = new ArrayList<>();
                try (Snapshot snapshot = reader.open()) {
                    Chunk chunk;
                    RowKey after = null;
                    do {
                        chunk = snapshot.range(table, after, null, SMALL);
                        chunk.rows().stream().map(Row::key).forEach(keys::add);
                        after = chunk.last();
                        if (!chunk.rows().isEmpty()) {
                            assertThat(after).isEqualTo(chunk.rows().get(chunk.rows().size() - 1).key());
                        }
                    } while (!chunk.end());
                    long withoutKey = snapshot.withoutKey(table, 100).size();
                    assertThat(keys.size() + withoutKey).as("%s, seed %d", table.name(), seed).isEqualTo(snapshot.count(table));
                    assertThat(snapshot.withoutKey(table, 100)).allSatisfy(row -> assertThat(row.key().hasNull()).isTrue());
                    assertThat(keys).noneMatch(RowKey::hasNull);
                    int from = random.nextInt(keys.size());
                    int to = from + random.nextInt(keys.size() - from);
                    List<RowKey> part = snapshot.range(table, from == 0 ? null : keys.get(from - 1), keys.get(to),
                            new Limits(1_000, 1 << 20, Duration.ofSeconds(5))).rows().stream().map(Row::key).toList();
                    assertThat(part).as("%s, seed %d", table.name(), seed).isEqualTo(keys.subList(from, to + 1));
                }
                KeyOrder order = new KeyOrder(table);
                for (int i = 1; i < keys.size(); i++) {
                    assertThat(order.compare(keys.get(i - 1), keys.get(i))).as("%s, seed %d: %s and %s", table.name(), seed,
                            keys.get(i - 1), keys.get(i)).isNegative();
                }
                assertThat(order.compare(RowKey.of(Value.of(1), Value.of(1)), RowKey.of(Value.of(1.0), Value.of(1)))).isZero();
            }
        }
    }
}
