package dev.sluice.assess;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.census.Census;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.testing.CaseFolder;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** What assess says of each case folder is what its {@code expect} says. */
class CaseAssessmentTest {

    @TempDir
    Path folder;

    @TestFactory
    Stream<DynamicTest> assessmentIsTheOneExpected() throws Exception {
        return CaseFolder.all().stream().map(one -> DynamicTest.dynamicTest(one.name(), () -> check(one)));
    }

    private void check(CaseFolder one) throws Exception {
        Path source = one.create(folder);
        Assessment assessment = Assessment.of(new SqliteFile(source), Assessment.Options.DEFAULT, Census.Listener.NONE);
        Map<String, String> found = new TreeMap<>();
        found.put("verdict", assessment.verdict().toString());
        for (TableAssessment table : assessment.tables()) {
            found.put("rows." + table.name(), Long.toString(table.rows()));
            table.columns().forEach(column ->
                    found.put("type." + table.name() + "." + column.name(), column.type() == null ? "none"
                            : column.type()));
        }
        assessment.notes().forEach(note -> found.merge("note." + note.code(), "1",
                (a, b) -> Integer.toString(Integer.parseInt(a) + Integer.parseInt(b))));
        Map<String, String> expected = new TreeMap<>(one.expected());
        expected.keySet().removeIf(key -> !key.matches("(?s)verdict|(?:rows|type|note)\\..*"));
        found.keySet().retainAll(expected.keySet());
        assertThat(found).as(AssessText.of(assessment)).isEqualTo(expected);
    }
}
