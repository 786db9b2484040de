package dev.sluice.settings;

import java.util.Locale;

/** Every setting: its name in the file, its default as it would be written there, and what it means. */
public enum SettingKey {

    MIGRATION("migration", null, "name of the migration; by default the source's file name without its ending"),
    STATE_DIR("stateDir", null, "where the daemon keeps its token, flag file and the embedded PostgreSQL; by default"
            + " ~/.local/state/sluice, for root /var/lib/sluice"),

    SOURCE_FILE("source.file", null, "the SQLite database"),
    SOURCE_BUSY_TIMEOUT("source.busyTimeout", "5s", "how long to wait for a lock that the application holds"),

    TARGET_URL("target.url", null, "postgres://user@host:5432/database, or embedded for a PostgreSQL that Sluice"
            + " starts"),
    TARGET_USER("target.user", null, "the role to log in as, unless the address names one"),
    TARGET_PASSWORD("target.password", null, "only as environment variable SLUICE_TARGET_PASSWORD"),
    TARGET_PASSWORD_FILE("target.passwordFile", null, "a file whose first line is the password; else ~/.pgpass is"
            + " asked"),
    TARGET_SCHEMA("target.schema", "public", "the schema that receives the tables"),
    TARGET_POOL_SIZE("target.poolSize", "4", "connections lent at most at the same time for short questions; the"
            + " follower, a verification and each copy worker have one of their own"),

    IDENTIFIERS("identifiers", "fold", "fold: names become lower case where that is unambiguous; preserve: as in"
            + " SQLite"),
    NOCASE("nocase", "lower", "COLLATE NOCASE becomes lower: indexes over lower(column); citext: the type citext"),
    JSON("json", "json", "columns of valid JSON become json (text kept exactly), jsonb or text"),
    ON_MISFIT("onMisfit", "widen", "a new value that does not fit its column: widen the type where that is only a change of"
            + " the catalogue (varchar(n), numeric(p,s)) and park what does not fit even so, or always park the row"),
    MAPPING_TABLES("mapping.tables", null, "rules per table and column that override the proposed mapping"),

    COPY_WORKERS("copy.workers", "2", "tables or chunks copied at the same time"),
    COPY_CHUNK_ROWS("copy.chunkRows", "20000", "rows per chunk, the unit of progress and of resuming"),
    COPY_CHUNK_BYTES("copy.chunkBytes", "16MB", "bytes per chunk; whichever bound is met first"),

    FOLLOW_POLL_INTERVAL("follow.pollInterval", "5ms", "how often to look for new commits in the source"),
    FOLLOW_BATCH_ROWS("follow.batchRows", "10000", "changelog rows read at most in one snapshot"),
    FOLLOW_BATCH_BYTES("follow.batchBytes", "16MB", "bytes of rows held in memory for one batch"),

    VERIFY_CHUNK_ROWS("verify.chunkRows", "20000", "rows compared per step"),

    CHANGELOG_PURGE_KEEP_ROWS("changelog.purgeKeepRows", "10000", "applied changelog rows that stay at least"),
    CHANGELOG_MAX_BYTES("changelog.maxBytes", null, "beyond this size, while the target is away, capture is taken out of the"
            + " source and every table compared anew afterwards; by default a fifth of what the disk has free"),
    CHANGELOG_JOURNAL_KEEP_AGE("changelog.journalKeepAge", "10m", "how long the journal of applied keys stays in PostgreSQL"
            + " at least; it mends what a source that lost its newest commits had already sent"),

    TRAFFIC_FLAG_FILE("traffic.flagFile", null, "the file that tells applications which side takes writes; by default"
            + " traffic.env in stateDir"),
    TRAFFIC_SOURCE_URL("traffic.sourceUrl", null, "DATABASE_URL of applications while SQLite takes writes; by default"
            + " sqlite:////path"),
    TRAFFIC_TARGET_URL("traffic.targetUrl", null, "DATABASE_URL of applications while PostgreSQL takes writes; by default"
            + " the target's address without a password"),

    HOOKS_FOLDER("hooks.folder", null, "executables named before-STEP and after-STEP that a cutover or rollback runs at"
            + " its steps"),
    HOOKS_TIMEOUT("hooks.timeout", "5s", "how long a hook may run before it is killed"),

    CUTOVER_VERIFIED_WITHIN("cutover.verifiedWithin", "1h", "how old a verification of everything may be when a cutover begins"),

    CONFLICTS_POLICY("conflicts.policy", "traffic wins", "what happens to a row that both sides have changed: traffic wins"
            + " (nobody looks), source wins, target wins, newest wins, merge, park or halt"),
    CONFLICTS_TABLES("conflicts.tables", null, "policies per table and column"),

    AUDIT_FILE("audit.file", null, "the audit log as a file, one entry a line; by default audit-NAME.jsonl in stateDir"),

    API_HOST("api.host", "127.0.0.1", "address the daemon's API listens on"),
    API_PORT("api.port", "7717", "port of the daemon's API; 0 chooses a free one"),
    API_ALLOW_REMOTE("api.allowRemote", "false", "true lets api.host be an address that other machines reach"),
    API_TOKEN_FILE("api.tokenFile", null, "file of the API's token, created if absent; by default api.token in"
            + " stateDir"),

    LOG_FORMAT("log.format", "text", "text for people, json for machines: one object a line"),
    LOG_LEVEL("log.level", "info", "error, warn, info, debug or trace");

    private final String path;
    private final String fallback;
    private final String meaning;

    SettingKey(String path, String fallback, String meaning) {
        this.path = path;
        this.fallback = fallback;
        this.meaning = meaning;
    }

    /** Its name in the file, with dots between the levels. */
    public String path() {
        return path;
    }

    /** The default as it would be written, null where there is none or it depends on others. */
    public String fallback() {
        return fallback;
    }

    public String meaning() {
        return meaning;
    }

    /** {@code target.passwordFile} is {@code SLUICE_TARGET_PASSWORD_FILE}. */
    public String variable() {
        return "SLUICE_" + path.replace('.', '_').replaceAll("([a-z])([A-Z])", "$1_$2").toUpperCase(Locale.ROOT);
    }

    @Override
    public String toString() {
        return path;
    }
}
