package dev.sluice.testing;

import dev.sluice.plan.ColumnPlan;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.schema.RowIdentity;
import dev.sluice.schema.RowIdentity.Kind;
import java.util.List;
import java.util.stream.Stream;

/** Plans for tests of what needs to know the target's tables only. */
public final class Plans {

    private Plans() {}

    /** Tables of schema {@code public} whose key is the integer column {@code id}, of the same names on both sides. */
    public static MigrationPlan of(String... tables) {
        return new MigrationPlan("public", Stream.of(tables).map(Plans::table).toList(), List.of(), List.of(), List.of(),
                List.of(), "hash", List.of(), List.of());
    }

    private static TablePlan table(String name) {
        return new TablePlan(name, name, new RowIdentity(Kind.INTEGER_KEY, List.of("id"), "rowid"), List.of("id"),
                List.of(new ColumnPlan("id", 0, "id", "bigint", null)), null, true, 0);
    }
}
