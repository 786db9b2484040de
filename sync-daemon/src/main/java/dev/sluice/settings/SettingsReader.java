package dev.sluice.settings;

import dev.sluice.conflict.ConflictRules;
import dev.sluice.conflict.Policy;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.postgres.TargetUrl;
import dev.sluice.settings.SettingsFile.Entry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Puts the settings together from their three origins and collects every problem; used once. */
final class SettingsReader {

    /** From the weakest to the strongest. */
    private enum Origin { FALLBACK, FILE, ENVIRONMENT, OPTION }

    /** A value as it was written, and where. */
    private record Written(String text, Origin origin, String where) {
    }

    private static final Pattern SIZE = Pattern.compile("([0-9]{1,15}) ?(B|kB|KB|MB|GB)");
    private static final Pattern MIGRATION_NAME = Pattern.compile("[a-z0-9][a-z0-9_-]{0,62}");
    /**
     * What Kubernetes and Docker links set for a service named sluice, what the commands read beside the settings, and
     * what hooks and flag files tell, out of which somebody may call a command.
     */
    private static final Pattern VARIABLE_OF_OTHERS = Pattern.compile(
            "SLUICE_(SERVICE_.*|PORT|(PORT_)?[0-9]+_.*|PORT_.*|NAME|ENV_.*|CONFIG|DAEMON|TOKEN_FILE|TEST_.*"
                    + "|ACT|STEP|MOMENT|TRAFFIC|EPOCH|INSTALLATION|FLAG_FILE)");

    private final Map<SettingKey, String> options;
    private final Map<String, String> environment;
    private final Path file;
    private final List<String> problems = new ArrayList<>();
    private final Map<SettingKey, Written> written = new EnumMap<>(SettingKey.class);

    private Map<String, ConflictRules.TableRule> conflictTables = Map.of();

    SettingsReader(Map<SettingKey, String> options, Map<String, String> environment, Path file) {
        this.options = options;
        this.environment = environment;
        this.file = file;
    }

    Settings read() {
        Map<String, Settings.TableRule> tables = collect();
        Path stateDir = path(SettingKey.STATE_DIR, defaultStateDir());
        Path sourceFile = path(SettingKey.SOURCE_FILE, null);
        String migration = migration(sourceFile);
        Settings settings = new Settings(migration, stateDir,
                new Settings.Source(sourceFile,
                        duration(SettingKey.SOURCE_BUSY_TIMEOUT, Duration.ZERO, Duration.ofMinutes(10))),
                destination(),
                choice(SettingKey.IDENTIFIERS, Settings.Identifiers.class),
                choice(SettingKey.NOCASE, Settings.Nocase.class),
                choice(SettingKey.JSON, Settings.Json.class),
                choice(SettingKey.ON_MISFIT, Settings.OnMisfit.class),
                tables,
                new Settings.Copy(number(SettingKey.COPY_WORKERS, 1, 64),
                        number(SettingKey.COPY_CHUNK_ROWS, 1, 1_000_000),
                        size(SettingKey.COPY_CHUNK_BYTES, 64 << 10, 1 << 30)),
                new Settings.Follow(
                        duration(SettingKey.FOLLOW_POLL_INTERVAL, Duration.ofMillis(1), Duration.ofMinutes(1)),
                        number(SettingKey.FOLLOW_BATCH_ROWS, 1, 1_000_000),
                        size(SettingKey.FOLLOW_BATCH_BYTES, 64 << 10, 1 << 30)),
                new Settings.Verify(number(SettingKey.VERIFY_CHUNK_ROWS, 1, 1_000_000)),
                new Settings.Changelog(number(SettingKey.CHANGELOG_PURGE_KEEP_ROWS, 1, Integer.MAX_VALUE),
                        duration(SettingKey.CHANGELOG_JOURNAL_KEEP_AGE, Duration.ZERO, Duration.ofDays(365)),
                        written.containsKey(SettingKey.CHANGELOG_MAX_BYTES)
                                ? size(SettingKey.CHANGELOG_MAX_BYTES, 1 << 20, Long.MAX_VALUE) : 0),
                traffic(stateDir),
                new Settings.Hooks(path(SettingKey.HOOKS_FOLDER, null),
                        duration(SettingKey.HOOKS_TIMEOUT, Duration.ofMillis(100), Duration.ofMinutes(5))),
                new Settings.Cutover(duration(SettingKey.CUTOVER_VERIFIED_WITHIN, Duration.ofSeconds(1), Duration.ofDays(365))),
                conflicts(),
                new Settings.Audit(path(SettingKey.AUDIT_FILE, stateDir == null ? null
                        : stateDir.resolve("audit-" + migration + ".jsonl"))),
                api(stateDir),
                new Settings.Log(choice(SettingKey.LOG_FORMAT, Settings.LogFormat.class),
                        choice(SettingKey.LOG_LEVEL, Settings.LogLevel.class)));
        if (!problems.isEmpty()) {
            throw new InvalidSettings(problems);
        }
        return settings;
    }

    /** Lays the origins over each other and returns the mapping rules, the only setting with a shape of its own. */
    private Map<String, Settings.TableRule> collect() {
        for (SettingKey key : SettingKey.values()) {
            if (key.fallback() != null) {
                written.put(key, new Written(key.fallback(), Origin.FALLBACK, "by default"));
            }
        }
        Map<String, Settings.TableRule> tables = Map.of();
        if (file != null) {
            SettingsFile yaml = SettingsFile.read(file, problems);
            tables = yaml.tables();
            conflictTables = yaml.conflicts();
            for (Map.Entry<SettingKey, Entry> entry : yaml.entries().entrySet()) {
                written.put(entry.getKey(), new Written(entry.getValue().text(), Origin.FILE,
                        "in " + file + " line " + entry.getValue().line()));
            }
            if (written.containsKey(SettingKey.TARGET_PASSWORD)) {
                problems.add("target.password " + written.remove(SettingKey.TARGET_PASSWORD).where()
                        + " would lie open in the file: put it into a file of its own named by target.passwordFile, or"
                        + " into SLUICE_TARGET_PASSWORD");
            }
        }
        Map<String, SettingKey> variables = new TreeMap<>();
        for (SettingKey key : SettingKey.values()) {
            variables.put(key.variable(), key);
        }
        for (Map.Entry<String, String> entry : new TreeMap<>(environment).entrySet()) {
            String variable = entry.getKey();
            SettingKey key = variables.get(variable);
            if (key == SettingKey.MAPPING_TABLES) {
                tables = SettingsFile.tables(entry.getValue(), variable, problems);
            } else if (key == SettingKey.CONFLICTS_TABLES) {
                conflictTables = SettingsFile.conflicts(entry.getValue(), variable, problems);
            } else if (key != null && !entry.getValue().isEmpty()) {
                written.put(key, new Written(entry.getValue(), Origin.ENVIRONMENT, "in " + variable));
            } else if (key == null && variable.startsWith("SLUICE_")
                    && !VARIABLE_OF_OTHERS.matcher(variable).matches()) {
                problems.add("the environment variable " + variable + " is not a setting"
                        + Spelling.suggestion(variable, variables.keySet()));
            }
        }
        options.forEach((key, text) -> {
            if (key == SettingKey.TARGET_PASSWORD) {
                problems.add("a password on the command line can be read in the process list: use"
                        + " SLUICE_TARGET_PASSWORD, target.passwordFile or ~/.pgpass");
            } else if (text != null) {
                written.put(key, new Written(text, Origin.OPTION, "on the command line"));
            }
        });
        return tables;
    }

    private String migration(Path sourceFile) {
        Written name = written.get(SettingKey.MIGRATION);
        if (name != null) {
            if (!MIGRATION_NAME.matcher(name.text()).matches()) {
                problem(SettingKey.MIGRATION, name,
                        "a name of 1 to 63 letters a-z, digits, '-' and '_' that starts with a letter or digit");
            }
            return name.text();
        }
        if (sourceFile == null || sourceFile.getFileName() == null) {
            return "main";
        }
        String derived = sourceFile.getFileName().toString().replaceFirst("(?<=.)\\.[^.]*$", "")
                .toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9_-]+", "-").replaceAll("^[-_]+|-+$", "");
        return derived.isEmpty() ? "main" : derived.substring(0, Math.min(63, derived.length()));
    }

    private Settings.Destination destination() {
        Written address = written.get(SettingKey.TARGET_URL);
        TargetUrl url = null;
        if (address != null) {
            try {
                url = TargetUrl.parse(address.text());
            } catch (TargetRefusal e) { // its sentence does not repeat the address, which may hold a password
                problems.add("target.url " + address.where() + " can't be used: " + e.getMessage());
            }
        }
        String schema = chosen(SettingKey.TARGET_SCHEMA, url == null ? null : url.schema(), address);
        String user = chosen(SettingKey.TARGET_USER, url == null ? null : url.user(), address);
        if (schema != null && (schema.isEmpty() || schema.equals("sluice") || schema.startsWith("pg_")
                || schema.equals("information_schema"))) {
            problems.add("the target schema '" + schema + "' is taken by PostgreSQL or by Sluice's own state: name"
                    + " another in target.schema");
        }
        if (url != null && !url.embedded()) {
            url = url.withSchema(schema).withUser(user);
        } else if (url != null) {
            url = new TargetUrl(null, 0, null, null, schema, Map.of());
        }
        return new Settings.Destination(url, password(), schema, number(SettingKey.TARGET_POOL_SIZE, 1, 100));
    }

    /**
     * Of a setting and the same thing in the address the one from the stronger origin; two that differ are a problem.
     */
    private String chosen(SettingKey key, String inAddress, Written address) {
        Written own = written.get(key);
        if (inAddress == null) {
            return own == null ? null : own.text();
        }
        if (own == null || own.origin().compareTo(address.origin()) < 0) {
            return inAddress;
        }
        if (own.origin() == address.origin() && !own.text().equals(inAddress)) {
            problems.add(key + " " + own.where() + " is '" + own.text() + "' and target.url " + address.where()
                    + " says '"
                    + inAddress + "': leave one of them out");
        }
        return own.text();
    }

    private Secret password() {
        Written direct = written.get(SettingKey.TARGET_PASSWORD);
        Written fromFile = written.get(SettingKey.TARGET_PASSWORD_FILE);
        if (direct != null) {
            return Secret.of(direct.text());
        }
        Path passwordFile = path(SettingKey.TARGET_PASSWORD_FILE, null);
        if (passwordFile == null) {
            return null;
        }
        try {
            return Secret.read(passwordFile);
        } catch (IOException e) {
            problems.add("target.passwordFile " + fromFile.where() + " names " + passwordFile + ", which can't be"
                    + " read ("
                    + e.getClass().getSimpleName() + "): check that it exists and its permissions");
            return null;
        }
    }

    private Settings.Traffic traffic(Path stateDir) {
        String targetUrl = line(SettingKey.TRAFFIC_TARGET_URL);
        return new Settings.Traffic(
                path(SettingKey.TRAFFIC_FLAG_FILE, stateDir == null ? null : stateDir.resolve("traffic.env")),
                line(SettingKey.TRAFFIC_SOURCE_URL), targetUrl == null ? null : Secret.of(targetUrl));
    }

    /** A text that must fit on a line of the flag file; null where none is written. Never repeated: may be secret. */
    private String line(SettingKey key) {
        Written value = written.get(key);
        if (value != null && value.text().chars().anyMatch(Character::isISOControl)) {
            problems.add(key + " " + value.where() + " holds a line end or another control character, which the flag"
                    + " file can't hold: write it on one line");
        }
        return value == null ? null : value.text();
    }

    private ConflictRules conflicts() {
        Written policy = written.get(SettingKey.CONFLICTS_POLICY);
        Policy chosen = Policy.of(policy.text().strip().toLowerCase(Locale.ROOT)).orElse(null);
        if (chosen == null) {
            problem(SettingKey.CONFLICTS_POLICY, policy, "one of " + SettingsFile.policies(Policy.values()));
            chosen = Policy.TRAFFIC_WINS;
        }
        return new ConflictRules(chosen, conflictTables);
    }

    private Settings.Api api(Path stateDir) {
        Written host = written.get(SettingKey.API_HOST);
        boolean allowRemote = flag(SettingKey.API_ALLOW_REMOTE);
        if (!allowRemote && !loopback(host.text())) {
            problems.add("api.host " + host.where() + " is '" + host.text() + "', which other machines may reach: use"
                    + " 127.0.0.1, or set api.allowRemote: true and put TLS and a firewall in front of it");
        }
        return new Settings.Api(host.text(), number(SettingKey.API_PORT, 0, 65535), allowRemote,
                path(SettingKey.API_TOKEN_FILE, stateDir == null ? null : stateDir.resolve("api.token")));
    }

    /** Without asking a name server: only addresses and the name localhost can be loopback. */
    private static boolean loopback(String host) {
        if (host.equals("localhost")) {
            return true;
        }
        if (!host.matches("[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")) {
            return false;
        }
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }

    private Path defaultStateDir() {
        String base = environment.get("XDG_STATE_HOME");
        if (base != null && base.startsWith("/")) {
            return Path.of(base, "sluice");
        }
        if ("root".equals(System.getProperty("user.name"))) {
            return Path.of("/var/lib/sluice");
        }
        return Path.of(System.getProperty("user.home"), ".local/state/sluice");
    }

    /** Relative paths in the file start at the file's directory, all others at the working directory. */
    private Path path(SettingKey key, Path fallback) {
        Written value = written.get(key);
        if (value == null) {
            return fallback;
        }
        try {
            String home = System.getProperty("user.home");
            Path path = Path.of(value.text().startsWith("~/") ? home + value.text().substring(1) : value.text());
            Path base = value.origin() == Origin.FILE ? file.toAbsolutePath().getParent() : Path.of("");
            return base.resolve(path).toAbsolutePath().normalize();
        } catch (InvalidPathException e) {
            problem(key, value, "a path");
            return fallback;
        }
    }

    private int number(SettingKey key, int min, int max) {
        Written value = written.get(key);
        String digits = value.text().replace("_", "");
        if (digits.matches("-?[0-9]{1,18}")) {
            long number = Long.parseLong(digits);
            if (number >= min && number <= max) {
                return (int) number;
            }
        }
        problem(key, value, "a whole number from " + min + " to " + max);
        return min;
    }

    private boolean flag(SettingKey key) {
        Written value = written.get(key);
        return switch (value.text().toLowerCase(Locale.ROOT)) {
            case "true", "yes", "on", "1" -> true;
            case "false", "no", "off", "0" -> false;
            default -> {
                problem(key, value, "true or false");
                yield false;
            }
        };
    }

    private Duration duration(SettingKey key, Duration min, Duration max) {
        Written value = written.get(key);
        Duration duration = Durations.parse(value.text());
        if (duration != null && duration.compareTo(min) >= 0 && duration.compareTo(max) <= 0) {
            return duration;
        }
        problem(key, value, "a duration such as 500ms, 10s, 5m or 1h, from " + words(min) + " to " + words(max));
        return min;
    }

    private long size(SettingKey key, long min, long max) {
        Written value = written.get(key);
        Matcher parts = SIZE.matcher(value.text().strip());
        if (parts.matches()) {
            long unit = switch (parts.group(2)) {
                case "B" -> 1L;
                case "kB", "KB" -> 1L << 10;
                case "MB" -> 1L << 20;
                default -> 1L << 30;
            };
            long count = Long.parseLong(parts.group(1));
            if (count <= max / unit && count * unit >= min) {
                return count * unit;
            }
        }
        problem(key, value, "a size such as 512kB or 16MB, from " + (min >> 10) + "kB to " + (max >> 20) + "MB");
        return min;
    }

    private <E extends Enum<E>> E choice(SettingKey key, Class<E> type) {
        Written value = written.get(key);
        Map<String, E> words = new LinkedHashMap<>();
        for (E constant : type.getEnumConstants()) {
            words.put(constant.name().toLowerCase(Locale.ROOT), constant);
        }
        E chosen = words.get(value.text().strip().toLowerCase(Locale.ROOT));
        if (chosen == null) {
            problem(key, value, "one of " + String.join(", ", words.keySet()));
            return type.getEnumConstants()[0];
        }
        return chosen;
    }

    private void problem(SettingKey key, Written value, String must) {
        problems.add(key + " " + value.where() + " is '" + value.text() + "': it must be " + must);
    }

    private static String words(Duration duration) {
        if (duration.isZero()) {
            return "0s";
        }
        if (duration.toMillis() % 1000 != 0) {
            return duration.toMillis() + "ms";
        }
        long seconds = duration.toSeconds();
        return seconds % 86400 == 0 ? seconds / 86400 + "d" : seconds % 60 == 0 ? seconds / 60 + "m" : seconds + "s";
    }

    /** Every setting and every section, as they may be written in the file. */
    static Set<String> paths() {
        Set<String> paths = new TreeSet<>();
        for (SettingKey key : SettingKey.values()) {
            paths.add(key.path());
            if (key.path().indexOf('.') > 0) {
                paths.add(key.path().substring(0, key.path().indexOf('.')));
            }
        }
        return paths;
    }
}
