package dev.sluice.translate;

import dev.sluice.change.Value;
import dev.sluice.schema.Affinity;
import java.util.Set;

/**
 * Translates DEFAULT clauses: a literal becomes the value that SQLite stores, everything else an expression. Stateless.
 */
public final class DefaultTranslator {

    private static final Set<String> WORDS = Set.of("null", "current_timestamp", "current_date", "current_time");

    private DefaultTranslator() {}

    /**
     * @param defaultSql the text behind DEFAULT, with or without its parentheses
     * @param kind what the column is in PostgreSQL; a date or time column must also check the form of the answer
     */
    public static Default translate(String defaultSql, Affinity affinity, PgKind kind) {
        try {
            return translated(Parser.expression(defaultSql), affinity, kind);
        } catch (Untranslatable e) {
            return new Default.Refused(e.getMessage());
        }
    }

    private static Default translated(Expr expr, Affinity affinity, PgKind kind) {
        if (expr instanceof Expr.Name name && name.table() == null
                && !WORDS.contains(Identifiers.foldAscii(name.column()))) {
            String word = Identifiers.foldAscii(name.column());
            if (name.quoted() || !word.equals("true") && !word.equals("false")) {
                // DEFAULT abc and DEFAULT "abc" are the string abc
                return new Default.Literal(Constants.stored(Value.of(name.column()), affinity));
            }
        }
        Expressions expressions = new Expressions((table, column) -> null, Expressions.Place.DEFAULT);
        Term term = Expressions.plain(expressions.render(expr));
        if (term.constant() != null) {
            return new Default.Literal(Constants.stored(term.constant(), affinity));
        }
        boolean moment = kind == PgKind.TIMESTAMP || kind == PgKind.TIMESTAMPTZ || kind == PgKind.DATE
                || kind == PgKind.TIME;
        if (moment) {
            return moment(term, affinity, kind, form(expr, term));
        }
        if (kind == PgKind.UUID) {
            return uuid(term);
        }
        if (kind == PgKind.OTHER) {
            return new Default.Refused("the column's type in PostgreSQL does not tell what SQLite would store");
        }
        Term stored = Functions.stored(expressions, term, affinity, kind);
        return new Default.Expression(stored.sql(), form(expr, term));
    }

    /** Milliseconds are written as seconds times 1000. */
    private static String form(Expr expr, Term term) {
        if (expr instanceof Expr.Binary product && product.operator().equals("*")) {
            Expressions expressions = new Expressions((table, column) -> null, Expressions.Place.DEFAULT);
            Term left = expressions.render(product.left());
            Term right = expressions.render(product.right());
            boolean thousand = Value.of(1000).equals(right.constant()) || Value.of(1000).equals(left.constant());
            return thousand && ("%s".equals(left.form()) || "%s".equals(right.form())) ? "%s000" : null;
        }
        return term.form();
    }

    private static Default moment(Term term, Affinity affinity, PgKind kind, String form) {
        boolean date = form != null && form.contains("%Y") && form.contains("%m") && form.contains("%d");
        boolean time = form != null && form.contains("%H") && form.contains("%M")
                && (form.contains("%S") || form.contains("%f"));
        boolean epoch = form != null && form.startsWith("%s");
        boolean fits = switch (kind) {
            case DATE -> date && !time;
            case TIME -> time && !date;
            default -> date && time || epoch;
        };
        // Text in a numeric column stays text, a number in a text column becomes text: the form says which one it is
        if (!fits || epoch && !affinity.isNumeric() && term.kind() == PgKind.TEXT && affinity != Affinity.TEXT) {
            return new Default.Refused("its value is not what the other values of this date or time column are");
        }
        return new Default.Expression(Times.current(kind, form), form);
    }

    /** A text built of random parts is a UUID only if its form is right; PostgreSQL checks that with every row. */
    private static Default uuid(Term term) {
        return term.kind() == PgKind.TEXT
                ? new Default.Expression(term.sql() + "::uuid")
                : new Default.Refused("it yields " + Expressions.describe(term) + " for a UUID column");
    }
}
