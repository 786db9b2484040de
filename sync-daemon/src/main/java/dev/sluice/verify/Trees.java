package dev.sluice.verify;

import dev.sluice.change.ChangeBatch;
import dev.sluice.change.RowKey;
import dev.sluice.store.VerificationStore;
import dev.sluice.store.VerificationStore.Bound;
import dev.sluice.store.VerificationStore.StoredLeaf;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * The hash trees of one migration, in memory and in the target, and what changed since their leaves were compared. The
 * follower and the stream back do nothing for it: changes are read from the key journal, which is written anyway, and taken
 * from {@link Touched}, some time after they were made. Whatever might be missing there makes every leaf dirty. Used by one
 * thread.
 */
public final class Trees {

    private static final int BATCHES_READ = 200;

    private final VerificationStore store;
    private final Touched touched;
    private final Map<String, Tree> trees = new HashMap<>();
    private final Map<String, TreeSet<Integer>> soiled = new HashMap<>(); // in memory and not in the target yet
    private boolean remembers; // every change that came back since the leaves were compared was heard of
    private boolean loaded;

    /** What is known of the source when changes are looked at. */
    public interface Source {
        /** Source tables by the ids of the changelog; null where there are none. */
        Map<Integer, String> captured() throws SQLException;

        /** The order of the table's keys; null if it is not known. */
        Comparator<RowKey> order(String table) throws SQLException;
    }

    public Trees(VerificationStore store, Touched touched) {
        this.store = store;
        this.touched = touched;
    }

    /** The tree of a table, empty if it was never compared. */
    public Tree tree(Subject subject, Comparator<RowKey> order) {
        return trees.computeIfAbsent(subject.plan().source(), table -> new Tree(order, List.of()));
    }

    /** True if nothing is known to have changed since every one of {@code tables} was compared and found equal. */
    public boolean areClean(List<String> tables) {
        return dirty(tables) == 0;
    }

    /** Leaves that are to be looked at again, those that no tree has counted as one per table. */
    public int dirty(List<String> tables) {
        int dirty = 0;
        for (String table : tables) {
            Tree tree = trees.get(table);
            dirty += tree == null || !tree.isWhole() ? 1 : 0;
            dirty += tree == null ? 0 : tree.dirty();
        }
        return dirty;
    }

    /**
     * Takes over what changed since the last time; commits.
     *
     * @param planHash of the plan as it is; leaves that were compared by another one count for nothing
     */
    public void digest(Connection connection, Source source, String planHash) throws SQLException {
        Bound bound = store.lockBound(connection);
        if (bound == null) {
            touched.drain();
            remembers = true;
            connection.commit();
            return;
        }
        load(connection, source);
        if (bound.lost() || bound.streaming() && !remembers || !bound.planHash().equals(planHash)) {
            trees.values().forEach(Tree::soil);
            store.soilAll(connection);
        }
        remembers = true;
        boolean open = touched.isOpen(); // before the rest is taken: what comes later finds it open
        Touched.Drained drained = touched.drain();
        if (drained.all()) {
            trees.values().forEach(Tree::soil);
            store.soilAll(connection);
        }
        drained.touches().forEach(touch -> touch(touch.table(), touch.key(), 0, touch.lsn()));
        long upTo = store.seq(connection);
        long from = bound.journalSeq();
        VerificationStore.Touches touches = store.touches(connection, from, upTo, BATCHES_READ);
        while (touches != null) {
            Map<Integer, String> captured = source.captured();
            for (ChangeBatch.Touch touch : touches.touches()) {
                String table = captured == null ? null : captured.get(touch.tableId());
                if (table != null) {
                    touch(table, touch.key(), touch.seq(), 0);
                } else if (captured == null) {
                    trees.values().forEach(Tree::soil);
                    store.soilAll(connection);
                }
            }
            flush(connection);
            store.saveBound(connection, new Bound(touches.toSeq(), false, open || bound.streaming(), planHash));
            connection.commit();
            from = touches.toSeq();
            touches = store.touches(connection, from, upTo, BATCHES_READ);
        }
        flush(connection);
        Bound now = new Bound(Math.max(upTo, from), false, open, planHash);
        if (!now.equals(bound) || !soiled.isEmpty()) {
            store.saveBound(connection, now);
            connection.commit();
        }
        soiled.clear();
    }

    /** Begins to keep account of changes, unless that is done already; joins the caller's transaction. */
    public void begin(Connection connection, String planHash) throws SQLException {
        if (store.lockBound(connection) == null) {
            store.saveBound(connection, new Bound(store.seq(connection), false, touched.isOpen(), planHash));
            loaded = true;
        }
    }

    private void touch(String table, RowKey key, long seq, long lsn) {
        Tree tree = trees.get(table);
        if (tree == null) {
            return;
        }
        if (key == null) {
            for (int i = 0; i < tree.size(); i++) {
                soiled.computeIfAbsent(table, name -> new TreeSet<>()).add(i);
            }
            tree.soil();
            return;
        }
        List<Integer> newly = tree.touch(key, seq, lsn);
        if (!newly.isEmpty()) {
            soiled.computeIfAbsent(table, name -> new TreeSet<>()).addAll(newly);
        }
    }

    private void flush(Connection connection) throws SQLException {
        for (Map.Entry<String, TreeSet<Integer>> table : soiled.entrySet()) {
            store.soil(connection, table.getKey(), table.getValue());
        }
    }

    private void load(Connection connection, Source source) throws SQLException {
        if (loaded) {
            return;
        }
        for (String table : store.treeTables(connection)) {
            trees.put(table, new Tree(source.order(table), store.leaves(connection, table).stream().map(Trees::of).toList()));
        }
        loaded = true;
    }

    /** Everything is read from the target again: it may not be where it was. */
    public void forget() {
        trees.clear();
        soiled.clear();
        loaded = false;
        remembers = false;
    }

    // ---- what a scan changes ----

    /** The table is compared from its beginning; joins the caller's transaction. */
    void restart(Connection connection, String table, Tree tree) throws SQLException {
        tree.clear();
        soiled.remove(table);
        store.replaceLeaves(connection, table, 0, List.of());
    }

    /** Writes what a scan has found; {@code with} leaves from {@code index} on stand where {@code replaced} stood. */
    void save(Connection connection, String table, Tree tree, int index, int replaced, int with) throws SQLException {
        if (replaced == with || replaced == 0) {
            store.saveLeaves(connection, table, index, leaves(tree, index, index + with));
            return;
        }
        TreeSet<Integer> unsaved = soiled.get(table);
        if (unsaved != null) {
            unsaved.tailSet(index, true).clear();
        }
        store.replaceLeaves(connection, table, index, leaves(tree, index, tree.size()));
    }

    private static List<StoredLeaf> leaves(Tree tree, int from, int to) {
        return tree.leaves().subList(from, to).stream().map(leaf -> new StoredLeaf(leaf.after(), leaf.last(), leaf.rows(),
                leaf.parked(), leaf.sourceHash(), leaf.targetHash(), leaf.seq(), leaf.lsn(), leaf.dirty())).toList();
    }

    private static Leaf of(StoredLeaf leaf) {
        return new Leaf(leaf.after(), leaf.last(), leaf.rows(), leaf.parked(), leaf.sourceHash(), leaf.targetHash(),
                leaf.seq(), leaf.lsn(), leaf.dirty());
    }
}
