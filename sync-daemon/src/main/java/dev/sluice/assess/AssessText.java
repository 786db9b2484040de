package dev.sluice.assess;

import static dev.sluice.assess.ColumnEvidence.bytes;
import static dev.sluice.assess.ColumnEvidence.count;
import static dev.sluice.assess.ColumnEvidence.counted;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** An assessment for a terminal: the verdict first, then what to do, then every table. */
public final class AssessText {

    private static final int WIDTH = 110;
    private static final int SAME_NOTES_MAX = 5;

    private final StringBuilder out = new StringBuilder();
    private final Assessment assessment;

    private AssessText(Assessment assessment) {
        this.assessment = assessment;
    }

    /** The whole report, ending with a line feed. */
    public static String of(Assessment assessment) {
        AssessText text = new AssessText(assessment);
        text.verdict();
        text.notes();
        text.features();
        text.tables();
        return text.out.toString();
    }

    private void verdict() {
        SourceFacts source = assessment.source();
        line(source.path() + ": " + assessment.verdict().toString().toUpperCase(Locale.ROOT) + summary());
        line("");
        long rows = assessment.estimate().rows();
        line("  " + counted(assessment.tables().size(), "table", "tables") + ", " + counted(rows, "row", "rows") + ", "
                + bytes(source.bytes()) + (source.walBytes() > 0 ? " and " + bytes(source.walBytes()) + " of WAL" : "")
                + "; every value read in " + duration(assessment.elapsed()));
        line("  In PostgreSQL about " + bytes(assessment.estimate().targetBytes()) + ", there in about "
                + estimated(assessment.estimate().copyTime()) + ".");
        wrapped("  ", assessment.estimate().assumption());
        line("  SQLite file: pages of " + count(source.pageSize()) + " bytes, " + count(source.freePages()) + " of "
                + count(source.pages()) + " free; " + source.encoding() + "; journal " + source.journalMode()
                + (source.lastWriter() == null ? "" : "; last written by SQLite " + source.lastWriter())
                + "; user_version " + source.userVersion() + ", application_id " + source.applicationId());
    }

    private String summary() {
        List<String> parts = new ArrayList<>();
        for (Note.Severity severity : Note.Severity.values()) {
            long number = assessment.notes().stream().filter(note -> note.severity() == severity).count();
            if (number > 0) {
                parts.add(counted(number, name(severity), name(severity) + (severity == Note.Severity.INFO ? ""
                        : "s")));
            }
        }
        return parts.isEmpty() ? "" : " (" + String.join(", ", parts) + ")";
    }

    private static String name(Note.Severity severity) {
        return severity.name().toLowerCase(Locale.ROOT);
    }

    private void notes() {
        for (Note.Severity severity : Note.Severity.values()) {
            List<Note> notes = assessment.notes().stream().filter(note -> note.severity() == severity).toList();
            if (notes.isEmpty()) {
                continue;
            }
            line("");
            line(switch (severity) {
                case BLOCKER -> "Must be solved first";
                case WARNING -> "To know before you start";
                case INFO -> "For information";
            });
            for (String code : notes.stream().map(Note::code).distinct().toList()) {
                sameKind(notes.stream().filter(note -> note.code().equals(code)).toList());
            }
        }
    }

    /** Notes of one code, their common advice once. */
    private void sameKind(List<Note> notes) {
        for (int i = 0; i < notes.size(); i++) {
            if (i == SAME_NOTES_MAX && notes.size() > SAME_NOTES_MAX + 1) {
                line("  - and " + count(notes.size() - i) + " more of this kind, in the tables below or with --json");
                break;
            }
            wrapped("  - ", notes.get(i).sentence());
        }
        Note.advice(notes).forEach(advice -> wrapped("    > ", advice));
    }

    private void features() {
        if (assessment.features().isEmpty()) {
            return;
        }
        line("");
        line("Features used");
        int width = assessment.features().stream().mapToInt(feature -> feature.label().length()).max().orElse(0);
        for (Feature feature : assessment.features()) {
            String names = String.join(", ", feature.names().subList(0, Math.min(8, feature.names().size())))
                    + (feature.names().size() > 8 ? ", …" : "");
            line("  " + padded(feature.label(), width) + "  " + leftPadded(count(feature.names().size()), 5) + "  "
                    + cut(names, WIDTH - width - 12));
        }
    }

    private void tables() {
        for (TableAssessment table : assessment.tables()) {
            line("");
            line(table.name() + "  " + counted(table.rows(), "row", "rows") + ", "
                    + bytes(table.fileBytes() < 0 ? table.contentBytes() : table.fileBytes()) + ", key: " + table.key()
                    + (table.indexes() > 0 ? ", " + counted(table.indexes(), "index", "indexes") : ""));
            int names = width(table.columns().stream().map(ColumnMapping::name).toList(), 28);
            int declared = width(table.columns().stream().map(column -> column.census().declaredType()).toList(), 20);
            int types = width(table.columns().stream().map(AssessText::type).toList(), 18);
            for (ColumnMapping column : table.columns()) {
                line(("  " + padded(column.name(), names) + "  " + padded(column.census().declaredType(), declared)
                        + "  "
                        + padded(type(column), types) + "  " + column.evidence()).stripTrailing());
                if (column.refused() != null) {
                    line("  " + " ".repeat(names + declared + types + 6) + "! " + column.refused());
                }
            }
        }
    }

    private static String type(ColumnMapping column) {
        return column.type() == null ? "(none)" : column.type();
    }

    private static int width(List<String> texts, int max) {
        return Math.min(max, texts.stream().mapToInt(String::length).max().orElse(0));
    }

    private static String padded(String text, int width) {
        return text.length() >= width ? cut(text, width) : text + " ".repeat(width - text.length());
    }

    private static String leftPadded(String text, int width) {
        return " ".repeat(Math.max(0, width - text.length())) + text;
    }

    private static String cut(String text, int width) {
        return text.length() <= width ? text : text.substring(0, Math.max(0, width - 1)) + "…";
    }

    /** {@code 0.4 s}, {@code 12 s}, {@code 3 min 5 s} or {@code 2 h 10 min}. */
    static String duration(Duration duration) {
        long seconds = duration.toSeconds();
        if (seconds < 10) {
            return String.format(Locale.ROOT, "%.1f s", duration.toMillis() / 1000.0);
        }
        return seconds < 60 ? seconds + " s"
                : seconds < 3600 ? seconds / 60 + " min " + seconds % 60 + " s"
                : seconds / 3600 + " h " + seconds % 3600 / 60 + " min";
    }

    /** Without the tenths that an estimate does not have. */
    static String estimated(Duration duration) {
        return duration.toSeconds() < 10 ? duration.toSeconds() + " s" : duration(duration);
    }

    private void line(String text) {
        out.append(text.replaceAll("\\p{Cntrl}", "\u00b7")).append('\n');
    }

    /** Breaks at spaces; the lines behind the first are indented as far as its text. */
    private void wrapped(String start, String text) {
        StringBuilder line = new StringBuilder(start);
        boolean fresh = true;
        for (String word : text.split(" ")) {
            if (!fresh && line.length() + word.length() >= WIDTH) {
                line(line.toString());
                line = new StringBuilder(" ".repeat(start.length()));
                fresh = true;
            }
            line.append(fresh ? "" : " ").append(word);
            fresh = false;
        }
        line(line.toString());
    }
}
