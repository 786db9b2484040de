package dev.sluice.census;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Counts the forms of date and time among the values of a column by their shape alone, such as
 * {@code YYYY-MM-DD hh:mm:ss}. Not thread-safe.
 */
final class TimeShapes {

    static final int LENGTH_MAX = 40;
    private static final int SHAPES_MAX = 64;

    private static final long SECONDS_MIN = 100_000_000L;
    private static final long SECONDS_MAX = 10_000_000_000L;
    /** Julian day numbers of the years 1 and 9999. */
    private static final double JULIAN_MIN = 1_721_425.5;
    private static final double JULIAN_MAX = 5_373_484.5;

    /** How a day is written; the same digits may be a day or a month, so both readings are named. */
    private record DayShape(Pattern pattern, String label) {}

    private static final List<DayShape> DAYS = List.of(
            new DayShape(Pattern.compile("\\d{4}-\\d{2}-\\d{2}"), "YYYY-MM-DD"),
            new DayShape(Pattern.compile("\\d{4}/\\d{2}/\\d{2}"), "YYYY/MM/DD"),
            new DayShape(Pattern.compile("\\d{1,2}/\\d{1,2}/\\d{4}"), "DD/MM/YYYY or MM/DD/YYYY"),
            new DayShape(Pattern.compile("\\d{1,2}-\\d{1,2}-\\d{4}"), "DD-MM-YYYY or MM-DD-YYYY"),
            new DayShape(Pattern.compile("\\d{1,2}\\.\\d{1,2}\\.\\d{4}"), "DD.MM.YYYY"),
            new DayShape(Pattern.compile("(?:19|20)\\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])"), "YYYYMMDD"),
            new DayShape(Pattern.compile("(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\\d{1,2} [A-Z][a-z]{2} \\d{4}"),
                    "DD Mon YYYY"));
    private static final Pattern CLOCK = Pattern.compile(
            "(\\d{2}:\\d{2})(:\\d{2})?(\\.\\d{1,9})?(Z|[+-]\\d{2}:\\d{2}|[+-]\\d{2}(?:\\d{2})?| ?UTC| ?GMT"
                    + "| [+-]\\d{4}(?: .{1,10})?)?");

    private final Map<String, long[]> counts = new LinkedHashMap<>();
    private byte[] lastText;
    private long[] lastCount;

    void addInteger(long number) {
        if (number >= SECONDS_MIN && number < SECONDS_MAX) {
            count("epoch seconds");
        } else if (number >= SECONDS_MIN * 1000 && number < SECONDS_MAX * 1000) {
            count("epoch milliseconds");
        } else if (number >= SECONDS_MIN * 1_000_000 && number < SECONDS_MAX * 1_000_000) {
            count("epoch microseconds");
        } else if (number >= 1900_01_01 && number <= 2999_12_31 && number / 100 % 100 >= 1 && number / 100 % 100 <= 12
                && number % 100 >= 1 && number % 100 <= 31) {
            count("YYYYMMDD number");
        }
    }

    void addReal(double number) {
        if (number >= JULIAN_MIN && number <= JULIAN_MAX) {
            count("Julian day");
        }
    }

    /** Takes a short ASCII text; true if it is a date of zeros. */
    boolean addText(byte[] text) {
        boolean zeros = text[0] == '0' && text.length >= 8 && startsWithZeros(text);
        if (zeros) {
            return true;
        }
        if (lastText != null && sameShape(text, lastText)) {
            lastCount[0]++;
            return false;
        }
        if (text.length < 5 || text.length > LENGTH_MAX) {
            return false;
        }
        if (!mayBeTime(text)) {
            return false;
        }
        String shape = shape(new String(text, StandardCharsets.US_ASCII));
        if (shape != null) {
            lastCount = count(shape);
            lastText = lastCount == null ? null : text;
        }
        return false;
    }

    /** Leaves out nearly all that is no time before a pattern looks at it. */
    private static boolean mayBeTime(byte[] text) {
        if (!isDigit(text[0])) {
            return text[0] >= 'F' && text[0] <= 'W' && text.length > 10 && text[3] == ',';
        }
        return isSeparator(text[1]) || isSeparator(text[2]) || isSeparator(text[4])
                || text.length >= 8 && isDigit(text[7]) && (text.length == 8 || text[8] == 'T' || text[8] == ' ');
    }

    private static boolean isSeparator(byte b) {
        return b == '-' || b == '/' || b == '.' || b == ':' || b == ' ';
    }

    private static String shape(String text) {
        Matcher clockAlone = CLOCK.matcher(text);
        if (clockAlone.matches()) {
            return clock(clockAlone);
        }
        for (DayShape day : DAYS) {
            Matcher matcher = day.pattern.matcher(text);
            if (!matcher.lookingAt()) {
                continue;
            }
            int end = matcher.end();
            if (end == text.length()) {
                return day.label;
            }
            char separator = text.charAt(end);
            Matcher clock = CLOCK.matcher(text).region(end + 1, text.length());
            if ((separator == ' ' || separator == 'T') && clock.matches()) {
                return day.label + separator + clock(clock);
            }
        }
        return null;
    }

    private static String clock(Matcher clock) {
        String zone = clock.group(4);
        return "hh:mm" + (clock.group(2) == null ? "" : ":ss")
                + (clock.group(3) == null ? "" : "." + "f".repeat(clock.group(3).length() - 1))
                + (zone == null ? "" : zone.matches("Z| ?UTC| ?GMT|[+-]00:?(00)?") ? zone : "±offset");
    }

    private static boolean startsWithZeros(byte[] text) {
        int digits = 0;
        for (byte b : text) {
            if (isDigit(b)) {
                if (b != '0') {
                    return false;
                }
                digits++;
            } else if (b != '-' && b != '/' && b != ':' && b != ' ' && b != '.' && b != 'T' && b != 'Z') {
                return false;
            }
        }
        return digits >= 8 && (text[4] == '-' || text[4] == '/' || text[2] == '/' || text[2] == '.');
    }

    /** True if digits stand where digits stood, and all else is equal: the common case in a column, made cheap. */
    private static boolean sameShape(byte[] text, byte[] other) {
        if (text.length != other.length) {
            return false;
        }
        for (int i = 0; i < text.length; i++) {
            if (text[i] != other[i] && !(isDigit(text[i]) && isDigit(other[i]))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }

    private long[] count(String shape) {
        if (counts.size() >= SHAPES_MAX && !counts.containsKey(shape)) {
            return null;
        }
        long[] count = counts.computeIfAbsent(shape, key -> new long[1]);
        count[0]++;
        return count;
    }

    /** Most frequent first. */
    Map<String, Long> counts() {
        Map<String, Long> sorted = new LinkedHashMap<>();
        counts.entrySet().stream()
                .sorted((a, b) -> Long.compare(b.getValue()[0], a.getValue()[0]))
                .forEach(entry -> sorted.put(entry.getKey(), entry.getValue()[0]));
        return sorted;
    }
}
