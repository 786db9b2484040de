package dev.sluice.change;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One stored SQLite value: its storage class and its exact content. Two values are equal only if class and bytes are
 * equal, so {@code 1}, {@code 1.0} and {@code '1'} differ, and so do {@code -0.0} and {@code 0.0}. Immutable by
 * convention: nobody writes to the byte arrays.
 */
public sealed interface Value permits Value.Null, Value.Int, Value.Real, Value.Text, Value.Blob {

    /** The only NULL. */
    Value NULL = new Null();

    /** SQLite's five storage classes, with the tag that stands in front of the value where it is hashed. */
    enum StorageClass {
        NULL('n'),
        INTEGER('i'),
        REAL('r'),
        TEXT('t'),
        BLOB('b');

        private final byte tag;

        StorageClass(char tag) {
            this.tag = (byte) tag;
        }

        /** One ASCII letter, stable for ever: hashes in evidence files depend on it. */
        public byte tag() {
            return tag;
        }
    }

    StorageClass storageClass();

    /** The content as bytes: big-endian for numbers (a real as its IEEE 754 bits), as stored for text and blob. */
    byte[] bytes();

    default boolean isNull() {
        return this == NULL;
    }

    static Value of(long value) {
        return new Int(value);
    }

    static Value of(double value) {
        return new Real(value);
    }

    static Value of(String value) {
        return new Text(value.getBytes(StandardCharsets.UTF_8));
    }

    static Value of(byte[] value) {
        return new Blob(value);
    }

    /** SQL NULL. Use {@link Value#NULL}. */
    record Null() implements Value {
        @Override
        public StorageClass storageClass() {
            return StorageClass.NULL;
        }

        @Override
        public byte[] bytes() {
            return new byte[0];
        }

        @Override
        public String toString() {
            return "NULL";
        }
    }

    /** A 64-bit integer. */
    record Int(long value) implements Value {
        @Override
        public StorageClass storageClass() {
            return StorageClass.INTEGER;
        }

        @Override
        public byte[] bytes() {
            return ByteBuffer.allocate(8).putLong(value).array();
        }

        @Override
        public String toString() {
            return Long.toString(value);
        }
    }

    /** An IEEE 754 double; never NaN, which SQLite stores as NULL. */
    record Real(double value) implements Value {
        @Override
        public StorageClass storageClass() {
            return StorageClass.REAL;
        }

        @Override
        public byte[] bytes() {
            return ByteBuffer.allocate(8).putLong(Double.doubleToRawLongBits(value)).array();
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Real real
                    && Double.doubleToRawLongBits(value) == Double.doubleToRawLongBits(real.value);
        }

        @Override
        public int hashCode() {
            return Long.hashCode(Double.doubleToRawLongBits(value));
        }

        @Override
        public String toString() {
            return Double.toString(value);
        }
    }

    /** Text as the UTF-8 bytes that SQLite returns, which need not be valid UTF-8 and may contain NUL. */
    record Text(byte[] utf8) implements Value {
        @Override
        public StorageClass storageClass() {
            return StorageClass.TEXT;
        }

        @Override
        public byte[] bytes() {
            return utf8;
        }

        /** True if PostgreSQL's {@code text} can hold it: valid UTF-8 without NUL. */
        public boolean isPlain() {
            return Utf8.isValid(utf8, true);
        }

        /** True if every byte is an ASCII character other than NUL. */
        public boolean isAscii() {
            return Utf8.plainStart(utf8) == utf8.length;
        }

        /** True if the bytes are valid UTF-8. */
        public boolean isUtf8() {
            return Utf8.isValid(utf8, false);
        }

        /** The text, or null if the bytes are not valid UTF-8. */
        public String decoded() {
            return isUtf8() ? new String(utf8, StandardCharsets.UTF_8) : null;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Text text && Arrays.equals(utf8, text.utf8);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(utf8);
        }

        @Override
        public String toString() {
            return "'" + new String(utf8, StandardCharsets.UTF_8) + "'";
        }
    }

    /** Raw bytes. */
    record Blob(byte[] content) implements Value {
        @Override
        public StorageClass storageClass() {
            return StorageClass.BLOB;
        }

        @Override
        public byte[] bytes() {
            return content;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Blob blob && Arrays.equals(content, blob.content);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(content);
        }

        @Override
        public String toString() {
            return "x'" + java.util.HexFormat.of().formatHex(content) + "'";
        }
    }
}
