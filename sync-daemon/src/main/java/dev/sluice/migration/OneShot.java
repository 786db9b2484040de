package dev.sluice.migration;

import dev.sluice.copy.BulkCopy;
import dev.sluice.copy.CopyProgress;
import dev.sluice.copy.Valve;
import dev.sluice.declare.Declarations;
import dev.sluice.phase.Phase;
import dev.sluice.plan.Declaration;
import dev.sluice.plan.Declaration.Stage;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.NotCarried;
import dev.sluice.plan.TablePlan;
import dev.sluice.postgres.LastingSession;
import dev.sluice.postgres.Reconnect;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.schema.SchemaReader;
import dev.sluice.schema.SourceTable;
import dev.sluice.sqlite.SourceRefusal;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.MigrationStore;
import dev.sluice.store.ParkedRow;
import dev.sluice.store.StoreSchema;
import dev.sluice.tail.Limits;
import dev.sluice.tail.Snapshot;
import dev.sluice.tail.SourceReader;
import dev.sluice.translate.Identifiers;
import dev.sluice.verify.SamePoint;
import dev.sluice.verify.Subject;
import dev.sluice.verify.Verifier;
import dev.sluice.verify.VerifyReport;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;

/**
 * {@code migrate}: brings a source whose application is stopped into the target, whole. The source is only read. While
 * it runs its progress stands in schema {@code sluice}; at a good end that schema is gone again.
 */
public final class OneShot {

    /** The mode under which the store knows such a migration. */
    static final String MODE = "one-shot";

    private final String name;
    private final SqliteFile file;
    private final Target target;
    private final Reconnect reconnect;
    private final Options options;
    private final Valve valve = new Valve();

    /**
     * @param workers threads that copy
     * @param chunk limits of a chunk
     * @param busyTimeout how long to wait for a lock on the source
     * @param step limits of one step of the verification
     */
    public record Options(int workers, Limits chunk, Duration busyTimeout, String version, Limits step) {

        /** Compares in steps as large as the copy's chunks. */
        public Options(int workers, Limits chunk, Duration busyTimeout, String version) {
            this(workers, chunk, busyTimeout, version, chunk);
        }
    }

    /** Hears how it goes. */
    public interface Listener extends CopyProgress {
        /** A step begins; one clause for people. */
        void step(String what);

        void verified(String table, long done);
    }

    /**
     * What became of it.
     *
     * @param notCarried everything that the target does not have, the DDL that it refused included
     * @param parked the first parked rows
     * @param sourceChanged true if the source was written to meanwhile, so that this is no copy of one moment
     */
    public record Report(MigrationPlan plan, VerifyReport verification, List<NotCarried> notCarried,
            List<ParkedRow> parked, boolean sourceChanged) {

        /** True if every row arrived. */
        public boolean isWhole() {
            return verification.isEqual() && !sourceChanged;
        }
    }

    public OneShot(String name, SqliteFile file, Target target, Reconnect reconnect, Options options) {
        this.name = name;
        this.file = file;
        this.target = target;
        this.reconnect = reconnect;
        this.options = options;
    }

    /** Ends the work at the next chunk. */
    public void stop() {
        valve.stop();
    }

    /**
     * Removes what an earlier run of the same name left in the target; true if there was any. Only what that run made
     * goes: tables that it created, and the rows that it brought into tables of the application's.
     *
     * @param again true to remove also what a run brought that ended without being whole: its tables may be in use
     */
    public boolean removeUnfinished(boolean again) throws SQLException {
        MigrationStore store = new MigrationStore(name);
        try (Connection connection = target.connect()) {
            MigrationStore.Stored stored = store.load(connection);
            if (stored == null) {
                return false;
            }
            if (!stored.mode().equals(MODE)) {
                throw new TargetRefusal("the target holds a live migration named " + name
                        + " (phase " + stored.phase().label() + "): cancel it first, or choose another --name");
            }
            if (stored.phase() == Phase.CATCHING_UP && !again) {
                throw new TargetRefusal("an earlier run brought " + name + " here and was not whole: look at what it"
                        + " reported (rows in sluice.parked_row), or give --again to remove what it brought and start anew");
            }
            connection.setAutoCommit(false);
            Map<Integer, MigrationStore.DeclarationState> states = store.declarations(connection);
            try (Statement statement = connection.createStatement()) {
                for (int ordinal = stored.plan().declarations().size() - 1; ordinal >= 0; ordinal--) {
                    Declaration declaration = stored.plan().declarations().get(ordinal);
                    boolean made = states.containsKey(ordinal)
                            && !states.get(ordinal).status().equals(Declarations.NOT_CARRIED);
                    // keys, checks and indexes go with their tables; foreign keys before them, views too
                    if (made && EnumSet.of(Stage.FOREIGN_KEY, Stage.VIEW, Stage.TABLE).contains(declaration.stage())) {
                        statement.execute(declaration.undo());
                    }
                }
                List<String> emptied = stored.plan().tables().stream().filter(TablePlan::existing).map(table ->
                        Identifiers.quote(stored.plan().schema()) + "." + Identifiers.quote(table.target())).toList();
                if (!emptied.isEmpty()) {
                    // all at once and without CASCADE: no table that we did not fill loses a row
                    statement.execute("TRUNCATE " + String.join(", ", emptied));
                }
            }
            StoreSchema.remove(connection, name);
            connection.commit();
            return true;
        }
    }

    /** Runs the whole migration as planned. */
    public Report run(Preparation preparation, Listener listener) throws SQLException, InterruptedException {
        preparation.requireFit();
        MigrationPlan plan = preparation.plan();
        MigrationStore store = new MigrationStore(name);
        Declarations declarations = new Declarations(plan, store);
        Map<String, SourceTable> sources = Sources.of(preparation.schema(), plan);
        boolean replicationRole = preparation.check().replicationRole();
        try (SqliteSession watch = file.openReader(options.busyTimeout());
                SourceReader reader = new SourceReader(file, options.busyTimeout());
                LastingSession session = new LastingSession(target, reconnect, replicationRole)) {
            long before = watch.dataVersion();
            if (!SchemaReader.hash(watch).equals(plan.schemaHash())) {
                throw new SourceRefusal("the schema of " + file.path()
                        + " was changed while it was read: stop the application, and start again");
            }
            listener.step("creating tables");
            long generation = session.run(connection -> begin(connection, store, plan, declarations));
            createChunks(session, store, plan, sources, reader);
            listener.step("copying");
            BulkCopy copy = new BulkCopy(file, plan, sources, target, reconnect, store, generation,
                    new BulkCopy.Settings(options.workers(), options.chunk(), options.busyTimeout(), replicationRole,
                            preparation.schema().hash(), false), valve, listener,
                    (connection, table) -> {
                        declarations.run(connection, EnumSet.of(Stage.KEY, Stage.INDEX, Stage.UNIQUE, Stage.CHECK), table);
                        declarations.analyze(connection, table);
                    });
            if (!copy.run()) {
                throw new SourceRefusal("stopped before the copy was complete: run the same command again to start anew");
            }
            listener.step("foreign keys, views and sequences");
            session.run(connection -> {
                // those of the first line are made, unless the target has lost them again
                declarations.run(connection, EnumSet.of(Stage.KEY, Stage.INDEX, Stage.UNIQUE, Stage.CHECK,
                        Stage.FOREIGN_KEY, Stage.VIEW));
                declarations.setSequences(connection, Sources.sequences(watch));
                declarations.analyzeUnknown(connection);
                return null;
            });
            listener.step("verifying");
            VerifyReport verification = verify(session, store, plan, sources, reader, listener);
            boolean changed = watch.dataVersion() != before;
            List<NotCarried> notCarried = new ArrayList<>(plan.notCarried());
            List<ParkedRow> parked = session.run(connection -> {
                notCarried.addAll(refused(connection, store, plan));
                return store.parked(connection, 1_000);
            });
            session.run(connection -> {
                store.enter(connection, Phase.COPYING, Phase.CATCHING_UP); // the end of it, whole or not
                connection.commit();
                return null;
            });
            Report report = new Report(plan, verification, notCarried, parked, changed);
            if (report.isWhole()) {
                session.run(connection -> {
                    StoreSchema.remove(connection, name);
                    connection.commit();
                    return null;
                });
            }
            return report;
        }
    }

    private long begin(Connection connection, MigrationStore store, MigrationPlan plan, Declarations declarations)
            throws SQLException {
        StoreSchema.create(connection);
        if (store.load(connection) == null) {
            store.create(connection, file.path().toString(), MODE, plan, options.version());
        }
        long generation = store.takeGeneration(connection);
        store.enter(connection, Phase.CREATED, Phase.COPYING);
        connection.commit();
        declarations.run(connection, EnumSet.of(Stage.GROUND, Stage.TABLE));
        return generation;
    }

    private void createChunks(LastingSession session, MigrationStore store, MigrationPlan plan,
            Map<String, SourceTable> sources, SourceReader reader) throws SQLException, InterruptedException {
        session.run(connection -> {
            if (store.chunks(connection).isEmpty()) {
                for (TablePlan table : plan.tables()) {
                    store.createChunks(connection, table.source(), Parts.of(reader, sources.get(table.source()),
                            table.rows(), options.workers()));
                }
                connection.commit();
            }
            return null;
        });
    }

    private VerifyReport verify(LastingSession session, MigrationStore store, MigrationPlan plan,
            Map<String, SourceTable> sources, SourceReader reader, Listener listener)
            throws SQLException, InterruptedException {
        SamePoint stopped = new SamePoint() {
            @Override
            public <R, T> T at(SourceRead<R> source, TargetRead<R, T> there) throws SQLException, InterruptedException {
                R read;
                try (Snapshot snapshot = reader.open()) {
                    read = source.read(snapshot);
                }
                return session.run(connection -> there.read(read, connection));
            }
        };
        Verifier verifier = new Verifier(plan, store, stopped, options.step(), false);
        return verifier.verify(plan.tables().stream()
                .map(table -> new Subject(table, sources.get(table.source()))).toList(),
                listener::verified, valve::isStopped);
    }

    /** Declarations that PostgreSQL refused over the real rows. */
    static List<NotCarried> refused(Connection connection, MigrationStore store, MigrationPlan plan)
            throws SQLException {
        List<NotCarried> refused = new ArrayList<>();
        for (MigrationStore.DeclarationState state : store.declarations(connection).values()) {
            if (!state.status().equals(Declarations.DONE)) {
                refused.add(new NotCarried(state.object(), plan.declarations().get(state.ordinal()).sql(), state.reason()));
            }
        }
        return refused;
    }
}
