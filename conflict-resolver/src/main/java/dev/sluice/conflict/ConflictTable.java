package dev.sluice.conflict;

import static dev.sluice.conflict.Ruling.APPLY;
import static dev.sluice.conflict.Ruling.HALT;
import static dev.sluice.conflict.Ruling.KEEP;
import static dev.sluice.conflict.Ruling.MERGE;
import static dev.sluice.conflict.Ruling.NEWER;
import static dev.sluice.conflict.Ruling.PARK;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The decisions as data: a row per kind, a column per stance. Total. Immutable. */
final class ConflictTable {

    static final ConflictTable RULES = new ConflictTable();

    private final Map<ConflictKind, List<Ruling>> rows = new EnumMap<>(ConflictKind.class);

    private ConflictTable() {
        //                                     INCOMING EXISTING NEWER  MERGE  PARK  HALT
        row(ConflictKind.INSERT_INSERT,        APPLY,   KEEP,    NEWER, MERGE, PARK, HALT);
        row(ConflictKind.UPDATE_UPDATE,        APPLY,   KEEP,    NEWER, MERGE, PARK, HALT);
        row(ConflictKind.UPDATE_DELETE,        APPLY,   KEEP,    NEWER, PARK,  PARK, HALT);
        row(ConflictKind.DELETE_UPDATE,        APPLY,   KEEP,    NEWER, PARK,  PARK, HALT);
        // the arriving side changed nothing, so there is nothing to merge
        row(ConflictKind.CHANGED_OUTSIDE,      APPLY,   KEEP,    NEWER, KEEP,  PARK, HALT);
        // the arriving row can't be written, and "keep" would leave it nowhere: it is put aside, whoever wins
        row(ConflictKind.UNIQUE_KEY_HELD,      PARK,    PARK,    PARK,  PARK,  PARK, HALT);
        row(ConflictKind.FOREIGN_KEY_MISSING,  PARK,    PARK,    PARK,  PARK,  PARK, HALT);
        row(ConflictKind.NOT_REPRESENTABLE,    PARK,    PARK,    PARK,  PARK,  PARK, HALT);
    }

    private ConflictTable(ConflictTable other) {
        rows.putAll(other.rows);
    }

    private void row(ConflictKind kind, Ruling... byStance) {
        rows.put(kind, List.of(byStance));
    }

    /** The table with one cell changed, for the test that no cell is without one. */
    ConflictTable with(ConflictKind kind, Stance stance, Ruling ruling) {
        ConflictTable changed = new ConflictTable(this);
        Ruling[] cells = rows.get(kind).toArray(Ruling[]::new);
        cells[stance.ordinal()] = ruling;
        changed.row(kind, cells);
        return changed;
    }

    Ruling cell(ConflictKind kind, Stance stance) {
        return rows.get(kind).get(stance.ordinal());
    }
}
