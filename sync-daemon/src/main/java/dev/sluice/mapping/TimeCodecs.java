package dev.sluice.mapping;

import dev.sluice.change.Value;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;

/** Codecs for dates and times, which SQLite holds as text in some format or as a count since 1970. */
final class TimeCodecs {

    /** PostgreSQL counts from 2000-01-01. */
    private static final long EPOCH_DAYS = LocalDate.of(2000, 1, 1).toEpochDay();
    private static final long EPOCH_MICROS = EPOCH_DAYS * 86_400_000_000L;

    private TimeCodecs() {}

    private static String ascii(Value value) {
        if (!(value instanceof Value.Text text) || text.utf8().length > 40) {
            return null;
        }
        for (byte b : text.utf8()) {
            if (b < ' ' || b == 127) {
                return null;
            }
        }
        return new String(text.utf8(), StandardCharsets.US_ASCII);
    }

    /** The number that stands in {@code count} digits at {@code from}, or -1. */
    private static int digits(String text, int from, int count) {
        if (from + count > text.length()) {
            return -1;
        }
        int number = 0;
        for (int i = from; i < from + count; i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            number = number * 10 + digit;
        }
        return number;
    }

    private static LocalDate date(String text, int from) {
        int year = digits(text, from, 4);
        int month = digits(text, from + 5, 2);
        int day = digits(text, from + 8, 2);
        if (year < 1 || month < 1 || day < 1 || text.charAt(from + 4) != '-' || text.charAt(from + 7) != '-') {
            return null; // year 0000 has no place in PostgreSQL's calendar
        }
        try {
            return LocalDate.of(year, month, day);
        } catch (DateTimeException e) {
            return null;
        }
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
            String text = ascii(value);
            return text != null && text.length() == 10 && date(text, 0) != null;
        }

        @Override
        public String text(Value value) {
            return ascii(value);
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            row.intField((int) (date(ascii(value), 0).toEpochDay() - EPOCH_DAYS));
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

        /** The clock as a strftime pattern, null if its width varies or strftime can't write it. */
        String form() {
            return switch (this) {
                case MINUTES -> "%H:%M";
                case NONE -> "%H:%M:%S";
                case THREE -> "%H:%M:%f";
                default -> null;
            };
        }

        /** Reads the clock at {@code from} to {@code to}, or null if it is written in another way. */
        LocalTime parse(String text, int from, int to) {
            int hour = digits(text, from, 2);
            int minute = digits(text, from + 3, 2);
            if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || text.charAt(from + 2) != ':') {
                return null;
            }
            if (this == MINUTES) {
                return to == from + 5 ? LocalTime.of(hour, minute) : null;
            }
            int second = digits(text, from + 6, 2);
            if (second < 0 || second > 59 || text.charAt(from + 5) != ':') {
                return null;
            }
            int count = to - from - 9;
            if (count < 0) {
                return to == from + 8 && digitsOf(0) == 0 ? LocalTime.of(hour, minute, second) : null;
            }
            if (count < 1 || count > 6 || text.charAt(from + 8) != '.') {
                return null;
            }
            int fraction = digits(text, from + 9, count);
            if (fraction < 0) {
                return null;
            }
            int micros = fraction;
            for (int i = count; i < 6; i++) {
                micros *= 10;
            }
            // written in another way than we print it, it would come back as another text
            return digitsOf(micros) == count ? LocalTime.of(hour, minute, second, micros * 1000) : null;
        }

        /** As {@link #print}, but throws if that leaves digits out. */
        String printed(LocalTime time) {
            String text = print(time);
            if (!time.equals(parse(text, 0, text.length()))) {
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
                String six = String.format("%06d", micros);
                text.append('.').append(six, 0, count);
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
            String text = ascii(value);
            return text != null && text.length() >= 5 && fraction.parse(text, 0, text.length()) != null;
        }

        @Override
        public String text(Value value) {
            return ascii(value);
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            String text = ascii(value);
            row.longField(fraction.parse(text, 0, text.length()).toNanoOfDay() / 1000);
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

        private LocalDateTime local(Value value) {
            String text = ascii(value);
            if (text == null || text.length() < 16 + suffix.length() || text.charAt(10) != separator
                    || !text.endsWith(suffix)) {
                return null;
            }
            LocalDate date = date(text, 0);
            LocalTime time = date == null ? null : fraction.parse(text, 11, text.length() - suffix.length());
            return time == null ? null : LocalDateTime.of(date, time);
        }

        @Override
        public boolean fits(Value value) {
            LocalDateTime local = local(value);
            if (local == null || zone == null) {
                return local != null;
            }
            // an hour that a clock change skips would come back as another
            ZonedDateTime zoned = local.atZone(zoneId());
            int utcYear = zoned.withZoneSameInstant(ZoneOffset.UTC).getYear();
            return zoned.toLocalDateTime().equals(local) && utcYear >= 1 && utcYear <= 9999;
        }

        private Instant instant(Value value) {
            return local(value).atZone(zoneId()).toInstant();
        }

        @Override
        public String text(Value value) {
            return hasZone() ? instant(value).toString() : local(value).toString();
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            row.longField(micros(instant(value)) - EPOCH_MICROS);
        }

        @Override
        public Value decode(String text) {
            int end = text.endsWith("+00") ? text.length() - 3 : text.length();
            LocalDateTime printed = LocalDateTime.parse(text.substring(0, 10) + "T" + text.substring(11, end));
            LocalDateTime local = zone == null ? printed
                    : printed.toInstant(ZoneOffset.UTC).atZone(zoneId()).toLocalDateTime();
            return Value.of(local.toLocalDate().toString() + separator + fraction.printed(local.toLocalTime()) + suffix);
        }
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
            LocalDateTime utc = LocalDateTime.parse(
                    text.substring(0, 10) + "T" + text.substring(11, text.length() - (zoned ? 3 : 0)));
            long micros = micros(utc.toInstant(ZoneOffset.UTC));
            if (micros % unit.micros != 0) {
                throw new IllegalArgumentException("a time between two units");
            }
            return Value.of(micros / unit.micros);
        }
    }
}
