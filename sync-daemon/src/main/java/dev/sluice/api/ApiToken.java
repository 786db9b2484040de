package dev.sluice.api;

import dev.sluice.postgres.Secret;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The token that stands for the right to command the daemon, in a file that only its user can read. */
public final class ApiToken {

    private static final Logger LOG = LoggerFactory.getLogger(ApiToken.class);
    private static final int LENGTH_MIN = 16;
    private static final Set<PosixFilePermission> OTHERS = PosixFilePermissions.fromString("---rwxrwx");

    private ApiToken() {
    }

    /** Reads the daemon's token, or makes one where the file is not there yet. */
    public static Secret readOrCreate(Path file) throws IOException {
        if (!Files.exists(file)) {
            Path directory = file.toAbsolutePath().getParent();
            Files.createDirectories(directory);
            // Written under another name first: a command that starts at this moment must not read half a token.
            Path young = Files.createTempFile(directory, "token", ".new",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            try {
                Files.writeString(young, Secret.random().reveal() + "\n", StandardCharsets.US_ASCII);
                Files.createLink(file, young); // unlike a rename it never replaces the token of another daemon
            } catch (FileAlreadyExistsException e) {
                LOG.debug("another daemon has just made {}", file);
            } catch (IOException e) {
                throw new IOException("the API's token can't be written to " + directory + " (" + e.getMessage()
                        + "): make space there, or name another stateDir or api.tokenFile", e);
            } finally {
                Files.delete(young);
            }
        }
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
        if (permissions.stream().anyMatch(OTHERS::contains)) {
            LOG.warn("other users can read the API's token in {}: chmod 600 it", file);
        }
        Secret token = Secret.read(file);
        if (token.reveal().length() < LENGTH_MIN) {
            throw new IOException(file + " holds no token of at least " + LENGTH_MIN
                    + " characters: delete it, and a new one is made");
        }
        return token;
    }

    /** Compares in a time that says nothing about where two tokens differ. */
    static boolean matches(Secret expected, String given) {
        return MessageDigest.isEqual(given.getBytes(StandardCharsets.UTF_8),
                expected.reveal().getBytes(StandardCharsets.UTF_8));
    }
}
