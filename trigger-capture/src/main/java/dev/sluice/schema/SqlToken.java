package dev.sluice.schema;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A token of SQLite's SQL, by the rules of its tokenizer.
 *
 * @param kind what it is
 * @param text as written, quotes included
 * @param start offset of its first character in the statement
 * @param end offset behind its last character
 */
public record SqlToken(Kind kind, String text, int start, int end) {

    /** Kinds of token; white space and comments are dropped. */
    public enum Kind {
        /** An unquoted name or keyword. */
        WORD,
        /** {@code "x"}, {@code [x]} or {@code `x`}; SQLite may also take {@code "x"} for a string. */
        QUOTED,
        STRING,
        BLOB,
        NUMBER,
        /** {@code ?1}, {@code :name} and the like. */
        PARAMETER,
        OPERATOR
    }

    /** The name or string content without its quotes. */
    public String unquoted() {
        if (kind == Kind.STRING || kind == Kind.QUOTED) {
            char quote = text.charAt(0);
            String inner = text.substring(1, text.length() - 1);
            return quote == '[' ? inner : inner.replace("" + quote + quote, "" + quote);
        }
        return text;
    }

    /** True if it is this unquoted keyword, in any case. */
    public boolean is(String keyword) {
        return kind == Kind.WORD && text.equalsIgnoreCase(keyword);
    }

    /** True if it is this operator or punctuation. */
    public boolean isOperator(String operator) {
        return kind == Kind.OPERATOR && text.equals(operator);
    }

    /** True if it can stand for a name: a word, a quoted name, or a string where a name is expected. */
    public boolean isName() {
        return kind == Kind.WORD || kind == Kind.QUOTED || kind == Kind.STRING;
    }

    public String upper() {
        return text.toUpperCase(Locale.ROOT);
    }

    /** Splits a statement; throws {@link IllegalArgumentException} at a character that no token can start with. */
    public static List<SqlToken> tokens(String sql) {
        List<SqlToken> tokens = new ArrayList<>();
        int at = 0;
        while (at < sql.length()) {
            char c = sql.charAt(at);
            int end;
            Kind kind;
            if (c == ' ' || c >= '\t' && c <= '\r' || c == '\uFEFF') { // above ASCII all else is part of a name
                at++;
                continue;
            } else if (sql.startsWith("--", at)) {
                int newline = sql.indexOf('\n', at);
                at = newline < 0 ? sql.length() : newline + 1;
                continue;
            } else if (sql.startsWith("/*", at)) {
                int close = sql.indexOf("*/", at + 2);
                at = close < 0 ? sql.length() : close + 2;
                continue;
            } else if (c == '\'' || c == '"' || c == '`' || c == '[') {
                end = quotedEnd(sql, at);
                kind = c == '\'' ? Kind.STRING : Kind.QUOTED;
            } else if ((c == 'x' || c == 'X') && at + 1 < sql.length() && sql.charAt(at + 1) == '\'') {
                end = quotedEnd(sql, at + 1);
                kind = Kind.BLOB;
            } else if (isDigit(c) || c == '.' && at + 1 < sql.length() && isDigit(sql.charAt(at + 1))) {
                end = numberEnd(sql, at);
                kind = Kind.NUMBER;
            } else if (isNameStart(c)) {
                end = at + 1;
                while (end < sql.length() && isNamePart(sql.charAt(end))) {
                    end++;
                }
                kind = Kind.WORD;
            } else if (c == '?' || c == ':' || c == '@' || c == '#') {
                end = at + 1;
                while (end < sql.length() && isNamePart(sql.charAt(end))) {
                    end++;
                }
                kind = Kind.PARAMETER;
            } else {
                end = at + operatorLength(sql, at);
                kind = Kind.OPERATOR;
            }
            tokens.add(new SqlToken(kind, sql.substring(at, end), at, end));
            at = end;
        }
        return tokens;
    }

    private static int quotedEnd(String sql, int start) {
        char quote = sql.charAt(start);
        char close = quote == '[' ? ']' : quote;
        int at = start + 1;
        while (at < sql.length()) {
            if (sql.charAt(at) == close) {
                if (quote != '[' && at + 1 < sql.length() && sql.charAt(at + 1) == close) {
                    at += 2;
                    continue;
                }
                return at + 1;
            }
            at++;
        }
        throw new IllegalArgumentException("unterminated " + quote + " at offset " + start);
    }

    private static int numberEnd(String sql, int start) {
        int at = start;
        if (sql.charAt(at) == '0' && at + 1 < sql.length() && (sql.charAt(at + 1) | 0x20) == 'x') {
            at += 2;
            while (at < sql.length() && Character.digit(sql.charAt(at), 16) >= 0) {
                at++;
            }
            return at;
        }
        boolean exponent = false;
        while (at < sql.length()) {
            char c = sql.charAt(at);
            if (isDigit(c) || c == '.' || c == '_') {
                at++;
            } else if (!exponent && (c | 0x20) == 'e') {
                exponent = true;
                at++;
                if (at < sql.length() && (sql.charAt(at) == '+' || sql.charAt(at) == '-')) {
                    at++;
                }
            } else {
                break;
            }
        }
        return at;
    }

    private static int operatorLength(String sql, int at) {
        for (String operator : new String[] {"->>", "->", "||", "<=", ">=", "<>", "!=", "==", "<<", ">>"}) {
            if (sql.startsWith(operator, at)) {
                return operator.length();
            }
        }
        if ("()+-*/%<>=&|~,;.!".indexOf(sql.charAt(at)) < 0) {
            throw new IllegalArgumentException("unexpected character at offset " + at);
        }
        return 1;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static boolean isNameStart(char c) {
        return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80;
    }

    private static boolean isNamePart(char c) {
        return isNameStart(c) || isDigit(c) || c == '$';
    }
}
