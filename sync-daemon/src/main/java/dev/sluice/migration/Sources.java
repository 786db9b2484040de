package dev.sluice.migration;

import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.schema.SourceSchema;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import java.io.IOException;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Small looks at the source: the tables of a plan with the identities that it decided on, and what lies beside them. */
final class Sources {

    private static final Logger LOG = LoggerFactory.getLogger(Sources.class);

    private Sources() {}

    /** By source table name, in the plan's order; throws if a table of the plan is gone. */
    static Map<String, SourceTable> of(SourceSchema schema, MigrationPlan plan) {
        Map<String, SourceTable> sources = new LinkedHashMap<>();
        for (TablePlan table : plan.tables()) {
            SourceTable source = schema.table(table.source());
            if (source == null) {
                throw new IllegalStateException("table " + table.source() + " is not in the source any more");
            }
            sources.put(table.source(), source.withIdentity(table.identity()));
        }
        return sources;
    }

    /** What {@code sqlite_sequence} remembers, by table; empty where no table has AUTOINCREMENT. */
    static Map<String, Long> sequences(SqliteSession session) throws SQLException {
        Map<String, Long> sequences = new LinkedHashMap<>();
        if (session.number("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_sequence'") == 0) {
            return sequences;
        }
        List<String> names = session.texts("SELECT name FROM sqlite_sequence ORDER BY rowid");
        List<String> values = session.texts("SELECT CAST(seq AS TEXT) FROM sqlite_sequence ORDER BY rowid");
        for (int i = 0; i < names.size(); i++) {
            if (values.get(i) != null && values.get(i).matches("-?\\d{1,18}")) {
                sequences.put(names.get(i), Long.parseLong(values.get(i)));
            }
        }
        return sequences;
    }

    /** What our last connection may have left beside a file that nobody else has open. */
    static void dropEmptyWal(SqliteFile file) {
        try {
            file.dropEmptyWal();
        } catch (SQLException | IOException e) {
            LOG.debug("-wal and -shm stay beside the source until the application is there again", e);
        }
    }
}
