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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;

/**
 * What Sluice keeps in the source: a changelog, a control row, a list of captured tables and the triggers. Every method
 * that writes does so in BEGIN IMMEDIATE transactions of its own; none may be called while {@code writer} has a
 * transaction open. Where there is much to do, it is done in several short ones with pauses between them, because the
 * application waits meanwhile; what is looked at or thought about for that, is before. The methods hold no state.
 */
public final class Capture {

    /** Columns k1 … kN that the changelog has at least. */
    private static final int KEY_COLUMNS_MIN = 4;

    /** Beyond 2^63 - 1 SQLite chooses row numbers at random, so the order would be lost (sqlite.org/autoinc.html). */
    private static final long SEQ_MAX = 1L << 62;

    /** How long a transaction may have been open when another statement is begun. */
    private static final long HOLD_NANOS = 10_000_000;

    /** Changelog rows that go in one statement: they take less than a millisecond. */
    public static final int STEP_ROWS = 1_000;

    /** Changelog rows that go in one transaction. */
    private static final int PURGE_ROWS = 5_000;

    /** Of the time, one part is ours and so many are the application's, while it waits in SQLite's busy handler. */
    private static final int PAUSE_FACTOR = 4;

    private static final long PAUSE_NANOS_MAX = 200_000_000;

    /** How often a schema that changes while it is looked at is looked at again. */
    private static final int LOOKS_MAX = 10;

    private static final String CHANGELOG = "_sluice_changelog";
    private static final String GONE = "GONE";

    /** The application's triggers while they are put aside, see {@link Fence}. */
    private static final String KEPT_TRIGGERS = "\"_sluice_trigger\"(position INTEGER PRIMARY KEY, name, tbl, sql)";

    /**
     * How far PostgreSQL's commits have come back, and which of its rows SQLite can't hold. Made here, so that opening the
     * stream changes no schema.
     */
    private static final String[] WAY_BACK = {
        "\"_sluice_reverse\"(id INTEGER PRIMARY KEY, slot, system, lsn, xid, traffic, epoch, version, beat)",
        "\"_sluice_parked_reverse\"(tbl, key, row, kept, code, reason, lsn, parked_at, PRIMARY KEY(tbl, key))"};

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

    /**
     * As {@link #install}, under an epoch that the caller knows before: by it a crash between the two sides is told. What
     * an installation under the same epoch has left that was cut off is removed before.
     */
    public static State install(SqliteSession writer, List<SourceTable> tables, String expectedHash, String epoch)
            throws SQLException {
        Deque<String> steps = new ArrayDeque<>();
        for (int i = 0; i < tables.size(); i++) {
            steps.addAll(captured(tables.get(i), i + 1));
        }
        State present = state(writer);
        if (present != null && (!present.epoch().equals(epoch)
                || damaged(writer).isEmpty() && tables.stream().allMatch(table -> present.table(table.name()) != null))) {
            return present;
        }
        if (present != null) {
            uninstall(writer);
        }
        clear(writer); // and commits lightly from here on
        int keyColumns = keyColumns(tables, KEY_COLUMNS_MIN);
        State other = inTransaction(writer, () -> {
            State begun = state(writer);
            if (begun == null) {
                refuseLeftovers(writer);
                requireHash(writer, expectedHash);
                createTables(writer, keyColumns, epoch);
            }
            return begun;
        });
        if (other != null) {
            return other;
        }
        try {
            boolean done = false;
            while (!done) {
                long version = inSnapshot(writer, () -> {
                    requireHash(writer, expectedHash);
                    return schemaVersion(writer);
                });
                done = inSteps(writer, steps, version, () -> { });
            }
        } catch (SourceRefusal e) {
            uninstall(writer);
            throw e;
        }
        return state(writer);
    }

    private static void requireHash(SqliteSession session, String expected) throws SQLException {
        if (!SchemaReader.hash(session).equals(expected)) {
            throw new SourceRefusal("the source's schema changed while capture was being installed: start again");
        }
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
        for (String table : WAY_BACK) {
            writer.execute("CREATE TABLE " + table);
        }
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
        if (!exists(writer, "_sluice_reverse")) {
            for (String table : WAY_BACK) {
                writer.execute("CREATE TABLE " + table);
            }
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

    /** The statements that capture a table. */
    private static List<String> captured(SourceTable table, int id) {
        for (Obstacle obstacle : Obstacle.of(table)) {
            if (obstacle.blocks()) {
                throw new SourceRefusal(obstacle.text() + " (" + obstacle.code() + ")");
            }
        }
        RowIdentity identity = table.identity();
        StringBuilder columns = new StringBuilder("id, name, kind, rowid_name");
        StringBuilder values = new StringBuilder(id + ", " + SqlText.literal(table.name()) + ", "
                + SqlText.literal(identity.kind().name()) + ", "
                + (identity.rowidName() == null ? "NULL" : SqlText.literal(identity.rowidName())));
        for (int i = 0; i < identity.columns().size(); i++) {
            columns.append(", k").append(i + 1);
            values.append(", ").append(SqlText.literal(identity.columns().get(i)));
        }
        List<String> statements = new ArrayList<>();
        statements.add("INSERT OR REPLACE INTO \"_sluice_table\"(" + columns + ") VALUES(" + values + ")");
        statements.addAll(TriggerScript.of(table, id).statements());
        return statements;
    }

    /**
     * Removes everything of ours; nothing happens where nothing is installed. From the first transaction on nothing is
     * captured any more; then the changelog goes in steps, as a long one would take the write lock for seconds. One that
     * is killed between the steps is finished by the next uninstall or install.
     *
     * @throws SourceRefusal if the source is fenced: taking the triggers away would let the application write again
     */
    public static void uninstall(SqliteSession writer) throws SQLException {
        commitLightly(writer);
        boolean more = true;
        while (more) {
            long start = System.nanoTime();
            more = inTransaction(writer, () -> {
                requireOpen(writer);
                for (String trigger : ours(writer, "trigger", "_sluice_*")) {
                    if (isDue(start)) {
                        return true;
                    }
                    writer.execute("DROP TRIGGER " + SqlText.quoted(trigger));
                }
                if (exists(writer, "_sluice_trigger")) {
                    Fence.giveBackTriggers(writer); // of a fence that was not lifted by us
                }
                for (String view : ours(writer, "view", "_sluice_*")) {
                    writer.execute("DROP VIEW " + SqlText.quoted(view));
                }
                for (String index : ours(writer, "index", "_sluice_*")) {
                    writer.execute("DROP INDEX " + SqlText.quoted(index));
                }
                for (String table : ours(writer, "table", "_sluice_*")) {
                    if (!table.equals(CHANGELOG)) {
                        writer.execute("DROP TABLE " + SqlText.quoted(table));
                    }
                }
                return false;
            });
            giveWay(start);
        }
        clear(writer);
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
        drop(writer, "trigger");
        if (triggers && exists(writer, "_sluice_trigger")) {
            Fence.giveBackTriggers(writer);
        }
        drop(writer, "view");
        drop(writer, "index");
        drop(writer, "table");
    }

    private static void drop(SqliteSession writer, String type) throws SQLException {
        for (String name : ours(writer, type, "_sluice_*")) {
            writer.execute("DROP " + type + " " + SqlText.quoted(name));
        }
    }

    private static void requireOpen(SqliteSession writer) throws SQLException {
        if (exists(writer, "_sluice_control")
                && writer.number("SELECT count(*) FROM \"_sluice_control\" WHERE fenced = 1") > 0) {
            throw new SourceRefusal("the source is fenced, and without its triggers it would take writes again:"
                    + " roll back or complete the cutover first");
        }
    }

    /** Removes a changelog that has lost its control row, into which therefore no trigger of ours writes any more. */
    private static void clear(SqliteSession writer) throws SQLException {
        commitLightly(writer);
        boolean more = isRemains(writer);
        while (more) {
            long start = System.nanoTime();
            more = inTransaction(writer, () -> {
                if (!isRemains(writer)) {
                    return false; // another process was faster
                }
                if (deleteOldest(writer, Long.MAX_VALUE, PURGE_ROWS, start) >= STEP_ROWS) {
                    return true;
                }
                writer.execute("DROP TABLE " + SqlText.quoted(CHANGELOG));
                return false;
            });
            giveWay(start);
        }
    }

    private static boolean isRemains(SqliteSession writer) throws SQLException {
        return inSnapshot(writer, () -> !exists(writer, "_sluice_control") && exists(writer, CHANGELOG)
                && ours(writer, "trigger", "_sluice_*").isEmpty());
    }

    private static List<String> ours(SqliteSession session, String type, String pattern) throws SQLException {
        return session.texts("SELECT name FROM sqlite_master WHERE type = '" + type + "' AND name GLOB '" + pattern + "'");
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

    /** Rows of the changelog: purging takes the oldest only, so that the numbers have few gaps. */
    public static long rows(SqliteSession session) throws SQLException {
        return session.number("SELECT coalesce(max(seq) - min(seq) + 1, 0) FROM \"_sluice_changelog\"");
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
        commitLightly(writer);
        for (int look = 1; look <= LOOKS_MAX; look++) {
            long[] version = {0};
            Deque<String> steps = inSnapshot(writer, () -> { // looks for NULL in keys, so not under the write lock
                version[0] = schemaVersion(writer);
                return repairs(writer, guarded(writer, generation), SchemaReader.read(writer), names);
            });
            boolean done = inSteps(writer, steps, version[0], () -> checkGeneration(writer, generation));
            State repaired = state(writer);
            if (done && !gotNullKey(writer, repaired, names)) {
                return repaired;
            }
        }
        throw new SourceRefusal("the source's schema changes faster than it can be looked at: it is tried again");
    }

    private static Deque<String> repairs(
            SqliteSession writer, State state, SourceSchema schema, Collection<String> names) throws SQLException {
        Deque<String> steps = new ArrayDeque<>();
        int keyColumns = keyColumns(names.stream().map(schema::table).filter(table -> table != null).toList(),
                state.keyColumns());
        steps.addAll(widening(state.keyColumns(), keyColumns));
        int nextId = 1 + (int) writer.number("SELECT coalesce(max(id), 0) FROM \"_sluice_table\"");
        for (String name : names) {
            CapturedTable captured = state.table(name);
            SourceTable table = schema.table(name);
            if (captured != null) {
                steps.addAll(dropped(writer, captured.id()));
            }
            if (captured != null && (table == null || !captured.fits(table) || holdsNullKey(captured, table))) {
                steps.add(givenUp(captured.id()));
                captured = null;
            }
            if (table != null) {
                steps.addAll(captured == null ? captured(table, nextId++)
                        : captured(table.withIdentity(captured.identity()), captured.id()));
            }
        }
        return steps;
    }

    /** Asked when the triggers are there: a NULL that came before them is seen here, one that comes later is logged. */
    private static boolean gotNullKey(SqliteSession writer, State repaired, Collection<String> names) throws SQLException {
        SourceSchema schema = SchemaReader.read(writer);
        return names.stream().anyMatch(name -> repaired.table(name) != null && schema.table(name) != null
                && holdsNullKey(repaired.table(name), schema.table(name)));
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
        commitLightly(writer);
        for (String name : names) {
            inTransaction(writer, () -> {
                CapturedTable captured = guarded(writer, generation).table(name);
                if (captured != null) {
                    for (String statement : dropped(writer, captured.id())) {
                        writer.execute(statement);
                    }
                    writer.execute(givenUp(captured.id()));
                }
                return null;
            });
        }
        return guarded(writer, generation);
    }

    private static List<String> widening(int present, int wanted) {
        List<String> statements = new ArrayList<>();
        for (int i = present + 1; i <= wanted; i++) {
            statements.add("ALTER TABLE \"_sluice_changelog\" ADD COLUMN k" + i);
            statements.add("ALTER TABLE \"_sluice_table\" ADD COLUMN k" + i);
        }
        return statements;
    }

    /** By name, wherever they sit: after ALTER TABLE RENAME they sit on the table's new name. */
    private static List<String> dropped(SqliteSession session, int id) throws SQLException {
        List<String> statements = new ArrayList<>();
        for (String trigger : ours(session, "trigger", TriggerScript.triggerName(id, "*"))) {
            statements.add("DROP TRIGGER IF EXISTS " + SqlText.quoted(trigger));
        }
        statements.add("DROP TABLE IF EXISTS " + SqlText.quoted(TriggerScript.candidateName(id)));
        return statements;
    }

    private static String givenUp(int id) {
        return "UPDATE \"_sluice_table\" SET kind = '" + GONE + "' WHERE id = " + id;
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
     * Deletes the oldest changelog rows in one short transaction: at most {@code rowsMax}, fewer if it takes long.
     *
     * @param keepFromSeq the first row to keep; must not be greater than the watermark, whose row proves that the
     *     source has not gone back in time
     * @return how many rows were deleted; fewer than {@link #STEP_ROWS} only if there are no more
     * @throws StaleGeneration if a newer daemon has taken over
     */
    public static long purge(SqliteSession writer, long generation, long keepFromSeq, int rowsMax) throws SQLException {
        commitLightly(writer);
        long start = System.nanoTime();
        return inTransaction(writer, () -> {
            checkGeneration(writer, generation);
            long keep = Math.min(keepFromSeq, head(writer).seq()); // the newest row stays whatever is asked
            return deleteOldest(writer, keep, rowsMax, start);
        });
    }

    private static long deleteOldest(SqliteSession writer, long keepFromSeq, int rowsMax, long start) throws SQLException {
        long deleted = 0;
        long step;
        do {
            long most = Math.min(STEP_ROWS, rowsMax - deleted);
            String beyond = writer.text("SELECT seq FROM \"_sluice_changelog\" WHERE seq < " + keepFromSeq
                    + " ORDER BY seq LIMIT 1 OFFSET " + most);
            writer.execute("DELETE FROM \"_sluice_changelog\" WHERE seq < " + (beyond == null ? keepFromSeq : beyond));
            step = writer.number("SELECT changes()");
            deleted += step;
        } while (step == STEP_ROWS && deleted < rowsMax && !isDue(start));
        return deleted;
    }

    /**
     * In WAL mode a commit of {@code writer} waits for no disk from now on: what the application has not synced yet would
     * be synced with it, under the write lock. A power loss may then bring deleted log rows back, which harms nobody, or
     * take triggers away, which whoever follows sees; what he has read by then he has synced himself.
     */
    private static void commitLightly(SqliteSession writer) throws SQLException {
        if ("wal".equalsIgnoreCase(writer.text("PRAGMA journal_mode"))) {
            writer.execute("PRAGMA synchronous = NORMAL");
        }
    }

    // ---- small things ----

    private interface Guard {
        void check() throws SQLException;
    }

    /**
     * Runs the statements, as many in one transaction as there is time for. What is half done in between looks damaged.
     *
     * @param version of the schema for which the statements were made
     * @param guard called at the beginning of every transaction
     * @return false as soon as somebody else has changed the schema
     */
    private static boolean inSteps(SqliteSession writer, Deque<String> steps, long version, Guard guard)
            throws SQLException {
        long[] expected = {version};
        boolean unchanged = true;
        while (unchanged && !steps.isEmpty()) {
            long start = System.nanoTime();
            unchanged = inTransaction(writer, () -> {
                guard.check();
                if (schemaVersion(writer) != expected[0]) {
                    return false;
                }
                do {
                    writer.execute(steps.remove());
                } while (!steps.isEmpty() && !isDue(start));
                expected[0] = schemaVersion(writer);
                return true;
            });
            giveWay(start);
        }
        return unchanged;
    }

    static long schemaVersion(SqliteSession session) throws SQLException {
        return session.number("PRAGMA schema_version");
    }

    private static boolean isDue(long start) {
        return System.nanoTime() - start >= HOLD_NANOS;
    }

    /** SQLite's locks know no queue: who waits looks now and then, and must find the lock free. */
    private static void giveWay(long start) {
        LockSupport.parkNanos(Math.min(PAUSE_NANOS_MAX, PAUSE_FACTOR * (System.nanoTime() - start)));
    }

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
