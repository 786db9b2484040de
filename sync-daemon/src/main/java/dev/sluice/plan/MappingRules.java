package dev.sluice.plan;

import dev.sluice.mapping.Codecs.JsonChoice;
import dev.sluice.translate.Identifiers;
import java.util.Locale;
import java.util.Map;

/**
 * What the operator decided about names and types.
 *
 * @param tables rules by the source table's name in lower case
 */
public record MappingRules(
        Identifiers.Policy identifiers, NocaseChoice nocase, JsonChoice json, Map<String, TableRule> tables) {

    public static final MappingRules DEFAULT =
            new MappingRules(Identifiers.Policy.FOLD, NocaseChoice.LOWER, JsonChoice.JSON, Map.of());

    /** How COLLATE NOCASE is carried. */
    public enum NocaseChoice {
        /** text, with indexes over {@code lower(x COLLATE "C")}: exactly SQLite's ASCII rule, on every server. */
        LOWER,
        /** citext: the application's comparisons need no change, but other letters than A–Z fold as well. */
        CITEXT
    }

    /**
     * @param name the target's name, or null
     * @param exclude true to leave the table where it is
     * @param columns by the source column's name in lower case
     */
    public record TableRule(String name, boolean exclude, Map<String, ColumnRule> columns) {
        static final TableRule NONE = new TableRule(null, false, Map.of());

        ColumnRule column(String source) {
            return columns.getOrDefault(source.toLowerCase(Locale.ROOT), ColumnRule.NONE);
        }
    }

    /**
     * Each may be null.
     *
     * @param using the target's value as an expression over {@code $1}, the source's value as text
     * @param timezone the zone of local times that go into timestamptz
     */
    public record ColumnRule(String type, String name, boolean exclude, String using, String timezone) {
        static final ColumnRule NONE = new ColumnRule(null, null, false, null, null);
    }

    TableRule table(String source) {
        return tables.getOrDefault(source.toLowerCase(Locale.ROOT), TableRule.NONE);
    }
}
