package dev.sluice.postgres;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;

/** A password or token: can be used, never printed. Immutable. */
public final class Secret {

    private static final long FILE_BYTES_MAX = 64 * 1024;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final String value;

    private Secret(String value) {
        this.value = value;
    }

    public static Secret of(String value) {
        return new Secret(value);
    }

    /** 192 random bits in letters and digits that are safe in URLs and shells. */
    public static Secret random() {
        byte[] bits = new byte[24];
        RANDOM.nextBytes(bits);
        return new Secret(Base64.getUrlEncoder().withoutPadding().encodeToString(bits));
    }

    /** The first line of {@code file}, without its line end. */
    public static Secret read(Path file) throws IOException {
        if (Files.size(file) > FILE_BYTES_MAX) {
            throw new IOException(file + " is too large for a password or token");
        }
        String text = Files.readString(file, StandardCharsets.UTF_8);
        return new Secret(text.lines().findFirst().orElse(""));
    }

    /** The secret itself: hand it to a driver or compare it, don't keep or print it. */
    public String reveal() {
        return value;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Secret secret && value.equals(secret.value);
    }

    @Override
    public int hashCode() {
        return value.hashCode();
    }

    @Override
    public String toString() {
        return "***";
    }
}
