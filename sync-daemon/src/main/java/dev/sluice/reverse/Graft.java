package dev.sluice.reverse;

import dev.sluice.capture.Fence;
import dev.sluice.plan.ColumnPlan;
import dev.sluice.plan.Declaration;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.postgres.SqlFailure;
import dev.sluice.postgres.Target;
import dev.sluice.schema.RowIdentity;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqliteFailure;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.translate.Identifiers;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Takes a {@link Growth} over into SQLite: at one position of the log, with the rows as they were there. To be used in the
 * order of its methods, by one thread. Closing it lets PostgreSQL's tables go; what is in SQLite by then stays.
 */
final class Graft implements AutoCloseable {

    private static final int LOCK_ATTEMPTS_MAX = 40;
    private static final Duration LOCK_ATTEMPT = Duration.ofMillis(50);
    private static final Duration LOCK_PAUSE = Duration.ofMillis(50);
    private static final int LOCK_PAUSES_MAX = 10;
    private static final int ROWS_PER_PART = 500;

    private final Target target;
    private final Slot slot;
    private final MigrationPlan plan;
    private final TargetShape before;
    private Growth growth;
    private TargetShape now;
    private Connection rows;
    private long position;

    Graft(Target target, Slot slot, MigrationPlan plan, TargetShape before) {
        this.target = target;
        this.slot = slot;
        this.plan = plan;
        this.before = before;
    }

    /** Where in the log the tables were as they are read here. */
    interface Cut {
        void at(long position);
    }

    // ---- in PostgreSQL ----

    /** Readies new tables for being streamed. Can be repeated. */
    void ready(Growth wanted) throws SQLException {
        try (Connection connection = target.connect()) {
            connection.setAutoCommit(false);
            for (Growth.Table table : wanted.tables()) {
                slot.ready(connection, table.name(), table.targetKey(), table.keyColumn());
            }
            connection.commit();
        }
    }

    /**
     * Opens a snapshot of the tables at one position of the log: while nobody can be writing to them, both are taken.
     *
     * @param wanted what was found; found again, under the lock
     * @param told called with the position before a writer can go on
     * @return false if the tables have changed since they were looked at: look again
     */
    boolean cut(Growth wanted, SourceSchema source, Cut told) throws SQLException, InterruptedException {
        String tables = wanted.places().stream().map(this::qualified).collect(Collectors.joining(", "));
        rows = target.connect();
        rows.setAutoCommit(false);
        try (Connection lock = target.connect()) {
            lock.setAutoCommit(false);
            lock(lock, tables);
            now = slot.shape(lock);
            growth = Growth.look(lock, plan, slot, before, now, source);
            boolean same = growth.places().equals(wanted.places());
            if (same) {
                try (Statement statement = rows.createStatement();
                        ResultSet row = statement.executeQuery("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")) {
                    row.next();
                    position = row.getLong(1);
                }
                told.at(position);
            }
            lock.rollback();
            return same;
        }
    }

    /**
     * Keeps writers out by one connection, and for longer what would show the other an emptied or rewritten table. In short
     * attempts that let go of both: who waits for a lock keeps everybody behind it waiting too.
     */
    private void lock(Connection connection, String tables) throws SQLException, InterruptedException {
        for (int attempt = 1;; attempt++) {
            try (Statement reading = rows.createStatement(); Statement statement = connection.createStatement()) {
                reading.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
                reading.execute("SET LOCAL lock_timeout = " + LOCK_ATTEMPT.toMillis());
                reading.execute("LOCK TABLE " + tables + " IN ACCESS SHARE MODE"); // takes no snapshot
                statement.execute("SET LOCAL lock_timeout = " + LOCK_ATTEMPT.toMillis());
                statement.execute("LOCK TABLE " + tables + " IN SHARE ROW EXCLUSIVE MODE");
                return;
            } catch (SQLException e) {
                rows.rollback();
                connection.rollback();
                if (SqlFailure.of(e) != SqlFailure.TRANSIENT || attempt == LOCK_ATTEMPTS_MAX) {
                    throw e;
                }
                new CountDownLatch(1).await(LOCK_PAUSE.toMillis() * Math.min(attempt, LOCK_PAUSES_MAX), TimeUnit.MILLISECONDS);
            }
        }
    }

    private String qualified(String table) {
        return Slot.qualified(new String[] {plan.schema(), table});
    }

    // ---- in SQLite ----

    /**
     * Makes the columns and tables, fills them, and writes down what has become of the plan, in one transaction.
     *
     * @throws SourceRefusal if SQLite refuses a column or table
     */
    Grown write(SqliteFile file, Duration busy, long generation) throws SQLException {
        try (SqliteSession writer = file.openWriter(busy)) {
            writer.execute("PRAGMA synchronous = FULL"); // PostgreSQL forgets what is committed here
            writer.execute("PRAGMA foreign_keys = OFF");
            writer.execute("PRAGMA recursive_triggers = OFF");
            return Fence.writeThrough(writer, generation, () -> written(writer));
        }
    }

    private Grown written(SqliteSession writer) throws SQLException {
        long versionBefore = writer.number("PRAGMA schema_version");
        String hashBefore = SchemaReader.hash(writer);
        Grown.makeRoom(writer);
        for (Map.Entry<String, List<Growth.Column>> table : growth.columns().entrySet()) {
            for (Growth.Column column : table.getValue()) {
                make(writer, column.added(planned(table.getKey()).source()), "column " + table.getKey() + "." + column.name());
            }
        }
        for (Growth.Table table : growth.tables()) {
            make(writer, table.sql(), "table " + table.name());
        }
        SourceSchema schema = SchemaReader.read(writer);
        // a change of somebody else's, made before ours, must still be found by its hash
        MigrationPlan grown = plan(schema, hashBefore.equals(plan.schemaHash()) ? schema.hash() : plan.schemaHash());
        fill(writer, grown, schema);
        TargetShape taken = growth.taken(before, now);
        Grown news = new Grown(plan, grown, TargetShape.json(taken.columns()),
                taken.pieces() == null ? null : TargetShape.json(taken.pieces()), versionBefore,
                writer.number("PRAGMA schema_version"), growth.due(" and is in SQLite too"));
        news.write(writer);
        return news;
    }

    private static void make(SqliteSession writer, String sql, String what) throws SQLException {
        try {
            writer.execute(sql);
        } catch (SQLException e) {
            if (SqliteFailure.of(e) == SqliteFailure.STATEMENT) {
                throw new SourceRefusal("SQLite can't take over the " + what + " that was made in PostgreSQL: make it in SQLite"
                        + " after the rollback, or drop it in PostgreSQL", e);
            }
            throw e;
        }
    }

    private TablePlan planned(String target) {
        return plan.tables().stream().filter(table -> table.target().equals(target)).findFirst().orElseThrow();
    }

    private MigrationPlan plan(SourceSchema schema, String hash) {
        List<TablePlan> tables = new ArrayList<>();
        for (TablePlan table : plan.tables()) {
            List<Growth.Column> added = growth.columns().getOrDefault(table.target(), List.of());
            if (added.isEmpty()) {
                tables.add(table);
                continue;
            }
            List<String> stored = stored(schema.table(table.source()));
            List<ColumnPlan> columns = new ArrayList<>(table.columns());
            added.forEach(column -> columns.add(column(column, stored)));
            tables.add(new TablePlan(table.source(), table.target(), table.identity(), stored, columns, table.keyColumn(),
                    table.existing(), table.rows()));
        }
        List<Declaration> declarations = new ArrayList<>(plan.declarations());
        List<String> taken = new ArrayList<>(plan.taken());
        for (Growth.Table table : growth.tables()) {
            SourceTable source = schema.table(table.name());
            List<String> stored = stored(source);
            tables.add(new TablePlan(table.name(), table.name(), source.identity(), stored,
                    table.columns().stream().map(column -> column(column, stored)).toList(),
                    source.identity().kind() == RowIdentity.Kind.ROWID ? table.keyColumn() : null, true, 0));
            taken.add(table.name());
            if (table.keyColumn() != null) {
                declarations.add(new Declaration(Declaration.Stage.TABLE, table.name(), "key column \"" + table.keyColumn()
                        + "\" on \"" + table.name() + "\"", Slot.keyColumn(plan.schema(), table.name(), table.keyColumn()),
                        "ALTER TABLE " + qualified(table.name()) + " DROP COLUMN " + Identifiers.quote(table.keyColumn()), true));
            }
        }
        return new MigrationPlan(plan.schema(), tables, declarations, plan.notCarried(), plan.notes(), plan.problems(), hash, taken,
                plan.held());
    }

    private static List<String> stored(SourceTable table) {
        return table.storedColumns().stream().map(SourceColumn::name).toList();
    }

    private static ColumnPlan column(Growth.Column column, List<String> stored) {
        return new ColumnPlan(column.name(), stored.indexOf(column.name()), column.name(), column.codec().id(), null);
    }

    // ---- rows ----

    private void fill(SqliteSession writer, MigrationPlan grown, SourceSchema schema) throws SQLException {
        Map<String, Map<String, String>> parked = Ledger.parkedKeys(writer);
        Set<String> places = growth.places();
        for (TablePlan table : grown.tables()) {
            if (places.contains(table.target())) {
                StreamTable streamed = new StreamTable(0, table, schema.table(table.source()));
                List<Growth.Column> added = growth.columns().get(table.target());
                try (RowWriter rowWriter = new RowWriter(writer, streamed,
                        parked.getOrDefault(table.source(), new HashMap<>()))) {
                    fill(rowWriter, streamed, added);
                }
            }
        }
    }

    /** @param added null for a new table, of which all is taken */
    private void fill(RowWriter rowWriter, StreamTable table, List<Growth.Column> added) throws SQLException {
        Set<String> wanted = new HashSet<>(table.plan().keyTargets());
        StringJoiner where = new StringJoiner(" OR ");
        if (added == null) {
            wanted.addAll(Arrays.asList(table.names()));
            where.add("true");
        } else {
            for (Growth.Column column : added) {
                wanted.add(column.name());
                where.add(Identifiers.quote(column.name()) + "::text IS DISTINCT FROM "
                        + (column.printed() == null ? "NULL" : "?::text"));
            }
        }
        StringJoiner selected = new StringJoiner(", ");
        for (String name : table.names()) {
            selected.add(wanted.contains(name) ? Identifiers.quote(name) + "::text" : "NULL");
        }
        try (PreparedStatement query = rows.prepareStatement(
                "SELECT " + selected + " FROM " + qualified(table.plan().target()) + " WHERE " + where)) {
            query.setFetchSize(ROWS_PER_PART);
            int parameter = 1;
            for (Growth.Column column : added == null ? List.<Growth.Column>of() : added) {
                if (column.printed() != null) {
                    query.setString(parameter++, column.printed());
                }
            }
            try (ResultSet row = query.executeQuery()) {
                NetChanges part = new NetChanges(table);
                while (row.next()) {
                    String[] texts = new String[table.names().length];
                    for (int i = 0; i < texts.length; i++) {
                        texts[i] = wanted.contains(table.names()[i]) ? row.getString(i + 1) : PrintedValues.UNCHANGED;
                    }
                    part.add(new RowChange(0, added == null ? RowChange.Kind.INSERT : RowChange.Kind.UPDATE, null, texts));
                    if (part.rows().size() == ROWS_PER_PART) {
                        rowWriter.apply(part, position);
                        part = new NetChanges(table);
                    }
                }
                rowWriter.apply(part, position);
            }
        }
    }

    @Override
    public void close() throws SQLException {
        if (rows != null) {
            try (Connection closing = rows) {
                closing.rollback();
            }
        }
    }
}
