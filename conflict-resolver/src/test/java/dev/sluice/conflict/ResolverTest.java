package dev.sluice.conflict;

import static dev.sluice.conflict.ConflictTableTest.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.change.Value;
import dev.sluice.conflict.Verdict.Act;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ResolverTest {

    private static final int ROUNDS = 200_000;
    private static final int COLUMNS = 3;

    /** Remembers whole rows only, as a row hash does. */
    private static Baseline wholeRow(List<Value> values) {
        Baseline baseline = Baseline.of(values);
        return new Baseline() {
            @Override
            public Same row(List<Value> version) {
                return baseline.row(version);
            }

            @Override
            public Same column(int column, Value value) {
                return Same.UNKNOWN;
            }
        };
    }

    private static List<Value> randomRow(Random random) {
        if (random.nextInt(8) == 0) {
            return null;
        }
        List<Value> row = new ArrayList<>();
        for (int i = 0; i < COLUMNS; i++) {
            row.add(switch (random.nextInt(5)) {
                case 0 -> Value.NULL;
                case 1 -> Value.of(1.0);
                case 2 -> Value.of("1");
                default -> Value.of((long) random.nextInt(2));
            });
        }
        return row;
    }

    private static Baseline baseline(List<Value> had, Random random) {
        int form = random.nextInt(8);
        return form == 0 ? Baseline.UNKNOWN : had == null ? Baseline.ABSENT : form < 3 ? wholeRow(had) : Baseline.of(had);
    }

    private static TablePolicy randomPolicy(Random random) {
        Map<Integer, Stance> columns = new HashMap<>();
        if (random.nextBoolean()) {
            Stance own = Stance.values()[random.nextInt(6)];
            if (own != Stance.MERGE) {
                columns.put(random.nextInt(COLUMNS), own);
            }
        }
        return new TablePolicy(random.nextInt(10) > 0, Stance.values()[random.nextInt(6)], random.nextInt(COLUMNS + 1) - 1,
                columns);
    }

    /** Same, but with the words incoming and existing exchanged. */
    private static Stance mirrored(Stance stance) {
        return stance == Stance.INCOMING ? Stance.EXISTING : stance == Stance.EXISTING ? Stance.INCOMING : stance;
    }

    /** The row that is there in the end; whatever is put aside or halted leaves the two as they are. */
    private static List<Value> outcome(Verdict verdict, List<Value> incoming, List<Value> existing) {
        return switch (verdict.act()) {
            case APPLY -> incoming;
            case KEEP_EXISTING -> existing;
            case MERGE -> verdict.merged(incoming, existing);
            case PARK, HALT -> null;
        };
    }

    @Test
    void everyVerdictIsOneThingAndTheSameEachTime() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Set<Act> seen = EnumSet.noneOf(Act.class);
        for (int i = 0; i < ROUNDS; i++) {
            List<Value> had = randomRow(random);
            Baseline baseline = baseline(had, random);
            List<Value> incoming = random.nextInt(4) == 0 ? had : randomRow(random);
            List<Value> existing = random.nextInt(4) == 0 ? had : randomRow(random);
            TablePolicy policy = randomPolicy(random);
            Verdict verdict = Resolver.resolve(baseline, incoming, existing, policy);
            String about = "seed " + seed + ": " + had + " → " + incoming + ", " + existing + " under " + policy;
            assertThat(Resolver.resolve(baseline, incoming, existing, policy)).as(about).isEqualTo(verdict);
            assertThat(verdict.kept().isEmpty()).as(about).isEqualTo(verdict.act() != Act.MERGE);
            if (verdict.act() == Act.MERGE) {
                assertThat(verdict.merged(incoming, existing)).as(about).isNotEqualTo(incoming).isNotEqualTo(existing);
            }
            if (!verdict.isConflict()) {
                assertThat(verdict.act()).as(about).isEqualTo(Act.APPLY);
            }
            seen.add(verdict.act());
        }
        assertThat(seen).as("seed " + seed).isEqualTo(EnumSet.allOf(Act.class));
    }

    @Test
    void nothingThatNobodyTouchedIsAConflict() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < ROUNDS; i++) {
            List<Value> had = randomRow(random);
            List<Value> incoming = randomRow(random);
            Baseline baseline = baseline(had, random);
            assertThat(Resolver.kind(baseline, incoming, had)).as("seed " + seed).isEmpty();
            assertThat(Resolver.kind(baseline, incoming, incoming)).as("seed " + seed).isEmpty();
        }
    }

    @Test
    void whoeverComesFirstAMergeGivesTheSameRow() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int merged = 0;
        for (int i = 0; i < ROUNDS; i++) {
            List<Value> had = randomRow(random);
            Baseline baseline = had == null ? Baseline.ABSENT : Baseline.of(had);
            List<Value> one = randomRow(random);
            List<Value> other = randomRow(random);
            Map<Integer, Stance> columns = new HashMap<>();
            Map<Integer, Stance> turned = new HashMap<>();
            if (random.nextBoolean()) {
                Stance own = List.of(Stance.INCOMING, Stance.EXISTING, Stance.NEWER, Stance.PARK).get(random.nextInt(4));
                columns.put(1, own);
                turned.put(1, mirrored(own));
            }
            Verdict there = Resolver.resolve(baseline, one, other, new TablePolicy(true, Stance.MERGE, 0, columns));
            Verdict back = Resolver.resolve(baseline, other, one, new TablePolicy(true, Stance.MERGE, 0, turned));
            if (one == null || other == null || Objects.equals(one, had) || Objects.equals(other, had)) {
                continue; // one side did nothing, or has nothing to merge: then the order of arrival may tell
            }
            String about = "seed " + seed + ": " + had + " → " + one + ", " + other + " with " + columns;
            assertThat(outcome(back, other, one)).as(about).isEqualTo(outcome(there, one, other));
            merged += there.act() == Act.MERGE ? 1 : 0;
        }
        assertThat(merged).as("seed " + seed).isPositive();
    }

    @Test
    void aMergeTakesEveryChangeOfEitherSide() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        TablePolicy merge = new TablePolicy(true, Stance.MERGE, -1, Map.of());
        for (int i = 0; i < ROUNDS; i++) {
            List<Value> had = randomRow(random);
            List<Value> one = randomRow(random);
            List<Value> other = randomRow(random);
            if (had == null || one == null || other == null) {
                continue;
            }
            Verdict verdict = Resolver.resolve(Baseline.of(had), one, other, merge);
            List<Value> result = outcome(verdict, one, other);
            for (int c = 0; result != null && c < COLUMNS; c++) {
                boolean oneChanged = !one.get(c).equals(had.get(c));
                boolean otherChanged = !other.get(c).equals(had.get(c));
                assertThat(result.get(c)).as("seed " + seed + ": " + had + " → " + one + ", " + other)
                        .isEqualTo(oneChanged ? one.get(c) : otherChanged ? other.get(c) : had.get(c));
            }
        }
    }

    @Test
    void whereNobodyLooksNothingIsAConflict() {
        Verdict verdict = Resolver.resolve(Baseline.of(row(1)), row(2), row(3), TablePolicy.TRAFFIC_WINS);
        assertThat(verdict).isEqualTo(Verdict.of(Act.APPLY, null));
    }

    @Test
    void aColumnThatTheTargetOwnsStaysWhileTheRestArrives() {
        TablePolicy policy = new TablePolicy(true, Stance.INCOMING, -1, Map.of(1, Stance.EXISTING));
        Verdict verdict = Resolver.resolve(Baseline.of(row(1, 1, 1)), row(2, 2, 1), row(3, 3, 3), policy);
        assertThat(verdict.act()).isEqualTo(Act.MERGE);
        assertThat(verdict.merged(row(2, 2, 1), row(3, 3, 3))).isEqualTo(row(2, 3, 1));
    }

    @Test
    void aColumnThatNobodyTouchedThereIsNoConflictWhateverItsPolicy() {
        TablePolicy policy = new TablePolicy(true, Stance.MERGE, -1, Map.of(0, Stance.HALT));
        Verdict verdict = Resolver.resolve(Baseline.of(row(1, 1)), row(2, 1), row(1, 2), policy);
        assertThat(verdict.merged(row(2, 1), row(1, 2))).isEqualTo(row(2, 2));
    }

    @Test
    void textsOfTimesAreYoungerByTheirBytes() {
        TablePolicy policy = new TablePolicy(true, Stance.NEWER, 0, Map.of());
        List<Value> early = List.of(Value.of("2026-01-31 10:00"));
        List<Value> late = List.of(Value.of("2026-02-01 09:00"));
        assertThat(Resolver.resolve(Baseline.ABSENT, late, early, policy).act()).isEqualTo(Act.APPLY);
        assertThat(Resolver.resolve(Baseline.ABSENT, early, late, policy).act()).isEqualTo(Act.KEEP_EXISTING);
        assertThat(Resolver.resolve(Baseline.ABSENT, List.of(Value.of(5L)), late, policy).act()).isEqualTo(Act.PARK);
    }

    @Test
    void sidesKeepTheirNamesWhicheverWayTheRowGoes() {
        assertThat(Policy.SOURCE_WINS.towards(Direction.FORWARD)).isEqualTo(Stance.INCOMING);
        assertThat(Policy.SOURCE_WINS.towards(Direction.REVERSE)).isEqualTo(Stance.EXISTING);
        assertThat(Policy.TARGET_WINS.towards(Direction.FORWARD)).isEqualTo(Stance.EXISTING);
        assertThat(Policy.TARGET_WINS.towards(Direction.REVERSE)).isEqualTo(Stance.INCOMING);
        for (Direction direction : Direction.values()) {
            assertThat(Policy.TRAFFIC_WINS.towards(direction)).isEqualTo(Stance.INCOMING);
        }
    }

    @Test
    void policiesAreWrittenInWords() {
        for (Policy policy : Policy.values()) {
            assertThat(Policy.of(policy.label())).contains(policy);
        }
        assertThat(Policy.of("source_wins")).isEmpty();
        assertThat(ConflictKind.DELETE_UPDATE.code()).isEqualTo("delete_update");
    }

    @Test
    void onlyARefusalHasOneVersion() {
        assertThatThrownBy(() -> Resolver.refused(ConflictKind.INSERT_INSERT, TablePolicy.TRAFFIC_WINS))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(Resolver.refused(ConflictKind.UNIQUE_KEY_HELD, TablePolicy.TRAFFIC_WINS).act()).isEqualTo(Act.PARK);
    }
}
