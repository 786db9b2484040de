package dev.sluice.demo;

import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.postgres.Target;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.MigrationStore;
import dev.sluice.tail.Limits;
import dev.sluice.tail.Snapshot;
import dev.sluice.tail.SourceReader;
import dev.sluice.verify.SamePoint;
import dev.sluice.verify.Subject;
import dev.sluice.verify.Verifier;
import dev.sluice.verify.VerifyReport;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Both sides once nobody writes any more, the last writer having been on PostgreSQL. */
final class RestingSides {

    private static final long LOOK_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    /** Every transaction of the application that changes anything leaves one of these, and they come back in order. */
    private static final String LAST_EVENT = "SELECT count(*) || ' ' || max(at_ms) || ' ' || sum(at_ms) FROM events";

    private final SqliteFile file;
    private final Target target;
    private final Duration busyTimeout;

    RestingSides(SqliteFile file, Target target, Duration busyTimeout) {
        this.file = file;
        this.target = target;
        this.busyTimeout = busyTimeout;
    }

    /** Waits until SQLite has PostgreSQL's last commit; false if that takes longer than {@code most}. */
    boolean awaitDrained(Duration most) throws SQLException {
        String wanted;
        try (Connection connection = target.connect(); Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(LAST_EVENT)) {
            row.next();
            wanted = row.getString(1);
        }
        long deadline = System.nanoTime() + most.toNanos();
        try (SqliteSession session = file.openReader(busyTimeout)) {
            while (!wanted.equals(session.text(LAST_EVENT))) {
                if (System.nanoTime() > deadline) {
                    return false;
                }
                LockSupport.parkNanos(LOOK_PAUSE_NANOS);
            }
            return true;
        }
    }

    /** As {@code sluice verify}, which wants SQLite to have the traffic: here any moment is one of equality. */
    VerifyReport verify(String migration, MigrationPlan plan, Limits limits) throws SQLException, InterruptedException {
        SourceSchema schema;
        try (SqliteSession session = file.openReader(busyTimeout)) {
            schema = SchemaReader.read(session);
        }
        List<Subject> subjects = new ArrayList<>();
        for (TablePlan table : plan.tables()) {
            subjects.add(new Subject(table, schema.table(table.source())));
        }
        try (SourceReader reader = new SourceReader(file, busyTimeout)) {
            SamePoint rest = new SamePoint() {
                @Override
                public <R, T> T at(SourceRead<R> source, TargetRead<R, T> there) throws SQLException {
                    R read;
                    try (Snapshot snapshot = reader.open()) {
                        read = source.read(snapshot);
                    }
                    try (Connection connection = target.connect()) {
                        connection.setAutoCommit(false);
                        T seen = there.read(read, connection);
                        connection.rollback();
                        return seen;
                    }
                }
            };
            return new Verifier(plan, new MigrationStore(migration), rest, limits, false)
                    .verify(subjects, (table, done) -> {}, () -> false);
        }
    }

    /** What of Sluice is in PostgreSQL. */
    static List<String> leftIn(Target target) throws SQLException {
        List<String> left = new ArrayList<>();
        try (Connection connection = target.connect(); Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("""
                        SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname LIKE '%sluice%'
                        UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgname LIKE '%sluice%'
                        UNION ALL SELECT 'publication ' || pubname FROM pg_publication
                        UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots""")) {
            while (row.next()) {
                left.add(row.getString(1));
            }
        }
        return left;
    }
}
