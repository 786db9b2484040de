package dev.sluice.sqlite;

/** Quoting for SQL text sent to SQLite. */
public final class SqlText {

    private SqlText() {}

    /** A name as a quoted identifier. */
    public static String quoted(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    /** A string literal. */
    public static String literal(String text) {
        return '\'' + text.replace("'", "''") + '\'';
    }

    /** A name in lower case by SQLite's rule, which knows ASCII letters only. */
    public static String lower(String name) {
        StringBuilder lower = new StringBuilder(name);
        for (int i = 0; i < lower.length(); i++) {
            char c = lower.charAt(i);
            if (c >= 'A' && c <= 'Z') {
                lower.setCharAt(i, (char) (c + 32));
            }
        }
        return lower.toString();
    }

    /** True if SQLite takes both for one name. */
    public static boolean sameName(String one, String other) {
        return one.length() == other.length() && lower(one).equals(lower(other));
    }
}
