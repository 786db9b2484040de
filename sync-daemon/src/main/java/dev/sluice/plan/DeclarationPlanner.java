package dev.sluice.plan;

import dev.sluice.census.Census;
import dev.sluice.census.ColumnCensus;
import dev.sluice.census.TableCensus;
import dev.sluice.mapping.Codec;
import dev.sluice.plan.Declaration.Stage;
import dev.sluice.schema.RowIdentity;
import dev.sluice.schema.SourceCheck;
import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceForeignKey;
import dev.sluice.schema.SourceIndex;
import dev.sluice.schema.SourceObject;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.translate.Catalog;
import dev.sluice.translate.Columns;
import dev.sluice.translate.Default;
import dev.sluice.translate.DefaultTranslator;
import dev.sluice.translate.ExpressionTranslator;
import dev.sluice.translate.Identifiers;
import dev.sluice.translate.PgKind;
import dev.sluice.translate.Translation;
import dev.sluice.translate.ViewTranslator;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;

/** Writes the DDL for what the source declares; what can't be said in PostgreSQL is named with its reason. */
final class DeclarationPlanner {

    private final SourceSchema schema;
    private final List<TablePlan> tables;
    private final Census census;
    private final MappingRules rules;
    private final Identifiers identifiers;
    private final String targetSchema;
    private final List<NotCarried> notCarried;
    private final List<String> notes;
    private final List<Declaration> declarations = new ArrayList<>();
    /** Generated columns that are carried, by table and source name. */
    private final Map<String, Map<String, Columns.Column>> generated = new HashMap<>();

    DeclarationPlanner(SourceSchema schema, List<TablePlan> tables, Census census, MappingRules rules,
            Identifiers identifiers, String targetSchema, List<NotCarried> notCarried, List<String> notes) {
        this.schema = schema;
        this.tables = tables;
        this.census = census;
        this.rules = rules;
        this.identifiers = identifiers;
        this.targetSchema = targetSchema;
        this.notCarried = notCarried;
        this.notes = notes;
    }

    List<Declaration> plan() {
        add(Stage.GROUND, null, "schema " + quote(targetSchema), "CREATE SCHEMA IF NOT EXISTS " + quote(targetSchema),
                "DROP SCHEMA " + quote(targetSchema), true);
        if (tables.stream().flatMap(t -> t.columns().stream()).anyMatch(c -> c.codec().type().equals("citext"))) {
            add(Stage.GROUND, null, "extension citext", "CREATE EXTENSION IF NOT EXISTS citext",
                    "DROP EXTENSION citext", true);
        }
        List<TablePlan> fresh = tables.stream().filter(table -> !table.existing()).toList();
        fresh.forEach(this::createTable);
        tables.stream().filter(table -> table.existing() && table.keyColumn() != null).forEach(this::addKeyColumn);
        fresh.forEach(this::primaryKey);
        claimIndexNames(fresh);
        fresh.forEach(table -> indexes(table, false));
        fresh.forEach(table -> indexes(table, true));
        fresh.forEach(this::checks);
        fresh.forEach(this::foreignKeys);
        views();
        others();
        return declarations;
    }

    private SourceTable source(TablePlan table) {
        return schema.table(table.source());
    }

    private Columns columns(TablePlan table) {
        return Kinds.columns(source(table), table, generated.getOrDefault(table.source(), Map.of()));
    }

    private void add(Stage stage, TablePlan table, String object, String sql, String undo, boolean required) {
        declarations.add(new Declaration(stage, table == null ? null : table.source(), object, sql, undo, required));
    }

    private static String quote(String name) {
        return Identifiers.quote(name);
    }

    private String qualified(TablePlan table) {
        return quote(targetSchema) + "." + quote(table.target());
    }

    private static String on(String what, String name, TablePlan table) {
        return what + " \"" + name + "\" on \"" + table.source() + "\"";
    }

    private void createTable(TablePlan table) {
        SourceTable source = source(table);
        StringJoiner body = new StringJoiner(",\n    ", "CREATE TABLE " + qualified(table) + " (\n    ", "\n)");
        for (SourceColumn column : source.columns()) {
            if (!column.isGenerated() && table.column(column.name()) != null) {
                body.add(column(table, source, column));
            }
        }
        Map<String, Columns.Column> planned = generated.computeIfAbsent(table.source(), t -> new LinkedHashMap<>());
        for (SourceColumn column : source.columns()) {
            String sql = column.isGenerated() ? generated(table, column, planned) : null;
            if (sql != null) {
                body.add(sql);
            }
        }
        if (table.keyColumn() != null) {
            body.add(quote(table.keyColumn()) + " bigint GENERATED BY DEFAULT AS IDENTITY");
        }
        if (source.columns().isEmpty()) {
            return;
        }
        add(Stage.TABLE, table, "table \"" + table.source() + "\"", body.toString(), "DROP TABLE " + qualified(table), true);
    }

    /** A column as it is added to a table that has rows. */
    String addColumn(TablePlan table, ColumnPlan added) {
        SourceTable source = source(table);
        return "ALTER TABLE " + qualified(table) + " ADD COLUMN " + column(table, source, source.column(added.source()));
    }

    private String column(TablePlan table, SourceTable source, SourceColumn column) {
        ColumnPlan plan = table.column(column.name());
        Codec codec = plan.codec();
        StringBuilder sql = new StringBuilder(quote(plan.target())).append(' ').append(
                plan.using() != null && type(table, column) != null ? type(table, column) : codec.type());
        boolean integerKey = table.identity().kind() == RowIdentity.Kind.INTEGER_KEY
                && table.identity().columns().get(0).equalsIgnoreCase(column.name());
        if (integerKey) {
            sql.append(" GENERATED BY DEFAULT AS IDENTITY");
        }
        if (column.notNull() && !integerKey) {
            ColumnCensus values = columnCensus(table, column);
            if (values == null || values.classes().nulls() == 0) {
                sql.append(" NOT NULL");
            } else {
                notCarried.add(new NotCarried(on("NOT NULL of column", column.name(), table), "NOT NULL",
                        String.format("%,d rows hold NULL all the same", values.classes().nulls())));
            }
        }
        if (column.defaultSql() != null && !integerKey) {
            String value = defaultValue(table, column, plan, codec);
            if (value != null) {
                sql.append(" DEFAULT ").append(value);
            }
        }
        return sql.toString();
    }

    private String type(TablePlan table, SourceColumn column) {
        return rules.table(table.source()).column(column.name()).type();
    }

    /** Null where only a part of the source was read, because the rest is there already. */
    private ColumnCensus columnCensus(TablePlan table, SourceColumn column) {
        TableCensus counted = census.table(table.source());
        return counted == null ? null : counted.column(column.name());
    }

    /** The DEFAULT's SQL, or null if there is none to carry. */
    private String defaultValue(TablePlan table, SourceColumn column, ColumnPlan plan, Codec codec) {
        if (plan.using() != null) {
            return null;
        }
        Default translated = DefaultTranslator.translate(column.defaultSql(), column.affinity(), Kinds.of(codec));
        String reason;
        if (translated instanceof Default.Literal literal) {
            if (literal.value().isNull()) {
                return null; // no default means the same
            }
            if (codec.fits(literal.value())) {
                return "'" + codec.text(literal.value()).replace("'", "''") + "'::" + codec.type();
            }
            reason = "the default does not fit the column's type " + codec.type();
        } else if (translated instanceof Default.Expression expression) {
            if (expression.form() == null || !isTime(codec) || expression.form().equals(codec.strftime())) {
                return expression.pgSql();
            }
            reason = "the default writes another date format than the column's values have";
        } else {
            reason = ((Default.Refused) translated).reason();
        }
        notCarried.add(new NotCarried(on("DEFAULT of column", column.name(), table), column.defaultSql(), reason));
        return null;
    }

    private static boolean isTime(Codec codec) {
        return switch (Kinds.of(codec)) {
            case TIMESTAMP, TIMESTAMPTZ, DATE, TIME -> true;
            default -> false;
        };
    }

    /** A generated column's definition, or null if it can't be carried. */
    private String generated(TablePlan table, SourceColumn column, Map<String, Columns.Column> planned) {
        // PostgreSQL lets no generated column read another one, so those are not among its columns
        Translation translated = ExpressionTranslator.generated(column.generatedSql(),
                Kinds.columns(source(table), table, Map.of()), column.affinity(), PgKind.OTHER);
        if (translated instanceof Translation.Sql sql && typeName(sql.kind()) != null) {
            String name = identifiers.columns(table.target()).claim(column.name());
            planned.put(column.name(), new Columns.Column(name, sql.kind(), column.affinity(), column.collation()));
            return quote(name) + " " + typeName(sql.kind()) + " GENERATED ALWAYS AS (" + sql.text() + ") STORED";
        }
        notCarried.add(new NotCarried(on("generated column", column.name(), table), column.generatedSql(),
                translated instanceof Translation.Refused refused ? refused.reason() : "its type is not known"));
        return null;
    }

    private static String typeName(PgKind kind) {
        return switch (kind) {
            case INTEGER -> "bigint";
            case NUMERIC -> "numeric";
            case DOUBLE -> "double precision";
            case TEXT -> "text";
            case BYTEA -> "bytea";
            default -> null;
        };
    }

    private void addKeyColumn(TablePlan table) {
        add(Stage.TABLE, table, on("key column", table.keyColumn(), table),
                "ALTER TABLE " + qualified(table) + " ADD COLUMN " + quote(table.keyColumn())
                        + " bigint GENERATED BY DEFAULT AS IDENTITY UNIQUE",
                "ALTER TABLE " + qualified(table) + " DROP COLUMN " + quote(table.keyColumn()), true);
    }

    private void primaryKey(TablePlan table) {
        SourceTable source = source(table);
        String name = identifiers.relations().invent(
                source.primaryKeyName() == null ? table.target() + "_pkey" : identifiers.targetName(source.primaryKeyName()));
        StringJoiner keys = new StringJoiner(", ");
        table.keyTargets().forEach(key -> keys.add(quote(key)));
        add(Stage.KEY, table, on("primary key", name, table),
                "ALTER TABLE " + qualified(table) + " ADD CONSTRAINT " + quote(name) + " PRIMARY KEY (" + keys + ")",
                dropConstraint(table, name), true);
        if (table.keyColumn() != null && !source.primaryKey().isEmpty()) {
            notCarried.add(new NotCarried(on("PRIMARY KEY", String.join(", ", source.primaryKey()), table),
                    "PRIMARY KEY (" + String.join(", ", source.primaryKey()) + ")",
                    "some rows hold NULL in it or it uses a collation that PostgreSQL does not have; rows are named by "
                            + table.keyColumn() + ", the SQLite rowid, and a unique constraint keeps what it can"));
        } else if (table.keyColumn() != null) {
            notes.add("table " + table.source() + " has no primary key: column " + table.keyColumn()
                    + " keeps its SQLite rowid");
        }
        boolean folded = source.primaryKey().stream().anyMatch(key -> isFolded(table, source.column(key).collation(), key));
        if (folded && table.keyColumn() == null) {
            StringJoiner terms = new StringJoiner(", ");
            for (String key : source.primaryKey()) {
                terms.add(columnTerm(table, key, source.column(key).collation()));
            }
            String index = identifiers.relations().invent(table.target() + "_key_nocase");
            add(Stage.UNIQUE, table, on("case-insensitive key", index, table),
                    "CREATE UNIQUE INDEX " + quote(index) + " ON " + qualified(table) + " (" + terms + ")",
                    dropIndex(index), false);
        }
    }

    private String dropConstraint(TablePlan table, String name) {
        return "ALTER TABLE " + qualified(table) + " DROP CONSTRAINT " + quote(name);
    }

    private String dropIndex(String name) {
        return "DROP INDEX " + quote(targetSchema) + "." + quote(name);
    }

    /** True for a text column compared with NOCASE that stays text in PostgreSQL. */
    private static boolean isFolded(TablePlan table, String collation, String column) {
        ColumnPlan plan = table.column(column);
        return collation.equalsIgnoreCase("NOCASE") && plan != null && Kinds.of(plan.codec()) == PgKind.TEXT;
    }

    /** A plain column as an index term that compares as SQLite's collation does. */
    private String columnTerm(TablePlan table, String column, String collation) {
        String name = quote(target(table, column));
        if (isFolded(table, collation, column)) {
            return "lower(" + name + " COLLATE \"C\")";
        }
        ColumnPlan plan = table.column(column);
        boolean text = plan != null && Kinds.of(plan.codec()) == PgKind.TEXT;
        return collation.equalsIgnoreCase("RTRIM") && text ? "rtrim(" + name + ", ' ')" : name;
    }

    /** The target's name of a carried column, generated or not; null if it is not carried. */
    private String target(TablePlan table, String column) {
        ColumnPlan plan = table.column(column);
        if (plan != null) {
            return plan.target();
        }
        Columns.Column made = generated.getOrDefault(table.source(), Map.of()).get(source(table).column(column).name());
        return made == null ? null : made.targetName();
    }

    private void claimIndexNames(List<TablePlan> fresh) {
        List<String> names = new ArrayList<>();
        for (TablePlan table : fresh) {
            source(table).indexes().stream().filter(index -> index.sql() != null).forEach(i -> names.add(i.name()));
        }
        identifiers.relations().claimAll(names);
    }

    private void indexes(TablePlan table, boolean unique) {
        for (SourceIndex index : source(table).indexes()) {
            // a key with NULLs is no primary key in PostgreSQL, but its values are unique there too
            boolean key = index.origin() == SourceIndex.Origin.PRIMARY_KEY;
            if (index.unique() == unique && (!key || table.keyColumn() != null
                    && index.terms().stream().allMatch(term -> isKnown(term.collation())))) {
                index(table, index);
            }
        }
    }

    private void index(TablePlan table, SourceIndex index) {
        String object = index.sql() != null ? on("index", index.name(), table)
                : on("UNIQUE", String.join(", ", index.terms().stream().map(t -> t.column()).toList()), table);
        List<String> terms = new ArrayList<>();
        String reason = null;
        for (SourceIndex.Term term : index.terms()) {
            Translated translated = term(table, term);
            terms.add(translated.sql + (term.descending() ? " DESC" : ""));
            reason = reason == null ? translated.reason : reason;
        }
        String where = "";
        if (index.predicate() != null) {
            Translation predicate = ExpressionTranslator.condition(index.predicate(), columns(table));
            if (predicate instanceof Translation.Sql sql) {
                where = " WHERE " + sql.text();
            } else {
                reason = reason == null ? ((Translation.Refused) predicate).reason() : reason;
            }
        }
        String text = index.sql() != null ? index.sql() : "UNIQUE";
        if (reason != null) {
            notCarried.add(new NotCarried(object, text, reason));
            return;
        }
        Stage stage = index.unique() ? Stage.UNIQUE : Stage.INDEX;
        boolean plain = index.isPlain() && terms.stream().allMatch(t -> t.startsWith("\"") && t.endsWith("\""));
        if (index.sql() == null && plain) {
            String name = identifiers.relations().invent(
                    table.target() + "_" + String.join("_", index.terms().stream()
                            .map(t -> target(table, t.column())).toList()) + "_key");
            add(stage, table, object, "ALTER TABLE " + qualified(table) + " ADD CONSTRAINT " + quote(name) + " UNIQUE ("
                    + String.join(", ", terms) + ")", dropConstraint(table, name), false);
            return;
        }
        String name = index.sql() != null ? identifiers.relations().claim(index.name())
                : identifiers.relations().invent(table.target() + "_unique_nocase");
        add(stage, table, object, "CREATE " + (index.unique() ? "UNIQUE " : "") + "INDEX " + quote(name) + " ON "
                + qualified(table) + " (" + String.join(", ", terms) + ")" + where,
                dropIndex(name), false);
    }

    private static boolean isKnown(String collation) {
        return Set.of("BINARY", "NOCASE", "RTRIM").contains(collation.toUpperCase(java.util.Locale.ROOT));
    }

    /** SQL, or the reason why there is none. */
    private record Translated(String sql, String reason) {}

    private Translated term(TablePlan table, SourceIndex.Term term) {
        if (!isKnown(term.collation())) {
            return new Translated(null, "its collation " + term.collation() + " is the application's own");
        }
        if (term.column() != null) {
            return target(table, term.column()) == null
                    ? new Translated(null, "column " + term.column() + " is not carried")
                    : new Translated(columnTerm(table, term.column(), term.collation()), null);
        }
        String sqlite = term.collation().equalsIgnoreCase("BINARY") ? term.expression()
                : "(" + term.expression() + ") COLLATE " + term.collation();
        Translation translated = ExpressionTranslator.translate(sqlite, columns(table));
        return translated instanceof Translation.Sql sql ? new Translated("(" + sql.text() + ")", null)
                : new Translated(null, ((Translation.Refused) translated).reason());
    }

    private void checks(TablePlan table) {
        int number = 0;
        for (SourceCheck check : source(table).checks()) {
            number++;
            String name = identifiers.constraints(table.target()).invent(check.name() == null
                    ? table.target() + "_check" + (number == 1 ? "" : number) : identifiers.targetName(check.name()));
            Translation translated = ExpressionTranslator.condition(check.sql(), columns(table));
            if (translated instanceof Translation.Sql sql) {
                add(Stage.CHECK, table, on("CHECK", name, table), "ALTER TABLE " + qualified(table)
                        + " ADD CONSTRAINT " + quote(name) + " CHECK (" + sql.text() + ")",
                        dropConstraint(table, name), false);
            } else {
                notCarried.add(new NotCarried(on("CHECK", name, table), check.sql(),
                        ((Translation.Refused) translated).reason()));
            }
        }
    }

    private void foreignKeys(TablePlan table) {
        for (SourceForeignKey key : source(table).foreignKeys()) {
            String object = on("FOREIGN KEY", String.join(", ", key.columns()), table);
            String text = "FOREIGN KEY (" + String.join(", ", key.columns()) + ") REFERENCES " + key.parent()
                    + (key.parentColumns().isEmpty() ? "" : " (" + String.join(", ", key.parentColumns()) + ")");
            String reason = foreignKey(table, key, object);
            if (reason != null) {
                notCarried.add(new NotCarried(object, text, reason));
            }
        }
    }

    /** Adds the constraint; returns the reason if it can't be. */
    private String foreignKey(TablePlan table, SourceForeignKey key, String object) {
        TablePlan parent = tables.stream().filter(t -> t.source().equalsIgnoreCase(key.parent())).findFirst().orElse(null);
        if (parent == null) {
            return schema.table(key.parent()) == null ? "table " + key.parent() + " does not exist in the source"
                    : "table " + key.parent() + " is not carried";
        }
        List<String> wanted = key.parentColumns().isEmpty() ? source(parent).primaryKey() : key.parentColumns();
        if (wanted.size() != key.columns().size()) {
            return "it names " + key.columns().size() + " columns and its parent's key has " + wanted.size();
        }
        List<String> children = new ArrayList<>();
        List<String> parents = new ArrayList<>();
        Set<String> keyed = new HashSet<>();
        for (int i = 0; i < wanted.size(); i++) {
            if (source(table).column(key.columns().get(i)) == null || source(parent).column(wanted.get(i)) == null) {
                return "it names a column that does not exist";
            }
            String child = target(table, key.columns().get(i));
            String of = target(parent, wanted.get(i));
            if (child == null || of == null) {
                return "a column of it is not carried";
            }
            children.add(quote(child));
            parents.add(quote(of));
            keyed.add(wanted.get(i).toLowerCase(java.util.Locale.ROOT));
        }
        if (!parent.existing() && !isUnique(source(parent), parent, keyed)) {
            return "(" + String.join(", ", wanted) + ") is not unique in " + key.parent()
                    + ", so SQLite could not check it either (foreign key mismatch)";
        }
        String name = identifiers.constraints(table.target()).invent(key.name() == null
                ? table.target() + "_" + target(table, key.columns().get(0)) + "_fkey" : identifiers.targetName(key.name()));
        add(Stage.FOREIGN_KEY, table, object, "ALTER TABLE " + qualified(table) + " ADD CONSTRAINT " + quote(name)
                + " FOREIGN KEY (" + String.join(", ", children) + ") REFERENCES " + qualified(parent) + " ("
                + String.join(", ", parents) + ")" + action(" ON DELETE ", key.onDelete())
                + action(" ON UPDATE ", key.onUpdate()) + " DEFERRABLE INITIALLY "
                + (key.initiallyDeferred() ? "DEFERRED" : "IMMEDIATE"), dropConstraint(table, name), false);
        return null;
    }

    private static String action(String clause, String action) {
        return action == null || action.equalsIgnoreCase("NO ACTION") ? "" : clause + action.toUpperCase(java.util.Locale.ROOT);
    }

    private static boolean isUnique(SourceTable source, TablePlan plan, Set<String> columns) {
        Set<String> primary = new HashSet<>();
        source.primaryKey().forEach(key -> primary.add(key.toLowerCase(java.util.Locale.ROOT)));
        if (primary.equals(columns) && plan.keyColumn() == null) {
            return true;
        }
        return source.indexes().stream().filter(index -> index.unique() && index.isPlain()).anyMatch(index -> {
            Set<String> terms = new HashSet<>();
            index.terms().forEach(term -> terms.add(term.column().toLowerCase(java.util.Locale.ROOT)));
            return terms.equals(columns);
        });
    }

    private void views() {
        for (ViewTranslator.View view : new ViewTranslator(this::relation, identifiers).translate(schema.views())) {
            String object = "view \"" + view.source().name() + "\"";
            if (view.translation() instanceof Translation.Sql sql) {
                String name = quote(targetSchema) + "." + quote(view.targetName());
                add(Stage.VIEW, null, object, "CREATE VIEW " + name + " AS\n" + sql.text(), "DROP VIEW " + name, false);
                sql.notes().forEach(note -> notes.add(object + ": " + note));
            } else {
                notCarried.add(new NotCarried(object, view.source().sql(),
                        ((Translation.Refused) view.translation()).reason()));
            }
        }
    }

    /** A carried table as views see it, or null. */
    private Catalog.Relation relation(String name) {
        TablePlan table = tables.stream().filter(t -> t.source().equalsIgnoreCase(name)).findFirst().orElse(null);
        if (table == null) {
            return null;
        }
        List<Catalog.NamedColumn> named = new ArrayList<>();
        for (SourceColumn column : source(table).columns()) {
            named.add(new Catalog.NamedColumn(column.name(), columns(table).find(null, column.name())));
        }
        boolean numbered = table.identity().kind() == RowIdentity.Kind.INTEGER_KEY;
        return new Catalog.Relation(table.target(), named, table.keyColumn() == null ? source(table).primaryKey() : List.of(),
                numbered ? table.identity().columns().get(0) : null);
    }

    private void others() {
        for (SourceObject trigger : schema.triggers()) {
            notCarried.add(new NotCarried("trigger \"" + trigger.name() + "\" on \"" + trigger.table() + "\"",
                    trigger.sql(), "triggers are not translated: write it anew in PL/pgSQL if the application still needs it"));
        }
        for (SourceObject table : schema.virtualTables()) {
            notCarried.add(new NotCarried("virtual table \"" + table.name() + "\"", table.sql(),
                    "its module is SQLite's own: build the index again in PostgreSQL (full-text search, GiST)"));
        }
    }
}
