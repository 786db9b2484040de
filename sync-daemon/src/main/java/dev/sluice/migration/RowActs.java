package dev.sluice.migration;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.apply.HaltedByConflict;
import dev.sluice.audit.AuditMirror;
import dev.sluice.change.Row;
import dev.sluice.change.Value;
import dev.sluice.conflict.Direction;
import dev.sluice.conflict.Verdict;
import dev.sluice.follow.Follower;
import dev.sluice.phase.Phase;
import dev.sluice.plan.TablePlan;
import dev.sluice.postgres.LastingSession;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.reverse.ParkedReverse;
import dev.sluice.schema.SourceTable;
import dev.sluice.store.Audit;
import dev.sluice.store.Conflict;
import dev.sluice.store.ConflictStore;
import dev.sluice.store.Keys;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.ParkedRow;
import dev.sluice.store.RowPrint;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an operator does with single rows: looks at parked ones and at conflicts, and decides what becomes of them; and the
 * audit log, in which every such decision stands before it is done. Thread-safe; not for the follow thread.
 */
public final class RowActs {

    private static final Logger LOG = LoggerFactory.getLogger(RowActs.class);

    private static final int LOOKED_THROUGH_MAX = 100_000;
    private static final int ID_LENGTH = 12;

    private final String name;
    private final Target target;
    private final MigrationStore store;
    private final ConflictStore conflicts;
    private final Standing standing;
    private final Requests requests;
    private final TrafficSwitch traffic;
    private final AuditMirror mirror;
    private final FollowThread thread;

    /** The follow thread of the migration: for work that runs on it. */
    interface FollowThread {

        LastingSession session();

        /** @throws TargetRefusal if the source is not followed at present */
        Follower follower();

        /** The table as it is declared now. */
        SourceTable source(String table);
    }

    /**
     * A row that is kept aside.
     *
     * @param id what names it in commands
     * @param key the texts of its key's parts
     * @param column the source column at fault, or null
     * @param position the changelog row or, on the way back, the end of the transaction that it came with
     * @param hash SHA-256 over its content, empty where that was too large to keep or the row is gone
     * @param values by column; null where they were not asked for
     */
    public record Parked(String id, Direction direction, String table, List<String> key, String column, String code,
            String reason, long position, Instant parkedAt, String hash, Map<String, String> values) {}

    RowActs(String name, Target target, MigrationStore store, Standing standing, Requests requests, TrafficSwitch traffic,
            AuditMirror mirror, FollowThread thread) {
        this.name = name;
        this.target = target;
        this.store = store;
        this.conflicts = new ConflictStore(name);
        this.standing = standing;
        this.requests = requests;
        this.traffic = traffic;
        this.mirror = mirror;
        this.thread = thread;
    }

    // ---- parked rows ----

    /** Rows that are parked, on the way there and on the way back, without their values. */
    public List<Parked> parked(int rowsMax) throws SQLException {
        List<Parked> all = new ArrayList<>();
        try (Connection connection = target.connect()) {
            for (ParkedRow row : store.parked(connection, rowsMax)) {
                all.add(forward(row, null));
            }
        }
        for (ParkedReverse row : traffic.parkedReverse(standing.plan, rowsMax)) {
            all.add(reverse(row, false));
        }
        return all.subList(0, Math.min(rowsMax, all.size()));
    }

    private Parked forward(ParkedRow row, Map<String, String> values) {
        return new Parked(id(Direction.FORWARD, row.table(), Keys.json(row.key())), Direction.FORWARD, row.table(),
                Arrays.asList(Keys.texts(row.key().parts())), row.column(), row.code(), row.reason(), row.seq(), row.parkedAt(),
                row.row() == null ? "" : RowPrint.hash(Arrays.asList(row.row().values())), values);
    }

    private static Parked reverse(ParkedReverse row, boolean values) {
        return new Parked(id(Direction.REVERSE, row.table(), row.key()), Direction.REVERSE, row.table(), List.of(row.key()), null,
                row.code(), row.reason(), row.lsn(), Instant.parse(row.parkedAt()), sha(row.row()),
                values ? row.values() : null);
    }

    private static String id(Direction direction, String table, String key) {
        return (direction == Direction.FORWARD ? "f" : "r") + sha(table + '\0' + key).substring(0, ID_LENGTH);
    }

    private static String sha(String text) {
        MessageDigest digest = Keys.sha256();
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(digest.digest());
    }

    /**
     * One parked row.
     *
     * @param values true to have its values too
     */
    public Parked parkedRow(String id, boolean values) throws SQLException {
        if (id.startsWith("r")) {
            return reverse(parkedReverse(id), values);
        }
        ParkedRow row = parkedForward(id);
        return forward(row, values && row.row() != null ? named(row) : null);
    }

    private Map<String, String> named(ParkedRow row) {
        List<String> columns = standing.plan.table(row.table()).stored();
        String[] texts = Keys.texts(Arrays.asList(row.row().values()));
        Map<String, String> values = new LinkedHashMap<>();
        for (int i = 0; i < texts.length; i++) {
            values.put(i < columns.size() ? columns.get(i) : "column " + (i + 1), texts[i]);
        }
        return values;
    }

    private ParkedRow parkedForward(String id) throws SQLException {
        try (Connection connection = target.connect()) {
            for (ParkedRow row : store.parked(connection, LOOKED_THROUGH_MAX)) {
                if (id(Direction.FORWARD, row.table(), Keys.json(row.key())).equals(id)) {
                    return store.parkedRow(connection, row.table(), row.key());
                }
            }
        }
        throw gone(id);
    }

    private ParkedReverse parkedReverse(String id) throws SQLException {
        return traffic.parkedReverse(standing.plan, LOOKED_THROUGH_MAX).stream()
                .filter(row -> id(Direction.REVERSE, row.table(), row.key()).equals(id)).findFirst().orElseThrow(() -> gone(id));
    }

    private static TargetRefusal gone(String id) {
        return new TargetRefusal("no row is parked as " + id + " (any more): sluice parked list");
    }

    /** Tries a parked row again, with the values that the side with traffic has now; false if it is parked still. */
    public boolean retry(String id, String actor) throws Exception {
        if (id.startsWith("r")) {
            ParkedReverse row = parkedReverse(id);
            audited(actor, "retry_parked", about(reverse(row, false)));
            return traffic.placeReverse(row, Map.of());
        }
        ParkedRow row = parkedForward(id);
        requireFollowing("retry a parked row");
        audited(actor, "retry_parked", about(forward(row, null)));
        boolean arrived = requests.ask(() -> thread.follower().again(thread.source(row.table()), Set.of(row.key())) == 0);
        count();
        return arrived;
    }

    /**
     * Brings a parked row to its side with other values than the side with traffic has. The two differ then, which a
     * verification will say, until the same is done where the traffic is.
     *
     * @param edits texts by column, as they are shown; null for NULL
     */
    public void edit(String id, Map<String, String> edits, String actor) throws Exception {
        if (edits.isEmpty()) {
            throw new TargetRefusal("nothing is changed: name a column and its new value");
        }
        if (id.startsWith("r")) {
            ParkedReverse row = parkedReverse(id);
            audited(actor, "edit_parked", about(reverse(row, false)).put("columns", String.join(", ", edits.keySet())));
            if (!traffic.placeReverse(row, edits)) {
                throw new TargetRefusal("SQLite does not take the row so either: it stays parked, sluice parked show " + id);
            }
            return;
        }
        ParkedRow parked = parkedForward(id);
        requireFollowing("edit a parked row");
        Row edited = edited(parked, edits);
        audited(actor, "edit_parked", about(forward(parked, null)).put("columns", String.join(", ", edits.keySet()))
                .put("editedHash", RowPrint.hash(Arrays.asList(edited.values()))));
        requests.ask(() -> {
            thread.follower().place(parked.table(), edited);
            return null;
        });
        count();
    }

    private Row edited(ParkedRow parked, Map<String, String> edits) {
        TablePlan plan = standing.plan.table(parked.table());
        if (parked.row() == null) {
            throw new TargetRefusal("the row of " + parked.table() + " was deleted or is too large to be kept, so there is nothing"
                    + " to edit: mend it in SQLite");
        }
        Value[] values = parked.row().values().clone();
        edits.forEach((column, text) -> {
            int index = -1;
            for (int i = 0; i < plan.stored().size(); i++) {
                if (plan.stored().get(i).equalsIgnoreCase(column)) {
                    index = i;
                }
            }
            if (index < 0) {
                throw new TargetRefusal("table " + parked.table() + " has no column " + column);
            }
            if (plan.identity().columns().stream().anyMatch(column::equalsIgnoreCase)) {
                throw new TargetRefusal(parked.table() + "." + column + " is part of the key, which says which row this is: change it"
                        + " in SQLite");
            }
            values[index] = Keys.values(new String[] {text}).get(0);
        });
        return new Row(parked.key(), values);
    }

    /** Forgets a parked row: the other side goes without it. */
    public void discard(String id, String reason, String actor) throws Exception {
        if (reason == null || reason.isBlank()) {
            throw new TargetRefusal("say why the row may be discarded: --reason, which the audit log keeps");
        }
        if (id.startsWith("r")) {
            ParkedReverse row = parkedReverse(id);
            audited(actor, "discard_parked", about(reverse(row, false)).put("why", reason));
            traffic.discardReverse(row);
            return;
        }
        ParkedRow row = parkedForward(id);
        try (Connection connection = target.connect()) {
            connection.setAutoCommit(false);
            new Audit(name).append(connection, actor, "discard_parked", about(forward(row, null)).put("why", reason).toString());
            store.unpark(connection, row.table(), List.of(row.key()));
            connection.commit();
            connection.setAutoCommit(true);
        }
        mirror();
        count();
    }

    /** What the audit log keeps of a row: which, and a hash, no values. */
    private static ObjectNode about(Parked row) {
        ObjectNode detail = JsonNodeFactory.instance.objectNode();
        detail.put("id", row.id()).put("direction", ConflictStore.label(row.direction())).put("table", row.table());
        ArrayNode key = detail.putArray("key");
        row.key().forEach(key::add);
        return detail.put("code", row.code()).put("hash", row.hash());
    }

    private void requireFollowing(String what) {
        if (standing.phase != Phase.REPLICATING) {
            throw new TargetRefusal("can't " + what + " in phase " + standing.phase.label() + ": wait for replicating");
        }
    }

    private void count() throws Exception {
        requests.ask(() -> {
            standing.parked(thread.session().run(store::parkedCounts));
            return null;
        });
    }

    // ---- conflicts ----

    /** Youngest first, without a look at who asked. */
    public List<Conflict> conflicts(boolean openOnly, int max) throws SQLException {
        try (Connection connection = target.connect()) {
            return conflicts.list(connection, openOnly, max);
        }
    }

    public Conflict conflict(long id) throws SQLException {
        try (Connection connection = target.connect()) {
            Conflict conflict = conflicts.find(connection, id);
            if (conflict == null) {
                throw new TargetRefusal("there is no conflict " + id + ": sluice conflicts list");
            }
            return conflict;
        }
    }

    /**
     * Takes one of the two versions, if they are still the two; a later change of the row is a conflict of its own.
     *
     * @param source true for SQLite's, false for PostgreSQL's
     */
    public Conflict resolve(long id, boolean source, String actor) throws Exception {
        Conflict conflict = conflict(id);
        Conflict.Decision decision = conflict.of(source);
        if (conflict.state() == Conflict.State.CLOSED) {
            throw new TargetRefusal("conflict " + id + " is closed: nothing is left to decide");
        }
        boolean reverse = conflict.direction() == Direction.REVERSE;
        if (!reverse) {
            requireFollowing("resolve a conflict");
        } else if (standing.phase != Phase.SWITCHED) {
            throw new TargetRefusal("can't resolve a conflict of the way back in phase " + standing.phase.label()
                    + ": SQLite has the traffic, and its version went to PostgreSQL");
        }
        try (Connection connection = target.connect()) {
            connection.setAutoCommit(false);
            conflicts.decide(connection, conflict, decision, actor);
            connection.commit();
            connection.setAutoCommit(true);
        }
        mirror();
        if (reverse) {
            if (decision == Conflict.Decision.INCOMING && conflict.incoming() == null && !conflict.incomingHash().isEmpty()) {
                throw new TargetRefusal("PostgreSQL's version was too large to be kept: update the row there, then it comes again");
            }
            if (conflict.act() != Verdict.Act.HALT) { // what was halted comes by itself
                traffic.resolveReverse(conflict, decision == Conflict.Decision.INCOMING);
                try (Connection connection = target.connect()) {
                    conflicts.close(connection, id);
                }
            }
            return conflict(id);
        }
        try {
            requests.ask(() -> thread.follower().again(thread.source(conflict.table()), Set.of(conflict.key())));
            count();
        } catch (HaltedByConflict e) {
            LOG.debug("the next conflict waits", e); // this one is decided
        }
        return conflict(id);
    }

    // ---- the audit log ----

    /** Entries behind {@code ordinal}, oldest first. */
    public List<Audit.Entry> audit(long ordinal, int max) throws SQLException {
        try (Connection connection = target.connect()) {
            List<Audit.Entry> entries = new Audit(name).entriesAfter(connection, ordinal);
            return entries.subList(0, Math.min(max, entries.size()));
        }
    }

    /** Looks whether anything was deleted, edited, moved or cut off, in PostgreSQL or in the file. */
    public AuditMirror.Report verifyAudit() throws SQLException, IOException {
        try (Connection connection = target.connect()) {
            return mirror.verify(connection);
        }
    }

    /** Writes down what is about to be done. */
    public void audited(String actor, String act, ObjectNode detail) throws SQLException {
        try (Connection connection = target.connect()) {
            connection.setAutoCommit(false);
            new Audit(name).append(connection, actor, act, detail.toString());
            connection.commit();
            connection.setAutoCommit(true);
        }
        mirror();
    }

    private void mirror() throws SQLException {
        try (Connection connection = target.connect()) {
            mirror.flush(connection);
        } catch (IOException e) {
            LOG.warn("event=audit_not_mirrored file={}", mirror.file(), e); // tried again every few seconds
        }
    }
}
