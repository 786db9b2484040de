package dev.sluice.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.change.Value;
import dev.sluice.mapping.AllCodecs.Filling;
import dev.sluice.mapping.Codecs.JsonChoice;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CodecTest {

    private final long seed = Long.getLong("seed", new Random().nextLong());

    @Test
    void idNamesTheCodec() {
        for (Filling filling : AllCodecs.all()) {
            assertThat(Codecs.parse(filling.codec().id())).isEqualTo(filling.codec());
        }
    }

    @Test
    void noValueMakesACodecThrow() {
        BinaryRow row = new BinaryRow();
        Collection<Filling> fillings = AllCodecs.all();
        for (Value value : NastyValues.all(seed, 3000)) {
            for (Filling filling : fillings) {
                Codec codec = filling.codec();
                try {
                    if (codec.fits(value)) {
                        codec.text(value);
                        codec.canonical(value);
                        if (codec.hasBinary()) {
                            row.clear();
                            codec.binary(value, row);
                        }
                    }
                } catch (RuntimeException e) {
                    throw new AssertionError("-Dseed=" + seed + ": " + codec.id() + " on " + value, e);
                }
            }
        }
    }

    @Test
    void everyColumnGetsACodecThatHoldsAnyValue() {
        List<Value> values = NastyValues.all(seed, 1000);
        for (String declared : List.of("", "INTEGER", "TEXT", "DATE", "BOOLEAN", "JSON", "NUMERIC(5,2)", "VARCHAR(3)",
                "REAL", "BLOB")) {
            List<Codec> codecs = Codecs.forNew(AllCodecs.column(declared), false, JsonChoice.JSON);
            for (Value value : values) {
                assertThat(codecs.get(codecs.size() - 1).fits(value)).as("-Dseed=%d %s %s", seed, declared, value)
                        .isTrue();
            }
        }
    }

    @Test
    void codecOfLastResortTellsEveryValueFromEveryOther() {
        List<Value> values = NastyValues.all(seed, 3000);
        for (Codec codec : List.of(Codecs.ANYTHING, Codecs.ANYTHING_AS_TEXT)) {
            for (Value value : values) {
                assertThat(codec.decode(codec.text(value))).as("-Dseed=%d %s", seed, codec.id()).isEqualTo(value);
            }
        }
    }

    @Test
    void zoneNamedByTheOperatorSurvivesTheId() {
        Codec codec = Codecs.forExisting("timestamp with time zone", AllCodecs.column("DATETIME"), "+02:00").get(0);
        assertThat(Codecs.parse(codec.id())).isEqualTo(codec);
    }

    @Test
    void hourThatAClockChangeSkipsDoesNotFit() {
        Codec codec = Codecs.forExisting("timestamp with time zone", AllCodecs.column("DATETIME"), "Europe/Berlin")
                .get(0);
        assertThat(codec.fits(Value.of("2024-03-31 01:30:00"))).isTrue();
        assertThat(codec.fits(Value.of("2024-03-31 02:30:00"))).isFalse();
    }

    @Test
    void realsOfADecimalColumnThatSqliteKeepsAsIntegersComeBackAsIntegers() {
        Codec codec = Codecs.forNew(AllCodecs.column("DECIMAL(10,2)"), false, JsonChoice.JSON).get(0);
        assertThat(codec.type()).isEqualTo("numeric(10,2)");
        assertThat(codec.decode("5.00")).isEqualTo(Value.of(5));
        assertThat(codec.decode("5.10")).isEqualTo(Value.of(5.1));
        assertThat(codec.fits(Value.of(5.0))).isFalse();
        assertThat(codec.fits(Value.of(5.125))).isFalse();
    }

    @Test
    void precisionOfTheTargetsTimeTypeLimitsTheForms() {
        var column = AllCodecs.column("DATETIME");
        Value millis = Value.of("2024-01-01 12:30:15.123");
        Value micros = Value.of("2024-01-01 12:30:15.123456");
        assertThat(Codecs.forExisting("timestamp(3) without time zone", column, null))
                .anyMatch(codec -> codec.fits(millis));
        assertThat(Codecs.forExisting("timestamp(3) without time zone", column, null))
                .noneMatch(codec -> codec.fits(micros));
        assertThat(Codecs.forExisting("timestamp(0) with time zone", column, "UTC"))
                .noneMatch(codec -> codec.fits(millis));
    }
}
