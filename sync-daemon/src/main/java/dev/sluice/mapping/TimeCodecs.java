package dev.sluice.mapping;

import dev.sluice.change.Value;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;

/** Codecs for dates and times, which SQLite holds as text in some format or as a count since 1970. */
final class TimeCodecs {

    /** PostgreSQL counts from 2000-01-01. */
    private static final long EPOCH_DAYS = LocalDate.of(2000, 1, 1).toEpochDay();
    private static final long EPOCH_MICROS = EPOCH_DAYS * 86_400_000_000L;

    private TimeCodecs() {}

    /** For what is no date or time of the wanted form. */
    private static final long NONE = Long.MIN_VALUE;

    private static final int LENGTH_MAX = 40;
    private static final long MICROS_PER_DAY = 86_400_000_000L;

    /** The bytes of a text that may be a time, or null. */
    private static byte[] bytes(Value value) {
        return value instanceof Value.Text text && text.utf8().length <= LENGTH_MAX ? text.utf8() : null;
    }

    private static String ascii(Value value) {
        return new String(((Value.Text) value).utf8(), StandardCharsets.US_ASCII);
    }

    /** The number that stands in {@code count} digits at {@code from}, or -1. */
    private static int digits(byte[] text, int from, int count) {
        if (from + count > text.length) {
            return -1;
        }
        int number = 0;
        for (int i = from; i < from + count; i++) {
            int digit = text[i] - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            number = number * 10 + digit;
        }
        return number;
    }

    private static boolean isAt(byte[] text, int index, char wanted) {
        return index < text.length && text[index] == wanted;
    }

    /** Days since 1970 of the {@code YYYY-MM-DD} at the start, or {@link #NONE}. */
    private static long day(byte[] text) {
        int year = digits(text, 0, 4);
        int month = digits(text, 5, 2);
        int day = digits(text, 8, 2);
        if (year < 1 || month < 1 || month > 12 || day < 1 || !isAt(text, 4, '-') || !isAt(text, 7, '-')) {
            return NONE; // year 0000 has no place in PostgreSQL's calendar
        }
        if (day > 28 && day > YearMonth.of(year, month).lengthOfMonth()) {
            return NONE;
        }
        // counted from 1 March of year 0, so that the leap day is the last of its year; 719,468 days before 1970
        int march = (month + 9) % 12;
        long years = month > 2 ? year : year - 1;
        return years * 365 + years / 4 - years / 100 + years / 400 + (march * 306 + 5) / 10 + day - 1 - 719_468;
    }

    /** {@code date} for text {@code YYYY-MM-DD}. */
    record Dates() implements Codec {
        @Override
        public String id() {
            return "date";
        }

        @Override
        public String type() {
            return "date";
        }

        @Override
        public String strftime() {
            return "%Y-%m-%d";
        }

        @Override
        public boolean fits(Value value) {
            byte[] text = bytes(value);
            return text != null && text.length == 10 && day(text) != NONE;
        }

        @Override
        public String text(Value value) {
            return ascii(value);
        }

        @Override
        public boolean within(Codec wider) {
            return Codec.super.within(wider) || wider.equals(Codecs.TEXT);
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            row.intField((int) (day(bytes(value)) - EPOCH_DAYS));
        }

        @Override
        public boolean appendIfFits(Value value, BinaryRow row) {
            byte[] text = bytes(value);
            long day = text != null && text.length == 10 ? day(text) : NONE;
            if (day != NONE) {
                row.intField((int) (day - EPOCH_DAYS));
            }
            return day != NONE;
        }

        @Override
        public Value decode(String text) {
            return Value.of(text);
        }
    }

    /** How the clock part ends: the digits behind the seconds. */
    enum Fraction {
        /** Neither seconds nor fraction: {@code 12:30}. */
        MINUTES,
        NONE,
        ONE,
        TWO,
        THREE,
        FOUR,
        FIVE,
        SIX,
        /** Three digits, or none at all when they would be zero. */
        THREE_OR_NONE,
        /** Six digits, or none at all when they would be zero (Python's isoformat). */
        SIX_OR_NONE,
        /** Up to six digits without trailing zeros (Go). */
        TRIMMED;

        /** The most digits behind the seconds that it can have. */
        int digitsMax() {
            return switch (this) {
                case MINUTES, NONE -> 0;
                case ONE, TWO, THREE, FOUR, FIVE, SIX -> ordinal() - NONE.ordinal();
                case THREE_OR_NONE -> 3;
                case SIX_OR_NONE, TRIMMED -> 6;
            };
        }

        /** True if a time without a fraction may be written without the point. */
        boolean mayBeNone() {
            return digitsOf(0) == 0 && this != MINUTES;
        }

        /** The clock as a strftime pattern, null if its width varies or strftime can't write it. */
        String form() {
            return switch (this) {
                case MINUTES -> "%H:%M";
                case NONE -> "%H:%M:%S";
                case THREE -> "%H:%M:%f";
                default -> null;
            };
        }

        /** Microseconds of the clock at {@code from} to {@code to}, or {@link #NONE} if it is written in another way. */
        long parse(byte[] text, int from, int to) {
            int hour = digits(text, from, 2);
            int minute = digits(text, from + 3, 2);
            if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || text[from + 2] != ':') {
                return TimeCodecs.NONE;
            }
            long minutes = hour * 60L + minute;
            if (this == MINUTES) {
                return to == from + 5 ? minutes * 60_000_000 : TimeCodecs.NONE;
            }
            int second = digits(text, from + 6, 2);
            if (second < 0 || second > 59 || text[from + 5] != ':') {
                return TimeCodecs.NONE;
            }
            long micros = (minutes * 60 + second) * 1_000_000;
            int count = to - from - 9;
            if (count < 0) {
                return to == from + 8 && digitsOf(0) == 0 ? micros : TimeCodecs.NONE;
            }
            if (count < 1 || count > 6 || text[from + 8] != '.') {
                return TimeCodecs.NONE;
            }
            int fraction = digits(text, from + 9, count);
            if (fraction < 0) {
                return TimeCodecs.NONE;
            }
            for (int i = count; i < 6; i++) {
                fraction *= 10;
            }
            // written in another way than we print it, it would come back as another text
            return digitsOf(fraction) == count ? micros + fraction : TimeCodecs.NONE;
        }

        /** As {@link #print}, but throws if that leaves digits out. */
        String printed(LocalTime time) {
            String text = print(time);
            byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
            long micros = parse(bytes, 0, bytes.length);
            if (micros == TimeCodecs.NONE || micros * 1000 != time.toNanoOfDay()) {
                throw new IllegalArgumentException("a time with other digits than the column's");
            }
            return text;
        }

        private String print(LocalTime time) {
            StringBuilder text = new StringBuilder(15);
            two(text, time.getHour()).append(':');
            two(text, time.getMinute());
            if (this == MINUTES) {
                return text.toString();
            }
            two(text.append(':'), time.getSecond());
            int micros = time.getNano() / 1000;
            int count = digitsOf(micros);
            if (count > 0) {
                text.append('.').append(Integer.toString(1_000_000 + micros), 1, 1 + count);
            }
            return text.toString();
        }

        /** How many digits stand behind the seconds. */
        private int digitsOf(int micros) {
            return switch (this) {
                case MINUTES, NONE -> 0;
                case ONE, TWO, THREE, FOUR, FIVE, SIX -> ordinal() - NONE.ordinal();
                case THREE_OR_NONE -> micros == 0 ? 0 : 3;
                case SIX_OR_NONE -> micros == 0 ? 0 : 6;
                case TRIMMED -> significant(micros);
            };
        }

        private static int significant(int micros) {
            int count = micros == 0 ? 0 : 6;
            for (int rest = micros; count > 0 && rest % 10 == 0; rest /= 10) {
                count--;
            }
            return count;
        }

        private static StringBuilder two(StringBuilder text, int number) {
            return text.append((char) ('0' + number / 10)).append((char) ('0' + number % 10));
        }
    }

    /** {@code time} for text such as {@code 12:30:00}. */
    record Times(Fraction fraction) implements Codec {
        @Override
        public String id() {
            return "time:" + fraction;
        }

        @Override
        public String type() {
            return "time";
        }

        @Override
        public String strftime() {
            return fraction.form();
        }

        @Override
        public boolean fits(Value value) {
            byte[] text = bytes(value);
            return text != null && text.length >= 5 && fraction.parse(text, 0, text.length) != TimeCodecs.NONE;
        }

        @Override
        public String text(Value value) {
            return ascii(value);
        }

        @Override
        public boolean within(Codec wider) {
            return Codec.super.within(wider) || wider.equals(Codecs.TEXT);
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            byte[] text = bytes(value);
            row.longField(fraction.parse(text, 0, text.length));
        }

        @Override
        public Value decode(String text) {
            return Value.of(fraction.printed(LocalTime.parse(text)));
        }
    }

    /**
     * {@code timestamp} for local text, {@code timestamptz} for text with a constant UTC suffix. A zone is never
     * guessed: only an operator's {@code timezone} puts local text into {@code timestamptz}.
     *
     * @param separator between date and clock
     * @param suffix behind the clock: empty, {@code Z}, {@code +00:00} …; always UTC
     * @param zone the zone that an operator named for local text, or null
     */
    record Timestamps(char separator, Fraction fraction, String suffix, String zone) implements Codec {
        @Override
        public String id() {
            return "timestamp:" + separator + ":" + fraction + ":" + suffix.replace(':', ';') + ":"
                    + (zone == null ? "" : zone.replace(':', ';'));
        }

        @Override
        public String type() {
            return hasZone() ? "timestamptz" : "timestamp";
        }

        @Override
        public String strftime() {
            return fraction.form() == null || zone != null ? null : "%Y-%m-%d" + separator + fraction.form() + suffix;
        }

        private boolean hasZone() {
            return !suffix.isEmpty() || zone != null;
        }

        private ZoneId zoneId() {
            return zone == null ? ZoneOffset.UTC : ZoneId.of(zone);
        }

        /** Microseconds since 1970 as if the text were UTC, or {@link TimeCodecs#NONE}. */
        private long local(Value value) {
            byte[] text = bytes(value);
            if (text == null || text.length < 16 + suffix.length() || text[10] != separator) {
                return TimeCodecs.NONE;
            }
            int end = text.length - suffix.length();
            for (int i = 0; i < suffix.length(); i++) {
                if (text[end + i] != suffix.charAt(i)) {
                    return TimeCodecs.NONE;
                }
            }
            long clock = fraction.parse(text, 11, end);
            long day = clock == TimeCodecs.NONE ? TimeCodecs.NONE : day(text);
            return day == TimeCodecs.NONE ? TimeCodecs.NONE : day * MICROS_PER_DAY + clock;
        }

        private LocalDateTime localTime(Value value) {
            return time(local(value));
        }

        @Override
        public boolean fits(Value value) {
            long micros = local(value);
            if (micros == TimeCodecs.NONE || zone == null) {
                return micros != TimeCodecs.NONE;
            }
            LocalDateTime local = time(micros);
            // an hour that a clock change skips would come back as another
            ZonedDateTime zoned = local.atZone(zoneId());
            int utcYear = zoned.withZoneSameInstant(ZoneOffset.UTC).getYear();
            return zoned.toLocalDateTime().equals(local) && utcYear >= 1 && utcYear <= 9999;
        }

        @Override
        public boolean within(Codec wider) {
            return Codec.super.within(wider) || wider.equals(Codecs.TEXT)
                    || wider instanceof Timestamps other && fraction == Fraction.NONE && other.fraction.mayBeNone()
                            && other.equals(new Timestamps(separator, other.fraction, suffix, zone));
        }

        private Instant instant(Value value) {
            return localTime(value).atZone(zoneId()).toInstant();
        }

        @Override
        public String text(Value value) {
            return hasZone() ? instant(value).toString() : localTime(value).toString();
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            row.longField((zone == null ? local(value) : micros(instant(value))) - EPOCH_MICROS);
        }

        @Override
        public boolean appendIfFits(Value value, BinaryRow row) {
            if (zone != null) {
                return Codec.super.appendIfFits(value, row);
            }
            long micros = local(value);
            if (micros != TimeCodecs.NONE) {
                row.longField(micros - EPOCH_MICROS);
            }
            return micros != TimeCodecs.NONE;
        }

        @Override
        public Value decode(String text) {
            LocalDateTime printed = printedBy(text, text.endsWith("+00") ? text.length() - 3 : text.length());
            LocalDateTime local = zone == null ? printed
                    : printed.toInstant(ZoneOffset.UTC).atZone(zoneId()).toLocalDateTime();
            return Value.of(local.toLocalDate().toString() + separator + fraction.printed(local.toLocalTime()) + suffix);
        }
    }

    /** What PostgreSQL prints, up to {@code end}: date, space and a clock without needless digits. */
    private static LocalDateTime printedBy(String text, int end) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        long clock = end >= 19 ? Fraction.TRIMMED.parse(bytes, 11, end) : NONE;
        long day = clock == NONE ? NONE : day(bytes);
        return day == NONE ? LocalDateTime.parse(text.substring(0, 10) + "T" + text.substring(11, end))
                : time(day * MICROS_PER_DAY + clock);
    }

    private static LocalDateTime time(long micros) {
        return LocalDateTime.ofEpochSecond(Math.floorDiv(micros, 1_000_000L),
                (int) Math.floorMod(micros, 1_000_000L) * 1000, ZoneOffset.UTC);
    }

    private static long micros(Instant instant) {
        return Math.addExact(Math.multiplyExact(instant.getEpochSecond(), 1_000_000L), instant.getNano() / 1000);
    }

    /** The unit of a count since 1970-01-01 UTC. */
    enum EpochUnit {
        SECONDS(1_000_000),
        MILLISECONDS(1_000),
        MICROSECONDS(1);

        private final long micros;

        EpochUnit(long micros) {
            this.micros = micros;
        }

        /** Digits behind the seconds at most. */
        int digitsMax() {
            return ordinal() * 3;
        }
    }

    /**
     * {@code timestamptz} for an integer count since 1970: that is an instant, so no zone is guessed.
     *
     * @param zoned false for a {@code timestamp} of a schema that the application made, which then says UTC
     */
    record Epochs(EpochUnit unit, boolean zoned) implements Codec {

        /** Year 9999; PostgreSQL reaches further, but prints such years in another shape. */
        private static final long MICROS_MAX = 253_402_300_799_999_999L;
        private static final long MICROS_MIN = -62_135_596_800_000_000L;

        @Override
        public String id() {
            return "epoch:" + unit + (zoned ? "" : ":utc");
        }

        @Override
        public String strftime() {
            return !zoned ? null : unit == EpochUnit.SECONDS ? "%s" : unit == EpochUnit.MILLISECONDS ? "%s000" : null;
        }

        @Override
        public String type() {
            return zoned ? "timestamptz" : "timestamp";
        }

        @Override
        public boolean fits(Value value) {
            return value instanceof Value.Int number
                    && number.value() <= MICROS_MAX / unit.micros && number.value() >= MICROS_MIN / unit.micros;
        }

        @Override
        public String text(Value value) {
            long micros = ((Value.Int) value).value() * unit.micros;
            return Instant.ofEpochSecond(Math.floorDiv(micros, 1_000_000L), Math.floorMod(micros, 1_000_000L) * 1000)
                    .toString();
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            row.longField(((Value.Int) value).value() * unit.micros - EPOCH_MICROS);
        }

        @Override
        public Value decode(String text) {
            long micros = micros(printedBy(text, text.length() - (zoned ? 3 : 0)).toInstant(ZoneOffset.UTC));
            if (micros % unit.micros != 0) {
                throw new IllegalArgumentException("a time between two units");
            }
            return Value.of(micros / unit.micros);
        }
    }
}
