package dev.sluice.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.audit.AuditCheck.Damage;
import dev.sluice.audit.AuditCheck.Finding;
import dev.sluice.store.Audit;
import dev.sluice.store.Audit.Entry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditCheckTest {

    private static final String NAME = "app";
    private static final int COUNT = 12;

    private static List<Entry> log() {
        List<Entry> log = new ArrayList<>();
        String previous = Audit.START;
        for (int i = 1; i <= COUNT; i++) {
            Entry entry = Audit.chained(NAME, i, String.format("2026-01-31T10:00:%02d.000000Z", i), "anna", "pause",
                    "{\"n\":" + i + "}", previous);
            log.add(entry);
            previous = entry.hash();
        }
        return log;
    }

    private static List<Finding> chain(List<Entry> log) {
        return AuditCheck.chain("the log", NAME, log);
    }

    private static Entry at(long ordinal, Entry entry) {
        return new Entry(ordinal, entry.at(), entry.actor(), entry.act(), entry.detail(), entry.previous(), entry.hash());
    }

    @Test
    void aLogThatNobodyTouchedIsWhole() {
        assertThat(chain(log())).isEmpty();
        assertThat(chain(List.of())).isEmpty();
        assertThat(AuditCheck.compare("one", log(), "two", log())).isEmpty();
    }

    @Test
    void everyDeletedEntryIsNamed() {
        for (int i = 0; i < COUNT - 1; i++) {
            List<Entry> log = log();
            log.remove(i);
            assertThat(chain(log)).containsExactly(new Finding(Damage.DELETED, "the log", i + 1,
                    "the log: entry " + (i + 1) + " was deleted"));
        }
        List<Entry> log = log();
        log.subList(3, 6).clear();
        assertThat(chain(log)).extracting(Finding::says).containsExactly("the log: entries 4 to 6 were deleted");
    }

    @Test
    void everyEditIsNamedWhateverWasEdited() {
        for (int i = 0; i < COUNT; i++) {
            Entry e = log().get(i);
            for (Entry edited : List.of(
                    new Entry(e.ordinal(), "2026-01-31T11:00:00.000000Z", e.actor(), e.act(), e.detail(), e.previous(), e.hash()),
                    new Entry(e.ordinal(), e.at(), "otto", e.act(), e.detail(), e.previous(), e.hash()),
                    new Entry(e.ordinal(), e.at(), e.actor(), "resume", e.detail(), e.previous(), e.hash()),
                    new Entry(e.ordinal(), e.at(), e.actor(), e.act(), "{}", e.previous(), e.hash()),
                    new Entry(e.ordinal(), e.at(), e.actor(), e.act(), e.detail(), "00", e.hash()),
                    new Entry(e.ordinal(), e.at(), e.actor(), e.act(), e.detail(), e.previous(), "00"))) {
                List<Entry> log = log();
                log.set(i, edited);
                assertThat(chain(log)).as("%s", edited).extracting(Finding::damage, Finding::ordinal)
                        .containsExactly(org.assertj.core.groups.Tuple.tuple(Damage.EDITED, (long) i + 1));
            }
        }
    }

    @Test
    void anEditWhoseHashWasMadeToFitBreaksTheChainBehindIt() {
        for (int i = 0; i < COUNT - 1; i++) {
            List<Entry> log = log();
            Entry e = log.get(i);
            log.set(i, Audit.chained(NAME, e.ordinal(), e.at(), "otto", e.act(), e.detail(), e.previous()));
            assertThat(chain(log)).extracting(Finding::damage, Finding::ordinal)
                    .containsExactly(org.assertj.core.groups.Tuple.tuple(Damage.REPLACED, (long) i + 2));
        }
    }

    @Test
    void aChainThatWasWrittenAnewShowsAgainstTheOtherLog() {
        List<Entry> log = log();
        String previous = log.get(4).previous();
        for (int i = 4; i < COUNT; i++) {
            Entry e = log.get(i);
            log.set(i, Audit.chained(NAME, e.ordinal(), e.at(), "otto", e.act(), e.detail(), previous));
            previous = log.get(i).hash();
        }
        assertThat(chain(log)).isEmpty();
        assertThat(AuditCheck.compare("one", log, "two", log())).extracting(Finding::damage, Finding::ordinal)
                .containsExactly(org.assertj.core.groups.Tuple.tuple(Damage.DIFFERENT, 5L));
    }

    @Test
    void everyTwoEntriesThatChangedPlacesAreNamed() {
        for (int i = 0; i < COUNT; i++) {
            for (int j = i + 1; j < COUNT; j++) {
                List<Entry> lines = log();
                Collections.swap(lines, i, j);
                assertThat(chain(lines)).as("lines %d, %d", i, j).isNotEmpty()
                        .allMatch(finding -> finding.damage() == Damage.REORDERED);

                List<Entry> numbers = log();
                numbers.set(i, at(i + 1, log().get(j)));
                numbers.set(j, at(j + 1, log().get(i)));
                assertThat(chain(numbers)).as("ordinals %d, %d", i, j).extracting(Finding::says).contains(
                        "the log: entry " + (j + 1) + " was moved to place " + (i + 1),
                        "the log: entry " + (i + 1) + " was moved to place " + (j + 1));
            }
        }
    }

    @Test
    void anEndThatWasCutOffShowsAgainstTheOtherLog() {
        for (int kept = 0; kept < COUNT; kept++) {
            List<Entry> cut = log().subList(0, kept);
            assertThat(chain(cut)).isEmpty();
            assertThat(AuditCheck.compare("PostgreSQL", cut, "the file", log())).extracting(Finding::damage, Finding::where,
                    Finding::ordinal).containsExactly(org.assertj.core.groups.Tuple.tuple(Damage.CUT_OFF, "PostgreSQL", kept + 1L));
        }
    }

    @Test
    void linesComeBackAsTheyWereWritten(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("audit.jsonl");
        StringBuilder lines = new StringBuilder();
        log().forEach(entry -> lines.append(AuditLines.line(NAME, entry)));
        Files.writeString(file, lines + "{\"cut off");
        AuditLines.Content content = AuditLines.read(file);
        assertThat(content.entries()).isEqualTo(log());
        assertThat(content.migration()).isEqualTo(NAME);
        assertThat(content.unreadable()).isEmpty();
        assertThat(content.wholeBytes()).isEqualTo(lines.length());
        Files.writeString(file, "no JSON\n" + lines);
        assertThat(AuditLines.read(file).unreadable()).containsExactly(1);
    }
}
