package dev.sluice.migration;

import dev.sluice.census.Census;
import dev.sluice.plan.MappingRules;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.Planner;
import dev.sluice.plan.Rehearsal;
import dev.sluice.plan.StricterTarget;
import dev.sluice.plan.TargetCatalog;
import dev.sluice.postgres.SqlFailure;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetCheck;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceSchema;
import dev.sluice.sqlite.SqliteFailure;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;

/**
 * Everything that is found out before anything is changed: the source's schema and census, the target's facts, the
 * plan, rehearsed on the target.
 *
 * @param check null where no target was looked at
 */
public record Preparation(SourceSchema schema, Census census, TargetCheck check, MigrationPlan plan) {

    /** Looks at both sides and plans; changes nothing on either. */
    public static Preparation of(SqliteFile file, Target target, MappingRules rules, Duration busyTimeout,
            Census.Listener listener) throws SQLException, InterruptedException {
        TargetCheck check = TargetCheck.required(target);
        SourceSchema schema = schema(file, busyTimeout);
        try (Connection connection = target.connect()) {
            TargetCatalog catalog = TargetCatalog.read(connection, target.schema());
            Planner planner = new Planner(schema, rules, catalog, target.schema());
            Census census = Census.take(file, schema, planner.candidates(), listener);
            MigrationPlan plan = planner.plan(census);
            if (check.schemaExists()) {
                plan = plan.withoutSchema(); // even IF NOT EXISTS wants the privilege to create schemas
            }
            try (SqliteSession source = file.openReader(busyTimeout)) {
                plan = StricterTarget.look(plan, catalog, schema.tables(), source, connection);
            }
            MigrationPlan rehearsed = Rehearsal.rehearse(connection, plan);
            return new Preparation(schema, census, check, withGuards(rehearsed, catalog, check));
        }
    }

    /** Tables with foreign keys or triggers of their own need a role that can keep them from firing. */
    private static MigrationPlan withGuards(MigrationPlan plan, TargetCatalog catalog, TargetCheck check) {
        List<String> guarded = plan.tables().stream().filter(table -> table.existing()
                && catalog.tables().get(table.target()).guarded()).map(table -> table.target()).toList();
        if (check.replicationRole() || guarded.isEmpty()) {
            return plan;
        }
        List<String> problems = new java.util.ArrayList<>(plan.problems());
        problems.add("target tables " + String.join(", ", guarded) + " have foreign keys or triggers, which must not fire"
                + " for replicated rows, and the role may not set session_replication_role: GRANT SET ON PARAMETER"
                + " session_replication_role TO the role (PostgreSQL 15 and newer), or use a superuser");
        return plan.with(plan.declarations(), plan.notCarried(), problems);
    }

    /** Plans against an empty target that nobody has looked at. */
    public static Preparation withoutTarget(SqliteFile file, String targetSchema, MappingRules rules,
            Duration busyTimeout, Census.Listener listener) throws SQLException, InterruptedException {
        SourceSchema schema = schema(file, busyTimeout);
        Planner planner = new Planner(schema, rules, TargetCatalog.EMPTY, targetSchema);
        Census census = Census.take(file, schema, planner.candidates(), listener);
        return new Preparation(schema, census, null, planner.plan(census));
    }

    /** The source's schema. */
    public static SourceSchema schema(SqliteFile file, Duration busyTimeout) throws SQLException {
        try (SqliteSession session = file.openReader(busyTimeout)) {
            return SchemaReader.read(session);
        }
    }

    /** Throws if the plan has problems: then nothing may be moved. */
    public void requireFit() {
        if (!plan.problems().isEmpty()) {
            throw new TargetRefusal("the plan does not fit", plan.problems());
        }
    }

    /** One sentence for a failure of either side. */
    public static String sentence(Exception e) {
        return sentence(e, Path.of("the source"));
    }

    /** As {@link #sentence(Exception)} where it is known which source it is. */
    public static String sentence(Exception e, Path source) {
        if (e instanceof SQLException sql && sql.getSQLState() != null) {
            return SqlFailure.sentence(e); // PostgreSQL's driver always gives a state, SQLite's never
        }
        SQLException sqlite = e instanceof SQLException ? SqliteFailure.in(e) : null;
        return sqlite != null ? SqliteFailure.sentence(sqlite, source, true)
                : e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }
}
