package dev.sluice.schema;

import java.util.ArrayList;
import java.util.List;

/**
 * What only the text of a CREATE INDEX statement tells.
 *
 * @param terms the text of each term without its COLLATE, ASC and DESC
 * @param predicate the WHERE text of a partial index, or null
 */
public record IndexSql(List<String> terms, String predicate) {

    /**
     * Reads a statement that SQLite has accepted and stored; throws {@link IllegalArgumentException} for any other text.
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
        while (end > 2 && term.get(end - 2).is("COLLATE")) {
            end -= 2; // the outermost COLLATE is the index's collation, which PRAGMA index_xinfo names
        }
        return term.subList(0, end);
    }
}
