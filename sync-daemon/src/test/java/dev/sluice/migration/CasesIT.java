package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.census.Census;
import dev.sluice.mapping.Codecs;
import dev.sluice.plan.MappingRules;
import dev.sluice.plan.MappingRules.TableRule;
import dev.sluice.plan.TablePlan;
import dev.sluice.postgres.Reconnect;
import dev.sluice.postgres.Target;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.store.ParkedRow;
import dev.sluice.tail.Limits;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.CaseFolder;
import dev.sluice.testing.PostgresForTests;
import dev.sluice.testing.SameViews;
import dev.sluice.translate.Identifiers;
import dev.sluice.verify.TableReport;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Every case folder is migrated, and what its {@code expect} says came of it (see {@code cases/README.md}). */
class CasesIT {

    @TempDir
    Path folder;

    @TestFactory
    Stream<DynamicTest> caseEndsAsExpected() throws IOException {
        return CaseFolder.all().stream().map(one -> DynamicTest.dynamicTest(one.name(), () -> migrate(one)));
    }

    private void migrate(CaseFolder folderOfCase) throws Exception {
        Map<String, String> expected = folderOfCase.expected();
        SqliteFile file = new SqliteFile(folderOfCase.create(folder));
        Target target = PostgresForTests.fresh();
        try {
            Preparation preparation = Preparation.of(file, target, rules(expected), Duration.ofSeconds(5),
                    Census.Listener.NONE);
            assertThat(preparation.plan().problems()).isEmpty();
            OneShot.Report report = new OneShot("case", file, target, new Reconnect(target.url(), new Awake()),
                    new OneShot.Options(2, new Limits(700, 16 << 20, Duration.ofSeconds(1)), Duration.ofSeconds(5), "test"))
                    .run(preparation, LiveGround.UNHEARD);
            for (TableReport table : report.verification().tables()) {
                assertThat(table.differences()).as(table.table()).isEmpty();
            }
            for (Map.Entry<String, String> line : expected.entrySet()) {
                check(line.getKey(), line.getValue(), report, target);
            }
            SameViews.assertSame(report, file, target);
            long parked = expected.entrySet().stream().filter(line -> line.getKey().startsWith("parked."))
                    .mapToLong(line -> Long.parseLong(line.getValue())).sum();
            assertThat(report.parked()).extracting(ParkedRow::reason).hasSize((int) parked);
        } finally {
            PostgresForTests.drop(target);
        }
    }

    private static MappingRules rules(Map<String, String> expected) {
        Map<String, TableRule> tables = new HashMap<>();
        for (String name : expected.getOrDefault("exclude", "").split(",")) {
            if (!name.isBlank()) {
                tables.put(name.strip().toLowerCase(Locale.ROOT), new TableRule(null, true, Map.of()));
            }
        }
        return new MappingRules(Identifiers.Policy.FOLD, MappingRules.NocaseChoice.LOWER, Codecs.JsonChoice.JSON, tables);
    }

    private static void check(String key, String value, OneShot.Report report, Target target) throws SQLException {
        int dot = key.indexOf('.');
        String kind = dot < 0 ? key : key.substring(0, dot);
        String name = key.substring(dot + 1);
        switch (kind) {
            case "rows" -> assertThat(report.verification().tables()).as(key)
                    .filteredOn(table -> table.table().equals(name)).singleElement()
                    .extracting(TableReport::rows).isEqualTo(Long.parseLong(value));
            case "type" -> {
                TablePlan table = table(report, name);
                assertThat(table.column(column(table, name)).codec().type()).as(key).isEqualTo(value);
            }
            case "parked" -> assertThat(report.parked()).as(key).filteredOn(row -> row.table().equals(name))
                    .hasSize(Integer.parseInt(value));
            case "not-carried" -> assertThat(report.notCarried()).as(key)
                    .anyMatch(left -> left.object().contains("\"" + name + "\"") || left.object().contains(name));
            case "next" -> {
                TablePlan table = table(report, name);
                assertThat(next(target, table, table.column(column(table, name)).target())).as(key)
                        .isEqualTo(Long.parseLong(value));
            }
            case "constraint" -> assertThat(there(target, """
                    SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
                    WHERE n.nspname = 'public' AND k.conname = ?""", name)).as(key).isEqualTo(value);
            case "index" -> assertThat(there(target, """
                    SELECT regexp_replace(indexdef, '^CREATE (UNIQUE )?INDEX .* USING ', '\\1') FROM pg_indexes
                    WHERE schemaname = 'public' AND indexname = ?""", name)).as(key).isEqualTo(value);
            case "column" -> {
                int last = name.lastIndexOf('.');
                assertThat(there(target, """
                        SELECT CASE WHEN a.attgenerated <> '' THEN 'generated ' WHEN a.attnotnull THEN 'not null ' ELSE '' END
                               || CASE WHEN a.attidentity <> '' THEN 'identity'
                                       ELSE coalesce(pg_get_expr(d.adbin, d.adrelid), '-') END
                        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                        WHERE a.attrelid = ('public.' || quote_ident(?))::regclass AND a.attname = ?""",
                        name.substring(0, last), name.substring(last + 1))).as(key).isEqualTo(value);
            }
            default -> assertThat(kind).isIn("verdict", "exclude", "note"); // what assessing says is tested there
        }
    }

    /** The table that {@code TABLE.COLUMN} begins with; either may have dots in it. */
    private static TablePlan table(OneShot.Report report, String name) {
        return report.plan().tables().stream().filter(table -> name.startsWith(table.source() + ".")
                && table.column(column(table, name)) != null).findFirst().orElseThrow();
    }

    private static String column(TablePlan table, String name) {
        return name.substring(table.source().length() + 1);
    }

    private static long next(Target target, TablePlan table, String column) throws SQLException {
        try (Connection connection = target.connect(); Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT nextval(pg_get_serial_sequence('"
                        + Identifiers.quote(table.target()).replace("'", "''") + "', '" + column.replace("'", "''") + "'))")) {
            row.next();
            return row.getLong(1);
        }
    }

    /** The one value that the catalogue has, or null. */
    private static String there(Target target, String sql, String... parameters) throws SQLException {
        try (Connection connection = target.connect(); PreparedStatement query = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                query.setString(i + 1, parameters[i]);
            }
            try (ResultSet row = query.executeQuery()) {
                return row.next() ? row.getString(1) : null;
            }
        }
    }

    private static final class Awake implements Reconnect.Listener {
        @Override
        public void onBlocked(String reason) {
            throw new AssertionError(reason);
        }

        @Override
        public void onHealed() {}
    }
}
