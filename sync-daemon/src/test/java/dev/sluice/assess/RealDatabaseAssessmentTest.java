package dev.sluice.assess;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.census.Census;
import dev.sluice.census.TableCensus;
import dev.sluice.census.CandidateSource;
import dev.sluice.mapping.Codecs.JsonChoice;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.sqlite.SqlText;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.testing.RealDatabases;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every real database at hand; {@code -Dsluice.databases=DIR} names another folder. */
class RealDatabaseAssessmentTest {

    @TempDir
    Path folder;

    @Test
    void everyRealDatabaseIsAssessedWhole() throws Exception {
        for (Path database : RealDatabases.all()) {
            Path copy = Files.copy(database, folder.resolve(database.getFileName()));
            SqliteFile file = new SqliteFile(copy);
            Assessment assessment = Assessment.of(file, Assessment.Options.DEFAULT, Census.Listener.NONE);
            assertThat(assessment.verdict()).as("%s %s", database, assessment.notes()).isNotEqualTo(Verdict.BLOCKED);
            assertThat(AssessText.of(assessment)).contains(assessment.verdict().toString()
                    .toUpperCase(java.util.Locale.ROOT));
            assertThat(AssessJson.of(assessment)).startsWith("{");
            assertThat(AssessHtml.of(assessment)).endsWith("</html>\n");
            countsAreThoseOfSqlite(file);
            Files.delete(copy);
        }
    }

    private static void countsAreThoseOfSqlite(SqliteFile file) throws Exception {
        try (SqliteSession session = file.openReader(Duration.ofSeconds(5))) {
            SourceSchema schema = SchemaReader.read(session);
            Census census = Census.take(file, schema, CandidateSource.forNewTarget(JsonChoice.JSON),
                    Census.Listener.NONE);
            for (TableCensus table : census.tables()) {
                assertThat(table.problem()).isNull();
                assertThat(table.rows()).isEqualTo(session.number("SELECT count(*) FROM "
                        + SqlText.quoted(table.table())));
                table.columns().forEach(column -> assertThat(column.classes().values() + column.classes().nulls())
                        .isEqualTo(table.rows()));
                table.columns().forEach(column -> assertThat(column.chosen()).as("%s.%s", table.table(),
                        column.name()).isNotNull());
            }
        }
    }
}
