package dev.sluice.reverse;

import io.debezium.connector.postgresql.PostgresValueConverter;
import io.debezium.connector.postgresql.UnchangedToastedReplicationMessageColumn;
import io.debezium.data.SpecialValueDecimal;
import io.debezium.spi.converter.CustomConverter;
import io.debezium.spi.converter.RelationalColumn;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.HexFormat;
import java.util.Properties;
import org.apache.kafka.connect.data.SchemaBuilder;

/**
 * Turns every value of the stream into the text that PostgreSQL prints for it, which is what codecs read. Debezium has
 * parsed that text already, without loss for the types that a plan uses; this is the way back. Debezium makes an instance
 * by the class's name. Stateless.
 */
public final class PrintedValues implements CustomConverter<SchemaBuilder, RelationalColumn> {

    /**
     * Stands for a value that did not change and was not sent because it lies outside of the row (TOAST). Known by
     * identity: as text it could be anybody's value.
     */
    @SuppressWarnings("StringOperationCanBeSimplified")
    static final String UNCHANGED = new String("unchanged");

    /** Stands for the value of a column that the target has no more. Known by identity. */
    @SuppressWarnings("StringOperationCanBeSimplified")
    static final String ABSENT = new String("absent");

    private static final HexFormat HEX = HexFormat.of();

    @Override
    public void configure(Properties properties) {
        // nothing to choose
    }

    @Override
    public void converterFor(RelationalColumn column, ConverterRegistration<SchemaBuilder> registration) {
        // optional: a deleted row comes with its key alone
        registration.register(SchemaBuilder.string().optional(),
                column.typeName().equals("inet") ? PrintedValues::printedAddress : PrintedValues::printed);
    }

    /** A cast to text gives the mask of a single address too, which codecs expect; the type's own output does not. */
    private static String printedAddress(Object value) {
        String text = printed(value);
        return text == null || text == UNCHANGED || text.indexOf('/') >= 0 ? text
                : text + (text.indexOf(':') >= 0 ? "/128" : "/32");
    }

    /** False for the two marks. */
    static boolean isSent(String text) {
        return text != UNCHANGED && text != ABSENT;
    }

    static String printed(Object value) {
        if (value == null || value instanceof String) {
            return (String) value;
        }
        if (UnchangedToastedReplicationMessageColumn.isUnchangedToastedValue(value)) {
            return UNCHANGED;
        }
        if (value instanceof Boolean truth) {
            return truth ? "true" : "false";
        }
        if (value instanceof SpecialValueDecimal decimal) {
            return decimal.getDecimalValue().map(BigDecimal::toPlainString)
                    .orElseGet(() -> Double.toString(decimal.toDouble())); // NaN and the infinities, spelled as PostgreSQL does
        }
        if (value instanceof BigDecimal decimal) {
            return decimal.toPlainString();
        }
        if (value instanceof byte[] bytes) {
            return "\\x" + HEX.formatHex(bytes);
        }
        if (value instanceof ByteBuffer buffer) {
            byte[] bytes = new byte[buffer.remaining()];
            buffer.duplicate().get(bytes);
            return "\\x" + HEX.formatHex(bytes);
        }
        if (value instanceof LocalDate day) {
            return day.equals(PostgresValueConverter.POSITIVE_INFINITY_LOCAL_DATE) ? "infinity"
                    : day.equals(PostgresValueConverter.NEGATIVE_INFINITY_LOCAL_DATE) ? "-infinity"
                    : date(day) + era(day);
        }
        if (value instanceof Instant instant) {
            return instant.equals(PostgresValueConverter.POSITIVE_INFINITY_INSTANT) ? "infinity"
                    : instant.equals(PostgresValueConverter.NEGATIVE_INFINITY_INSTANT) ? "-infinity"
                    : timestamp(instant, "");
        }
        if (value instanceof OffsetDateTime time) {
            return time.equals(PostgresValueConverter.POSITIVE_INFINITY_OFFSET_DATE_TIME) ? "infinity"
                    : time.equals(PostgresValueConverter.NEGATIVE_INFINITY_OFFSET_DATE_TIME) ? "-infinity"
                    : timestamp(time.toInstant(), "+00");
        }
        return value.toString(); // integers and floats in Java's shortest exact form, and types that no plan uses
    }

    private static String timestamp(Instant instant, String zone) {
        LocalDateTime time = LocalDateTime.ofInstant(instant, ZoneOffset.UTC);
        StringBuilder text = new StringBuilder(32).append(date(time.toLocalDate())).append(' ');
        two(text, time.getHour()).append(':');
        two(text, time.getMinute()).append(':');
        two(text, time.getSecond());
        int micros = time.getNano() / 1000;
        if (micros != 0) {
            String digits = Integer.toString(1_000_000 + micros);
            int end = digits.length();
            while (digits.charAt(end - 1) == '0') {
                end--;
            }
            text.append('.').append(digits, 1, end);
        }
        return text.append(zone).append(era(time.toLocalDate())).toString();
    }

    private static String date(LocalDate day) {
        int year = day.getYear() > 0 ? day.getYear() : 1 - day.getYear();
        StringBuilder text = new StringBuilder(10);
        for (int limit = 1000; limit > 1 && year < limit; limit /= 10) {
            text.append('0');
        }
        text.append(year).append('-');
        return two(two(text, day.getMonthValue()).append('-'), day.getDayOfMonth()).toString();
    }

    private static String era(LocalDate day) {
        return day.getYear() > 0 ? "" : " BC";
    }

    private static StringBuilder two(StringBuilder text, int number) {
        return text.append((char) ('0' + number / 10)).append((char) ('0' + number % 10));
    }
}
