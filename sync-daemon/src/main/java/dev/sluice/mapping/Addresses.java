package dev.sluice.mapping;

import dev.sluice.change.Value;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/**
 * {@code inet} of a schema that the application made, for single addresses that are written as PostgreSQL prints them
 * (its {@code inet_net_ntop.c}): no leading zeros, lower case, the longest run of zeros as {@code ::}.
 */
record Addresses() implements Codec {

    private static final Pattern FOUR =
            Pattern.compile("((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\\.(?!$)|$)){4}");
    private static final Pattern SIX = Pattern.compile("[0-9a-f:]{2,39}");
    private static final int WORDS = 8;

    @Override
    public String id() {
        return "inet";
    }

    @Override
    public String type() {
        return "inet";
    }

    @Override
    public boolean fits(Value value) {
        if (!(value instanceof Value.Text text) || text.utf8().length > 39 || !text.isPlain()) {
            return false;
        }
        String address = string(text);
        if (FOUR.matcher(address).matches()) {
            return true;
        }
        int[] words = SIX.matcher(address).matches() ? words(address) : null;
        return words != null && address.equals(printed(words));
    }

    @Override
    public String text(Value value) {
        return string(value);
    }

    @Override
    public void binary(Value value, BinaryRow row) {
        String address = string(value);
        boolean six = address.indexOf(':') >= 0;
        byte[] field = new byte[six ? 20 : 8];
        field[0] = (byte) (six ? 3 : 2); // PGSQL_AF_INET6 and PGSQL_AF_INET of utils/inet.h
        field[1] = (byte) (six ? 128 : 32);
        field[3] = (byte) (field.length - 4);
        if (six) {
            int[] words = words(address);
            for (int i = 0; i < WORDS; i++) {
                field[4 + 2 * i] = (byte) (words[i] >> 8);
                field[5 + 2 * i] = (byte) words[i];
            }
        } else {
            String[] parts = address.split("\\.");
            for (int i = 0; i < parts.length; i++) {
                field[4 + i] = (byte) Integer.parseInt(parts[i]);
            }
        }
        row.field(field);
    }

    @Override
    public Value decode(String text) {
        int mask = text.indexOf('/');
        if (mask < 0 || !text.substring(mask).equals(text.indexOf(':') >= 0 ? "/128" : "/32")) {
            throw new IllegalArgumentException("not a single address");
        }
        return Value.of(text.substring(0, mask));
    }

    private static String string(Value value) {
        return new String(((Value.Text) value).utf8(), StandardCharsets.UTF_8);
    }

    /** The eight words of an address, null if it is none. */
    private static int[] words(String address) {
        int gap = address.indexOf("::");
        String[] before = (gap < 0 ? address : address.substring(0, gap)).split(":", -1);
        String[] after = gap < 0 ? new String[0] : address.substring(gap + 2).split(":", -1);
        int first = before.length == 1 && before[0].isEmpty() ? 0 : before.length;
        int last = after.length == 1 && after[0].isEmpty() ? 0 : after.length;
        if (gap < 0 ? first != WORDS : first + last >= WORDS) {
            return null;
        }
        int[] words = new int[WORDS];
        for (int i = 0; i < first + last; i++) {
            String word = i < first ? before[i] : after[i - first];
            if (word.isEmpty() || word.length() > 4) {
                return null;
            }
            words[i < first ? i : WORDS - last + i - first] = Integer.parseInt(word, 16);
        }
        return words;
    }

    /** As PostgreSQL prints it, or null where it prints the last words as an IPv4 address. */
    private static String printed(int[] words) {
        int best = -1;
        int bestLength = 1; // a run of one zero is written out
        for (int i = 0; i < WORDS; i++) {
            int length = 0;
            while (i + length < WORDS && words[i + length] == 0) {
                length++;
            }
            if (length > bestLength) {
                best = i;
                bestLength = length;
            }
            i += length;
        }
        if (best == 0 && (bestLength == 6 || bestLength == 5 && words[5] == 0xffff)) {
            return null;
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < WORDS; i++) {
            if (best >= 0 && i >= best && i < best + bestLength) {
                text.append(i == best ? ":" : "");
                continue;
            }
            text.append(i == 0 ? "" : ":").append(Integer.toHexString(words[i]));
        }
        return text.append(best >= 0 && best + bestLength == WORDS ? ":" : "").toString();
    }
}
