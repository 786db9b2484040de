package dev.sluice.cutover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.cutover.Move.Answer;
import dev.sluice.cutover.Outcome.Kind;
import dev.sluice.cutover.Simulation.Fate;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SwitchoverTest {

    private static final Set<Step> STARTING = EnumSet.of(Step.TAKE_SOURCE, Step.TAKE_TARGET, Step.LOOK, Step.ASK);

    private final Simulation sides =
            new Simulation(EnumSet.noneOf(Rule.class), Integer.MAX_VALUE, Integer.MAX_VALUE, 1);
    private final List<Step> steps = new ArrayList<>();
    private final List<Move> moves = new ArrayList<>();
    /** What happens to the next step of this name, once. */
    private Step struck;
    private Fate fate = Fate.ANSWERED;
    private boolean goneBefore;
    private boolean goneAfter;
    private boolean crashBefore;
    private boolean crashAfter;
    private Step vetoed;
    private int failuresMax = 5;
    private boolean timeUpOnFailure;
    private long nanos;
    private State state;

    @BeforeEach
    void replicating() throws InterruptedException {
        assertThat(run(State.start(), Wish.SETTLE).kind()).isEqualTo(Kind.DONE);
        state = State.unknown(1);
        steps.clear();
        moves.clear();
    }

    // ---- nothing fails ----

    @Test
    void aCutoverAndARollbackTakeTheStepsThatAreAnnounced() throws InterruptedException {
        Outcome there = run(Wish.CUT_OVER);
        assertThat(there.kind()).isEqualTo(Kind.DONE);
        assertThat(there.traffic()).contains(Traffic.POSTGRES);
        assertThat(steps).containsExactlyElementsOf(with(Step.ofCutover(), Step.LOOK, Step.ASK));
        assertThat(sides.target.epoch()).isEqualTo(1);
        steps.clear();

        Outcome back = run(Wish.ROLL_BACK);
        assertThat(back.kind()).isEqualTo(Kind.DONE);
        assertThat(back.traffic()).contains(Traffic.SQLITE);
        assertThat(steps).containsExactlyElementsOf(Step.ofRollback());
        assertThat(sides.target.epoch()).isEqualTo(2);
        assertThat(run(Wish.CUT_OVER).traffic()).contains(Traffic.POSTGRES);
    }

    @Test
    void theLastWritesAreAppliedInPieces() throws InterruptedException {
        for (int i = 0; i < 5; i++) {
            sides.source = Simulation.written(sides.source);
        }
        assertThat(run(Wish.CUT_OVER).kind()).isEqualTo(Kind.DONE);
        assertThat(steps.stream().filter(Step.DRAIN::equals)).hasSize(5);
        assertThat(sides.target.applied()).isEqualTo(5);
    }

    @Test
    void thePauseIsFromTheFenceToTheFlip() throws InterruptedException {
        Outcome there = run(Wish.CUT_OVER);
        // every look at the clock is a nanosecond later: four steps come after the fence, each looks twice
        assertThat(there.pause()).contains(Duration.ofNanos(8));
        assertThat(run(Wish.ROLL_BACK).pause()).contains(Duration.ofNanos(8));
        assertThat(run(Wish.SETTLE).pause()).isEmpty();
    }

    @Test
    void whatIsWishedAlreadyNeedsNoFence() throws InterruptedException {
        assertThat(run(Wish.ROLL_BACK).kind()).isEqualTo(Kind.DONE);
        run(Wish.CUT_OVER);
        steps.clear();
        assertThat(run(Wish.CUT_OVER).kind()).isEqualTo(Kind.DONE);
        assertThat(steps).isEmpty();
    }

    // ---- the time limit ----

    @ParameterizedTest
    @EnumSource(names = {"DRAIN", "SET_TARGET_SEQUENCES"})
    void whenTimeIsUpSqliteTakesWritesAgainThoughPostgresIsGone(Step step) throws InterruptedException {
        sides.source = Simulation.written(sides.source);
        struck = step;
        goneBefore = true;
        timeUpOnFailure = true;

        Outcome outcome = run(Wish.CUT_OVER);

        assertThat(outcome.kind()).isEqualTo(Kind.GIVEN_UP);
        assertThat(outcome.reason()).isEqualTo("time is up");
        assertThat(outcome.traffic()).contains(Traffic.SQLITE);
        assertThat(sides.source.fenced()).isFalse();
        assertThat(outcome.pause()).isPresent();
    }

    @Test
    void aCutoverThatDidNotBeginIsGivenUpThoughPostgresIsGone() throws InterruptedException {
        sides.targetGone = true;
        timeUpOnFailure = true;
        Outcome outcome = run(Wish.CUT_OVER);
        assertThat(outcome.kind()).isEqualTo(Kind.GIVEN_UP);
        assertThat(outcome.traffic()).contains(Traffic.SQLITE);
        assertThat(outcome.pause()).isEmpty();
    }

    @Test
    void aFlipThatWasSentIsTakenBackOnlyInTheRegister() throws InterruptedException {
        struck = Step.FLIP;
        fate = Fate.UNDER_WAY;
        timeUpOnFailure = true;

        Outcome outcome = run(Wish.CUT_OVER);

        assertThat(outcome.kind()).isEqualTo(Kind.GIVEN_UP);
        assertThat(steps).endsWith(Step.FLIP, Step.LOOK, Step.ASK, Step.GIVE_UP, Step.LIFT);
        assertThat(sides.execute(sides.air, sides.target)).as("the flip, when it arrives").isNull();
    }

    @ParameterizedTest
    @EnumSource(names = {"LOST_BEFORE", "LOST_AFTER"})
    void anUnknownFlipKeepsTheFenceUntilPostgresCanBeAsked(Fate whatBecameOfIt) throws InterruptedException {
        struck = Step.FLIP;
        fate = whatBecameOfIt;
        goneAfter = true;
        timeUpOnFailure = true;
        Outcome unknown = run(Wish.CUT_OVER);
        assertThat(unknown.kind()).isEqualTo(Kind.UNKNOWN);
        assertThat(unknown.traffic()).isEmpty();
        assertThat(sides.source.fenced()).isTrue();
        assertThat(steps).doesNotContain(Step.RECALL, Step.LIFT);
        assertThat(run(State.start(), Wish.SETTLE).kind()).as("another daemon, PostgreSQL still gone")
                .isEqualTo(Kind.UNKNOWN);
        assertThat(sides.source.fenced()).isTrue();

        sides.targetGone = false;
        Outcome settled = run(State.start(), Wish.SETTLE);
        assertThat(settled.kind()).isEqualTo(Kind.DONE);
        assertThat(settled.traffic())
                .contains(whatBecameOfIt == Fate.LOST_AFTER ? Traffic.POSTGRES : Traffic.SQLITE);
        assertThat(sides.source.fenced()).isEqualTo(whatBecameOfIt == Fate.LOST_AFTER);
    }

    @Test
    void aRollbackWhoseTimeIsUpGivesTheWritesBackToPostgres() throws InterruptedException {
        run(Wish.CUT_OVER);
        struck = Step.SET_SOURCE_SEQUENCES;
        fate = Fate.LOST_BEFORE;
        timeUpOnFailure = true;

        Outcome outcome = run(Wish.ROLL_BACK);

        assertThat(outcome.kind()).isEqualTo(Kind.GIVEN_UP);
        assertThat(outcome.traffic()).contains(Traffic.POSTGRES);
        assertThat(steps).endsWith(Step.UNFENCE);
    }

    // ---- refusals ----

    @Test
    void aVetoBeforeTheFenceLeavesSqliteAsItWas() throws InterruptedException {
        vetoed = Step.FENCE_SOURCE;
        Outcome outcome = run(Wish.CUT_OVER);
        assertThat(outcome.kind()).isEqualTo(Kind.GIVEN_UP);
        assertThat(outcome.reason()).isEqualTo("a hook says no");
        assertThat(outcome.pause()).isEmpty();
        assertThat(steps).containsExactly(Step.LOOK, Step.ASK, Step.BEGIN);
    }

    @Test
    void aVetoAfterTheFenceTakesItBack() throws InterruptedException {
        vetoed = Step.NOTE_FLIP;
        assertThat(run(Wish.CUT_OVER).kind()).isEqualTo(Kind.GIVEN_UP);
        assertThat(steps).endsWith(Step.SET_TARGET_SEQUENCES, Step.RECALL);
    }

    @Test
    void aVetoAgainstWhatIsDecidedIsNotHeard() throws InterruptedException {
        run(Wish.CUT_OVER);
        vetoed = Step.LIFT;
        assertThat(run(Wish.ROLL_BACK).kind()).isEqualTo(Kind.DONE);
        assertThat(sides.source.fenced()).isFalse();
    }

    @Test
    void aSchemaThatChangedIsNotCutOver() throws InterruptedException {
        struck = Step.NOTE_FLIP;
        fate = Fate.SCHEMA_CHANGED;
        Outcome outcome = run(Wish.CUT_OVER);
        assertThat(outcome.kind()).isEqualTo(Kind.GIVEN_UP);
        assertThat(outcome.reason()).contains("schema");
        assertThat(steps).endsWith(Step.NOTE_FLIP, Step.RECALL);
        assertThat(sides.source.fenced()).isFalse();
    }

    @Test
    void anOutdatedDaemonEnds() throws InterruptedException {
        run(State.start(), Wish.SETTLE);
        assertThat(run(Wish.CUT_OVER).kind()).isEqualTo(Kind.OUTDATED);
        assertThat(sides.source.fenced()).isFalse();
    }

    @Test
    void aFileWithoutItsFenceIsFencedAgain() throws InterruptedException {
        run(Wish.CUT_OVER);
        sides.source = Simulation.SOURCE; // a copy from before
        Outcome outcome = run(State.unknown(1), Wish.SETTLE);
        assertThat(steps).contains(Step.TAKE_SOURCE, Step.REFENCE);
        assertThat(outcome.traffic()).contains(Traffic.POSTGRES);
        assertThat(sides.source.fenced()).isTrue();
        assertThat(sides.source.recallable()).isFalse();
    }

    // ---- crashes ----

    /** What the design page says of each step, found by doing it. */
    @Test
    void theDesignPageSaysWhatBecomesOfACrashAtEveryStep() throws Exception {
        List<String> rows = new ArrayList<>();
        for (Step step : Step.ofCutover()) {
            rows.add(row(step, Wish.CUT_OVER));
        }
        for (Step step : Step.ofRollback()) {
            rows.add(row(step, Wish.ROLL_BACK));
        }
        assertThat(Files.readString(page())).contains(rows);
    }

    private String row(Step step, Wish wish) throws InterruptedException {
        List<String> cells = new ArrayList<>();
        for (boolean after : List.of(false, true)) {
            begin(wish);
            struck = step;
            crashBefore = !after;
            crashAfter = after;
            assertThatThrownBy(() -> run(wish)).isInstanceOf(Crash.class);
            steps.clear();
            cells.add(end(run(State.start(), Wish.SETTLE)));
        }
        for (Fate lost : List.of(Fate.LOST_AFTER, Fate.LOST_BEFORE)) {
            begin(wish);
            struck = step;
            fate = lost;
            steps.clear();
            assertThat(run(wish).kind()).as(step + " " + lost).isEqualTo(Kind.DONE);
            List<Step> then = steps.subList(steps.indexOf(step) + 1, steps.size());
            cells.add("`" + then.stream().filter(next -> next != Step.LOOK && next != Step.ASK).findFirst()
                    .orElse(Step.ASK).label() + "`");
        }
        return "| `" + step.label() + "` | " + String.join(" | ", cells) + " |";
    }

    private void begin(Wish wish) throws InterruptedException {
        sides.source = Simulation.SOURCE;
        sides.target = Simulation.TARGET;
        state = State.start();
        run(Wish.SETTLE);
        if (wish == Wish.ROLL_BACK) {
            run(Wish.CUT_OVER);
            sides.target = Simulation.written(sides.target);
        } else {
            sides.source = Simulation.written(sides.source);
        }
    }

    private String end(Outcome outcome) {
        assertThat(outcome.kind()).isEqualTo(Kind.DONE);
        assertThat(Simulation.broken(sides.source, sides.target)).isNull();
        String done = String.join(", ", steps.stream()
                .filter(step -> !STARTING.contains(step))
                .map(step -> "`" + step.label() + "`").toList());
        return (outcome.traffic().orElseThrow() == Traffic.SQLITE ? "SQLite" : "PostgreSQL")
                + (done.isEmpty() ? "" : ": " + done);
    }

    static Path page() {
        Path at = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(at.resolve("trigger-capture"))) {
            at = at.getParent();
        }
        return at.resolve("docs/design/cutover.md");
    }

    // ---- small things ----

    private Outcome run(Wish wish) throws InterruptedException {
        Outcome outcome = run(state, wish);
        state = outcome.state();
        return outcome;
    }

    private Outcome run(State from, Wish wish) throws InterruptedException {
        Protocol protocol = new Protocol(sides, sides.target(), sides);
        return new Switchover(protocol, new Watcher(), () -> nanos++).run(from, wish, new Limit());
    }

    private static List<Step> with(List<Step> rest, Step... first) {
        return Stream.concat(Stream.of(first), rest.stream()).toList();
    }

    private static final class Crash extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private final class Watcher implements Observer {
        @Override
        public void before(Step step, long epoch) throws Vetoed {
            sides.fate = Fate.ANSWERED;
            if (step == vetoed) {
                throw new Vetoed("a hook says no");
            }
            if (step == Step.DRAIN_REVERSE) {
                sides.receive(sides.source.generation());
            }
            if (step == struck) {
                sides.fate = fate;
                sides.targetGone = goneBefore;
                if (crashBefore) {
                    struck = null;
                    crashBefore = false;
                    throw new Crash();
                }
            }
            steps.add(step);
        }

        @Override
        public void after(Move move, Duration took) {
            moves.add(move);
            sides.fate = Fate.ANSWERED;
            if (move.step() == struck) {
                struck = null;
                fate = Fate.ANSWERED;
                sides.targetGone |= goneAfter;
                if (crashAfter) {
                    crashAfter = false;
                    throw new Crash();
                }
            }
        }
    }

    private final class Limit implements Patience {
        private boolean up;

        @Override
        public Optional<String> giveUp() {
            return up ? Optional.of("time is up") : Optional.empty();
        }

        @Override
        public boolean again(int failures) {
            assertThat(moves.get(moves.size() - 1).answer()).isIn(Answer.NO, Answer.LOST);
            up = timeUpOnFailure;
            return failures < failuresMax;
        }
    }
}
