package dev.sluice.mapping;

import java.math.BigDecimal;

/** PostgreSQL's binary form of {@code numeric}: digits in base 10,000 (src/backend/utils/adt/numeric.c, numeric_recv). */
final class NumericBinary {

    private static final long[] POWERS = new long[19];

    static {
        POWERS[0] = 1;
        for (int i = 1; i < POWERS.length; i++) {
            POWERS[i] = POWERS[i - 1] * 10;
        }
    }

    private NumericBinary() {}

    /** Writes {@code units} with the last {@code scale} digits behind the point; less than 19 digits and scale below 16. */
    static void write(long units, int scale, BinaryRow row) {
        long power = POWERS[scale];
        long whole = Math.abs(units) / power;
        // shifted so that the groups of four begin at the point
        long fraction = Math.abs(units) % power * POWERS[(4 - scale % 4) % 4];
        int fractionGroups = (scale + 3) / 4;
        int wholeGroups = 0;
        for (long rest = whole; rest > 0; rest /= 10_000) {
            wholeGroups++;
        }
        int[] groups = new int[wholeGroups + fractionGroups];
        for (int i = wholeGroups - 1; i >= 0; i--, whole /= 10_000) {
            groups[i] = (int) (whole % 10_000);
        }
        for (int i = groups.length - 1; i >= wholeGroups; i--, fraction /= 10_000) {
            groups[i] = (int) (fraction % 10_000);
        }
        write(groups, wholeGroups - 1, units < 0, scale, row);
    }

    static void write(BigDecimal number, BinaryRow row) {
        BigDecimal value = number.scale() < 0 ? number.setScale(0) : number;
        int scale = value.scale();
        String digits = value.unscaledValue().abs().toString();
        if (digits.length() <= scale) {
            digits = "0".repeat(scale - digits.length() + 1) + digits;
        }
        String whole = digits.substring(0, digits.length() - scale);
        String fraction = digits.substring(digits.length() - scale);
        String padded = "0".repeat((4 - whole.length() % 4) % 4) + whole
                + fraction + "0".repeat((4 - fraction.length() % 4) % 4);
        int[] groups = new int[padded.length() / 4];
        for (int i = 0; i < groups.length; i++) {
            groups[i] = group(padded, i);
        }
        write(groups, (whole.length() + 3) / 4 - 1, value.signum() < 0, scale, row);
    }

    /** @param weight of the first group: the power of 10,000 that it stands for */
    private static void write(int[] groups, int weight, boolean negative, int scale, BinaryRow row) {
        int first = 0;
        int last = groups.length;
        while (first < last && groups[first] == 0) {
            first++;
        }
        while (last > first && groups[last - 1] == 0) {
            last--;
        }
        int count = last - first;
        row.putInt(8 + 2 * count);
        row.putShort(count);
        row.putShort(count == 0 ? 0 : weight - first);
        row.putShort(negative ? 0x4000 : 0);
        row.putShort(scale);
        for (int i = first; i < last; i++) {
            row.putShort(groups[i]);
        }
    }

    private static int group(String padded, int index) {
        return Integer.parseInt(padded, index * 4, index * 4 + 4, 10);
    }
}
