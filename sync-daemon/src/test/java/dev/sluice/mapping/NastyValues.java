package dev.sluice.mapping;

import dev.sluice.change.Value;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/** Values that have broken a migration somewhere, and random ones of every kind that a codec looks for. */
public final class NastyValues {

    private static final String[] TEXTS = {
        "", " ", "a", "a ", " a", "a\n", "a\t ", "a\u00a0", "a\u3000", "NULL", "null", "\\N", "\\", "\\\\", "\\.",
                "\\x", "\\x00", "\\b41",
        "\\t", "\\i5", "\\r5.0", "\"", "'", "{", "}", "{}", "{a,b}", "0", "1", "-1", "-0", "+1", "007", "1.0", "1.50",
        "-0.0", "1e5",
        "1E5", "1.0E10", "1.0E-10", "Infinity", "-Infinity", "+Infinity", "inf", "NaN", "9223372036854775807",
        "9223372036854775808", "-9223372036854775808", "99999999999999999999", "t", "f", "T", "true", "false", "TRUE",
        "yes", "no",
        "on", "off", "Z", "ä", "Straße", "日本語", "😀", "e\u0301", "\uFEFF", "\uFEFF{}", "\u2028", "\u007f", "\u0001",
        "x".repeat(200),
        "0000-00-00", "0000-00-00 00:00:00", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "2024-02-30",
        "2023-02-29",
        "2024-02-29", "1900-02-29", "2024-1-1", "2024-01-01 ", "2024-01-01T", "1582-10-10", "2024-01-01 24:00:00",
        "2024-01-01 23:59:60", "2024-01-01 00:00:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999",
        "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "2024-01-01 12:30", "2024-01-01T12:30",
        "2024-01-01 12:30:15.1",
        "2024-01-01 12:30:15.123", "2024-01-01 12:30:15.000", "2024-01-01 12:30:15.120000",
        "2024-01-01 12:30:15.1234567",
        "2024-01-01 12:30:15.", "2024-01-01 12:30:15,123", "2024-01-01T12:30:15Z", "2024-01-01T12:30:15z",
        "2024-01-01T12:30:15+00:00", "2024-01-01T12:30:15+02:00", "2024-01-01T12:30:15-00:00", "2024-01-01 12:30:15+00",
        "2024-01-01 12:30:15 UTC", "2024-01-01 12:30:15.123456 +0000 UTC",
        "2024-01-01 12:30:15.123456789 +0000 UTC m=+0.1",
        "2024-03-31 02:30:00", "2024-10-27 02:30:00", "1883-11-18 12:00:00", "0001-01-01 00:00", "9999-12-31 23:59",
        "12:30", "12:30:15", "00:00:00", "24:00:00", "23:59:59.999999", "12:30:15.5", "1:30", "12:3", "12:30:15.500",
        "12:30:60",
        "٢٠٢٤-٠١-٠١", "２０２４-01-01", "infinity", "-infinity", "epoch", "now", "today", "allballs",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
        "a0eebc99-9C0B-4ef8-bb6d-6bb9bd380a11",
        "00000000-0000-0000-0000-000000000000", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
        "a0eebc999c0b4ef8bb6d6bb9bd380a11",
        "\u212A0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", "A0EEBC999C0B4EF8BB6D6BB9BD380A11",
        "127.0.0.1", "0.0.0.0", "255.255.255.255", "256.1.1.1", "1.2.3", "1.2.3.4.", "01.2.3.4", "1.2.3.4/32", "10.0.0.0/8",
        "::", "::1", "1::", "0::1", "::0", "fe80::1", "FE80::1", "2001:db8::1:0:0:1", "2001:db8:0:0:1::1", "2001:db8:0:1:1:1:1:1",
        "2001:db8::1:1:1:1:1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:0:0:4:0:0:0:8",
        "1:0:0:4::8", "1::4:0:0:0:8", "1:0:3:0:5:0:7:0", "::ffff:1.2.3.4", "::ffff:102:304", "::1.2.3.4", "::102:304",
        "::ffff:0:1", "0:0:0:0:0:fffe:1:2", "::fffe:1:2", "1::2::3", ":::", ":1", "1:", "12345::", "g::", "fe80::1%eth0", "::1/128",
    };

    /** Texts at the edge of what is JSON. */
    static final String[] JSON = {
        "{}", "[]", "\"\"", "0", "-0", "-", "+1", "01", "1.", ".5", "1e5", "1E+5", "1e", "1e400", "-1e-400",
                "1e99999", "1e200000",
        "1e-20000", "1e999999999", "123456789012345678901234567890.123456789", "NaN", "Infinity", "true", "false",
        "null", "True",
        "nul", "truefalse", "true false", "[true", "[1,]", "[,1]", "[1 2]", "{\"a\":1,}", "{\"a\"}", "{a:1}",
        "{'a':1}", "{\"a\":1}x",
        "{\"a\":1} ", " {\"a\":1}", "\t[1]\r\n", "\f[1]", "\u00a0[1]", "[1]\u00a0", "\u000b[1]", "[1]//c", "[1/*c*/]",
        "#c\n[1]",
        "{\"a\":1,\"a\":2}", "{\"b\":1,\"a\":2,\"\":3}", "{\"a\":{\"a\":1}}", "[1.10, 1.1e0, 100, 1e2]",
                "\"\\u0000\"", "[\"\\u0000\"]",
        "\"\\\\u0000\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud83d\\ude00\"", "\"\\ud83dx\"", "\"\\uD83D\\u0041\"",
        "\"\\u00e4\"",
        "\"\\u12\"", "\"\\uXYZW\"", "\"\\x\"", "\"\\'\"", "\"\\/\\b\\f\\n\\r\\t\\\"\\\\\"", "\"a\nb\"", "\"a\tb\"",
        "\"\u0001\"",
        "\"\u007f\"", "\"\u2028\"", "\"\uFEFF\"", "\uFEFF{}", "{}\uFEFF", "\u001e{}", "\"", "\"abc", "\"abc\\",
        "[\"abc", "[\"\\", "[1e5]",
        "[1a]", "[0x10]", "[1_000]", "[00]", "[-01]", "[--1]", "[1.5.5]", "[tru]", "[truex]", "[nullä]",
        "{\"a\":tru}", "{\"a\" : 1 }",
        "{\"a\":\"\\ud55c\"}", "{\"\\u0061\":1}", "{\"a\\u0000\":1}", "[[[]]]", "[}", "{]", "]", "[]]", "{}{}", "1 1",
        "\"a\" \"b\"", "",
        " ", "\n", "{\"a\":1}\u0000", "[" + "9".repeat(900) + "]", "[" + "9".repeat(1100) + "]", "[0."
        + "0".repeat(16400) + "1]",
        "[" + "9".repeat(140_000) + "]", "{\"" + "k".repeat(60_000) + "\":1}", "[\"" + "s".repeat(100_000) + "\"]",
        "[".repeat(900) + "]".repeat(900), "[".repeat(999) + "]".repeat(999), "[".repeat(1001) + "]".repeat(1001),
        "{\"a\":".repeat(990) + "1" + "}".repeat(990), "[".repeat(20_000) + "]".repeat(20_000), "[1e131071, 1e-16383]",
        "[1e131072]", "[9.99e131071]", "[1e-16384]", "[0e200000]", "[0.0e-99999]", "[-0.0]", "[1.0, 1.00]", "[1E400]",
    };

    private static final String[] HEX_BYTES = {
        "", "00", "ff", "c3", "c328", "eda080", "f4908080", "c080", "6100", "610062", "80", "efbfbd", "f09f9880",
                "e28080", "5c", "5c78",
        "a0eebc999c0b4ef8bb6d6bb9bd380a11", "00000000000000000000000000000000", "efbbbf7b7d",
    };

    private static final long[] INTEGERS = {
        0, 1, 2, -1, 127, 128, 255, 32767, 32768, -32768, -32769, 65536, Integer.MAX_VALUE, Integer.MAX_VALUE + 1L,
                Integer.MIN_VALUE,
        Integer.MIN_VALUE - 1L, 1L << 24, (1L << 24) + 1, 1L << 53, (1L << 53) + 1, -(1L << 53), -(1L << 53) - 1,
        Long.MAX_VALUE,
        Long.MIN_VALUE, Long.MAX_VALUE - 1, 9999, 10000, 100_000_000, 99_999_999, 10_000_000_000L, 1_700_000_000L,
        1_700_000_000_000L,
        1_700_000_000_000_000L, 253_402_300_799L, 253_402_300_800L, 253_402_300_799_999L, 253_402_300_800_000L,
        253_402_300_799_999_999L, 253_402_300_800_000_000L, -62_135_596_800L, -62_135_596_801L, -62_135_596_800_000L,
        -62_135_596_800_001L, -62_135_596_800_000_000L, -62_135_596_800_000_001L, 946_684_800L,
    };

    private static final double[] REALS = {
        0.0, -0.0, 1.0, -1.0, 0.1, 0.1 + 0.2, 1.1f, 1e15, 1e16, 1e17, 1e21, 1e22, 1e23, 1e100, 1e308,
                Double.MAX_VALUE, -Double.MAX_VALUE,
        Double.MIN_VALUE, Double.MIN_NORMAL, 2.2250738585072011e-308, Float.MIN_VALUE, Float.MAX_VALUE,
        Float.MIN_NORMAL, 16777217.0, 1e-5, 1e-4,
        12345.6789, 0.5, 2.5, 99.99, 100.0, 999999.995, 9007199254740992.0, 9007199254740994.0,
        9.223372036854775807e18, -9.223372036854775808e18,
        Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 2451545.0, 1.0e-300, 123456789.123456789, 4.35, 2.0E-3,
        1.0e7, 9999999.0,
        5e-324,
    };

    private NastyValues() {}

    /** The fixed ones and {@code random} more from {@code seed}; no NULL. */
    public static List<Value> all(long seed, int random) {
        List<Value> values = new ArrayList<>();
        for (String text : TEXTS) {
            values.add(Value.of(text));
        }
        for (String text : JSON) {
            values.add(Value.of(text));
        }
        for (String hex : HEX_BYTES) {
            values.add(new Value.Text(HexFormat.of().parseHex(hex)));
            values.add(Value.of(HexFormat.of().parseHex(hex)));
        }
        for (long number : INTEGERS) {
            values.add(Value.of(number));
            values.add(Value.of(Long.toString(number)));
            values.add(Value.of((double) number));
        }
        for (double number : REALS) {
            values.add(Value.of(number));
            values.add(Value.of(Double.toString(number)));
            values.add(Value.of((double) (float) number));
        }
        Random source = new Random(seed);
        for (int i = 0; i < random; i++) {
            values.add(random(source));
        }
        values.removeIf(value -> value instanceof Value.Real real && Double.isNaN(real.value()));
        return values;
    }

    private static Value random(Random source) {
        return switch (source.nextInt(14)) {
            case 0 -> Value.of(source.nextLong() >> source.nextInt(64));
            case 1 -> Value.of(Double.longBitsToDouble(source.nextLong()));
            case 2 -> Value.of(source.nextInt(2_000_000) / 100.0);
            case 3 -> Value.of((double) Float.intBitsToFloat(source.nextInt()));
            case 4 -> Value.of(source.nextInt(-1_000_000, 1_000_000) / 1000.0);
            case 5 -> Value.of(bytes(source, 24));
            case 6 -> new Value.Text(bytes(source, 24));
            case 7 -> Value.of(source.ints(source.nextInt(20), 0, 0x11000).filter(Character::isDefined)
                    .filter(c -> !Character.isSurrogate((char) c) || c > 0xffff)
                    .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString());
            case 8, 9, 10 -> Value.of(time(source));
            case 11 -> Value.of(new java.util.UUID(source.nextLong(), source.nextLong()).toString());
            case 12 -> Value.of(json(source, 4));
            default -> broken(source, JSON[source.nextInt(JSON.length)]);
        };
    }

    private static byte[] bytes(Random source, int lengthMax) {
        byte[] bytes = new byte[source.nextInt(lengthMax)];
        source.nextBytes(bytes);
        return bytes;
    }

    private static String time(Random source) {
        String date = String.format(Locale.ROOT, "%04d-%02d-%02d",
                source.nextBoolean() ? 1900 + source.nextInt(200) : source.nextInt(10_000),
                source.nextInt(14), source.nextInt(33));
        int digits = source.nextInt(8);
        String clock = String.format(Locale.ROOT, "%02d:%02d", source.nextInt(25), source.nextInt(61))
                + (source.nextInt(6) == 0 ? "" : String.format(Locale.ROOT, ":%02d", source.nextInt(61))
                        + (digits == 0 || source.nextBoolean() ? ""
                                : "." + (source.nextBoolean() ? "%0" + digits + "d" : "%-" + digits + "d").formatted(
                                        source.nextInt((int) Math.pow(10, digits))).replace(' ', '0')));
        String[] suffixes = {"", "", "", "Z", "+00:00", "+00", " UTC", " +0000 UTC", "+02:00", "-0800"};
        return switch (source.nextInt(6)) {
            case 0 -> date;
            case 1 -> clock;
            default -> date + (source.nextInt(3) == 0 ? "T" : " ") + clock + suffixes[source.nextInt(suffixes.length)];
        };
    }

    private static String json(Random source, int depth) {
        return switch (source.nextInt(depth > 0 ? 8 : 6)) {
            case 0 -> Long.toString(source.nextLong() >> source.nextInt(64));
            case 1 -> Double.toString(Double.longBitsToDouble(source.nextLong()));
            case 2 -> source.nextInt(100) + "e" + source.nextInt(-400, 400);
            case 3 -> "\"" + new String(new char[] {(char) source.nextInt(32, 0xd7ff)}) + "\"";
            case 4 -> "\"\\u%04x\"".formatted(source.nextInt(0x10000));
            case 5 -> new String[] {"true", "false", "null"}[source.nextInt(3)];
            case 6 -> "[" + json(source, depth - 1) + (source.nextBoolean() ? "," : " , ") + json(source, depth - 1)
                    + "]";
            default -> "{\"" + (char) source.nextInt('a', 'e') + "\":" + json(source, depth - 1) + ", \""
                    + (char) source.nextInt('a', 'e') + "\" : " + json(source, depth - 1) + "}";
        };
    }

    /** One character of {@code text} replaced, inserted or left out. */
    private static Value broken(Random source, String text) {
        if (text.length() > 1000) {
            return Value.of(text.substring(0, source.nextInt(1000)));
        }
        String alphabet = "{}[]\",:\\0123456789.eE+- tfnu\n\tx\u00e4";
        int at = source.nextInt(text.length() + 1);
        char character = alphabet.charAt(source.nextInt(alphabet.length()));
        int skip = source.nextInt(2);
        return Value.of(text.substring(0, at) + (source.nextInt(3) == 0 ? "" : character)
                + text.substring(Math.min(text.length(), at + skip)));
    }
}
