package dev.sluice.benchmarks;

import dev.sluice.change.Value;
import dev.sluice.mapping.BinaryRow;
import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Codecs;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What one value costs on its way: whether it fits, its binary form, its text, and the way back. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class CodecBenchmark {

    /** A codec's id, as plans hold it, and a value that fits it. */
    @Param({"bigint|1234567", "double|47.123456", "numeric:10:2:whole|123.45", "numeric:0:0:whole|123.45",
        "text:0:true:text|Björn Müller, Hauptstraße 12", "timestamp: :NONE::|2024-05-01 12:34:56",
        "timestamp: :SIX::|2024-05-01 12:34:56.123456", "date|2024-05-01",
        "json|{\"speed\": 50, \"source\": \"gps\", \"battery\": 80}", "uuid:LOWER|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "bytea|1536", "escaped:numbers|some text"})
    public String kind;

    private final BinaryRow row = new BinaryRow();
    private Codec codec;
    private Value value;
    private String printed;

    @Setup
    public void prepare() {
        String id = kind.substring(0, kind.indexOf('|'));
        String content = kind.substring(kind.indexOf('|') + 1);
        codec = Codecs.parse(id);
        value = id.equals("bigint") ? Value.of(Long.parseLong(content))
                : id.startsWith("double") || id.startsWith("numeric") ? Value.of(Double.parseDouble(content))
                : id.equals("bytea") ? Value.of(new byte[Integer.parseInt(content)]) : Value.of(content);
        printed = codec.text(value).replace('T', id.startsWith("timestamp") ? ' ' : 'T');
        if (!codec.fits(value) || !codec.decode(printed).equals(value)) {
            throw new IllegalStateException(kind);
        }
    }

    @Benchmark
    public boolean fits() {
        return codec.fits(value);
    }

    @Benchmark
    public int binary() {
        row.clear();
        codec.binary(value, row);
        return row.length();
    }

    @Benchmark
    public String text() {
        return codec.text(value);
    }

    @Benchmark
    public Value decode() {
        return codec.decode(printed);
    }
}
