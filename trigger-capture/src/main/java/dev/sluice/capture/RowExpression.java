package dev.sluice.capture;

import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceTable;
import dev.sluice.schema.SqlToken;
import dev.sluice.schema.SqlToken.Kind;
import dev.sluice.sqlite.SqlText;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * An expression over one row of a table (an index's term or predicate, a DEFAULT, a generated column), made fit to
 * stand in a trigger: without table qualifiers, which an alias would break, and with every {@code "text"} that is no
 * column turned into the string that SQLite takes it for, because a library built with SQLITE_DQS=0 does so in
 * indexes only.
 */
final class RowExpression {

    private static final Set<String> COMPARING_OPERATORS = Set.of("=", "==", "!=", "<>", "<", ">", "<=", ">=");
    private static final Set<String> COMPARING_WORDS = Set.of("IN", "BETWEEN", "NULLIF", "MIN", "MAX");

    private final List<SqlToken> tokens;
    private final String sql;
    private final Set<String> columns = new LinkedHashSet<>();

    RowExpression(SourceTable table, String text) {
        this.tokens = SqlToken.tokens(text);
        StringBuilder sql = new StringBuilder();
        int end = -1;
        for (int i = 0; i < tokens.size(); i++) {
            SqlToken token = tokens.get(i);
            if (qualifies(i)) {
                i++; // and the dot
                continue;
            }
            if (end >= 0 && token.start() > end) {
                sql.append(' ');
            }
            end = token.end();
            SourceColumn column = token.kind() == Kind.WORD || token.kind() == Kind.QUOTED
                    ? table.column(token.unquoted()) : null;
            if (column != null) {
                columns.add(column.name());
            }
            boolean string = column == null && token.kind() == Kind.QUOTED && token.text().charAt(0) == '"';
            sql.append(string ? SqlText.literal(token.unquoted()) : token.text());
        }
        this.sql = sql.toString();
    }

    private boolean qualifies(int i) {
        return tokens.get(i).isName() && i + 1 < tokens.size() && tokens.get(i + 1).isOperator(".");
    }

    String sql() {
        return sql;
    }

    /** Columns that it names; perhaps one too many, where a type or a function is called like a column. */
    List<String> columns() {
        return new ArrayList<>(columns);
    }

    /**
     * True if its value may depend on the affinity or the collation of the columns it names, which {@code NEW.column}
     * does not have (SQLite gives a trigger's NEW and OLD no affinity).
     */
    boolean compares() {
        for (int i = 0; i < tokens.size(); i++) {
            SqlToken token = tokens.get(i);
            if (token.kind() == Kind.OPERATOR && COMPARING_OPERATORS.contains(token.text())) {
                return true;
            }
            if (token.kind() != Kind.WORD) {
                continue;
            }
            if (COMPARING_WORDS.contains(token.text().toUpperCase(Locale.ROOT))
                    || token.is("IS") && !wordAt(i + 1, "NULL") && !(wordAt(i + 1, "NOT") && wordAt(i + 2, "NULL"))
                    || token.is("CASE") && !wordAt(i + 1, "WHEN")) {
                return true;
            }
        }
        return false;
    }

    boolean collates() {
        return tokens.stream().anyMatch(token -> token.is("COLLATE"));
    }

    private boolean wordAt(int i, String word) {
        return i < tokens.size() && tokens.get(i).is(word);
    }

    /**
     * What SQLite puts into a column by its DEFAULT, as an expression: a bare word is a string there, and TRUE and
     * FALSE are written as numbers because libraries before 3.23 would look for columns of these names.
     */
    static String defaultValue(String defaultSql) {
        List<SqlToken> tokens = SqlToken.tokens(defaultSql);
        if (tokens.size() == 1 && tokens.get(0).kind() == Kind.WORD) {
            return switch (tokens.get(0).upper()) {
                case "TRUE" -> "1";
                case "FALSE" -> "0";
                case "NULL", "CURRENT_TIME", "CURRENT_DATE", "CURRENT_TIMESTAMP" -> tokens.get(0).upper();
                default -> SqlText.literal(tokens.get(0).text());
            };
        }
        StringBuilder sql = new StringBuilder();
        int end = -1;
        for (SqlToken token : tokens) { // a DEFAULT can't name columns, so whatever is quoted is a string
            sql.append(end >= 0 && token.start() > end ? " " : "");
            sql.append(token.kind() == Kind.QUOTED ? SqlText.literal(token.unquoted()) : token.text());
            end = token.end();
        }
        return sql.toString();
    }

    /** True if a DEFAULT gives another value each time. */
    static boolean isRandom(String defaultSql) {
        return SqlToken.tokens(defaultSql).stream().anyMatch(token -> token.is("random") || token.is("randomblob"));
    }
}
