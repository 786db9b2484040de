package dev.sluice.mapping;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.change.Value;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.TreeMap;

/** JSON as PostgreSQL takes it: RFC 8259, one value, nothing behind it. Deeper than 1,000 levels counts as invalid. */
public final class JsonText {

    private static final int NUMERIC_SCALE_MAX = 16_383;
    private static final int NUMERIC_WHOLE_MAX = 131_072;

    // jsonb prints 1e400 with all its digits: what was read must be readable again
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNumberLength(NUMERIC_WHOLE_MAX + NUMERIC_SCALE_MAX + 3).build())
            .build();
    private static final ObjectMapper MAPPER = JsonMapper.builder(FACTORY)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .build();

    private JsonText() {}

    /** True if {@code text}, which must be valid UTF-8, is one valid JSON value. */
    public static boolean isValid(Value.Text text) {
        return new JsonScan(text.utf8()).isOneValue();
    }

    /** True if jsonb keeps its meaning: valid, no duplicate keys, no NUL escapes or lone surrogates, numbers in range. */
    static boolean fitsJsonb(Value.Text text) {
        String string = new String(text.utf8(), StandardCharsets.UTF_8);
        if (string.contains("\\u0000") || string.toLowerCase(java.util.Locale.ROOT).contains("\\ud") || !isValid(text)) {
            return false;
        }
        try (JsonParser parser = MAPPER.createParser(string)) {
            parser.enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (token.isNumeric() && !isNumeric(parser.getText())) {
                    return false;
                }
            }
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** True if PostgreSQL's {@code numeric} holds the number: 131,072 digits before the point, 16,383 behind it. */
    private static boolean isNumeric(String number) {
        if (number.length() > NUMERIC_WHOLE_MAX + NUMERIC_SCALE_MAX) {
            return false;
        }
        try {
            BigDecimal decimal = new BigDecimal(number);
            return decimal.scale() <= NUMERIC_SCALE_MAX
                    && (long) decimal.precision() - decimal.scale() <= NUMERIC_WHOLE_MAX;
        } catch (NumberFormatException e) {
            return false; // an exponent beyond 32 bits
        }
    }

    /** One spelling for all texts of the same meaning: keys sorted, no white space, numbers in one form. */
    static Value canonical(Value.Text text) {
        try {
            JsonNode tree = MAPPER.readTree(text.utf8());
            return Value.of(MAPPER.writeValueAsString(sorted(tree)));
        } catch (IOException e) {
            return text;
        }
    }

    private static JsonNode sorted(JsonNode node) {
        if (node.isObject()) {
            TreeMap<String, JsonNode> fields = new TreeMap<>();
            node.properties().forEach(field -> fields.put(field.getKey(), sorted(field.getValue())));
            ObjectNode object = MAPPER.createObjectNode();
            fields.forEach(object::set);
            return object;
        }
        if (node.isArray()) {
            var array = MAPPER.createArrayNode();
            node.forEach(element -> array.add(sorted(element)));
            return array;
        }
        if (node.isNumber()) {
            // NUL can't stand in a string that jsonb takes, so this is never mistaken for one
            return MAPPER.getNodeFactory().textNode("\u0000" + plain(node));
        }
        return node;
    }

    private static String plain(JsonNode number) {
        var decimal = number.decimalValue();
        if (decimal.signum() == 0) {
            return "0";
        }
        // as text: BigDecimal.stripTrailingZeros takes seconds for 1e131071, which jsonb prints with all its zeros
        String digits = decimal.unscaledValue().toString();
        int end = digits.length();
        while (digits.charAt(end - 1) == '0') {
            end--;
        }
        return digits.substring(0, end) + "e" + (digits.length() - end - (long) decimal.scale());
    }
}
