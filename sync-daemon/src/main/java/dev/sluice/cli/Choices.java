package dev.sluice.cli;

import dev.sluice.mapping.Codecs.JsonChoice;
import dev.sluice.plan.MappingRules;
import dev.sluice.plan.MappingRules.ColumnRule;
import dev.sluice.plan.MappingRules.NocaseChoice;
import dev.sluice.plan.MappingRules.TableRule;
import dev.sluice.settings.SettingKey;
import dev.sluice.settings.Settings;
import dev.sluice.translate.Identifiers;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Option;

/** The options that most commands share, and the settings that they make together with environment and file. */
final class Choices {

    @Option(names = {"-c", "--config"}, paramLabel = "FILE", description = "YAML file with settings")
    private Path config;

    @Option(names = {"-s", "--source"}, paramLabel = "FILE", description = "the SQLite database")
    private String source;

    @Option(names = {"-t", "--target"}, paramLabel = "URL",
            description = "postgres://user@host/database, or embedded; the password comes from SLUICE_TARGET_PASSWORD,"
                    + " target.passwordFile or ~/.pgpass")
    private String target;

    @Option(names = "--schema", paramLabel = "NAME", description = "target schema (default: public)")
    private String schema;

    @Option(names = "--name", paramLabel = "NAME", description = "name of the migration (default: from the source's file)")
    private String name;

    @Option(names = "--identifiers", paramLabel = "fold|preserve", description = "how names are carried over")
    private String identifiers;

    @Option(names = "--workers", paramLabel = "N", description = "threads that copy (default: 2)")
    private String workers;

    @Option(names = "--state-dir", paramLabel = "DIR", description = "where the token and the embedded PostgreSQL are kept")
    private String stateDir;

    @Option(names = "--port", paramLabel = "PORT", description = "port of the daemon's API (default: 7717, 0: a free one)")
    private String port;

    @Option(names = "--log-format", paramLabel = "text|json", description = "how log lines look")
    private String logFormat;

    @Option(names = "--log-level", paramLabel = "LEVEL", description = "error, warn, info, debug or trace")
    private String logLevel;

    @Option(names = "--json", description = "print JSON")
    private boolean json;

    boolean json() {
        return json;
    }

    Settings settings() {
        Map<SettingKey, String> options = new EnumMap<>(SettingKey.class);
        put(options, SettingKey.SOURCE_FILE, source);
        put(options, SettingKey.TARGET_URL, target);
        put(options, SettingKey.TARGET_SCHEMA, schema);
        put(options, SettingKey.MIGRATION, name);
        put(options, SettingKey.IDENTIFIERS, identifiers);
        put(options, SettingKey.COPY_WORKERS, workers);
        put(options, SettingKey.STATE_DIR, stateDir);
        put(options, SettingKey.API_PORT, port);
        put(options, SettingKey.LOG_FORMAT, logFormat);
        put(options, SettingKey.LOG_LEVEL, logLevel);
        return Settings.load(options, System.getenv(), config);
    }

    private static void put(Map<SettingKey, String> options, SettingKey key, String value) {
        if (value != null) {
            options.put(key, value);
        }
    }

    /** The mapping part of the settings in the planner's words. */
    static MappingRules rules(Settings settings) {
        Map<String, TableRule> tables = new HashMap<>();
        settings.tables().forEach((table, rule) -> {
            Map<String, ColumnRule> columns = new HashMap<>();
            rule.columns().forEach((column, r) -> columns.put(column.toLowerCase(Locale.ROOT),
                    new ColumnRule(r.type(), r.name(), r.exclude(), r.using(),
                            r.timezone() == null ? null : r.timezone().getId())));
            tables.put(table.toLowerCase(Locale.ROOT), new TableRule(rule.name(), rule.exclude(), columns));
        });
        return new MappingRules(Identifiers.Policy.valueOf(settings.identifiers().name()),
                NocaseChoice.valueOf(settings.nocase().name()), JsonChoice.valueOf(settings.json().name()), tables);
    }
}
