package dev.sluice.chaos;

import dev.sluice.chaos.ChaosSchema.Column;
import dev.sluice.chaos.ChaosSchema.Kind;
import dev.sluice.chaos.ChaosSchema.Table;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/**
 * An application of random habits, in a process of its own to be killed, that writes until its standard input ends.
 * Arguments: the file, a seed, statements per second at most, the {@link Fault}s there may be, joined by commas, and
 * whether it is the one that changes the schema and vacuums. It prints a line {@code transactions statements rows busy
 * rebuilds vacuums drifts} now and then, and ends with status 9 and the reason if a statement fails in a way that an application
 * should never see.
 */
public final class ChaosWriter {

    /** What an application does besides writing rows. */
    enum Fault {
        /** Odd values of pragmas. */
        PRAGMAS,
        /** Tables made anew, as migration tools do. */
        REBUILDS,
        VACUUM,
        /** Checkpoints of every kind. */
        CHECKPOINTS,
        /** Values that PostgreSQL's column can't take, so that rows are parked until they are mended. */
        MISFITS,
        /** Columns added and renamed, tables made, renamed and dropped. */
        DRIFT,
        /** No matter of a writer: a PostgreSQL that may lose its last commits in a crash, as a lagging replica does. */
        LOST_COMMITS
    }

    /** SQLite's answers that belong to an application's day: busy, locked, schema changed, constraint, no integer. */
    private static final Set<Integer> EVERYDAY = Set.of(5, 6, 17, 19, 20);
    /** SQLite has one code for everything that a statement names and that is not there. */
    private static final int GONE = 1;

    private static final String[] CLAUSES =
            {"", "", "", " OR REPLACE", " OR REPLACE", " OR IGNORE", " OR FAIL", " OR ABORT", " OR ROLLBACK"};

    private final String file;
    private final Random random;
    private final Statement statement;
    private final Set<Fault> faults;
    private final boolean migrates;
    private final long pauseNanos;
    private List<Table> tables = List.of();
    private long transactions;
    private long statements;
    private long rows;
    private long busy;
    private long rebuilds;
    private long vacuums;
    private long drifts;
    private long fresh;
    private boolean stale;

    private ChaosWriter(String file, Random random, Statement statement, Set<Fault> faults, boolean migrates,
            long pauseNanos) {
        this.migrates = migrates;
        this.file = file;
        this.random = random;
        this.statement = statement;
        this.faults = faults;
        this.pauseNanos = pauseNanos;
        this.fresh = 1_000_000L * (1 + random.nextInt(1_000_000));
    }

    public static void main(String[] arguments) throws Exception {
        Random random = new Random(Long.parseLong(arguments[1]));
        Set<Fault> faults = EnumSet.noneOf(Fault.class);
        for (String fault : arguments[3].split(",")) {
            if (!fault.isEmpty()) {
                faults.add(Fault.valueOf(fault));
            }
        }
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + arguments[0]);
                Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA busy_timeout = 20000");
            ChaosWriter writer = new ChaosWriter(arguments[0], random, statement, faults,
                    Boolean.parseBoolean(arguments[4]), 1_000_000_000L / Long.parseLong(arguments[2]));
            try {
                writer.write();
            } catch (SQLException e) {
                System.out.println("unexpected " + e.getErrorCode() + ": " + e.getMessage());
                e.printStackTrace(System.out);
                System.exit(9);
            }
            writer.report();
        }
    }

    private void write() throws Exception {
        ProcessHandle parent = ProcessHandle.current().parent().orElseThrow();
        look();
        pragmas();
        while (System.in.available() == 0) {
            long before = statements;
            int kind = random.nextInt(1_000);
            if (kind < 3 && migrates && faults.contains(Fault.DRIFT)) {
                drift();
            } else if (kind < 7 && migrates && faults.contains(Fault.REBUILDS)) {
                rebuild();
            } else if (kind < 10 && migrates && faults.contains(Fault.VACUUM)) {
                vacuum();
            } else if (kind < 18 && faults.contains(Fault.CHECKPOINTS)) {
                everyday("PRAGMA wal_checkpoint(" + pick("PASSIVE", "FULL", "RESTART", "TRUNCATE") + ")");
            } else if (kind < 30) {
                pragmas();
            } else if (kind < 200) {
                everyday(change(table())); // a transaction of its own
                transactions++;
            } else {
                transaction();
            }
            if (random.nextInt(30) == 0) {
                report();
                if (!parent.isAlive()) {
                    return; // a killed test leaves nothing behind
                }
            }
            if (stale || random.nextInt(50) == 0) {
                look();
                stale = false;
            }
            LockSupport.parkNanos(Math.max(1, statements - before) * pauseNanos);
        }
    }

    private void report() {
        System.out.println(transactions + " " + statements + " " + rows + " " + busy + " " + rebuilds + " " + vacuums + " " + drifts);
    }

    // ---- transactions ----

    private void transaction() throws SQLException {
        if (!everyday("BEGIN " + pick("IMMEDIATE", "IMMEDIATE", "DEFERRED", "EXCLUSIVE"))) {
            return;
        }
        if (random.nextInt(8) == 0) {
            everyday("PRAGMA defer_foreign_keys = ON");
        }
        int parts = random.nextInt(40) == 0 ? 60 : 1 + random.nextInt(5);
        for (int i = 0; i < parts && isOpen(); i++) {
            if (random.nextInt(6) == 0) {
                savepoint(random.nextInt(4));
            } else {
                part();
            }
        }
        if (isOpen()) {
            if (random.nextInt(10) == 0 || !everyday("COMMIT")) {
                end();
            } else {
                transactions++;
            }
        }
    }

    /** A deferred key that does not hold, or a reader in the way, leaves the transaction open. */
    private void end() throws SQLException {
        if (isOpen()) {
            run("ROLLBACK");
        }
    }

    private void savepoint(int depth) throws SQLException {
        String name = "s" + depth;
        run("SAVEPOINT " + name);
        for (int i = 1 + random.nextInt(4); i > 0 && isOpen(); i--) {
            if (depth > 0 && random.nextInt(4) == 0) {
                savepoint(depth - 1);
            } else {
                part();
            }
        }
        if (isOpen()) {
            if (random.nextBoolean()) {
                run("ROLLBACK TO " + name);
            }
            run("RELEASE " + name);
        }
    }

    /** OR ROLLBACK, and some failures, end the whole transaction. */
    private boolean isOpen() throws SQLException {
        // sqlite-jdbc keeps no account of transactions that are begun by statements, so SQLite is asked
        try {
            statement.execute("BEGIN");
        } catch (SQLException e) {
            return true;
        }
        statement.execute("ROLLBACK");
        return false;
    }

    private void part() throws SQLException {
        int kind = random.nextInt(10);
        if (kind < 4) {
            whole(this::moveMoney);
        } else if (kind == 4) {
            swapOrChain();
        } else {
            everyday(change(table()));
        }
    }

    private interface Steps {
        void run() throws SQLException;
    }

    /** All of {@code steps} or none: money that left an account must arrive. */
    private void whole(Steps steps) throws SQLException {
        run("SAVEPOINT whole");
        try {
            steps.run();
            run("RELEASE whole");
        } catch (SQLException e) {
            check(e);
            if (isOpen()) {
                run("ROLLBACK TO whole");
                run("RELEASE whole");
            }
        }
    }

    // ---- accounts: the sum of all cents, and of all ledger rows of a transfer, never changes ----

    private void moveMoney() throws SQLException {
        long from = account();
        long to = account();
        int cents = random.nextInt(500) - 100;
        String takeAll = "UPDATE accounts SET cents = cents + (SELECT cents FROM accounts WHERE id = " + to + ")"
                + " WHERE id = " + from + " AND id <> " + to;
        switch (random.nextInt(12)) {
            case 0 -> { // one takes the cents and the name, and by REPLACE the place, of another
                run(takeAll);
                run("UPDATE OR REPLACE accounts SET name = (SELECT name FROM accounts WHERE id = " + to + ") WHERE id = "
                        + from);
            }
            case 1 -> run("UPDATE accounts SET id = " + ++fresh + " WHERE id = " + from);
            case 2 -> { // closed, its cents go elsewhere
                run(takeAll);
                run("DELETE FROM accounts WHERE id = " + to + " AND id <> " + from);
            }
            case 3, 4 -> run("INSERT INTO accounts VALUES (" + ++fresh + ", 'new " + fresh + "', 0)");
            case 5 -> run("REPLACE INTO accounts SELECT id, 'again " + ++fresh + " ' || id, cents FROM accounts WHERE id IN ("
                    + from + ", " + to + ")");
            case 6 -> { // a name changes hands
                run("UPDATE accounts SET name = '~' || name WHERE id = " + from);
                run("UPDATE accounts SET name = (SELECT substr(name, 2) FROM accounts WHERE id = " + from + ")"
                        + " WHERE id = " + to);
                run("UPDATE accounts SET name = 'other " + ++fresh + "' WHERE id = " + from);
            }
            case 7 -> run("DELETE FROM ledger WHERE transfer IN (SELECT transfer FROM ledger LIMIT " + random.nextInt(40)
                    + ")");
            default -> {
                run("UPDATE accounts SET cents = cents - " + cents + " WHERE id = " + from);
                if (random.nextInt(3) == 0) {
                    run("INSERT INTO accounts SELECT id, name, " + cents + " FROM accounts WHERE id = " + to
                            + " ON CONFLICT (id) DO UPDATE SET cents = cents + excluded.cents");
                } else {
                    run("UPDATE accounts SET cents = cents + " + cents + " WHERE id = " + to);
                }
                run("INSERT INTO ledger VALUES (" + ++fresh + ", " + from + ", " + -cents + "), (" + fresh + ", " + to
                        + ", " + cents + ")");
            }
        }
    }

    private long account() throws SQLException {
        long near = random.nextBoolean() ? random.nextInt(ChaosSchema.KEYS) : fresh - random.nextInt(20);
        try (ResultSet row = statement.executeQuery("SELECT id FROM accounts ORDER BY id < " + near + ", id LIMIT 1")) {
            row.next();
            return row.getLong(1);
        }
    }

    // ---- any table ----

    private void swapOrChain() throws SQLException {
        int a = key();
        switch (random.nextInt(6)) {
            case 0 -> { // two rows change their unique values
                everyday("UPDATE kv SET n = -1 WHERE n = " + a);
                everyday("UPDATE kv SET n = " + a + " WHERE n = " + (a + 1));
                everyday("UPDATE kv SET n = " + (a + 1) + " WHERE n = -1");
            }
            case 1 -> everyday("UPDATE kv SET n = n + 1 WHERE n BETWEEN " + a + " AND " + (a + 3)); // where there is room
            case 2 -> everyday("UPDATE OR REPLACE pairs SET u = u + 1 WHERE u BETWEEN " + a + " AND " + (a + 4));
            case 3 -> { // up by way of negative numbers
                everyday("UPDATE nodes SET id = -id WHERE id BETWEEN " + a + " AND " + (a + 6));
                everyday("UPDATE nodes SET id = 1 - id WHERE id < 0");
            }
            case 4 -> { // keys change hands
                everyday("UPDATE users SET id = 0 WHERE id = " + a);
                everyday("UPDATE users SET id = " + a + " WHERE id = " + (a + 1));
                everyday("UPDATE users SET id = " + (a + 1) + " WHERE id = 0");
            }
            default -> {
                everyday("UPDATE users SET mail = upper(mail) WHERE id BETWEEN " + a + " AND " + (a + 9));
                everyday("UPDATE pairs SET a = lower(a) || 'x', b = b + 1 WHERE b = " + small());
            }
        }
    }

    private Table table() {
        List<Table> all = tables.stream().filter(Table::random).toList();
        return all.get(random.nextInt(all.size()));
    }

    /** Looks which tables are there and what columns they have got. */
    private void look() throws SQLException {
        List<Table> found = new ArrayList<>();
        for (Table known : ChaosSchema.TABLES) {
            found.add(current(known));
        }
        if (faults.contains(Fault.DRIFT)) {
            for (String name : texts("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '"
                    + ChaosSchema.PASSING + "*'")) {
                found.add(current(new Table(name, "", List.of(new Column("id", Kind.KEY), new Column("v", Kind.ANY)),
                        List.of("id"), List.of(), true)));
            }
        }
        found.removeIf(Objects::isNull);
        tables = found;
    }

    /** {@code known} as it is declared at present, null if it isn't. */
    private Table current(Table known) throws SQLException {
        List<String> sql = texts("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = '" + known.name() + "'");
        if (sql.isEmpty()) {
            return null;
        }
        List<Column> columns = new ArrayList<>(known.columns());
        for (String added : texts("SELECT name FROM pragma_table_info('" + known.name() + "') WHERE name GLOB '"
                + ChaosSchema.ADDED + "*'")) {
            columns.add(new Column(added, Kind.WORD));
        }
        return known.as(sql.get(0).substring(sql.get(0).indexOf('(')), columns);
    }

    private List<String> texts(String sql) throws SQLException {
        List<String> texts = new ArrayList<>();
        try (ResultSet row = statement.executeQuery(sql)) {
            while (row.next()) {
                texts.add(row.getString(1));
            }
        } catch (SQLException e) {
            check(e); // busy: what was known before is as good
        }
        return texts;
    }

    private String change(Table table) {
        int kind = random.nextInt(100);
        if (kind < 25) {
            return insert(table, "INSERT" + pick(CLAUSES));
        } else if (kind < 35) {
            return insert(table, "REPLACE");
        } else if (kind < 45) {
            return upsert(table);
        } else if (kind < 53) {
            return refill(table);
        } else if (kind < 85) {
            return update(table);
        } else if (kind < 99) {
            return "DELETE FROM " + table.name() + where(table);
        }
        return random.nextInt(10) == 0 ? "DELETE FROM " + table.name() : "DELETE FROM " + table.name() + " WHERE "
                + pickColumn(table).name() + " IS NOT NULL AND random() % 3 = 0";
    }

    private String insert(Table table, String verb) {
        List<Column> columns = some(table);
        List<String> values = new ArrayList<>();
        for (int i = random.nextInt(8) == 0 ? 4 : 1; i > 0; i--) {
            values.add(columns.stream().map(this::value).collect(Collectors.joining(", ", "(", ")")));
        }
        return verb + " INTO " + table.name() + columns.stream().map(Column::name).collect(Collectors.joining(", ", " (", ")"))
                + " VALUES " + String.join(", ", values);
    }

    private String upsert(Table table) {
        String insert = insert(table, "INSERT");
        if (table.key().isEmpty() || random.nextInt(4) == 0) {
            return insert + " ON CONFLICT DO NOTHING";
        }
        Column column = pickColumn(table);
        return insert + " ON CONFLICT (" + String.join(", ", table.key()) + ") DO UPDATE SET " + column.name() + " = "
                + (random.nextBoolean() ? value(column) : "excluded." + column.name());
    }

    /** Many rows at once, where there is room for them. */
    private String refill(Table table) {
        int from = key();
        return "INSERT OR IGNORE INTO " + table.name() + " (" + table.list() + ") SELECT "
                + table.columns().stream().map(column -> switch (column.kind()) {
                    case KEY -> "id";
                    case WORD -> "'w' || id";
                    case SMALL, COUNT -> "id % 30";
                    default -> value(column);
                }).collect(Collectors.joining(", ")) + " FROM still WHERE id BETWEEN " + from + " AND " + (from + 150);
    }

    private String update(Table table) {
        List<String> sets = new ArrayList<>();
        for (Column column : some(table).subList(0, 1)) {
            sets.add(column.name() + " = " + switch (column.kind()) {
                case KEY -> pick(value(column), column.name() + " + 1", column.name() + " + 1500", value(column));
                case SMALL, COUNT -> pick(value(column), column.name() + " + 1");
                case WORD -> pick(value(column), "upper(" + column.name() + ")", column.name() + " || 'x'", value(column));
                default -> value(column);
            });
        }
        Column other = pickColumn(table);
        if (random.nextInt(3) == 0 && !sets.get(0).startsWith(other.name() + " ")) {
            sets.add(other.name() + " = " + value(other));
        }
        return "UPDATE" + pick(CLAUSES) + " " + table.name() + " SET " + String.join(", ", sets) + where(table);
    }

    private String where(Table table) {
        Column column = pickColumn(table);
        Column first = table.columns().get(0);
        return " WHERE " + switch (random.nextInt(8)) {
            case 0 -> table.key().size() == 2 ? "b = " + small() : "rowid = " + key();
            case 1 -> column.name() + " IS NULL AND random() % 4 = 0";
            case 2 -> column.kind() == Kind.KEY ? between(column) : column.name() + " = " + value(column);
            default -> first.kind() == Kind.KEY && random.nextInt(3) == 0 ? between(first)
                    : first.name() + " = " + value(first);
        };
    }

    private String between(Column column) {
        int from = key();
        return column.name() + " BETWEEN " + from + " AND " + (from + random.nextInt(20));
    }

    private String value(Column column) {
        if (random.nextInt(80) == 0 && faults.contains(Fault.MISFITS)) {
            return switch (column.kind()) {
                case FLAG -> pick("2", "'x'", "x'01'");
                case TIME -> pick("'soon'", "7", "'2024-02-30 00:00:00'");
                case PRICE -> pick("'much'", "123456789012.345", "9e999", "1e300");
                case DOCUMENT -> pick("'{'", "7", "x'7b7d'");
                case REAL -> "'a lot'";
                default -> "NULL";
            };
        }
        return switch (column.kind()) {
            case KEY -> random.nextInt(20) == 0 ? "NULL" : Integer.toString(key());
            case SMALL -> random.nextInt(20) == 0 ? "NULL" : Integer.toString(small());
            case COUNT -> Integer.toString(small());
            case WORD -> random.nextInt(20) == 0 ? "NULL" : "'" + (random.nextInt(4) == 0 ? "W" : "w") + key() + "'";
            case ANY -> pick("NULL", "0", "-7", "9223372036854775807", "1.5", "'b'", "'1'", "x'00'", "x''", "'a' || char(0)",
                    "CAST(x'fe62' AS TEXT)", "'w' || " + key(), "randomblob(" + random.nextInt(3_000) + ")");
            case REAL -> pick("NULL", "0.0", "-0.0", "9e999", "-9e999", Double.toString(random.nextGaussian()));
            case FLAG -> pick("0", "1", "NULL");
            case TIME -> "datetime(" + (1_600_000_000L + random.nextInt(200_000_000)) + ", 'unixepoch')";
            case PRICE -> random.nextInt(9) == 0 ? "NULL" : random.nextInt(100_000) + "." + (10 + random.nextInt(90));
            case DOCUMENT -> "'{\"a\": [" + random.nextInt() + ", null, \"ü\"]}'";
            case BYTES -> pick("NULL", "x''", "x'00'", "randomblob(" + random.nextInt(200) + ")");
        };
    }

    private int key() {
        return 1 + (random.nextInt(3) == 0 ? random.nextInt(40) : random.nextInt(ChaosSchema.KEYS * 11 / 10));
    }

    private int small() {
        return random.nextInt(32);
    }

    // ---- faults ----

    private void pragmas() throws SQLException {
        everyday("PRAGMA recursive_triggers = " + random.nextBoolean());
        everyday("PRAGMA foreign_keys = " + (random.nextInt(4) > 0));
        if (faults.contains(Fault.PRAGMAS)) {
            everyday("PRAGMA synchronous = " + pick("OFF", "NORMAL", "NORMAL", "FULL"));
            everyday("PRAGMA " + pick("cache_size = 10", "cache_size = -2000", "cache_spill = 1", "temp_store = MEMORY",
                    "secure_delete = ON", "secure_delete = OFF", "reverse_unordered_selects = ON",
                    "reverse_unordered_selects = OFF", "wal_autocheckpoint = 0", "wal_autocheckpoint = 5",
                    "wal_autocheckpoint = 1000", "automatic_index = OFF", "trusted_schema = OFF", "cell_size_check = ON",
                    "mmap_size = 1000000", "mmap_size = 0"));
            if (random.nextInt(3) == 0) {
                String mode;
                try (ResultSet row = statement.executeQuery("PRAGMA journal_mode")) {
                    mode = row.getString(1);
                }
                if (!mode.equals("wal")) {
                    everyday("PRAGMA journal_mode = " + pick("DELETE", "TRUNCATE", "PERSIST", "WAL"));
                }
            }
        }
    }

    /** As from a scheduled job, beside the application's own connection. */
    private void vacuum() throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement other = connection.createStatement()) {
            other.execute("PRAGMA busy_timeout = 20000");
            other.execute("VACUUM");
            vacuums++;
        } catch (SQLException e) {
            check(e);
        }
    }

    private void rebuild() throws SQLException {
        if (!everyday("PRAGMA foreign_keys = OFF") || !everyday("BEGIN IMMEDIATE")) {
            return;
        }
        look(); // nobody adds a column between this and the rebuild
        Table table = tables.get(random.nextInt(tables.size()));
        // RENAME over a table that a trigger names is refused by SQLite
        int way = table.name().equals("audit") ? 0 : random.nextInt(4);
        List<String> steps = new ArrayList<>(switch (way) {
            case 0 -> ChaosSchema.rebuildAsRails(table);
            case 1 -> ChaosSchema.rebuildAsDjango(table);
            case 2 -> ChaosSchema.rebuildAsAlembic(table);
            default -> ChaosSchema.rebuildAside(table);
        });
        if (way == 2 || way == 3) {
            end();
        } else {
            steps.remove("BEGIN IMMEDIATE");
        }
        boolean made = true;
        for (int i = 0; i < steps.size() && made; i++) {
            made = everyday(steps.get(i)); // if not, as if the tool had been stopped
        }
        end();
        rebuilds += made ? 1 : 0;
        everyday("DROP TABLE IF EXISTS \"_alembic_tmp_" + table.name() + "\"");
        everyday("PRAGMA legacy_alter_table = OFF");
        pragmas();
    }

    private void drift() throws SQLException {
        look();
        Table table = tables.get(random.nextInt(tables.size()));
        List<String> passing = tables.stream().map(Table::name)
                .filter(name -> name.startsWith(ChaosSchema.PASSING)).toList();
        List<String> added = table.names().stream().filter(name -> name.startsWith(ChaosSchema.ADDED)).toList();
        switch (random.nextInt(7)) {
            case 0 -> {
                if (added.size() < 3) {
                    everyday("ALTER TABLE " + table.name() + " ADD COLUMN " + ChaosSchema.ADDED + ++fresh
                            + (random.nextBoolean() ? " TEXT" : " TEXT NOT NULL DEFAULT 'w0'"));
                }
            }
            case 1 -> {
                if (!added.isEmpty()) {
                    everyday("ALTER TABLE " + table.name() + " RENAME COLUMN " + added.get(0) + " TO " + ChaosSchema.ADDED
                            + ++fresh);
                }
            }
            case 2, 3 -> {
                if (passing.size() < 3) {
                    everyday("CREATE TABLE " + ChaosSchema.PASSING + ++fresh + " (id INTEGER PRIMARY KEY, v)");
                    everyday("INSERT INTO " + ChaosSchema.PASSING + fresh + " SELECT id, v FROM kv JOIN still ON n = id");
                }
            }
            case 4 -> {
                if (!passing.isEmpty()) {
                    everyday("ALTER TABLE " + passing.get(0) + " RENAME TO " + ChaosSchema.PASSING + ++fresh);
                }
            }
            case 5 -> {
                if (!added.isEmpty()) {
                    everyday("ALTER TABLE " + table.name() + " DROP COLUMN " + added.get(0));
                }
            }
            default -> {
                if (!passing.isEmpty()) {
                    everyday("DROP TABLE " + passing.get(0));
                }
            }
        }
        drifts++;
        look();
    }

    // ---- statements ----

    private void run(String sql) throws SQLException {
        statements++;
        statement.execute(sql);
        rows += Math.max(0, statement.getUpdateCount());
    }

    /** False if it failed as statements do every day. */
    private boolean everyday(String sql) throws SQLException {
        try {
            run(sql);
            return true;
        } catch (SQLException e) {
            check(e);
            return false;
        }
    }

    private void check(SQLException e) throws SQLException {
        int code = e.getErrorCode() & 0xff;
        boolean drifting = faults.contains(Fault.DRIFT) && code == GONE;
        if (!EVERYDAY.contains(code) && !drifting) {
            throw e;
        }
        if (drifting) {
            stale = true;
        }
        busy += code == 5 || code == 6 ? 1 : 0;
    }

    private List<Column> some(Table table) {
        List<Column> some = table.columns().stream().filter(column -> random.nextInt(6) > 0)
                .collect(Collectors.toCollection(ArrayList::new));
        if (some.isEmpty()) {
            some.add(table.columns().get(0));
        }
        Collections.shuffle(some, random);
        return some;
    }

    private Column pickColumn(Table table) {
        return table.columns().get(random.nextInt(table.columns().size()));
    }

    private String pick(String... choices) {
        return choices[random.nextInt(choices.length)];
    }
}
