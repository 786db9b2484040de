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
}
