package dev.sluice.translate;

import dev.sluice.change.Value;
import dev.sluice.schema.Affinity;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** SQLite's scalar functions, one by one; what is not here is refused. */
final class Functions {

    private static final Set<String> AGGREGATES = Set.of("count", "sum", "total", "avg", "group_concat", "string_agg",
            "json_group_array", "json_group_object", "jsonb_group_array", "jsonb_group_object", "median", "percentile");

    private final Expressions expressions;

    Functions(Expressions expressions) {
        this.expressions = expressions;
    }

    Term call(Expr.Call call) {
        List<Expr> arguments = call.arguments();
        boolean extreme = call.name().equals("min") || call.name().equals("max");
        if (AGGREGATES.contains(call.name()) || call.star() || call.distinct() || call.filter() != null
                || !call.orderBy().isEmpty() || extreme && arguments.size() == 1) {
            return expressions.aggregate(call);
        }
        List<Term> terms = new ArrayList<>();
        for (Expr argument : arguments) {
            Term term = expressions.render(argument);
            terms.add(extreme || call.name().equals("nullif") ? term : Expressions.plain(term));
        }
        Term answer = known(call.name(), terms);
        if (answer == null) {
            throw new Untranslatable("it uses the function " + call.name() + " with " + terms.size()
                    + (terms.size() == 1 ? " argument" : " arguments") + ", for which PostgreSQL has no equal");
        }
        return answer;
    }

    private Term known(String name, List<Term> a) {
        int n = a.size();
        boolean missing = a.stream().anyMatch(Term::isNull);
        switch (name) {
            case "ifnull", "coalesce":
                return n < 2 ? null : coalesce(a);
            case "iif", "if":
                return n == 3 ? expressions.choose(List.of(expressions.truth(a.get(0))), a.subList(1, 3))
                        : n == 2 ? expressions.choose(List.of(expressions.truth(a.get(0))),
                                List.of(a.get(1), Term.constant(Value.NULL))) : null;
            case "nullif":
                return n == 2 ? nullif(a.get(0), a.get(1)) : null;
            case "typeof":
                return n == 1 ? typeOf(a.get(0)) : null;
            case "min", "max":
                return n < 2 ? null : missing ? Term.constant(Value.NULL) : extreme(name, a);
            case "likely", "unlikely":
                return n == 1 ? a.get(0).withAffinity(null).withCollation(null, false) : null;
            case "likelihood":
                return n == 2 ? a.get(0).withAffinity(null).withCollation(null, false) : null;
            case "date", "time", "datetime", "strftime", "unixepoch", "julianday":
                return new Times(expressions).call(name, a);
            case "random", "randomblob":
                return random(name, a);
            case "json_valid":
                return n == 1 ? jsonValid(a.get(0)) : null;
            case "json_array", "json_object":
                return n == 0 ? Term.constant(Value.of(name.equals("json_array") ? "[]" : "{}")) : null;
            case "json":
                boolean empty = n == 1 && (Value.of("[]").equals(a.get(0).constant())
                        || Value.of("{}").equals(a.get(0).constant()));
                return empty ? a.get(0) : null;
            case "printf", "format":
                return n == 0 ? null : format(a);
            default:
                return missing ? nullIfKnown(name) : strict(name, a);
        }
    }

    /** Functions that answer NULL if any argument is NULL, as their PostgreSQL equals do. */
    private Term strict(String name, List<Term> a) {
        int n = a.size();
        switch (name) {
            case "length":
                return n == 1 ? length(a.get(0)) : null;
            case "octet_length":
                return n == 1 ? Term.of("octet_length("
                        + (a.get(0).kind() == PgKind.BYTEA ? a.get(0).sql() : text(a.get(0)))
                        + ")", PgKind.INTEGER).withFloor(0L, true) : null;
            case "lower", "upper":
                return n == 1 ? Term.of(name + "(" + text(a.get(0)) + " COLLATE \"C\")", PgKind.TEXT) : null;
            case "trim", "ltrim", "rtrim":
                String function = name.equals("trim") ? "btrim" : name;
                return n == 1 ? Term.of(function + "(" + text(a.get(0)) + ", ' ')", PgKind.TEXT)
                        : n == 2 ? Term.of(function + "(" + text(a.get(0)) + ", " + text(a.get(1)) + ")", PgKind.TEXT)
                        : null;
            case "replace":
                return n == 3 ? replace(a.get(0), a.get(1), a.get(2)) : null;
            case "substr", "substring":
                return n == 2 || n == 3 ? substring(a) : null;
            case "instr":
                return n == 2 ? instr(a.get(0), a.get(1)) : null;
            case "abs":
                return n == 1 && number(a.get(0)) ? absolute(a.get(0)) : null;
            case "round":
                return n == 1 && number(a.get(0)) ? round(a.get(0)) : refuseRounding(n);
            case "sign":
                return n == 1 && number(a.get(0))
                        ? Term.of("sign(" + Arithmetic.asDouble(a.get(0)) + ")::int", PgKind.INTEGER) : null;
            case "hex":
                return n == 1 ? hex(a.get(0)) : null;
            case "unicode":
                return n == 1 ? Term.of("nullif(ascii(" + text(a.get(0)) + "), 0)", PgKind.INTEGER).withFloor(1L, true)
                        : null;
            default:
                return null;
        }
    }

    private static Term nullIfKnown(String name) {
        return Set.of("length", "octet_length", "lower", "upper", "trim", "ltrim", "rtrim", "substr", "substring",
                "instr", "abs", "round", "sign", "unicode").contains(name) ? Term.constant(Value.NULL) : null;
    }

    private String text(Term term) {
        if (term.kind() == PgKind.BYTEA) {
            throw new Untranslatable("it uses a blob as a text");
        }
        return expressions.text(term);
    }

    /** A text under a collation with which every function of PostgreSQL works and compares bytes. */
    private String exact(Term term) {
        return text(term) + " COLLATE \"C\"";
    }

    private static boolean number(Term term) {
        return term.kind().isNumber();
    }

    private Term length(Term term) {
        String sql = term.kind() == PgKind.BYTEA ? "octet_length(" + term.sql() + ")" : "char_length(" + text(term)
                + ")";
        return Term.of(sql, PgKind.INTEGER).withFloor(0L, true);
    }

    /** A column of type json holds nothing else. */
    private static Term jsonValid(Term term) {
        if (term.kind() != PgKind.JSON && term.kind() != PgKind.JSONB) {
            throw new Untranslatable("it tests a text for valid JSON, which PostgreSQL can only since version 16");
        }
        return Term.condition("(CASE WHEN " + term.sql() + " IS NOT NULL THEN true END)");
    }

    private Term coalesce(List<Term> a) {
        Expressions.Unified unified = expressions.unify(a);
        if (a.stream().allMatch(Term::isNull)) {
            return Term.constant(Value.NULL);
        }
        return unified.shape().withSql("coalesce(" + String.join(", ", unified.sql()) + ")");
    }

    /** Functions compare their arguments without any affinity. */
    private Term nullif(Term a, Term b) {
        if (a.isNull() || b.isNull()) {
            return a.withAffinity(null).withCollation(null, false);
        }
        Term left = a.withAffinity(null);
        Term right = b.withAffinity(null);
        if (a.explicit() || b.explicit()) {
            throw new Untranslatable("it has COLLATE inside nullif");
        }
        String equal = expressions.comparison.compare("=", left, right).sql();
        String sql = "(CASE WHEN " + equal + " THEN NULL ELSE " + a.sql() + " END)";
        return Term.of(sql, a.kind()).withMixed(a.mixed()).withFloor(a.floor(), a.small()).withForm(a.form());
    }

    private Term typeOf(Term term) {
        if (term.isNull()) {
            return Term.constant(Value.of("null"));
        }
        String type = switch (term.kind()) {
            case BOOLEAN, INTEGER -> "integer";
            case TEXT, CITEXT, JSON -> "text";
            case BYTEA -> "blob";
            case DOUBLE -> term.mixed() ? null : "real";
            default -> null;
        };
        if (type == null) {
            throw new Untranslatable("it asks for the storage class of " + Expressions.describe(term));
        }
        return term.constant() != null ? Term.constant(Value.of(type))
                : Term.of("(CASE WHEN " + term.sql() + " IS NULL THEN 'null' ELSE '" + type + "' END)", PgKind.TEXT);
    }

    /** SQLite's answer is NULL if any argument is; PostgreSQL's greatest and least pass NULLs over. */
    private Term extreme(String name, List<Term> a) {
        Expressions.Unified unified = expressions.unify(a);
        PgKind kind = unified.shape().kind();
        List<String> operands = unified.sql();
        if (kind == PgKind.TEXT) {
            // The first argument with a collation decides
            String collation = a.stream().map(Term::collation).filter(c -> c != null).findFirst().orElse("BINARY");
            if (!collation.equals("BINARY") || a.stream().anyMatch(Term::explicit)) {
                throw new Untranslatable("it takes the " + name + " of texts under a collation");
            }
            operands = operands.stream().map(sql -> "(" + sql + " COLLATE \"C\")").toList();
        } else if (kind == PgKind.BOOLEAN) {
            operands = operands.stream().map(sql -> sql + "::int").toList();
        } else if (!kind.isNumber() && unified.shape().form() == null) {
            throw new Untranslatable("it takes the " + name + " of " + Expressions.describe(unified.shape()));
        }
        String missing = a.stream().filter(term -> term.constant() == null).map(term -> term.sql() + " IS NULL")
                .collect(Collectors.joining(" OR "));
        String best = (name.equals("min") ? "least(" : "greatest(") + String.join(", ", operands) + ")";
        Term shape = kind == PgKind.BOOLEAN ? Term.of("", PgKind.INTEGER).withFloor(0L, true) : unified.shape();
        return shape.withSql(missing.isEmpty() ? best : "(CASE WHEN " + missing + " THEN NULL ELSE " + best + " END)");
    }

    private Term substring(List<Term> a) {
        Term operand = a.get(0);
        Term start = a.get(1);
        String sql = operand.kind() == PgKind.BYTEA ? operand.sql() : text(operand);
        PgKind kind = operand.kind() == PgKind.BYTEA ? PgKind.BYTEA : PgKind.TEXT;
        if (start.constant() instanceof Value.Int from && from.value() < 0 && a.size() == 2 && kind == PgKind.TEXT
                && from.value() > Integer.MIN_VALUE) {
            return Term.of("right(" + sql + ", " + -from.value() + ")", kind);
        }
        boolean safe = isInteger(start) && start.floor() != null && start.floor() >= 1;
        if (a.size() == 3) {
            safe &= isInteger(a.get(2)) && a.get(2).floor() != null && a.get(2).floor() >= 0;
        }
        if (!safe) {
            throw new Untranslatable("it calls substr with a start below 1 or a length below 0, or perhaps so");
        }
        String part = "substr(" + sql + ", " + position(start) + (a.size() == 3 ? ", " + position(a.get(2)) : "") + ")";
        // Of an empty blob SQLite's substr makes NULL
        return Term.of(kind == PgKind.TEXT ? part : "(CASE WHEN octet_length(" + sql + ") > 0 THEN " + part + " END)",
                kind);
    }

    /** PostgreSQL's positions are 32 bits wide. */
    private static String position(Term term) {
        if (term.constant() instanceof Value.Int number) {
            return Long.toString(Math.min(number.value(), 1 << 30));
        }
        return term.sql() + "::int";
    }

    private static boolean isInteger(Term term) {
        return term.kind() == PgKind.INTEGER;
    }

    private Term instr(Term haystack, Term needle) {
        if (haystack.kind() == PgKind.BYTEA && needle.kind() == PgKind.BYTEA) {
            return Term.of("position(" + needle.sql() + " IN " + haystack.sql() + ")", PgKind.INTEGER)
                    .withFloor(0L, true);
        }
        return Term.of("strpos(" + exact(haystack) + ", " + text(needle) + ")", PgKind.INTEGER).withFloor(0L, true);
    }

    /** With an empty pattern SQLite's answer is the first argument, whatever the third is. */
    private Term replace(Term term, Term pattern, Term replacement) {
        String sql = "replace(" + exact(term) + ", " + text(pattern) + ", " + text(replacement) + ")";
        if (pattern.constant() != null) {
            return Constants.text(pattern.constant()).isEmpty() ? firstArgument(term) : Term.of(sql, PgKind.TEXT);
        }
        return replacement.constant() != null && term.kind() == PgKind.TEXT ? Term.of(sql, PgKind.TEXT)
                : Term.of("(CASE WHEN " + text(pattern) + " = '' THEN " + firstArgument(term).sql() + " ELSE " + sql
                + " END)",
                        PgKind.TEXT);
    }

    private Term firstArgument(Term term) {
        if (!term.kind().isText()) {
            throw new Untranslatable("it calls replace with a number and a pattern that may be empty");
        }
        return term.constant() != null ? Term.constant(term.constant()) : Term.of(text(term), PgKind.TEXT);
    }

    private Term absolute(Term term) {
        if (term.kind() == PgKind.DOUBLE || term.kind() == PgKind.NUMERIC) {
            return Term.of("abs(" + term.sql() + ")", term.kind()).withMixed(term.mixed());
        }
        return Term.of("abs(" + Arithmetic.wide(term) + ")", PgKind.INTEGER).withWide().withFloor(0L, false);
    }

    /**
     * SQLite rounds half away from zero; PostgreSQL rounds a double half to even. The answer is a real even of an
     * integer.
     */
    private Term round(Term term) {
        if (isInteger(term) || term.kind() == PgKind.BOOLEAN) {
            return Term.of(Arithmetic.asDouble(term), PgKind.DOUBLE);
        }
        String x = Arithmetic.asDouble(term);
        // + 0.0 makes 0.0 of -0.0, as SQLite's detour over an integer does
        return Term.of("(trunc(" + x + " + (CASE WHEN " + x + " < 0 THEN -0.5 ELSE 0.5 END)::double precision) + 0.0)",
                PgKind.DOUBLE);
    }

    private static Term refuseRounding(int arguments) {
        if (arguments == 2) {
            throw new Untranslatable("it rounds to decimal places, which SQLite does on the binary fraction and "
                    + "PostgreSQL"
                    + " on the decimal one");
        }
        return null;
    }

    private Term hex(Term term) {
        if (term.kind() == PgKind.BYTEA) {
            String digits = "upper(encode(" + term.sql() + ", 'hex'))";
            boolean column = term.affinity() != null; // hex(NULL) is the empty text; random bytes are never NULL
            return Term.of(column ? "coalesce(" + digits + ", '')" : digits, PgKind.TEXT);
        }
        if (expressions.place == Expressions.Place.DECLARATION) {
            throw new Untranslatable("it takes the bytes of a text, which PostgreSQL does not allow in an index "
                    + "or constraint");
        }
        return Term.of("coalesce(upper(encode(convert_to(" + text(term) + ", 'UTF8'), 'hex')), '')", PgKind.TEXT);
    }

    /** {@code %s}, {@code %d} and {@code %%} without flags or widths; SQLite prints NULL as nothing or 0. */
    private Term format(List<Term> a) {
        if (!(a.get(0).constant() instanceof Value.Text pattern)) {
            throw new Untranslatable("its printf pattern is not constant");
        }
        String format = Constants.text(pattern);
        List<String> parts = new ArrayList<>();
        StringBuilder fixed = new StringBuilder();
        int argument = 1;
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%') {
                fixed.append(c);
                continue;
            }
            char directive = ++i < format.length() ? format.charAt(i) : 0;
            if (directive == '%') {
                fixed.append('%');
                continue;
            }
            boolean usable = argument < a.size() && (directive == 's' || directive == 'd'
                    && isInteger(a.get(argument)));
            if (!usable) {
                throw new Untranslatable("its printf pattern has a directive other than a plain %s or %d");
            }
            parts.add(Constants.literal(fixed.toString()));
            fixed.setLength(0);
            parts.add("coalesce(" + text(a.get(argument++)) + (directive == 's' ? ", '')" : ", '0')"));
        }
        parts.add(Constants.literal(fixed.toString()));
        parts.removeIf(part -> part.equals("''"));
        return parts.isEmpty() ? Term.constant(Value.of(""))
                : Term.of("(" + String.join(" || ", parts) + ")", PgKind.TEXT);
    }

    private Term random(String name, List<Term> a) {
        if (expressions.place != Expressions.Place.DEFAULT) {
            throw new Untranslatable("it uses random numbers");
        }
        if (name.equals("random")) {
            return Term.of("('x' || substr(md5(gen_random_uuid()::text), 1, 16))::bit(64)::bigint", PgKind.INTEGER)
                    .withSql("(('x' || substr(md5(gen_random_uuid()::text), 1, 16))::bit(64)::bigint)").withWide();
        }
        if (a.size() != 1 || !(a.get(0).constant() instanceof Value.Int size) || size.value() < 1
                || size.value() > 1024) {
            throw new Untranslatable("it makes a random blob whose size is not between 1 and 1,024 bytes for certain");
        }
        int digits = (int) size.value() * 2;
        // A version-4 UUID has 122 random bits; md5 spreads them over all 128
        String md5 = String.join(" || ", Collections.nCopies((digits + 31) / 32, "md5(gen_random_uuid()::text)"));
        return Term.of("decode(substr(" + md5 + ", 1, " + digits + "), 'hex')", PgKind.BYTEA);
    }

    /** CURRENT_TIMESTAMP and its like. */
    Term current(String what) {
        return new Times(expressions).call(switch (what) {
            case "CURRENT_DATE" -> "date";
            case "CURRENT_TIME" -> "time";
            default -> "datetime";
        }, List.of());
    }

    /** What storing into a column of that affinity makes of a term, as PostgreSQL's type of the column. */
    static Term stored(Expressions expressions, Term term, Affinity affinity, PgKind kind) {
        if (term.constant() != null) {
            return Term.constant(Constants.stored(term.constant(), affinity));
        }
        Term stored = term;
        switch (affinity) {
            case TEXT:
                stored = term.kind().isNumber() ? expressions.cast(term, Affinity.TEXT) : term;
                break;
            case INTEGER, NUMERIC:
                if (term.number() != null) {
                    stored = expressions.cast(term, Affinity.INTEGER);
                } else if (mayBeNumber(term)) {
                    throw new Untranslatable("SQLite stores its text as a number if it looks like one");
                } else if (term.kind() == PgKind.DOUBLE) {
                    stored = term.withMixed(true);
                }
                break;
            case REAL:
                if (mayBeNumber(term)) {
                    throw new Untranslatable("SQLite stores its text as a number if it looks like one");
                }
                stored = term.kind().isNumber() ? expressions.cast(term, Affinity.REAL) : term;
                break;
            default:
                break;
        }
        return as(expressions, stored, kind);
    }

    /** False for a date or time with its separators. */
    private static boolean mayBeNumber(Term term) {
        boolean separated = term.form() != null && (term.form().contains("-%") || term.form().contains(":%"));
        return !separated && (term.kind().isText() || term.kind() == PgKind.JSON);
    }

    /** The term as PostgreSQL's type {@code kind}, where every value of it has one there. */
    private static Term as(Expressions expressions, Term term, PgKind kind) {
        if (kind == PgKind.OTHER) {
            return expressions.integer(term);
        }
        boolean fits = term.kind() == kind
                || kind == PgKind.INTEGER && term.kind() == PgKind.BOOLEAN
                || kind == PgKind.NUMERIC && (term.kind() == PgKind.INTEGER || term.kind() == PgKind.BOOLEAN)
                || kind.isText() && (term.kind().isText() || term.kind() == PgKind.JSON);
        if (!fits) {
            throw new Untranslatable("it yields " + Expressions.describe(term) + " for a column that is "
                    + Expressions.describe(Term.of("", kind)) + " in PostgreSQL");
        }
        if (kind == PgKind.INTEGER || kind == PgKind.NUMERIC) {
            return expressions.integer(term);
        }
        return kind == PgKind.TEXT ? term.withSql(expressions.text(term)) : term;
    }
}
