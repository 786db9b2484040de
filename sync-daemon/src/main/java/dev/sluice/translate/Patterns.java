package dev.sluice.translate;

import dev.sluice.change.Value;

/** LIKE and GLOB. */
final class Patterns {

    private Patterns() {}

    static Term match(Expressions expressions, Expr.Like like) {
        Term operand = expressions.render(like.operand()).withCollation(null, false); // LIKE looks at no collation
        Term pattern = expressions.render(like.pattern()).withCollation(null, false);
        if (operand.isNull() || pattern.isNull()) {
            return Term.condition("NULL::boolean");
        }
        String sql = switch (like.operator()) {
            case "LIKE" -> like(expressions, operand, pattern, like.escape());
            case "GLOB" -> glob(expressions, operand, pattern);
            default -> throw new Untranslatable("it uses " + like.operator()
                    + ", which the application or an extension defines");
        };
        return Term.condition(like.negated() ? "(NOT " + sql + ")" : sql);
    }

    /**
     * SQLite's LIKE folds ASCII letters only and has no escape character unless one is given; PostgreSQL's is a
     * backslash.
     */
    private static String like(Expressions expressions, Term operand, Term pattern, Expr escape) {
        String escapeText = "";
        if (escape != null) {
            Term term = expressions.render(escape);
            escapeText = term.constant() instanceof Value.Text text ? Constants.text(text) : "";
            if (escapeText.codePointCount(0, escapeText.length()) != 1 || isLetter(escapeText.charAt(0))) {
                throw new Untranslatable("its LIKE has an escape character that is a letter or not constant");
            }
            if (!(pattern.constant() instanceof Value.Text text) || Constants.text(text).endsWith(escapeText)) {
                throw new Untranslatable("its LIKE pattern may end with the escape character");
            }
        }
        boolean letters = pattern.constant() == null
                || Constants.text(pattern.constant()).chars().anyMatch(Patterns::isLetter);
        String text = expressions.text(operand);
        String left = letters ? "lower(" + text + " COLLATE \"C\")" : "(" + text + " COLLATE \"C\")";
        String right = letters ? "lower(" + expressions.text(pattern) + " COLLATE \"C\")" : expressions.text(pattern);
        if (pattern.constant() != null) {
            right = Constants.literal(Identifiers.foldAscii(Constants.text(pattern.constant())));
        }
        return "(" + left + " LIKE " + right + " ESCAPE " + Constants.literal(escapeText) + ")";
    }

    private static boolean isLetter(int c) {
        return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z';
    }

    private static String glob(Expressions expressions, Term operand, Term pattern) {
        if (!(pattern.constant() instanceof Value.Text text)) {
            throw new Untranslatable("its GLOB pattern is not constant");
        }
        return "((" + expressions.text(operand) + " COLLATE \"C\") ~ " + Constants.literal(regex(Constants.text(text)))
                + ")";
    }

    /** A GLOB pattern as an anchored regular expression; by default PostgreSQL's dot matches a line end too. */
    private static String regex(String glob) {
        StringBuilder regex = new StringBuilder("^");
        int at = 0;
        while (at < glob.length()) {
            int c = glob.codePointAt(at);
            at += Character.charCount(c);
            if (c == '*') {
                regex.append(".*");
            } else if (c == '?') {
                regex.append('.');
            } else if (c == '[') {
                at = set(glob, at, regex);
            } else {
                literal(regex, c);
            }
        }
        return regex.append('$').toString();
    }

    /** Behind the opening bracket; returns the place behind the closing one. */
    private static int set(String glob, int start, StringBuilder regex) {
        int at = start;
        regex.append('[');
        if (at < glob.length() && glob.charAt(at) == '^') {
            regex.append('^');
            at++;
        }
        boolean first = true;
        while (at < glob.length()) {
            int c = glob.codePointAt(at);
            at += Character.charCount(c);
            if (c == ']' && !first) {
                regex.append(']');
                return at;
            }
            boolean range = at + 1 < glob.length() && glob.charAt(at) == '-' && glob.charAt(at + 1) != ']';
            if (range && !first && c == '-' || c > 0x7F) {
                throw new Untranslatable("its GLOB pattern has an unusual set of characters");
            }
            member(regex, c);
            if (range) {
                int end = glob.codePointAt(at + 1);
                if (end < c || end > 0x7F) {
                    throw new Untranslatable("its GLOB pattern has an unusual set of characters");
                }
                regex.append('-');
                member(regex, end);
                at += 2;
            }
            first = false;
        }
        throw new Untranslatable("its GLOB pattern has a bracket that is not closed");
    }

    private static void member(StringBuilder regex, int c) {
        if ("\\]^-[".indexOf(c) >= 0) {
            regex.append('\\');
        }
        regex.appendCodePoint(c);
    }

    private static void literal(StringBuilder regex, int c) {
        if ("\\^$.|?*+()[]{}".indexOf(c) >= 0) {
            regex.append('\\');
        }
        regex.appendCodePoint(c);
    }
}
