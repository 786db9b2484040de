package dev.sluice.census;

import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Evidence;
import java.util.Map;

/**
 * What one column holds. Counts are values; nothing here is a value of the user's but the range of numbers.
 *
 * @param declaredType as declared, empty if nothing was
 * @param bytes content of texts and blobs
 * @param emptyTexts texts of no length
 * @param range of integers and reals together, null if there is none
 * @param lengths of texts and blobs in bytes, null if there is none
 * @param charactersMax of the longest text, in code points
 * @param truth how many values look like a truth value
 * @param times how many values each form of date and time has, most frequent first; forms are written as in
 *     {@code YYYY-MM-DD hh:mm:ss.fff}
 * @param zeroTimes values that stand for no date: {@code 0}, empty text and dates of zeros, in a column declared as
 *     date or time
 * @param json texts that start as a JSON object or array
 * @param jsonValid how many of those are valid JSON
 * @param nulTexts texts that hold a NUL character
 * @param invalidTexts texts that are not valid UTF-8
 * @param outsideType values of a storage class that the declared type does not ask for, for example text in INTEGER
 * @param overLength texts longer than the declared length, numbers with more digits than declared, or beyond
 *     what a declared integer type smaller than SQLite's holds elsewhere
 * @param infinities reals that are infinite
 * @param negativeZeros reals that are −0.0
 * @param tooLarge values that no type holds: PostgreSQL's fields end at 1 GB, and a blob is printed in twice its length
 * @param chosen the codec that every value survives, those too large aside; null if none of the candidates does
 * @param refused the codec that the declaration asks for and some values would not survive, or null
 */
public record ColumnCensus(
        String name, String declaredType, Classes classes, long bytes, long emptyTexts, Range range, Lengths lengths,
        long charactersMax, Truth truth, Map<String, Long> times, long zeroTimes, long json, long jsonValid,
        long nulTexts, long invalidTexts, long outsideType, long overLength, long infinities, long negativeZeros,
        long tooLarge, Codec chosen, Evidence.Refused refused) {

    /** Values per storage class. */
    public record Classes(long nulls, long integers, long reals, long texts, long blobs) {

        /** Values that are not NULL. */
        public long values() {
            return integers + reals + texts + blobs;
        }

        /** How many classes occur, NULL aside. */
        public int kinds() {
            return (integers > 0 ? 1 : 0) + (reals > 0 ? 1 : 0) + (texts > 0 ? 1 : 0) + (blobs > 0 ? 1 : 0);
        }
    }

    /** Smallest and largest number, each a {@code Long} or {@code Double}. */
    public record Range(Number min, Number max) {}

    /** Bytes of texts and blobs. */
    public record Lengths(long min, long max, double average) {}

    /** Values that look like a truth value: the numbers 0 and 1, and words such as {@code true} or {@code no}. */
    public record Truth(long zeros, long ones, long trueWords, long falseWords) {}
}
