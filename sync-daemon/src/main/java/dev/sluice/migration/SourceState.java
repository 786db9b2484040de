package dev.sluice.migration;

import dev.sluice.capture.Capture;
import dev.sluice.capture.CapturedTable;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What the source is at one moment.
 *
 * @param capture null where none is installed
 * @param damaged tables of the plan whose changes may not all be logged, or that are not captured as planned
 */
record SourceState(Capture.State capture, SourceSchema schema, String captureHash, long schemaVersion, List<String> damaged) {

    static SourceState of(SqliteFile file, MigrationPlan plan, Duration busyTimeout) throws SQLException {
        try (SqliteSession session = file.openReader(busyTimeout)) {
            session.begin();
            Capture.State capture = Capture.state(session);
            return new SourceState(capture, SchemaReader.read(session), SchemaReader.captureHash(session),
                    session.number("PRAGMA schema_version"), capture == null ? List.of() : damaged(session, capture, plan));
        }
    }

    private static List<String> damaged(SqliteSession session, Capture.State capture, MigrationPlan plan) throws SQLException {
        Set<String> damaged = new LinkedHashSet<>(Capture.damaged(session));
        damaged.removeIf(table -> plan.table(table) == null);
        for (TablePlan table : plan.tables()) {
            CapturedTable captured = capture.table(table.source());
            if (captured == null || !captured.identity().equals(table.identity())) {
                damaged.add(table.source());
            }
        }
        return List.copyOf(damaged);
    }

    /** Captured tables that {@code plan} does not follow any more: gone, or held. */
    List<String> left(MigrationPlan plan) {
        return capture == null ? List.of() : capture.tables().stream().map(CapturedTable::name)
                .filter(table -> plan.table(table) == null).toList();
    }

    /** True if every table is captured and declared as {@code plan} has it. */
    boolean isAsPlanned(MigrationPlan plan) {
        return capture != null && damaged.isEmpty() && schema.hash().equals(plan.schemaHash()) && plan.held().isEmpty();
    }
}
