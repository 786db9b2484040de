package dev.sluice.verify;

import dev.sluice.store.Keys;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** The comparison of one table, from wherever its tree stands to its end. Used by one thread. */
final class TableScan {

    static final int DIFFERENCES_LISTED_MAX = 100;

    private final Subject subject;
    private final Comparison comparison;
    private final Tree tree;
    private final Progress progress;
    private final Comparison.Stop stop;
    private final List<Difference> differences = new ArrayList<>();
    private final List<byte[]> onlyInTarget = new ArrayList<>();
    private long differenceCount;
    private long parkedOutside;
    private long restless;
    private long repaired;
    private long done;

    /** Hears of what was compared. */
    interface Progress {
        /** Leaves from {@code index} on are new, or others than before; {@code replaced} stood there before. */
        void compared(TableScan scan, int index, int replaced, int with) throws SQLException, InterruptedException;
    }

    TableScan(Subject subject, Comparison comparison, Tree tree, Progress progress, Comparison.Stop stop) {
        this.subject = subject;
        this.comparison = comparison;
        this.tree = tree;
        this.progress = progress;
        this.stop = stop;
    }

    /** What was found before a restart. */
    void found(List<Difference> listed, long count, long mended) {
        differences.addAll(listed);
        differenceCount += count;
        repaired += mended;
    }

    Subject subject() {
        return subject;
    }

    Tree tree() {
        return tree;
    }

    /** Rows compared by this scan. */
    long done() {
        return done;
    }

    List<Difference> differences() {
        return differences;
    }

    long differenceCount() {
        return differenceCount;
    }

    long repaired() {
        return repaired;
    }

    /** Rows that never rested long enough to be compared. */
    long restless() {
        return restless;
    }

    /**
     * Looks again at what is dirty, and at everything behind the tree's end.
     *
     * @param again true to look again at leaves that are dirty, false if they were dirty when they were compared just now
     * @param rest true to look for rows outside of all leaves in any case
     */
    TableReport run(boolean again, boolean rest) throws SQLException, InterruptedException {
        boolean changed = rest || !tree.isWhole();
        for (int i = 0; again && i < tree.size(); i++) {
            if (tree.leaf(i).dirty()) {
                changed = true;
                i += renew(i) - 1;
            }
        }
        while (!tree.isWhole()) {
            stop.check();
            Step step = comparison.step(subject, tree.end(), null);
            int before = tree.size();
            tree.append(step.leaves());
            settle(step);
            progress.compared(this, before, 0, step.leaves().size());
        }
        if (changed) {
            comparison.rest(subject, differenceCount > 0 || restless > 0, (found, parked, mended) -> {
                found.forEach(difference -> {
                    note(difference);
                    onlyInTarget.add(Keys.hash(difference.key()));
                });
                parkedOutside += parked;
                if (parked > 0) {
                    onlyInTarget.add(new byte[] {'p'}); // no leaf has them, and the roots must not be the same
                }
                repaired += mended;
            }, stop);
            if (!onlyInTarget.isEmpty()) { // no leaf tells of them, so the last one has to be looked at again
                tree.replace(tree.size() - 1, 1, List.of(tree.leaf(tree.size() - 1).soiled()));
                progress.compared(this, tree.size() - 1, 1, 1);
            }
        }
        return report();
    }

    /** Compares a leaf's range again; returns into how many leaves it falls now. */
    private int renew(int index) throws SQLException, InterruptedException {
        Leaf old = tree.leaf(index);
        List<Leaf> renewed = new ArrayList<>();
        Step step;
        do {
            stop.check();
            step = comparison.step(subject, renewed.isEmpty() ? old.after() : renewed.get(renewed.size() - 1).last(), old.last());
            renewed.addAll(step.leaves());
            settle(step);
        } while (step.last() != null);
        tree.replace(index, 1, renewed);
        progress.compared(this, index, 1, renewed.size());
        return renewed.size();
    }

    private void settle(Step step) {
        step.leaves().forEach(leaf -> done += leaf.rows());
        step.differences().forEach(this::note);
        restless += step.restless();
        repaired += step.repaired();
    }

    private void note(Difference difference) {
        differenceCount++;
        if (differences.size() < DIFFERENCES_LISTED_MAX) {
            differences.add(difference);
        }
    }

    private TableReport report() {
        RowHash target = tree.targetRoot();
        onlyInTarget.forEach(target::add);
        return new TableReport(subject.plan().source(), tree.rows(), tree.parked() + parkedOutside, tree.sourceRoot(),
                target.hex(), differenceCount, List.copyOf(differences), repaired, restless);
    }
}
