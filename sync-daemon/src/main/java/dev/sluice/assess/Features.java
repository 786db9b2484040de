package dev.sluice.assess;

import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceIndex;
import dev.sluice.schema.SourceObject;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Finds which features of SQLite a schema uses. */
final class Features {

    private static final Set<String> BUILT_IN_COLLATIONS = Set.of("BINARY", "NOCASE", "RTRIM");

    private final SourceSchema schema;
    private final List<Feature> found = new ArrayList<>();

    private Features(SourceSchema schema) {
        this.schema = schema;
    }

    static List<Feature> of(SourceSchema schema) {
        Features features = new Features(schema);
        features.find();
        return List.copyOf(features.found);
    }

    private void find() {
        add("trigger", "Triggers", schema.triggers().stream().map(SourceObject::name));
        add("view", "Views", schema.views().stream().map(SourceObject::name));
        add("full-text", "Full-text search tables", virtual(module -> module.startsWith("fts")));
        add("r-tree", "R-tree tables", virtual(module -> module.startsWith("rtree") || module.equals("geopoly")));
        add("virtual-table", "Other virtual tables", virtual(module -> !module.startsWith("fts")
                && !module.startsWith("rtree") && !module.equals("geopoly")));
        add("strict", "STRICT tables", tables(SourceTable::strict));
        add("without-rowid", "WITHOUT ROWID tables", tables(SourceTable::withoutRowid));
        add("autoincrement", "AUTOINCREMENT", tables(SourceTable::autoincrement));
        add("no-key", "Tables without a declared key", tables(table -> table.primaryKey().isEmpty()));
        add("composite-key", "Keys of several columns", tables(table -> table.primaryKey().size() > 1));
        add("foreign-key", "Foreign keys", schema.tables().stream().flatMap(
                table -> table.foreignKeys().stream().map(key -> FileChecks.describe(table, key))));
        add("check", "CHECK constraints", tables(table -> !table.checks().isEmpty()));
        add("generated-column", "Generated columns", columns(SourceColumn::isGenerated));
        add("unique", "UNIQUE constraints", indexes(index -> index.origin() == SourceIndex.Origin.UNIQUE_CONSTRAINT));
        add("partial-index", "Partial indexes", indexes(index -> index.predicate() != null));
        add("expression-index", "Indexes on expressions",
                indexes(index -> index.terms().stream().anyMatch(term -> term.column() == null)));
        add("descending-index", "Descending indexes",
                indexes(index -> index.terms().stream().anyMatch(SourceIndex.Term::descending)));
        collations(schema).forEach(collation -> add("collation", "COLLATE " + collation, usersOf(schema, collation)));
        add("untyped-column", "Columns without a type", columns(column -> column.declaredType().isEmpty()));
    }

    /** Collations other than BINARY. */
    static Set<String> collations(SourceSchema schema) {
        Set<String> names = new LinkedHashSet<>();
        for (SourceTable table : schema.tables()) {
            table.columns().forEach(column -> names.add(column.collation()));
            table.indexes().forEach(index -> index.terms().forEach(term -> names.add(term.collation())));
        }
        names.remove("BINARY");
        return names;
    }

    static boolean isBuiltIn(String collation) {
        return BUILT_IN_COLLATIONS.contains(collation);
    }

    static Stream<String> usersOf(SourceSchema schema, String collation) {
        return schema.tables().stream().flatMap(table -> Stream.concat(
                table.columns().stream().filter(column -> column.collation().equals(collation))
                        .map(column -> table.name() + "." + column.name()),
                table.indexes().stream()
                        .filter(index -> index.origin() == SourceIndex.Origin.CREATE_INDEX)
                        .filter(index -> index.terms().stream().anyMatch(term -> term.collation().equals(collation)))
                        .map(SourceIndex::name)));
    }

    private Stream<String> virtual(Predicate<String> module) {
        return schema.virtualTables().stream()
                .filter(table -> module.test(SchemaReader.module(table.sql()))).map(SourceObject::name);
    }

    private Stream<String> tables(Predicate<SourceTable> which) {
        return schema.tables().stream().filter(which).map(SourceTable::name);
    }

    private Stream<String> columns(Predicate<SourceColumn> which) {
        return each(table -> table.columns().stream().filter(which).map(column -> table.name() + "." + column.name()));
    }

    private Stream<String> indexes(Predicate<SourceIndex> which) {
        return each(table -> table.indexes().stream().filter(which).map(index ->
                index.origin() == SourceIndex.Origin.CREATE_INDEX ? index.name() : table.name() + "("
                        + String.join(", ", index.terms().stream().map(SourceIndex.Term::column).toList()) + ")"));
    }

    private Stream<String> each(Function<SourceTable, Stream<String>> names) {
        return schema.tables().stream().flatMap(names);
    }

    private void add(String code, String label, Stream<String> names) {
        List<String> list = names.distinct().toList();
        if (!list.isEmpty()) {
            found.add(new Feature(code, label, list));
        }
    }
}
