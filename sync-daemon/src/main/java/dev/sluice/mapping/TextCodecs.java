package dev.sluice.mapping;

import dev.sluice.change.Value;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Codecs for text, bytes, JSON, UUIDs and for columns that mix storage classes. */
final class TextCodecs {

    private static final HexFormat HEX = HexFormat.of();

    /** PostgreSQL's limit for names of all sorts. */
    private static final int LABEL_BYTES_MAX = 63;

    private TextCodecs() {}

    private static String string(Value value) {
        return new String(((Value.Text) value).utf8(), StandardCharsets.UTF_8);
    }

    /**
     * Plain text in {@code type}: text, varchar, citext, or any type that prints each text as it was written.
     *
     * @param lengthMax characters, 0 for no limit
     * @param binarySame true if the type's binary form is the text itself
     */
    record Texts(String type, int lengthMax, boolean binarySame) implements Codec {
        static final Texts TEXT = new Texts("text", 0, true);

        static Texts varchar(int lengthMax) {
            return new Texts("varchar(" + lengthMax + ")", lengthMax, true);
        }

        @Override
        public String id() {
            return "text:" + lengthMax + ":" + binarySame + ":" + type;
        }

        @Override
        public boolean fits(Value value) {
            return value instanceof Value.Text text && text.utf8().length <= BYTES_MAX && text.isPlain()
                    && (lengthMax == 0 || text.utf8().length <= lengthMax || characters(text.utf8()) <= lengthMax);
        }

        @Override
        public boolean within(Codec wider) {
            return Codec.super.within(wider) || wider.equals(Texts.TEXT);
        }

        private static int characters(byte[] utf8) {
            int count = 0;
            for (byte b : utf8) {
                if ((b & 0xC0) != 0x80) {
                    count++;
                }
            }
            return count;
        }

        @Override
        public String text(Value value) {
            return string(value);
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            row.field(((Value.Text) value).utf8());
        }

        @Override
        public Value decode(String text) {
            return Value.of(text);
        }

        @Override
        public boolean hasBinary() {
            return binarySame;
        }
    }

    /**
     * An enum of a schema that the application made.
     *
     * @param type its name as written in SQL
     * @param labels what it allows; empty to leave that to PostgreSQL, which refuses what is no label
     */
    record Labels(String type, List<String> labels) implements Codec {

        /** Labels come and go while the migration runs; PostgreSQL knows them best. */
        @Override
        public Codec planned() {
            return new Labels(type, List.of());
        }

        @Override
        public String castType() {
            return type;
        }

        @Override
        public String id() {
            return "enum:" + HEX.formatHex(type.getBytes(StandardCharsets.UTF_8)) + labels.stream()
                    .map(label -> ":" + HEX.formatHex(label.getBytes(StandardCharsets.UTF_8))).collect(Collectors.joining());
        }

        static Labels parse(String[] parts) {
            List<String> names = Arrays.stream(parts).skip(1)
                    .map(hex -> new String(HEX.parseHex(hex), StandardCharsets.UTF_8)).toList();
            return new Labels(names.get(0), names.subList(1, names.size()));
        }

        @Override
        public boolean fits(Value value) {
            return value instanceof Value.Text text && text.utf8().length <= LABEL_BYTES_MAX && text.isPlain()
                    && (labels.isEmpty() || labels.contains(string(text)));
        }

        @Override
        public String text(Value value) {
            return string(value);
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            row.field(((Value.Text) value).utf8());
        }

        @Override
        public Value decode(String text) {
            return Value.of(text);
        }
    }

    /** {@code char(n)} of a schema that the application made: PostgreSQL pads with spaces and drops them on reading. */
    record PaddedText(int lengthMax) implements Codec {
        @Override
        public String id() {
            return "char:" + lengthMax;
        }

        @Override
        public String type() {
            return "char(" + lengthMax + ")";
        }

        @Override
        public boolean fits(Value value) {
            return Texts.varchar(lengthMax).fits(value) && !string(value).endsWith(" ");
        }

        @Override
        public String text(Value value) {
            return string(value);
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            row.field(((Value.Text) value).utf8());
        }

        @Override
        public Value decode(String text) {
            int end = text.length();
            while (end > 0 && text.charAt(end - 1) == ' ') {
                end--; // only spaces are padding; a line feed at the end is the user's
            }
            return Value.of(text.substring(0, end));
        }
    }

    /** {@code bytea} holding blobs, or with {@code ofText} the bytes of text that need not be valid. */
    record Bytes(boolean ofText) implements Codec {
        @Override
        public String id() {
            return ofText ? "bytea:text" : "bytea";
        }

        @Override
        public String type() {
            return "bytea";
        }

        @Override
        public boolean fits(Value value) {
            // PostgreSQL prints two hex digits per byte, and what it prints has the same limit
            return (ofText ? value instanceof Value.Text : value instanceof Value.Blob)
                    && value.bytes().length < BYTES_MAX / 2;
        }

        @Override
        public String text(Value value) {
            return "\\x" + HEX.formatHex(value.bytes());
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            row.field(value.bytes());
        }

        @Override
        public Value decode(String text) {
            byte[] bytes = HEX.parseHex(text, 2, text.length());
            return ofText ? new Value.Text(bytes) : Value.of(bytes);
        }
    }

    /** {@code text} of a schema that the application made, for a column whose values are blobs of UTF-8. */
    record BlobAsText(String type) implements Codec {
        @Override
        public String id() {
            return "blobtext:" + type;
        }

        @Override
        public boolean fits(Value value) {
            return value instanceof Value.Blob blob && blob.content().length <= BYTES_MAX
                    && new Value.Text(blob.content()).isPlain();
        }

        @Override
        public String text(Value value) {
            return new String(value.bytes(), StandardCharsets.UTF_8);
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            row.field(value.bytes());
        }

        @Override
        public Value decode(String text) {
            return Value.of(text.getBytes(StandardCharsets.UTF_8));
        }
    }

    /** {@code json}, which keeps the text as written, or {@code jsonb}, which keeps only its meaning. */
    record Json(boolean binaryType) implements Codec {
        @Override
        public String id() {
            return type();
        }

        @Override
        public String type() {
            return binaryType ? "jsonb" : "json";
        }

        @Override
        public boolean fits(Value value) {
            return value instanceof Value.Text text && text.utf8().length <= BYTES_MAX / 4 && text.isPlain()
                    && (binaryType ? JsonText.fitsJsonb(text) : JsonText.isValid(text));
        }

        @Override
        public boolean within(Codec wider) {
            return Codec.super.within(wider) || wider.equals(Texts.TEXT);
        }

        @Override
        public String text(Value value) {
            return string(value);
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            byte[] utf8 = ((Value.Text) value).utf8();
            if (binaryType) {
                byte[] versioned = new byte[utf8.length + 1];
                versioned[0] = 1;
                System.arraycopy(utf8, 0, versioned, 1, utf8.length);
                row.field(versioned);
            } else {
                row.field(utf8);
            }
        }

        @Override
        public Value decode(String text) {
            return Value.of(text);
        }

        @Override
        public boolean exact() {
            return !binaryType;
        }

        @Override
        public Value canonical(Value value) {
            return binaryType && value instanceof Value.Text text ? JsonText.canonical(text) : value;
        }
    }

    /** How SQLite holds a UUID. */
    enum UuidForm {
        LOWER,
        UPPER,
        BLOB,
        /** 32 lower-case digits without hyphens, as Django writes them. */
        HEX
    }

    /** {@code uuid}. */
    record Uuids(UuidForm form) implements Codec {
        @Override
        public String id() {
            return "uuid:" + form;
        }

        @Override
        public String type() {
            return "uuid";
        }

        @Override
        public boolean fits(Value value) {
            if (form == UuidForm.BLOB) {
                return value instanceof Value.Blob blob && blob.content().length == 16;
            }
            if (form == UuidForm.HEX) {
                return value instanceof Value.Text text && text.utf8().length == 32 && isHex(text.utf8());
            }
            return value instanceof Value.Text text && text.utf8().length == 36 && isCanonical(text.utf8());
        }

        private static boolean isHex(byte[] ascii) {
            for (byte b : ascii) {
                if ((b < '0' || b > '9') && (b < 'a' || b > 'f')) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public boolean within(Codec wider) {
            return Codec.super.within(wider) || form != UuidForm.BLOB && wider.equals(Texts.TEXT);
        }

        private boolean isCanonical(byte[] ascii) {
            for (int i = 0; i < ascii.length; i++) {
                byte b = ascii[i];
                boolean hyphen = i == 8 || i == 13 || i == 18 || i == 23;
                boolean letter = form == UuidForm.LOWER ? b >= 'a' && b <= 'f' : b >= 'A' && b <= 'F';
                if (hyphen ? b != '-' : !letter && (b < '0' || b > '9')) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public String text(Value value) {
            return form == UuidForm.BLOB ? HEX.formatHex(value.bytes()) : string(value);
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            if (form == UuidForm.BLOB) {
                row.field(value.bytes());
            } else if (form == UuidForm.HEX) {
                row.field(HEX.parseHex(string(value)));
            } else {
                UUID uuid = UUID.fromString(string(value));
                row.putInt(16);
                row.putLong(uuid.getMostSignificantBits());
                row.putLong(uuid.getLeastSignificantBits());
            }
        }

        @Override
        public Value decode(String text) {
            return switch (form) {
                case LOWER -> Value.of(text);
                case UPPER -> Value.of(text.toUpperCase(Locale.ROOT));
                case BLOB -> Value.of(HEX.parseHex(text.replace("-", "")));
                case HEX -> Value.of(text.replace("-", ""));
            };
        }
    }

    /**
     * {@code text} that holds every value of every storage class. What reads naturally is written plainly; the rest
     * carries a mark: {@code \x…} a blob in hex, {@code \b…} text that is not valid UTF-8 or holds NUL, in hex,
     * {@code \t…} text that would read as something else, {@code \i…} an integer, {@code \r…} a real.
     *
     * @param numbersPlain true: what looks like a number is one ({@code 5} integer, {@code 5.0} real) and such text is
     *     marked; false: everything unmarked is text and numbers are marked
     */
    record Escaped(boolean numbersPlain) implements Codec {
        private static final Pattern INTEGER = Pattern.compile("-?[0-9]{1,19}");
        private static final Pattern REAL = Pattern.compile("-?(?:[0-9]+\\.[0-9]+(?:E-?[0-9]+)?|Infinity)");

        @Override
        public String id() {
            return "escaped:" + (numbersPlain ? "numbers" : "text");
        }

        @Override
        public String type() {
            return "text";
        }

        @Override
        public boolean fits(Value value) {
            return value instanceof Value.Int || value instanceof Value.Real || value.bytes().length < BYTES_MAX / 2;
        }

        @Override
        public String text(Value value) {
            if (value instanceof Value.Int || value instanceof Value.Real) {
                String number = value.toString();
                return numbersPlain ? number : (value instanceof Value.Int ? "\\i" : "\\r") + number;
            }
            if (value instanceof Value.Blob) {
                return "\\x" + HEX.formatHex(value.bytes());
            }
            Value.Text text = (Value.Text) value;
            if (!text.isPlain()) {
                return "\\b" + HEX.formatHex(text.utf8());
            }
            String plain = string(text);
            return plain.startsWith("\\") || numbersPlain && number(plain) != null ? "\\t" + plain : plain;
        }

        @Override
        public void binary(Value value, BinaryRow row) {
            row.field(text(value));
        }

        @Override
        public Value decode(String text) {
            if (text.startsWith("\\") && text.length() > 1) {
                String rest = text.substring(2);
                return switch (text.charAt(1)) {
                    case 'x' -> Value.of(HEX.parseHex(rest));
                    case 'b' -> new Value.Text(HEX.parseHex(rest));
                    case 'i' -> Value.of(Long.parseLong(rest));
                    case 'r' -> Value.of(Double.parseDouble(rest));
                    default -> Value.of(rest);
                };
            }
            Value number = numbersPlain ? number(text) : null;
            return number != null ? number : Value.of(text);
        }

        private static Value number(String text) {
            if (text.isEmpty() || text.length() > 400) {
                return null;
            }
            if (INTEGER.matcher(text).matches()) {
                try {
                    long number = Long.parseLong(text);
                    // 007 and -0 are text: an integer is printed in one way only
                    return Long.toString(number).equals(text) ? Value.of(number) : null;
                } catch (NumberFormatException e) {
                    return null; // 19 digits beyond 64 bits: text
                }
            }
            return REAL.matcher(text).matches() ? Value.of(Double.parseDouble(text)) : null;
        }
    }
}
