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
 * @param folder where transactions of PostgreSQL wait that are larger than memory, and where the audit log is left
 * @param verifiedWithin how old a verification may be when a cutover begins
 */
public record SwitchSettings(Announcer announcer, Path folder, Duration verifiedWithin) {

    public static final Duration VERIFIED_WITHIN = Duration.ofHours(1);

    /** For a migration that nobody listens to. */
    static SwitchSettings quiet(String name, SqliteFile file, Target target) {
        Path folder = Path.of(System.getProperty("java.io.tmpdir"), "sluice-" + name.replaceAll("[^A-Za-z0-9_-]", "_") + "-"
                + Integer.toHexString(file.path().hashCode()));
        return new SwitchSettings(new Announcer(new TrafficFeed(), new Addresses("sqlite:///" + file.path(),
                target.url().toString(), false), null, Hooks.none()), folder, VERIFIED_WITHIN);
    }
}
