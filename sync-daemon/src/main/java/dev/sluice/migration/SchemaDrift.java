package dev.sluice.migration;

import dev.sluice.census.Census;
import dev.sluice.declare.Declarations;
import dev.sluice.plan.Declaration;
import dev.sluice.plan.Drift;
import dev.sluice.plan.MappingRules;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.Planner;
import dev.sluice.plan.Rehearsal;
import dev.sluice.plan.TablePlan;
import dev.sluice.plan.TargetCatalog;
import dev.sluice.postgres.Target;
import dev.sluice.schema.SourceSchema;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.store.MigrationStore;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Brings plan and target in line with a source whose schema was changed. Stateless but for what it is made with. */
final class SchemaDrift {

    private final SqliteFile file;
    private final Target target;
    private final MigrationStore store;
    private final MappingRules rules;
    private final Duration busyTimeout;

    SchemaDrift(SqliteFile file, Target target, MigrationStore store, MappingRules rules, Duration busyTimeout) {
        this.file = file;
        this.target = target;
        this.store = store;
        this.rules = rules;
        this.busyTimeout = busyTimeout;
    }

    /** Looks at both sides and tries on the target what is to be done; changes nothing. Takes a census of changed tables. */
    Drift look(MigrationPlan old, SourceSchema now) throws SQLException, InterruptedException {
        try (Connection connection = target.connect()) {
            TargetCatalog catalog = TargetCatalog.read(connection, target.schema()).before(old);
            Planner asking = new Planner(now, rules, catalog, target.schema());
            Set<String> changed = asking.changed(old);
            Census census = Census.take(file, now.only(changed), asking.candidates(old), Census.Listener.NONE);
            Set<Integer> made = made(store.declarations(connection));
            Map<String, String> refused = new HashMap<>();
            while (true) {
                Drift drift = new Planner(now, rules, catalog, target.schema()).replan(old, census, refused);
                Map<String, String> found = Rehearsal.refusals(connection, old, made, drift);
                if (found.isEmpty()) {
                    return drift;
                }
                if (refused.keySet().containsAll(found.keySet())) {
                    throw new SQLException("the target can't follow a change of the source's schema: "
                            + String.join("; ", found.values()));
                }
                refused.putAll(found); // at least one table more each time, so this ends
            }
        }
    }

    /** Ordinals of the declarations that stand in the target. */
    private static Set<Integer> made(Map<Integer, MigrationStore.DeclarationState> states) {
        Set<Integer> made = new HashSet<>();
        states.forEach((ordinal, state) -> {
            if (!state.status().equals(Declarations.NOT_CARRIED)) {
                made.add(ordinal);
            }
        });
        return made;
    }

    /** Carries a drift out within the caller's transaction; nothing happens if an earlier attempt did. */
    void apply(Connection connection, MigrationPlan old, Drift drift) throws SQLException {
        if (store.load(connection).plan().equals(drift.plan())) {
            return;
        }
        Map<Integer, MigrationStore.DeclarationState> states = store.declarations(connection);
        Set<Integer> made = made(states);
        try (Statement statement = connection.createStatement()) {
            for (int ordinal : drift.undone()) {
                if (made.contains(ordinal)) {
                    statement.execute(old.declarations().get(ordinal).undo());
                }
            }
            for (Drift.Change change : drift.changes()) {
                statement.execute(change.sql());
            }
        }
        Map<Integer, Integer> ordinals = new TreeMap<>();
        for (int i = 0; i < drift.kept().size(); i++) {
            if (states.containsKey(drift.kept().get(i))) {
                ordinals.put(drift.kept().get(i), i);
            }
        }
        store.renumberDeclarations(connection, ordinals);
        for (String table : drift.forgotten()) {
            store.forget(connection, table);
        }
        make(connection, drift);
        store.savePlan(connection, drift.plan());
        store.addRechecks(connection, drift.compare());
        for (TablePlan table : drift.plan().tables()) {
            TablePlan before = old.table(table.source());
            // a parked row is kept as it was read, with the columns of then: the comparison parks it anew
            if (before != null && !before.columns().equals(table.columns())
                    && store.unparkAll(connection, table.source()) > 0) {
                store.addRechecks(connection, List.of(table.source()));
            }
        }
    }

    /** New tables and their keys: the next change may speak of them already. */
    private void make(Connection connection, Drift drift) throws SQLException {
        for (int i = 0; i < drift.kept().size(); i++) {
            Declaration declaration = drift.plan().declarations().get(i);
            if (drift.kept().get(i) < 0 && declaration.required()) {
                try (Statement statement = connection.createStatement()) {
                    statement.execute(declaration.sql());
                }
                store.saveDeclaration(connection, i, declaration.stage().name(), declaration.object(), Declarations.DONE, null);
            }
        }
    }
}
