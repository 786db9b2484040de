package dev.sluice.verify;

import dev.sluice.change.RowKey;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;

/**
 * The hash tree of one table: its leaves tile the keys from the table's start as far as it was compared. Not thread-safe.
 */
public final class Tree {

    private final Comparator<RowKey> order;
    private final List<Leaf> leaves;

    /** @param order of the keys; null if it is not known, so that a change may be anywhere */
    public Tree(Comparator<RowKey> order, List<Leaf> leaves) {
        this.order = order;
        this.leaves = new ArrayList<>(leaves);
    }

    public List<Leaf> leaves() {
        return List.copyOf(leaves);
    }

    public int size() {
        return leaves.size();
    }

    Leaf leaf(int index) {
        return leaves.get(index);
    }

    /** True if every key of the table belongs to a leaf. */
    public boolean isWhole() {
        return !leaves.isEmpty() && leaves.get(leaves.size() - 1).last() == null;
    }

    /** The key behind which nothing was compared yet, for a tree that is not whole. */
    RowKey end() {
        return leaves.isEmpty() ? null : leaves.get(leaves.size() - 1).last();
    }

    void append(List<Leaf> more) {
        leaves.addAll(more);
    }

    /** Puts {@code others} in the place of {@code count} leaves from {@code index} on. */
    void replace(int index, int count, List<Leaf> others) {
        leaves.subList(index, index + count).clear();
        leaves.addAll(index, others);
    }

    /** Makes the tree forget everything. */
    void clear() {
        leaves.clear();
    }

    /**
     * A row was changed after some leaves were compared: those that were compared before it are to be looked at again.
     *
     * @param seq the changelog row that names it; 0 if the target named it
     * @param lsn the end of the target's transaction that changed it; 0 if the source named it
     * @return the indexes of leaves that became dirty by this
     */
    public List<Integer> touch(RowKey key, long seq, long lsn) {
        List<Integer> soiled = new ArrayList<>();
        int index = order == null || key.hasNull() ? -1 : find(key);
        for (int i = index < 0 ? 0 : index; i < (index < 0 ? leaves.size() : index + 1) && i < leaves.size(); i++) {
            Leaf leaf = leaves.get(i);
            if (!leaf.dirty() && (seq > leaf.seq() || lsn > leaf.lsn())) {
                leaves.set(i, leaf.soiled());
                soiled.add(i);
            }
        }
        return soiled;
    }

    /** Nothing is known any more of what happened since the leaves were compared. */
    public void soil() {
        leaves.replaceAll(Leaf::soiled);
    }

    /** The leaf whose range holds {@code key}: the first that ends at it or behind it. */
    private int find(RowKey key) {
        int low = 0;
        int high = leaves.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            RowKey last = leaves.get(middle).last();
            if (last != null && order.compare(last, key) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    public long rows() {
        return leaves.stream().mapToLong(Leaf::rows).sum();
    }

    public long parked() {
        return leaves.stream().mapToLong(Leaf::parked).sum();
    }

    /** How many leaves are to be looked at again. */
    public int dirty() {
        return (int) leaves.stream().filter(Leaf::dirty).count();
    }

    /** Rows that the leaves had which are to be looked at again. */
    long dirtyRows() {
        return leaves.stream().filter(Leaf::dirty).mapToLong(Leaf::rows).sum();
    }

    /** The root over the source's leaves (hex). */
    String sourceRoot() {
        return root(Leaf::sourceHash).hex();
    }

    /** The root over the target's leaves, to which rows outside of all leaves may be added. */
    RowHash targetRoot() {
        return root(Leaf::targetHash);
    }

    private RowHash root(Function<Leaf, byte[]> side) {
        RowHash root = new RowHash();
        leaves.forEach(leaf -> root.add(side.apply(leaf)));
        return root;
    }
}
