package dev.sluice.audit;

import dev.sluice.store.Audit;
import dev.sluice.store.Audit.Entry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Looks for what was done to an audit log. Stateless. */
public final class AuditCheck {

    private AuditCheck() {}

    /** What may have happened to an entry. */
    public enum Damage { DELETED, EDITED, REORDERED, REPLACED, CUT_OFF, DIFFERENT, UNREADABLE }

    /**
     * Something that is not as it was written.
     *
     * @param where in which log: {@code PostgreSQL} or a file's name
     * @param ordinal of the first entry that it is about; 0 where that is not known
     * @param says one sentence
     */
    public record Finding(Damage damage, String where, long ordinal, String says) {}

    /** What is wrong within one log, whose entries are given in the order in which they stand there. */
    public static List<Finding> chain(String where, String migration, List<Entry> entries) {
        List<Finding> findings = new ArrayList<>();
        Map<Long, Entry> byOrdinal = new HashMap<>();
        long highest = 0;
        for (Entry entry : entries) {
            long ordinal = entry.ordinal();
            if (!Audit.isAsWritten(migration, entry)) {
                long belongs = belongs(migration, entry, entries.size());
                findings.add(belongs > 0
                        ? new Finding(Damage.REORDERED, where, ordinal, where + ": entry " + belongs + " was moved to place "
                                + ordinal)
                        : new Finding(Damage.EDITED, where, ordinal, where + ": entry " + ordinal + " was edited"));
            }
            if (byOrdinal.putIfAbsent(ordinal, entry) != null) {
                findings.add(new Finding(Damage.REPLACED, where, ordinal, where + ": entry " + ordinal + " is there twice"));
            } else if (ordinal < highest) {
                findings.add(new Finding(Damage.REORDERED, where, ordinal, where + ": entry " + ordinal
                        + " stands behind entry " + highest));
            }
            highest = Math.max(highest, ordinal);
        }
        links(where, migration, byOrdinal, highest, findings);
        return findings;
    }

    /** Where an entry that is not whole in its place would be whole; 0 if nowhere. */
    private static long belongs(String migration, Entry entry, int entries) {
        for (long ordinal = 1; ordinal <= entries + 1L; ordinal++) {
            if (Audit.isAsWritten(migration, new Entry(ordinal, entry.at(), entry.actor(), entry.act(), entry.detail(),
                    entry.previous(), entry.hash()))) {
                return ordinal;
            }
        }
        return 0;
    }

    private static void links(String where, String migration, Map<Long, Entry> byOrdinal, long highest,
            List<Finding> findings) {
        long ordinal = 1;
        while (ordinal <= highest) {
            Entry entry = byOrdinal.get(ordinal);
            if (entry == null) {
                long first = ordinal;
                while (!byOrdinal.containsKey(ordinal)) {
                    ordinal++;
                }
                findings.add(new Finding(Damage.DELETED, where, first, where + ": " + entries(first, ordinal - 1)
                        + " deleted"));
                continue;
            }
            Entry before = byOrdinal.get(ordinal - 1);
            String previous = ordinal == 1 ? Audit.START : before == null ? null : before.hash();
            if (previous != null && !previous.equals(entry.previous()) && Audit.isAsWritten(migration, entry)
                    && (before == null || Audit.isAsWritten(migration, before))) {
                findings.add(new Finding(Damage.REPLACED, where, ordinal, where + ": entry " + ordinal + (ordinal == 1
                        ? " is not the first that was written" : " does not continue entry " + (ordinal - 1)
                                + ": one of the two was replaced")));
            }
            ordinal++;
        }
    }

    private static String entries(long first, long last) {
        return first == last ? "entry " + first + " was" : "entries " + first + " to " + last + " were";
    }

    /** In what two logs of the same migration differ, beyond what each of them shows by itself. */
    public static List<Finding> compare(String where, List<Entry> entries, String otherWhere, List<Entry> others) {
        List<Finding> findings = new ArrayList<>();
        Map<Long, Entry> one = byOrdinal(entries);
        Map<Long, Entry> other = byOrdinal(others);
        new TreeSet<>(one.keySet()).stream().filter(ordinal -> other.containsKey(ordinal)
                && !one.get(ordinal).equals(other.get(ordinal))).findFirst().ifPresent(ordinal -> findings.add(new Finding(
                        Damage.DIFFERENT, where, ordinal, "entry " + ordinal + " says something else in " + where + " than in "
                                + otherWhere)));
        cutOff(where, one, otherWhere, other, findings);
        cutOff(otherWhere, other, where, one, findings);
        return findings;
    }

    private static void cutOff(String where, Map<Long, Entry> one, String otherWhere, Map<Long, Entry> other,
            List<Finding> findings) {
        long last = one.keySet().stream().mapToLong(Long::longValue).max().orElse(0);
        long otherLast = other.keySet().stream().mapToLong(Long::longValue).max().orElse(0);
        if (last < otherLast) {
            findings.add(new Finding(Damage.CUT_OFF, where, last + 1, where + ": " + entries(last + 1, otherLast)
                    + " cut off at the end, which " + otherWhere + " has"));
        }
    }

    private static Map<Long, Entry> byOrdinal(List<Entry> entries) {
        Map<Long, Entry> byOrdinal = new HashMap<>();
        entries.forEach(entry -> byOrdinal.putIfAbsent(entry.ordinal(), entry));
        return byOrdinal;
    }
}
