package dev.sluice.migration;

import dev.sluice.announce.Addresses;
import dev.sluice.announce.Announcer;
import dev.sluice.announce.Hooks;
import dev.sluice.announce.TrafficFeed;
import dev.sluice.postgres.Target;
import dev.sluice.sqlite.SqliteFile;
import java.nio.file.Path;
import java.time.Duration;

/**
 * How the writes of a migration are moved.
 *
 * @param announcer tells the application
 * @param folder where transactions of PostgreSQL wait that are larger than memory
 * @param verifiedWithin how old a verification may be when a cutover begins
 * @param auditFile where the audit log stands beside PostgreSQL; null for a file in {@code folder}
 */
public record SwitchSettings(Announcer announcer, Path folder, Duration verifiedWithin, Path auditFile) {

    public static final Duration VERIFIED_WITHIN = Duration.ofHours(1);

    /** With the audit log in {@code folder}. */
    public SwitchSettings(Announcer announcer, Path folder, Duration verifiedWithin) {
        this(announcer, folder, verifiedWithin, null);
    }

    Path auditFile(String migration) {
        return auditFile != null ? auditFile
                : folder.resolve("audit-" + migration.replaceAll("[^A-Za-z0-9_.-]", "_") + ".jsonl");
    }

    /** For a migration that nobody listens to. */
    static SwitchSettings quiet(String name, SqliteFile file, Target target) {
        Path folder = Path.of(System.getProperty("java.io.tmpdir"), "sluice-" + name.replaceAll("[^A-Za-z0-9_-]", "_") + "-"
                + Integer.toHexString(file.path().hashCode()));
        return new SwitchSettings(new Announcer(new TrafficFeed(), new Addresses("sqlite:///" + file.path(),
                target.url().toString(), false), null, Hooks.none()), folder, VERIFIED_WITHIN);
    }
}
