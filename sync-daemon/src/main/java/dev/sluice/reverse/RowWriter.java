package dev.sluice.reverse;

import static dev.sluice.sqlite.SqlText.quoted;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.conflict.Verdict;
import dev.sluice.mapping.Codecs;
import dev.sluice.schema.RowIdentity;
import dev.sluice.schema.SourceColumn;
import dev.sluice.sqlite.SqliteFailure;
import dev.sluice.sqlite.SqliteRows;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.Conflict;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;

/**
 * Brings net changes of one table into the source, within the caller's transaction. The quick way deletes, updates and
 * inserts; where the schema refuses that, because unique values swap or a row breaks a rule, the careful way takes every
 * touched row out first and puts each back by itself, and parks what is refused still. What the target has no column for
 * stays as it was. Not thread-safe.
 */
final class RowWriter implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final TypeReference<LinkedHashMap<String, String>> TEXTS = new TypeReference<>() {};
    private static final String CONTESTED = "unique";
    /** So many contested rows are tried again per batch. */
    private static final int CONTESTED_ROWS_MAX = 16;
    private static final int STATEMENTS_MAX = 50;
    private static final String CHANGED_OUTSIDE = "the row was changed in SQLite in spite of the fence: sluice conflicts list";

    private final SqliteSession writer;
    private final StreamTable table;
    private final String quotedTable;
    /** Keys and codes of what is parked of this table. */
    private final Map<String, String> parked;
    private final Map<String, PreparedStatement> statements = new LinkedHashMap<>(16, 0.75f, true);
    private OutsideWrites outside;
    private long lsn;

    RowWriter(SqliteSession writer, StreamTable table, Map<String, String> parked) {
        this.writer = writer;
        this.table = table;
        this.quotedTable = quoted(table.source().name());
        this.parked = parked;
    }

    /** Has it look for rows that somebody else has written; null not to. */
    void lookFor(OutsideWrites writes) {
        outside = writes;
    }

    /** How many rows are parked. */
    int parkedRows() {
        return parked.size();
    }

    /**
     * A row on its way in. {@code values} stand in the order of the source's stored columns, null where the source's own
     * stays or its default comes.
     */
    private final class Pending {
        final String[] texts;
        /** The key in the source whose row this is, null for one that is not there. */
        RowKey from;
        /** What stands in the source where nothing was sent; null if unknown. */
        Value[] base;
        final Value[] values = new Value[table.stored().size()];
        RowKey key;
        /** True if something that was not sent is needed to insert the row. */
        boolean hasGaps;
        String code;
        String reason;

        Pending(String[] texts, RowKey from, Value[] base) {
            this.texts = texts;
            this.from = from;
            this.base = base;
        }

        boolean fits() {
            return code == null;
        }

        boolean isMoved() {
            return from != null && !from.equals(key);
        }

        void refuse(String newCode, String newReason) {
            code = newCode;
            reason = newReason;
        }
    }

    // ---- in ----

    void apply(NetChanges net, long transaction) throws SQLException {
        lsn = transaction;
        if (net.isTruncated()) {
            execute("DELETE FROM " + quotedTable, List.of());
            Ledger.unparkAll(writer, table.plan().source());
            parked.clear();
        }
        if (outside != null && outside.touches(table.plan().source())) {
            reconcile(net);
        }
        List<RowKey> gone = new ArrayList<>();
        for (Map.Entry<String, String[]> row : net.deleted().entrySet()) {
            if (parked.remove(row.getKey()) != null) {
                Ledger.unpark(writer, table.plan().source(), row.getKey()); // nothing of it is in the table
            } else {
                add(gone, sourceKey(row.getValue()));
            }
        }
        List<Pending> rows = new ArrayList<>();
        for (Map.Entry<String, NetChanges.Net> row : net.rows().entrySet()) {
            rows.add(pending(row.getKey(), row.getValue()));
        }
        writer.execute("SAVEPOINT _sluice_reverse");
        List<Pending> refused = new ArrayList<>();
        try {
            quickly(gone, rows, refused);
        } catch (SQLException e) {
            if (!SqliteFailure.of(e).concernsRow()) {
                throw e;
            }
            writer.execute("ROLLBACK TO _sluice_reverse");
            refused.clear();
            carefully(gone, rows, refused);
        }
        writer.execute("RELEASE _sluice_reverse");
        for (Pending row : refused) {
            park(row);
        }
        retryContested();
    }

    /** Makes rows as they are printed, and takes those of {@code gone} out, whoever wrote what is there. */
    void mend(List<String[]> rows, List<RowKey> gone, long at) throws SQLException {
        OutsideWrites asked = outside;
        outside = null;
        try {
            for (RowKey key : gone) {
                delete(key);
            }
            NetChanges net = new NetChanges(table);
            rows.forEach(texts -> net.add(new RowChange(table.number(), RowChange.Kind.UPDATE, null, texts)));
            apply(net, at);
        } finally {
            outside = asked;
        }
    }

    // ---- rows that somebody else has written ----

    /** Takes out of {@code net} what is not to be written, or not now. */
    private void reconcile(NetChanges net) throws SQLException {
        for (var rows = net.rows().entrySet().iterator(); rows.hasNext();) {
            Map.Entry<String, NetChanges.Net> row = rows.next();
            NetChanges.Net change = row.getValue();
            RowKey key = sourceKey(change.from() == null ? change.texts() : change.from());
            Pending arriving = new Pending(change.texts(), key, null);
            decode(arriving);
            if (key == null || !arriving.fits() || !outside.touches(table.plan().source(), key)) {
                continue;
            }
            Value[] there = read(key);
            Verdict verdict = outside.decide(table.plan().source(), key, change.from() == null, versionColumns(),
                    version(arriving.values, there), there == null ? null : version(there, null), lsn);
            switch (verdict.act()) {
                case APPLY -> outside.settled(table.plan().source(), key);
                case MERGE -> row.setValue(new NetChanges.Net(without(change.texts(), verdict.kept()), change.from()));
                case KEEP_EXISTING -> rows.remove();
                default -> {
                    arriving.refuse(verdict.kind().code(), CHANGED_OUTSIDE);
                    park(arriving);
                    rows.remove();
                }
            }
        }
        for (var rows = net.deleted().entrySet().iterator(); rows.hasNext();) {
            String[] texts = rows.next().getValue();
            RowKey key = sourceKey(texts);
            if (key == null || !outside.touches(table.plan().source(), key)) {
                continue;
            }
            Value[] there = read(key);
            Verdict verdict = outside.decide(table.plan().source(), key, false, versionColumns(), null,
                    there == null ? null : version(there, null), lsn);
            switch (verdict.act()) {
                case APPLY -> outside.settled(table.plan().source(), key);
                case KEEP_EXISTING -> rows.remove();
                default -> {
                    String[] keyOnly = new String[texts.length];
                    for (int i = 0; i < texts.length; i++) {
                        keyOnly[i] = isKey(i) ? texts[i] : PrintedValues.ABSENT;
                    }
                    Pending arriving = new Pending(keyOnly, key, null);
                    arriving.refuse(verdict.kind().code(), CHANGED_OUTSIDE);
                    park(arriving);
                    rows.remove();
                }
            }
        }
    }

    /** The source's names of what a version consists of. */
    private List<String> versionColumns() {
        return table.columns().stream().filter(column -> column.index() >= 0).map(column -> name(column.index())).toList();
    }

    /** @param others what stands for values that were not sent; null where there is nothing */
    private List<Value> version(Value[] values, Value[] others) {
        List<Value> version = new ArrayList<>();
        for (StreamTable.Column column : table.columns()) {
            if (column.index() >= 0) {
                Value value = values[column.index()];
                version.add(value != null ? value : others != null ? others[column.index()] : Value.NULL);
            }
        }
        return version;
    }

    /** @param kept places in a version of columns that stay as they are */
    private String[] without(String[] texts, Set<Integer> kept) {
        String[] less = texts.clone();
        int place = 0;
        for (int i = 0; i < texts.length; i++) {
            if (table.columns().get(i).index() >= 0 && kept.contains(place++)) {
                less[i] = PrintedValues.ABSENT;
            }
        }
        return less;
    }

    /** Does what the operator has decided of a conflict: the version that arrived, or the one that is there. */
    void resolve(Conflict conflict, boolean incoming) throws SQLException {
        for (String key : List.copyOf(parked.keySet())) {
            if (!parked.get(key).equals(conflict.kind().code())) {
                continue;
            }
            ParkedReverse row = Ledger.unpark(writer, table.plan().source(), key);
            if (conflict.key().equals(sourceKey(unparked(row).texts))) {
                parked.remove(key);
            } else {
                Ledger.park(writer, row);
            }
        }
        if (!incoming) {
            return;
        }
        Value[] there = read(conflict.key());
        delete(conflict.key());
        if (!conflict.incomingHash().isEmpty()) {
            Pending row = new Pending(new String[table.names().length], null, there);
            row.key = conflict.key();
            List<String> columns = versionColumns();
            for (int i = 0; i < table.stored().size(); i++) {
                int place = columns.indexOf(name(i));
                row.values[i] = place < 0 ? null : conflict.incoming().get(place);
            }
            insert(row);
        }
        outside.settled(table.plan().source(), conflict.key());
    }

    private static void add(List<RowKey> keys, RowKey key) {
        if (key != null) {
            keys.add(key);
        }
    }

    private Pending pending(String key, NetChanges.Net net) throws SQLException {
        Pending row;
        String from = net.from() == null ? key : table.key(net.from());
        if (parked.remove(from) != null) {
            row = restored(net.from() == null ? null : net.texts(), Ledger.unpark(writer, table.plan().source(), from), net);
        } else {
            row = new Pending(net.texts(), net.from() == null ? null : sourceKey(net.from()), null);
        }
        decode(row);
        return row;
    }

    /** A row that was parked, changed by {@code later}; a new row of the same key takes nothing over from it. */
    private Pending restored(String[] later, ParkedReverse before, NetChanges.Net net) {
        if (later == null) {
            return new Pending(net.texts(), null, null);
        }
        Pending row = unparked(before);
        Pending changed = new Pending(NetChanges.merged(later, row.texts), null, row.base);
        return changed;
    }

    private Pending unparked(ParkedReverse before) {
        Map<String, String> sent = texts(before.row());
        String[] texts = new String[table.names().length];
        for (int i = 0; i < texts.length; i++) {
            texts[i] = sent.containsKey(table.names()[i]) ? sent.get(table.names()[i]) : PrintedValues.UNCHANGED;
        }
        Value[] base = null;
        if (before.kept() != null) {
            Map<String, String> kept = texts(before.kept());
            base = new Value[table.stored().size()];
            for (int i = 0; i < base.length; i++) {
                String name = table.stored().get(i).name();
                if (kept.containsKey(name)) {
                    base[i] = kept.get(name) == null ? Value.NULL : Codecs.ANYTHING.decode(kept.get(name));
                }
            }
        }
        return new Pending(texts, null, base);
    }

    private RowKey sourceKey(String[] texts) {
        try {
            return table.sourceKey(texts);
        } catch (RuntimeException e) {
            return null; // no codec has ever written it, so the source has no such row
        }
    }

    private void decode(Pending row) {
        List<StreamTable.Column> columns = table.columns();
        for (int i = 0; i < columns.size(); i++) {
            StreamTable.Column column = columns.get(i);
            String text = row.texts[i];
            if (!PrintedValues.isSent(text)) {
                row.hasGaps |= text == PrintedValues.UNCHANGED
                        && (row.base == null || column.index() < 0 || row.base[column.index()] == null);
                continue;
            }
            Value value;
            try {
                value = text == null ? Value.NULL : column.codec().decode(text);
            } catch (RuntimeException e) {
                row.refuse("not_representable", table.plan().source() + "." + column.target() + " holds a "
                        + column.codec().type() + " that has no form in the source's column");
                continue;
            }
            if (!StreamTable.isKept(column, value)) {
                row.refuse("not_representable", table.plan().source() + "." + column.target()
                        + " holds a value that SQLite would turn into another one");
            }
            if (column.index() >= 0) {
                row.values[column.index()] = value;
            }
        }
        if (!table.hasKey(row.texts)) {
            row.refuse("incomplete", "a row of " + table.plan().source() + " came without its key");
        } else {
            row.key = sourceKey(row.texts);
        }
    }

    // ---- the quick way ----

    private void quickly(List<RowKey> gone, List<Pending> rows, List<Pending> refused) throws SQLException {
        for (RowKey key : gone) {
            delete(key);
        }
        List<Pending> missing = new ArrayList<>();
        for (boolean moved : new boolean[] {false, true}) {
            for (Pending row : rows) {
                if (row.fits() && row.from != null && row.isMoved() == moved && !update(row)) {
                    missing.add(row);
                }
            }
        }
        for (Pending row : rows) {
            if (!row.fits()) {
                takeOut(row);
                refused.add(row);
            }
        }
        for (Pending row : rows) {
            if (row.fits() && row.from == null) {
                missing.add(row);
            }
        }
        for (Pending row : missing) {
            if (row.hasGaps) {
                row.refuse("incomplete", "a row of " + table.plan().source() + " was changed in the target that the source"
                        + " does not have, and what had not changed was not sent");
                refused.add(row);
            } else {
                insert(row);
            }
        }
    }

    /** Returns false if the source has no such row. */
    private boolean update(Pending row) throws SQLException {
        StringJoiner set = new StringJoiner(", ");
        List<Value> values = new ArrayList<>();
        List<StreamTable.Column> columns = table.columns();
        for (int i = 0; i < columns.size(); i++) {
            StreamTable.Column column = columns.get(i);
            if (!PrintedValues.isSent(row.texts[i]) || !row.isMoved() && isKey(i)) {
                continue;
            }
            Value value = column.index() < 0 ? row.key.parts().get(0) : row.values[column.index()];
            set.add((column.index() < 0 ? table.plan().identity().rowidName() : quoted(name(column.index()))) + " = "
                    + place(value));
            values.add(value);
        }
        if (values.isEmpty()) {
            return read(row.from) != null;
        }
        String where = where(row.from, values);
        return execute("UPDATE OR ABORT " + quotedTable + " SET " + set + where, values) > 0;
    }

    private boolean isKey(int position) {
        for (int key : table.keys()) {
            if (key == position) {
                return true;
            }
        }
        return false;
    }

    private void delete(RowKey key) throws SQLException {
        List<Value> values = new ArrayList<>();
        execute("DELETE FROM " + quotedTable + where(key, values), values);
    }

    private void insert(Pending row) throws SQLException {
        StringJoiner names = new StringJoiner(", ");
        StringJoiner places = new StringJoiner(", ");
        List<Value> values = new ArrayList<>();
        if (table.plan().identity().kind() == RowIdentity.Kind.ROWID) {
            names.add(table.plan().identity().rowidName());
            places.add("?");
            values.add(row.key.parts().get(0));
        }
        for (int i = 0; i < row.values.length; i++) {
            Value value = row.values[i] != null || row.base == null ? row.values[i] : row.base[i];
            if (value != null) {
                names.add(quoted(name(i)));
                places.add(place(value));
                values.add(value);
            }
        }
        execute("INSERT OR ABORT INTO " + quotedTable + "(" + names + ") VALUES(" + places + ")", values);
    }

    // ---- the careful way ----

    private void carefully(List<RowKey> gone, List<Pending> rows, List<Pending> refused) throws SQLException {
        for (Pending row : rows) {
            if (row.from != null) {
                row.base = read(row.from);
                row.hasGaps = row.base == null && hasUnchanged(row.texts);
            }
        }
        for (RowKey key : gone) {
            delete(key);
        }
        for (Pending row : rows) {
            if (row.from != null) {
                delete(row.from);
            }
            if (row.key != null && row.fits()) {
                delete(row.key);
            }
        }
        for (Pending row : rows) {
            if (row.fits()) {
                insertOrRefuse(row);
            }
            if (!row.fits()) {
                refused.add(row);
            }
        }
    }

    private static boolean hasUnchanged(String[] texts) {
        for (String text : texts) {
            if (text == PrintedValues.UNCHANGED) {
                return true;
            }
        }
        return false;
    }

    private void insertOrRefuse(Pending row) throws SQLException {
        if (row.hasGaps) {
            row.refuse("incomplete", "a row of " + table.plan().source() + " was changed in the target that the source does"
                    + " not have, and what had not changed was not sent");
            return;
        }
        try {
            insert(row);
        } catch (SQLException e) {
            SqliteFailure failure = SqliteFailure.of(e);
            if (!failure.concernsRow()) {
                throw e;
            }
            row.refuse(failure.name().toLowerCase(Locale.ROOT), "the source's table " + table.plan().source() + " refuses the"
                    + " row: " + switch (failure) {
                        case UNIQUE -> "another row holds its unique value";
                        case NOT_NULL -> "a column that may not be NULL would be";
                        case CHECK -> "it breaks a CHECK";
                        case TYPE -> "a value's class is not the column's";
                        case TOO_BIG -> "it is larger than SQLite takes";
                        default -> "it breaks a rule of the schema";
                    });
        }
    }

    // ---- parking ----

    /** Removes the row's former state, which would be wrong data, and remembers what only it has. */
    private void takeOut(Pending row) throws SQLException {
        if (row.from != null) {
            row.base = read(row.from);
            delete(row.from);
        }
    }

    private void park(Pending row) throws SQLException {
        Map<String, String> sent = new LinkedHashMap<>();
        boolean[] isSent = new boolean[table.stored().size()];
        for (int i = 0; i < row.texts.length; i++) {
            if (PrintedValues.isSent(row.texts[i])) {
                sent.put(table.names()[i], row.texts[i]);
                int index = table.columns().get(i).index();
                if (index >= 0) {
                    isSent[index] = true;
                }
            }
        }
        Map<String, String> kept = null;
        if (row.base != null) {
            kept = new LinkedHashMap<>();
            for (int i = 0; i < row.base.length; i++) {
                if (!isSent[i] && row.base[i] != null) {
                    kept.put(name(i), row.base[i].isNull() ? null : Codecs.ANYTHING.text(row.base[i]));
                }
            }
        }
        String key = table.key(row.texts);
        Ledger.park(writer, new ParkedReverse(table.plan().source(), key, json(sent), kept == null ? null : json(kept),
                row.code, row.reason, lsn, Instant.now().truncatedTo(ChronoUnit.SECONDS).toString()));
        parked.put(key, row.code);
    }

    /**
     * Tries a parked row again, with other texts for the columns in {@code edits}; returns false if it is parked still.
     *
     * @throws IllegalArgumentException if a column is none of the table's, or part of its key
     */
    boolean again(String key, Map<String, String> edits) throws SQLException {
        if (!parked.containsKey(key)) {
            return false;
        }
        ParkedReverse before = Ledger.unpark(writer, table.plan().source(), key);
        parked.remove(key);
        Pending row = unparked(before);
        for (Map.Entry<String, String> edit : edits.entrySet()) {
            int position = List.of(table.names()).indexOf(edit.getKey());
            if (position < 0 || isKey(position)) {
                throw new IllegalArgumentException("column " + edit.getKey() + " of the target's " + table.plan().target()
                        + (position < 0 ? " is not there" : " is part of the key, which says which row this is"));
            }
            row.texts[position] = edit.getValue();
        }
        lsn = before.lsn();
        decode(row);
        if (row.fits()) {
            insertOrRefuse(row);
        }
        if (!row.fits()) {
            park(row);
        }
        return row.fits();
    }

    /** Forgets a parked row. */
    void discard(String key) throws SQLException {
        Ledger.unpark(writer, table.plan().source(), key);
        parked.remove(key);
    }

    /** A row that another one stood in the way of can come when that one has changed. */
    private void retryContested() throws SQLException {
        if (!parked.containsValue(CONTESTED)) {
            return;
        }
        List<String> contested = parked.entrySet().stream().filter(row -> row.getValue().equals(CONTESTED))
                .limit(CONTESTED_ROWS_MAX).map(Map.Entry::getKey).toList();
        for (String key : contested) {
            parked.remove(key);
            Pending row = unparked(Ledger.unpark(writer, table.plan().source(), key));
            decode(row);
            insertOrRefuse(row);
            if (!row.fits()) {
                park(row);
            }
        }
    }

    private static String json(Map<String, String> texts) {
        try {
            return JSON.writeValueAsString(texts);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("strings are always JSON", e);
        }
    }

    static Map<String, String> texts(String json) {
        try {
            return JSON.readValue(json, TEXTS);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a row in _sluice_parked_reverse can't be read", e);
        }
    }

    // ---- SQL ----

    private String name(int index) {
        return table.stored().get(index).name();
    }

    /** The stored values of a row, null if there is none. */
    private Value[] read(RowKey key) throws SQLException {
        StringJoiner names = new StringJoiner(", ");
        for (SourceColumn column : table.stored()) {
            names.add(quoted(column.name()));
        }
        List<Value> parameters = new ArrayList<>();
        String where = where(key, parameters);
        PreparedStatement query = statement("SELECT " + names + " FROM " + quotedTable + where);
        bind(query, parameters);
        try (SqliteRows rows = writer.rows(query)) {
            if (!rows.next()) {
                return null;
            }
            Value[] values = new Value[table.stored().size()];
            rows.read(0, values);
            return values;
        }
    }

    /** Exactly this key: where its column compares more loosely, another row could be equal to it. */
    private String where(RowKey key, List<Value> parameters) {
        List<String> names = table.plan().identity().names();
        StringJoiner where = new StringJoiner(" AND ", " WHERE ", "");
        for (int i = 0; i < names.size(); i++) {
            Value part = key.parts().get(i);
            if (table.plan().identity().kind() == RowIdentity.Kind.ROWID) {
                where.add(names.get(i) + " = ?");
                parameters.add(part);
                continue;
            }
            SourceColumn column = table.source().column(names.get(i));
            String name = quoted(column.name());
            where.add(name + " = " + sought(part));
            parameters.add(part);
            if (!column.collation().equals("BINARY")) {
                where.add(name + " COLLATE BINARY = " + sought(part));
                parameters.add(part);
            }
        }
        return where.toString();
    }

    private static String place(Value value) {
        return SqliteSession.needsCast(value) ? "CAST(? AS TEXT)" : "?";
    }

    /** The plus takes the affinity away that a CAST has, so that the column is compared as with a plain parameter. */
    private static String sought(Value value) {
        return SqliteSession.needsCast(value) ? "+CAST(? AS TEXT)" : "?";
    }

    private int execute(String sql, List<Value> values) throws SQLException {
        PreparedStatement statement = statement(sql);
        bind(statement, values);
        return statement.executeUpdate();
    }

    private void bind(PreparedStatement statement, List<Value> values) throws SQLException {
        for (int i = 0; i < values.size(); i++) {
            SqliteSession.bind(statement, i + 1, writer.sendable(values.get(i)));
        }
    }

    private PreparedStatement statement(String sql) throws SQLException {
        PreparedStatement statement = statements.get(sql);
        if (statement == null) {
            statement = writer.prepare(sql);
            statements.put(sql, statement);
            if (statements.size() > STATEMENTS_MAX) {
                var oldest = statements.entrySet().iterator();
                oldest.next().getValue().close();
                oldest.remove();
            }
        }
        return statement;
    }

    @Override
    public void close() throws SQLException {
        for (PreparedStatement statement : statements.values()) {
            statement.close();
        }
        statements.clear();
    }
}
