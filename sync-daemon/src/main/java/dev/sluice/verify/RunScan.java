package dev.sluice.verify;

import dev.sluice.change.RowKey;
import dev.sluice.postgres.LastingSession;
import dev.sluice.store.StoredRun;
import dev.sluice.store.VerificationStore;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * One verification as it goes through its tables; what it has done stands in the target after every step, so that it can
 * go on there. Used by one thread.
 */
public final class RunScan {

    private final StoredRun run;
    private final VerificationStore store;
    private final LastingSession session;
    private final Trees trees;
    private final Heartbeat heartbeat;
    private final Map<String, List<Difference>> shown = new HashMap<>();

    /** Is called after every step: rests as the share wants it, and says when to stop. */
    public interface Heartbeat {
        /** @throws Verifier.Stopped if the run is to stop */
        void beat(long rows) throws SQLException, InterruptedException;
    }

    public RunScan(StoredRun run, VerificationStore store, LastingSession session, Trees trees, Heartbeat heartbeat) {
        this.run = run;
        this.store = store;
        this.session = session;
        this.trees = trees;
        this.heartbeat = heartbeat;
    }

    /** Everything of a table that this run has to compare and has not; what it found first, mended or not. */
    public List<TableReport> tables(List<Subject> subjects, Function<Subject, Comparator<RowKey>> orders, Scans scans)
            throws SQLException, InterruptedException {
        List<StoredRun.Table> tables = begin(subjects, orders);
        List<TableReport> reports = new ArrayList<>();
        for (int i = 0; i < subjects.size(); i++) {
            StoredRun.Table table = tables.get(i);
            Subject subject = subjects.get(i);
            reports.add(table.isDone() ? report(table) : table(table, subject, orders.apply(subject), scans));
        }
        return reports;
    }

    private List<StoredRun.Table> begin(List<Subject> subjects, Function<Subject, Comparator<RowKey>> orders)
            throws SQLException, InterruptedException {
        return session.run(connection -> {
            List<StoredRun.Table> known = store.tables(connection, run.run());
            if (known.stream().map(StoredRun.Table::table).toList()
                    .equals(subjects.stream().map(subject -> subject.plan().source()).toList())) {
                return known;
            }
            store.forgetTables(connection, run.run());
            for (int i = 0; i < subjects.size(); i++) {
                Tree tree = trees.tree(subjects.get(i), orders.apply(subjects.get(i)));
                store.saveTable(connection, run.run(), new StoredRun.Table(i, subjects.get(i).plan().source(),
                        StoredRun.Table.PENDING, run.whole() ? Math.max(subjects.get(i).plan().rows(), tree.rows())
                                : tree.dirtyRows(), 0, 0, 0, null, null, 0, 0, 0, 0, null));
            }
            connection.commit();
            return store.tables(connection, run.run());
        });
    }

    private TableReport table(StoredRun.Table table, Subject subject, Comparator<RowKey> order, Scans scans)
            throws SQLException, InterruptedException {
        Tree tree = trees.tree(subject, order);
        boolean goesOn = run.whole() && table.state().equals(StoredRun.Table.RUNNING);
        if (run.whole() && !goesOn) {
            session.run(connection -> {
                trees.restart(connection, table.table(), tree);
                connection.commit();
                return null;
            });
        }
        long before = goesOn ? table.done() : 0;
        TableScan scan = new TableScan(subject, scans.first, tree, (running, index, replaced, with) -> {
            session.run(connection -> {
                trees.save(connection, table.table(), tree, index, replaced, with);
                store.saveTable(connection, run.run(), row(table, running, StoredRun.Table.RUNNING, before, null, 0));
                connection.commit();
                return null;
            });
            heartbeat.beat(before + running.done());
        }, () -> heartbeat.beat(-1));
        if (goesOn) {
            scan.found(DifferenceJson.read(table.listed()), table.differences(), table.repaired());
        }
        TableReport found = scan.run(!run.whole(), run.whole());
        TableReport left = found;
        if (found.repaired() > 0) {
            left = new TableScan(subject, scans.again, tree, (running, index, replaced, with) ->
                    session.run(connection -> {
                        trees.save(connection, table.table(), tree, index, replaced, with);
                        connection.commit();
                        return null;
                    }), () -> heartbeat.beat(-1)).run(true, true);
        }
        TableReport remaining = left;
        session.run(connection -> {
            store.saveTable(connection, run.run(), row(table, scan, StoredRun.Table.DONE, before, remaining, found.repaired()));
            connection.commit();
            return null;
        });
        shown.put(table.table(), found.differences());
        return found;
    }

    private static StoredRun.Table row(StoredRun.Table table, TableScan scan, String state, long before, TableReport left,
            long repaired) {
        return new StoredRun.Table(table.ordinal(), table.table(), state, Math.max(table.total(), before + scan.done()),
                before + scan.done(), left == null ? 0 : left.rows(), left == null ? 0 : left.parked(),
                left == null ? null : left.sourceHash(), left == null ? null : left.targetHash(), scan.differenceCount(),
                left == null ? scan.repaired() : repaired, left == null ? scan.differenceCount() : left.differenceCount(),
                left == null ? scan.restless() : left.restless(), DifferenceJson.of(scan.differences(), false).toString());
    }

    private static TableReport report(StoredRun.Table table) {
        return new TableReport(table.table(), table.rows(), table.parked(), table.sourceRoot(), table.targetRoot(),
                table.differences(), DifferenceJson.read(table.listed()), table.repaired(), table.restless());
    }

    /** Differences with their values, where these were asked for, by table; of what this process compared. */
    public Map<String, List<Difference>> shown() {
        return Map.copyOf(shown);
    }
}
