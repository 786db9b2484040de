package dev.sluice.reverse;

import dev.sluice.capture.Capture;
import dev.sluice.sqlite.SqlText;
import dev.sluice.sqlite.SqliteSession;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the source knows of the stream: one row that says how far it has come, written in the transaction of the rows
 * that it speaks of, and the rows that could not be brought back. Every method joins the caller's transaction; the
 * methods hold no state. Only constructs that SQLite 3.7.0 can read, as the application may be that old.
 */
final class Ledger {

    private Ledger() {}

    /**
     * How far the stream has come.
     *
     * @param slot the slot's name
     * @param system the identifier of the PostgreSQL cluster
     * @param lsn the end of the last transaction that has been dealt with, or where the slot began
     * @param xid the number of that transaction, 0 before the first
     * @param traffic what sluice.control said at this point of the stream
     * @param epoch as {@code traffic}
     * @param version as {@code traffic}
     * @param beat the last heartbeat that came through
     */
    record Entry(String slot, String system, long lsn, long xid, String traffic, long epoch, long version, long beat) {

        Entry at(long newLsn, long newXid) {
            return new Entry(slot, system, newLsn, newXid, traffic, epoch, version, beat);
        }

        Entry marked(String newTraffic, long newEpoch, long newVersion) {
            return new Entry(slot, system, lsn, xid, newTraffic, newEpoch, newVersion, beat);
        }

        Entry beaten(long newBeat) {
            return new Entry(slot, system, lsn, xid, traffic, epoch, version, newBeat);
        }

        /** True where what follows was written by the application. */
        boolean isApplied() {
            return traffic.equals("postgres");
        }
    }

    /** Makes the tables where they are missing, and starts at {@code entry}. */
    static void begin(SqliteSession writer, Entry entry) throws SQLException {
        writer.execute("DELETE FROM \"_sluice_reverse\"");
        writer.execute("INSERT INTO \"_sluice_reverse\"(id) VALUES(1)");
        write(writer, entry);
    }

    private static boolean exists(SqliteSession session) throws SQLException {
        return session.number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '_sluice_reverse'") > 0;
    }

    /** Null where no stream was prepared. */
    static Entry read(SqliteSession session) throws SQLException {
        if (!exists(session)) {
            return null;
        }
        try (PreparedStatement query = session.prepare("""
                SELECT slot, system, lsn, xid, traffic, epoch, version, beat FROM "_sluice_reverse" WHERE id = 1
                """);
                ResultSet row = query.executeQuery()) {
            return row.next() ? new Entry(row.getString(1), row.getString(2), row.getLong(3), row.getLong(4), row.getString(5),
                    row.getLong(6), row.getLong(7), row.getLong(8)) : null;
        }
    }

    static void write(SqliteSession writer, Entry entry) throws SQLException {
        try (PreparedStatement update = writer.prepare("""
                UPDATE "_sluice_reverse" SET slot = ?, system = ?, lsn = ?, xid = ?, traffic = ?, epoch = ?, version = ?, beat = ?
                WHERE id = 1
                """)) {
            update.setString(1, entry.slot());
            update.setString(2, entry.system());
            update.setLong(3, entry.lsn());
            update.setLong(4, entry.xid());
            update.setString(5, entry.traffic());
            update.setLong(6, entry.epoch());
            update.setLong(7, entry.version());
            update.setLong(8, entry.beat());
            update.executeUpdate();
        }
    }

    /** As {@link #write}, in a transaction of its own that touches nothing else. */
    static void advance(SqliteSession writer, long generation, Entry entry) throws SQLException {
        alone(writer, generation, () -> write(writer, entry));
    }

    /** Forgets the stream; what is parked stays to be looked at until capture is removed. */
    static void end(SqliteSession writer, long generation) throws SQLException {
        alone(writer, generation, () -> {
            if (exists(writer)) {
                writer.execute("DELETE FROM \"_sluice_reverse\"");
            }
        });
    }

    /** Something done in a transaction. */
    interface Act {
        void run() throws SQLException;
    }

    static void alone(SqliteSession writer, long generation, Act act) throws SQLException {
        writer.beginImmediate();
        boolean done = false;
        try {
            Capture.checkGeneration(writer, generation);
            act.run();
            writer.commit();
            done = true;
        } finally {
            if (!done) {
                writer.rollback();
            }
        }
    }

    // ---- parked rows ----

    /** The keys of what is parked, with their codes, by source table. */
    static Map<String, Map<String, String>> parkedKeys(SqliteSession session) throws SQLException {
        Map<String, Map<String, String>> keys = new HashMap<>();
        try (PreparedStatement query = session.prepare("SELECT tbl, key, code FROM \"_sluice_parked_reverse\"");
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                keys.computeIfAbsent(row.getString(1), table -> new HashMap<>()).put(row.getString(2), row.getString(3));
            }
        }
        return keys;
    }

    /** What was printed of the parked rows of a table, by target column. */
    static List<Map<String, String>> parkedRows(SqliteSession session, String table) throws SQLException {
        List<Map<String, String>> rows = new ArrayList<>();
        if (exists(session)) {
            for (String row : session.texts("SELECT row FROM \"_sluice_parked_reverse\" WHERE tbl = " + SqlText.literal(table))) {
                rows.add(RowWriter.texts(row));
            }
        }
        return rows;
    }

    static void park(SqliteSession writer, ParkedReverse parked) throws SQLException {
        try (PreparedStatement insert = writer.prepare("""
                INSERT OR REPLACE INTO "_sluice_parked_reverse"(tbl, key, row, kept, code, reason, lsn, parked_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """)) {
            insert.setString(1, parked.table());
            insert.setString(2, parked.key());
            insert.setString(3, parked.row());
            insert.setString(4, parked.kept());
            insert.setString(5, parked.code());
            insert.setString(6, parked.reason());
            insert.setLong(7, parked.lsn());
            insert.setString(8, parked.parkedAt());
            insert.executeUpdate();
        }
    }

    /** Takes a parked row out; null if there is none of that key. */
    static ParkedReverse unpark(SqliteSession writer, String table, String key) throws SQLException {
        ParkedReverse parked;
        try (PreparedStatement query = writer.prepare(ParkedReverse.SELECT + " WHERE tbl = ? AND key = ?")) {
            query.setString(1, table);
            query.setString(2, key);
            try (ResultSet row = query.executeQuery()) {
                parked = row.next() ? ParkedReverse.of(row) : null;
            }
        }
        try (PreparedStatement delete = writer.prepare(
                "DELETE FROM \"_sluice_parked_reverse\" WHERE tbl = ? AND key = ?")) {
            delete.setString(1, table);
            delete.setString(2, key);
            delete.executeUpdate();
        }
        return parked;
    }

    static void unparkAll(SqliteSession writer, String table) throws SQLException {
        writer.execute("DELETE FROM \"_sluice_parked_reverse\" WHERE tbl = " + SqlText.literal(table));
    }

    static List<ParkedReverse> parked(SqliteSession session, int rowsMax) throws SQLException {
        List<ParkedReverse> parked = new ArrayList<>();
        if (exists(session)) {
            try (PreparedStatement query = session.prepare(ParkedReverse.SELECT + " ORDER BY tbl, key LIMIT " + rowsMax);
                    ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    parked.add(ParkedReverse.of(row));
                }
            }
        }
        return parked;
    }
}
