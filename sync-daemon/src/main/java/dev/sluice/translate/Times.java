package dev.sluice.translate;

import dev.sluice.change.Value;
import dev.sluice.schema.Affinity;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** SQLite's date and time functions, over the current time and over columns whose form is known. */
final class Times {

    /** The fields of strftime as to_char writes them. */
    private static final Map<Character, String> FIELDS = Map.ofEntries(
            Map.entry('Y', "YYYY"), Map.entry('m', "MM"), Map.entry('d', "DD"), Map.entry('H', "HH24"),
            Map.entry('M', "MI"), Map.entry('S', "SS"), Map.entry('f', "SS.MS"), Map.entry('j', "DDD"),
            Map.entry('F', "YYYY-MM-DD"), Map.entry('T', "HH24:MI:SS"), Map.entry('R', "HH24:MI"));

    /** Patterns of one field whose text is a number. */
    private static final Map<String, String> NUMBERS = Map.of("%Y", "year", "%m", "month", "%d", "day", "%H", "hour",
            "%M", "minute", "%j", "doy", "%w", "dow");

    private static final Pattern SHIFT =
            Pattern.compile("([+-]?)(\\d{1,9}) +(day|hour|minute|second|month|year)s?", Pattern.CASE_INSENSITIVE);

    private static final String NOW = "(statement_timestamp() AT TIME ZONE 'UTC')";

    private final Expressions expressions;

    Times(Expressions expressions) {
        this.expressions = expressions;
    }

    /** {@code date}, {@code time}, {@code datetime}, {@code strftime}, {@code unixepoch} or {@code julianday}. */
    Term call(String name, List<Term> a) {
        Term fixed = fixed(name, a);
        if (fixed != null) {
            return fixed;
        }
        if (expressions.place == Expressions.Place.DECLARATION) {
            return immutable(name, a);
        }
        int timeAt = name.equals("strftime") ? 1 : 0;
        Term source = a.size() > timeAt ? a.get(timeAt) : Term.constant(Value.of("now"));
        if (source.isNull()) {
            return Term.constant(Value.NULL);
        }
        boolean fractions = isFraction(constant(source)); // unixepoch('subsec') means now
        boolean clock = fractions || "now".equalsIgnoreCase(constant(source));
        List<Term> modifiers = a.size() > timeAt + 1 ? a.subList(timeAt + 1, a.size()) : List.of();
        boolean epoch = !modifiers.isEmpty() && "unixepoch".equalsIgnoreCase(constant(modifiers.get(0)));
        String time = clock ? NOW : columnTime(source, epoch);
        boolean firstOfMonth = false;
        for (Term modifier : epoch ? modifiers.subList(1, modifiers.size()) : modifiers) {
            String word = constant(modifier) == null ? null : Identifiers.foldAscii(constant(modifier).strip());
            if (isFraction(word)) {
                fractions = true;
            } else if (word != null && word.matches("start of (day|month|year)")) {
                time = "date_trunc('" + word.substring(9) + "', " + time + ")";
                firstOfMonth |= !word.endsWith("day");
            } else {
                time = shifted(time, word, firstOfMonth);
                firstOfMonth &= !word.contains("day") && !word.contains("hour") && !word.contains("minute")
                        && !word.contains("second");
            }
        }
        Term answer = switch (name) {
            case "date" -> text("%Y-%m-%d", time);
            case "time" -> text(fractions ? "%H:%M:%f" : "%H:%M:%S", time);
            case "datetime" -> text(fractions ? "%Y-%m-%d %H:%M:%f" : "%Y-%m-%d %H:%M:%S", time);
            case "unixepoch" -> fractions ? Term.of("(round((extract(epoch FROM " + time
                    + ") * 1000)::numeric)::bigint::double precision / 1000)", PgKind.DOUBLE) : seconds(time, clock);
            case "julianday" -> Term.of("((round((extract(epoch FROM " + time
                    + ") * 1000)::numeric)::bigint + 210866760000000)"
                    + "::double precision / 86400000.0::double precision)", PgKind.DOUBLE).withForm("%J");
            default -> a.isEmpty() || constant(a.get(0)) == null
                    ? refuse("its strftime pattern is not constant") : strftime(constant(a.get(0)), time, clock);
        };
        // Only the unmoved current time is the moment that now() gives to a date or time column
        return time.equals(NOW) ? answer : answer.withForm(null);
    }

    private static boolean isFraction(String modifier) {
        return modifier != null && (modifier.equalsIgnoreCase("subsec") || modifier.equalsIgnoreCase("subsecond"));
    }

    /** The text of a literal date or time under a pattern; null if it is something else. */
    private static Term fixed(String name, List<Term> a) {
        boolean strftime = name.equals("strftime");
        String pattern = switch (name) {
            case "date" -> "%Y-%m-%d";
            case "time" -> "%H:%M:%S";
            case "datetime" -> "%Y-%m-%d %H:%M:%S";
            case "strftime" -> a.isEmpty() ? null : constant(a.get(0));
            default -> null;
        };
        String text = a.size() == (strftime ? 2 : 1) ? constant(a.get(a.size() - 1)) : null;
        LocalDateTime time = text == null || pattern == null ? null : parsed(text);
        if (time == null || pattern.matches(".*%[^YmdHMS].*")) {
            return null;
        }
        return Term.constant(Value.of(pattern
                .replace("%Y", String.format("%04d", time.getYear())).replace("%m", two(time.getMonthValue()))
                .replace("%d", two(time.getDayOfMonth())).replace("%H", two(time.getHour()))
                .replace("%M", two(time.getMinute())).replace("%S", two(time.getSecond()))));
    }

    /**
     * Of a column without modifiers, and without to_char, which PostgreSQL does not take for immutable. The answer is a
     * date or timestamp of known form where SQLite's is its text: both compare alike.
     */
    private static Term immutable(String name, List<Term> a) {
        String pattern = switch (name) {
            case "date" -> "%Y-%m-%d";
            case "datetime" -> "%Y-%m-%d %H:%M:%S";
            case "strftime" -> a.isEmpty() ? null : constant(a.get(0));
            default -> null;
        };
        Term column = a.isEmpty() ? null : a.get(a.size() - 1);
        if (pattern == null || a.size() != (name.equals("strftime") ? 2 : 1) || column.constant() != null) {
            throw new Untranslatable("it calls " + name
                    + ", which PostgreSQL does not allow in an index or constraint");
        }
        String time = columnTime(column, false);
        String field = NUMBERS.get(pattern);
        if (field != null) {
            int width = pattern.equals("%Y") ? 4 : pattern.equals("%j") ? 3 : pattern.equals("%w") ? 1 : 2;
            String number = "extract(" + field + " FROM " + time + ")::bigint";
            return Term.of("lpad(" + number + "::text, " + width + ", '0')", PgKind.TEXT).withNumber(number);
        }
        return switch (pattern) {
            case "%Y-%m-%d" -> Term.of(column.kind() == PgKind.DATE ? column.sql() : time + "::date", PgKind.DATE)
                    .withForm(pattern);
            case "%Y-%m-%d %H:%M:%S" -> Term.of(column.form().contains("%f") ? "date_trunc('second', " + time + ")"
                    : time,
                    PgKind.TIMESTAMP).withForm(pattern);
            default -> throw new Untranslatable(
                    "it calls strftime, which PostgreSQL does not allow in an index or constraint in this form");
        };
    }

    private static String two(int number) {
        return String.format("%02d", number);
    }

    private static LocalDateTime parsed(String text) {
        Matcher parts = Pattern.compile("(\\d{4}-\\d\\d-\\d\\d)(?:[ T](\\d\\d:\\d\\d(?::\\d\\d)?))?").matcher(text);
        if (!parts.matches()) {
            return null;
        }
        try {
            return LocalDateTime.of(LocalDate.parse(parts.group(1)),
                    parts.group(2) == null ? LocalTime.MIDNIGHT : LocalTime.parse(parts.group(2)));
        } catch (DateTimeException e) { // SQLite makes a day of March of the 30th of February
            return null;
        }
    }

    private static String constant(Term term) {
        return term.constant() instanceof Value.Text text ? Constants.text(text) : null;
    }

    private static Term refuse(String reason) {
        throw new Untranslatable(reason);
    }

    /** A column as a timestamp in UTC, where SQLite's functions understand what it holds. */
    private static String columnTime(Term term, boolean epoch) {
        String form = term.form() == null ? "" : term.form();
        boolean text = form.matches("%Y-%m-%d([ T]%H:%M(:%S|:%f)?(Z|\\+00:00)?)?");
        if (epoch ? !form.equals("%s") || term.affinity() == Affinity.TEXT : !text) {
            throw new Untranslatable("it calculates with the time in " + Expressions.describe(term)
                    + ", whose form is not known for certain");
        }
        return switch (term.kind()) {
            case TIMESTAMP -> term.sql();
            case TIMESTAMPTZ -> "(" + term.sql() + " AT TIME ZONE 'UTC')";
            case DATE -> term.sql() + "::timestamp";
            default -> throw new Untranslatable("it calculates with a time that is a text in PostgreSQL too");
        };
    }

    /** {@code '+7 days'} and the like; from a day that every month has, months too. */
    private static String shifted(String time, String modifier, boolean firstOfMonth) {
        if ("localtime".equals(modifier) || "utc".equals(modifier)) {
            throw new Untranslatable(
                    "it asks for the local time zone, and the server's may differ from the application's");
        }
        Matcher parts = SHIFT.matcher(modifier == null ? "" : modifier);
        if (!parts.matches()) {
            throw new Untranslatable("it changes a time by "
                    + (modifier == null ? "something that is not constant" : "'" + modifier + "'"));
        }
        String unit = parts.group(3);
        if ((unit.equals("month") || unit.equals("year")) && !firstOfMonth) {
            throw new Untranslatable("it moves a time by months, and the two end shorter months differently");
        }
        return "(" + time + (parts.group(1).equals("-") ? " - " : " + ") + "interval '" + parts.group(2) + " " + unit
                + "')";
    }

    private static Term seconds(String time, boolean clock) {
        Term term = Term.of("floor(extract(epoch FROM " + time + "))::bigint", PgKind.INTEGER).withWide()
                .withForm("%s");
        return term.withFloor(clock ? (Long) 0L : null, true);
    }

    private static Term strftime(String pattern, String time, boolean clock) {
        if (pattern.equals("%s")) {
            Term seconds = seconds(time, clock);
            return Term.of(seconds.sql() + "::text", PgKind.TEXT).withNumber(seconds.sql()).withForm("%s");
        }
        String field = NUMBERS.get(pattern);
        String number = field == null ? null : "extract(" + field + " FROM " + time + ")::bigint";
        return pattern.equals("%w") ? Term.of(number + "::text", PgKind.TEXT).withNumber(number)
                : text(pattern, time).withNumber(number);
    }

    /** The time under a strftime pattern, by to_char. */
    private static Term text(String strftime, String time) {
        return Term.of("to_char(" + time + ", " + Constants.literal(toCharPattern(strftime)) + ")", PgKind.TEXT)
                .withForm(strftime.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S").replace("%R", "%H:%M"));
    }

    private static String toCharPattern(String strftime) {
        StringBuilder pattern = new StringBuilder();
        StringBuilder fixed = new StringBuilder();
        for (int i = 0; i < strftime.length(); i++) {
            char c = strftime.charAt(i);
            if (c != '%') {
                fixed.append(c);
                continue;
            }
            char directive = ++i < strftime.length() ? strftime.charAt(i) : 0;
            if (!FIELDS.containsKey(directive)) {
                throw new Untranslatable("its strftime pattern has %" + directive);
            }
            quoteInto(pattern, fixed);
            pattern.append(FIELDS.get(directive));
        }
        quoteInto(pattern, fixed);
        return pattern.toString();
    }

    /** Letters between the fields must be in double quotes, or to_char takes them for fields. */
    private static void quoteInto(StringBuilder pattern, StringBuilder fixed) {
        String text = fixed.toString();
        fixed.setLength(0);
        if (text.chars().allMatch(c -> " -:./".indexOf(c) >= 0)) {
            pattern.append(text);
        } else if (text.indexOf('"') >= 0 || text.indexOf('\\') >= 0) {
            throw new Untranslatable("its strftime pattern has a quote");
        } else {
            pattern.append('"').append(text).append('"');
        }
    }

    /** The current time itself, cut to what a strftime pattern shows, as a value of a date or time type. */
    static String current(PgKind kind, String form) {
        String unit = form.contains("%f") ? "milliseconds" : "second";
        return switch (kind) {
            case TIMESTAMP -> "date_trunc('" + unit + "', statement_timestamp() AT TIME ZONE 'UTC')";
            case TIMESTAMPTZ -> "date_trunc('" + unit + "', statement_timestamp())";
            case DATE -> NOW + "::date";
            case TIME -> "date_trunc('" + unit + "', statement_timestamp() AT TIME ZONE 'UTC')::time";
            default -> throw new IllegalArgumentException(kind.name());
        };
    }

    /**
     * A date, time or UUID column as what SQLite stores, by its form; null if that can't be said here. The functions
     * behind it are not immutable for PostgreSQL, so only a UUID can be had in a declaration.
     */
    static Term stored(Term term, Expressions.Place place) {
        if (term.form() == null || term.constant() != null) {
            return null;
        }
        if (term.kind() == PgKind.UUID) {
            return term.form().equals("uuid") ? like(term, term.sql() + "::text", PgKind.TEXT) : null;
        }
        if (!term.form().contains("%") || place == Expressions.Place.DECLARATION) {
            return null;
        }
        if (term.form().startsWith("%s")) {
            String factor = term.form().equals("%s000") ? " * 1000" : "";
            boolean known = (term.form().equals("%s") || !factor.isEmpty()) && term.affinity() != Affinity.TEXT;
            return known ? like(term, "round((extract(epoch FROM " + term.sql() + ")" + factor + ")::numeric)::bigint",
                    PgKind.INTEGER)
                    .withWide() : null;
        }
        String pattern = toCharPattern(term.form());
        String sql = switch (term.kind()) {
            case TIME -> "(date '2000-01-01' + " + term.sql() + ")";
            case TIMESTAMPTZ -> "(" + term.sql() + " AT TIME ZONE 'UTC')";
            default -> term.sql();
        };
        return like(term, "to_char(" + sql + ", " + Constants.literal(pattern) + ")", PgKind.TEXT);
    }

    private static Term like(Term term, String sql, PgKind kind) {
        return Term.of(sql, kind).withAffinity(term.affinity()).withCollation(term.collation(), term.explicit());
    }

    /** A text literal in exactly the form of a timestamp or date column, as PostgreSQL's literal; null if it is not. */
    static String literal(Term column, Term other) {
        String text = constant(other);
        if (text == null || column.form() == null || column.kind() != PgKind.TIMESTAMP
                && column.kind() != PgKind.DATE) {
            return null;
        }
        Matcher parts = Pattern.compile("(\\d{4}-\\d\\d-\\d\\d)(?:([ T])(\\d\\d:\\d\\d:\\d\\d)(\\.\\d{3})?(Z?))?")
                .matcher(text);
        if (!parts.matches()) {
            return null;
        }
        String form = parts.group(2) == null ? "%Y-%m-%d"
                : "%Y-%m-%d" + parts.group(2) + (parts.group(4) == null ? "%H:%M:%S" : "%H:%M:%f") + parts.group(5);
        try {
            LocalDate.parse(parts.group(1));
            if (parts.group(3) != null) {
                LocalTime.parse(parts.group(3));
            }
        } catch (DateTimeException e) {
            return null;
        }
        boolean known = form.equals(column.form()) && !text.startsWith("0000");
        String plain = text.replace('T', ' ').replace("Z", "");
        return known ? column.kind().typeName() + " '" + plain + "'" : null;
    }
}
