package dev.sluice.census;

import dev.sluice.change.Value;
import dev.sluice.mapping.Evidence;
import dev.sluice.mapping.JsonText;
import dev.sluice.schema.SourceColumn;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Counts one column's values as they come. Not thread-safe. */
final class ColumnTally {

    private static final Pattern LENGTH = Pattern.compile("CHAR[A-Z0-9 ]*\\(\\s*(\\d{1,9})\\s*\\)");
    private static final Pattern DIGITS =
            Pattern.compile("(?:DEC|NUM)[A-Z ]*\\(\\s*(\\d{1,4})\\s*(?:,\\s*(\\d{1,4})\\s*)?\\)");
    private static final Pattern TIME_NAME = Pattern.compile(".*(?:_at|_on|date|time|timestamp|[a-z]At|_ts)");
    private static final int INTEGER = 1;
    private static final int REAL = 2;
    private static final int TEXT = 4;
    private static final int BLOB = 8;

    private final SourceColumn column;
    private final Evidence evidence;
    private final TimeShapes times = new TimeShapes();
    private final boolean declaredTime;
    private final boolean maybeTime;
    private final int classesAsked;
    private final long lengthDeclared;
    /** Numbers from here on are beyond what is declared, in either direction. */
    private final double lowest;
    private final double highest;
    private final int decimals;
    /** Ten to the power of {@link #decimals}; NaN where doubles are not exact enough for the quick way. */
    private final double units;

    private long nulls;
    private long integers;
    private long reals;
    private long texts;
    private long blobs;
    private long bytes;
    private long emptyTexts;
    private long integerMin = Long.MAX_VALUE;
    private long integerMax = Long.MIN_VALUE;
    private double realMin = Double.POSITIVE_INFINITY;
    private double realMax = Double.NEGATIVE_INFINITY;
    private long lengthMin = Long.MAX_VALUE;
    private long lengthMax;
    private long charactersMax;
    private long zeros;
    private long ones;
    private long trueWords;
    private long falseWords;
    private long zeroTimes;
    private long json;
    private long jsonValid;
    private long nulTexts;
    private long invalidTexts;
    private long outsideType;
    private long overLength;
    private long infinities;
    private long negativeZeros;

    ColumnTally(SourceColumn column, CandidateSource.Candidates candidates) {
        this.column = column;
        this.evidence = new Evidence(candidates.candidates(), candidates.withoutValues());
        String declared = column.declaredType().toUpperCase(Locale.ROOT);
        this.declaredTime = declared.contains("DATE") || declared.contains("TIME");
        this.maybeTime = declaredTime || TIME_NAME.matcher(column.name()).matches();
        this.classesAsked = classesAsked(declared, column);
        Matcher length = LENGTH.matcher(declared);
        this.lengthDeclared = length.find() ? Long.parseLong(length.group(1)) : Long.MAX_VALUE;
        Matcher digits = DIGITS.matcher(declared);
        boolean counted = digits.find();
        this.decimals = !counted ? Integer.MAX_VALUE : digits.group(2) == null ? 0 : Integer.parseInt(digits.group(2));
        this.units = decimals > 15 ? Double.NaN : Math.pow(10, decimals);
        double whole = counted ? Math.pow(10, Integer.parseInt(digits.group(1)) - decimals)
                : wholeBound(declared);
        boolean unsigned = declared.contains("UNSIGNED");
        // SQL Server's TINYINT goes from 0 to 255, MySQL's from -128 to 127: either is let pass
        this.highest = counted || unsigned || declared.startsWith("TINYINT") ? whole : whole / 2;
        this.lowest = unsigned ? -1 : counted ? -whole : -whole / 2 - 1;
    }

    /** How many numbers fit an integer type that is smaller than SQLite's; NaN, which bounds nothing, for others. */
    private static double wholeBound(String declared) {
        return declared.startsWith("TINYINT") ? 0x1p8
                : declared.startsWith("SMALLINT") || declared.equals("INT2") ? 0x1p16
                : declared.startsWith("MEDIUMINT") ? 0x1p24 : Double.NaN;
    }

    /** The storage classes that a declared type asks for; a type that nobody knows asks for nothing. */
    private static int classesAsked(String declared, SourceColumn column) {
        int all = INTEGER | REAL | TEXT | BLOB;
        return switch (column.affinity()) {
            case INTEGER -> INTEGER;
            case REAL -> REAL;
            case TEXT -> TEXT;
            case BLOB -> declared.isEmpty() ? all : BLOB;
            case NUMERIC -> declared.contains("DEC") || declared.contains("NUM") ? INTEGER | REAL
                    : declared.contains("JSON") ? TEXT
                    : declared.contains("BOOL") ? INTEGER : all;
        };
    }

    /** Takes one value; returns the bytes of its content. */
    long add(Value value, long row) {
        if (value.isNull()) {
            nulls++;
            return 0;
        }
        evidence.add(value, row);
        if (value instanceof Value.Int number) {
            addInteger(number.value());
            return 8;
        }
        if (value instanceof Value.Real real) {
            addReal(real.value());
            return 8;
        }
        byte[] content = value.bytes();
        bytes += content.length;
        lengthMin = Math.min(lengthMin, content.length);
        lengthMax = Math.max(lengthMax, content.length);
        if (value instanceof Value.Text text) {
            addText(text);
        } else {
            blobs++;
            outsideType += (classesAsked & BLOB) == 0 ? 1 : 0;
        }
        return content.length;
    }

    private void addInteger(long number) {
        integers++;
        integerMin = Math.min(integerMin, number);
        integerMax = Math.max(integerMax, number);
        if (number == 0) {
            zeros++;
            zeroTimes += declaredTime ? 1 : 0;
        } else if (number == 1) {
            ones++;
        } else if (maybeTime) {
            times.addInteger(number);
        }
        outsideType += (classesAsked & INTEGER) == 0 ? 1 : 0;
        overLength += number <= lowest || number >= highest ? 1 : 0;
    }

    private void addReal(double number) {
        reals++;
        realMin = Math.min(realMin, number);
        realMax = Math.max(realMax, number);
        if (Double.isInfinite(number)) {
            infinities++;
        } else if (number == 0 && 1 / number < 0) {
            negativeZeros++;
        } else if (maybeTime) {
            times.addReal(number);
        }
        outsideType += (classesAsked & REAL) == 0 ? 1 : 0;
        boolean longer = decimals != Integer.MAX_VALUE && !Double.isInfinite(number) && !isDecimal(number)
                && BigDecimal.valueOf(number).stripTrailingZeros().scale() > decimals;
        overLength += longer || number <= lowest || number >= highest ? 1 : 0;
    }

    /** True only if {@code number} is what a decimal with the declared places is read as; false says nothing. */
    private boolean isDecimal(double number) {
        double count = Math.rint(number * units);
        return Math.abs(count) < 1e15 && count / units == number;
    }

    private void addText(Value.Text text) {
        texts++;
        byte[] utf8 = text.utf8();
        outsideType += (classesAsked & TEXT) == 0 ? 1 : 0;
        if (utf8.length == 0) {
            emptyTexts++;
            zeroTimes += declaredTime ? 1 : 0;
            return;
        }
        long characters = utf8.length;
        boolean nul = false;
        boolean ascii = text.isAscii();
        if (!ascii) {
            characters = 0;
            ascii = true;
            for (byte b : utf8) {
                nul |= b == 0;
                ascii &= b >= 0;
                characters += (b & 0xC0) == 0x80 ? 0 : 1;
            }
        }
        charactersMax = Math.max(charactersMax, characters);
        nulTexts += nul ? 1 : 0;
        invalidTexts += !ascii && !text.isUtf8() ? 1 : 0;
        overLength += characters > lengthDeclared ? 1 : 0;
        if (utf8[0] == '{' || utf8[0] == '[') {
            json++;
            jsonValid += evidence.provesJson(text) || JsonText.isValid(text) ? 1 : 0;
        } else if (ascii && utf8.length <= TimeShapes.LENGTH_MAX) {
            if (times.addText(utf8)) {
                zeroTimes++;
            }
            addWord(utf8);
        }
    }

    private void addWord(byte[] ascii) {
        if (ascii.length > 5 || "tTfFyYnNoO".indexOf(ascii[0]) < 0) {
            return;
        }
        switch (new String(ascii, java.nio.charset.StandardCharsets.US_ASCII).toLowerCase(Locale.ROOT)) {
            case "true", "t", "yes", "y", "on" -> trueWords++;
            case "false", "f", "no", "n", "off" -> falseWords++;
            default -> { }
        }
    }

    ColumnCensus result() {
        long strings = texts + blobs;
        return new ColumnCensus(column.name(), column.declaredType(),
                new ColumnCensus.Classes(nulls, integers, reals, texts, blobs), bytes, emptyTexts, range(),
                strings == 0 ? null : new ColumnCensus.Lengths(lengthMin, lengthMax, (double) bytes / strings),
                charactersMax, new ColumnCensus.Truth(zeros, ones, trueWords, falseWords), times.counts(), zeroTimes,
                json, jsonValid, nulTexts, invalidTexts, outsideType, overLength, infinities, negativeZeros,
                evidence.tooLarge(), evidence.choose(), evidence.refused());
    }

    private ColumnCensus.Range range() {
        if (integers + reals == 0) {
            return null;
        }
        boolean minIsInteger = reals == 0 || integers > 0 && integerMin <= realMin;
        boolean maxIsInteger = reals == 0 || integers > 0 && integerMax >= realMax;
        Number min = minIsInteger ? (Number) integerMin : (Number) realMin;
        Number max = maxIsInteger ? (Number) integerMax : (Number) realMax;
        return new ColumnCensus.Range(min, max);
    }
}
