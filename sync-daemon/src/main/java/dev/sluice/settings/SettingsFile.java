package dev.sluice.settings;

import dev.sluice.conflict.ConflictRules;
import dev.sluice.conflict.Policy;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/** The YAML file, taken apart with line numbers; values stay text, so that every origin is checked alike. */
final class SettingsFile {

    private static final long FILE_BYTES_MAX = 4L << 20;
    private static final Set<String> TABLE_KEYS = orderedSet("name", "exclude", "columns");
    private static final Set<String> COLUMN_KEYS = orderedSet("type", "name", "exclude", "using", "timezone");

    private static final Set<String> CONFLICT_KEYS = orderedSet("policy", "newestBy", "columns");
    /** A column by itself can't be merged, and can't be unlooked at in a table that is looked at. */
    private static final Policy[] COLUMN_POLICIES = {Policy.SOURCE_WINS, Policy.TARGET_WINS, Policy.NEWEST_WINS, Policy.PARK,
        Policy.HALT};

    /** One value and the line it stands on, from 1. */
    record Entry(String text, int line) {
    }

    private final String name;
    private final List<String> problems;
    private final Map<SettingKey, Entry> entries = new EnumMap<>(SettingKey.class);
    private Map<String, Settings.TableRule> tables = Map.of();
    private Map<String, ConflictRules.TableRule> conflicts = Map.of();

    private SettingsFile(String name, List<String> problems) {
        this.name = name;
        this.problems = problems;
    }

    /** Reads the file; what is wrong is added to {@code problems}, the rest is there. */
    static SettingsFile read(Path file, List<String> problems) {
        SettingsFile settings = new SettingsFile(file.toString(), problems);
        try {
            if (Files.size(file) > FILE_BYTES_MAX) {
                problems.add(file + " is larger than 4 MB, so it can't be a file of settings");
                return settings;
            }
            settings.root(Files.readString(file)).ifPresent(root -> settings.level(root, ""));
        } catch (NoSuchFileException e) {
            problems.add("there is no file of settings at " + file + ": check --config and "
                    + Settings.CONFIG_VARIABLE);
        } catch (MalformedInputException e) {
            problems.add(file + " is not UTF-8 text");
        } catch (IOException e) {
            problems.add(file + " can't be read (" + e.getClass().getSimpleName() + "): check its permissions");
        }
        return settings;
    }

    /** The mapping rules from an environment variable, written as YAML in one line. */
    static Map<String, Settings.TableRule> tables(String yaml, String variable, List<String> problems) {
        SettingsFile settings = new SettingsFile(variable, problems);
        settings.root(yaml).ifPresent(settings::tables);
        return settings.tables;
    }

    /** The policies per table from an environment variable, written as YAML in one line. */
    static Map<String, ConflictRules.TableRule> conflicts(String yaml, String variable, List<String> problems) {
        SettingsFile settings = new SettingsFile(variable, problems);
        settings.root(yaml).ifPresent(settings::conflictTables);
        return settings.conflicts;
    }

    /** Their labels, for a sentence. */
    static String policies(Policy... policies) {
        return String.join(", ", Arrays.stream(policies).map(Policy::label).toList());
    }

    Map<String, ConflictRules.TableRule> conflicts() {
        return conflicts;
    }

    Map<SettingKey, Entry> entries() {
        return entries;
    }

    Map<String, Settings.TableRule> tables() {
        return tables;
    }

    private Optional<Node> root(String yaml) {
        try {
            LoadSettings load = LoadSettings.builder().setLabel(name).setMaxAliasesForCollections(50).build();
            return new Compose(load).composeString(yaml);
        } catch (MarkedYamlEngineException e) {
            String line = e.getProblemMark().map(mark -> " line " + (mark.getLine() + 1)).orElse("");
            problems.add(name + line + " is not valid YAML: " + e.getProblem());
        } catch (YamlEngineException e) {
            problems.add(name + " is not valid YAML");
        }
        return Optional.empty();
    }

    /** Walks one level of sections; {@code prefix} is empty or ends with a dot. */
    private void level(Node node, String prefix) {
        Map<String, Node> children = children(node, prefix.isEmpty() ? "the file" : prefix.replaceFirst("\\.$", ""));
        for (Map.Entry<String, Node> child : children.entrySet()) {
            String path = prefix + child.getKey();
            Node value = child.getValue();
            Optional<SettingKey> key = List.of(SettingKey.values()).stream()
                    .filter(candidate -> candidate.path().equals(path)).findFirst();
            if (key.isPresent() && key.get() == SettingKey.MAPPING_TABLES) {
                tables(value);
            } else if (key.isPresent() && key.get() == SettingKey.CONFLICTS_TABLES) {
                conflictTables(value);
            } else if (key.isPresent()) {
                text(value, path).ifPresent(text -> entries.put(key.get(), new Entry(text, line(value))));
            } else if (SettingsReader.paths().stream().anyMatch(known -> known.startsWith(path + "."))) {
                if (!isNull(value)) {
                    level(value, path + ".");
                }
            } else {
                problems.add(path + " in " + name + " line " + line(value) + " is not a setting"
                        + Spelling.suggestion(path, SettingsReader.paths()));
            }
        }
    }

    private void tables(Node node) {
        Map<String, Settings.TableRule> rules = new LinkedHashMap<>();
        Set<String> seen = new LinkedHashSet<>();
        children(node, "mapping.tables").forEach((table, value) -> {
            String path = "mapping.tables." + table;
            if (!seen.add(table.toLowerCase(Locale.ROOT))) {
                problems.add(path + " in " + name + " line " + line(value) + " is there twice, as SQLite ignores case"
                        + " in names: write one rule");
            }
            Map<String, Node> parts = known(value, path, TABLE_KEYS);
            Map<String, Settings.ColumnRule> columns = new LinkedHashMap<>();
            if (parts.containsKey("columns")) {
                children(parts.get("columns"), path + ".columns").forEach((column, columnValue) ->
                        columns.put(column, column(columnValue, path + ".columns." + column)));
            }
            rules.put(table, new Settings.TableRule(text(parts, "name", path), flag(parts, path), columns));
        });
        tables = rules;
    }

    private void conflictTables(Node node) {
        Map<String, ConflictRules.TableRule> rules = new LinkedHashMap<>();
        Set<String> seen = new LinkedHashSet<>();
        children(node, "conflicts.tables").forEach((table, value) -> {
            String path = "conflicts.tables." + table;
            if (!seen.add(table.toLowerCase(Locale.ROOT))) {
                problems.add(path + " in " + name + " line " + line(value) + " is there twice, as SQLite ignores case"
                        + " in names: write one policy");
            }
            Map<String, Node> parts = known(value, path, CONFLICT_KEYS);
            Map<String, Policy> columns = new LinkedHashMap<>();
            if (parts.containsKey("columns")) {
                children(parts.get("columns"), path + ".columns").forEach((column, columnValue) -> policy(columnValue,
                        path + ".columns." + column, COLUMN_POLICIES).ifPresent(policy -> columns.put(column, policy)));
            }
            Policy policy = parts.containsKey("policy")
                    ? policy(parts.get("policy"), path + ".policy", Policy.values()).orElse(null) : null;
            String newestBy = text(parts, "newestBy", path);
            if (newestBy != null && policy != null && policy != Policy.NEWEST_WINS
                    && !columns.containsValue(Policy.NEWEST_WINS)) {
                problems.add(path + ".newestBy in " + name + " line " + line(parts.get("newestBy")) + " has no effect under '"
                        + policy.label() + "': write policy: newest wins, or leave it out");
            }
            if (policy == Policy.TRAFFIC_WINS && !columns.isEmpty()) {
                problems.add(path + ".columns in " + name + " line " + line(parts.get("columns")) + " can't have policies under"
                        + " 'traffic wins', under which nobody looks: give the table another policy, for example source wins");
            }
            rules.put(table, new ConflictRules.TableRule(policy, newestBy, columns));
        });
        conflicts = rules;
    }

    private Optional<Policy> policy(Node node, String path, Policy... allowed) {
        Optional<String> text = text(node, path);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        Optional<Policy> policy = Policy.of(text.get().strip().toLowerCase(Locale.ROOT))
                .filter(Arrays.asList(allowed)::contains);
        if (policy.isEmpty()) {
            problems.add(path + " in " + name + " line " + line(node) + " is '" + text.get() + "': it must be one of "
                    + policies(allowed));
        }
        return policy;
    }

    private Settings.ColumnRule column(Node node, String path) {
        Map<String, Node> parts = known(node, path, COLUMN_KEYS);
        String zone = text(parts, "timezone", path);
        ZoneId timezone = null;
        if (zone != null) {
            try {
                timezone = ZoneId.of(zone);
            } catch (DateTimeException e) {
                problems.add(path + ".timezone in " + name + " line " + line(parts.get("timezone")) + " is '" + zone
                        + "': it must be a zone such as Europe/Berlin, UTC or +02:00");
            }
        }
        return new Settings.ColumnRule(text(parts, "type", path), text(parts, "name", path), flag(parts, path),
                text(parts, "using", path), timezone);
    }

    private Map<String, Node> known(Node node, String path, Set<String> keys) {
        Map<String, Node> children = children(node, path);
        children.forEach((key, value) -> {
            if (!keys.contains(key)) {
                problems.add(path + "." + key + " in " + name + " line " + line(value) + " is not a setting"
                        + (Spelling.nearest(key, keys).isPresent() ? Spelling.suggestion(key, keys)
                                : "; known are " + String.join(", ", keys)));
            }
        });
        return children;
    }

    /** The entries of a section in their order; a section without entries may be left empty. */
    private Map<String, Node> children(Node node, String path) {
        Map<String, Node> children = new LinkedHashMap<>();
        if (isNull(node)) {
            return children;
        }
        if (!(node instanceof MappingNode section)) {
            problems.add(path + " in " + name + " line " + line(node) + " must be a section of 'key: value' lines");
            return children;
        }
        for (NodeTuple tuple : section.getValue()) {
            if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                problems.add(path + " in " + name + " line " + line(tuple.getKeyNode()) + " has a key that is not"
                        + " text");
            } else if (children.put(key.getValue(), tuple.getValueNode()) != null) {
                problems.add(key.getValue() + " in " + name + " line " + line(key) + " is there twice: leave one out");
            }
        }
        return children;
    }

    private String text(Map<String, Node> parts, String key, String path) {
        return parts.containsKey(key) ? text(parts.get(key), path + "." + key).orElse(null) : null;
    }

    private boolean flag(Map<String, Node> parts, String path) {
        String text = text(parts, "exclude", path);
        if (text != null && !text.equals("true") && !text.equals("false")) {
            problems.add(path + ".exclude in " + name + " line " + line(parts.get("exclude")) + " is '" + text
                    + "': it must be true or false");
        }
        return "true".equals(text);
    }

    private Optional<String> text(Node node, String path) {
        if (isNull(node)) {
            return Optional.empty();
        }
        if (node instanceof ScalarNode scalar) {
            return Optional.of(scalar.getValue());
        }
        problems.add(path + " in " + name + " line " + line(node) + " must be one value, not a list or a section");
        return Optional.empty();
    }

    private static boolean isNull(Node node) {
        return node instanceof ScalarNode scalar && scalar.getTag().equals(Tag.NULL);
    }

    private static int line(Node node) {
        return node.getStartMark().map(mark -> mark.getLine() + 1).orElse(1);
    }

    private static Set<String> orderedSet(String... words) {
        return new LinkedHashSet<>(List.of(words));
    }
}
