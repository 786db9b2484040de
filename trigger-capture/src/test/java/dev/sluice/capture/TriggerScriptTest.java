package dev.sluice.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.testing.SourceFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The texts of the triggers, as they stand in {@code src/test/resources/golden}: {@code NAME.sql} holds the
 * application's schema, {@code NAME.triggers.sql} what is installed. {@code -Dsluice.golden=write} writes the latter
 * anew.
 */
class TriggerScriptTest {

    private static final Path GOLDEN = Path.of("src/test/resources/golden");

    @TempDir Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"integer-key", "text-key", "without-rowid", "no-key", "expressions", "odd-names"})
    void triggersAreTheOnesOnRecord(String name) throws Exception {
        String[] statements = Files.readString(GOLDEN.resolve(name + ".sql")).split(";\n");
        StringBuilder script = new StringBuilder();
        try (SourceFile source = new SourceFile(folder.resolve("golden.sqlite"), statements);
                SqliteSession reader = source.reader()) {
            int id = 1;
            for (SourceTable table : SchemaReader.read(reader).tables()) {
                for (String statement : TriggerScript.of(table, id).statements()) {
                    script.append(statement).append(";\n\n");
                }
                id++;
            }
        }
        Path record = GOLDEN.resolve(name + ".triggers.sql");
        if ("write".equals(System.getProperty("sluice.golden"))) {
            Files.writeString(record, script, StandardCharsets.UTF_8);
        }
        assertThat(script.toString()).isEqualTo(Files.readString(record));
    }

    /** A word that an old library does not know makes the whole file unreadable to it. */
    @Test
    void onlySyntaxOfSqlite370IsUsed() throws Exception {
        try (SourceFile source = new SourceFile(folder.resolve("old.sqlite"))) {
            for (FuzzSchema schema : FuzzSchema.ALL) {
                for (String name : source.ask("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
                        + " AND name NOT GLOB 'sqlite*'")) {
                    source.app("DROP " + (name.equals("v") ? "VIEW " : "TABLE ") + name);
                }
                source.app(schema.ddl().toArray(String[]::new));
                try (SqliteSession reader = source.reader()) {
                    SourceSchema read = SchemaReader.read(reader);
                    for (SourceTable table : read.tables()) {
                        for (String statement : TriggerScript.of(table, 1).triggers().values()) {
                            assertThat(statement.toUpperCase(Locale.ROOT)).as(schema.name())
                                    .doesNotContain("INSERT OR ").doesNotContain("ON"
                                            + " CONFLICT").doesNotContain("WITHOUT")
                                    .doesNotContain("RETURNING").doesNotContain("UPDATE OF").doesNotContain(") = (NEW")
                                    .doesNotContain("IS DISTINCT").doesNotContain("OVER (").doesNotContain("WITH ");
                        }
                    }
                }
            }
        }
    }

    /** A function that an application's library lacks would fail its every write. */
    @Test
    void onlyFunctionsThatEverySqliteHasAreCalled() throws Exception {
        Pattern call = Pattern.compile("(\\w+)\\(");
        Set<String> called = new TreeSet<>();
        try (SourceFile source = new SourceFile(folder.resolve("calls.sqlite"),
                "CREATE TABLE t(k NOT NULL, l TEXT COLLATE NOCASE NOT NULL, u TEXT NOT NULL DEFAULT 'x',"
                        + " PRIMARY KEY(k, l))",
                "CREATE UNIQUE INDEX i ON t(u, l) WHERE k > 1", "CREATE TABLE v(id INTEGER PRIMARY KEY, u UNIQUE)",
                "CREATE TABLE w(a, b, UNIQUE(a, b))");
                SqliteSession writer = source.writer()) {
            SourceSchema schema = SchemaReader.read(writer);
            Capture.install(writer, schema.tables(), schema.hash());
            for (String sql : writer.texts("SELECT sql FROM sqlite_master WHERE name GLOB '_sluice_*'")) {
                call.matcher(sql).results().forEach(found -> called.add(found.group(1).toLowerCase(Locale.ROOT)));
            }
        }
        called.removeAll(Set.of("values", "key", "_sluice_control", "_sluice_table", "default")); // no functions
        assertThat(called).isSubsetOf("coalesce", "typeof", "random", "cast", "raise");
    }

    /** A trigger that scanned its table for every row written would make a big application stand still. */
    @Test
    void everySearchForCollidingRowsUsesAnIndex() throws Exception {
        Pattern search = Pattern.compile("(SELECT \\d+, 'R', .*);");
        try (SourceFile source = new SourceFile(folder.resolve("plans.sqlite"))) {
            for (FuzzSchema schema : FuzzSchema.ALL) {
                for (String name : source.ask("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
                        + " AND name NOT GLOB 'sqlite*'")) {
                    source.app("DROP " + (name.equals("v") ? "VIEW " : "TABLE ") + name);
                }
                source.app(schema.ddl().toArray(String[]::new));
                try (SqliteSession reader = source.reader()) {
                    for (SourceTable table : SchemaReader.read(reader).tables()) {
                        TriggerScript script = TriggerScript.of(table, 1);
                        if (script.candidate() != null) {
                            source.app("DROP TABLE IF EXISTS _sluice_1_candidate", script.candidate());
                        }
                        for (String statement : script.statements()) {
                            Matcher matcher = search.matcher(statement);
                            while (matcher.find()) {
                                String query = matcher.group(1).replaceAll("(NEW|OLD)\\.(\"([^\"]|\"\")*\"|\\w+)", "?");
                                boolean anyRow = query.endsWith("WHERE ? IS NULL"); // a constant, seen before the scan
                                assertThat(source.ask("EXPLAIN QUERY PLAN " + query)).as(schema.name() + ": " + query)
                                        .noneMatch(step -> step.contains("SCAN t") && !anyRow);
                            }
                        }
                    }
                }
                source.app("DROP TABLE IF EXISTS _sluice_1_candidate");
            }
        }
    }

    @Test
    void statementsAreStoredAsWritten() throws Exception {
        try (SourceFile source = new SourceFile(folder.resolve("stored.sqlite"),
                "CREATE TABLE \"a \"\"b\"\" ; --\"(\"k k\" TEXT NOT NULL PRIMARY KEY, \"select\" UNIQUE)");
                SqliteSession writer = source.writer()) {
            SourceSchema schema = SchemaReader.read(writer);
            Capture.install(writer, schema.tables(), schema.hash());
            List<String> stored =
                    writer.texts("SELECT sql FROM sqlite_master WHERE type = 'trigger' ORDER BY rowid");
            assertThat(stored).containsExactlyElementsOf(TriggerScript.of(schema.tables().get(0),
                    1).triggers().values());
        }
    }
}
