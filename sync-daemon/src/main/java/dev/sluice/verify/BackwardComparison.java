package dev.sluice.verify;

import dev.sluice.change.Row;
import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.postgres.LastingSession;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.VerificationStore;
import dev.sluice.tail.Chunk;
import dev.sluice.tail.Limits;
import dev.sluice.tail.Snapshot;
import dev.sluice.tail.SourceReader;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Compares while PostgreSQL takes the writes and the source follows. A range is read there, the stream passes a mark that is
 * set behind it, and the range is read in the source. What differs then may have changed in between, so it is looked at
 * again, row by row: a difference counts only if the stream has not touched the row between both looks. Rows that never rest
 * are held by a share lock until the stream has passed a mark.
 *
 * <p>The second look matters even for rows that rest: a transaction can be in the stream before other sessions see it (a
 * commit that waits for a synchronous standby). Such a one is seen by every snapshot taken after the first mark has come
 * back, because that mark waited behind it.
 */
final class BackwardComparison implements Comparison {

    private static final int ROUNDS_MAX = 8;
    private static final int HELD_MAX = 50;
    private static final int HOLDS_MAX = 3;
    private static final int WITHOUT_KEY_MAX = 10_000;
    private static final int MEND_MAX = 500;

    private final MigrationPlan plan;
    private final MigrationStore migrationStore;
    private final VerificationStore store;
    private final LastingSession session;
    private final SourceReader reader;
    private final ReturningStream stream;
    private final Touched touched;
    private final Limits limits;
    private final ForwardComparison.Choice choice;
    private final Stop stop;
    private final Map<String, TargetRows> targets = new HashMap<>();

    /** @param stop asked while it waits for the stream */
    BackwardComparison(Ground ground, Limits limits, ForwardComparison.Choice choice, Stop stop) {
        this.plan = ground.plan();
        this.migrationStore = ground.migrationStore();
        this.store = ground.store();
        this.session = ground.session();
        this.reader = ground.reader();
        this.stream = ground.stream();
        this.touched = ground.touched();
        this.limits = limits;
        this.choice = choice;
        this.stop = stop;
    }

    /**
     * What it works with.
     *
     * @param session to PostgreSQL, this thread's own
     * @param reader of the source, likewise
     */
    record Ground(MigrationPlan plan, MigrationStore migrationStore, VerificationStore store, LastingSession session,
            SourceReader reader, ReturningStream stream, Touched touched) {}

    /** One range as both sides have it: what is found out about a row is put into both maps. */
    private final class Pair {
        final Subject subject;
        final TargetRows targetRows;
        final RangeComparison comparison;
        Map<RowKey, Row> here = new LinkedHashMap<>();
        Map<RowKey, Value[]> there = new LinkedHashMap<>();
        Set<RowKey> parked = Set.of();
        /** Keys that differ for certain. */
        final Set<RowKey> confirmed = new LinkedHashSet<>();
        long restless;

        Pair(Subject subject) {
            this.subject = subject;
            this.targetRows = targetRows(subject);
            this.comparison = new RangeComparison(targetRows, choice.leafRows(), true, choice.showValues());
        }

        Set<RowKey> differing() {
            Set<RowKey> keys = new LinkedHashSet<>(here.keySet());
            keys.addAll(there.keySet());
            keys.removeIf(key -> comparison.same(here.get(key), there.get(key)));
            return keys;
        }

        /** Both sides had the same there, sooner or later: the source's row stands for both. */
        void agree(RowKey key) {
            Row row = here.get(key);
            if (row == null) {
                there.remove(key);
            } else {
                there.put(key, targetRows.values(row));
            }
        }

        void confirm(RowKey key, Row row, Value[] values) {
            confirmed.add(key);
            put(here, key, row);
            put(there, key, values);
        }

        private static <T> void put(Map<RowKey, T> rows, RowKey key, T row) {
            if (row == null) {
                rows.remove(key);
            } else {
                rows.put(key, row);
            }
        }
    }

    private TargetRows targetRows(Subject subject) {
        return targets.computeIfAbsent(subject.plan().source(), table -> new TargetRows(plan.schema(), subject.plan()));
    }

    // ---- one range ----

    @Override
    public Step step(Subject subject, RowKey after, RowKey upTo) throws SQLException, InterruptedException {
        Step step;
        do {
            stop.check();
            step = attempt(new Pair(subject), after, upTo);
        } while (step == null);
        return step;
    }

    /** Null if the stream did not come along. */
    private Step attempt(Pair pair, RowKey after, RowKey upTo) throws SQLException, InterruptedException {
        RowKey last = pair.targetRows.isNumbered() ? readThere(pair, after, upTo) : readThereByKeys(pair, after, upTo);
        if (!stream.pass()) {
            return null;
        }
        long lsn;
        RowKey end = last;
        try (Snapshot snapshot = reader.open()) {
            lsn = stream.position(snapshot.session());
            Chunk chunk = snapshot.range(pair.subject.source(), after, last, limits);
            chunk.rows().forEach(row -> pair.here.put(row.key(), row));
            if (!chunk.end()) { // it has more rows here than there: the next step goes on behind them
                end = chunk.last();
                long border = pair.targetRows.isNumbered() ? TargetRows.number(end) : 0;
                pair.there.keySet().removeIf(key -> pair.targetRows.isNumbered() ? TargetRows.number(key) > border
                        : !pair.here.containsKey(key));
            }
            readParked(pair, snapshot);
        }
        settle(pair, pair.differing());
        List<Difference> differences = new ArrayList<>();
        long seq = session.run(store::seq);
        List<Leaf> leaves = pair.comparison.leaves(new RangeComparison.Range(after, end, seq, lsn), pair.here, pair.there,
                pair.parked, differences);
        if (pair.restless > 0) {
            leaves = leaves.stream().map(Leaf::soiled).toList();
        }
        long repaired = mend(pair, differences);
        return new Step(leaves, Objects.equals(end, upTo) ? null : end, differences, pair.restless, repaired);
    }

    /** Reads the next rows of a table that is ordered by a number; returns the last key of the range. */
    private RowKey readThere(Pair pair, RowKey after, RowKey upTo) throws SQLException, InterruptedException {
        pair.there = new LinkedHashMap<>(session.run(connection ->
                pair.targetRows.range(connection, after, upTo, limits.rowsMax())));
        if (pair.there.size() < limits.rowsMax()) {
            return upTo;
        }
        RowKey last = null;
        for (RowKey key : pair.there.keySet()) {
            last = key;
        }
        return last;
    }

    /** The source alone knows the order of its keys, so it says which rows come next. */
    private RowKey readThereByKeys(Pair pair, RowKey after, RowKey upTo) throws SQLException, InterruptedException {
        Chunk chunk;
        try (Snapshot snapshot = reader.open()) {
            chunk = snapshot.range(pair.subject.source(), after, upTo, limits);
        }
        List<RowKey> keys = chunk.rows().stream().map(Row::key).toList();
        pair.there = new LinkedHashMap<>(session.run(connection -> pair.targetRows.find(connection, keys)));
        return chunk.end() ? upTo : chunk.last();
    }

    private void readParked(Pair pair, Snapshot snapshot) throws SQLException {
        List<Map<String, String>> printed = stream.parkedRows(snapshot.session(), pair.subject.plan().source());
        if (!printed.isEmpty()) {
            pair.parked = new HashSet<>();
            printed.forEach(row -> pair.parked.add(pair.targetRows.key(row)));
        }
    }

    // ---- what differs at first sight ----

    /** Finds out which of {@code keys} really differ; the others agree, or are counted as restless. */
    private void settle(Pair pair, Set<RowKey> keys) throws SQLException, InterruptedException {
        Set<RowKey> open = new LinkedHashSet<>(keys);
        for (int round = 0; round < ROUNDS_MAX && !open.isEmpty(); ) {
            stop.check();
            if (lookAgain(pair, open)) {
                round++;
            }
        }
        for (int hold = 0; hold < HOLDS_MAX && !open.isEmpty(); hold++) {
            List<RowKey> all = List.copyOf(open);
            for (int from = 0; from < all.size(); from += HELD_MAX) {
                stop.check();
                hold(pair, all.subList(from, Math.min(all.size(), from + HELD_MAX)), open);
            }
        }
        open.forEach(pair::agree);
        pair.restless += open.size();
    }

    /** Takes what is certain out of {@code open}; false if the stream did not come along. */
    private boolean lookAgain(Pair pair, Set<RowKey> open) throws SQLException, InterruptedException {
        String table = pair.subject.plan().source();
        try (Touched.Window window = touched.window()) {
            Set<RowKey> wanted = Set.copyOf(open);
            Map<RowKey, Value[]> theirs = session.run(connection -> pair.targetRows.find(connection, wanted));
            if (!stream.pass()) {
                return false;
            }
            Map<RowKey, Row> ours;
            try (Snapshot snapshot = reader.open()) {
                ours = snapshot.find(pair.subject.source(), wanted);
                readParked(pair, snapshot);
            }
            for (RowKey key : wanted) {
                if (pair.comparison.same(ours.get(key), theirs.get(key))) {
                    pair.agree(key);
                    open.remove(key);
                } else if (!window.touched(table, key)) {
                    pair.confirm(key, ours.get(key), theirs.get(key));
                    open.remove(key);
                }
            }
            return true;
        }
    }

    /** Rows that never rest: PostgreSQL lets nobody change them until the source has caught up with them. */
    private void hold(Pair pair, List<RowKey> keys, Set<RowKey> open) throws SQLException, InterruptedException {
        session.run(connection -> {
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET LOCAL lock_timeout = '1s'");
            }
            Map<RowKey, Value[]> theirs;
            try {
                theirs = pair.targetRows.hold(connection, keys);
            } catch (SQLException e) {
                if (!"55P03".equals(e.getSQLState())) { // lock_not_available
                    throw e;
                }
                connection.rollback();
                return null; // the next time, perhaps
            }
            if (passed()) {
                try (Snapshot snapshot = reader.open()) {
                    Map<RowKey, Row> ours = snapshot.find(pair.subject.source(), theirs.keySet());
                    readParked(pair, snapshot);
                    for (RowKey key : theirs.keySet()) {
                        if (!open.remove(key)) {
                            continue;
                        }
                        if (pair.comparison.same(ours.get(key), theirs.get(key))) {
                            pair.agree(key);
                        } else {
                            pair.confirm(key, ours.get(key), theirs.get(key));
                        }
                    }
                }
            }
            connection.rollback();
            return null;
        });
    }

    private boolean passed() throws SQLException {
        try {
            return stream.pass();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    // ---- rows that no range meets ----

    @Override
    public void rest(Subject subject, boolean doubtful, Found found, Stop asked) throws SQLException, InterruptedException {
        TargetRows targetRows = targetRows(subject);
        if (targetRows.isNumbered()) {
            return;
        }
        withoutKey(subject, found);
        String[] after = null;
        TargetRows.Page page;
        do {
            asked.check();
            String[] from = after;
            page = session.run(connection -> targetRows.keysAfter(connection, from, limits.rowsMax()));
            Set<RowKey> keys = new LinkedHashSet<>(page.keys());
            Pair pair = new Pair(subject);
            Set<RowKey> foreign = foreign(pair, keys, from);
            keys.removeIf(TargetRows::isForeign);
            try (Snapshot snapshot = reader.open()) {
                keys.removeAll(snapshot.find(subject.source(), keys).keySet());
            }
            settle(pair, keys);
            List<Difference> differences = new ArrayList<>();
            long lacking = 0;
            pair.confirmed.addAll(foreign);
            for (RowKey key : pair.confirmed) {
                if (pair.here.containsKey(key)) {
                    continue; // it is there, only not the same: its range tells of that
                }
                if (pair.parked.contains(key)) {
                    lacking++;
                } else {
                    differences.add(pair.comparison.only(key, false));
                }
            }
            found.found(differences, lacking, mend(pair, differences));
            after = page.keys().isEmpty() ? null : page.last();
        } while (after != null);
    }

    /** Keys among these that no source can hold, and that PostgreSQL has still when they should have been parked. */
    private Set<RowKey> foreign(Pair pair, Set<RowKey> keys, String[] from) throws SQLException, InterruptedException {
        Set<RowKey> foreign = new LinkedHashSet<>(keys);
        foreign.removeIf(key -> !TargetRows.isForeign(key));
        for (int round = 0; round < 2 && !foreign.isEmpty(); ) {
            stop.check();
            List<RowKey> now = session.run(connection ->
                    pair.targetRows.keysAfter(connection, from, limits.rowsMax())).keys();
            if (stream.pass()) {
                foreign.retainAll(new HashSet<>(now));
                round++;
            }
        }
        try (Snapshot snapshot = reader.open()) {
            readParked(pair, snapshot);
        }
        return foreign;
    }

    /** Rows with NULL in their key have come before the writes moved; PostgreSQL can't have them. */
    private void withoutKey(Subject subject, Found found) throws SQLException, InterruptedException {
        Set<RowKey> keys = new LinkedHashSet<>();
        try (Snapshot snapshot = reader.open()) {
            snapshot.withoutKey(subject.source(), WITHOUT_KEY_MAX).forEach(row -> keys.add(row.key()));
        }
        if (!keys.isEmpty()) {
            Set<RowKey> parked = new HashSet<>(session.run(connection ->
                    migrationStore.parkedAmong(connection, subject.plan().source(), keys)));
            keys.removeAll(parked);
            found.found(keys.stream().map(key -> new Difference(Difference.Kind.EXTRA, key, List.of())).toList(),
                    parked.size(), 0);
        }
    }

    // ---- mending ----

    /** Brings PostgreSQL's rows into the source, unless the stream changes them meanwhile. */
    private long mend(Pair pair, List<Difference> differences) throws SQLException, InterruptedException {
        if (!choice.repair()) {
            return 0;
        }
        long mended = 0;
        List<RowKey> keys = differences.stream().map(Difference::key).toList();
        for (int from = 0; from < keys.size(); from += MEND_MAX) {
            stop.check();
            List<RowKey> some = keys.subList(from, Math.min(keys.size(), from + MEND_MAX));
            String table = pair.subject.plan().source();
            try (Touched.Window window = touched.window()) {
                Map<RowKey, String[]> rows = session.run(connection -> pair.targetRows.texts(connection, some));
                if (!stream.pass()) {
                    continue;
                }
                List<RowKey> gone = some.stream().filter(key -> !rows.containsKey(key)).toList();
                mended += stream.mend(table, rows, gone, key -> window.touched(table, key));
            }
        }
        return mended;
    }
}
