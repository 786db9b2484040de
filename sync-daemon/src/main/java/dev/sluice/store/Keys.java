package dev.sluice.store;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Codecs;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;

/** Keys and values of any storage class as {@code text[]}, readable for people and exact on the way back. */
public final class Keys {

    private static final Codec ANYTHING = Codecs.ANYTHING;
    private static final ObjectMapper JSON = new ObjectMapper();

    private Keys() {}

    /** One element per part; SQL NULL stays NULL. */
    public static String[] texts(List<Value> values) {
        return values.stream().map(v -> v.isNull() ? null : ANYTHING.text(v)).toArray(String[]::new);
    }

    public static List<Value> values(String[] texts) {
        List<Value> values = new ArrayList<>();
        for (String text : texts) {
            values.add(text == null ? Value.NULL : ANYTHING.decode(text));
        }
        return values;
    }

    public static RowKey key(String[] texts) {
        return texts == null ? null : new RowKey(values(texts));
    }

    /** A key as one JSON array of its texts, for the key journal. */
    public static String json(RowKey key) {
        String[] texts = texts(key.parts());
        if (texts.length == 1 && texts[0] != null && isPlain(texts[0])) {
            return "[\"" + texts[0] + "\"]"; // nearly all are so
        }
        try {
            return JSON.writeValueAsString(texts);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("an array of strings is always JSON", e);
        }
    }

    /** True if JSON writes the text as it is. */
    private static boolean isPlain(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c > '~' || c == '"' || c == '\\') {
                return false;
            }
        }
        return true;
    }

    public static RowKey fromJson(String json) {
        try {
            return key(JSON.readValue(json, String[].class));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a key in sluice.key_journal can't be read", e);
        }
    }

    /** SHA-256 over the typed key: a name of bounded length. */
    public static byte[] hash(RowKey key) {
        MessageDigest digest = sha256();
        key.parts().forEach(part -> add(digest, part));
        return digest.digest();
    }

    /** The value as its class, its length and its content, so that no two lists of values have the same bytes. */
    static void add(MessageDigest digest, Value value) {
        digest.update(value.storageClass().tag());
        byte[] bytes = value.bytes();
        digest.update(new byte[] {(byte) (bytes.length >> 24), (byte) (bytes.length >> 16), (byte) (bytes.length >> 8),
            (byte) bytes.length});
        digest.update(bytes);
    }

    public static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
