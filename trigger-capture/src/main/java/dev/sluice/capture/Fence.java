package dev.sluice.capture;

import dev.sluice.change.Position;
import dev.sluice.change.Value;
import dev.sluice.schema.SchemaReader;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqlText;
import dev.sluice.sqlite.SqliteRows;
import dev.sluice.sqlite.SqliteSession;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The fence of the source: while it is up, the triggers that came with capture refuse the application's writes. Every
 * method is one BEGIN IMMEDIATE transaction of its own that checks the generation, so that an older daemon changes
 * nothing, and can be repeated when its answer was lost. The methods hold no state; {@code writer} must not be in a
 * transaction.
 *
 * <p>The mark <em>recall</em> stands while no flip can be under way: then the fence may be lifted without asking
 * PostgreSQL who has traffic. {@link #noteFlip} takes it away before a flip is sent.
 *
 * <p>What only Sluice writes must not fire the application's triggers. They are dropped with the raising of the fence,
 * their text is kept in {@code _sluice_trigger}, and they are created again with its lifting. {@link SchemaReader}
 * counts them in all the while, so the schema's hash tells of the application's changes only.
 */
public final class Fence {

    private Fence() {}

    /**
     * How the fence stands.
     *
     * @param fenced true if the application's writes are refused
     * @param recall true if the fence may be lifted without asking; false while it is down
     * @param trafficEpoch what it was raised for, or while it is down the epoch that SQLite has traffic in
     * @param generation the number that the newest daemon took
     */
    public record State(boolean fenced, boolean recall, long trafficEpoch, long generation) {}

    /**
     * What the source was at the moment of a raising or lifting.
     *
     * @param head its last change; the write lock proves that no writer is in flight
     * @param schemaVersionBefore SQLite's counter of schema changes as the transaction found it
     * @param schemaVersion the counter as the transaction leaves it: what lies between is our own doing
     */
    public record Moment(Position head, long schemaVersionBefore, long schemaVersion) {}

    /** Writes of ours to a fenced source, within a transaction that is already open and must not be ended by them. */
    public interface Writes<T> {
        T run() throws SQLException;
    }

    /** Null where capture is not installed. Joins an open transaction. */
    public static State state(SqliteSession session) throws SQLException {
        Capture.State capture = Capture.state(session);
        return capture == null ? null : new State(capture.fenced(), capture.recall(), capture.trafficEpoch(),
                capture.generation());
    }

    /**
     * Refuses the application's writes from here on and puts its triggers aside. Where the fence is up already only its
     * epoch may change, and the mark recall only go.
     *
     * @param trafficEpoch the epoch that SQLite has no traffic in: one more than PostgreSQL's present one where a flip is
     *     to follow, PostgreSQL's own where it has traffic already
     * @param recallable whether to set the mark recall
     * @throws SourceRefusal if a trigger of the application could not be created again later
     * @throws IllegalStateException if the fence is up for another epoch whose flip may be under way
     * @throws StaleGeneration if a newer daemon has taken over
     */
    public static Moment raise(SqliteSession writer, long generation, long trafficEpoch, boolean recallable)
            throws SQLException {
        return Capture.inTransaction(writer, () -> {
            Capture.State present = Capture.guarded(writer, generation);
            long before = Capture.schemaVersion(writer);
            if (present.fenced() && !present.recall() && recallable && present.trafficEpoch() != trafficEpoch) {
                throw new IllegalStateException("the source is fenced for epoch " + present.trafficEpoch()
                        + ", which may have begun: ask PostgreSQL who has traffic before it is fenced for epoch "
                        + trafficEpoch);
            }
            boolean recall = recallable && (!present.fenced() || present.recall());
            writer.execute("UPDATE \"_sluice_control\" SET fenced = 1, recall = " + (recall ? 1 : 0)
                    + ", traffic_epoch = " + trafficEpoch + " WHERE id = 1");
            putTriggersAside(writer);
            return moment(writer, before);
        });
    }

    /**
     * Takes the mark recall away: from now on only PostgreSQL knows whether the fence may be lifted. To be called, and to
     * have returned true, before a flip is sent for the first time.
     *
     * @param schemaHash what the schema must still be, because DDL passes the fence
     * @return false if the schema is another one; then nothing has changed
     * @throws IllegalStateException if the source is not fenced
     * @throws StaleGeneration if a newer daemon has taken over
     */
    public static boolean noteFlip(SqliteSession writer, long generation, String schemaHash) throws SQLException {
        return Capture.inTransaction(writer, () -> {
            requireFence(writer, generation);
            if (!SchemaReader.hash(writer).equals(schemaHash)) {
                return false;
            }
            writer.execute("UPDATE \"_sluice_control\" SET recall = 0 WHERE id = 1");
            return true;
        });
    }

    /**
     * Lets the application write again without asking PostgreSQL, if the mark recall still stands. The epoch becomes the
     * one before the fence.
     *
     * @return the moment; null if nothing was lifted, because the fence is down or only who has asked may lift it
     * @throws SourceRefusal as {@link #lift}
     * @throws StaleGeneration if a newer daemon has taken over
     */
    public static Moment recall(SqliteSession writer, long generation) throws SQLException {
        return Capture.inTransaction(writer, () -> {
            Capture.State present = Capture.guarded(writer, generation);
            return present.recall() ? lifted(writer, present, present.trafficEpoch() - 1) : null;
        });
    }

    /**
     * Lets the application write again, its triggers made anew and ours behind them, so that ours stay the newest.
     * Nothing happens where the fence is down. Only for who knows that PostgreSQL says SQLite has traffic.
     *
     * @param trafficEpoch the epoch that SQLite has traffic in from now on
     * @throws SourceRefusal if a trigger of the application can't be created again; then nothing has changed
     * @throws StaleGeneration if a newer daemon has taken over
     */
    public static Moment lift(SqliteSession writer, long generation, long trafficEpoch) throws SQLException {
        return Capture.inTransaction(writer, () -> lifted(writer, Capture.guarded(writer, generation), trafficEpoch));
    }

    private static Moment lifted(SqliteSession writer, Capture.State present, long trafficEpoch) throws SQLException {
        long before = Capture.schemaVersion(writer);
        if (!present.fenced()) {
            return moment(writer, before);
        }
        putTriggersAside(writer); // those that the application has made meanwhile go behind the others
        if (writer.number("SELECT count(*) FROM \"_sluice_trigger\"") > 0) {
            String hash = SchemaReader.hash(writer);
            Set<String> tables = giveBackTriggers(writer);
            for (CapturedTable table : present.tables()) {
                if (tables.contains(SqlText.lower(table.name()))) {
                    renewAfterTriggers(writer, table.id());
                }
            }
            if (!SchemaReader.hash(writer).equals(hash)) {
                throw new SourceRefusal("the application's triggers were not created again as they had been: nothing was"
                        + " changed, look into the table _sluice_trigger of the source");
            }
        }
        writer.execute("UPDATE \"_sluice_control\" SET fenced = 0, recall = 0, traffic_epoch = " + trafficEpoch
                + " WHERE id = 1");
        return moment(writer, before);
    }

    /**
     * Writes to a fenced source what came from PostgreSQL, in one transaction: the fence is down for {@code writes} and
     * for nobody else, and no changelog row of theirs is left, so that the newest row stays the one at the watermark.
     *
     * @throws IllegalStateException if the source is not fenced
     * @throws StaleGeneration if a newer daemon has taken over
     */
    public static <T> T writeThrough(SqliteSession writer, long generation, Writes<T> writes) throws SQLException {
        return Capture.inTransaction(writer, () -> {
            requireFence(writer, generation);
            putTriggersAside(writer); // DDL passes the fence: the application may have made one
            long head = writer.number("SELECT max(seq) FROM \"_sluice_changelog\"");
            writer.execute("UPDATE \"_sluice_control\" SET fenced = 0 WHERE id = 1");
            T result = writes.run();
            writer.execute("DELETE FROM \"_sluice_changelog\" WHERE seq > " + head);
            writer.execute("UPDATE \"_sluice_control\" SET fenced = 1 WHERE id = 1");
            return result;
        });
    }

    private static void requireFence(SqliteSession writer, long generation) throws SQLException {
        Capture.checkGeneration(writer, generation);
        if (writer.number("SELECT fenced FROM \"_sluice_control\" WHERE id = 1") != 1) {
            throw new IllegalStateException("the source is not fenced: the application may be writing to it");
        }
    }

    private static Moment moment(SqliteSession writer, long schemaVersionBefore) throws SQLException {
        return new Moment(Capture.head(writer), schemaVersionBefore, Capture.schemaVersion(writer));
    }

    // ---- the application's triggers ----

    private static final String APPLICATIONS = """
            FROM sqlite_master WHERE type = 'trigger' AND name NOT GLOB '_sluice_*'
              AND lower(tbl_name) IN (SELECT lower(name) FROM "_sluice_table" WHERE kind <> 'GONE')
            """;

    private record Trigger(String name, String table, String sql) {}

    /** Drops the triggers of captured tables and keeps their text; one of a name that is kept already replaces it. */
    private static void putTriggersAside(SqliteSession writer) throws SQLException {
        List<Trigger> triggers = triggers(writer, "SELECT name, tbl_name, sql " + APPLICATIONS);
        if (triggers.isEmpty()) {
            return;
        }
        writer.execute("DELETE FROM \"_sluice_trigger\" WHERE lower(name) IN (SELECT lower(name) " + APPLICATIONS + ")");
        // the text goes from table to table, so that every byte of it stays
        writer.execute("INSERT INTO \"_sluice_trigger\"(name, tbl, sql) SELECT name, tbl_name, sql " + APPLICATIONS
                + "ORDER BY rowid");
        for (Trigger trigger : triggers) {
            writer.execute("DROP TRIGGER main." + SqlText.quoted(trigger.name()));
        }
    }

    /** Creates the kept triggers in the order in which they were made; the names of their tables in lower case. */
    static Set<String> giveBackTriggers(SqliteSession writer) throws SQLException {
        Set<String> tables = new LinkedHashSet<>();
        for (Trigger trigger : triggers(writer,
                "SELECT name, tbl, sql FROM \"_sluice_trigger\" ORDER BY position")) {
            try {
                writer.execute(trigger.sql());
            } catch (SQLException e) {
                throw new SourceRefusal("the application's trigger " + trigger.name() + " can't be created on table "
                        + trigger.table() + " again, because the schema was changed behind the fence: bring table and"
                        + " columns back, or delete the trigger's row from _sluice_trigger", e);
            }
            tables.add(SqlText.lower(trigger.table()));
        }
        writer.execute("DELETE FROM \"_sluice_trigger\"");
        return tables;
    }

    /** @param sql a query of name, table and text */
    private static List<Trigger> triggers(SqliteSession session, String sql) throws SQLException {
        List<Trigger> triggers = new ArrayList<>();
        Value[] values = new Value[3];
        try (PreparedStatement query = session.prepare(sql); SqliteRows rows = session.rows(query)) {
            while (rows.next()) {
                rows.read(0, values);
                triggers.add(new Trigger(text(values[0]), text(values[1]), text(values[2])));
            }
        }
        return triggers;
    }

    private static String text(Value value) {
        String text = value instanceof Value.Text stored ? stored.decoded() : null;
        if (text == null) {
            throw new SourceRefusal("a trigger of the application holds text that is not valid UTF-8, so it could not be"
                    + " created again after a fence: create it anew without that");
        }
        return text;
    }

    /** Makes our AFTER triggers of a table anew from their own texts, in their order; only those must be the newest. */
    private static void renewAfterTriggers(SqliteSession writer, int tableId) throws SQLException {
        List<Trigger> ours = triggers(writer, "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
                + " AND name GLOB '" + TriggerScript.triggerName(tableId, "*") + "' ORDER BY rowid");
        ours.removeIf(trigger -> TriggerText.of(trigger.sql()).timing() != TriggerText.Timing.AFTER);
        for (Trigger trigger : ours) {
            writer.execute("DROP TRIGGER main." + SqlText.quoted(trigger.name()));
        }
        for (Trigger trigger : ours) {
            writer.execute(trigger.sql());
        }
    }

    // ---- numbers ----

    /**
     * Raises what {@code sqlite_sequence} says of AUTOINCREMENT tables to at least these numbers, so that none that
     * PostgreSQL gave is given again. Part of a rollback, before its {@link #lift}.
     *
     * @param sequences by the tables' exact names; names of other tables must not be among them
     * @throws IllegalStateException if the source is not fenced
     * @throws StaleGeneration if a newer daemon has taken over
     */
    public static void setSequences(SqliteSession writer, long generation, Map<String, Long> sequences)
            throws SQLException {
        Capture.inTransaction(writer, () -> {
            requireFence(writer, generation);
            for (Map.Entry<String, Long> sequence : sequences.entrySet()) {
                setSequence(writer, sequence.getKey(), sequence.getValue());
            }
            return null;
        });
    }

    /** The application may have written anything into {@code sqlite_sequence}: what is no number counts as none. */
    private static void setSequence(SqliteSession writer, String table, long least) throws SQLException {
        try (PreparedStatement raise = writer.prepare("""
                UPDATE sqlite_sequence SET seq = CASE WHEN typeof(seq) = 'integer' THEN max(seq, ?1) ELSE ?1 END
                WHERE name = ?2
                """);
                PreparedStatement begin = writer.prepare("""
                        INSERT INTO sqlite_sequence(name, seq) SELECT ?2, ?1
                        WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?2)
                        """)) {
            for (PreparedStatement statement : List.of(raise, begin)) {
                statement.setLong(1, least);
                statement.setString(2, table);
                statement.executeUpdate();
            }
        }
    }
}
