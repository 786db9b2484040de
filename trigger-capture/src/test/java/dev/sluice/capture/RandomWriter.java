package dev.sluice.capture;

import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceIndex;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqlText;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;

/** Writes random statements whose values collide often. */
final class RandomWriter {

    private static final List<String> CLAUSES =
            List.of("", "", " OR REPLACE", " OR REPLACE", " OR IGNORE", " OR FAIL", " OR ABORT", " OR ROLLBACK");

    private final Random random;
    private final List<SourceTable> tables;
    private final List<String> values;

    RandomWriter(Random random, List<SourceTable> tables, List<String> values) {
        this.values = values;
        this.random = random;
        this.tables = tables;
    }

    String statement() {
        SourceTable table = pick(tables);
        String name = SqlText.quoted(table.name());
        int kind = random.nextInt(100);
        if (kind < 30) {
            return insert(table, "INSERT" + pick(CLAUSES));
        } else if (kind < 38) {
            return insert(table, "REPLACE");
        } else if (kind < 48) {
            return upsert(table);
        } else if (kind < 52) {
            List<String> columns = writable(table);
            return "INSERT" + pick(CLAUSES) + " INTO " + name + "(" + list(columns) + ") SELECT "
                    + columns.stream().map(c -> random.nextInt(3) == 0 ? value() : SqlText.quoted(c))
                            .collect(Collectors.joining(", ")) + " FROM " + name + where(table);
        } else if (kind < 82) {
            return update(table);
        } else if (kind < 92) {
            return "DELETE FROM " + name + where(table);
        } else if (kind == 92) {
            return "DELETE FROM " + name;
        }
        return transaction();
    }

    private String transaction() {
        return pick(List.of("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s", "SAVEPOINT r", "ROLLBACK TO s",
                "ROLLBACK TO r",
                "RELEASE s", "RELEASE r", "PRAGMA foreign_keys = ON", "PRAGMA foreign_keys = OFF",
                "PRAGMA defer_foreign_keys = ON", "COMMIT"));
    }

    private String insert(SourceTable table, String verb) {
        List<String> columns = some(writable(table));
        if (table.rowidName() != null && random.nextInt(6) == 0) {
            columns.add(table.rowidName());
        }
        List<String> rows = new ArrayList<>();
        for (int i = random.nextInt(8) == 0 ? 3 : 1; i > 0; i--) {
            rows.add("(" + columns.stream().map(c -> c.equals(table.rowidName()) ? "" + random.nextInt(7) : value())
                    .collect(Collectors.joining(", ")) + ")");
        }
        return verb + " INTO " + SqlText.quoted(table.name()) + "(" + list(columns) + ") VALUES " + String.join(", ",
                rows);
    }

    private String upsert(SourceTable table) {
        String insert = insert(table, "INSERT");
        List<SourceIndex> unique = table.indexes().stream().filter(i -> i.unique() && i.isPlain()).toList();
        if (unique.isEmpty() || random.nextInt(4) == 0) {
            return insert + " ON CONFLICT DO NOTHING";
        }
        String target = pick(unique).terms().stream()
                .map(t -> SqlText.quoted(t.column()) + " COLLATE " + t.collation()).collect(Collectors.joining(", "));
        String column = SqlText.quoted(pick(writable(table)));
        return insert + " ON CONFLICT(" + target + ") DO UPDATE SET " + column + " = "
                + (random.nextBoolean() ? value() : "excluded." + column);
    }

    private String update(SourceTable table) {
        List<String> columns = some(writable(table));
        List<String> sets = new ArrayList<>();
        for (String column : columns.subList(0, Math.min(columns.size(), 1 + random.nextInt(2)))) {
            String quoted = SqlText.quoted(column);
            sets.add(quoted + " = " + switch (random.nextInt(8)) {
                case 0 -> quoted + " + 1";
                case 1, 4 -> SqlText.quoted(pick(writable(table)));
                case 2 -> "upper(" + quoted + ")";
                case 3 -> "(SELECT " + quoted + " FROM " + SqlText.quoted(table.name()) + " ORDER BY 1 LIMIT 1)";
                default -> value();
            });
        }
        if (table.rowidName() != null && random.nextInt(8) == 0) {
            sets.add(table.rowidName() + " = " + random.nextInt(7));
        }
        return "UPDATE" + pick(CLAUSES) + " " + SqlText.quoted(table.name()) + " SET " + String.join(", ", sets)
                + where(table);
    }

    private String where(SourceTable table) {
        String column = SqlText.quoted(pick(table.columns().stream().map(SourceColumn::name).toList()));
        return switch (random.nextInt(6)) {
            case 0 -> table.rowidName() == null ? " WHERE length(" + column + ") = 1"
                    : " WHERE " + table.rowidName() + " = " + random.nextInt(7);
            case 1 -> " WHERE " + column + " IS NULL";
            case 2 -> " WHERE " + column + " > " + value();
            case 3 -> random.nextInt(4) == 0 ? "" : " WHERE " + column + " <= " + value();
            default -> " WHERE " + column + " = " + value();
        };
    }

    private static List<String> writable(SourceTable table) {
        return table.storedColumns().stream().map(SourceColumn::name).toList();
    }

    private List<String> some(List<String> columns) {
        List<String> some = new ArrayList<>();
        for (String column : columns) {
            if (random.nextInt(5) > 0) {
                some.add(column);
            }
        }
        if (some.isEmpty()) {
            some.add(pick(columns));
        }
        Collections.shuffle(some, random);
        return some;
    }

    private static String list(List<String> columns) {
        return columns.stream().map(c -> c.equals("_rowid_") || c.equals("rowid")
                || c.equals("oid") ? c : SqlText.quoted(c))
                .collect(Collectors.joining(", "));
    }

    private String value() {
        return pick(values);
    }

    private <T> T pick(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }
}
