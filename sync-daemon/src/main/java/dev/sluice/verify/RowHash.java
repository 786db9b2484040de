package dev.sluice.verify;

import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.store.Keys;
import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * SHA-256 over typed rows: each value as its class tag, its length in four bytes and its content, so that no two
 * different rows can have the same bytes. Not thread-safe.
 */
final class RowHash {

    private final MessageDigest digest = Keys.sha256();
    private final byte[] head = new byte[5];

    void add(RowKey key) {
        key.parts().forEach(this::add);
    }

    void add(Value value) {
        byte[] bytes = value.bytes();
        head[0] = value.storageClass().tag();
        head[1] = (byte) (bytes.length >> 24);
        head[2] = (byte) (bytes.length >> 16);
        head[3] = (byte) (bytes.length >> 8);
        head[4] = (byte) bytes.length;
        digest.update(head);
        digest.update(bytes);
    }

    /** Adds a chunk's hash to a table's. */
    void add(byte[] chunkHash) {
        digest.update(chunkHash);
    }

    byte[] bytes() {
        return digest.digest();
    }

    String hex() {
        return HexFormat.of().formatHex(digest.digest());
    }
}
