package dev.sluice.plan;

import dev.sluice.census.CandidateSource;
import dev.sluice.census.Census;
import dev.sluice.census.ColumnCensus;
import dev.sluice.census.TableCensus;
import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Codecs;
import dev.sluice.plan.MappingRules.ColumnRule;
import dev.sluice.plan.MappingRules.TableRule;
import dev.sluice.plan.MigrationPlan.Held;
import dev.sluice.plan.TargetCatalog.ExistingColumn;
import dev.sluice.plan.TargetCatalog.ExistingTable;
import dev.sluice.schema.Affinity;
import dev.sluice.schema.RowIdentity;
import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceForeignKey;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.translate.Identifiers;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Decides where every table and column goes: its name, its type, its key. Where the target has the table already, it
 * is matched to it; else it is made. What does not fit is a problem in the plan, said before anything is moved.
 */
public final class Planner {

    /** PostgreSQL's limit (MaxHeapAttributeNumber). */
    private static final int COLUMNS_MAX = 1_600;

    private final SourceSchema schema;
    private final MappingRules rules;
    private final TargetCatalog catalog;
    private final String targetSchema;
    private final Identifiers identifiers;
    private final List<String> notes = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();
    private final List<NotCarried> notCarried = new ArrayList<>();

    public Planner(SourceSchema schema, MappingRules rules, TargetCatalog catalog, String targetSchema) {
        this.schema = schema;
        this.rules = rules;
        this.catalog = catalog;
        this.targetSchema = targetSchema;
        this.identifiers = new Identifiers(rules.identifiers());
    }

    /** What a census must ask of every column, so that {@link #plan} can choose. */
    public CandidateSource candidates() {
        CandidateSource fresh = CandidateSource.forNewTarget(rules.json());
        return (table, column) -> {
            ColumnRule rule = rules.table(table.name()).column(column.name());
            if (rule.using() != null) {
                return new CandidateSource.Candidates(List.of(Codecs.ANYTHING), Codecs.ANYTHING);
            }
            ExistingTable existing = existing(table);
            if (existing != null) {
                ExistingColumn there = existing(existing, column, rule);
                return there == null ? fresh.of(table, column) : among(there, column, rule);
            }
            if (rule.type() != null) {
                return among(rule.type(), column, rule);
            }
            if (citext(column) && column.keyPosition() == 0) {
                return among("citext", column, rule);
            }
            CandidateSource.Candidates candidates = fresh.of(table, column);
            if (!refersToInteger(table, column)) {
                return candidates;
            }
            List<Codec> first = new ArrayList<>(candidates.candidates());
            first.add(0, Codecs.BIGINT_OF_TEXT);
            return new CandidateSource.Candidates(first, candidates.withoutValues());
        };
    }

    /** True for a text column whose foreign key leads to an integer column: PostgreSQL compares only like types. */
    private boolean refersToInteger(SourceTable table, SourceColumn column) {
        if (column.affinity() != Affinity.TEXT) {
            return false;
        }
        for (SourceForeignKey key : table.foreignKeys()) {
            for (int i = 0; i < key.columns().size(); i++) {
                SourceTable parent = schema.table(key.parent());
                List<String> parents = key.parentColumns().isEmpty() && parent != null
                        ? parent.primaryKey() : key.parentColumns();
                SourceColumn of = parent == null || i >= parents.size() ? null : parent.column(parents.get(i));
                if (key.columns().get(i).equalsIgnoreCase(column.name()) && of != null
                        && of.affinity() == Affinity.INTEGER) {
                    return true;
                }
            }
        }
        return false;
    }

    private boolean citext(SourceColumn column) {
        return rules.nocase() == MappingRules.NocaseChoice.CITEXT && column.collation().equalsIgnoreCase("NOCASE");
    }

    private static CandidateSource.Candidates among(String type, SourceColumn column, ColumnRule rule) {
        List<Codec> codecs = Codecs.forExisting(type.strip().toLowerCase(java.util.Locale.ROOT), column, rule.timezone());
        return new CandidateSource.Candidates(codecs, codecs.isEmpty() ? null : codecs.get(0));
    }

    private static CandidateSource.Candidates among(ExistingColumn there, SourceColumn column, ColumnRule rule) {
        if (there.labels() == null) {
            return among(there.base(), column, rule);
        }
        Codec codec = Codecs.forEnum(there.base(), there.labels());
        return new CandidateSource.Candidates(List.of(codec), codec);
    }

    private ExistingTable existing(SourceTable table) {
        return catalog.match(table.name(), rules.table(table.name()).name(), identifiers.targetName(table.name()));
    }

    private ExistingColumn existing(ExistingTable table, SourceColumn column, ColumnRule rule) {
        for (String name : new String[] {rule.name(), identifiers.targetName(column.name()), column.name()}) {
            if (name != null && table.column(name) != null) {
                return table.column(name);
            }
        }
        return table.columns().stream().filter(c -> c.name().equalsIgnoreCase(column.name())).findFirst().orElse(null);
    }

    /** The whole plan, from a census that was taken with {@link #candidates}. */
    public MigrationPlan plan(Census census) {
        unknownRules();
        List<SourceTable> carried = new ArrayList<>();
        for (SourceTable table : schema.tables()) {
            if (rules.table(table.name()).exclude()) {
                notCarried.add(new NotCarried(tableObject(table.name()), table.sql(), "excluded in the configuration"));
            } else {
                carried.add(table);
            }
        }
        Map<SourceTable, String> names = tableNames(carried);
        List<TablePlan> tables = new ArrayList<>();
        for (SourceTable table : carried) {
            TableCensus counted = census.tables().stream()
                    .filter(t -> t.table().equals(table.name())).findFirst().orElseThrow();
            TablePlan plan = table(table, names.get(table), counted);
            if (plan != null) {
                tables.add(plan);
            }
        }
        DeclarationPlanner declarations =
                new DeclarationPlanner(schema, tables, census, rules, identifiers, targetSchema, notCarried, notes);
        return result(tables, declarations.plan(), List.of());
    }

    private MigrationPlan result(List<TablePlan> tables, List<Declaration> statements, List<Held> held) {
        identifiers.renames().forEach(rename -> notes.add(rename.scope() + ": " + rename.sourceName() + " is named "
                + rename.targetName() + " in PostgreSQL, because " + rename.reason()));
        tables.sort(Comparator.comparingLong((TablePlan table) -> -table.rows()));
        return new MigrationPlan(targetSchema, tables, statements, notCarried, List.copyOf(notes),
                List.copyOf(problems), schema.hash(), catalog.relations(), held);
    }

    // ---- a schema that was changed meanwhile ----

    /** The tables that {@code old} does not describe as they are now; {@link #replan} wants a census of them. */
    public Set<String> changed(MigrationPlan old) {
        Set<String> changed = new HashSet<>();
        for (SourceTable table : carried(old)) {
            TablePlan before = old.table(table.name());
            if (before == null || !before.stored().equals(storedNames(table)) || !before.names(table)) {
                changed.add(table.name());
            }
        }
        return changed;
    }

    private List<SourceTable> carried(MigrationPlan old) {
        return schema.tables().stream().filter(table -> !rules.table(table.name()).exclude()
                && (old.held(table.name()) != null || !old.leavesOut(tableObject(table.name())))).toList();
    }

    private static List<String> storedNames(SourceTable table) {
        return table.storedColumns().stream().map(SourceColumn::name).toList();
    }

    /** As {@link #candidates()}, but a column keeps its codec while every value fits. */
    public CandidateSource candidates(MigrationPlan old) {
        CandidateSource anew = candidates();
        return (table, column) -> {
            CandidateSource.Candidates fresh = anew.of(table, column);
            TablePlan before = old.table(table.name());
            ColumnPlan was = before == null ? null : before.column(column.name());
            // the few values of what is new say little about those to come, so its declaration comes first
            Codec preferred = was != null ? was.codec() : fresh.withoutValues();
            boolean vague = was == null && Codecs.ANYTHING.equals(preferred) && !column.declaredType().isEmpty();
            if (fresh.withoutValues() == null || vague) {
                return fresh;
            }
            List<Codec> first = new ArrayList<>(fresh.candidates());
            first.add(0, preferred);
            return new CandidateSource.Candidates(first, preferred);
        };
    }

    /**
     * The plan for the schema as it is now. What it has in common with {@code old} stays as it is; a table that can't be
     * followed any more is held, with the reason, and nothing else is.
     *
     * @param census of the {@link #changed} tables, taken with {@link #candidates(MigrationPlan)}
     * @param refused what PostgreSQL said of an earlier attempt, by source table
     */
    public Drift replan(MigrationPlan old, Census census, Map<String, String> refused) {
        old.notCarried().stream().filter(left -> schema.tables().stream().anyMatch(table ->
                left.object().equals(tableObject(table.name())))).forEach(notCarried::add);
        List<SourceTable> carried = carried(old);
        Map<SourceTable, String> names = tableNames(carried);
        Redraft redraft = new Redraft(old, targetSchema);
        List<Held> held = new ArrayList<>();
        for (SourceTable table : carried) {
            TablePlan before = old.table(table.name());
            TableCensus counted = census.table(table.name());
            if (counted == null) {
                columnNames(table, before.target(), existing(table), rules.table(table.name())); // claims them
                redraft.keep(before);
                continue;
            }
            Held was = old.held(table.name());
            String target = before != null ? before.target() : was != null ? was.target() : names.get(table);
            boolean ours = before != null ? !before.existing() : was != null ? was.ours() : existing(table) == null;
            int found = problems.size();
            TablePlan fresh = refused.containsKey(table.name()) ? null : table(table, target, counted);
            if (fresh == null || problems.size() > found) {
                held.add(new Held(table.name(), target, ours, refused.getOrDefault(table.name(),
                        String.join("; ", problems.subList(found, problems.size())))));
                problems.subList(found, problems.size()).clear();
                redraft.hold(table.name());
            } else if (before == null) {
                redraft.add(fresh, was != null && was.ours());
            } else {
                redraft.change(before, fresh, table);
            }
        }
        old.tables().stream().filter(table -> schema.table(table.source()) == null).forEach(redraft::drop);
        List<TablePlan> tables = redraft.tables();
        DeclarationPlanner declarations =
                new DeclarationPlanner(schema, tables, census, rules, identifiers, targetSchema, notCarried, notes);
        List<Declaration> statements = declarations.plan();
        held.forEach(table -> notCarried.add(new NotCarried(tableObject(table.source()), null, table.reason())));
        return redraft.drift(result(tables, statements, held).withoutSchema(), declarations::addColumn);
    }

    /** How a table is called among what is not carried. */
    public static String tableObject(String table) {
        return "table \"" + table + "\"";
    }

    /** How a column is called among what is not carried. */
    private static String columnObject(String table, String column) {
        return "column \"" + column + "\" of \"" + table + "\"";
    }

    private void unknownRules() {
        rules.tables().forEach((name, rule) -> {
            SourceTable table = schema.table(name);
            if (table == null) {
                problems.add("the configuration has rules for table " + name + ", which the source does not have");
                return;
            }
            rule.columns().keySet().stream().filter(column -> table.column(column) == null).forEach(column ->
                    problems.add("the configuration has rules for column " + name + "." + column
                            + ", which the source does not have"));
        });
    }

    private Map<SourceTable, String> tableNames(List<SourceTable> carried) {
        catalog.relations().forEach(identifiers.relations()::invent);
        Map<SourceTable, String> names = new LinkedHashMap<>();
        List<String> fresh = new ArrayList<>();
        for (SourceTable table : carried) {
            ExistingTable existing = existing(table);
            if (existing != null) {
                names.put(table, existing.name());
            } else if (rules.table(table.name()).name() != null) {
                names.put(table, identifiers.relations().invent(rules.table(table.name()).name()));
            } else {
                fresh.add(table.name());
            }
        }
        Map<String, String> claimed = identifiers.relations().claimAll(fresh);
        carried.forEach(table -> names.computeIfAbsent(table, t -> claimed.get(t.name())));
        Map<String, String> taken = new HashMap<>();
        names.forEach((table, target) -> {
            String other = taken.putIfAbsent(target, table.name());
            if (other != null) {
                problems.add("source tables " + other + " and " + table.name() + " go to the same target table " + target
                        + ": name another for one of them in the configuration, or exclude it");
            }
        });
        return names;
    }

    private TablePlan table(SourceTable table, String target, TableCensus counted) {
        ExistingTable existing = existing(table);
        TableRule rule = rules.table(table.name());
        if (table.identity() == null) {
            problems.add("table " + table.name() + " has no usable key (E01): declare a PRIMARY KEY or exclude it");
            return null;
        }
        if (!counted.isWhole()) {
            problems.add(counted.problem());
        }
        if (existing != null && existing.hasRows()) {
            problems.add("target table " + target + " holds rows already: empty it, or exclude table " + table.name());
        }
        List<ColumnPlan> columns = columns(table, target, existing, rule, counted);
        String keyColumn = table.identity().kind() == RowIdentity.Kind.ROWID
                ? identifiers.columns(target).invent("sluice_rowid") : null;
        if (columns.size() + (keyColumn == null ? 0 : 1) > COLUMNS_MAX) {
            problems.add(String.format("table %s has %,d columns, and PostgreSQL takes %,d: exclude columns or the table",
                    table.name(), table.columns().size(), COLUMNS_MAX));
            return null;
        }
        for (String key : table.identity().columns()) {
            if (columns.stream().noneMatch(c -> c.source().equalsIgnoreCase(key))) {
                problems.add("column " + table.name() + "." + key + " is part of the key and can't be left out");
                return null;
            }
        }
        looseKey(table, existing, columns);
        TablePlan plan = new TablePlan(table.name(), target, table.identity(),
                storedNames(table), columns, keyColumn, existing != null,
                counted.rows());
        if (existing != null && keyColumn == null && existing.keys().stream()
                .noneMatch(key -> key.size() == plan.keyTargets().size() && key.containsAll(plan.keyTargets()))) {
            problems.add("target table " + target + " has no primary key or unique constraint over ("
                    + String.join(", ", plan.keyTargets()) + "), which is the key of source table " + table.name()
                    + ": add one");
        }
        if (keyColumn != null && existing != null) {
            notes.add("target table " + target + " gets a key column of ours, " + keyColumn
                    + ", because source table " + table.name() + " has no key");
        }
        return plan;
    }

    /** A key must be compared in PostgreSQL as strictly as in SQLite: else one row would overwrite another. */
    private void looseKey(SourceTable table, ExistingTable existing, List<ColumnPlan> columns) {
        for (ColumnPlan column : columns) {
            if (table.identity().columns().stream().noneMatch(key -> key.equalsIgnoreCase(column.source()))) {
                continue;
            }
            String place = table.name() + "." + column.source();
            if (column.using() != null) {
                problems.add("column " + place + " is part of the key and can't have a USING expression: rows must be found"
                        + " again by it");
            }
            boolean loose = column.codec().type().startsWith("citext")
                    || existing != null && existing.column(column.target()).loose();
            if (loose) {
                problems.add("column " + place + " is part of the key, and its counterpart in PostgreSQL takes different"
                        + " texts for equal (citext or a nondeterministic collation): give it type text");
            }
        }
    }

    private List<ColumnPlan> columns(SourceTable table, String target, ExistingTable existing, TableRule rule,
            TableCensus counted) {
        List<SourceColumn> stored = table.storedColumns();
        Map<String, String> names = columnNames(table, target, existing, rule);
        List<ColumnPlan> columns = new ArrayList<>();
        Set<String> filled = new HashSet<>();
        for (int i = 0; i < stored.size(); i++) {
            SourceColumn column = stored.get(i);
            ColumnRule columnRule = rule.column(column.name());
            String place = table.name() + "." + column.name();
            if (columnRule.exclude()) {
                notCarried.add(new NotCarried(columnObject(table.name(), column.name()), column.declaredType(),
                        "excluded in the configuration"));
                continue;
            }
            String name = names.get(column.name());
            if (name == null) {
                problems.add("source column " + place + " has no column in target table " + existing.name()
                        + ": add it there, name its counterpart in the configuration, or exclude it");
                continue;
            }
            filled.add(name);
            ColumnCensus values = counted.column(column.name());
            Codec codec = values.chosen();
            if (codec == null) {
                problems.add(misfit(place, column, columnRule, existing == null ? null : existing.column(name), values));
                continue;
            }
            if (existing != null && existing.column(name).generated()) {
                problems.add("target column " + existing.name() + "." + name + " is generated and can't take the values of "
                        + place + ": exclude it");
                continue;
            }
            if (existing != null && existing.column(name).notNull() && values.classes().nulls() > 0) {
                problems.add(String.format("target column %s.%s is NOT NULL, but %s holds %,d NULLs", existing.name(), name,
                        place, values.classes().nulls()));
            }
            columns.stream().filter(other -> other.target().equals(name)).forEach(other -> problems.add("columns "
                    + table.name() + "." + other.source() + " and " + place + " go to the same target column " + name
                    + ": name another for one of them in the configuration, or exclude it"));
            // of a key it must be known which values can't be there: rows are looked for by them
            boolean key = table.identity().columns().stream().anyMatch(column.name()::equalsIgnoreCase);
            columns.add(new ColumnPlan(column.name(), i, name, (key ? codec : codec.planned()).id(), columnRule.using()));
        }
        if (existing != null) {
            generatedElsewhere(table, existing, rule);
            for (ExistingColumn there : existing.columns()) {
                if (there.notNull() && !there.hasDefault() && !there.generated() && !filled.contains(there.name())) {
                    problems.add("target column " + existing.name() + "." + there.name()
                            + " is NOT NULL without a default, and the source stores no such column: give it a default");
                }
            }
        }
        return columns;
    }

    private static String misfit(String place, SourceColumn column, ColumnRule rule, ExistingColumn there,
            ColumnCensus values) {
        String type = there == null ? rule.type() : there.type();
        String base = there == null ? rule.type() : there.base();
        if ((there == null || there.labels() == null) && among(base, column, rule).candidates().isEmpty()) {
            return "the values of " + place + " do not fit " + type + ", a type that gives no value back as it was written"
                    + ": choose another type, or give a USING expression";
        }
        boolean zone = base.contains("with time zone") && rule.timezone() == null;
        return "the values of " + place + " do not fit " + type + noFit(values) + ": choose another type, "
                + (zone ? "name the timezone of local times, " : "") + "or give a USING expression";
    }

    /** SQLite computes these; where the target does not compute them too, nobody fills them. */
    private void generatedElsewhere(SourceTable table, ExistingTable existing, TableRule rule) {
        for (SourceColumn column : table.columns()) {
            ExistingColumn there = column.isGenerated() ? existing(existing, column, rule.column(column.name())) : null;
            if (column.isGenerated() && (there == null || !there.generated())) {
                notCarried.add(new NotCarried("generated column \"" + column.name() + "\" on \"" + table.name() + "\"",
                        column.generatedSql(), there == null ? "target table " + existing.name() + " has no such column"
                                : "target column " + existing.name() + "." + there.name() + " is not generated, so it is left"
                                        + " to its default: make it GENERATED ALWAYS AS (…) STORED"));
            }
        }
    }

    private static String noFit(ColumnCensus values) {
        return values.refused() == null ? ""
                : String.format(" (%,d of %,d values would not come back unchanged)", values.refused().broken(),
                        values.classes().values());
    }

    /** Target names by source name; a column that an existing table does not have is absent. */
    private Map<String, String> columnNames(SourceTable table, String target, ExistingTable existing, TableRule rule) {
        Map<String, String> names = new LinkedHashMap<>();
        if (existing != null) {
            existing.columns().forEach(column -> identifiers.columns(target).invent(column.name()));
            for (SourceColumn column : table.columns()) {
                ExistingColumn there = existing(existing, column, rule.column(column.name()));
                if (there != null) {
                    names.put(column.name(), there.name());
                }
            }
            return names;
        }
        List<String> unnamed = new ArrayList<>();
        for (SourceColumn column : table.columns()) {
            String ruleName = rule.column(column.name()).name();
            if (ruleName != null) {
                names.put(column.name(), identifiers.columns(target).invent(ruleName));
            } else {
                unnamed.add(column.name());
            }
        }
        names.putAll(identifiers.columns(target).claimAll(unnamed));
        return names;
    }
}
