package dev.sluice.migration;

import dev.sluice.capture.Capture;
import dev.sluice.declare.Declarations;
import dev.sluice.plan.Declaration;
import dev.sluice.plan.TablePlan;
import dev.sluice.reverse.Grown;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.MigrationStore.DeclarationState;
import dev.sluice.store.MigrationStore.SourceFacts;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * Brings capture and the stored plan in line with a source that has been given PostgreSQL's new tables and columns: the
 * counterpart of {@link SchemaDrift}. Every method can be repeated. Stateless but for what it is made with.
 */
final class TargetGrowth {

    private final SqliteFile file;
    private final MigrationStore store;
    private final Duration busyTimeout;

    TargetGrowth(SqliteFile file, MigrationStore store, Duration busyTimeout) {
        this.file = file;
        this.store = store;
        this.busyTimeout = busyTimeout;
    }

    /** What the source was given and the stored plan may not know of; null if there is nothing. */
    Grown left() throws SQLException {
        try (SqliteSession look = file.openReader(busyTimeout)) {
            return Grown.read(look);
        }
    }

    /**
     * Captures the tables as they are now.
     *
     * @return SQLite's counter of schema changes after that; -1 if somebody else has changed the schema too
     */
    long capture(Grown grown, long generation) throws SQLException {
        Set<String> tables = new LinkedHashSet<>(grown.newTables());
        try (SqliteSession writer = file.openWriter(busyTimeout)) {
            boolean ours = writer.number("PRAGMA schema_version") == grown.version();
            for (String damaged : Capture.damaged(writer)) {
                TablePlan before = grown.from().table(damaged);
                if (before != null && !before.columns().equals(grown.plan().table(damaged).columns())) {
                    tables.add(before.source());
                }
            }
            Capture.repair(writer, generation, tables);
            return ours ? writer.number("PRAGMA schema_version") : -1;
        }
    }

    /** Writes down what the plan is from now on, with all that has to fit it; in the caller's transaction. */
    void save(Connection connection, Grown grown, long version) throws SQLException {
        store.savePlan(connection, grown.plan());
        Map<Integer, DeclarationState> states = store.declarations(connection);
        for (int i = grown.from().declarations().size(); i < grown.plan().declarations().size(); i++) {
            if (!states.containsKey(i)) {
                Declaration made = grown.plan().declarations().get(i);
                store.saveDeclaration(connection, i, made.stage().name(), made.object(), Declarations.DONE, null);
            }
        }
        SourceFacts known = store.source(connection);
        boolean adopted = version >= 0 && known.schemaVersion() == grown.versionBefore();
        SourceFacts facts = new SourceFacts(known.epoch(), known.device(), known.inode(), grown.plan().schemaHash(),
                adopted ? version : known.schemaVersion());
        if (!facts.equals(known)) {
            store.saveSource(connection, facts);
        }
        grown.remember(connection, store.migration());
    }

    void forget(long generation) throws SQLException {
        try (SqliteSession writer = file.openWriter(busyTimeout)) {
            Grown.forget(writer, generation);
        }
    }
}
