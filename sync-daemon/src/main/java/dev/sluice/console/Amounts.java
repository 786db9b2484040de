package dev.sluice.console;

import java.time.Duration;
import java.util.Locale;

/** Numbers as people read them, the same in every locale. */
public final class Amounts {

    private static final String[] UNITS = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};

    private Amounts() {
    }

    /** {@code 1,234,567}. */
    public static String count(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    /** {@code 1 row}, {@code 1,234 rows}. */
    public static String rows(long number) {
        return count(number) + (number == 1 ? " row" : " rows");
    }

    /** {@code 999 B}, {@code 1.5 kB}, {@code 12.3 GB}; powers of 1024 as in the settings. */
    public static String bytes(long bytes) {
        double amount = bytes;
        int unit = 0;
        while (Math.abs(amount) >= 1023.95 && unit < UNITS.length - 1) { // 1023.95 would print as 1024.0
            amount /= 1024;
            unit++;
        }
        return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, "%.1f %s", amount, UNITS[unit]);
    }

    /** {@code 12 ms}, {@code 3.4 s}, {@code 5 min 06 s}, {@code 2 h 03 min}, {@code 4 d 05 h}. */
    public static String duration(Duration duration) {
        long ms = duration.toMillis();
        if (ms < 0) {
            return "-" + duration(duration.negated());
        }
        if (ms < 1000) {
            return ms + " ms";
        }
        if (ms < 59_950) { // 59.95 would print as 60.0
            return String.format(Locale.ROOT, "%.1f s", ms / 1000.0);
        }
        long seconds = Math.round(ms / 1000.0);
        if (seconds < 3600) {
            return String.format(Locale.ROOT, "%d min %02d s", seconds / 60, seconds % 60);
        }
        if (seconds < 86_400) {
            return String.format(Locale.ROOT, "%d h %02d min", seconds / 3600, seconds % 3600 / 60);
        }
        return String.format(Locale.ROOT, "%d d %02d h", seconds / 86_400, seconds % 86_400 / 3600);
    }

    /** {@code 12 %}; 100 only when all is done. */
    public static String percent(long part, long whole) {
        long percent = whole <= 0 ? 100 : (long) (100.0 * part / whole);
        return (part < whole ? Math.min(99, percent) : 100) + " %";
    }
}
