package dev.sluice.tail;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.capture.Capture;
import dev.sluice.change.ChangeBatch;
import dev.sluice.change.Position;
import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.TableChange;
import dev.sluice.change.Value;
import dev.sluice.schema.RowIdentity.Kind;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.tail.HistoryDiverged.Reason;
import dev.sluice.testing.Follower;
import dev.sluice.testing.SourceFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sqlite.Collation;

class SnapshotTest {

    @TempDir Path folder;

    private SourceFile source;
    private Follower follower;

    @AfterEach
    void close() throws Exception {
        if (follower != null) {
            follower.close();
        }
        if (source != null) {
            source.close();
        }
    }

    // ---- exact values ----

    @ParameterizedTest
    @ValueSource(strings = {"UTF-8", "UTF-16le", "UTF-16be"})
    void keysAndValuesOfEveryClassComeThroughTheLogExactly(String encoding) throws Exception {
        capture("PRAGMA encoding = '" + encoding + "'", "CREATE TABLE t(k NOT NULL PRIMARY KEY, v) WITHOUT ROWID",
                "CREATE TABLE x(k TEXT NOT NULL, l BLOB NOT NULL, v, PRIMARY KEY(k, l))");
        List<String> keys = List.of("1", "-9223372036854775808", "9223372036854775807", "9007199254740993", "1.5",
                "1e308 * 10",
                "-1e308 * 10", "5e-324", "0.1", "'1'", "''", "x''", "x'00ff'", "'größe 😀 \u4e2d'",
                "'a' || char(0) || 'b'",
                "hex(zeroblob(50000))", "zeroblob(100000)");
        for (String key : keys) {
            source.app("INSERT INTO t VALUES (" + key + ", " + key + ")",
                    "INSERT INTO x VALUES (" + key + ", " + key + ", " + key + ")");
        }
        follower.drain(Follower.AMPLE);
        assertThat(follower.differences()).isEmpty();
        assertThat(follower.rows("t")).hasSize(keys.size()).containsKeys(
                RowKey.of(Value.of("größe 😀 \u4e2d")), RowKey.of(Value.of("a\0b")), RowKey.of(Value.of("")),
                RowKey.of(Value.of(new byte[0])), RowKey.of(Value.of(Double.POSITIVE_INFINITY)),
                RowKey.of(Value.of(new byte[] {0, -1})), RowKey.of(Value.of(Long.MIN_VALUE)));
        assertThat(follower.rows("t").get(RowKey.of(Value.of("größe 😀 \u4e2d"))))
                .containsExactly(Value.of("größe 😀 \u4e2d"), Value.of("größe 😀 \u4e2d"));
        source.app("UPDATE t SET v = 'new'", "UPDATE x SET v = 'new'");
        follower.drain(Follower.AMPLE);
        source.app("DELETE FROM t", "DELETE FROM x");
        follower.drain(Follower.AMPLE);
        assertThat(follower.rows("t")).isEmpty();
        assertThat(follower.rows("x")).isEmpty();
    }

    @Test
    void textThatIsNotUtf8IsReadFoundAndDeletedByItsBytes() throws Exception {
        capture("CREATE TABLE t(k TEXT NOT NULL PRIMARY KEY, v)", "CREATE TABLE w(k NOT NULL, l TEXT, PRIMARY"
                + " KEY(k, l)) WITHOUT ROWID");
        Value.Text broken = new Value.Text(new byte[] {'a', (byte) 0xff, (byte) 0xc3});
        source.app("INSERT INTO t VALUES (CAST(x'61ffc3' AS TEXT), CAST(x'80' AS TEXT))",
                "INSERT INTO w VALUES (CAST(x'61ffc3' AS TEXT), CAST(x'61ffc3' AS TEXT)), (CAST(x'61ffc4' AS"
                + " TEXT), 'z')");
        follower.drain(Follower.AMPLE);
        assertThat(follower.differences()).isEmpty();
        assertThat(follower.rows("t")).containsOnlyKeys(RowKey.of(broken));
        assertThat(follower.rows("t").get(RowKey.of(broken)).get(1))
                .isEqualTo(new Value.Text(new byte[] {(byte) 0x80}));
        try (Snapshot snapshot = follower.reader().open()) {
            assertThat(snapshot.find(follower.table("t"), List.of(RowKey.of(broken)))).hasSize(1);
            assertThat(scan(snapshot, follower.table("w"), 1)).hasSize(2);
        }
        source.app("DELETE FROM t", "DELETE FROM w");
        follower.drain(Follower.AMPLE);
        assertThat(follower.rows("t")).isEmpty();
        assertThat(follower.rows("w")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void textThatIsNotUtf16StaysApartFromTextThatLooksAlike(boolean bigEndian) throws Exception {
        capture("PRAGMA encoding = 'UTF-16" + (bigEndian ? "be" : "le") + "'", "CREATE TABLE t(k TEXT NOT NULL"
                + " PRIMARY KEY, v)",
                "CREATE TABLE w(k TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID");
        List<String> units = List.of("4100", "00d84100", "00d841dc", "410000d8", "00dc4100", "00d800d8", "00dc00d8",
                "");
        for (String unit : units) {
            String text = "CAST(x'" + (bigEndian ? swapped(unit) : unit) + "' AS TEXT)";
            source.app("INSERT INTO t VALUES (" + text + ", " + text + ")", "INSERT INTO w VALUES (" + text + ")");
        }
        follower.drain(Follower.AMPLE);
        assertThat(follower.differences()).isEmpty();
        assertThat(follower.rows("t")).hasSize(units.size());
        try (Snapshot snapshot = follower.reader().open()) {
            assertThat(scan(snapshot, follower.table("w"), 1)).hasSize(units.size());
            assertThat(snapshot.find(follower.table("w"), follower.rows("w").keySet())).hasSize(units.size());
        }
        source.app("DELETE FROM t", "DELETE FROM w WHERE k > 'A'");
        follower.drain(Follower.AMPLE);
        assertThat(follower.differences()).isEmpty();
        assertThat(follower.rows("t")).isEmpty();
    }

    private static String swapped(String units) {
        return units.replaceAll("(..)(..)", "$2$1");
    }

    @Test
    void hugeBlobsAreWholeAndEndTheBatchByTheirBytes() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, b)");
        source.app("INSERT INTO t VALUES (1, randomblob(30000000)), (2, zeroblob(20000000)), (3, x'01')");
        List<ChangeBatch> batches =
                follower.drain(new Limits(100, 1_000_000, Duration.ofMinutes(1)));
        assertThat(batches).extracting(ChangeBatch::rowCount).containsExactly(1L, 1L, 1L);
        assertThat(follower.differences()).isEmpty();
    }

    @Test
    void notANumberIsStoredAsNull() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v REAL)");
        source.app("INSERT INTO t VALUES (1, 1e999 - 1e999)");
        follower.drain(Follower.AMPLE);
        assertThat(follower.rows("t").get(key(1)).get(1)).isEqualTo(Value.NULL);
    }

    /** Reading such a table needs no comparison of its text, and its rows are named by their rowid. */
    @Test
    void tableWithACollationThatOnlyTheApplicationHasIsCopiedAndFollowed() throws Exception {
        source = new SourceFile(folder.resolve("source.sqlite"));
        Collation.create(source.appConnection(), "backwards", new Collation() {
            @Override
            protected int xCompare(String one, String other) {
                return other.compareTo(one);
            }
        });
        capture(source, "CREATE TABLE t(k TEXT NOT NULL COLLATE backwards PRIMARY KEY, v)",
                "CREATE TABLE u(id INTEGER PRIMARY KEY, s TEXT COLLATE backwards UNIQUE)",
                "INSERT INTO t VALUES ('a', 1)");
        assertThat(follower.table("t").identity().kind()).isEqualTo(Kind.ROWID);
        source.app("INSERT INTO t VALUES ('b', 2)", "UPDATE t SET k = 'c' WHERE k = 'a'",
                "REPLACE INTO t VALUES ('b', 3)", "INSERT INTO u VALUES (1, 'x')", "REPLACE INTO u VALUES (2, 'x')");
        follower.drain(Follower.AMPLE);
        assertThat(follower.differences()).isEmpty();
        assertThat(follower.rows("u")).hasSize(1);
    }

    // ---- batches ----

    @Test
    void batchIsConsistentOnlyIfItReachesTheNewestRow() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        source.app("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)", "UPDATE t SET v = 0 WHERE id = 1");
        List<ChangeBatch> batches = follower.drain(new Limits(2, Long.MAX_VALUE, Duration.ofMinutes(1)));
        assertThat(batches).extracting(ChangeBatch::consistent).containsExactly(false, false, true);
        assertThat(batches).extracting(ChangeBatch::fromSeq).containsExactly(1L, 3L, 5L);
        assertThat(batches).extracting(ChangeBatch::toSeq).containsExactly(3L, 5L, 7L);
        assertThat(batches.get(2).touched()).extracting(touch -> touch.key().parts().get(0))
                .containsExactly(Value.of(5), Value.of(1));
        assertThat(follower.drain(Follower.AMPLE)).singleElement().satisfies(batch -> {
            assertThat(batch.isEmpty()).isTrue();
            assertThat(batch.consistent()).isTrue();
        });
    }

    @Test
    void limitsNeverStopAllProgress() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        source.app("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)");
        assertThat(follower.drain(new Limits(0, 0, Duration.ZERO))).hasSize(3);
        assertThat(follower.differences()).isEmpty();
        try (Snapshot snapshot = follower.reader().open()) {
            Chunk chunk = snapshot.chunk(follower.table("t"), null, null, new Limits(10, 0, Duration.ZERO));
            assertThat(chunk.rows()).hasSize(1);
            assertThat(chunk.end()).isFalse();
        }
    }

    @Test
    void hotRowIsReadOnceAndAllItsTouchesAreListed() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        source.app("INSERT INTO t VALUES (1, 0)");
        for (int i = 0; i < 50; i++) {
            source.app("UPDATE t SET v = v + 1");
        }
        ChangeBatch batch = follower.drain(Follower.AMPLE).get(0);
        assertThat(batch.touched()).hasSize(51);
        assertThat(batch.rowCount()).isEqualTo(1);
        assertThat(new HashSet<>(batch.touched().stream().map(ChangeBatch.Touch::nonce).toList())).hasSize(51);
    }

    @Test
    void respelledKeyIsADeleteOfTheOldSpelling() throws Exception {
        capture("CREATE TABLE t(k TEXT NOT NULL COLLATE NOCASE PRIMARY KEY)");
        source.app("INSERT INTO t VALUES ('a')", "UPDATE t SET k = 'A'");
        TableChange change = follower.drain(Follower.AMPLE).get(0).changes().get(0);
        assertThat(change.deletes()).containsExactly(RowKey.of(Value.of("a")));
        assertThat(change.upserts()).extracting(Row::key).containsExactly(RowKey.of(Value.of("A")));
    }

    @Test
    void nullInADeclaredKeyIsReportedOnlyIfARowHasIt() throws Exception {
        capture("CREATE TABLE t(k TEXT PRIMARY KEY, v)", "INSERT INTO t VALUES ('a', 1)");
        Position watermark = follower.watermark();
        source.app("UPDATE t SET k = NULL", "UPDATE t SET k = 'b'");
        try (Snapshot snapshot = follower.reader().open()) {
            ChangeBatch batch = snapshot.changes(watermark, Follower.AMPLE);
            assertThat(batch.touched()).anyMatch(touch -> touch.key().hasNull());
            assertThat(snapshot.nullKeyTables()).isEmpty();
            // a row that was parked for its NULL key is not there any more either
            assertThat(batch.changes().get(0).deletes())
                    .containsExactlyInAnyOrder(RowKey.of(Value.NULL), RowKey.of(Value.of("a")));
        }
        source.app("INSERT INTO t VALUES (NULL, 2)");
        try (Snapshot snapshot = follower.reader().open()) {
            snapshot.changes(watermark, Follower.AMPLE);
            assertThat(snapshot.nullKeyTables()).containsExactly("t");
        }
        try (SqliteSession writer = source.writer()) {
            Capture.State state = Capture.repair(writer, Capture.takeGeneration(writer), List.of("t"));
            assertThat(state.table("t").identity().kind()).isEqualTo(Kind.ROWID);
            assertThat(state.table("t").id()).isEqualTo(2);
        }
    }

    @Test
    void changelogThatNamesAnUnknownTableOrNoneStopsTheReader() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)");
        source.app("INSERT INTO _sluice_changelog(tid, op, k1) VALUES (99, 'I', 1)");
        assertThatThrownBy(() -> follower.drain(Follower.AMPLE)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("99");
        source.app("UPDATE _sluice_changelog SET tid = 'x' WHERE tid = 99");
        assertThatThrownBy(() -> follower.drain(Follower.AMPLE)).isInstanceOf(SourceRefusal.class)
                .hasMessageContaining("E17");
    }

    @Test
    void capturedTableThatIsDeclaredOtherwiseNowStopsTheReader() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)", "CREATE TABLE u(id INTEGER PRIMARY KEY)");
        source.app("INSERT INTO t VALUES (1)", "DROP TABLE t", "CREATE TABLE t(k TEXT PRIMARY KEY)");
        try (SqliteSession writer = source.writer(); SourceReader reader = new SourceReader(source.file(),
                Duration.ofSeconds(1))) {
            reader.follow(Capture.state(writer), SchemaReader.read(writer));
            try (Snapshot snapshot = reader.open()) {
                assertThatThrownBy(() -> snapshot.changes(follower.watermark(), Follower.AMPLE))
                        .isInstanceOf(IllegalStateException.class);
            }
            Capture.State state = Capture.repair(writer, Capture.takeGeneration(writer), Capture.damaged(writer));
            reader.follow(state, SchemaReader.read(writer));
            try (Snapshot snapshot = reader.open()) {
                assertThat(snapshot.changes(follower.watermark(), Follower.AMPLE).changes()).isEmpty();
            }
        }
    }

    @Test
    void tablesThatAreNotFollowedAreSkipped() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)", "CREATE TABLE u(id INTEGER PRIMARY KEY)");
        try (SqliteSession session = source.reader(); SourceReader reader = new SourceReader(source.file(),
                Duration.ofSeconds(1))) {
            Capture.State state = Capture.state(session);
            Map<Integer, SourceTable> followed = state.declared(SchemaReader.read(session));
            followed.remove(1);
            reader.follow(state, followed);
            source.app("INSERT INTO t VALUES (1)", "INSERT INTO u VALUES (1)");
            try (Snapshot snapshot = reader.open()) {
                ChangeBatch batch = snapshot.changes(state.head(), Follower.AMPLE);
                assertThat(batch.changes()).extracting(TableChange::table).containsExactly("u");
                assertThat(batch.consistent()).isTrue();
            }
        }
    }

    // ---- snapshots ----

    @Test
    void snapshotDoesNotSeeWhatIsCommittedLater() throws Exception {
        capture("PRAGMA journal_mode = WAL", "CREATE TABLE t(id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)");
        try (Snapshot snapshot = follower.reader().open()) {
            source.app("INSERT INTO t VALUES (2)");
            assertThat(snapshot.count(follower.table("t"))).isEqualTo(1);
            assertThat(snapshot.head()).isEqualTo(follower.watermark());
            assertThat(follower.reader().changed()).isFalse();
        }
        assertThat(follower.reader().changed()).isTrue();
        follower.drain(Follower.AMPLE);
        assertThat(follower.reader().changed()).isFalse();
    }

    @Test
    void closedSnapshotHoldsNoLockInARollbackMode() throws Exception {
        capture("PRAGMA journal_mode = DELETE", "CREATE TABLE t(id INTEGER PRIMARY KEY)");
        Snapshot snapshot = follower.reader().open();
        snapshot.head();
        source.app("PRAGMA busy_timeout = 0");
        assertThatThrownBy(() -> source.app("INSERT INTO t VALUES (1)")).hasMessageContaining("BUSY");
        snapshot.close();
        snapshot.close();
        source.app("INSERT INTO t VALUES (1)");
        assertThatThrownBy(snapshot::head).isInstanceOf(IllegalStateException.class);
        follower.drain(Follower.AMPLE);
        assertThat(follower.differences()).isEmpty();
    }

    @Test
    void openSnapshotHoldsTheCheckpointBackAndAClosedOneLetsItThrough() throws Exception {
        capture("PRAGMA journal_mode = WAL", "CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        String checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        source.app("PRAGMA busy_timeout = 0");
        try (Snapshot snapshot = follower.reader().open()) {
            source.app("INSERT INTO t VALUES (1, 1)");
            assertThat(source.ask(checkpoint).get(0)).startsWith("1|"); // busy
            assertThat(snapshot.count(follower.table("t"))).isZero();
        }
        assertThat(source.ask(checkpoint)).containsExactly("0|0|0");
        assertThat(source.file().walSize()).isZero();
        assertThat(follower.reader().changed()).isTrue(); // idle, and outside of any transaction
        source.app("INSERT INTO t VALUES (2, 2)");
        assertThat(source.ask(checkpoint)).containsExactly("0|0|0");
    }

    @Test
    void editOfTheSchemaTableMovesTheHashThoughNotTheSchemaVersion() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
        List<String> before = hashes();
        String version = source.ask("PRAGMA schema_version").get(0);
        source.app("PRAGMA writable_schema = ON",
                "UPDATE sqlite_master SET sql = replace(sql, 'v)', 'v, w)') WHERE name = 't'",
                "UPDATE sqlite_master SET sql = replace(sql, 'NEW', 'new') WHERE name = '_sluice_1_ai'",
                "PRAGMA writable_schema = OFF");
        assertThat(source.ask("PRAGMA schema_version")).containsExactly(version);
        assertThat(hashes()).isEqualTo(before); // looked at again after 30 seconds, or by a new reader
        try (SourceReader reader = new SourceReader(source.file(), Duration.ofSeconds(1));
                Snapshot snapshot = reader.open()) {
            assertThat(List.of(snapshot.schemaHash(), snapshot.captureHash())).doesNotContainAnyElementsOf(before);
        }
    }

    @Test
    void onlyOneSnapshotIsOpenAtATime() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)");
        try (Snapshot snapshot = follower.reader().open()) {
            assertThatThrownBy(() -> follower.reader().open()).isInstanceOf(IllegalStateException.class);
            assertThat(snapshot.head()).isNotNull();
        }
    }

    @Test
    void hashesMoveWithTheSchemaAndWithOurTriggers() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)");
        List<String> hashes = hashes();
        source.app("INSERT INTO t VALUES (1)", "VACUUM");
        assertThat(hashes()).isEqualTo(hashes);
        source.app("DROP TABLE t", "CREATE TABLE t(id INTEGER PRIMARY KEY)");
        List<String> recreated = hashes();
        assertThat(recreated.get(0)).isEqualTo(hashes.get(0));
        assertThat(recreated.get(1)).isNotEqualTo(hashes.get(1));
        source.app("CREATE VIEW v AS SELECT 1");
        assertThat(hashes().get(0)).isNotEqualTo(hashes.get(0));
    }

    private List<String> hashes() throws Exception {
        try (Snapshot snapshot = follower.reader().open()) {
            return List.of(snapshot.schemaHash(), snapshot.captureHash());
        }
    }

    // ---- scans ----

    @Test
    void scansReachEveryRowInPiecesOfAnySize() throws Exception {
        capture("CREATE TABLE a(id INTEGER PRIMARY KEY, v)", "CREATE TABLE b(v)", "CREATE TABLE c(k TEXT NOT"
                + " NULL PRIMARY KEY, v)",
                "CREATE TABLE d(k TEXT, l INT, PRIMARY KEY(k, l)) WITHOUT ROWID",
                "CREATE TABLE e(k TEXT COLLATE NOCASE, l, m, PRIMARY KEY(l DESC, k, m DESC)) WITHOUT ROWID",
                "CREATE TABLE f(k PRIMARY KEY DESC) WITHOUT ROWID",
                "CREATE TABLE g(k TEXT NOT NULL PRIMARY KEY, rowid, oid, _rowid_)",
                "CREATE TABLE h(id INTEGER PRIMARY KEY, rowid, oid, _rowid_)",
                "CREATE TABLE i(k TEXT, l TEXT COLLATE NOCASE, PRIMARY KEY(k COLLATE NOCASE, l COLLATE BINARY"
                + " DESC)) WITHOUT ROWID");
        String numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) ";
        source.app("INSERT INTO a VALUES (-9223372036854775808, 0), (9223372036854775807, 0), (-1, 0), (0, 0)",
                "INSERT INTO b(rowid, v) VALUES (-9223372036854775808, 0), (5, 0), (9223372036854775807, 0)",
                numbers + "INSERT INTO a SELECT i * 7, i FROM n", numbers + "INSERT INTO c SELECT (i % 10) ||"
                        + " 'x' || i, i FROM n",
                numbers + "INSERT INTO d SELECT i % 4, i FROM n",
                numbers + "INSERT INTO e SELECT CASE i % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'B' ELSE x'00' END, i %"
                        + " 4, i / 2.0 FROM n",
                numbers + "INSERT INTO f SELECT CASE i % 4 WHEN 0 THEN i WHEN 1 THEN -i / 3.0 WHEN 2 THEN 't'"
                        + " || i ELSE zeroblob(i) END FROM n",
                numbers + "INSERT INTO g SELECT i, 1, 2, 3 FROM n", numbers + "INSERT INTO h SELECT -i, 1, 2, 3 FROM n",
                numbers + "INSERT INTO i SELECT char(64 + i % 5), char(64 + i) FROM n");
        try (Snapshot snapshot = follower.reader().open()) {
            for (String name : List.of("a", "b", "c", "d", "e", "f", "g", "h", "i")) {
                SourceTable table = follower.table(name);
                List<Row> whole = scan(snapshot, table, 1000);
                assertThat(whole).as(name).hasSize((int) snapshot.count(table));
                for (int size : new int[] {1, 2, 7, 60}) {
                    assertThat(scan(snapshot, table, size).stream().map(Row::key)).as(name + " by " + size)
                            .containsExactlyElementsOf(whole.stream().map(Row::key).toList());
                }
            }
        }
    }

    @Test
    void rangesOfASplitCoverTheTableOnce() throws Exception {
        capture("CREATE TABLE a(id INTEGER PRIMARY KEY)", "CREATE TABLE b(k TEXT NOT NULL PRIMARY KEY)",
                "CREATE TABLE empty(x)",
                "CREATE TABLE w(k PRIMARY KEY) WITHOUT ROWID");
        source.app("INSERT INTO a VALUES (-9223372036854775808), (9223372036854775807), (0), (17), (-5)",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO b"
                + " SELECT i FROM n",
                "INSERT INTO w VALUES (1), (2)");
        try (Snapshot snapshot = follower.reader().open()) {
            assertThat(snapshot.split(follower.table("empty"), 4)).isEmpty();
            assertThat(snapshot.split(follower.table("w"), 4)).isEmpty();
            assertThat(snapshot.split(follower.table("b"), 1)).isEmpty();
            for (String name : List.of("a", "b")) {
                List<RowKey> cuts = new ArrayList<>(snapshot.split(follower.table(name), 4));
                assertThat(cuts).hasSize(3);
                List<RowKey> keys = new ArrayList<>();
                RowKey from = null;
                cuts.add(null);
                for (RowKey to : cuts) {
                    Chunk chunk;
                    RowKey after = from;
                    do {
                        chunk = snapshot.chunk(follower.table(name), after, to, new Limits(100, Long.MAX_VALUE,
                                Duration.ofMinutes(1)));
                        chunk.rows().forEach(row -> keys.add(row.key()));
                        after = chunk.last() == null ? after : chunk.last();
                    } while (!chunk.end());
                    from = to;
                }
                assertThat(keys).doesNotHaveDuplicates().hasSize((int) snapshot.count(follower.table(name)));
            }
        }
    }

    @Test
    void findAnswersOnlyForTheExactSpelling() throws Exception {
        capture("CREATE TABLE t(k TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, v)", "INSERT INTO t VALUES ('a',"
                + " 1), ('b', 2)");
        try (Snapshot snapshot = follower.reader().open()) {
            Map<RowKey, Row> rows = snapshot.find(follower.table("t"), List.of(RowKey.of(Value.of("A")),
                    RowKey.of(Value.of("b")),
                    RowKey.of(Value.of("c")), RowKey.of(Value.NULL)));
            assertThat(rows).containsOnlyKeys(RowKey.of(Value.of("b")));
            assertThat(rows.get(RowKey.of(Value.of("b"))).values()).containsExactly(Value.of("b"), Value.of(2));
        }
    }

    // ---- a source that is not the one it was ----

    @Test
    void lostCommitsAreNoticedAndHealedByTheCommonRow() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1, 1), (2, 2)");
        List<ChangeBatch.Touch> journal = new ArrayList<>();
        source.app("UPDATE t SET v = 10 WHERE id = 1");
        follower.drain(Follower.AMPLE).forEach(batch -> journal.addAll(batch.touched()));
        Path kept = folder.resolve("kept.sqlite");
        source.app("backup to '" + kept + "'", "UPDATE t SET v = 20 WHERE id = 2", "INSERT INTO t VALUES (3, 3)");
        follower.drain(Follower.AMPLE).forEach(batch -> journal.addAll(batch.touched()));
        Position watermark = follower.watermark();

        source.app("restore from '" + kept + "'"); // back in time, in the same file
        try (Snapshot snapshot = follower.reader().open()) {
            assertThatThrownBy(() -> snapshot.changes(watermark, Follower.AMPLE))
                    .isInstanceOfSatisfying(HistoryDiverged.class, is(Reason.ROW_MISSING));
        }
        source.app("UPDATE t SET v = 99 WHERE id = 1", "INSERT INTO t VALUES (4, 4)", "INSERT INTO t VALUES (5, 5)");
        try (Snapshot snapshot = follower.reader().open()) {
            assertThatThrownBy(() -> snapshot.changes(watermark, Follower.AMPLE))
                    .isInstanceOfSatisfying(HistoryDiverged.class, is(Reason.NONCE_DIFFERS));
            List<Position> newestFirst = new ArrayList<>(journal.stream().map(t -> new Position(t.seq(),
                    t.nonce())).toList());
            Collections.reverse(newestFirst);
            Position common = HealScan.commonRow(snapshot, newestFirst.iterator());
            assertThat(common.seq()).isEqualTo(2);
            ChangeBatch log = snapshot.changes(common, Follower.AMPLE);
            List<TableChange> healed =
                    snapshot.reread(journal.stream().filter(touch -> touch.seq() > common.seq()).toList());
            assertThat(log.changes().get(0).upserts()).extracting(Row::key)
                    .containsExactlyInAnyOrder(key(1), key(4), key(5));
            assertThat(healed.get(0).deletes()).containsExactly(key(3));
            assertThat(healed.get(0).upserts()).singleElement().satisfies(row -> assertThat(row.values())
                    .containsExactly(Value.of(2), Value.of(2)));
            assertThat(HealScan.commonRow(snapshot, List.<Position>of().iterator())).isNull();
        }
    }

    @Test
    void anotherInstallationIsAnotherEpoch() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)");
        try (SqliteSession writer = source.writer()) {
            Capture.uninstall(writer);
            assertDiverged(Reason.EPOCH_DIFFERS);
            SourceSchema schema = SchemaReader.read(writer);
            Capture.install(writer, schema.tables(), schema.hash());
        }
        assertDiverged(Reason.EPOCH_DIFFERS);
    }

    @Test
    void anotherFileUnderTheSameNameIsNoticed() throws Exception {
        capture("CREATE TABLE t(id INTEGER PRIMARY KEY)");
        Path other = folder.resolve("other.sqlite");
        source.app("backup to '" + other + "'");
        Files.move(other, source.file().path(), StandardCopyOption.REPLACE_EXISTING);
        assertThatThrownBy(() -> follower.reader().open())
                .isInstanceOfSatisfying(HistoryDiverged.class, is(Reason.FILE_REPLACED));
    }

    private static Consumer<HistoryDiverged> is(Reason reason) {
        return diverged -> assertThat(diverged.reason()).isEqualTo(reason);
    }

    private void assertDiverged(Reason reason) throws Exception {
        try (Snapshot snapshot = follower.reader().open()) {
            assertThatThrownBy(() -> snapshot.changes(follower.watermark(), Follower.AMPLE))
                    .isInstanceOfSatisfying(HistoryDiverged.class, is(reason));
        }
    }

    // ---- the stage ----

    private void capture(String... statements) throws Exception {
        capture(new SourceFile(folder.resolve("source.sqlite")), statements);
    }

    private void capture(SourceFile made, String... statements) throws Exception {
        source = made;
        source.app(statements);
        try (SqliteSession writer = source.writer()) {
            SourceSchema schema = SchemaReader.read(writer);
            Capture.install(writer, schema.tables(), schema.hash());
        }
        follower = new Follower(source.file());
    }

    private static List<Row> scan(Snapshot snapshot, SourceTable table, int size) throws Exception {
        List<Row> rows = new ArrayList<>();
        Chunk chunk = new Chunk(List.of(), null, false);
        while (!chunk.end()) {
            chunk = snapshot.chunk(table, chunk.last(), null, new Limits(size, Long.MAX_VALUE, Duration.ofMinutes(1)));
            rows.addAll(chunk.rows());
        }
        return rows;
    }

    private static RowKey key(long id) {
        return RowKey.of(Value.of(id));
    }
}
