package dev.sluice.change;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Tells valid UTF-8 without decoding it, by the table of well-formed sequences of the Unicode standard (3.9, D92). */
final class Utf8 {

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final long LOW_BITS = 0x0101010101010101L;
    private static final long HIGH_BITS = 0x8080808080808080L;

    private Utf8() {}

    /** How many bytes the text begins with that are ASCII and not NUL, found eight at a time: all of them in most texts. */
    static int plainStart(byte[] bytes) {
        int i = 0;
        for (int end = bytes.length - 8; i <= end; i += 8) {
            long eight = (long) LONGS.get(bytes, i);
            // a byte is taken for NUL by mistake only above one that is NUL
            if ((((eight - LOW_BITS) & ~eight | eight) & HIGH_BITS) != 0) {
                break;
            }
        }
        while (i < bytes.length && bytes[i] > 0) {
            i++;
        }
        return i;
    }

    /** @param withoutNul true to refuse NUL characters too */
    static boolean isValid(byte[] bytes, boolean withoutNul) {
        int i = plainStart(bytes);
        while (i < bytes.length) {
            int first = bytes[i];
            if (first >= 0) {
                if (first == 0 && withoutNul) {
                    return false;
                }
                i++;
                continue;
            }
            int length = lengthOf(first & 0xFF);
            if (length == 0 || i + length > bytes.length || !secondFits(first & 0xFF, bytes[i + 1] & 0xFF)) {
                return false;
            }
            for (int k = 2; k < length; k++) {
                if ((bytes[i + k] & 0xC0) != 0x80) {
                    return false;
                }
            }
            i += length;
        }
        return true;
    }

    private static int lengthOf(int first) {
        return first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    }

    /** The second byte is what tells overlong forms, surrogates and numbers beyond U+10FFFF. */
    private static boolean secondFits(int first, int second) {
        return switch (first) {
            case 0xE0 -> second >= 0xA0 && second <= 0xBF;
            case 0xED -> second >= 0x80 && second <= 0x9F;
            case 0xF0 -> second >= 0x90 && second <= 0xBF;
            case 0xF4 -> second >= 0x80 && second <= 0x8F;
            default -> second >= 0x80 && second <= 0xBF;
        };
    }
}
