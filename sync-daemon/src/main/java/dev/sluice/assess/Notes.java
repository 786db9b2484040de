package dev.sluice.assess;

import static dev.sluice.assess.ColumnEvidence.count;
import static dev.sluice.assess.ColumnEvidence.counted;

import dev.sluice.assess.Note.Severity;
import dev.sluice.capture.TriggerScript;
import dev.sluice.census.Census;
import dev.sluice.census.ColumnCensus;
import dev.sluice.census.TableCensus;
import dev.sluice.mapping.Codecs;
import dev.sluice.schema.RowIdentity;
import dev.sluice.schema.SourceForeignKey;
import dev.sluice.schema.SourceIndex;
import dev.sluice.schema.SourceObject;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.schema.SqlToken;
import dev.sluice.sqlite.SqlText;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Turns what was found into notes. Used once. */
final class Notes {

    /** PostgreSQL's limit on columns of a table (its manual, appendix K). */
    private static final int COLUMNS_MAX = 1_600;
    /** PostgreSQL cuts longer names. */
    private static final int NAME_BYTES_MAX = 63;
    private static final int NAMES_LISTED_MAX = 10;

    private static final String MARKS = " Where classes are mixed, what would read as another class carries a mark"
            + " (\\x blob, \\t text) and comes back exactly.";

    private final SourceFacts facts;
    private final SourceSchema schema;
    private final Census census;
    private final FileChecks checks;
    private final List<TableAssessment> tables;
    private final List<Note> notes = new ArrayList<>();

    Notes(SourceFacts facts, SourceSchema schema, Census census, FileChecks checks, List<TableAssessment> tables) {
        this.facts = facts;
        this.schema = schema;
        this.census = census;
        this.checks = checks;
        this.tables = tables;
    }

    List<Note> all() {
        file();
        integrity();
        objects();
        capture();
        names();
        collations();
        for (int i = 0; i < tables.size(); i++) {
            SourceTable table = schema.tables().get(i);
            TableCensus counted = census.tables().get(i);
            key(table, counted);
            shape(table, counted);
            checks(table);
            foreignKeys(table);
            tables.get(i).columns().forEach(column -> column(table, column));
        }
        return notes;
    }

    private void file() {
        if (facts.networkFileSystem()) {
            file("network-file-system", Severity.BLOCKER,
                    "The file is on a network file system (" + facts.fileSystem()
                    + "), where SQLite's locks can't be trusted.",
                    "Run Sluice on the machine that holds the file, or move the file to a local disk.");
        }
        if (!facts.writable()) {
            file("not-writable", Severity.WARNING, "This user may read the file but not write it.",
                    "`sluice migrate` works; for `sluice run`, which installs triggers, start it as the file's owner.");
        }
        if (!facts.isWal()) {
            file("rollback-journal", Severity.INFO, "The journal mode is " + facts.journalMode()
                    + ": a reader holds up commits.",
                    "Sluice reads in pieces of a few milliseconds; WAL mode (PRAGMA journal_mode=WAL) avoids the"
                    + " waits altogether.");
        }
        if (!"UTF-8".equals(facts.encoding())) {
            file("utf-16", Severity.INFO, "Text is stored as " + facts.encoding() + ".",
                    "It arrives as UTF-8; nothing needs to be done.");
        }
    }

    private void integrity() {
        if (!checks.made()) {
            file("not-checked", Severity.INFO, "Integrity and foreign keys were not checked: in a large file outside"
                    + " WAL mode that would hold up the application's commits.",
                    "Run assess again in a quiet hour with all checks on.");
            return;
        }
        if (!checks.damage().isEmpty()) {
            file("damaged", Severity.BLOCKER, "The file is damaged: "
                    + counted(checks.damage().size(), "error", "errors")
                    + ", first: " + oneLine(checks.damage().get(0)) + ".",
                    "Repair it first: sqlite3 app.db .recover | sqlite3 repaired.db, or for index errors alone"
                    + " REINDEX.");
        }
        if (!checks.complete()) {
            file("check-incomplete", Severity.INFO, "Not every constraint and index of the file could be checked.",
                    "Run PRAGMA integrity_check with the application's own SQLite, which has its functions and"
                    + " collations.");
        }
        checks.content().stream().distinct().limit(NAMES_LISTED_MAX).forEach(message ->
                file("declaration-broken", Severity.WARNING, "Rows break a declaration of their table: "
                        + oneLine(message) + ".",
                        "Mend the rows, or let the constraint be left out or NOT VALID in PostgreSQL."));
    }

    private void objects() {
        if (!schema.triggers().isEmpty()) {
            file("trigger", Severity.WARNING, counted(schema.triggers().size(), "trigger is", "triggers are")
                    + " not carried over: " + listed(schema.triggers().stream().map(SourceObject::name)) + ".",
                    "While SQLite has the traffic their effects arrive as rows; write them anew for PostgreSQL"
                    + " before the cutover.");
        }
        List<String> ignoring = triggersThatCall("RAISE", "IGNORE");
        if (!ignoring.isEmpty()) {
            file("trigger-ignore", Severity.INFO, "Triggers use RAISE(IGNORE): " + listed(ignoring.stream()) + ".",
                    "Capture's triggers are made to run first; creating such a trigger during the migration is"
                    + " noticed as schema drift.");
        }
        if (!schema.views().isEmpty()) {
            file("view", Severity.INFO, counted(schema.views().size(), "view", "views") + ": "
                    + listed(schema.views().stream().map(SourceObject::name)) + ".",
                    "The plan shows which are translated; the others are listed there with their text.");
        }
        for (SourceObject table : schema.virtualTables()) {
            notes.add(new Note("virtual-table", Severity.WARNING, null, table.name(),
                    table.name() + " is a virtual table and is not copied.",
                    "Rebuild it in PostgreSQL from the tables it indexes: tsvector with a GIN index for full text,"
                    + " GiST for R-trees."));
        }
    }

    /** Names of the triggers that call a function, with a given word as its first argument unless that is null. */
    private List<String> triggersThatCall(String function, String argument) {
        return schema.triggers().stream().filter(trigger -> {
            List<SqlToken> tokens = tokens(trigger.sql());
            return IntStream.range(0, Math.max(0, tokens.size() - 2)).anyMatch(i -> tokens.get(i).is(function)
                    && tokens.get(i + 1).isOperator("(") && (argument == null || tokens.get(i + 2).is(argument)));
        }).map(SourceObject::name).toList();
    }

    private static List<SqlToken> tokens(String sql) {
        try {
            return SqlToken.tokens(sql);
        } catch (IllegalArgumentException e) {
            return List.of();
        }
    }

    /** What the application sees of the triggers that `run` puts into the file (docs/design/hazards.md, 1.2). */
    private void capture() {
        boolean oldChanges = facts.lastWriterBefore(3, 8, 11);
        List<String> counting = triggersThatCall("changes", null);
        if (!counting.isEmpty()) {
            file("trigger-changes", oldChanges ? Severity.WARNING : Severity.INFO, "Triggers call changes(): "
                    + listed(counting.stream()) + "; with SQLite before 3.8.11 they count the writes of `run`'s"
                    + " triggers too" + (oldChanges ? ", and " + facts.lastWriter() + " wrote this file last." : "."),
                    "Update the application's SQLite, or use `sluice migrate`, which installs no triggers.");
        }
        List<String> countingAll = triggersThatCall("total_changes", null);
        if (!countingAll.isEmpty()) {
            file("trigger-total-changes", Severity.WARNING, "Triggers call total_changes(): "
                    + listed(countingAll.stream()) + "; it counts the changelog's rows too while `run` follows.",
                    "Use changes(), or `sluice migrate`, which installs no triggers.");
        }
        List<String> searched = schema.tables().stream().filter(Notes::searchesItself).map(SourceTable::name).toList();
        if (facts.lastWriterBefore(3, 25, 0) && !searched.isEmpty()) {
            file("rename-table", Severity.WARNING, "SQLite " + facts.lastWriter() + " wrote this file last; before 3.25"
                    + " a renamed table's triggers keep its old name, and while `run` follows, the next write to it"
                    + " fails with \"no such table\": " + listed(searched.stream()) + ".",
                    "Rename no table during the migration, or update the application's SQLite first.");
        }
        List<String> held = schema.tables().stream().flatMap(Notes::columnsHeldByCapture).toList();
        if (!facts.lastWriterBefore(3, 35, 0) && !held.isEmpty()) {
            file("drop-column", Severity.INFO, "While `run` follows, SQLite refuses to drop columns of unique indexes"
                    + " in the transaction that drops the index, because triggers name them: "
                    + listed(held.stream()) + ".",
                    "Drop the index first and the column some seconds later, or both after the migration.");
        }
    }

    /** True if capture's triggers look for other rows in the table, and so name it. */
    private static boolean searchesItself(SourceTable table) {
        return table.identity() != null && TriggerScript.of(table, 1).triggers().values().stream()
                .anyMatch(trigger -> trigger.contains("FROM " + SqlText.quoted(table.name()) + " "));
    }

    /** Those that SQLite would let the application drop without capture: no UNIQUE constraint holds them. */
    private static Stream<String> columnsHeldByCapture(SourceTable table) {
        return table.indexes().stream()
                .filter(index -> index.unique() && index.origin() == SourceIndex.Origin.CREATE_INDEX)
                .flatMap(index -> Stream.concat(index.terms().stream().map(term -> term.column() == null
                        ? term.expression() : SqlText.quoted(term.column())), Stream.ofNullable(index.predicate())))
                .flatMap(sql -> tokens(sql).stream()).filter(SqlToken::isName)
                .map(name -> table.column(name.unquoted())).filter(column -> column != null)
                .map(column -> table.name() + "." + column.name()).distinct();
    }

    private void names() {
        Map<String, String> taken = new HashMap<>();
        for (SourceTable table : schema.tables()) {
            name(taken, table.name(), table.name(), null);
            Map<String, String> columns = new HashMap<>();
            table.columns().forEach(column -> name(columns, column.name(), table.name() + "." + column.name(),
                    table.name()));
        }
        schema.views().forEach(view -> name(taken, view.name(), view.name(), null));
        schema.tables().stream().flatMap(table -> table.indexes().stream())
                .filter(index -> index.origin() == SourceIndex.Origin.CREATE_INDEX)
                .forEach(index -> name(taken, index.name(), index.name(), null));
    }

    private void name(Map<String, String> taken, String name, String place, String table) {
        byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
        if (utf8.length > NAME_BYTES_MAX) {
            notes.add(new Note("name-cut", Severity.WARNING, table, place,
                    "The name " + place + " has " + utf8.length + " bytes; PostgreSQL keeps " + NAME_BYTES_MAX + ".",
                    "PostgreSQL cuts the name in queries too, so they still find it; a name that collides is"
                    + " changed, see the plan."));
        }
        String folded = new String(utf8, 0, Math.min(utf8.length, NAME_BYTES_MAX), StandardCharsets.UTF_8)
                .toLowerCase(Locale.ROOT);
        String other = taken.putIfAbsent(folded, place);
        if (other != null) {
            notes.add(new Note("name-collision", Severity.WARNING, table, place,
                    place + " and " + other + " may fall together in PostgreSQL, where names are folded and cut.",
                    "The plan shows the names chosen; name them yourself in the mapping if queries must find both."));
        }
    }

    private void collations() {
        for (String collation : Features.collations(schema)) {
            String users = listed(Features.usersOf(schema, collation));
            if (Features.isBuiltIn(collation)) {
                file("collation", Severity.WARNING, "COLLATE " + collation + " is used by " + users + ".",
                        collation.equals("NOCASE") ? "Comparing without case has to be asked for in PostgreSQL; the"
                        + " plan says how it is kept."
                                : "PostgreSQL has no such comparison; the plan says what is kept.");
            } else {
                file("custom-collation", Severity.WARNING, "The collation " + collation
                        + " exists only in the application; used by "
                        + users + ".", "Text will compare by its bytes in PostgreSQL; choose a collation there if"
                        + " order matters.");
            }
        }
    }

    private void key(SourceTable table, TableCensus counted) {
        if (table.identity() == null) {
            table(table, "no-key", Severity.BLOCKER, "The rows of " + table.name()
                    + " can't be told apart: it has no usable key,"
                    + " and columns hide every name of its rowid.",
                    "Declare a primary key, rename a column, or exclude the table.");
            return;
        }
        if (counted.keyNulls() > 0) {
            table(table, "key-null", Severity.WARNING, counted(counted.keyNulls(), "row has", "rows have")
                    + " NULL in the primary key of "
                    + table.name() + ".", "SQLite allows that, PostgreSQL does not: the rows keep their rowid in a"
                    + " key column of ours.");
        } else if (table.identity().kind() == RowIdentity.Kind.ROWID) {
            boolean unstable = table.indexes().isEmpty();
            table(table, "rowid-key", Severity.INFO, table.name() + " has no usable primary key.",
                    "Its rows keep their rowid in a key column of ours." + (unstable
                            ? " Without any index VACUUM renumbers rowids: after one the table is copied again." : ""));
        }
    }

    private void shape(SourceTable table, TableCensus counted) {
        boolean keyOfOurs = table.identity() != null && table.identity().kind() == RowIdentity.Kind.ROWID;
        int columns = table.columns().size() + (keyOfOurs ? 1 : 0);
        if (columns > COLUMNS_MAX) {
            table(table, "too-many-columns", Severity.BLOCKER, table.name() + " has " + count(table.columns().size())
                    + " columns; a table in PostgreSQL has at most " + count(COLUMNS_MAX) + ".",
                    "Split the table in two that share its key, or exclude it.");
        } else if (TargetSize.mayBeTooWide(counted)) {
            table(table, "wide-row", Severity.WARNING, "The widest rows of " + table.name()
                    + " may not fit a page of PostgreSQL, which holds 8,160 bytes.",
                    "A row that does not fit is parked and listed; split the table or move columns of it into one"
                    + " JSON column.");
        }
        if (!counted.isWhole()) {
            String problem = counted.problem();
            table(table, "unread-rows", Severity.BLOCKER, problem.substring(0, 1).toUpperCase(Locale.ROOT)
                    + problem.substring(1) + ".", "Then assess again: what could not be read is not in this report.");
        }
    }

    private void checks(SourceTable table) {
        checks.brokenChecks().stream().filter(broken -> broken.table().equals(table.name())).forEach(broken ->
                table(table, "check-broken", Severity.WARNING, counted(broken.rows(), "row breaks", "rows break")
                        + " the CHECK "
                        + (broken.check().name() == null
                                ? "(" + oneLine(broken.check().sql()) + ")" : broken.check().name())
                        + " of " + table.name() + ".",
                        "The rows arrive as they are, and the constraint is left NOT VALID: it binds new rows only."));
    }

    private void foreignKeys(SourceTable table) {
        if (checks.mismatches().contains(table.name())) {
            table(table, "foreign-key-mismatch", Severity.WARNING, "A foreign key of " + table.name()
                    + " refers to columns that are not unique, so SQLite itself can't check it (foreign key mismatch).",
                    "It is left out in PostgreSQL; add a unique index on the parent's columns to keep it.");
        }
        for (SourceForeignKey key : table.foreignKeys()) {
            boolean missing = schema.table(key.parent()) == null;
            String name = FileChecks.describe(table, key);
            if (missing) {
                table(table, "foreign-key-parent-missing", Severity.WARNING, "The foreign key " + name
                        + " refers to a table that does not exist.",
                        "It is left out in PostgreSQL; drop it, or create the table.");
                continue;
            }
            checks.violations().stream()
                    .filter(violation -> violation.table().equals(table.name()) && violation.foreignKey().equals(name))
                    .forEach(violation -> table(table, "foreign-key-violated", Severity.WARNING,
                            counted(violation.rows(), "row breaks", "rows break") + " the foreign key " + name + ".",
                            "The rows arrive as they are, and the constraint is left NOT VALID: it binds new rows"
                            + " only."));
        }
    }

    private void column(SourceTable table, ColumnMapping mapping) {
        ColumnCensus column = mapping.census();
        String place = table.name() + "." + column.name();
        if (column.tooLarge() > 0) {
            column(table, place, "value-too-large", Severity.WARNING, place + " holds " + counted(column.tooLarge(),
                    "value", "values")
                    + " of up to " + ColumnEvidence.bytes(column.lengths().max())
                    + "; PostgreSQL takes fields up to 1 GB and prints blobs up to half of that.",
                    "Their rows are parked and listed by `sluice parked`; exclude the column, or shorten the values.");
        }
        if (column.chosen() == null) {
            column(table, place, "no-type", Severity.WARNING,
                    place + ": " + (mapping.refused() == null ? "no type holds every value" : mapping.refused()) + ".",
                    "Choose another type, mend the values, or exclude the column.");
            return;
        }
        if (mapping.refused() != null) {
            column(table, place, "type-not-kept", Severity.WARNING, place + ": " + mapping.refused() + ".",
                    "The values arrive exactly as they are; mend them in SQLite, or name a type in the mapping."
                            + (column.classes().kinds() > 1 ? MARKS : ""));
        }
        if (column.nulTexts() + column.invalidTexts() > 0) {
            column(table, place, "text-not-representable", Severity.WARNING, place + ": "
                    + counted(column.nulTexts() + column.invalidTexts(), "text holds", "texts hold")
                    + " NUL or invalid UTF-8, which PostgreSQL's text can't.",
                    "Such values are written in hex behind a mark (\\b) and come back exactly; mend them if the"
                    + " application reads them.");
        } else if (mapping.refused() == null && column.classes().kinds() > 1 && column.chosen()
                .equals(Codecs.ANYTHING)) {
            column(table, place, "mixed-classes", Severity.WARNING, place + " mixes storage classes: "
                    + mapping.evidence() + ".",
                    "It becomes text." + MARKS);
        }
    }

    private static String oneLine(String message) {
        String line = message.strip().replaceAll("\\s+", " ");
        return line.length() > 200 ? line.substring(0, 200) + "…" : line;
    }

    private static String listed(Stream<String> names) {
        List<String> all = names.distinct().toList();
        return String.join(", ", all.subList(0, Math.min(all.size(), NAMES_LISTED_MAX)))
                + (all.size() > NAMES_LISTED_MAX ? " and " + count(all.size() - NAMES_LISTED_MAX) + " more" : "");
    }

    private void file(String code, Severity severity, String sentence, String advice) {
        notes.add(new Note(code, severity, null, "file", sentence, advice));
    }

    private void table(SourceTable table, String code, Severity severity, String sentence, String advice) {
        notes.add(new Note(code, severity, table.name(), table.name(), sentence, advice));
    }

    private void column(SourceTable table, String place, String code, Severity severity, String sentence,
            String advice) {
        notes.add(new Note(code, severity, table.name(), place, sentence, advice));
    }
}
