package dev.sluice.mapping;

import java.math.BigDecimal;

/** PostgreSQL's binary form of {@code numeric}: digits in base 10,000 (src/backend/utils/adt/numeric.c, numeric_recv). */
final class NumericBinary {

    private NumericBinary() {}

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
        int groups = padded.length() / 4;
        int weight = (whole.length() + 3) / 4 - 1;
        int first = 0;
        int last = groups;
        while (first < last && group(padded, first) == 0) {
            first++;
            weight--;
        }
        while (last > first && group(padded, last - 1) == 0) {
            last--;
        }
        int count = last - first;
        row.putInt(8 + 2 * count);
        row.putShort(count);
        row.putShort(count == 0 ? 0 : weight);
        row.putShort(value.signum() < 0 ? 0x4000 : 0);
        row.putShort(scale);
        for (int i = first; i < last; i++) {
            row.putShort(group(padded, i));
        }
    }

    private static int group(String padded, int index) {
        return Integer.parseInt(padded, index * 4, index * 4 + 4, 10);
    }
}
