package dev.sluice.translate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.schema.Affinity;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExpressionTranslatorTest {

    private static final Map<String, Columns.Column> COLUMNS = Map.of(
            "i", new Columns.Column("i", PgKind.INTEGER),
            "flag", new Columns.Column("flag", PgKind.BOOLEAN),
            "r", new Columns.Column("r", PgKind.DOUBLE),
            "d", new Columns.Column("d", PgKind.NUMERIC),
            "t", new Columns.Column("t", PgKind.TEXT),
            "nc", new Columns.Column("nc", PgKind.CITEXT),
            "b", new Columns.Column("b", PgKind.BYTEA),
            "ts", new Columns.Column("ts", PgKind.TIMESTAMP, Affinity.NUMERIC, "BINARY", "%Y-%m-%d %H:%M:%S"),
            "ts2", new Columns.Column("ts2", PgKind.TIMESTAMP, Affinity.NUMERIC, "BINARY", "%Y-%m-%d %H:%M:%S"),
            "u", new Columns.Column("u", PgKind.UUID));

    private static final Columns FIND = (table, column) -> column.equals("gone")
            ? Columns.NOT_CARRIED : COLUMNS.get(Identifiers.foldAscii(column));

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
        "flag IN (0, 1) | (\"flag\"::int IN (0, 1))",
        "flag = 1 | \"flag\"",
        "flag != 1 | (NOT \"flag\")",
        "flag IS NOT 0 | (\"flag\" IS NOT FALSE)",
        "length(t) | (char_length(\"t\") <> 0)",
        "t == 'x' | (\"t\" = 'x')",
        "t <> \"no such column\" | (\"t\" <> 'no such column')",
        "t < 'x' | ((\"t\" COLLATE \"C\") < 'x')",
        "nc = 'ABC' | (lower(\"nc\"::text COLLATE \"C\") = lower('ABC' COLLATE \"C\"))",
        "i = '5' | (\"i\" = 5)",
        "i <> '' | (CASE WHEN \"i\" IS NOT NULL THEN true END)",
        "t = 5 | (\"t\" = '5')",
        "ts IS NOT NULL | (\"ts\" IS NOT NULL)",
        "ts <= ts2 | (\"ts\" <= \"ts2\")",
        "i / 2 > 0 | ((\"i\"::bigint / 2) > 0)",
        "t LIKE '%@%' | ((\"t\" COLLATE \"C\") LIKE '%@%' ESCAPE '')",
        "t LIKE 'A\\%' | (lower(\"t\" COLLATE \"C\") LIKE 'a\\%' ESCAPE '')",
        "t GLOB '[0-9]*' | ((\"t\" COLLATE \"C\") ~ '^[0-9].*$')",
        "NOT i IS NULL | (NOT (\"i\" IS NULL))",
        "i BETWEEN 1 AND 3 AND flag | ((\"i\" BETWEEN 1 AND 3) AND \"flag\")",
        "typeof(t) = 'text' | ((CASE WHEN \"t\" IS NULL THEN 'null' ELSE 'text' END) = 'text')",
        "r > 1 | (\"r\" > 1)",
        "i > 1.5 | (\"i\" > 1.5)",
        "d >= 0.1 | (\"d\" >= 0.1)",
    })
    void conditionMeansTheSame(String sqlite, String expected) {
        Translation answer = ExpressionTranslator.condition(sqlite, FIND);
        assertThat(answer).as(() -> answer.toString()).isInstanceOf(Translation.Sql.class);
        assertThat(((Translation.Sql) answer).text()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
        "ts > '2020-01-01' | timestamp column",
        "u = 'x' | UUID column", "\"gone\" = 'x' | the column gone",
        "t | a text for a condition",
        "t = i | may look like a number",
        "i = r | PostgreSQL rounds the integer",
        "nosuch > 1 | no column nosuch",
        "t REGEXP 'x' | REGEXP",
        "t COLLATE german = 'x' | GERMAN",
        "i IN (SELECT 1) | subquery",
        "i > date('now') | date",
        "substr(t, i) = 'x' | substr",
        "t ->> '$.a' = 'x' | JSON",
    })
    void uncertainConditionIsRefusedWithItsReason(String sqlite, String reason) {
        Translation answer = ExpressionTranslator.condition(sqlite, FIND);
        assertThat(answer).as(() -> answer.toString()).isInstanceOf(Translation.Refused.class);
        assertThat(((Translation.Refused) answer).reason()).contains(reason);
    }
}
