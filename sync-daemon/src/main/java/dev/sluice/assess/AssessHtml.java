package dev.sluice.assess;

import static dev.sluice.assess.ColumnEvidence.bytes;
import static dev.sluice.assess.ColumnEvidence.count;
import static dev.sluice.assess.ColumnEvidence.counted;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;

/**
 * An assessment as one page that needs nothing else: the verdict for whoever decides, the details folded below it for
 * whoever does the work. Every text from the source is escaped.
 */
public final class AssessHtml {

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("d MMMM yyyy, HH:mm 'UTC'", Locale.ENGLISH).withZone(ZoneOffset.UTC);
    private static final int SAME_NOTES_MAX = 6;

    private static final String STYLE = resource("page.css");

    private final StringBuilder out = new StringBuilder();
    private final Assessment assessment;

    private AssessHtml(Assessment assessment) {
        this.assessment = assessment;
    }

    /** A whole HTML 5 document. */
    public static String of(Assessment assessment) {
        AssessHtml page = new AssessHtml(assessment);
        page.head();
        page.verdict();
        page.numbers();
        page.notes(Note.Severity.BLOCKER, "What must be solved first");
        page.notes(Note.Severity.WARNING, "What to know before you start");
        page.tables();
        page.features();
        page.notes(Note.Severity.INFO, "For information");
        page.file();
        page.out.append("</main>\n</body>\n</html>\n");
        return page.out.toString();
    }

    private void head() {
        out.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
                .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>")
                .append(escaped(name() + ": " + assessment.verdict())).append("</title>\n<style>\n").append(STYLE)
                .append("</style>\n</head>\n<body>\n<main>\n");
    }

    private String name() {
        return String.valueOf(assessment.source().path().getFileName());
    }

    private void verdict() {
        String style = switch (assessment.verdict()) {
            case READY -> "ready";
            case READY_WITH_NOTES -> "notes";
            case BLOCKED -> "blocked";
        };
        String words = assessment.verdict().toString();
        out.append("<h1>Moving ").append(escaped(name())).append(
                " from SQLite to PostgreSQL</h1>\n<section class=\"verdict ")
                .append(style).append("\"><strong>").append(words.substring(0, 1).toUpperCase(Locale.ROOT))
                .append(words.substring(1)).append("</strong>\n<p>").append(escaped(meaning())).append("</p>\n")
                .append("<p class=\"soft small\">Every stored value was read, ")
                .append(TIME.format(assessment.takenAt()))
                .append(", in ").append(AssessText.duration(assessment.elapsed()))
                .append(". Nothing was changed.</p></section>\n");
    }

    private String meaning() {
        long blockers = number(Note.Severity.BLOCKER);
        long warnings = number(Note.Severity.WARNING);
        long asDeclared = assessment.tables().stream().flatMap(table -> table.columns().stream())
                .filter(column -> column.type() != null && column.refused() == null).count();
        long columns = assessment.tables().stream().mapToLong(table -> table.columns().size()).sum();
        String types = asDeclared == columns ? "Every column gets a type that holds each of its values exactly."
                : count(asDeclared) + " of " + counted(columns, "column gets", "columns get")
                + " the type that was meant; "
                        + "the others get a wider one that holds each value exactly.";
        return switch (assessment.verdict()) {
            case READY -> "Nothing stands in the way. " + types;
            case READY_WITH_NOTES -> "The data can be moved whole. " + types + " "
                    + counted(warnings, "point deserves", "points deserve")
                    + " a look before the application is switched.";
            case BLOCKED -> counted(blockers, "point has", "points have")
                    + " to be solved before anything can be moved.";
        };
    }

    private long number(Note.Severity severity) {
        return assessment.notes().stream().filter(note -> note.severity() == severity).count();
    }

    private void numbers() {
        Estimate estimate = assessment.estimate();
        out.append("<section class=\"numbers\">\n");
        number(count(assessment.tables().size()), assessment.tables().size() == 1 ? "table" : "tables");
        number(count(estimate.rows()), estimate.rows() == 1 ? "row" : "rows");
        number(bytes(assessment.source().bytes()), "in SQLite");
        number("≈ " + bytes(estimate.targetBytes()), "in PostgreSQL");
        number("≈ " + AssessText.estimated(estimate.copyTime()), "to copy and check");
        out.append("</section>\n<p class=\"soft small\">").append(escaped(estimate.assumption()))
                .append(" The application keeps running meanwhile.</p>\n");
    }

    private void number(String number, String label) {
        out.append("<div class=\"number\"><b>").append(escaped(number)).append("</b><span class=\"soft\">")
                .append(label)
                .append("</span></div>\n");
    }

    private void notes(Note.Severity severity, String title) {
        List<Note> notes = assessment.notes().stream().filter(note -> note.severity() == severity).toList();
        if (notes.isEmpty()) {
            return;
        }
        out.append("<h2>").append(title).append("</h2>\n");
        for (String code : notes.stream().map(Note::code).distinct().toList()) {
            sameKind(notes.stream().filter(note -> note.code().equals(code)).toList());
        }
    }

    private void sameKind(List<Note> notes) {
        Note first = notes.get(0);
        out.append("<article class=\"note\"><span class=\"tag ").append(first.severity().name()
                .toLowerCase(Locale.ROOT))
                .append("\">").append(escaped(kind(first.code()))).append("</span>");
        if (notes.size() == 1) {
            out.append(escaped(first.sentence())).append('\n');
        } else {
            out.append("<span class=\"soft small\">").append(count(notes.size())).append(" places</span>\n<ul>\n");
            int shown = notes.size() <= SAME_NOTES_MAX + 1 ? notes.size() : SAME_NOTES_MAX;
            notes.subList(0, shown).forEach(note -> out.append("<li>").append(escaped(note.sentence()))
                    .append("</li>\n"));
            out.append("</ul>\n");
            if (shown < notes.size()) {
                out.append("<details><summary>").append(count(notes.size() - shown))
                        .append(" more</summary><div class=\"inside\"><ul>\n");
                notes.subList(shown, notes.size())
                        .forEach(note -> out.append("<li>").append(escaped(note.sentence())).append("</li>\n"));
                out.append("</ul></div></details>\n");
            }
        }
        Note.advice(notes).forEach(advice ->
                out.append("<p class=\"advice\"><b>What to do</b> ").append(escaped(advice)).append("</p>\n"));
        out.append("</article>\n");
    }

    /** A note's code as words: {@code key-null} is "Key null". */
    private static String kind(String code) {
        String words = code.replace('-', ' ');
        return words.substring(0, 1).toUpperCase(Locale.ROOT) + words.substring(1);
    }

    private void tables() {
        if (assessment.tables().isEmpty()) {
            return;
        }
        out.append("<h2>Tables and the types they get</h2>\n");
        for (TableAssessment table : assessment.tables()) {
            long wider = table.columns().stream().filter(column -> column.refused() != null || column.type() == null)
                    .count();
            out.append("<details><summary><b>").append(escaped(table.name())).append("</b>");
            if (wider > 0) {
                out.append(" <span class=\"tag warning\">").append(count(wider)).append(wider == 1 ? " wider type"
                        : " wider types")
                        .append("</span>");
            }
            out.append("<span class=\"soft small\">").append(counted(table.rows(), "row", "rows")).append(" · ")
                    .append(bytes(table.fileBytes() < 0 ? table.contentBytes() : table.fileBytes()))
                    .append("</span></summary>\n<div class=\"inside\">\n<p class=\"soft small\">Key: ")
                    .append(escaped(table.key()))
                    .append(" · ").append(counted(table.indexes(), "index", "indexes")).append(" · ")
                    .append(counted(table.foreignKeys(), "foreign key", "foreign keys")).append(" · about ")
                    .append(bytes(table.targetBytes())).append(" in PostgreSQL</p>\n")
                    .append("<table><thead><tr><th>Column</th><th>In SQLite</th><th>In"
                    + " PostgreSQL</th><th>Evidence</th></tr></thead><tbody>\n");
            table.columns().forEach(this::column);
            out.append("</tbody></table></div></details>\n");
        }
    }

    private void column(ColumnMapping column) {
        String declared = column.census().declaredType();
        out.append("<tr><td>").append(escaped(column.name())).append("</td><td>")
                .append(declared.isEmpty() ? "<span class=\"soft\">no type</span>" : "<code>" + escaped(declared)
                + "</code>")
                .append("</td><td class=\"type\">")
                .append(column.type() == null ? "<span class=\"wider\">none</span>" : "<code>"
                + escaped(column.type()) + "</code>")
                .append("</td><td>").append(escaped(column.evidence()));
        if (column.refused() != null) {
            out.append("<br><span class=\"wider\">").append(escaped(column.refused())).append("</span>");
        }
        out.append("</td></tr>\n");
    }

    private void features() {
        if (assessment.features().isEmpty()) {
            return;
        }
        out.append("<h2>Features of SQLite in use</h2>\n");
        for (Feature feature : assessment.features()) {
            out.append("<details><summary><b>").append(escaped(feature.label())).append(
                    "</b><span class=\"soft small\">")
                    .append(count(feature.names().size())).append("</span></summary><div class=\"inside small\">")
                    .append(escaped(String.join(", ", feature.names()))).append("</div></details>\n");
        }
    }

    private void file() {
        SourceFacts source = assessment.source();
        out.append("<h2>The file</h2>\n<article class=\"note\"><dl>\n");
        fact("Path", source.path().toString());
        fact("Size", bytes(source.bytes()) + (source.walBytes() > 0 ? " and " + bytes(source.walBytes())
                + " of write-ahead log" : "")
                + ", " + count(source.freePages()) + " of " + count(source.pages()) + " pages free");
        fact("Page size", counted(source.pageSize(), "byte", "bytes"));
        fact("Text encoding", source.encoding());
        fact("Journal mode", source.journalMode());
        if (source.lastWriter() != null) {
            fact("Last written by", "SQLite " + source.lastWriter());
        }
        fact("user_version", Long.toString(source.userVersion()));
        fact("application_id", Long.toString(source.applicationId()));
        fact("File system", source.fileSystem());
        out.append("</dl></article>\n");
    }

    private void fact(String name, String value) {
        out.append("<dt>").append(name).append("</dt><dd>").append(escaped(value)).append("</dd>\n");
    }

    private static String resource(String name) {
        try (InputStream in = AssessHtml.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String escaped(String text) {
        StringBuilder safe = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> safe.append("&amp;");
                case '<' -> safe.append("&lt;");
                case '>' -> safe.append("&gt;");
                case '"' -> safe.append("&quot;");
                case '\'' -> safe.append("&#39;");
                default -> safe.append(c < ' ' && c != '\n' && c != '\t' || c == 127 ? '·' : c);
            }
        }
        return safe.toString();
    }
}
