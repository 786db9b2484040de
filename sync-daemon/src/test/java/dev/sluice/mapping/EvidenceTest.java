package dev.sluice.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.change.Value;
import dev.sluice.mapping.Codecs.JsonChoice;
import org.junit.jupiter.api.Test;

class EvidenceTest {

    private static Evidence evidence(String declared) {
        return new Evidence(Codecs.forNew(AllCodecs.column(declared), false, JsonChoice.JSON),
                Codecs.withoutEvidence(AllCodecs.column(declared), false, JsonChoice.JSON));
    }

    @Test
    void oneFormOfDateMakesATimestamp() {
        Evidence evidence = evidence("DATETIME");
        for (int i = 10; i < 60; i++) {
            evidence.add(Value.of("2024-01-01 12:00:" + i));
        }
        assertThat(evidence.choose().type()).isEqualTo("timestamp");
        assertThat(evidence.refused()).isNull();
    }

    @Test
    void refusalCountsEveryValueThatBrokeTheDeclaredType() {
        Evidence evidence = evidence("DATETIME");
        for (int i = 0; i < 2000; i++) {
            evidence.add(Value.of(i % 5 < 2 ? "" : "2024-01-01 12:00:00"), i);
        }
        assertThat(evidence.choose().type()).isEqualTo("text");
        assertThat(evidence.refused().codec().type()).isEqualTo("timestamp");
        assertThat(evidence.refused().broken()).isEqualTo(800);
        assertThat(evidence.refused().rows()).containsExactly(0L, 1L, 5L);
    }

    @Test
    void typeThatNoValueFitsIsStillTheOneRefused() {
        Evidence evidence = evidence("BOOLEAN");
        evidence.add(Value.of("maybe"), 7);
        assertThat(evidence.choose().type()).isEqualTo("text");
        assertThat(evidence.refused().codec().type()).isEqualTo("boolean");
        assertThat(evidence.refused().broken()).isEqualTo(1);
    }

    @Test
    void textInAnIntegerColumnRefusesBigint() {
        Evidence evidence = evidence("INTEGER");
        evidence.add(Value.of("toto"), 1);
        evidence.add(Value.of(5), 2);
        evidence.add(Value.of(6), 3);
        assertThat(evidence.choose()).isEqualTo(Codecs.ANYTHING);
        assertThat(evidence.refused()).isEqualTo(new Evidence.Refused(Codecs.BIGINT, 1, java.util.List.of(1L)));
    }

    @Test
    void realColumnIsNeverSaidToHaveAskedForBigint() {
        Evidence evidence = evidence("REAL");
        evidence.add(Value.of(1.5));
        assertThat(evidence.choose().type()).isEqualTo("double precision");
        assertThat(evidence.refused()).isNull();
    }

    @Test
    void smallNumbersInADateColumnAreNoTimes() {
        Evidence evidence = evidence("DATETIME");
        evidence.add(Value.of(3));
        evidence.add(Value.of(0));
        assertThat(evidence.choose()).isEqualTo(Codecs.BIGINT);
    }

    @Test
    void secondsSince1970AreInstants() {
        Evidence evidence = evidence("TIMESTAMP");
        evidence.add(Value.of(1_700_000_000L));
        assertThat(evidence.choose().id()).isEqualTo("epoch:SECONDS");
    }

    @Test
    void lengthThatIsNotKeptMakesText() {
        Evidence evidence = evidence("VARCHAR(3)");
        evidence.add(Value.of("abc"), 1);
        evidence.add(Value.of("abcd"), 2);
        assertThat(evidence.choose().type()).isEqualTo("text");
        assertThat(evidence.refused().codec().type()).isEqualTo("varchar(3)");
    }

    @Test
    void instantsInADatetimeColumnAreWhatItAskedFor() {
        Evidence evidence = evidence("DATETIME");
        evidence.add(Value.of("2024-01-01 12:00:00+00:00"));
        assertThat(evidence.choose().type()).isEqualTo("timestamptz");
        assertThat(evidence.refused()).isNull();
    }

    @Test
    void decimalsThatDoNotFitTheScaleMakeAWiderNumeric() {
        Evidence evidence = evidence("DECIMAL(5,2)");
        evidence.add(Value.of(1.125), 4);
        evidence.add(Value.of(1.25), 5);
        assertThat(evidence.choose().type()).isEqualTo("numeric");
        assertThat(evidence.refused().codec().type()).isEqualTo("numeric(5,2)");
    }

    @Test
    void columnOfTheTargetThatCanNotHoldAValueRefusesIt() {
        var candidates = Codecs.forExisting("integer", AllCodecs.column("INTEGER"), null);
        Evidence evidence = new Evidence(candidates, candidates.get(0));
        evidence.add(Value.of(1), 1);
        evidence.add(Value.of(5_000_000_000L), 2);
        assertThat(evidence.choose()).isNull();
        assertThat(evidence.refused()).isEqualTo(new Evidence.Refused(candidates.get(0), 1, java.util.List.of(2L)));
    }

    @Test
    void valueThatNoTypeHoldsSaysNothingAboutTheOthers() {
        Evidence evidence = evidence("BLOB");
        evidence.add(Value.of(new byte[Codec.BYTES_MAX / 2]), 1);
        evidence.add(Value.of(new byte[] {1}), 2);
        assertThat(evidence.tooLarge()).isEqualTo(1);
        assertThat(evidence.choose()).isEqualTo(Codecs.BYTEA);
        assertThat(evidence.refused()).isNull();
    }

    @Test
    void nullsSayNothing() {
        Evidence evidence = evidence("BOOLEAN");
        evidence.add(Value.NULL);
        assertThat(evidence.count()).isZero();
        assertThat(evidence.choose().id()).isEqualTo("boolean:INTEGER");
        assertThat(evidence.refused()).isNull();
    }
}
