package dev.sluice.sqlite;

import java.io.ByteArrayOutputStream;

/**
 * Text of a UTF-16 file as UTF-8 and back, without loss. SQLite's own conversion makes one character of a high
 * surrogate and whatever follows it, so that different keys may look equal; here a lone surrogate becomes its three
 * bytes, which are not valid UTF-8 and so are treated like every other text that is not.
 */
final class WideText {

    private WideText() {}

    static byte[] toUtf8(byte[] utf16, boolean bigEndian) {
        ByteArrayOutputStream utf8 = new ByteArrayOutputStream(utf16.length);
        for (int at = 0; at + 1 < utf16.length; at += 2) {
            char unit = unit(utf16, at, bigEndian);
            int code = unit;
            if (Character.isHighSurrogate(unit) && at + 3 < utf16.length
                    && Character.isLowSurrogate(unit(utf16, at + 2, bigEndian))) {
                code = Character.toCodePoint(unit, unit(utf16, at + 2, bigEndian));
                at += 2;
            }
            if (code < 0x80) {
                utf8.write(code);
            } else if (code < 0x800) {
                utf8.write(0xc0 | code >> 6);
                utf8.write(0x80 | code & 0x3f);
            } else {
                if (code < 0x10000) {
                    utf8.write(0xe0 | code >> 12);
                } else {
                    utf8.write(0xf0 | code >> 18);
                    utf8.write(0x80 | code >> 12 & 0x3f);
                }
                utf8.write(0x80 | code >> 6 & 0x3f);
                utf8.write(0x80 | code & 0x3f);
            }
        }
        return utf8.toByteArray();
    }

    private static char unit(byte[] utf16, int at, boolean bigEndian) {
        int first = utf16[at] & 0xff;
        int second = utf16[at + 1] & 0xff;
        return (char) (bigEndian ? first << 8 | second : second << 8 | first);
    }

    /** The inverse of {@link #toUtf8} for what that returns. */
    static byte[] toUtf16(byte[] utf8, boolean bigEndian) {
        ByteArrayOutputStream utf16 = new ByteArrayOutputStream(2 * utf8.length);
        for (int at = 0; at < utf8.length;) {
            int lead = utf8[at] & 0xff;
            int length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
            int code = length == 1 ? lead : lead & 0x7f >> length;
            for (int i = 1; i < length; i++) {
                code = code << 6 | utf8[at + i] & 0x3f;
            }
            if (code < 0x10000) {
                put(utf16, (char) code, bigEndian);
            } else {
                put(utf16, Character.highSurrogate(code), bigEndian);
                put(utf16, Character.lowSurrogate(code), bigEndian);
            }
            at += length;
        }
        return utf16.toByteArray();
    }

    private static void put(ByteArrayOutputStream utf16, char unit, boolean bigEndian) {
        utf16.write(bigEndian ? unit >> 8 : unit & 0xff);
        utf16.write(bigEndian ? unit & 0xff : unit >> 8);
    }
}
