package dev.sluice.assess;

import dev.sluice.schema.SourceCheck;
import dev.sluice.schema.SourceForeignKey;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqlText;
import dev.sluice.sqlite.SqliteFailure;
import dev.sluice.sqlite.SqliteRows;
import dev.sluice.sqlite.SqliteSession;
import java.nio.charset.StandardCharsets;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What SQLite itself says of the whole file.
 *
 * @param made false if the checks were left out
 * @param damage messages that mean a damaged file
 * @param content messages about rows against a NOT NULL or STRICT declaration
 * @param complete false if there were more messages than were looked at, or the check itself failed
 * @param brokenChecks rows per CHECK constraint that break it; only constraints that have some
 * @param violations rows per foreign key whose parent is missing; only keys that have some
 * @param mismatches foreign keys that SQLite can't check, because their parent columns are not unique
 * @param fileBytes per table: its pages and those of its indexes
 */
record FileChecks(
        boolean made, List<String> damage, List<String> content, boolean complete,
        List<BrokenCheck> brokenChecks, List<Violation> violations, List<String> mismatches, Map<String,
        Long> fileBytes) {

    static final FileChecks NONE = 
            new FileChecks(false, List.of(), List.of(), true, List.of(), List.of(), List.of(), Map.of());

    private static final int MESSAGES_MAX = 1000;

    /** Rows of {@code table} that refer to a missing row. */
    record Violation(String table, String foreignKey, long rows) {}

    /** Rows of {@code table} for which a CHECK is false. */
    record BrokenCheck(String table, SourceCheck check, long rows) {}

    static FileChecks of(SqliteSession session, SourceSchema schema) throws SQLException {
        List<String> damage = new ArrayList<>();
        List<String> content = new ArrayList<>();
        boolean complete = integrity(session, damage, content);
        List<Violation> violations = new ArrayList<>();
        List<String> mismatches = new ArrayList<>();
        List<BrokenCheck> brokenChecks = new ArrayList<>();
        for (SourceTable table : schema.tables()) {
            for (SourceCheck check : table.checks()) {
                complete &= check(session, table, check, brokenChecks);
            }
            if (!table.foreignKeys().isEmpty()) {
                foreignKeys(session, table, violations, mismatches);
            }
        }
        return new FileChecks(
                true, damage, content, complete, brokenChecks, violations, mismatches, fileBytes(session));
    }

    private static boolean integrity(SqliteSession session, List<String> damage, List<String> content) {
        try {
            List<String> messages = session.texts("PRAGMA integrity_check(" + MESSAGES_MAX + ")");
            for (String message : messages) {
                if (!message.equals("ok")) {
                    (isContent(message) ? content : damage).add(message);
                }
            }
            return messages.size() < MESSAGES_MAX;
        } catch (SQLException e) {
            if (SqliteFailure.of(e) == SqliteFailure.CORRUPT) {
                damage.add("the file can't be read to its end");
                return true;
            }
            return false; // for example an index on a function that only the application has
        }
    }

    /** Rows that break a declaration leave the file sound; SQLite gives these messages no code. */
    private static boolean isContent(String message) {
        return message.startsWith("NULL value in ") || message.startsWith("CHECK constraint failed in ")
                || message.matches("(?s)(?:TEXT|NUMERIC|non-\\w+) value in .*");
    }

    /**
     * Counts by a query of our own: on a read-only connection SQLite does not even parse a CHECK (build.c,
     * sqlite3AddCheckConstraint), so its integrity check never finds a broken one. Returns false if it can't be told.
     */
    private static boolean check(SqliteSession session, SourceTable table, SourceCheck check,
            List<BrokenCheck> broken) {
        try {
            long rows = session.number(
                    "SELECT count(*) FROM " + SqlText.quoted(table.name()) + " WHERE NOT (" + check.sql() + "\n)");
            if (rows > 0) {
                broken.add(new BrokenCheck(table.name(), check, rows));
            }
            return true;
        } catch (SQLException e) {
            return false; // a function that only the application has, or damage that is told already
        }
    }

    private static void foreignKeys(
            SqliteSession session, SourceTable table, List<Violation> violations, List<String> mismatches)
            throws SQLException {
        String sql = "SELECT fkid, count(*) FROM pragma_foreign_key_check(" + SqlText.literal(table.name())
                + ") GROUP BY fkid ORDER BY fkid DESC";
        try (PreparedStatement query = session.prepare(sql); SqliteRows rows = session.rows(query)) {
            while (rows.next()) {
                // SQLite counts from the last one declared
                int index = table.foreignKeys().size() - 1 - (int) rows.longValue(0);
                violations.add(new Violation(
                        table.name(), describe(table, table.foreignKeys().get(index)), rows.longValue(1)));
            }
        } catch (SQLException e) {
            if (SqliteFailure.of(e) != SqliteFailure.STATEMENT) {
                throw e;
            }
            mismatches.add(table.name());
        }
    }

    static String describe(SourceTable table, SourceForeignKey key) {
        return table.name() + "(" + String.join(", ", key.columns()) + ") → " + key.parent()
                + (key.parentColumns().isEmpty() ? "" : "(" + String.join(", ", key.parentColumns()) + ")");
    }

    private static Map<String, Long> fileBytes(SqliteSession session) throws SQLException {
        Map<String, Long> bytes = new HashMap<>();
        try (PreparedStatement query = session.prepare("""
                SELECT m.tbl_name, sum(d.pgsize)
                FROM (SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE) AS d JOIN sqlite_master AS m USING (name)
                GROUP BY m.tbl_name
                """);
                SqliteRows rows = session.rows(query)) {
            while (rows.next()) {
                bytes.put(new String(rows.value(0).bytes(), StandardCharsets.UTF_8), rows.longValue(1));
            }
        } catch (SQLException e) {
            return Map.of(); // a damaged file: the sizes are only good to know
        }
        return bytes;
    }
}
