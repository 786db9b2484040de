package dev.sluice.translate;

import dev.sluice.change.Value;
import dev.sluice.schema.Affinity;
import java.util.List;
import java.util.function.Function;

/**
 * Translates the expressions that stand in a table's declaration: CHECK, generated columns, index terms and partial
 * predicates. The answer is the same for the same row, or the expression is refused; only where 64-bit integers or
 * doubles overflow does PostgreSQL fail where SQLite goes on with a real, so that the row is reported and not altered.
 * Stateless.
 */
public final class ExpressionTranslator {

    private ExpressionTranslator() {}

    /** A value, for example an index term; a condition has the kind BOOLEAN and means SQLite's 0 or 1. */
    public static Translation translate(String sqliteExpression, Columns columns) {
        return translated(sqliteExpression, columns, expressions -> {
            Term term = expressions.render(Parser.expression(sqliteExpression));
            if (term.collation() != null && !term.collation().equals("BINARY")
                    && (term.kind().isText() || term.kind() == PgKind.JSON)) {
                return Term.of(Comparison.collated(expressions.text(term), term.collation()), PgKind.TEXT);
            }
            return term;
        });
    }

    /** A condition, for CHECK and WHERE: always of type boolean, true where SQLite's value is a number other than 0. */
    public static Translation condition(String sqliteExpression, Columns columns) {
        return translated(sqliteExpression, columns,
                expressions -> expressions.condition(Parser.expression(sqliteExpression)));
    }

    /**
     * The expression of a generated column: what is stored there, as the column's type in PostgreSQL.
     *
     * @param kind OTHER to take the expression's own type, which the answer then names; never BOOLEAN
     */
    public static Translation generated(String sqliteExpression, Columns columns, Affinity affinity, PgKind kind) {
        return translated(sqliteExpression, columns, expressions -> {
            Term term = Expressions.plain(expressions.render(Parser.expression(sqliteExpression)));
            Term stored = Functions.stored(expressions, term, affinity, kind);
            if (stored.constant() == null) {
                return stored;
            }
            PgKind type = kind != PgKind.OTHER ? kind : stored.isNull() ? PgKind.TEXT : stored.kind();
            return Term.of(literal(stored.constant(), type), type);
        });
    }

    private static String literal(Value value, PgKind kind) {
        boolean flag = kind == PgKind.BOOLEAN && value instanceof Value.Int n && (n.value() == 0 || n.value() == 1);
        boolean fits = switch (value.storageClass()) {
            case NULL -> true;
            case INTEGER -> kind == PgKind.INTEGER || kind == PgKind.NUMERIC || flag;
            case REAL -> kind == PgKind.DOUBLE;
            case TEXT -> kind.isText();
            case BLOB -> kind == PgKind.BYTEA;
        };
        if (!fits) {
            throw new Untranslatable("its constant does not fit the column's type in PostgreSQL");
        }
        return flag ? Boolean.toString(value.equals(Value.of(1))) : Constants.literal(value);
    }

    private static Translation translated(String sql, Columns columns, Function<Expressions, Term> rendering) {
        try {
            Expressions expressions = new Expressions(columns, Expressions.Place.DECLARATION);
            Term term = rendering.apply(expressions);
            return new Translation.Sql(term.sql(), term.kind(), List.copyOf(expressions.notes));
        } catch (Untranslatable e) {
            return new Translation.Refused(e.getMessage());
        }
    }
}
