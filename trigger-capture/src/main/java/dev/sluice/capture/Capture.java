package dev.sluice.capture;

import dev.sluice.capture.TriggerText.Timing;
import dev.sluice.change.Position;
import dev.sluice.schema.RowIdentity;
import dev.sluice.schema.RowIdentity.Kind;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqlText;
import dev.sluice.sqlite.SqliteSession;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * What Sluice keeps in the source: a changelog, a control row, a list of captured tables and the triggers. Every method
 * that writes does so in one BEGIN IMMEDIATE transaction of its own, so a killed one has done all or nothing; none may
 * be called while {@code writer} has a transaction open. The methods hold no state.
 */
public final class Capture {

    /** Columns k1 … kN that the changelog has at least. */
    private static final int KEY_COLUMNS_MIN = 4;

    /** Beyond 2^63 - 1 SQLite chooses row numbers at random, so the order would be lost (sqlite.org/autoinc.html). */
    private static final long SEQ_MAX = 1L << 62;

    private static final String GONE = "GONE";

    /** The application's triggers while they are put aside, see {@link Fence}. */
    private static final String KEPT_TRIGGERS = "\"_sluice_trigger\"(position INTEGER PRIMARY KEY, name, tbl, sql)";

    private Capture() {}

    /**
     * What is installed.
     *
     * @param epoch names this installation; a changelog of another epoch has nothing to do with our watermark
     * @param fenced true if the application's writes are refused
     * @param recall true if the fence may be lifted without asking PostgreSQL, see {@link Fence}
     * @param trafficEpoch the epoch, counted in flips, that the fence was raised for or SQLite has had traffic since
     * @param generation the number that the newest daemon took
     * @param head the newest changelog row
     * @param tables what is captured, by id
     * @param goneIds ids of tables that were captured once; changelog rows may still name them
     * @param keyColumns how many key columns the changelog has
     */
    public record State(
            String epoch, boolean fenced, boolean recall, long trafficEpoch, long generation, Position head,
            List<CapturedTable> tables, Set<Integer> goneIds, int keyColumns) {

        /** The captured table of that name, without regard to ASCII case; null if it is not captured. */
        public CapturedTable table(String name) {
            return tables.stream().filter(table -> SqlText.sameName(table.name(), name)).findFirst().orElse(null);
        }

        /**
         * The captured tables by id as {@code schema} declares them, with the identity that capture uses for them.
         * Leaves out tables that are gone or no longer fit: those {@link #damaged} names.
         */
        public Map<Integer, SourceTable> declared(SourceSchema schema) {
            Map<Integer, SourceTable> declared = new LinkedHashMap<>();
            for (CapturedTable captured : tables) {
                SourceTable table = schema.table(captured.name());
                if (table != null && captured.fits(table)) {
                    declared.put(captured.id(), table.withIdentity(captured.identity()));
                }
            }
            return declared;
        }
    }

    /**
     * What capture can't do with a source, or does in a way that the operator should know, in the order of its
     * tables.
     */
    public static List<Obstacle> obstacles(SourceSchema schema) {
        return Obstacle.of(schema);
    }

    // ---- install and remove ----

    /**
     * Installs capture for {@code tables}. If it is installed already, nothing is changed and the present state
     * returned.
     *
     * @param expectedHash the {@link SourceSchema#hash} of the schema that {@code tables} were read from
     * @throws SourceRefusal if the schema has changed since, or a table can't be captured
     */
    public static State install(SqliteSession writer, List<SourceTable> tables, String expectedHash)
            throws SQLException {
        return install(writer, tables, expectedHash, UUID.randomUUID().toString());
    }

    /** As {@link #install}, under an epoch that the caller knows before: by it a crash between the two sides is told. */
    public static State install(SqliteSession writer, List<SourceTable> tables, String expectedHash, String epoch)
            throws SQLException {
        return inTransaction(writer, () -> {
            State present = state(writer);
            if (present != null) {
                return present;
            }
            refuseLeftovers(writer);
            if (!SchemaReader.hash(writer).equals(expectedHash)) {
                throw new SourceRefusal("the source's schema changed while capture was being installed: start again");
            }
            createTables(writer, keyColumns(tables, KEY_COLUMNS_MIN), epoch);
            for (int i = 0; i < tables.size(); i++) {
                capture(writer, tables.get(i), i + 1);
            }
            return state(writer);
        });
    }

    private static void refuseLeftovers(SqliteSession writer) throws SQLException {
        String leftover = writer.text("SELECT name FROM sqlite_master WHERE name GLOB '_sluice_*' LIMIT 1");
        if (leftover != null) {
            throw new SourceRefusal("the source holds " + leftover + " but no complete capture (E17):"
                    + " cancel the migration to remove what is left, then start again");
        }
    }

    /**
     * No types, no NOT NULL, no UNIQUE: the conflict clause of the application's statement overrides those of ours, and
     * an outer OR IGNORE would then silently drop a changelog row. No AUTOINCREMENT either: as the newest row always
     * stays, numbers only grow.
     */
    private static void createTables(SqliteSession writer, int keyColumns, String epoch) throws SQLException {
        StringBuilder keys = new StringBuilder();
        for (int i = 1; i <= keyColumns; i++) {
            keys.append(", k").append(i);
        }
        writer.execute("CREATE TABLE \"_sluice_changelog\"(seq INTEGER PRIMARY KEY, nonce DEFAULT (random()), tid, op"
                + keys + ")");
        writer.execute("CREATE TABLE \"_sluice_control\"(id INTEGER PRIMARY KEY, epoch, fenced, generation, recall,"
                + " traffic_epoch)");
        writer.execute("CREATE TABLE \"_sluice_table\"(id INTEGER PRIMARY KEY, name, kind, rowid_name" + keys + ")");
        writer.execute("CREATE TABLE " + KEPT_TRIGGERS);
        writer.execute("INSERT INTO \"_sluice_control\"(id, epoch, fenced, generation, recall, traffic_epoch) VALUES(1, "
                + SqlText.literal(epoch) + ", 0, 0, 0, 0)");
        // The changelog is never empty, else its numbers would start again.
        writer.execute("INSERT INTO \"_sluice_changelog\"(seq, tid, op) VALUES(1, 0, '0')");
    }

    /** Gives an installation of an older release what it lacks of today's. */
    private static void complete(SqliteSession writer) throws SQLException {
        for (String column : new String[] {"recall", "traffic_epoch"}) {
            if (!hasColumn(writer, column)) {
                writer.execute("ALTER TABLE \"_sluice_control\" ADD COLUMN " + column);
                writer.execute("UPDATE \"_sluice_control\" SET " + column + " = 0");
            }
        }
        if (!exists(writer, "_sluice_trigger")) {
            writer.execute("CREATE TABLE " + KEPT_TRIGGERS);
        }
    }

    private static boolean hasColumn(SqliteSession session, String column) throws SQLException {
        return session.number("SELECT count(*) FROM pragma_table_info('_sluice_control') WHERE name = '" + column
                + "'") > 0;
    }

    private static int keyColumns(Collection<SourceTable> tables, int min) {
        int most = min;
        for (SourceTable table : tables) {
            most = Math.max(most, table.identity() == null ? 0 : table.identity().names().size());
        }
        return most;
    }

    private static void capture(SqliteSession writer, SourceTable table, int id) throws SQLException {
        for (Obstacle obstacle : Obstacle.of(table)) {
            if (obstacle.blocks()) {
                throw new SourceRefusal(obstacle.text() + " (" + obstacle.code() + ")");
            }
        }
        RowIdentity identity = table.identity();
        List<String> keys = identity.columns();
        StringBuilder columns = new StringBuilder("id, name, kind, rowid_name");
        StringBuilder places = new StringBuilder("?, ?, ?, ?");
        for (int i = 1; i <= keys.size(); i++) {
            columns.append(", k").append(i);
            places.append(", ?");
        }
        try (PreparedStatement insert = writer.prepare(
                "INSERT OR REPLACE INTO \"_sluice_table\"(" + columns + ") VALUES(" + places + ")")) {
            insert.setInt(1, id);
            insert.setString(2, table.name());
            insert.setString(3, identity.kind().name());
            insert.setString(4, identity.rowidName());
            for (int i = 0; i < keys.size(); i++) {
                insert.setString(5 + i, keys.get(i));
            }
            insert.executeUpdate();
        }
        for (String statement : TriggerScript.of(table, id).statements()) {
            writer.execute(statement);
        }
    }

    /**
     * Removes everything of ours; nothing happens where nothing is installed.
     *
     * @throws SourceRefusal if the source is fenced: taking the triggers away would let the application write again
     */
    public static void uninstall(SqliteSession writer) throws SQLException {
        inTransaction(writer, () -> {
            if (exists(writer, "_sluice_control")
                    && writer.number("SELECT count(*) FROM \"_sluice_control\" WHERE fenced = 1") > 0) {
                throw new SourceRefusal("the source is fenced, and without its triggers it would take writes again:"
                        + " roll back or complete the cutover first");
            }
            remove(writer, true);
            return null;
        });
    }

    /**
     * Removes everything of ours from a source whose writes have moved for good; it takes writes again afterwards, but
     * nobody carries them anywhere. Nothing happens where nothing is installed.
     *
     * @param generation the one that the caller took
     * @param triggers true to give the application's triggers back
     * @throws SourceRefusal if the source is not fenced, or a trigger can't be created again; then nothing has changed
     * @throws StaleGeneration if a newer daemon has taken over
     */
    public static void uninstallSwitched(SqliteSession writer, long generation, boolean triggers) throws SQLException {
        inTransaction(writer, () -> {
            if (exists(writer, "_sluice_control")) {
                if (!guarded(writer, generation).fenced()) {
                    throw new SourceRefusal("the source takes writes, so it is not one whose writes have moved: cancel"
                            + " the migration instead");
                }
                remove(writer, triggers);
            }
            return null;
        });
    }

    private static void remove(SqliteSession writer, boolean triggers) throws SQLException {
        drop(writer, "trigger", "_sluice_*");
        if (triggers && exists(writer, "_sluice_trigger")) {
            Fence.giveBackTriggers(writer);
        }
        drop(writer, "view", "_sluice_*");
        drop(writer, "index", "_sluice_*");
        drop(writer, "table", "_sluice_*");
    }

    private static void drop(SqliteSession writer, String type, String pattern) throws SQLException {
        for (String name : writer.texts("SELECT name FROM sqlite_master WHERE type = '" + type + "' AND name GLOB '"
                + pattern + "'")) {
            writer.execute("DROP " + type + " " + SqlText.quoted(name));
        }
    }

    // ---- ask ----

    /**
     * What is installed, null if nothing is. Joins an open transaction.
     *
     * @throws SourceRefusal if what is installed has been altered by somebody else (E17)
     */
    public static State state(SqliteSession session) throws SQLException {
        return inSnapshot(session, () -> {
            if (!exists(session, "_sluice_control")) {
                return null;
            }
            if (!exists(session, "_sluice_changelog") || !exists(session, "_sluice_table")) {
                throw altered("a table of the capture is missing");
            }
            int keyColumns = (int) session.number(
                    "SELECT count(*) FROM pragma_table_info('_sluice_changelog') WHERE name GLOB 'k[0-9]*'");
            List<CapturedTable> tables = new ArrayList<>();
            Set<Integer> gone = new HashSet<>();
            readTables(session, keyColumns, tables, gone);
            String fence = hasColumn(session, "recall") && hasColumn(session, "traffic_epoch")
                    ? "recall, traffic_epoch" : "0, 0";
            try (PreparedStatement query = session.prepare("SELECT epoch, fenced, generation, " + fence
                    + " FROM \"_sluice_control\" WHERE id = 1");
                    ResultSet row = query.executeQuery()) {
                if (!row.next()) {
                    throw altered("the control row is missing");
                }
                boolean fenced = row.getLong(2) == 1;
                return new State(row.getString(1), fenced, fenced && row.getLong(4) == 1, row.getLong(5), row.getLong(3),
                        head(session), List.copyOf(tables), Set.copyOf(gone), keyColumns);
            }
        });
    }

    private static void readTables(
            SqliteSession session, int keyColumns, List<CapturedTable> tables, Set<Integer> gone) throws SQLException {
        try (PreparedStatement query = session.prepare("SELECT * FROM \"_sluice_table\" ORDER BY id");
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                if (GONE.equals(row.getString("kind"))) {
                    gone.add(row.getInt("id"));
                    continue;
                }
                List<String> keys = new ArrayList<>();
                for (int i = 1; i <= keyColumns && row.getString("k" + i) != null; i++) {
                    keys.add(row.getString("k" + i));
                }
                tables.add(new CapturedTable(row.getInt("id"), row.getString("name"), new RowIdentity(
                        Kind.valueOf(row.getString("kind")), List.copyOf(keys), row.getString("rowid_name"))));
            }
        }
    }

    /**
     * The newest changelog row.
     *
     * @throws SourceRefusal if there is none, or its number leaves no room to go on (E17)
     */
    public static Position head(SqliteSession session) throws SQLException {
        try (PreparedStatement query = session.prepare(
                "SELECT seq, nonce FROM \"_sluice_changelog\" ORDER BY seq DESC LIMIT 1");
                ResultSet row = query.executeQuery()) {
            if (!row.next()) {
                throw altered("the changelog is empty");
            }
            if (row.getLong(1) > SEQ_MAX) {
                throw altered("the changelog's numbers are used up");
            }
            return new Position(row.getLong(1), row.getLong(2));
        }
    }

    /**
     * Names of the captured tables whose changes may not all be logged: gone or declared otherwise, a trigger missing
     * or altered, or an AFTER trigger of the application newer than ours (it fires first and could skip ours by
     * RAISE(IGNORE)). Empty if all is well. Tables that were never captured are not named.
     */
    public static List<String> damaged(SqliteSession session) throws SQLException {
        return inSnapshot(session, () -> {
            State state = state(session);
            if (state == null) {
                throw altered("capture is not installed");
            }
            SourceSchema schema = SchemaReader.read(session);
            Map<String, Stored> ours = ourObjects(session);
            Map<String, Long> newest = newestAfterTriggers(session);
            List<String> damaged = new ArrayList<>();
            for (CapturedTable captured : state.tables()) {
                SourceTable table = schema.table(captured.name());
                if (table == null || !captured.fits(table)
                        || !isWhole(table.withIdentity(captured.identity()), captured.id(), ours, newest)) {
                    damaged.add(captured.name());
                }
            }
            return damaged;
        });
    }

    /** An object's text and its place in the schema table: a greater one is newer. */
    private record Stored(String sql, String table, long rowid) {}

    private static boolean isWhole(
            SourceTable table, int id, Map<String, Stored> ours, Map<String, Long> newest) {
        TriggerScript script = TriggerScript.of(table, id);
        Stored candidate = ours.get(TriggerScript.candidateName(id));
        if (script.candidate() != null && (candidate == null || !script.candidate().equals(candidate.sql()))) {
            return false;
        }
        long appsNewest = newest.getOrDefault(SqlText.lower(table.name()), 0L);
        return script.triggers().entrySet().stream().allMatch(trigger -> {
            Stored stored = ours.get(trigger.getKey());
            return stored != null && trigger.getValue().equals(stored.sql())
                    && SqlText.sameName(stored.table(), table.name()) && (stored.rowid() > appsNewest
                            || TriggerText.of(stored.sql()).timing() != Timing.AFTER);
        });
    }

    private static Map<String, Stored> ourObjects(SqliteSession session) throws SQLException {
        Map<String, Stored> ours = new HashMap<>();
        try (PreparedStatement query = session.prepare(
                "SELECT name, sql, tbl_name, rowid FROM sqlite_master WHERE name GLOB '_sluice_*'");
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                ours.put(row.getString(1), new Stored(row.getString(2), row.getString(3), row.getLong(4)));
            }
        }
        return ours;
    }

    private static Map<String, Long> newestAfterTriggers(SqliteSession session) throws SQLException {
        Map<String, Long> newest = new HashMap<>();
        try (PreparedStatement query = session.prepare("""
                SELECT sql, tbl_name, rowid FROM sqlite_master
                WHERE type = 'trigger' AND name NOT GLOB '_sluice_*' ORDER BY rowid
                """);
                ResultSet row = query.executeQuery()) {
            while (row.next()) {
                if (TriggerText.of(row.getString(1)).timing() == Timing.AFTER) {
                    newest.put(SqlText.lower(row.getString(2)), row.getLong(3));
                }
            }
        }
        return newest;
    }

    // ---- change what is captured ----

    /**
     * Brings capture in line with what these tables are now: a captured one gets all its triggers anew, so that they
     * are the newest; one whose rows must be named differently now (another key, or NULL in it) gets a new id; one
     * that is gone is given up; one that was not captured yet is added. All rows of such a table must then be
     * compared with the target, because the gap has no log.
     *
     * @param generation the one that the caller took
     * @param names table names, present or gone
     * @throws SourceRefusal if a table can't be captured
     * @throws StaleGeneration if a newer daemon has taken over
     */
    public static State repair(SqliteSession writer, long generation, Collection<String> names) throws SQLException {
        return inTransaction(writer, () -> {
            State state = guarded(writer, generation);
            SourceSchema schema = SchemaReader.read(writer);
            widen(writer, state.keyColumns(), keyColumns(
                    names.stream().map(schema::table).filter(table -> table != null).toList(), state.keyColumns()));
            for (String name : names) {
                CapturedTable captured = state.table(name);
                SourceTable table = schema.table(name);
                if (captured != null) {
                    dropTriggers(writer, captured.id());
                }
                if (captured != null && (table == null || !captured.fits(table) || holdsNullKey(captured, table))) {
                    giveUp(writer, captured.id());
                    captured = null;
                }
                if (table != null) {
                    capture(writer, captured == null ? table : table.withIdentity(captured.identity()),
                            captured == null ? nextId(writer) : captured.id());
                }
            }
            return state(writer);
        });
    }

    private static boolean holdsNullKey(CapturedTable captured, SourceTable table) {
        return captured.identity().kind() == Kind.DECLARED_KEY
                && table.identity() != null && table.identity().kind() == Kind.ROWID;
    }

    /**
     * Stops capturing tables, for example before the application drops a column that our triggers name.
     *
     * @throws StaleGeneration if a newer daemon has taken over
     */
    public static State release(SqliteSession writer, long generation, Collection<String> names) throws SQLException {
        return inTransaction(writer, () -> {
            State state = guarded(writer, generation);
            for (String name : names) {
                CapturedTable captured = state.table(name);
                if (captured != null) {
                    dropTriggers(writer, captured.id());
                    giveUp(writer, captured.id());
                }
            }
            return state(writer);
        });
    }

    private static void widen(SqliteSession writer, int present, int wanted) throws SQLException {
        for (int i = present + 1; i <= wanted; i++) {
            writer.execute("ALTER TABLE \"_sluice_changelog\" ADD COLUMN k" + i);
            writer.execute("ALTER TABLE \"_sluice_table\" ADD COLUMN k" + i);
        }
    }

    /** By name, wherever they sit: after ALTER TABLE RENAME they sit on the table's new name. */
    private static void dropTriggers(SqliteSession writer, int id) throws SQLException {
        drop(writer, "trigger", TriggerScript.triggerName(id, "*"));
        drop(writer, "table", TriggerScript.candidateName(id));
    }

    private static void giveUp(SqliteSession writer, int id) throws SQLException {
        writer.execute("UPDATE \"_sluice_table\" SET kind = '" + GONE + "' WHERE id = " + id);
    }

    private static int nextId(SqliteSession writer) throws SQLException {
        return (int) writer.number("SELECT coalesce(max(id), 0) + 1 FROM \"_sluice_table\"");
    }

    // ---- one daemon at a time ----

    /**
     * Takes the next generation: from now on an older daemon can change nothing of ours in the source. As every daemon
     * begins so, it also brings an installation of an older release up to date.
     */
    public static long takeGeneration(SqliteSession writer) throws SQLException {
        return takeGeneration(writer, 0);
    }

    /** Takes a generation that is greater than the present one and at least {@code min}. */
    public static long takeGeneration(SqliteSession writer, long min) throws SQLException {
        return inTransaction(writer, () -> {
            State state = state(writer);
            if (state == null) {
                throw altered("capture is not installed");
            }
            complete(writer);
            long taken = Math.max(state.generation() + 1, min);
            writer.execute("UPDATE \"_sluice_control\" SET generation = " + taken + " WHERE id = 1");
            return taken;
        });
    }

    /** To be called inside every transaction of ours that writes to the source. */
    public static void checkGeneration(SqliteSession writer, long generation) throws SQLException {
        long present = writer.number("SELECT generation FROM \"_sluice_control\" WHERE id = 1");
        if (present != generation) {
            throw new StaleGeneration(generation, present);
        }
    }

    static State guarded(SqliteSession writer, long generation) throws SQLException {
        State state = state(writer);
        if (state == null) {
            throw altered("capture is not installed");
        }
        checkGeneration(writer, generation);
        return state;
    }

    // ---- keep the changelog short ----

    /**
     * Deletes the oldest changelog rows, at most {@code rowsMax} (5000 take about a millisecond of the write lock).
     *
     * @param keepFromSeq the first row to keep; must not be greater than the watermark, whose row proves that the
     *     source has not gone back in time
     * @return how many rows were deleted
     * @throws StaleGeneration if a newer daemon has taken over
     */
    public static long purge(SqliteSession writer, long generation, long keepFromSeq, int rowsMax) throws SQLException {
        return inTransaction(writer, () -> {
            guarded(writer, generation);
            long keep = Math.min(keepFromSeq, head(writer).seq()); // the newest row stays whatever is asked
            String beyond = writer.text("SELECT seq FROM \"_sluice_changelog\" WHERE seq < " + keep
                    + " ORDER BY seq LIMIT 1 OFFSET " + rowsMax);
            writer.execute("DELETE FROM \"_sluice_changelog\" WHERE seq < " + (beyond == null ? keep : beyond));
            return writer.number("SELECT changes()");
        });
    }

    // ---- small things ----

    interface Body<T> {
        T run() throws SQLException;
    }

    static <T> T inTransaction(SqliteSession writer, Body<T> body) throws SQLException {
        writer.beginImmediate();
        boolean done = false;
        try {
            T result = body.run();
            writer.commit();
            done = true;
            return result;
        } finally {
            if (!done) {
                writer.rollback();
            }
        }
    }

    private static <T> T inSnapshot(SqliteSession session, Body<T> body) throws SQLException {
        session.execute("SAVEPOINT _sluice_capture"); // works inside a transaction and outside of one
        try {
            return body.run();
        } finally {
            session.execute("RELEASE _sluice_capture");
        }
    }

    private static boolean exists(SqliteSession session, String table) throws SQLException {
        return session.number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '" + table + "'") > 0;
    }

    static SourceRefusal altered(String what) {
        return new SourceRefusal(what + " (E17): remove the capture from the source and install it again");
    }
}
