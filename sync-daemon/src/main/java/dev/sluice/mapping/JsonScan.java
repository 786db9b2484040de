package dev.sluice.mapping;

/**
 * Checks bytes against the grammar of RFC 8259 as PostgreSQL does, without making anything of them: every value of a
 * JSON column passes here in the census and again in the copy. Used once.
 */
final class JsonScan {

    /** Deeper texts count as invalid. */
    private static final int DEPTH_MAX = 1_000;

    private final byte[] bytes;
    private int at;

    JsonScan(byte[] utf8) {
        this.bytes = utf8;
    }

    boolean isOneValue() {
        space();
        if (!value(0)) {
            return false;
        }
        space();
        return at == bytes.length;
    }

    private boolean value(int depth) {
        if (at == bytes.length || depth > DEPTH_MAX) {
            return false;
        }
        return switch (bytes[at]) {
            case '{' -> depth < DEPTH_MAX && object(depth + 1);
            case '[' -> depth < DEPTH_MAX && array(depth + 1);
            case '"' -> string();
            case 't' -> word("true");
            case 'f' -> word("false");
            case 'n' -> word("null");
            default -> number();
        };
    }

    private boolean object(int depth) {
        at++;
        space();
        if (take('}')) {
            return true;
        }
        do {
            space();
            if (at == bytes.length || bytes[at] != '"' || !string()) {
                return false;
            }
            space();
            if (!take(':')) {
                return false;
            }
            space();
            if (!value(depth)) {
                return false;
            }
            space();
        } while (take(','));
        return take('}');
    }

    private boolean array(int depth) {
        at++;
        space();
        if (take(']')) {
            return true;
        }
        do {
            space();
            if (!value(depth)) {
                return false;
            }
            space();
        } while (take(','));
        return take(']');
    }

    private boolean string() {
        byte[] text = bytes;
        int i = at + 1;
        while (i < text.length) {
            byte b = text[i++];
            if (b == '"') {
                at = i;
                return true;
            }
            if (b == '\\') {
                at = i;
                if (!escape()) {
                    return false;
                }
                i = at;
            } else if (b >= 0 && b < ' ') {
                return false;
            }
        }
        return false;
    }

    private boolean escape() {
        if (at == bytes.length) {
            return false;
        }
        byte b = bytes[at++];
        if (b != 'u') {
            return "\"\\/bfnrt".indexOf(b) >= 0;
        }
        for (int end = at + 4; at < end; at++) {
            if (at >= bytes.length || Character.digit(bytes[at], 16) < 0) {
                return false;
            }
        }
        return true;
    }

    private boolean number() {
        take('-');
        if (!take('0') && !digits()) {
            return false;
        }
        if (take('.') && !digits()) {
            return false;
        }
        if (take('e') || take('E')) {
            if (!take('+')) {
                take('-');
            }
            return digits();
        }
        return true;
    }

    private boolean digits() {
        int start = at;
        while (at < bytes.length && bytes[at] >= '0' && bytes[at] <= '9') {
            at++;
        }
        return at > start;
    }

    private boolean word(String word) {
        for (int i = 0; i < word.length(); i++) {
            if (!take(word.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    private boolean take(char wanted) {
        if (at < bytes.length && bytes[at] == wanted) {
            at++;
            return true;
        }
        return false;
    }

    private void space() {
        while (at < bytes.length && (bytes[at] == ' ' || bytes[at] == '\n' || bytes[at] == '\r' || bytes[at] == '\t')) {
            at++;
        }
    }
}
