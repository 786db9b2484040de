package dev.sluice.assess;

import dev.sluice.census.ColumnCensus;
import dev.sluice.change.Value;
import dev.sluice.mapping.Codec;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Words for what a census found in a column. */
final class ColumnEvidence {

    private static final int FORMS_LISTED_MAX = 4;

    private final ColumnCensus census;

    private ColumnEvidence(ColumnCensus census) {
        this.census = census;
    }

    static ColumnMapping mapping(ColumnCensus census) {
        ColumnEvidence words = new ColumnEvidence(census);
        Codec chosen = census.chosen();
        return new ColumnMapping(census.name(), chosen == null ? null : chosen.type(), words.found(), words.refused(),
                census);
    }

    /** A count as people read it: {@code 12,345}. */
    static String count(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    static String counted(long number, String one, String many) {
        return count(number) + " " + (number == 1 ? one : many);
    }

    private String found() {
        ColumnCensus.Classes classes = census.classes();
        if (classes.values() == 0) {
            return classes.nulls() == 0 ? "no rows" : "only NULL";
        }
        List<String> parts = new ArrayList<>();
        add(parts, classes.integers(), "integer", "integers");
        add(parts, classes.reals(), "real", "reals");
        add(parts, classes.texts(), "text", "texts");
        add(parts, classes.blobs(), "blob", "blobs");
        StringBuilder words = new StringBuilder(String.join(", ", parts));
        if (classes.kinds() == 1) {
            words.append(", none else");
        }
        details(words);
        if (classes.nulls() > 0) {
            words.append("; ").append(counted(classes.nulls(), "NULL", "NULLs"));
        }
        return words.toString();
    }

    private void details(StringBuilder words) {
        ColumnCensus.Truth truth = census.truth();
        if (census.classes().values() == truth.zeros() + truth.ones() && census.classes().integers() > 0) {
            words.append(", all 0 or 1");
        } else if (census.range() != null) {
            words.append(", ").append(census.range().min()).append(" to ").append(census.range().max());
        }
        if (census.times().size() == 1) {
            Map.Entry<String, Long> form = census.times().entrySet().iterator().next();
            words.append(", ").append(form.getValue() == census.classes().values() ? "all" : count(form.getValue()))
                    .append(" as ").append(form.getKey());
        } else if (census.times().size() > 1) {
            words.append(", ").append(forms());
        }
        if (census.json() > census.jsonValid()) {
            words.append(", ").append(count(census.jsonValid())).append(" of ")
                    .append(counted(census.json(), "JSON document", "JSON documents")).append(" valid");
        } else if (census.json() > 0) {
            words.append(", ").append(counted(census.jsonValid(), "valid JSON document", "valid JSON documents"));
        }
        if (census.lengths() != null && census.lengths().max() > 0) {
            words.append(census.classes().kinds() > 1 ? ", up to " : ", at most ")
                    .append(census.classes().blobs() == 0 ? counted(census.charactersMax(), "character", "characters")
                            : bytes(census.lengths().max()));
        }
        if (census.refused() == null) {
            outside(words);
        }
    }

    /** What is against the declaration without costing the type: said here, else among the reasons. */
    private void outside(StringBuilder words) {
        if (census.outsideType() > 0) {
            words.append(", ").append(count(census.outsideType())).append(" of another class than declared");
        }
        if (census.overLength() > 0) {
            words.append(", ").append(count(census.overLength())).append(" beyond the declared ")
                    .append(census.declaredType());
        }
        if (census.nulTexts() > 0) {
            words.append(", ").append(count(census.nulTexts())).append(" with NUL characters");
        }
        if (census.invalidTexts() > 0) {
            words.append(", ").append(count(census.invalidTexts())).append(" not valid UTF-8");
        }
    }

    /** The forms of date and time, most frequent first. */
    private String forms() {
        List<String> forms = new ArrayList<>();
        long others = 0;
        for (Map.Entry<String, Long> form : census.times().entrySet()) {
            if (forms.size() < FORMS_LISTED_MAX) {
                forms.add(count(form.getValue()) + " as " + form.getKey());
            } else {
                others += form.getValue();
            }
        }
        return String.join(", ", forms) + (others > 0 ? ", " + count(others) + " in "
                + counted(census.times().size() - FORMS_LISTED_MAX, "other form", "other forms") : "");
    }

    private String refused() {
        if (census.refused() == null) {
            return null;
        }
        long values = census.classes().values();
        long broken = census.refused().broken();
        String all = broken == values ? "all " + counted(values, "value", "values")
                : count(broken) + " of " + counted(values, "value", "values");
        String chosen = census.chosen() == null ? "no type" : census.chosen().type();
        String asked = census.refused().codec().type();
        String forms = chosen.equals(asked) ? chosen + " in a wider form" : chosen + " instead of " + asked;
        String why = why();
        return forms + ": " + all + (broken == 1 && values > 1 ? " does" : " do") + " not fit"
                + (why.isEmpty() ? "" : " (" + why + ")") + rows();
    }

    private String why() {
        List<String> reasons = new ArrayList<>();
        if (census.zeroTimes() > 0) {
            reasons.add(counted(census.zeroTimes(), "is an empty or zero date", "are empty or zero dates"));
        }
        long timed = census.times().values().stream().mapToLong(Long::longValue).sum();
        long formless = census.classes().values() - timed - census.zeroTimes();
        if (timed > 0 && formless > 0) {
            reasons.add(counted(formless, "has no form of date that is known", "have no form of date that is known"));
        } else if (census.times().size() == 1 && census.zeroTimes() == 0) {
            reasons.add("written as " + census.times().keySet().iterator().next());
        }
        if (census.times().size() > 1) {
            reasons.add(census.times().size() + " forms of date and time are mixed");
        }
        if (census.outsideType() > 0) {
            reasons.add(counted(census.outsideType(), "has another storage class", "have another storage class"));
        }
        if (census.overLength() > 0) {
            reasons.add(census.classes().integers() + census.classes().reals() == 0
                    ? counted(census.overLength(), "is longer than declared", "are longer than declared")
                    : counted(census.overLength(), "is beyond the declared size", "are beyond the declared size"));
        }
        if (census.json() > census.jsonValid()) {
            reasons.add(counted(census.json() - census.jsonValid(), "is invalid JSON", "are invalid JSON"));
        }
        if (census.nulTexts() > 0) {
            reasons.add(counted(census.nulTexts(), "holds a NUL character", "hold a NUL character"));
        }
        if (census.invalidTexts() > 0) {
            reasons.add(counted(census.invalidTexts(), "is not valid UTF-8", "are not valid UTF-8"));
        }
        if (census.refused().codec().type().equals("boolean")) {
            ColumnCensus.Truth truth = census.truth();
            long neither = census.classes().integers() - truth.zeros() - truth.ones();
            if (neither > 0) {
                reasons.add(counted(neither, "integer is", "integers are") + " neither 0 nor 1");
            }
        }
        if (census.emptyTexts() > 0 && census.zeroTimes() == 0
                && !census.refused().codec().fits(new Value.Text(new byte[0]))) {
            reasons.add(counted(census.emptyTexts(), "is empty", "are empty"));
        }
        return String.join(", ", reasons);
    }

    private String rows() {
        List<Long> rows = census.refused().rows();
        if (rows.isEmpty()) {
            return "";
        }
        return ", first in " + (rows.size() == 1 ? "row " : "rows ")
                + String.join(", ", rows.stream().map(String::valueOf).toList());
    }

    private static void add(List<String> parts, long number, String one, String many) {
        if (number > 0) {
            parts.add(counted(number, one, many));
        }
    }

    /** Bytes as people read them: {@code 1.5 MB}, in powers of 1,000. */
    static String bytes(long bytes) {
        if (bytes < 1000) {
            return counted(bytes, "byte", "bytes");
        }
        String[] units = {"kB", "MB", "GB", "TB", "PB", "EB"};
        double number = bytes;
        int unit = -1;
        while (number >= 999.5 && unit < units.length - 1) {
            number /= 1000;
            unit++;
        }
        return String.format(Locale.ROOT, number < 9.95 ? "%.1f %s" : "%.0f %s", number, units[unit]);
    }
}
