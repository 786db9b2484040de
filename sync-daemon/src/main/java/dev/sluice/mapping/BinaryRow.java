package dev.sluice.mapping;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A growing buffer in the format of PostgreSQL's binary COPY (postgresql.org/docs/current/sql-copy.html). Reused
 * between chunks; not thread-safe.
 */
public final class BinaryRow {

    private static final byte[] SIGNATURE = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', (byte) 0xFF, '\r', '\n', 0};

    /** Ends a COPY stream. */
    public static final byte[] TRAILER = {(byte) 0xFF, (byte) 0xFF};

    private byte[] buffer = new byte[64 * 1024];
    private int length;

    /** Starts a COPY stream: signature, flags, header extension length. */
    public void header() {
        raw(SIGNATURE);
        putInt(0);
        putInt(0);
    }

    /** Starts a row of {@code fields} fields. */
    public void row(int fields) {
        putShort(fields);
    }

    public void nullField() {
        putInt(-1);
    }

    public void field(byte[] content) {
        putInt(content.length);
        raw(content);
    }

    public void field(String text) {
        field(text.getBytes(StandardCharsets.UTF_8));
    }

    public void longField(long value) {
        putInt(8);
        putLong(value);
    }

    public void intField(int value) {
        putInt(4);
        putInt(value);
    }

    public void shortField(int value) {
        putInt(2);
        putShort(value);
    }

    public void byteField(int value) {
        putInt(1);
        reserve(1);
        buffer[length++] = (byte) value;
    }

    void putShort(int value) {
        reserve(2);
        buffer[length++] = (byte) (value >> 8);
        buffer[length++] = (byte) value;
    }

    void putInt(int value) {
        reserve(4);
        buffer[length++] = (byte) (value >> 24);
        buffer[length++] = (byte) (value >> 16);
        buffer[length++] = (byte) (value >> 8);
        buffer[length++] = (byte) value;
    }

    void putLong(long value) {
        putInt((int) (value >> 32));
        putInt((int) value);
    }

    private void raw(byte[] bytes) {
        reserve(bytes.length);
        System.arraycopy(bytes, 0, buffer, length, bytes.length);
        length += bytes.length;
    }

    private void reserve(int more) {
        if (buffer.length - length < more) {
            long wanted = Math.max((long) length + more, Math.min(buffer.length * 2L, Integer.MAX_VALUE - 16));
            if (wanted > Integer.MAX_VALUE - 16) {
                throw new IllegalStateException("a copy buffer over 2 GB");
            }
            buffer = Arrays.copyOf(buffer, (int) wanted);
        }
    }

    public byte[] buffer() {
        return buffer;
    }

    public int length() {
        return length;
    }

    /** Takes back what was appended since the buffer was {@code earlier} long. */
    public void cut(int earlier) {
        length = earlier;
    }

    public void clear() {
        length = 0;
        if (buffer.length > 64 * 1024 * 1024) {
            buffer = new byte[64 * 1024];
        }
    }
}
