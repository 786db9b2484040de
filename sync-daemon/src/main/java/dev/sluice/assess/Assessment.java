package dev.sluice.assess;

import dev.sluice.census.CandidateSource;
import dev.sluice.census.Census;
import dev.sluice.census.TableCensus;
import dev.sluice.mapping.Codecs.JsonChoice;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Whether and how a source can be migrated. Made by reading only; nothing is written anywhere.
 *
 * @param notes the most severe first
 * @param tables in the schema's order, without excluded ones
 * @param features of SQLite that are used, only those
 * @param elapsed how long the assessment took
 */
public record Assessment(
        SourceFacts source, Verdict verdict, List<Note> notes, List<TableAssessment> tables, List<Feature> features,
        Estimate estimate, Instant takenAt, Duration elapsed) {

    /** Which checks of the whole file are made: each is one long read, and outside WAL mode that stops every commit. */
    public enum Checks {
        /** Those of a file in WAL mode or of up to 256 MB; of a larger one none. */
        AUTO,
        ALWAYS,
        NEVER
    }

    /**
     * What an operator can choose.
     *
     * @param candidates which types a column may get
     * @param excluded names of tables to leave out, in any case
     * @param checks integrity, foreign keys, sizes in the file
     * @param reading how the values are read
     */
    public record Options(CandidateSource candidates, Set<String> excluded, Checks checks, Census.Options reading) {

        /** For tables that we create ourselves. */
        public static final Options DEFAULT = new Options(
                CandidateSource.forNewTarget(JsonChoice.JSON), Set.of(), Checks.AUTO, Census.Options.DEFAULT);

        public Options {
            Set<String> names = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
            names.addAll(excluded);
            excluded = names;
        }
    }

    private static final long CHECKED_BYTES_MAX = 256_000_000;

    /**
     * Reads the whole source.
     *
     * @throws SQLException if the file can't be read as a SQLite database, or stays locked
     */
    public static Assessment of(SqliteFile file, Options options, Census.Listener listener)
            throws SQLException, IOException, InterruptedException {
        Instant start = Instant.now();
        SourceFacts facts;
        SourceSchema schema;
        FileChecks checks;
        try (SqliteSession session = file.openReader(options.reading.busyTimeout())) {
            facts = SourceFacts.of(file, session);
            schema = without(SchemaReader.read(session), options.excluded);
            boolean harmless = facts.isWal() || facts.bytes() <= CHECKED_BYTES_MAX;
            boolean wanted = options.checks == Checks.ALWAYS || options.checks == Checks.AUTO && harmless;
            checks = wanted ? FileChecks.of(session, schema) : FileChecks.NONE;
        }
        Census census = Census.take(file, schema, options.candidates, options.reading, listener);

        List<TableAssessment> tables = new ArrayList<>();
        for (SourceTable table : schema.tables()) {
            tables.add(table(table, census.table(table.name()), checks));
        }
        List<Note> notes = new Notes(facts, schema, census, checks, tables).all();
        notes.sort(Comparator.comparing(Note::severity));
        long targetBytes = tables.stream().mapToLong(TableAssessment::targetBytes).sum();
        Estimate estimate = new Estimate(census.rows(), census.bytes(), targetBytes,
                TargetSize.time(schema.tables(), census.tables()), TargetSize.ASSUMPTION);
        return new Assessment(facts, Verdict.of(notes), List.copyOf(notes), List.copyOf(tables),
                Features.of(schema), estimate, start, Duration.between(start, Instant.now()));
    }

    private static SourceSchema without(SourceSchema schema, Set<String> excluded) {
        return excluded.isEmpty() ? schema : new SourceSchema(
                schema.tables().stream().filter(table -> !excluded.contains(table.name())).toList(),
                schema.views(), schema.triggers().stream().filter(t -> !excluded.contains(t.table())).toList(),
                schema.virtualTables().stream().filter(t -> !excluded.contains(t.name())).toList(),
                schema.encoding(), schema.hash());
    }

    private static TableAssessment table(SourceTable table, TableCensus census, FileChecks checks) {
        return new TableAssessment(table.name(), key(table), census.rows(), census.bytes(),
                checks.fileBytes().getOrDefault(table.name(), -1L), table.indexes().size(), table.foreignKeys().size(),
                TargetSize.bytes(table, census), census.columns().stream().map(ColumnEvidence::mapping).toList());
    }

    private static String key(SourceTable table) {
        if (table.identity() == null) {
            return "none";
        }
        String columns = String.join(", ", table.identity().columns());
        return switch (table.identity().kind()) {
            case INTEGER_KEY -> columns + " (the rowid)";
            case DECLARED_KEY -> columns;
            case ROWID -> "rowid (" + (table.primaryKey().isEmpty() ? "no key declared"
                    : "the declared key is unusable") + ")";
        };
    }
}
