package dev.sluice.translate;

import java.util.List;
import java.util.Random;

/** Makes SQLite expressions over the columns of {@link TranslateIT}, mostly sensible ones, sometimes not. */
final class RandomExpression {

    private final Random random;

    RandomExpression(Random random) {
        this.random = random;
    }

    String next() {
        return switch (random.nextInt(6)) {
            case 0 -> number(3);
            case 1 -> text(3);
            default -> condition(3);
        };
    }

    private String condition(int depth) {
        if (depth == 0) {
            return pick("flag", "i > 0", "t IS NULL", "b IS NOT NULL", "nc = 'a'", "rt <> 'ABC'");
        }
        int d = depth - 1;
        return switch (random.nextInt(15)) {
            case 0 -> "(" + condition(d) + " AND " + condition(d) + ")";
            case 1 -> condition(d) + " OR " + condition(d);
            case 2 -> "NOT " + condition(d);
            case 3 -> number(d) + comparison() + number(d);
            case 4 -> text(d) + comparison() + text(d);
            case 5 -> any(d) + comparison() + any(d);
            case 6 -> text(d) + pick(" LIKE ", " NOT LIKE ") + pick("'a%'", "'%B_'", "'_'", "'ä%'", "v", "'%\\%'");
            case 7 -> text(d) + " GLOB " + pick("'a*'", "'[A-Z]*'", "'*[^a-z0-9]*'", "'?'");
            case 8 -> any(d) + pick(" IS ", " IS NOT ") + any(d);
            case 9 -> any(d) + pick(" IS NULL", " NOTNULL", " NOT NULL", " ISNULL");
            case 10 -> number(d) + pick(" BETWEEN ", " NOT BETWEEN ") + number(d) + " AND " + number(d);
            case 11 -> any(d) + pick(" IN (", " NOT IN (") + literal() + ", " + literal() + ", " + any(0) + ")";
            case 12 -> text(d) + " BETWEEN " + text(0) + " AND " + text(0);
            case 13 -> "CASE WHEN " + condition(d) + " THEN " + condition(d) + " ELSE " + condition(d) + " END";
            default -> text(d) + pick(" COLLATE NOCASE", " COLLATE RTRIM", " COLLATE BINARY") + comparison() + text(d);
        };
    }

    private String number(int depth) {
        if (depth == 0) {
            return pick("i", "j", "r", "s", "d", "flag", "0", "1", "-7", "2.5", "0.1", "'5'", "NULL", "3");
        }
        int d = depth - 1;
        return switch (random.nextInt(13)) {
            case 0 -> "(" + number(d) + pick(" + ", " - ", " * ") + number(d) + ")";
            case 1 -> "(" + number(d) + pick(" / ", " % ") + number(d) + ")";
            case 2 -> "length(" + any(d) + ")";
            case 3 -> pick("abs(", "round(", "-(", "+(", "~(") + number(d) + ")";
            case 4 -> pick("coalesce(", "ifnull(", "min(", "max(", "nullif(") + number(d) + ", " + number(d) + ")";
            case 5 -> "instr(" + text(d) + ", " + text(0) + ")";
            case 6 -> "CASE WHEN " + condition(d) + " THEN " + number(d) + " ELSE " + number(d) + " END";
            case 7 -> "CAST(" + number(d) + " AS " + pick("INTEGER", "REAL", "NUMERIC", "TEXT") + ")";
            case 8 -> "(" + number(d) + pick(" & ", " | ", " << ", " >> ") + pick("3", "1", "60", "i") + ")";
            case 9 -> random.nextBoolean() ? "unicode(" + text(d) + ")" : "CAST(" + text(d) + " AS INTEGER)";
            case 10 -> "iif(" + condition(d) + ", " + number(d) + ", " + number(d) + ")";
            default -> number(0);
        };
    }

    private String text(int depth) {
        if (depth == 0) {
            return pick("t", "v", "free", "word", "nc", "rt", "js", "'a'", "'ABC '", "'5'", "''", "'ä'", "NULL",
                    "\"quoted\"");
        }
        int d = depth - 1;
        return switch (random.nextInt(13)) {
            case 0 -> "(" + text(d) + " || " + any(d) + ")";
            case 1 -> pick("lower(", "upper(", "trim(", "ltrim(", "rtrim(") + any(d) + ")";
            case 2 -> "substr(" + text(d) + ", " + pick("1", "2", "-2", "0", "i", "length(t)") + ")";
            case 3 -> "substr(" + text(d) + ", " + pick("1", "2", "instr(t, 'b') + 1") + ", "
                    + pick("1", "2", "0", "length(v)") + ")";
            case 4 -> "replace(" + text(d) + ", " + text(0) + ", " + text(0) + ")";
            case 5 -> pick("coalesce(", "ifnull(", "min(", "max(", "nullif(") + text(d) + ", " + text(d) + ")";
            case 6 -> "CASE " + any(d) + " WHEN " + any(0) + " THEN " + text(d) + " WHEN " + literal() + " THEN "
                    + text(0) + " END";
            case 7 -> "CAST(" + any(d) + " AS TEXT)";
            case 8 -> "typeof(" + any(d) + ")";
            case 9 -> pick("hex(b)", "hex(t)", "date(ts)", "strftime('%Y', ts2)", "strftime('%m', ts)", "u",
                    "datetime(ts)");
            default -> text(0);
        };
    }

    private String any(int depth) {
        return switch (random.nextInt(8)) {
            case 0 -> pick("b", "x'61'", "ts", "ts2", "u", "js");
            case 1, 2, 3 -> number(depth);
            case 4 -> "(" + condition(depth) + ")";
            default -> text(depth);
        };
    }

    private String literal() {
        return pick("1", "0", "2.5", "'a'", "'5'", "''", "'ABC'", "NULL", "x'61'", "-7", "'1.0'", "' 5'", "1e3");
    }

    private String comparison() {
        return pick(" = ", " <> ", " < ", " <= ", " > ", " >= ", " == ", " != ");
    }

    private String pick(String... choices) {
        return List.of(choices).get(random.nextInt(choices.length));
    }
}
