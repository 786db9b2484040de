package dev.sluice.reverse;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.function.LongSupplier;
import org.apache.kafka.connect.runtime.WorkerConfig;
import org.apache.kafka.connect.storage.OffsetBackingStore;
import org.apache.kafka.connect.util.Callback;

/**
 * Where Debezium believes to keep its offsets. It gets what stands in SQLite and can change nothing: so it starts behind
 * the last transaction that SQLite has, and tells the server of no later one. Debezium makes an instance by the class's
 * name; which stream it belongs to says a property. Thread-safe.
 */
public final class LedgerOffsets implements OffsetBackingStore {

    /** The property that names the stream. */
    static final String STREAM = "offset.storage.sluice.stream";

    private static final Map<String, LongSupplier> STREAMS = new ConcurrentHashMap<>();

    private LongSupplier position;

    /** Makes the position of {@code stream} known until {@link #forget}. */
    static void provide(String stream, LongSupplier position) {
        STREAMS.put(stream, position);
    }

    static void forget(String stream) {
        STREAMS.remove(stream);
    }

    @Override
    public void configure(WorkerConfig config) {
        position = STREAMS.get(String.valueOf(config.originals().get(STREAM)));
    }

    @Override
    public void start() {
        // nothing to open
    }

    @Override
    public void stop() {
        // nothing to close
    }

    /**
     * Where no {@code lsn_proc} is given, Debezium asks the server for what follows {@code lsn} and skips nothing by
     * itself: its own search for a position goes by the numbers of single rows, which several rows can share.
     */
    @Override
    public Future<Map<ByteBuffer, ByteBuffer>> get(Collection<ByteBuffer> keys) {
        long lsn = position.getAsLong();
        byte[] offset = ("{\"lsn\":" + lsn + ",\"lsn_commit\":" + lsn + "}").getBytes(StandardCharsets.UTF_8);
        Map<ByteBuffer, ByteBuffer> offsets = new HashMap<>();
        keys.forEach(key -> offsets.put(key, ByteBuffer.wrap(offset)));
        return CompletableFuture.completedFuture(offsets);
    }

    @Override
    public Future<Void> set(Map<ByteBuffer, ByteBuffer> values, Callback<Void> callback) {
        if (callback != null) {
            callback.onCompletion(null, null);
        }
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public Set<Map<String, Object>> connectorPartitions(String connector) {
        return Set.of();
    }
}
