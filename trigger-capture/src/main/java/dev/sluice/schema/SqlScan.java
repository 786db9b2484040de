package dev.sluice.schema;

import dev.sluice.schema.SqlToken.Kind;
import java.util.ArrayList;
import java.util.List;

/** Walks over the tokens of one statement. Not thread-safe. */
final class SqlScan {

    private final List<SqlToken> tokens;
    private int at;

    SqlScan(String sql) {
        this.tokens = SqlToken.tokens(sql);
    }

    boolean hasNext() {
        return at < tokens.size();
    }

    SqlToken next() {
        if (!hasNext()) {
            throw new IllegalArgumentException("the statement ends too early");
        }
        return tokens.get(at++);
    }

    boolean nextIs(String keyword) {
        return is(0, keyword);
    }

    boolean nextIs(String keyword, String second) {
        return is(0, keyword) && is(1, second);
    }

    boolean nextIsOperator(String operator) {
        return hasNext() && tokens.get(at).isOperator(operator);
    }

    /** Steps over the keywords if they stand next, all of them or none. */
    boolean skip(String... keywords) {
        for (int i = 0; i < keywords.length; i++) {
            if (!is(i, keywords[i])) {
                return false;
            }
        }
        at += keywords.length;
        return true;
    }

    boolean skipOperator(String operator) {
        if (!nextIsOperator(operator)) {
            return false;
        }
        at++;
        return true;
    }

    void expect(String keyword) {
        if (!skip(keyword)) {
            throw new IllegalArgumentException("expected " + keyword + where());
        }
    }

    void expectOperator(String operator) {
        if (!skipOperator(operator)) {
            throw new IllegalArgumentException("expected " + operator + where());
        }
    }

    /** A name, without its quotes. */
    String name() {
        SqlToken token = next();
        if (!token.isName()) {
            throw new IllegalArgumentException("expected a name at offset " + token.start());
        }
        return token.unquoted();
    }

    /** The tokens up to the parenthesis that closes the one which stands next; both are stepped over. */
    List<SqlToken> group() {
        expectOperator("(");
        List<SqlToken> inner = new ArrayList<>();
        for (int depth = 1;;) {
            SqlToken token = next();
            if (token.isOperator("(")) {
                depth++;
            } else if (token.isOperator(")") && --depth == 0) {
                return inner;
            }
            inner.add(token);
        }
    }

    /** All tokens that are left. */
    List<SqlToken> rest() {
        List<SqlToken> rest = List.copyOf(tokens.subList(at, tokens.size()));
        at = tokens.size();
        return rest;
    }

    /** Splits at the commas that stand in no parentheses. */
    static List<List<SqlToken>> split(List<SqlToken> list) {
        List<List<SqlToken>> parts = new ArrayList<>();
        parts.add(new ArrayList<>());
        int depth = 0;
        for (SqlToken token : list) {
            if (token.isOperator(",") && depth == 0) {
                parts.add(new ArrayList<>());
                continue;
            }
            depth += token.isOperator("(") ? 1 : token.isOperator(")") ? -1 : 0;
            parts.get(parts.size() - 1).add(token);
        }
        return parts;
    }

    /**
     * Writes tokens as text again, without the comments between them: a comment that runs to the end of its line would
     * swallow whatever is appended to the text.
     */
    static String text(List<SqlToken> tokens) {
        StringBuilder text = new StringBuilder();
        SqlToken before = null;
        for (SqlToken token : tokens) {
            if (before != null && token.start() > before.end()) {
                text.append(' ');
            }
            text.append(token.text());
            before = token;
        }
        return text.toString();
    }

    private boolean is(int ahead, String keyword) {
        return at + ahead < tokens.size()
                && tokens.get(at + ahead).kind() == Kind.WORD && tokens.get(at + ahead).is(keyword);
    }

    private String where() {
        return hasNext() ? " at offset " + tokens.get(at).start() : " at the end";
    }
}
