package dev.sluice.reverse;

import dev.sluice.reverse.SchemaAhead.Alien;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.RecordChangeEvent;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * Puts the records of one engine run together to whole transactions and hands those over; what is not at its end yet
 * waits. Several rows share one log position, so nothing smaller than a transaction is ever a position. Used by the
 * engine's thread alone.
 */
final class Intake implements DebeziumEngine.ChangeConsumer<RecordChangeEvent<SourceRecord>>, AutoCloseable {

    private static final int SCHEMAS_MAX = 1_000;

    private final Map<String, StreamTable> tables = new HashMap<>();
    /** Columns that may come, by target table; what is not carried among them. */
    private final Map<String, Set<String>> known;
    /** What of a form of a table's rows is not known; forms are few, each is made once. */
    private final Map<Schema, Set<Alien>> looked = new IdentityHashMap<>();
    private Set<Alien> aliens = new LinkedHashSet<>();
    private final String migration;
    private final Supplier<TransactionBuffer> buffers;
    private final Sink sink;
    private final List<Whole> whole = new ArrayList<>();
    private TransactionBuffer open;
    private String openId;
    private long events;
    /** The half of a key update that came already. */
    private String[] moving;
    private Mark mark;
    private long beat;

    /** What a change of sluice.control said. */
    record Mark(String traffic, long epoch, long version) {}

    /**
     * A transaction that has ended in PostgreSQL.
     *
     * @param lsn the end of its commit in the log: grows from one to the next
     * @param mark the last change of the control row in it, or null
     * @param beat the heartbeat in it, 0 for none
     * @param aliens columns in it that are not known, whose values the changes lack
     */
    record Whole(TransactionBuffer changes, long lsn, long xid, Instant committedAt, Mark mark, long beat,
            Set<Alien> aliens) {}

    /** Takes whole transactions; when it returns they are on disk, or will come again. */
    interface Sink {
        void take(List<Whole> transactions) throws Exception;
    }

    /** @param known all columns that are known, carried or not, by target table */
    Intake(String migration, String schema, List<StreamTable> streamed, Map<String, Set<String>> known,
            Supplier<TransactionBuffer> buffers, Sink sink) {
        this.migration = migration;
        this.known = known;
        streamed.forEach(table -> tables.put(named(schema, table.plan().target()), table));
        this.buffers = buffers;
        this.sink = sink;
    }

    private static String named(String schema, String table) {
        return schema + '\0' + table;
    }

    @Override
    public boolean supportsTombstoneEvents() {
        return false;
    }

    @Override
    public void handleBatch(List<RecordChangeEvent<SourceRecord>> records,
            DebeziumEngine.RecordCommitter<RecordChangeEvent<SourceRecord>> committer) throws InterruptedException {
        RecordChangeEvent<SourceRecord> last = null;
        try {
            for (RecordChangeEvent<SourceRecord> event : records) {
                if (take(event.record())) {
                    last = event;
                }
            }
            if (last != null) {
                sink.take(whole);
                closeWhole();
            }
        } catch (InterruptedException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException("the reverse stream could not take a batch", e);
        }
        if (last != null) {
            committer.markProcessed(last); // makes Debezium ask for the position, which SQLite alone says
            committer.markBatchFinished();
        }
    }

    private void closeWhole() {
        for (Whole transaction : whole) {
            transaction.changes().close();
        }
        whole.clear();
    }

    /** Returns true if a transaction came to its end. */
    private boolean take(SourceRecord record) {
        if (!(record.value() instanceof Struct value)) {
            return false;
        }
        if (value.schema().field("status") != null && value.schema().field("event_count") != null) {
            return value.getString("status").equals("BEGIN") ? begin(value) : end(record, value);
        }
        if (value.schema().field("op") == null) {
            return false; // a message that another program put into the log
        }
        Struct transaction = value.getStruct("transaction");
        if (open == null || transaction == null || !openId.equals(number(transaction))
                || transaction.getInt64("total_order") != ++events) {
            throw new IllegalStateException("the reverse stream has a gap: after event " + events + " of transaction "
                    + (open == null ? "none" : openId) + " came " + transaction);
        }
        change(record, value);
        return false;
    }

    private boolean begin(Struct value) {
        if (open != null) {
            throw new IllegalStateException("a transaction began in the reverse stream before the last one had ended");
        }
        open = buffers.get();
        openId = number(value);
        events = 0;
        moving = null;
        mark = null;
        beat = 0;
        aliens = new LinkedHashSet<>();
        return false;
    }

    private boolean end(SourceRecord record, Struct value) {
        if (open == null || !openId.equals(number(value)) || value.getInt64("event_count") != events || moving != null) {
            throw new IllegalStateException("the reverse stream gave " + events + " events of a transaction that has "
                    + value.getInt64("event_count"));
        }
        Map<String, ?> offset = record.sourceOffset();
        whole.add(new Whole(open, number(offset, "lsn_commit"), number(offset, "txId"),
                Instant.ofEpochMilli(value.getInt64("ts_ms")), mark, beat, aliens));
        open = null;
        return true;
    }

    /** The transaction's number; behind it stands the position of the record. */
    private static String number(Struct transaction) {
        return transaction.getString("id").replaceFirst(":.*", "");
    }

    private static long number(Map<String, ?> offset, String key) {
        return offset.get(key) instanceof Number number ? number.longValue() : 0;
    }

    private void change(SourceRecord record, Struct value) {
        Struct source = value.getStruct("source");
        StreamTable table = tables.get(named(source.getString("schema"), source.getString("table")));
        String op = value.getString("op");
        Struct before = value.schema().field("before") == null ? null : value.getStruct("before");
        Struct after = value.schema().field("after") == null ? null : value.getStruct("after");
        if (table == null) {
            note(source, after);
            return;
        }
        if (!op.equals("t")) {
            aliens.addAll(aliens(table, value.schema().field("after").schema()));
        }
        switch (op) {
            case "t" -> open.add(new RowChange(table.number(), RowChange.Kind.TRUNCATE, null, null));
            case "d" -> {
                String[] gone = texts(table, before);
                if (record.headers().lastWithName("__debezium.newkey") != null) {
                    moving = gone;
                } else {
                    add(table, RowChange.Kind.DELETE, gone, null);
                }
            }
            case "c" -> {
                String[] now = texts(table, after);
                if (moving != null) {
                    // its key as the publication knows it; the one that names it in the source may be another
                    add(table, table.hasKey(moving) && !table.sameKey(moving, now) ? RowChange.Kind.MOVE
                            : RowChange.Kind.UPDATE, moving, now);
                    moving = null;
                } else {
                    add(table, RowChange.Kind.INSERT, null, now);
                }
            }
            case "u" -> {
                String[] old = before == null ? null : texts(table, before);
                String[] now = texts(table, after);
                boolean moved = table.hasKey(old) && !table.sameKey(old, now);
                add(table, moved ? RowChange.Kind.MOVE : RowChange.Kind.UPDATE, old, now);
            }
            default -> throw new IllegalStateException("the reverse stream gave an event of kind " + op);
        }
    }

    private void add(StreamTable table, RowChange.Kind kind, String[] before, String[] after) {
        String[] named = kind == RowChange.Kind.DELETE || kind == RowChange.Kind.MOVE ? before : after;
        if (!table.hasKey(named)) {
            throw new IllegalStateException("a change of the target's " + table.plan().target() + " came without its key: its"
                    + " REPLICA IDENTITY was changed, set it to FULL");
        }
        open.add(new RowChange(table.number(), kind, kind == RowChange.Kind.UPDATE ? null : before, after));
    }

    private Set<Alien> aliens(StreamTable table, Schema form) {
        if (looked.size() > SCHEMAS_MAX) {
            looked.clear();
        }
        return looked.computeIfAbsent(form, looking -> {
            Set<String> names = new HashSet<>(known.getOrDefault(table.plan().target(), Set.of()));
            names.addAll(List.of(table.names()));
            Set<Alien> found = new LinkedHashSet<>();
            form.fields().stream().map(Field::name).filter(name -> !names.contains(name))
                    .forEach(name -> found.add(new Alien(table.plan().target(), name)));
            return found;
        });
    }

    private static String[] texts(StreamTable table, Struct row) {
        if (row == null) {
            throw new IllegalStateException("a change of the target's " + table.plan().target() + " came without its row: its"
                    + " REPLICA IDENTITY was changed, set it to FULL");
        }
        String[] texts = new String[table.names().length];
        Schema schema = row.schema();
        for (int i = 0; i < texts.length; i++) {
            Field field = schema.field(table.names()[i]);
            texts[i] = field == null ? PrintedValues.ABSENT : (String) row.get(field);
        }
        return texts;
    }

    /** The control row and the heartbeat travel in the same stream, so they say where in it something was. */
    private void note(Struct source, Struct after) {
        if (after == null || !"sluice".equals(source.getString("schema"))
                || !migration.equals(after.getString("migration"))) {
            return;
        }
        if (source.getString("table").equals("control")) {
            mark = new Mark(after.getString("traffic"), Long.parseLong(after.getString("epoch")),
                    Long.parseLong(after.getString("version")));
        } else if (source.getString("table").equals("heartbeat")) {
            beat = Long.parseLong(after.getString("beat"));
        }
    }

    @Override
    public void close() {
        closeWhole();
        if (open != null) {
            open.close();
        }
    }
}
