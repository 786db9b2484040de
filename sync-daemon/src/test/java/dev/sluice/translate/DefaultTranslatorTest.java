package dev.sluice.translate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.change.Value;
import dev.sluice.schema.Affinity;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DefaultTranslatorTest {

    @Test
    void literalGetsTheColumnsAffinity() {
        assertThat(literal("'5'", Affinity.INTEGER)).isEqualTo(Value.of(5));
        assertThat(literal("'5.50'", Affinity.NUMERIC)).isEqualTo(Value.of(5.5));
        assertThat(literal("'5.0'", Affinity.NUMERIC)).isEqualTo(Value.of(5));
        assertThat(literal("5", Affinity.TEXT)).isEqualTo(Value.of("5"));
        assertThat(literal("1.5", Affinity.TEXT)).isEqualTo(Value.of("1.5"));
        assertThat(literal("5", Affinity.REAL)).isEqualTo(Value.of(5.0));
        assertThat(literal("1e3", Affinity.INTEGER)).isEqualTo(Value.of(1000));
        assertThat(literal("'5'", Affinity.BLOB)).isEqualTo(Value.of("5"));
        assertThat(literal("x'00ff'", Affinity.TEXT)).isEqualTo(Value.of(new byte[] {0, -1}));
        assertThat(literal("0x1F", Affinity.INTEGER)).isEqualTo(Value.of(31));
        assertThat(literal("9223372036854775808", Affinity.INTEGER)).isEqualTo(Value.of(9223372036854775808.0));
        assertThat(literal("-9223372036854775808", Affinity.INTEGER)).isEqualTo(Value.of(Long.MIN_VALUE));
    }

    @Test
    void wordsAreWhatSqliteTakesThemFor() {
        assertThat(literal("false", Affinity.NUMERIC)).isEqualTo(Value.of(0));
        assertThat(literal("TRUE", Affinity.INTEGER)).isEqualTo(Value.of(1));
        assertThat(literal("\"true\"", Affinity.TEXT)).isEqualTo(Value.of("true"));
        assertThat(literal("NULL", Affinity.TEXT)).isEqualTo(Value.NULL);
        assertThat(literal("'null'", Affinity.TEXT)).isEqualTo(Value.of("null"));
        assertThat(literal("\"abc\"", Affinity.TEXT)).isEqualTo(Value.of("abc"));
        assertThat(literal("abc", Affinity.TEXT)).isEqualTo(Value.of("abc"));
        assertThat(literal("\"\"", Affinity.TEXT)).isEqualTo(Value.of(""));
        assertThat(literal("'CURRENT_TIMESTAMP'", Affinity.TEXT)).isEqualTo(Value.of("CURRENT_TIMESTAMP"));
    }

    @Test
    void constantArithmeticIsFolded() {
        assertThat(literal("(60*60*24)", Affinity.INTEGER)).isEqualTo(Value.of(86400));
        assertThat(literal("-1", Affinity.INTEGER)).isEqualTo(Value.of(-1));
        assertThat(literal("+1", Affinity.INTEGER)).isEqualTo(Value.of(1));
        assertThat(literal("(1/0)", Affinity.INTEGER)).isEqualTo(Value.NULL);
        assertThat(literal("('a' || 1)", Affinity.TEXT)).isEqualTo(Value.of("a1"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
        "CURRENT_TIMESTAMP | TEXT | TEXT | to_char((statement_timestamp() AT TIME ZONE 'UTC'), 'YYYY-MM-DD "
                + "HH24:MI:SS')",
        "datetime('now') | NUMERIC | TIMESTAMP | date_trunc('second', statement_timestamp() AT TIME ZONE 'UTC')",
        "CURRENT_DATE | NUMERIC | DATE | (statement_timestamp() AT TIME ZONE 'UTC')::date",
        "(strftime('%s','now')) | INTEGER | INTEGER | floor(extract(epoch FROM (statement_timestamp() AT TIME "
                + "ZONE 'UTC')))::bigint",
        "strftime('%s','now') | TEXT | TEXT | floor(extract(epoch FROM (statement_timestamp() AT TIME ZONE "
                + "'UTC')))::bigint::text",
        "strftime('%Y-%m-%dT%H:%M:%fZ','now') | TEXT | TEXT "
                + "| to_char((statement_timestamp() AT TIME ZONE 'UTC'), 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
        "(lower(hex(randomblob(16)))) | TEXT | TEXT | lower(upper(encode(decode(substr("
                + "md5(gen_random_uuid()::text), 1, 32), 'hex'), 'hex')) COLLATE \"C\")",
    })
    void expressionsOfTheClockAndOfChanceAreTranslated(String sqlite, Affinity affinity, PgKind kind, String expected) {
        Default answer = DefaultTranslator.translate(sqlite, affinity, kind);
        assertThat(answer).isInstanceOf(Default.Expression.class);
        assertThat(((Default.Expression) answer).pgSql()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
        "datetime('now','localtime') | TEXT | TEXT | local time zone",
        "CURRENT_TIMESTAMP | INTEGER | INTEGER | it yields a text",
        "CURRENT_TIMESTAMP | NUMERIC | DATE | not what the other values",
        "datetime('now', '+1 month') | TEXT | TEXT | by months",
        "(my_function()) | TEXT | TEXT | my_function",
        "CURRENT_TIMESTAMP | BLOB | OTHER | does not tell what SQLite would store",
    })
    void whatHasNoEqualIsRefusedWithItsReason(String sqlite, Affinity affinity, PgKind kind, String reason) {
        Default answer = DefaultTranslator.translate(sqlite, affinity, kind);
        assertThat(answer).isInstanceOf(Default.Refused.class);
        assertThat(((Default.Refused) answer).reason()).contains(reason);
    }

    private static Value literal(String sql, Affinity affinity) {
        return ((Default.Literal) DefaultTranslator.translate(sql, affinity, PgKind.TEXT)).value();
    }
}
