package dev.sluice.schema;

import java.util.ArrayList;
import java.util.List;

/**
 * What only the text of a CREATE INDEX statement tells.
 *
 * @param terms the text of each term without ASC, DESC and the COLLATE that is the index's
 * @param predicate the WHERE text of a partial index, or null
 */
public record IndexSql(List<String> terms, String predicate) {

    /**
     * Reads a statement that SQLite has accepted and stored; throws {@link IllegalArgumentException} for any other
     * text.
     */
    public static IndexSql parse(String sql) {
        SqlScan scan = new SqlScan(sql);
        scan.expect("CREATE");
        scan.skip("UNIQUE");
        scan.expect("INDEX");
        scan.skip("IF", "NOT", "EXISTS");
        scan.name();
        if (scan.skipOperator(".")) {
            scan.name();
        }
        scan.expect("ON");
        scan.name();
        List<String> terms = new ArrayList<>();
        for (List<SqlToken> term : SqlScan.split(scan.group())) {
            terms.add(SqlScan.text(bare(term)));
        }
        String predicate = scan.skip("WHERE") ? SqlScan.text(scan.rest()) : null;
        return new IndexSql(List.copyOf(terms), predicate);
    }

    private static List<SqlToken> bare(List<SqlToken> term) {
        int end = term.size();
        if (end > 1 && term.get(end - 1).is("LAST") || end > 1 && term.get(end - 1).is("FIRST")) {
            end -= term.get(end - 2).is("NULLS") ? 2 : 0;
        }
        if (end > 1 && (term.get(end - 1).is("ASC") || term.get(end - 1).is("DESC"))) {
            end--;
        }
        int base = end;
        while (base > 2 && term.get(base - 2).is("COLLATE")) {
            base -= 2;
        }
        // COLLATE binds closest: behind a || b it belongs to b, and is no collation of the index.
        return term.subList(0, isPrimary(term.subList(0, base)) ? base : end);
    }

    /** True for a single value: a token, a call, something in parentheses, CASE … END. */
    private static boolean isPrimary(List<SqlToken> tokens) {
        int last = tokens.size() - 1;
        if (last == 0 || tokens.get(0).is("CASE") && endOfCase(tokens) == last) {
            return true;
        }
        int open = tokens.get(0).isOperator("(") ? 0 : tokens.get(1).isOperator("(") ? 1 : -1;
        if (open < 0) {
            return false;
        }
        int depth = 0;
        for (int i = open; i <= last; i++) {
            depth += tokens.get(i).isOperator("(") ? 1 : tokens.get(i).isOperator(")") ? -1 : 0;
            if (depth == 0) {
                return i == last;
            }
        }
        return false;
    }

    private static int endOfCase(List<SqlToken> tokens) {
        int depth = 0;
        for (int i = 0; i < tokens.size(); i++) {
            depth += tokens.get(i).is("CASE") ? 1 : tokens.get(i).is("END") ? -1 : 0;
            if (depth == 0) {
                return i;
            }
        }
        return -1;
    }
}
