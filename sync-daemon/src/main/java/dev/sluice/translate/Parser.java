package dev.sluice.translate;

import dev.sluice.change.Value;
import dev.sluice.schema.SqlToken;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Reads SQLite's expressions and SELECT statements by the precedence of its grammar (parse.y). The text was accepted by
 * SQLite, so this parser need not find errors: what it does not know ends in {@link Untranslatable}.
 */
final class Parser {

    /** Words that end a result column or table, so that they are no alias without AS. */
    private static final Set<String> NO_ALIAS = Set.of("FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT",
            "OFFSET", "UNION", "INTERSECT", "EXCEPT", "ON", "USING", "JOIN", "NATURAL", "LEFT", "RIGHT", "FULL",
                    "INNER",
            "CROSS", "OUTER", "INDEXED", "NOT", "AS", "SET", "VALUES", "SELECT", "THEN", "WHEN", "ELSE", "END", "AND",
            "OR");

    private final String sql;
    private final List<SqlToken> tokens;
    private int at;

    private Parser(String sql) {
        this.sql = sql;
        try {
            this.tokens = SqlToken.tokens(sql);
        } catch (IllegalArgumentException e) {
            throw new Untranslatable("it holds a character that no SQL of SQLite has");
        }
    }

    /** Reads a text that is one expression. */
    static Expr expression(String sql) {
        Parser parser = new Parser(sql);
        Expr expression = parser.or();
        parser.expectEnd();
        return expression;
    }

    /** A view: its column list (empty if not given) and its query. */
    record View(List<String> columns, Query query) {}

    /** Reads a whole CREATE VIEW statement. */
    static View view(String sql) {
        Parser parser = new Parser(sql);
        while (!parser.peekIs("VIEW")) {
            parser.next();
        }
        parser.next();
        if (parser.accept("IF")) {
            parser.expect("NOT");
            parser.expect("EXISTS");
        }
        parser.name();
        if (parser.acceptOperator(".")) {
            parser.name();
        }
        List<String> columns = parser.peekOperator("(") ? parser.names() : List.of();
        parser.expect("AS");
        Query query = parser.query();
        parser.acceptOperator(";");
        parser.expectEnd();
        return new View(columns, query);
    }

    // -- expressions, loosest first ----------------------------------------------------------------------------------

    private Expr or() {
        Expr left = and();
        while (accept("OR")) {
            left = new Expr.Binary("OR", left, and());
        }
        return left;
    }

    private Expr and() {
        Expr left = not();
        while (accept("AND")) {
            left = new Expr.Binary("AND", left, not());
        }
        return left;
    }

    private Expr not() {
        if (accept("NOT")) {
            return new Expr.Unary("NOT", not());
        }
        return equality();
    }

    private Expr equality() {
        Expr left = comparison();
        while (true) {
            if (acceptOperator("=") || acceptOperator("==")) {
                left = new Expr.Binary("=", left, comparison());
            } else if (acceptOperator("<>") || acceptOperator("!=")) {
                left = new Expr.Binary("<>", left, comparison());
            } else if (accept("ISNULL")) {
                left = new Expr.Is(left, new Expr.Literal(Value.NULL), false);
            } else if (accept("NOTNULL")) {
                left = new Expr.Is(left, new Expr.Literal(Value.NULL), true);
            } else if (accept("IS")) {
                boolean negated = accept("NOT");
                if (accept("DISTINCT")) {
                    expect("FROM");
                    negated = !negated;
                }
                left = new Expr.Is(left, comparison(), negated);
            } else if (peekIs("NOT") && peekIs(1, "NULL")) {
                at += 2;
                left = new Expr.Is(left, new Expr.Literal(Value.NULL), true);
            } else {
                boolean negated = peekIs("NOT")
                        && (peekIs(1, "IN") || peekIs(1, "LIKE") || peekIs(1, "GLOB") || peekIs(1, "REGEXP")
                                || peekIs(1, "MATCH") || peekIs(1, "BETWEEN"));
                if (negated) {
                    next();
                }
                if (accept("BETWEEN")) {
                    Expr low = comparison();
                    expect("AND");
                    left = new Expr.Between(left, low, comparison(), negated);
                } else if (accept("IN")) {
                    left = in(left, negated);
                } else if (peekIs("LIKE") || peekIs("GLOB") || peekIs("REGEXP") || peekIs("MATCH")) {
                    String operator = next().upper();
                    Expr pattern = comparison();
                    Expr escape = accept("ESCAPE") ? comparison() : null;
                    left = new Expr.Like(operator, left, pattern, escape, negated);
                } else {
                    return left;
                }
            }
        }
    }

    private Expr in(Expr operand, boolean negated) {
        if (!acceptOperator("(")) {
            String name = name();
            if (peekOperator("(") || peekOperator(".")) {
                throw new Untranslatable("it looks for a value in a table-valued function or another database");
            }
            Query.Select all = new Query.Select(false, List.of(new Query.Output(null, null, null, "*")),
                    new Query.Table(null, name, null), null, List.of(), null, Map.of());
            return new Expr.InQuery(operand,
                    new Query(List.of(), false, List.of(all), List.of(), List.of(), null, null), negated);
        }
        if (startsQuery()) {
            Query query = query();
            expectOperator(")");
            return new Expr.InQuery(operand, query, negated);
        }
        List<Expr> items = peekOperator(")") ? List.of() : expressions();
        expectOperator(")");
        return new Expr.InList(operand, items, negated);
    }

    private Expr comparison() {
        Expr left = bits();
        while (peekOperator("<") || peekOperator("<=") || peekOperator(">") || peekOperator(">=")) {
            left = new Expr.Binary(next().text(), left, bits());
        }
        return left;
    }

    private Expr bits() {
        Expr left = sum();
        while (peekOperator("&") || peekOperator("|") || peekOperator("<<") || peekOperator(">>")) {
            left = new Expr.Binary(next().text(), left, sum());
        }
        return left;
    }

    private Expr sum() {
        Expr left = product();
        while (peekOperator("+") || peekOperator("-")) {
            left = new Expr.Binary(next().text(), left, product());
        }
        return left;
    }

    private Expr product() {
        Expr left = concatenation();
        while (peekOperator("*") || peekOperator("/") || peekOperator("%")) {
            left = new Expr.Binary(next().text(), left, concatenation());
        }
        return left;
    }

    private Expr concatenation() {
        Expr left = collated();
        while (peekOperator("||") || peekOperator("->") || peekOperator("->>")) {
            left = new Expr.Binary(next().text(), left, collated());
        }
        return left;
    }

    private Expr collated() {
        Expr operand = unary();
        while (accept("COLLATE")) {
            operand = new Expr.Collate(operand, name().toUpperCase(Locale.ROOT));
        }
        return operand;
    }

    private Expr unary() {
        if (peekOperator("-") || peekOperator("+") || peekOperator("~")) {
            String operator = next().text();
            if (operator.equals("-") && peek() != null && peek().kind() == SqlToken.Kind.NUMBER) {
                return new Expr.Literal(number("-" + next().text()));
            }
            return new Expr.Unary(operator, unary());
        }
        if (accept("NOT")) { // a = NOT b: SQLite reads everything down to '=' as NOT's operand
            return new Expr.Unary("NOT", equality());
        }
        return primary();
    }

    private Expr primary() {
        SqlToken token = next();
        switch (token.kind()) {
            case NUMBER:
                return new Expr.Literal(number(token.text()));
            case STRING:
                return new Expr.Literal(Value.of(token.unquoted()));
            case BLOB:
                return new Expr.Literal(
                        Value.of(HexFormat.of().parseHex(token.text().substring(2, token.text().length() - 1))));
            case PARAMETER:
                throw new Untranslatable("it holds a parameter");
            case OPERATOR:
                if (token.isOperator("(")) {
                    return parenthesised();
                }
                throw unknown(token);
            case QUOTED:
                return qualified(token);
            default:
                return word(token);
        }
    }

    private Expr parenthesised() {
        if (startsQuery()) {
            Query query = query();
            expectOperator(")");
            return new Expr.Scalar(query);
        }
        List<Expr> items = expressions();
        expectOperator(")");
        return items.size() == 1 ? items.get(0) : new Expr.Row(items);
    }

    private Expr word(SqlToken token) {
        switch (token.upper()) {
            case "NULL":
                return new Expr.Literal(Value.NULL);
            case "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME":
                return new Expr.Current(token.upper());
            case "CASE":
                return caseOf();
            case "CAST":
                if (acceptOperator("(")) {
                    Expr operand = or();
                    expect("AS");
                    StringBuilder type = new StringBuilder();
                    int depth = 0;
                    while (depth > 0 || !peekOperator(")")) {
                        SqlToken part = next();
                        depth += part.isOperator("(") ? 1 : part.isOperator(")") ? -1 : 0;
                        type.append(type.isEmpty() ? "" : " ").append(part.unquoted());
                    }
                    expectOperator(")");
                    return new Expr.Cast(operand, type.toString());
                }
                return qualified(token);
            case "EXISTS":
                if (acceptOperator("(")) {
                    Query query = query();
                    expectOperator(")");
                    return new Expr.Exists(query);
                }
                return qualified(token);
            case "RAISE":
                throw new Untranslatable("RAISE has a meaning in triggers only");
            default:
                return peekOperator("(") ? call(token) : qualified(token);
        }
    }

    private Expr caseOf() {
        Expr operand = peekIs("WHEN") ? null : or();
        List<Expr.When> whens = new ArrayList<>();
        while (accept("WHEN")) {
            Expr condition = or();
            expect("THEN");
            whens.add(new Expr.When(condition, or()));
        }
        Expr otherwise = accept("ELSE") ? or() : null;
        expect("END");
        return new Expr.Case(operand, whens, otherwise);
    }

    private Expr call(SqlToken name) {
        expectOperator("(");
        boolean distinct = accept("DISTINCT");
        boolean star = false;
        List<Expr> arguments = List.of();
        if (acceptOperator("*")) {
            star = true;
        } else if (!peekOperator(")") && !peekIs("ORDER")) {
            arguments = expressions();
        }
        List<Query.Order> orderBy = orderBy();
        expectOperator(")");
        Expr filter = null;
        if (peekIs("FILTER") && peekOperator(1, "(")) {
            at += 2;
            expect("WHERE");
            filter = or();
            expectOperator(")");
        }
        Expr.Window window = null;
        if (accept("OVER")) {
            window = acceptOperator("(") ? window() : new Expr.Window(name(), List.of(), List.of(), null);
        }
        return new Expr.Call(Identifiers.foldAscii(name.unquoted()), arguments, distinct, star, orderBy, filter,
                window);
    }

    /** Behind its opening parenthesis. */
    private Expr.Window window() {
        String base = null;
        if (!peekOperator(")") && !peekIs("PARTITION") && !peekIs("ORDER") && !peekIs("ROWS") && !peekIs("RANGE")
                && !peekIs("GROUPS")) {
            base = name();
        }
        List<Expr> partitionBy = List.of();
        if (accept("PARTITION")) {
            expect("BY");
            partitionBy = expressions();
        }
        List<Query.Order> orderBy = orderBy();
        StringBuilder frame = new StringBuilder();
        while (!peekOperator(")")) {
            SqlToken part = next();
            if (part.kind() != SqlToken.Kind.WORD && part.kind() != SqlToken.Kind.NUMBER) {
                throw new Untranslatable("a window's frame is given by an expression");
            }
            frame.append(frame.isEmpty() ? "" : " ").append(part.upper());
        }
        expectOperator(")");
        return new Expr.Window(base, partitionBy, orderBy, frame.isEmpty() ? null : frame.toString());
    }

    private Expr qualified(SqlToken first) {
        boolean quoted = first.kind() == SqlToken.Kind.QUOTED && first.text().charAt(0) == '"';
        if (!acceptOperator(".")) {
            return new Expr.Name(null, null, first.unquoted(), quoted);
        }
        String second = name();
        if (!acceptOperator(".")) {
            return new Expr.Name(null, first.unquoted(), second, false);
        }
        return new Expr.Name(first.unquoted(), second, name(), false);
    }

    private List<Expr> expressions() {
        List<Expr> items = new ArrayList<>();
        do {
            items.add(or());
        } while (acceptOperator(","));
        return items;
    }

    /** A numeric literal by SQLite's rules: too large for 64 bits is a real, unless it is hexadecimal. */
    static Value number(String text) {
        String digits = text.replace("_", "");
        boolean negative = digits.startsWith("-");
        String plain = negative ? digits.substring(1) : digits;
        if (plain.startsWith("0x") || plain.startsWith("0X")) {
            long bits = new BigInteger(plain.substring(2), 16).longValue();
            return Value.of(negative ? -bits : bits);
        }
        if (plain.chars().allMatch(c -> c >= '0' && c <= '9')) {
            BigInteger exact = new BigInteger(digits);
            if (exact.bitLength() <= 63) {
                return Value.of(exact.longValue());
            }
        }
        return Value.of(Double.parseDouble(digits));
    }

    // -- queries -----------------------------------------------------------------------------------------------------

    private boolean startsQuery() {
        return peekIs("SELECT") || peekIs("VALUES") && peekOperator(1, "(") || peekIs("WITH");
    }

    private Query query() {
        List<Query.Common> with = new ArrayList<>();
        boolean recursive = false;
        if (accept("WITH")) {
            recursive = accept("RECURSIVE");
            do {
                String name = name();
                List<String> columns = peekOperator("(") ? names() : List.of();
                expect("AS");
                accept("NOT");
                accept("MATERIALIZED");
                expectOperator("(");
                with.add(new Query.Common(name, columns, query()));
                expectOperator(")");
            } while (acceptOperator(","));
        }
        List<Query.Core> cores = new ArrayList<>();
        List<String> operators = new ArrayList<>();
        cores.add(core());
        while (peekIs("UNION") || peekIs("INTERSECT") || peekIs("EXCEPT")) {
            String operator = next().upper();
            operators.add(operator.equals("UNION") && accept("ALL") ? "UNION ALL" : operator);
            cores.add(core());
        }
        List<Query.Order> orderBy = orderBy();
        Expr limit = null;
        Expr offset = null;
        if (accept("LIMIT")) {
            limit = or();
            if (accept("OFFSET")) {
                offset = or();
            } else if (acceptOperator(",")) { // LIMIT offset, limit
                offset = limit;
                limit = or();
            }
        }
        return new Query(with, recursive, cores, operators, orderBy, limit, offset);
    }

    private Query.Core core() {
        if (accept("VALUES")) {
            List<List<Expr>> rows = new ArrayList<>();
            do {
                expectOperator("(");
                rows.add(expressions());
                expectOperator(")");
            } while (acceptOperator(","));
            return new Query.Values(rows);
        }
        expect("SELECT");
        boolean distinct = accept("DISTINCT");
        accept("ALL");
        List<Query.Output> outputs = new ArrayList<>();
        do {
            outputs.add(output());
        } while (acceptOperator(","));
        Query.From from = accept("FROM") ? from() : null;
        Expr where = accept("WHERE") ? or() : null;
        List<Expr> groupBy = List.of();
        if (accept("GROUP")) {
            expect("BY");
            groupBy = expressions();
        }
        Expr having = accept("HAVING") ? or() : null;
        Map<String, Expr.Window> windows = new LinkedHashMap<>();
        if (accept("WINDOW")) {
            do {
                String name = name();
                expect("AS");
                expectOperator("(");
                windows.put(Identifiers.foldAscii(name), window());
            } while (acceptOperator(","));
        }
        return new Query.Select(distinct, outputs, from, where, groupBy, having, windows);
    }

    private Query.Output output() {
        if (acceptOperator("*")) {
            return new Query.Output(null, null, null, "*");
        }
        if (peek() != null && peek().isName() && peekOperator(1, ".") && peekOperator(2, "*")) {
            String table = name();
            at += 2;
            return new Query.Output(null, table, null, "*");
        }
        int start = tokens.get(at).start();
        Expr expression = or();
        String text = sql.substring(start, tokens.get(at - 1).end());
        return new Query.Output(expression, null, alias(), text);
    }

    private String alias() {
        if (accept("AS")) {
            return name();
        }
        SqlToken token = peek();
        boolean alias = token != null && token.isName()
                && !(token.kind() == SqlToken.Kind.WORD && NO_ALIAS.contains(token.upper()));
        return alias ? name() : null;
    }

    private Query.From from() {
        Query.From left = source();
        while (true) {
            if (acceptOperator(",")) {
                left = joined(left, "INNER", false);
                continue;
            }
            int before = at;
            boolean natural = accept("NATURAL");
            String kind = "INNER";
            while (peekIs("LEFT") || peekIs("RIGHT") || peekIs("FULL") || peekIs("INNER") || peekIs("CROSS")
                    || peekIs("OUTER") || peekIs("NATURAL")) {
                String word = next().upper();
                natural |= word.equals("NATURAL");
                kind = word.equals("LEFT") || word.equals("RIGHT") || word.equals("FULL") ? word : kind;
            }
            if (!accept("JOIN")) {
                at = before;
                return left;
            }
            left = joined(left, kind, natural);
        }
    }

    private Query.From joined(Query.From left, String kind, boolean natural) {
        Query.From right = source();
        Expr on = accept("ON") ? or() : null;
        List<String> using = accept("USING") ? names() : List.of();
        return new Query.Join(left, right, kind, natural, on, using);
    }

    private Query.From source() {
        if (acceptOperator("(")) {
            if (startsQuery()) {
                Query query = query();
                expectOperator(")");
                return new Query.Derived(query, alias());
            }
            Query.From inner = from();
            expectOperator(")");
            if (alias() != null) {
                throw new Untranslatable("a join in parentheses has a name of its own");
            }
            return inner;
        }
        String schema = null;
        String name = name();
        if (acceptOperator(".")) {
            schema = name;
            name = name();
        }
        if (peekOperator("(")) {
            throw new Untranslatable("it reads from the table-valued function " + name);
        }
        String alias = alias();
        if (accept("INDEXED")) {
            expect("BY");
            name();
        } else if (peekIs("NOT") && peekIs(1, "INDEXED")) {
            at += 2;
        }
        return new Query.Table(schema, name, alias);
    }

    private List<Query.Order> orderBy() {
        if (!accept("ORDER")) {
            return List.of();
        }
        expect("BY");
        List<Query.Order> terms = new ArrayList<>();
        do {
            Expr expression = or();
            boolean descending = accept("DESC");
            if (!descending) {
                accept("ASC");
            }
            String nulls = accept("NULLS") ? next().upper() : null;
            terms.add(new Query.Order(expression, descending, nulls));
        } while (acceptOperator(","));
        return terms;
    }

    private List<String> names() {
        List<String> names = new ArrayList<>();
        expectOperator("(");
        do {
            names.add(name());
        } while (acceptOperator(","));
        expectOperator(")");
        return names;
    }

    // -- tokens ------------------------------------------------------------------------------------------------------

    private SqlToken peek() {
        return peek(0);
    }

    private SqlToken peek(int ahead) {
        return at + ahead < tokens.size() ? tokens.get(at + ahead) : null;
    }

    private boolean peekIs(String keyword) {
        return peekIs(0, keyword);
    }

    private boolean peekIs(int ahead, String keyword) {
        return peek(ahead) != null && peek(ahead).is(keyword);
    }

    private boolean peekOperator(String operator) {
        return peekOperator(0, operator);
    }

    private boolean peekOperator(int ahead, String operator) {
        return peek(ahead) != null && peek(ahead).isOperator(operator);
    }

    private SqlToken next() {
        if (at == tokens.size()) {
            throw new Untranslatable("it ends too early");
        }
        return tokens.get(at++);
    }

    private boolean accept(String keyword) {
        if (peekIs(keyword)) {
            at++;
            return true;
        }
        return false;
    }

    private boolean acceptOperator(String operator) {
        if (peekOperator(operator)) {
            at++;
            return true;
        }
        return false;
    }

    private void expect(String keyword) {
        SqlToken token = next();
        if (!token.is(keyword)) {
            throw unknown(token);
        }
    }

    private void expectOperator(String operator) {
        SqlToken token = next();
        if (!token.isOperator(operator)) {
            throw unknown(token);
        }
    }

    private void expectEnd() {
        if (at < tokens.size()) {
            throw unknown(tokens.get(at));
        }
    }

    private String name() {
        SqlToken token = next();
        if (!token.isName()) {
            throw unknown(token);
        }
        return token.unquoted();
    }

    private static Untranslatable unknown(SqlToken token) {
        return new Untranslatable("its form is not known here (at " + token.text() + ")");
    }
}
