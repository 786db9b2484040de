package dev.sluice.settings;

import dev.sluice.conflict.ConflictRules;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.TargetUrl;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;

/**
 * Everything the operator chose, checked; printing it shows no secret. A value comes from an option, else from the
 * environment, else from the file, else from its default. Immutable.
 *
 * @param migration   the name under which both sides keep this migration's state
 * @param conflicts   what to do with rows that both sides have changed
 * @param tables      mapping rules by the source's table name; names are compared as SQLite does, ignoring ASCII case
 */
public record Settings(String migration, Path stateDir, Source source, Destination target, Identifiers identifiers,
        Nocase nocase, Json json, OnMisfit onMisfit, Map<String, TableRule> tables, Copy copy, Follow follow,
        Verify verify, Changelog changelog, Traffic traffic, Hooks hooks, Cutover cutover, ConflictRules conflicts, Audit audit, Api api,
        Log log) {

    /** The variable that names the file where no option does. */
    public static final String CONFIG_VARIABLE = "SLUICE_CONFIG";

    public Settings {
        tables = Map.copyOf(tables);
    }

    /** @param file null where none was named */
    public record Source(Path file, Duration busyTimeout) {
    }

    /**
     * @param url      with user and schema as finally chosen; null where none was named
     * @param password null where the server needs none or ~/.pgpass has it
     */
    public record Destination(TargetUrl url, Secret password, String schema, int poolSize) {
    }

    /** How names of the source become names of the target. */
    public enum Identifiers { FOLD, PRESERVE }

    /** What becomes of COLLATE NOCASE. */
    public enum Nocase { LOWER, CITEXT }

    /** What a column of JSON texts becomes. */
    public enum Json { JSON, JSONB, TEXT }

    /** What happens to a row with a value that does not fit. */
    public enum OnMisfit { PARK, WIDEN }

    /** @param name the target's name for the table, null for the proposed one */
    public record TableRule(String name, boolean exclude, Map<String, ColumnRule> columns) {

        public TableRule {
            columns = Map.copyOf(columns);
        }
    }

    /**
     * What is null is as proposed.
     *
     * @param type     a PostgreSQL type
     * @param using    a PostgreSQL expression that makes the column's value
     * @param timezone the zone of texts that name none
     */
    public record ColumnRule(String type, String name, boolean exclude, String using, ZoneId timezone) {
    }

    public record Copy(int workers, int chunkRows, long chunkBytes) {
    }

    public record Follow(Duration pollInterval, int batchRows, long batchBytes) {
    }

    public record Verify(int chunkRows) {
    }

    /** @param bytesMax 0 for a fifth of what the disk has free */
    public record Changelog(long purgeKeepRows, Duration journalKeepAge, long bytesMax) {
    }

    /**
     * How applications learn who takes writes.
     *
     * @param sourceUrl null for one made of the source's path
     * @param targetUrl null for the target's own; may hold a password
     */
    public record Traffic(Path flagFile, String sourceUrl, Secret targetUrl) {
    }

    /** @param verifiedWithin how old a verification may be when it begins */
    public record Cutover(Duration verifiedWithin) {
    }

    /** @param folder null for no hooks */
    public record Hooks(Path folder, Duration timeout) {
    }

    /** @param file the log's mirror beside PostgreSQL */
    public record Audit(Path file) {
    }

    /** @param port 0 chooses a free one */
    public record Api(String host, int port, boolean allowRemote, Path tokenFile) {
    }

    public record Log(LogFormat format, LogLevel level) {
    }

    /** How a log line looks. */
    public enum LogFormat { TEXT, JSON }

    public enum LogLevel { ERROR, WARN, INFO, DEBUG, TRACE }

    /**
     * Reads and checks everything.
     *
     * @param options     what the command line says
     * @param environment usually {@code System.getenv()}; {@value #CONFIG_VARIABLE} names the file where {@code file}
     * is null
     * @param file        the YAML file, or null
     * @throws InvalidSettings with all problems at once
     */
    public static Settings load(Map<SettingKey, String> options, Map<String, String> environment, Path file) {
        String named = environment.get(CONFIG_VARIABLE);
        Path chosen = file != null ? file : named == null || named.isEmpty() ? null : Path.of(named);
        return new SettingsReader(options, environment, chosen).read();
    }

    /** The source, for a command that can't do without. */
    public Path requireSource() {
        if (source.file() == null) {
            throw missing(SettingKey.SOURCE_FILE, "--source app.db");
        }
        return source.file();
    }

    /** The target, for a command that can't do without. */
    public TargetUrl requireTarget() {
        if (target.url() == null) {
            throw missing(SettingKey.TARGET_URL, "--target postgres://user@host/database, or --target embedded");
        }
        return target.url();
    }

    private static InvalidSettings missing(SettingKey key, String option) {
        return new InvalidSettings(List.of("nothing says what " + key + " is: give " + option + ", set "
                + key.variable()
                + " or write it into the file named by --config"));
    }
}
