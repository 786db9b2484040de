package dev.sluice.tail;

import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.schema.RowIdentity;
import dev.sluice.schema.SourceIndex;
import dev.sluice.schema.SourceTable;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * The order in which {@link Snapshot#range} gives the rows of one table, for keys without NULL: SQLite's, with the
 * collations and directions of the key's index. Holds for sources in UTF-8; where text is stored as UTF-16, SQLite
 * compares those bytes. Immutable.
 */
public final class KeyOrder implements Comparator<RowKey> {

    private final List<Part> parts = new ArrayList<>();

    private record Part(String collation, boolean descending) {}

    public KeyOrder(SourceTable table) {
        if (table.identity().kind() != RowIdentity.Kind.DECLARED_KEY) {
            parts.add(new Part("BINARY", false));
            return;
        }
        for (String name : table.identity().columns()) {
            SourceIndex.Term term = table.keyIndex() == null ? null : table.keyIndex().terms().stream()
                    .filter(one -> name.equals(one.column())).findFirst().orElse(null);
            parts.add(term == null ? new Part(table.column(name).collation(), false)
                    : new Part(term.collation(), term.descending()));
        }
    }

    @Override
    public int compare(RowKey one, RowKey other) {
        for (int i = 0; i < parts.size(); i++) {
            int order = compare(one.parts().get(i), other.parts().get(i), parts.get(i).collation());
            if (order != 0) {
                return parts.get(i).descending() ? -order : order;
            }
        }
        return 0;
    }

    private static int compare(Value one, Value other, String collation) {
        int order = Integer.compare(rank(one), rank(other));
        if (order != 0) {
            return order;
        }
        if (one instanceof Value.Text a && other instanceof Value.Text b) {
            return switch (collation) {
                case "NOCASE" -> withoutCase(a.utf8(), b.utf8());
                case "RTRIM" -> Arrays.compareUnsigned(trimmed(a.utf8()), trimmed(b.utf8()));
                default -> Arrays.compareUnsigned(a.utf8(), b.utf8());
            };
        }
        return rank(one) == 1 ? numbers(one, other) : Arrays.compareUnsigned(one.bytes(), other.bytes());
    }

    private static int rank(Value value) {
        return switch (value.storageClass()) {
            case NULL -> 0;
            case INTEGER, REAL -> 1;
            case TEXT -> 2;
            case BLOB -> 3;
        };
    }

    /** Exactly: a double has too few digits for every integer. */
    private static int numbers(Value one, Value other) {
        if (one instanceof Value.Int a && other instanceof Value.Int b) {
            return Long.compare(a.value(), b.value());
        }
        double a = approximate(one);
        double b = approximate(other);
        if (Double.isInfinite(a) || Double.isInfinite(b)) {
            return Double.compare(a, b);
        }
        return exact(one).compareTo(exact(other));
    }

    private static double approximate(Value value) {
        return value instanceof Value.Int number ? number.value() : ((Value.Real) value).value();
    }

    private static BigDecimal exact(Value value) {
        return value instanceof Value.Int number ? BigDecimal.valueOf(number.value())
                : new BigDecimal(((Value.Real) value).value());
    }

    /** As SQLite does it: ASCII letters are the same, and what stands behind a NUL counts by its length alone. */
    private static int withoutCase(byte[] a, byte[] b) {
        for (int i = 0; i < Math.min(a.length, b.length); i++) {
            int order = lower(a[i]) - lower(b[i]);
            if (order != 0) {
                return order;
            }
            if (a[i] == 0) {
                break;
            }
        }
        return Integer.compare(a.length, b.length);
    }

    private static int lower(byte one) {
        return one >= 'A' && one <= 'Z' ? one + ('a' - 'A') : one & 0xFF;
    }

    private static byte[] trimmed(byte[] text) {
        int end = text.length;
        while (end > 0 && text[end - 1] == ' ') {
            end--;
        }
        return Arrays.copyOf(text, end);
    }
}
