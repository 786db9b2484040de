package dev.sluice.capture;

import dev.sluice.schema.RowIdentity;
import dev.sluice.schema.SourceTable;
import java.util.Objects;

/**
 * A table whose changes are logged.
 *
 * @param id what the changelog calls it; never given again, because old changelog rows may still name it
 * @param identity how its rows were named when capture was installed; that stands, whatever the table holds since
 */
public record CapturedTable(int id, String name, RowIdentity identity) {

    /** True if the rows of {@code table}, as it is declared now, can still be named in the captured way. */
    public boolean fits(SourceTable table) {
        boolean integerKey = table.identity() != null && table.identity().kind() == RowIdentity.Kind.INTEGER_KEY;
        boolean sameNames = Objects.equals(table.rowidName(), identity.rowidName());
        return switch (identity.kind()) {
            case INTEGER_KEY -> integerKey && table.primaryKey().equals(identity.columns());
            case DECLARED_KEY -> !integerKey && sameNames && table.primaryKey().equals(identity.columns())
                    && table.keyComparesHere();
            case ROWID -> sameNames;
        };
    }
}
