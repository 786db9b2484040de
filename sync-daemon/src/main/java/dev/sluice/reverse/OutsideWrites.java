package dev.sluice.reverse;

import dev.sluice.capture.Capture;
import dev.sluice.capture.CapturedTable;
import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.conflict.Baseline;
import dev.sluice.conflict.ConflictRules;
import dev.sluice.conflict.Direction;
import dev.sluice.conflict.Resolver;
import dev.sluice.conflict.TablePolicy;
import dev.sluice.conflict.Verdict;
import dev.sluice.postgres.Target;
import dev.sluice.sqlite.SqliteRows;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.Conflict;
import dev.sluice.store.ConflictStore;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.RowPrint;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Rows of the source that somebody wrote in spite of the fence, and what is to be done when PostgreSQL changes them too.
 * Capture's triggers go on logging while PostgreSQL has the traffic, and what our own writes log is removed in their
 * transaction: so whatever the changelog holds behind the watermark is somebody else's, and nothing need be remembered. Used
 * under the applier's lock.
 */
final class OutsideWrites {

    /** All that is known of the last common version is that what is there is another one. */
    private static final Baseline ANOTHER = new Baseline() {
        @Override
        public Same row(List<Value> version) {
            return Same.NO;
        }

        @Override
        public Same column(int column, Value value) {
            return Same.UNKNOWN;
        }
    };

    private final SqliteSession writer;
    private final Target target;
    private final ConflictRules rules;
    private final ConflictStore conflicts;
    private final String migration;
    /** The changelog row up to which PostgreSQL has had everything from SQLite; below 0 while that is not known. */
    private long watermark = -1;
    /** Changelog rows by table and key. */
    private Map<String, Map<RowKey, List<Long>>> touched = Map.of();
    private final List<Long> settled = new ArrayList<>();

    OutsideWrites(SqliteSession writer, Target target, String migration, ConflictRules rules) {
        this.writer = writer;
        this.target = target;
        this.rules = rules;
        this.conflicts = new ConflictStore(migration);
        this.migration = migration;
    }

    /** Looks what is there now; in the transaction that writes, and only while PostgreSQL has the traffic. */
    void look() throws SQLException {
        if (watermark < 0) { // the stream began while it was still moving
            try (Connection connection = target.connect()) {
                watermark = new MigrationStore(migration).standing(connection).seq();
            }
        }
        touched = new HashMap<>();
        settled.clear();
        if (Capture.head(writer).seq() <= watermark) {
            return;
        }
        for (CapturedTable table : Capture.state(writer).tables()) {
            if (!rules.table(table.name(), List.of(), Direction.REVERSE).detects()) {
                continue;
            }
            int parts = table.identity().names().size();
            StringBuilder columns = new StringBuilder("seq");
            for (int i = 1; i <= parts; i++) {
                columns.append(", k").append(i);
            }
            PreparedStatement query = writer.prepare("SELECT " + columns + " FROM \"_sluice_changelog\" WHERE seq > ? AND tid = ?");
            try {
                query.setLong(1, watermark);
                query.setInt(2, table.id());
                try (SqliteRows row = writer.rows(query)) {
                    while (row.next()) {
                        Value[] key = new Value[parts];
                        row.read(1, key);
                        touched.computeIfAbsent(table.name(), name -> new HashMap<>())
                                .computeIfAbsent(new RowKey(Arrays.asList(key)), k -> new ArrayList<>()).add(row.longValue(0));
                    }
                }
            } finally {
                query.close();
            }
        }
    }

    boolean touches(String table) {
        return touched.containsKey(table);
    }

    boolean touches(String table, RowKey key) {
        return touched.getOrDefault(table, Map.of()).containsKey(key);
    }

    /**
     * What to do with a change that PostgreSQL made of a row that was touched. What is decided stands in PostgreSQL before the
     * source is changed: a crash between leaves a conflict that is met again.
     *
     * @param fresh true if PostgreSQL made the row
     */
    Verdict decide(String table, RowKey key, boolean fresh, List<String> columns, List<Value> incoming, List<Value> existing,
            long lsn) throws SQLException {
        TablePolicy policy = rules.table(table, columns, Direction.REVERSE);
        Verdict verdict = Resolver.resolve(fresh ? Baseline.ABSENT : ANOTHER, incoming, existing, policy);
        if (!verdict.isConflict()) {
            return verdict;
        }
        try (Connection connection = target.connect()) {
            Conflict decided = conflicts.decided(connection, table, key, RowPrint.hash(incoming), RowPrint.hash(existing));
            if (decided != null) {
                conflicts.close(connection, decided.id());
                return new Verdict(decided.decision() == Conflict.Decision.INCOMING ? Verdict.Act.APPLY
                        : Verdict.Act.KEEP_EXISTING, verdict.kind(), Set.of());
            }
            connection.setAutoCommit(false);
            conflicts.record(connection, List.of(Conflict.met(Direction.REVERSE, table, key, verdict, columns, incoming, existing,
                    lsn)));
            connection.commit();
            connection.setAutoCommit(true);
        }
        if (verdict.act() == Verdict.Act.HALT) {
            throw new IllegalStateException("a row of " + table + " is in conflict (" + verdict.kind().code() + "), and its policy"
                    + " is halt: look at it with sluice conflicts list, and decide with sluice conflicts resolve");
        }
        return verdict;
    }

    /** The row is going to be as PostgreSQL has it: that somebody touched it is of no interest any more. */
    void settled(String table, RowKey key) {
        settled.addAll(touched.getOrDefault(table, Map.of()).getOrDefault(key, List.of()));
    }

    /** Forgets what is settled, once all is written: our own writes must not log under the numbers that this frees. */
    void forgetSettled() throws SQLException {
        for (long seq : settled) {
            writer.execute("DELETE FROM \"_sluice_changelog\" WHERE seq = " + seq);
        }
    }
}
