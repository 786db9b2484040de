package dev.sluice.announce;

import dev.sluice.cutover.Traffic;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The file that names the side with traffic, for systemd's EnvironmentFile and for shells. A reader finds the old
 * content or the new, never a part: it is replaced by rename, and is on disk when {@link #write} returns. Thread-safe.
 */
public final class FlagFile {

    private static final int BYTES_MAX = 64 << 10;
    private static final Pattern SIDE = Pattern.compile("(?m)^SLUICE_TRAFFIC=(sqlite|fenced|postgres)$");
    private static final Pattern EPOCH = Pattern.compile("(?m)^SLUICE_EPOCH=([0-9]{1,18})$");
    private static final Pattern INSTALLATION = Pattern.compile("(?m)^SLUICE_INSTALLATION=(.*)$");

    private final Path file;
    private final String installation;
    private final boolean holdsPassword;

    /**
     * @param installation  the id of this migration's capture in the source: epochs are compared within one only
     * @param holdsPassword true lets a file that is not there yet be readable by its owner alone
     */
    public FlagFile(Path file, String installation, boolean holdsPassword) {
        if (!installation.matches("[A-Za-z0-9_.:-]+")) {
            throw new IllegalArgumentException("the id of an installation has a character that a shell may act on");
        }
        this.file = file.toAbsolutePath();
        this.installation = installation;
        this.holdsPassword = holdsPassword;
    }

    public Path path() {
        return file;
    }

    /**
     * Lets the file say {@code traffic}, and returns true if it did not before. Call it at every change and now and
     * then, as it also mends a file that somebody removed or an ended daemon wrote late. Mode, owner and group stay as
     * they were; a symbolic link stays one.
     *
     * @throws IOException one sentence; the file is as it was, unless the disk itself failed in the end
     */
    public synchronized boolean write(Announcement traffic) throws IOException {
        try {
            Path place = Files.exists(file) ? file.toRealPath() : file;
            String wanted = "# Written by Sluice, replaced at every change.\n" + traffic.shell()
                    + "SLUICE_INSTALLATION=" + installation + "\n";
            String present = content(place);
            if (wanted.equals(present)) {
                return false;
            }
            refuseOlder(present, traffic);
            replace(place, wanted);
            return true;
        } catch (FileSystemException e) {
            String reason = e.getReason() != null ? e.getReason() : e.getClass().getSimpleName();
            throw new IOException("the flag file " + file + " can't be replaced (" + reason + "), so applications that"
                    + " follow it don't hear of " + traffic.mark() + ": see that its folder exists, has room and may be"
                    + " written by this user", e);
        } catch (StaleFlag e) {
            throw e;
        } catch (IOException e) {
            throw new IOException("the flag file " + file + " can't be replaced (" + e.getMessage() + "), so"
                    + " applications that follow it don't hear of " + traffic.mark() + ": see that its disk has room"
                    + " and works", e);
        }
    }

    private void refuseOlder(String present, Announcement traffic) throws StaleFlag {
        Matcher its = INSTALLATION.matcher(present);
        Matcher side = SIDE.matcher(present);
        Matcher epoch = EPOCH.matcher(present);
        if (its.find() && its.group(1).equals(installation) && side.find() && epoch.find()
                && !traffic.mayFollow(Traffic.of(side.group(1)), Long.parseLong(epoch.group(1)))) {
            throw new StaleFlag("the flag file " + file + " already names epoch " + epoch.group(1) + ", newer than "
                    + traffic.epoch() + ", which this daemon knows of: another daemon has taken over; if there is none,"
                    + " delete the file");
        }
    }

    /** Empty if it is not there, or nothing of ours. */
    private static String content(Path place) throws IOException {
        try {
            return Files.size(place) > BYTES_MAX ? ""
                    : new String(Files.readAllBytes(place), StandardCharsets.UTF_8);
        } catch (NoSuchFileException e) {
            return "";
        }
    }

    private void replace(Path place, String text) throws IOException {
        Path young = Files.createTempFile(place.getParent(), "." + place.getFileName() + ".", ".new");
        try {
            try (FileChannel channel = FileChannel.open(young, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                adopt(place, young);
                channel.force(true);
            }
            Files.move(young, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(young);
        }
        try (FileChannel folder = FileChannel.open(place.getParent(), StandardOpenOption.READ)) {
            folder.force(true); // else a power loss could bring the old file back
        }
    }

    /** Owner first: changing it takes special mode bits away. */
    private void adopt(Path place, Path young) throws IOException {
        PosixFileAttributeView fresh = Files.getFileAttributeView(young, PosixFileAttributeView.class);
        if (!Files.exists(place)) {
            fresh.setPermissions(PosixFilePermissions.fromString(holdsPassword ? "rw-------" : "rw-r--r--"));
            return;
        }
        PosixFileAttributes old = Files.readAttributes(place, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        PosixFileAttributes own = fresh.readAttributes();
        try {
            if (!old.group().equals(own.group())) {
                fresh.setGroup(old.group());
            }
            if (!old.owner().equals(own.owner())) {
                fresh.setOwner(old.owner());
            }
        } catch (FileSystemException e) {
            throw new FileSystemException(file.toString(), null, "it belongs to " + old.owner().getName() + ":"
                    + old.group().getName() + ", which this user can't keep");
        }
        fresh.setPermissions(old.permissions());
    }

    /** The file is of a newer epoch; already a sentence. */
    private static final class StaleFlag extends IOException {
        private static final long serialVersionUID = 1L;

        StaleFlag(String message) {
            super(message);
        }
    }
}
