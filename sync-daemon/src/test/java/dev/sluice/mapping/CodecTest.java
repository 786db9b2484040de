package dev.sluice.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.change.Value;
import dev.sluice.mapping.AllCodecs.Filling;
import dev.sluice.mapping.Codecs.JsonChoice;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.Arrays;
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
    void checkingAndWritingAtOnceIsCheckingAndThenWriting() {
        BinaryRow row = new BinaryRow();
        BinaryRow atOnce = new BinaryRow();
        List<Codec> codecs = AllCodecs.all().stream().map(Filling::codec).filter(Codec::hasBinary).toList();
        for (Value value : NastyValues.all(seed, 1000)) {
            for (Codec codec : codecs) {
                row.clear();
                atOnce.clear();
                boolean fits = codec.fits(value);
                if (fits) {
                    codec.binary(value, row);
                }
                if (codec.appendIfFits(value, atOnce) != fits || !Arrays.equals(row.buffer(), 0, row.length(),
                        atOnce.buffer(), 0, atOnce.length())) {
                    throw new AssertionError("-Dseed=" + seed + ": " + codec.id() + " on " + value);
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

    @Test
    void codecThatStandsForAnotherHasNoValueThatTheOtherRefuses() {
        List<Codec> codecs = AllCodecs.all().stream().map(Filling::codec).distinct().toList();
        List<Value> values = NastyValues.all(seed, 2000);
        for (Codec better : codecs) {
            List<Value> fitting = values.stream().filter(better::fits).toList();
            for (Codec wider : codecs) {
                if (better.within(wider)) {
                    assertThat(fitting).as("-Dseed=%d %s within %s", seed, better.id(), wider.id()).allMatch(wider::fits);
                }
            }
        }
    }

    @Test
    void quickWayOfDecimalsIsAsExactAsTheLongOne() {
        Random random = new Random(seed);
        for (int i = 0; i < 100_000; i++) {
            int scale = random.nextInt(9);
            Codec codec = new NumberCodecs.Decimals(scale + 1 + random.nextInt(11), scale, random.nextBoolean());
            BigDecimal decimal = BigDecimal.valueOf(random.nextLong() >> random.nextInt(64), random.nextInt(scale + 3));
            Value value = random.nextInt(4) == 0 ? Value.of(decimal.longValue()) : Value.of(decimal.doubleValue());
            if (!codec.fits(value)) {
                continue;
            }
            String text = codec.text(value);
            assertThat(codec.decode(text)).as("-Dseed=%d %s %s", seed, codec.id(), value).isEqualTo(value);
            BinaryRow quick = new BinaryRow();
            codec.binary(value, quick);
            BinaryRow slow = new BinaryRow();
            NumericBinary.write(new BigDecimal(text).setScale(scale), slow);
            assertThat(Arrays.copyOf(quick.buffer(), quick.length())).as("-Dseed=%d %s %s", seed, codec.id(), value)
                    .isEqualTo(Arrays.copyOf(slow.buffer(), slow.length()));
        }
    }

    @Test
    void everyDayOfTheCalendarIsItsNumberAndNoOtherDayIs() {
        BinaryRow row = new BinaryRow();
        Codec dates = new TimeCodecs.Dates();
        LocalDate first = LocalDate.of(2000, 1, 1);
        for (LocalDate day = LocalDate.of(1, 1, 1); day.getYear() < 10_000; day = day.plusDays(1)) {
            row.clear();
            dates.binary(Value.of(day.toString()), row);
            int number = ByteBuffer.wrap(row.buffer(), 4, 4).getInt();
            Value next = Value.of(day.toString().substring(0, 8) + (day.getDayOfMonth() + 101 + "").substring(1));
            boolean last = day.getDayOfMonth() == day.lengthOfMonth();
            if (number != day.toEpochDay() - first.toEpochDay() || dates.fits(next) == last) {
                throw new AssertionError(day + " is written as " + number);
            }
        }
    }

    @Test
    void textIsJsonWhereAnotherParserSaysSo() {
        Random random = new Random(seed);
        ObjectMapper mapper = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
        String alphabet = "{}[]\",:0123456789eE+-.tfnrualse \t\n\\äu00\u0001\u00a0";
        for (int i = 0; i < 100_000; i++) {
            StringBuilder text = new StringBuilder(NastyValues.JSON[random.nextInt(NastyValues.JSON.length)]);
            if (text.length() > 200) {
                continue;
            }
            for (int edits = random.nextInt(3); edits > 0; edits--) {
                int at = random.nextInt(text.length() + 1);
                if (at < text.length() && random.nextBoolean()) {
                    text.deleteCharAt(at);
                } else {
                    text.insert(at, alphabet.charAt(random.nextInt(alphabet.length())));
                }
            }
            assertThat(JsonText.isValid((Value.Text) Value.of(text.toString()))).as("-Dseed=%d %s", seed, text)
                    .isEqualTo(parses(mapper, text.toString()));
        }
    }

    private static boolean parses(ObjectMapper mapper, String text) {
        try {
            mapper.readTree(text);
            return !text.isBlank();
        } catch (JsonProcessingException e) {
            return false;
        }
    }

    @Test
    void textIsUtf8WhereTheDecoderTakesIt() {
        Random random = new Random(seed);
        for (int i = 0; i < 100_000; i++) {
            byte[] bytes = new byte[random.nextInt(8)];
            for (int k = 0; k < bytes.length; k++) {
                bytes[k] = (byte) (random.nextInt(3) == 0 ? random.nextInt(128) : 128 + random.nextInt(128));
            }
            boolean decodes = true;
            try {
                StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            } catch (CharacterCodingException e) {
                decodes = false;
            }
            if (new Value.Text(bytes).isUtf8() != decodes) {
                throw new AssertionError("-Dseed=" + seed + " " + Arrays.toString(bytes));
            }
        }
    }
}
