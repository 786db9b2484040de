package dev.sluice.testing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.migration.OneShot;
import dev.sluice.plan.Declaration;
import dev.sluice.plan.NotCarried;
import dev.sluice.postgres.Target;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.translate.Identifiers;
import java.math.BigDecimal;
import java.math.MathContext;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What every carried view shows in SQLite, it shows in PostgreSQL. */
public final class SameViews {

    private static final Pattern NAMES = Pattern.compile("view \"(.*)\"\\s+CREATE VIEW (\"(?:[^\"]|\"\")*\"\\.\"(?:[^\"]|\"\")*\") AS.*",
            Pattern.DOTALL);
    /** Sums of reals depend on the order in which they are added. */
    private static final MathContext DIGITS = new MathContext(9);

    private SameViews() {}

    /** Compares columns and rows, in any order; returns how many views there were. */
    public static int assertSame(OneShot.Report report, SqliteFile source, Target target) throws SQLException {
        Set<String> left = report.notCarried().stream().map(NotCarried::object).collect(Collectors.toSet());
        int views = 0;
        try (Connection sqlite = DriverManager.getConnection("jdbc:sqlite:" + source.path());
                Connection postgres = target.connect()) {
            for (Declaration declaration : report.plan().declarations()) {
                if (declaration.stage() != Declaration.Stage.VIEW || left.contains(declaration.object())) {
                    continue;
                }
                Matcher names = NAMES.matcher(declaration.object() + " " + declaration.sql());
                assertThat(names.matches()).as(declaration.sql()).isTrue();
                List<String> expected = rows(sqlite, Identifiers.quote(names.group(1)));
                assertThat(rows(postgres, names.group(2))).as(declaration.object()).isEqualTo(expected);
                views++;
            }
        }
        return views;
    }

    private static List<String> rows(Connection connection, String view) throws SQLException {
        List<String> rows = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT * FROM " + view)) {
            int columns = row.getMetaData().getColumnCount();
            while (row.next()) {
                List<String> values = new ArrayList<>();
                for (int i = 1; i <= columns; i++) {
                    values.add(canonical(row.getObject(i)));
                }
                rows.add(values.toString());
            }
            rows.sort(Comparator.naturalOrder());
            rows.add(columns + " columns");
        }
        return rows;
    }

    /** One spelling for values that are equal: numbers without their type, true as 1, a time as SQLite's text. */
    private static String canonical(Object value) {
        if (value instanceof Boolean flag) {
            return flag ? "1" : "0";
        } else if (value instanceof byte[] bytes) {
            return HexFormat.of().formatHex(bytes);
        } else if (value instanceof java.sql.Timestamp time) {
            return time.toString().replaceFirst("\\.0$", "");
        } else if (value instanceof Double real && !Double.isFinite(real)) {
            return real.toString();
        } else if (value instanceof Number number) {
            BigDecimal plain = new BigDecimal(number.toString()).round(DIGITS).stripTrailingZeros();
            return plain.signum() == 0 ? "0" : plain.toPlainString();
        }
        return String.valueOf(value);
    }
}
