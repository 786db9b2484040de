package dev.sluice.conflict;

import static dev.sluice.conflict.Verdict.Act.APPLY;
import static dev.sluice.conflict.Verdict.Act.HALT;
import static dev.sluice.conflict.Verdict.Act.KEEP_EXISTING;
import static dev.sluice.conflict.Verdict.Act.MERGE;
import static dev.sluice.conflict.Verdict.Act.PARK;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.change.Value;
import dev.sluice.conflict.Verdict.Act;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Every cell of the table by what it does to rows, and that no cell could say anything else unnoticed. */
class ConflictTableTest {

    /** Two columns of the application's, and the one by which rows are younger. */
    private static final int AGE = 2;

    /**
     * One situation and what must become of it under each stance, in the stances' order.
     *
     * @param byColumn true where age is told by the column, false by the order of arrival
     */
    private record Situation(ConflictKind kind, Baseline baseline, List<Value> incoming, List<Value> existing,
            boolean byColumn, List<Act> acts) {}

    private static final List<Situation> SITUATIONS = new ArrayList<>();

    static {
        List<Value> base = row(1, 1, 10);
        Baseline had = Baseline.of(base);
        // second line: INCOMING, EXISTING, NEWER, MERGE, PARK, HALT
        add(ConflictKind.INSERT_INSERT, Baseline.ABSENT, row(1, null, 11), row(1, 2, 11), false,
                APPLY, KEEP_EXISTING, APPLY, KEEP_EXISTING, PARK, HALT);
        add(ConflictKind.INSERT_INSERT, Baseline.ABSENT, row(1, 1, 11), row(1, 2, 12), true,
                APPLY, KEEP_EXISTING, KEEP_EXISTING, PARK, PARK, HALT);
        add(ConflictKind.INSERT_INSERT, Baseline.ABSENT, row(1, null, 11), row(null, 2, 11), true,
                APPLY, KEEP_EXISTING, PARK, MERGE, PARK, HALT);
        add(ConflictKind.UPDATE_UPDATE, had, row(2, 1, 10), row(1, 2, 10), false,
                APPLY, KEEP_EXISTING, APPLY, MERGE, PARK, HALT);
        add(ConflictKind.UPDATE_UPDATE, had, row(2, 1, 11), row(3, 1, 12), true,
                APPLY, KEEP_EXISTING, KEEP_EXISTING, PARK, PARK, HALT);
        add(ConflictKind.UPDATE_UPDATE, had, row(2, 1, 13), row(3, 1, 12), true,
                APPLY, KEEP_EXISTING, APPLY, PARK, PARK, HALT);
        add(ConflictKind.UPDATE_DELETE, had, row(2, 1, 11), null, false, APPLY, KEEP_EXISTING, APPLY, PARK, PARK, HALT);
        add(ConflictKind.UPDATE_DELETE, had, row(2, 1, 11), null, true, APPLY, KEEP_EXISTING, PARK, PARK, PARK, HALT);
        add(ConflictKind.DELETE_UPDATE, had, null, row(2, 1, 11), false, APPLY, KEEP_EXISTING, APPLY, PARK, PARK, HALT);
        add(ConflictKind.DELETE_UPDATE, had, null, row(2, 1, 11), true, APPLY, KEEP_EXISTING, PARK, PARK, PARK, HALT);
        add(ConflictKind.CHANGED_OUTSIDE, had, base, row(2, 1, 9), false,
                APPLY, KEEP_EXISTING, KEEP_EXISTING, KEEP_EXISTING, PARK, HALT);
        add(ConflictKind.CHANGED_OUTSIDE, had, base, row(2, 1, 9), true,
                APPLY, KEEP_EXISTING, APPLY, KEEP_EXISTING, PARK, HALT);
        add(ConflictKind.CHANGED_OUTSIDE, had, base, null, true, APPLY, KEEP_EXISTING, PARK, KEEP_EXISTING, PARK, HALT);
        add(ConflictKind.CHANGED_OUTSIDE, Baseline.ABSENT, null, row(2, 1, 9), false,
                APPLY, KEEP_EXISTING, KEEP_EXISTING, KEEP_EXISTING, PARK, HALT);
    }

    private static void add(ConflictKind kind, Baseline baseline, List<Value> incoming, List<Value> existing, boolean byColumn,
            Act... acts) {
        SITUATIONS.add(new Situation(kind, baseline, incoming, existing, byColumn, List.of(acts)));
    }

    static List<Value> row(Integer... values) {
        return Arrays.stream(values).map(value -> value == null ? Value.NULL : Value.of((long) value)).toList();
    }

    @Test
    void everySituationIsOfItsKind() {
        for (Situation situation : SITUATIONS) {
            assertThat(Resolver.kind(situation.baseline, situation.incoming, situation.existing)).as("%s", situation)
                    .contains(situation.kind);
        }
    }

    @Test
    void everyCellIsWalkedAndDoesWhatItSays() {
        assertThat(wrong(ConflictTable.RULES)).isEmpty();
        for (ConflictKind kind : ConflictKind.values()) {
            assertThat(kind.isRefusal() || SITUATIONS.stream().anyMatch(situation -> situation.kind == kind)).as("%s", kind)
                    .isTrue();
        }
    }

    @Test
    void noCellCanBeChangedUnnoticed() {
        int mutants = 0;
        for (ConflictKind kind : ConflictKind.values()) {
            for (Stance stance : Stance.values()) {
                for (Ruling ruling : Ruling.values()) {
                    if (ConflictTable.RULES.cell(kind, stance) != ruling) {
                        mutants++;
                        assertThat(wrong(ConflictTable.RULES.with(kind, stance, ruling)))
                                .as("%s under %s says %s now", kind, stance, ruling).isNotEmpty();
                    }
                }
            }
        }
        assertThat(mutants).isEqualTo(8 * 6 * 5);
    }

    /** What the table gets wrong, in words. */
    private static List<String> wrong(ConflictTable table) {
        Resolver resolver = new Resolver(table);
        List<String> wrong = new ArrayList<>();
        for (Stance stance : Stance.values()) {
            for (Situation situation : SITUATIONS) {
                TablePolicy policy = new TablePolicy(true, stance, situation.byColumn ? AGE : -1, Map.of());
                Act act;
                try {
                    act = resolver.decide(situation.baseline, situation.incoming, situation.existing, policy).act();
                } catch (IllegalStateException e) {
                    act = null; // it would merge a row with none
                }
                if (act != situation.acts.get(stance.ordinal())) {
                    wrong.add(situation + " under " + stance + ": " + act);
                }
            }
            for (ConflictKind kind : ConflictKind.values()) {
                if (kind.isRefusal()) {
                    Act act = resolver.decide(kind, new TablePolicy(true, stance, -1, Map.of())).act();
                    if (act != (stance == Stance.HALT ? HALT : PARK)) {
                        wrong.add(kind + " under " + stance + ": " + act);
                    }
                }
            }
        }
        return wrong;
    }
}
