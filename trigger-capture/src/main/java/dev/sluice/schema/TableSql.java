package dev.sluice.schema;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;

/**
 * What only the text of a CREATE TABLE statement tells; everything else SQLite's pragmas answer.
 *
 * @param columns in declared order
 * @param primaryKeyName the name of the primary key constraint, or null
 * @param autoincrement true if the key never takes a number again
 * @param foreignKeys in declared order, those of columns and of the table alike
 * @param uniqueNames the names of the UNIQUE constraints in declared order, null for one without a name
 */
public record TableSql(
        List<Column> columns, String primaryKeyName, boolean autoincrement, List<SourceCheck> checks,
        List<ForeignKey> foreignKeys, List<String> uniqueNames, boolean withoutRowid, boolean strict) {

    /**
     * A column's text.
     *
     * @param collation BINARY unless declared otherwise
     * @param generatedSql the expression without its parentheses, null for an ordinary column
     */
    public record Column(String name, String collation, String generatedSql) {}

    /**
     * A foreign key's text.
     *
     * @param name the constraint's name, or null
     * @param columns the child columns
     */
    public record ForeignKey(String name, List<String> columns, boolean initiallyDeferred) {}

    /** Keywords that can't be the unquoted name of a column, so they start a table constraint. */
    private static final Set<String> CONSTRAINT_STARTS = Set.of("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN");

    /**
     * Reads a statement that SQLite has accepted and stored; throws {@link IllegalArgumentException} for any other
     * text.
     */
    public static TableSql parse(String sql) {
        return new Parser(sql).parse();
    }

    private static final class Parser {
        private final SqlScan scan;
        private final List<Column> columns = new ArrayList<>();
        private final List<SourceCheck> checks = new ArrayList<>();
        private final List<ForeignKey> foreignKeys = new ArrayList<>();
        private final List<String> uniqueNames = new ArrayList<>();
        private String primaryKeyName;
        private boolean autoincrement;
        private boolean withoutRowid;
        private boolean strict;
        private String constraintName;

        Parser(String sql) {
            this.scan = new SqlScan(sql);
        }

        TableSql parse() {
            scan.expect("CREATE");
            if (!scan.skip("TEMP")) {
                scan.skip("TEMPORARY");
            }
            scan.expect("TABLE");
            scan.skip("IF", "NOT", "EXISTS");
            scan.name();
            if (scan.skipOperator(".")) {
                scan.name();
            }
            scan.expectOperator("(");
            do {
                constraintName = null;
                if (atTableConstraint()) {
                    tableConstraints();
                } else {
                    column();
                }
            } while (scan.skipOperator(","));
            scan.expectOperator(")");
            options();
            return new TableSql(List.copyOf(columns), primaryKeyName, autoincrement, List.copyOf(checks),
                    List.copyOf(foreignKeys), Collections.unmodifiableList(uniqueNames),
                    withoutRowid, strict);
        }

        private boolean atTableConstraint() {
            return CONSTRAINT_STARTS.stream().anyMatch(scan::nextIs);
        }

        private void column() {
            String name = scan.name();
            String collation = "BINARY";
            String generatedSql = null;
            while (!scan.nextIsOperator(",") && !scan.nextIsOperator(")")) {
                if (scan.skip("CONSTRAINT")) {
                    constraintName = scan.name();
                } else if (scan.skip("PRIMARY", "KEY")) {
                    primaryKeyName = takeName();
                    if (!scan.skip("ASC")) {
                        scan.skip("DESC");
                    }
                    conflictClause();
                    autoincrement |= scan.skip("AUTOINCREMENT");
                } else if (scan.skip("UNIQUE")) {
                    uniqueNames.add(takeName());
                    conflictClause();
                } else if (scan.skip("CHECK")) {
                    check();
                } else if (scan.skip("DEFAULT")) {
                    takeName();
                    defaultValue();
                } else if (scan.skip("COLLATE")) {
                    takeName();
                    collation = scan.name();
                } else if (scan.nextIs("REFERENCES")) {
                    references(List.of(name));
                } else if (scan.skip("AS")) {
                    takeName();
                    generatedSql = SqlScan.text(scan.group());
                } else if (scan.skip("NOT", "NULL") || scan.skip("NULL")) {
                    takeName();
                    conflictClause();
                } else if (scan.nextIs("NOT", "DEFERRABLE") || scan.nextIs("DEFERRABLE")) {
                    deferral();
                } else if (scan.nextIsOperator("(")) {
                    scan.group(); // the length in a type's name
                } else {
                    scan.next(); // a word of the type's name, GENERATED ALWAYS, STORED, VIRTUAL
                }
            }
            columns.add(new Column(name, collation, generatedSql));
        }

        /** SQLite lets the commas between table constraints be left out. */
        private void tableConstraints() {
            while (!scan.nextIsOperator(",") && !scan.nextIsOperator(")")) {
                if (scan.skip("CONSTRAINT")) {
                    constraintName = scan.name();
                } else if (scan.skip("PRIMARY", "KEY")) {
                    primaryKeyName = takeName();
                    List<SqlToken> terms = scan.group();
                    autoincrement |= !terms.isEmpty() && terms.get(terms.size() - 1).is("AUTOINCREMENT");
                    conflictClause();
                } else if (scan.skip("UNIQUE")) {
                    uniqueNames.add(takeName());
                    scan.group();
                    conflictClause();
                } else if (scan.skip("CHECK")) {
                    check();
                    conflictClause();
                } else {
                    scan.expect("FOREIGN");
                    scan.expect("KEY");
                    List<String> children = new ArrayList<>();
                    for (List<SqlToken> child : SqlScan.split(scan.group())) {
                        children.add(child.get(0).unquoted());
                    }
                    references(children);
                }
            }
        }

        private void check() {
            checks.add(new SourceCheck(takeName(), SqlScan.text(scan.group())));
        }

        private void defaultValue() {
            if (scan.nextIsOperator("(")) {
                scan.group();
                return;
            }
            if (!scan.skipOperator("-")) {
                scan.skipOperator("+");
            }
            scan.next();
        }

        private void references(List<String> children) {
            scan.expect("REFERENCES");
            foreignKeys.add(new ForeignKey(takeName(), List.copyOf(children), false));
            scan.name();
            if (scan.nextIsOperator("(")) {
                scan.group();
            }
            while (true) {
                if (scan.skip("MATCH")) {
                    scan.name();
                } else if (!scan.nextIs("ON", "CONFLICT") && scan.skip("ON")) {
                    scan.next(); // DELETE, UPDATE (or INSERT, which SQLite reads and ignores)
                    if (scan.skip("SET") || scan.skip("NO")) {
                        scan.next(); // NULL, DEFAULT, ACTION
                    } else {
                        scan.next(); // CASCADE, RESTRICT
                    }
                } else if (scan.nextIs("NOT", "DEFERRABLE") || scan.nextIs("DEFERRABLE")) {
                    deferral();
                } else {
                    return;
                }
            }
        }

        private void deferral() {
            boolean never = scan.skip("NOT");
            scan.expect("DEFERRABLE");
            boolean deferred = false;
            if (scan.skip("INITIALLY")) {
                deferred = scan.next().is("DEFERRED");
            }
            if (!foreignKeys.isEmpty()) {
                ForeignKey last = foreignKeys.remove(foreignKeys.size() - 1);
                foreignKeys.add(new ForeignKey(last.name(), last.columns(), deferred && !never));
            }
        }

        private void conflictClause() {
            if (scan.skip("ON", "CONFLICT")) {
                scan.next();
            }
        }

        private void options() {
            while (scan.hasNext()) {
                if (scan.skip("WITHOUT")) {
                    scan.next(); // ROWID, the only word that SQLite takes here
                    withoutRowid = true;
                } else if (scan.skip("STRICT")) {
                    strict = true;
                } else {
                    scan.next();
                }
            }
        }

        private String takeName() {
            String name = constraintName;
            constraintName = null;
            return name;
        }
    }
}
