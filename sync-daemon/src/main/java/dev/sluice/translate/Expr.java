package dev.sluice.translate;

import dev.sluice.change.Value;
import java.util.ArrayList;
import java.util.List;

/** An expression of SQLite's SQL, as parsed and before any name is resolved. */
sealed interface Expr {

    record Literal(Value value) implements Expr {}

    /**
     * A name that may be a column.
     *
     * @param table null if not qualified
     * @param quoted written in double quotes, so that it is a string where no column has the name
     */
    record Name(String schema, String table, String column, boolean quoted) implements Expr {}

    /** {@code CURRENT_TIMESTAMP}, {@code CURRENT_DATE} or {@code CURRENT_TIME}, in upper case. */
    record Current(String what) implements Expr {}

    /** {@code -}, {@code +}, {@code ~} or {@code NOT}. */
    record Unary(String operator, Expr operand) implements Expr {}

    /**
     * Arithmetic, comparison, {@code ||}, {@code ->}, {@code AND}, {@code OR}; {@code ==} and {@code !=} are
     * normalised.
     */
    record Binary(String operator, Expr left, Expr right) implements Expr {}

    record Is(Expr left, Expr right, boolean negated) implements Expr {}

    record Collate(Expr operand, String collation) implements Expr {}

    record Between(Expr operand, Expr low, Expr high, boolean negated) implements Expr {}

    record InList(Expr operand, List<Expr> items, boolean negated) implements Expr {}

    record InQuery(Expr operand, Query query, boolean negated) implements Expr {}

    /** {@code LIKE}, {@code GLOB}, {@code REGEXP} or {@code MATCH}. */
    record Like(String operator, Expr operand, Expr pattern, Expr escape, boolean negated) implements Expr {}

    record When(Expr condition, Expr result) {}

    /** @param operand null in a searched CASE; {@code otherwise} null if there is no ELSE */
    record Case(Expr operand, List<When> whens, Expr otherwise) implements Expr {}

    record Cast(Expr operand, String type) implements Expr {}

    record Exists(Query query) implements Expr {}

    record Scalar(Query query) implements Expr {}

    record Row(List<Expr> items) implements Expr {}

    /**
     * @param name in lower case
     * @param star {@code count(*)}
     * @param filter null if none
     * @param window null if it is no window function
     */
    record Call(String name, List<Expr> arguments, boolean distinct, boolean star, List<Query.Order> orderBy,
            Expr filter, Window window) implements Expr {}

    /**
     * @param base the name of a window in the WINDOW clause, or null
     * @param frame the frame as written, tokens joined by blanks, or null
     */
    record Window(String base, List<Expr> partitionBy, List<Query.Order> orderBy, String frame) {}

    /** The expressions directly inside this one, but none inside a subquery. */
    static List<Expr> children(Expr expr) {
        List<Expr> children = new ArrayList<>();
        if (expr instanceof Unary unary) {
            children.add(unary.operand());
        } else if (expr instanceof Binary binary) {
            children.addAll(List.of(binary.left(), binary.right()));
        } else if (expr instanceof Is is) {
            children.addAll(List.of(is.left(), is.right()));
        } else if (expr instanceof Collate collate) {
            children.add(collate.operand());
        } else if (expr instanceof Between between) {
            children.addAll(List.of(between.operand(), between.low(), between.high()));
        } else if (expr instanceof InList in) {
            children.add(in.operand());
            children.addAll(in.items());
        } else if (expr instanceof InQuery in) {
            children.add(in.operand());
        } else if (expr instanceof Like like) {
            children.addAll(List.of(like.operand(), like.pattern()));
        } else if (expr instanceof Case choice) {
            if (choice.operand() != null) {
                children.add(choice.operand());
            }
            choice.whens().forEach(when -> children.addAll(List.of(when.condition(), when.result())));
            if (choice.otherwise() != null) {
                children.add(choice.otherwise());
            }
        } else if (expr instanceof Cast cast) {
            children.add(cast.operand());
        } else if (expr instanceof Row row) {
            children.addAll(row.items());
        } else if (expr instanceof Call call) {
            children.addAll(call.arguments());
            if (call.window() != null) {
                children.addAll(call.window().partitionBy());
                call.window().orderBy().forEach(order -> children.add(order.expression()));
            }
        }
        return children;
    }
}
