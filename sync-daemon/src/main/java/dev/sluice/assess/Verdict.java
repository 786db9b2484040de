package dev.sluice.assess;

import java.util.List;

/** The answer in one word. */
public enum Verdict {
    READY("ready"),
    READY_WITH_NOTES("ready with notes"),
    BLOCKED("blocked");

    private final String words;

    Verdict(String words) {
        this.words = words;
    }

    static Verdict of(List<Note> notes) {
        if (notes.stream().anyMatch(note -> note.severity() == Note.Severity.BLOCKER)) {
            return BLOCKED;
        }
        return notes.stream().anyMatch(note -> note.severity() == Note.Severity.WARNING) ? READY_WITH_NOTES : READY;
    }

    /** As it is printed, for example {@code ready with notes}. */
    @Override
    public String toString() {
        return words;
    }
}
