package dev.sluice.store;

import dev.sluice.change.Value;
import dev.sluice.conflict.Baseline;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * What is remembered of a row's last version: a hash of the whole row, or one of each column. Immutable.
 */
public final class RowPrint implements Baseline {

    /** Of one column: two different values of it have the same with a chance of 2⁻⁶⁴. */
    private static final int COLUMN_BYTES = 8;
    private static final byte ROW = 'r';
    private static final byte COLUMNS = 'c';

    /** Stands for a version that is not known any more. */
    static final byte[] FORGOTTEN = {};

    private final byte[] print;

    private RowPrint(byte[] print) {
        this.print = print;
    }

    /** @param columns true where it must be known which columns were changed */
    public static RowPrint of(List<Value> version, boolean columns) {
        if (!columns) {
            byte[] print = new byte[33];
            print[0] = ROW;
            System.arraycopy(sha(version), 0, print, 1, 32);
            return new RowPrint(print);
        }
        byte[] print = new byte[1 + version.size() * COLUMN_BYTES];
        print[0] = COLUMNS;
        for (int i = 0; i < version.size(); i++) {
            System.arraycopy(column(version.get(i)), 0, print, 1 + i * COLUMN_BYTES, COLUMN_BYTES);
        }
        return new RowPrint(print);
    }

    /** As it was stored. */
    static Baseline stored(byte[] print) {
        return print.length == 0 ? UNKNOWN : new RowPrint(print);
    }

    /** SHA-256 (hex) over a version's typed values; empty for a row that is not there. */
    public static String hash(List<Value> version) {
        return version == null ? "" : HexFormat.of().formatHex(sha(version));
    }

    private static byte[] sha(List<Value> version) {
        MessageDigest digest = Keys.sha256();
        version.forEach(value -> Keys.add(digest, value));
        return digest.digest();
    }

    private static byte[] column(Value value) {
        MessageDigest digest = Keys.sha256();
        Keys.add(digest, value);
        return Arrays.copyOf(digest.digest(), COLUMN_BYTES);
    }

    /** True if columns can be told apart. */
    public boolean hasColumns() {
        return print[0] == COLUMNS;
    }

    /** This print with the columns {@code changed} as {@code version} has them; only where {@link #hasColumns}. */
    public RowPrint with(List<Value> version, Iterable<Integer> changed) {
        byte[] next = print.clone();
        for (int column : changed) {
            System.arraycopy(column(version.get(column)), 0, next, 1 + column * COLUMN_BYTES, COLUMN_BYTES);
        }
        return new RowPrint(next);
    }

    byte[] bytes() {
        return print;
    }

    @Override
    public Same row(List<Value> version) {
        return Same.of(version != null && Arrays.equals(print, of(version, hasColumns()).print));
    }

    @Override
    public Same column(int column, Value value) {
        return hasColumns() ? Same.of(Arrays.equals(print, 1 + column * COLUMN_BYTES, 1 + (column + 1) * COLUMN_BYTES,
                column(value), 0, COLUMN_BYTES)) : Same.UNKNOWN;
    }
}
