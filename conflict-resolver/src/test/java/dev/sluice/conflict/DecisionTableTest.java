package dev.sluice.conflict;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DecisionTableTest {

    @ParameterizedTest
    @EnumSource(Refusal.class)
    void everyCellHoldsADecision(Refusal refusal) {
        for (Attempt attempt : Attempt.values()) {
            assertThat(DecisionTable.resolve(refusal, attempt)).as("%s, %s", refusal, attempt).isNotNull();
        }
    }

    @ParameterizedTest
    @EnumSource(value = Refusal.class, names = "NOT_ABOUT_ROWS", mode = EnumSource.Mode.EXCLUDE)
    void onlyASingleRowIsEverParked(Refusal refusal) {
        assertThat(DecisionTable.resolve(refusal, Attempt.UPSERT_ALL)).isEqualTo(Resolution.REMOVE_THEN_INSERT);
        assertThat(DecisionTable.resolve(refusal, Attempt.INSERT_SEVERAL)).isEqualTo(Resolution.HALVE);
        assertThat(DecisionTable.resolve(refusal, Attempt.INSERT_ONE)).isEqualTo(Resolution.PARK);
    }

    @ParameterizedTest
    @EnumSource(Attempt.class)
    void noRowIsBlamedForAFullDisk(Attempt attempt) {
        assertThat(DecisionTable.resolve(Refusal.NOT_ABOUT_ROWS, attempt)).isEqualTo(Resolution.HALT);
    }

    @Test
    void codesAreStable() {
        assertThat(Refusal.UNIQUE_KEY_HELD.code()).isEqualTo("unique_key_held");
        assertThat(Refusal.NOT_REPRESENTABLE.code()).isEqualTo("not_representable");
        assertThat(Refusal.TOO_LARGE.code()).isEqualTo("too_large");
        assertThat(Refusal.NULL_IN_KEY.code()).isEqualTo("null_in_key");
    }
}
