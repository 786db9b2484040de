package dev.sluice.cutover;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cutover.Exploration.Bounds;
import dev.sluice.cutover.Exploration.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every interleaving, not some: see {@link Exploration}. The figures stand in docs/design/cutover.md. */
class CutoverModelTest {

    @Test
    void noInterleavingMakesTwoWritersOrLosesAWriteOrComesToNoEnd() throws IOException {
        Result result = assertHolds(new Bounds(2, 6, 2, 2, 2, false, true));

        assertThat(Files.readString(SwitchoverTest.page())).as("the figures on the design page").contains(
                String.format(Locale.ROOT, "%,d states and %,d", result.states(), result.transitions()));
    }

    @Test
    void norDoesAThirdDaemonOrAChangelogAppliedInPieces() {
        assertHolds(new Bounds(1, 3, 3, 3, 1, false, true));
        assertHolds(new Bounds(2, 3, 2, 2, 1, false, true));
    }

    @Test
    void norDoesADaemonThatTakesItsGenerationInPostgresFirst() {
        assertHolds(new Bounds(1, 4, 2, 2, 2, true, true));
    }

    @ParameterizedTest
    @EnumSource(Rule.class)
    void noRuleCanBeLeftOut(Rule rule) {
        Result result = explore(new Bounds(2, 6, 2, 2, 2, false, rule == Rule.CONFIRM), EnumSet.of(rule));

        assertThat(result.violation()).as("what breaks without " + rule).isNotNull();
        System.out.println("without " + rule + ", " + result.states() + " states: "
                + String.join("; ", result.violation()));
        assertThat(result.violation().get(result.violation().size() - 1)).startsWith("BROKEN: " + switch (rule) {
            case VERSION, GENERATION, DECIDE_GIVING_UP, DECIDE_ROLLBACK, INTENT -> "both sides take writes";
            case WATERMARK -> "PostgreSQL takes writes and has one of SQLite's twice";
            case DRAIN_AFTER_FENCE -> "PostgreSQL takes writes without all of SQLite's";
            case DRAIN_REVERSE, MARKER -> "SQLite takes writes without all of PostgreSQL's";
            case TARGET_SEQUENCES, SEQUENCES_CLAIMED -> "PostgreSQL gives a number a second time";
            case SOURCE_SEQUENCES -> "SQLite gives a number a second time";
            case CONFIRM -> "no end";
        });
    }

    private static Result assertHolds(Bounds bounds) {
        long start = System.nanoTime();
        Result result = explore(bounds, EnumSet.noneOf(Rule.class));
        System.out.println("cutover: " + result.states() + " states, " + result.transitions() + " transitions, "
                + result.ends() + " ends with " + bounds + " in " + (System.nanoTime() - start) / 1_000_000
                + " ms, heap " + (Runtime.getRuntime().totalMemory() >> 20) + " MB");
        assertThat(result.violation()).isNull();
        return result;
    }

    private static Result explore(Bounds bounds, Set<Rule> leftOut) {
        return new Exploration(bounds, leftOut).run();
    }
}
