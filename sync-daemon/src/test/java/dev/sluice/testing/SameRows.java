package dev.sluice.testing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.plan.ColumnPlan;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.postgres.Target;
import dev.sluice.schema.RowIdentity;
import dev.sluice.store.MigrationStore;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Compares both sides row by row through plain JDBC, with nothing of the product but the plan that says which column
 * goes where and how its text is read. Every value is written as its storage class and content.
 */
public final class SameRows {

    private SameRows() {}

    public static void assertSame(LiveGround ground) throws SQLException {
        assertSame(ground.file().path(), ground.target(), LiveGround.NAME);
    }

    /** Fails with the rows that differ; parked rows count as missing. */
    public static void assertSame(Path source, Target target, String migration) throws SQLException {
        try (Connection there = target.connect();
                Connection here = DriverManager.getConnection("jdbc:sqlite:" + source)) {
            compare(here, there, new MigrationStore(migration).load(there).plan());
        }
    }

    /** As {@link #assertSame(Path, Target, String)} over connections of the caller's. */
    public static void assertSame(Connection here, Connection there, String migration) throws SQLException {
        compare(here, there, new MigrationStore(migration).load(there).plan());
    }

    /** As {@link #assertSame(LiveGround)} where the target keeps no plan any more. */
    public static void assertSame(LiveGround ground, MigrationPlan plan) throws SQLException {
        try (Connection there = ground.target().connect();
                Connection here = DriverManager.getConnection("jdbc:sqlite:" + ground.file().path())) {
            compare(here, there, plan);
        }
    }

    private static void compare(Connection here, Connection there, MigrationPlan plan) throws SQLException {
        here.setAutoCommit(false);
        for (TablePlan table : plan.tables()) {
            Map<String, Integer> balance = new HashMap<>();
            sourceRows(here, table).forEach(row -> balance.merge(row, 1, Integer::sum));
            targetRows(there, plan, table).forEach(row -> balance.merge(row, -1, Integer::sum));
            List<String> missing = balance.keySet().stream().filter(row -> balance.get(row) > 0).toList();
            List<String> extra = balance.keySet().stream().filter(row -> balance.get(row) < 0).toList();
            assertThat(missing.size() + extra.size()).as("table %s lacks %d rows %s and has %d others %s", table.source(),
                    missing.size(), missing.stream().limit(5).toList(), extra.size(), extra.stream().limit(5).toList())
                    .isZero();
        }
    }

    private static String quoted(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    private static List<String> sourceRows(Connection connection, TablePlan table) throws SQLException {
        List<String> names = new ArrayList<>();
        if (table.identity().kind() == RowIdentity.Kind.ROWID) {
            names.add(table.identity().rowidName());
        }
        table.columns().forEach(column -> names.add(quoted(column.source())));
        String selected = names.stream().map(name -> "typeof(" + name + "), " + name).collect(Collectors.joining(", "));
        List<String> rows = new ArrayList<>();
        Charset encoding; // a text's bytes are those in which the database keeps it
        try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery("PRAGMA encoding")) {
            encoding = Charset.forName(row.getString(1));
        }
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT " + selected + " FROM " + quoted(table.source()))) {
            while (row.next()) {
                List<String> cells = new ArrayList<>();
                for (int i = 0; i < names.size(); i++) {
                    cells.add(cell(row, i * 2 + 1, encoding));
                }
                rows.add(String.join(" | ", cells));
            }
        }
        return rows;
    }

    private static String cell(ResultSet row, int at, Charset encoding) throws SQLException {
        return switch (row.getString(at)) {
            case "null" -> "NULL";
            case "integer" -> "integer " + row.getLong(at + 1);
            case "real" -> "real " + row.getDouble(at + 1);
            case "text" -> "text " + new String(row.getBytes(at + 1), encoding);
            default -> "blob " + HexFormat.of().formatHex(row.getBytes(at + 1));
        };
    }

    private static List<String> targetRows(Connection connection, MigrationPlan plan, TablePlan table)
            throws SQLException {
        List<String> names = new ArrayList<>();
        List<String> codecs = new ArrayList<>();
        if (table.identity().kind() == RowIdentity.Kind.ROWID) {
            names.add(quoted(table.keyColumn()));
            codecs.add("bigint");
        }
        for (ColumnPlan column : table.columns()) {
            names.add(quoted(column.target()));
            codecs.add(column.codecId());
        }
        List<String> rows = new ArrayList<>();
        try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery(
                "SELECT " + String.join(", ", names) + " FROM " + quoted(plan.schema()) + "." + quoted(table.target()))) {
            while (row.next()) {
                List<String> cells = new ArrayList<>();
                for (int i = 0; i < names.size(); i++) {
                    cells.add(cell(row, i + 1, codecs.get(i)));
                }
                rows.add(String.join(" | ", cells));
            }
        }
        return rows;
    }

    /** What the codec's documentation says that PostgreSQL's value stands for. */
    private static String cell(ResultSet row, int at, String codec) throws SQLException {
        if (row.getObject(at) == null) {
            return "NULL";
        }
        String text = row.getString(at);
        switch (codec.split(":", 2)[0]) {
            case "smallint", "integer", "bigint":
                return "integer " + row.getLong(at);
            case "double", "real":
                return "real " + row.getDouble(at);
            case "boolean":
                return switch (codec) {
                    case "boolean:INTEGER" -> "integer " + (row.getBoolean(at) ? 1 : 0);
                    case "boolean:T_F" -> "text " + (row.getBoolean(at) ? "t" : "f");
                    default -> "text " + row.getBoolean(at);
                };
            case "bytea":
                return (codec.equals("bytea") ? "blob " : "text bytes ") + HexFormat.of().formatHex(row.getBytes(at));
            case "numeric":
                return codec.endsWith(":whole") && row.getBigDecimal(at).stripTrailingZeros().scale() <= 0
                        ? "integer " + row.getBigDecimal(at).toBigIntegerExact() : "real " + row.getDouble(at);
            case "epoch":
                long micros = ChronoUnit.MICROS.between(Instant.EPOCH, row.getObject(at, OffsetDateTime.class).toInstant());
                return "integer " + micros / (codec.endsWith("MICROSECONDS") ? 1 : codec.endsWith("MILLISECONDS") ? 1_000 : 1_000_000);
            case "uuid":
                return "text " + (codec.endsWith(":HEX") ? text.replace("-", "") : text);
            case "inet":
                return "text " + text.replaceAll("/.*", "");
            case "escaped":
                return escaped(text, codec.equals("escaped:numbers"));
            default:
                return "text " + text;
        }
    }

    private static String escaped(String text, boolean numbersPlain) {
        if (text.startsWith("\\")) {
            String rest = text.substring(2);
            return switch (text.charAt(1)) {
                case 'x' -> "blob " + rest;
                case 'i' -> "integer " + rest;
                case 'r' -> "real " + rest;
                case 'b' -> "text " + new String(HexFormat.of().parseHex(rest), StandardCharsets.UTF_8);
                default -> "text " + rest;
            };
        }
        if (numbersPlain && text.matches("0|-?[1-9][0-9]*")) {
            return "integer " + text;
        }
        return numbersPlain && text.matches("-?([0-9]+\\.[0-9]+(E-?[0-9]+)?|Infinity)") ? "real " + text : "text " + text;
    }
}
