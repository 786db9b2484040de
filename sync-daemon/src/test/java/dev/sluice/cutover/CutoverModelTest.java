package dev.sluice.cutover;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CutoverModelTest {

    @Test
    void noInterleavingMakesTwoWritersOrLosesAWrite() {
        Exploration.Bounds b = new Exploration.Bounds(Integer.getInteger("w", 2), Integer.getInteger("v", 6), Integer.getInteger("g", 2),
                Integer.getInteger("d", 2), Integer.getInteger("p", 2), Boolean.getBoolean("tf"));
        long t0 = System.nanoTime();
        Exploration.Result result = new Exploration(b, EnumSet.noneOf(Rule.class)).run();
        System.out.println(b + " " + result + " " + (System.nanoTime() - t0) / 1_000_000 + " ms "
            + Runtime.getRuntime().totalMemory() / 1_000_000 + " MB");
        assertThat(result.violation()).isNull();
    }

    @ParameterizedTest
    @EnumSource(Rule.class)
    void aRuleLeftOutIsFound(Rule rule) {
        Exploration.Bounds b = new Exploration.Bounds(2, 6, 2, 2, 2, false);
        Exploration.Result result = new Exploration(b, EnumSet.of(rule)).run();
        System.out.println(rule + " " + result.states() + " " + result.violation());
        assertThat(result.violation()).isNotNull();
    }
}
