package dev.sluice.conflict;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What the operator wants done with conflicts: for the whole migration, for tables, for columns; the narrowest holds.
 * Names are the source's, compared without regard to ASCII case.
 *
 * @param policy where nothing narrower is said
 * @param tables by the source table's name
 */
public record ConflictRules(Policy policy, Map<String, TableRule> tables) {

    /** The side with traffic is right, and nobody looks. */
    public static final ConflictRules DEFAULT = new ConflictRules(Policy.TRAFFIC_WINS, Map.of());

    /**
     * What holds for one table.
     *
     * @param policy null for the migration's
     * @param newestBy the column whose greater value is the younger version; null for the order in which commits arrive
     * @param columns policies of single columns
     */
    public record TableRule(Policy policy, String newestBy, Map<String, Policy> columns) {

        static final TableRule NONE = new TableRule(null, null, Map.of());

        public TableRule {
            columns = lower(columns);
        }
    }

    public ConflictRules {
        tables = lower(tables);
    }

    private static <T> Map<String, T> lower(Map<String, T> named) {
        Map<String, T> lower = new HashMap<>();
        named.forEach((name, rule) -> lower.put(name.toLowerCase(Locale.ROOT), rule));
        return Map.copyOf(lower);
    }

    /** True where some table's versions must be remembered. */
    public boolean detects() {
        return policy.detects() || tables.values().stream().anyMatch(table -> detects(table));
    }

    private boolean detects(TableRule table) {
        return (table.policy() == null ? policy : table.policy()).detects()
                || table.columns().values().stream().anyMatch(Policy::detects);
    }

    /**
     * What holds for a table.
     *
     * @param columns the source's names of what a version consists of, in its order
     */
    public TablePolicy table(String table, List<String> columns, Direction direction) {
        TableRule rule = tables.getOrDefault(table.toLowerCase(Locale.ROOT), TableRule.NONE);
        if (!detects(rule)) {
            return TablePolicy.TRAFFIC_WINS;
        }
        Map<Integer, Stance> stances = new HashMap<>();
        rule.columns().forEach((column, own) -> place(column, columns).ifPresent(
                place -> stances.put(place, own.towards(direction))));
        return new TablePolicy(true, (rule.policy() == null ? policy : rule.policy()).towards(direction),
                rule.newestBy() == null ? -1 : place(rule.newestBy(), columns).orElse(-1), stances);
    }

    private static Optional<Integer> place(String column, List<String> columns) {
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).equalsIgnoreCase(column)) {
                return Optional.of(i);
            }
        }
        return Optional.empty();
    }

    /**
     * What can't be meant, one sentence each.
     *
     * @param columns of every table that is carried, by its name
     */
    public List<String> problems(Map<String, List<String>> columns) {
        List<String> problems = new ArrayList<>();
        tables.forEach((table, rule) -> {
            Optional<List<String>> found = columns.entrySet().stream().filter(entry -> entry.getKey().equalsIgnoreCase(table))
                    .map(Map.Entry::getValue).findFirst();
            if (found.isEmpty()) {
                problems.add("conflicts.tables." + table + " names a table that is not carried: correct the name or leave it"
                        + " out");
                return;
            }
            List<String> named = new ArrayList<>(rule.columns().keySet());
            if (rule.newestBy() != null) {
                named.add(rule.newestBy());
            }
            named.stream().filter(column -> place(column, found.get()).isEmpty()).forEach(column -> problems.add(
                    "conflicts.tables." + table + " names the column " + column + ", which is not carried: correct the name or"
                            + " leave it out"));
        });
        return problems;
    }
}
