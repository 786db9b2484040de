package dev.sluice.assess;

import java.util.List;

/**
 * One thing that an operator should know.
 *
 * @param code names the kind of note, stable for scripts, for example {@code key-null}
 * @param table the table it is about, null if it concerns the file or several
 * @param place where: {@code file}, a table, or {@code table.column}
 * @param sentence what is there
 * @param advice what to do, or what Sluice does about it
 */
public record Note(String code, Severity severity, String table, String place, String sentence, String advice) {

    /** How much it matters. */
    public enum Severity {
        /** The migration can't start as things are. */
        BLOCKER,
        /** The migration works, and the application may see a difference. */
        WARNING,
        /** Good to know; nothing needs to be done. */
        INFO
    }

    /** What to do about notes of one kind: each advice once, none that another one repeats and continues. */
    static List<String> advice(List<Note> notes) {
        List<String> all = notes.stream().map(Note::advice).distinct().toList();
        return all.stream()
                .filter(one -> all.stream().noneMatch(other -> !other.equals(one) && other.startsWith(one)))
                .limit(3).toList();
    }
}
