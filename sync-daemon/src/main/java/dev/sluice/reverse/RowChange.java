package dev.sluice.reverse;

/**
 * One change of a row as PostgreSQL printed it. Texts stand in the order of {@link StreamTable#names}; null is NULL, and
 * {@link PrintedValues#isSent} tells what the stream did not carry.
 *
 * @param table its place among the stream's tables
 * @param before the row before, of which only the key is sure to be there; null for an insert
 * @param after the row now; null for a delete
 */
record RowChange(int table, Kind kind, String[] before, String[] after) {

    /** What happened. */
    enum Kind {
        INSERT,
        UPDATE,
        /** An update of the key: {@code before} has the old one. */
        MOVE,
        DELETE,
        /** All rows of the table went. */
        TRUNCATE
    }

    /** Bytes in memory, roughly. */
    long size() {
        return 48 + size(before) + size(after);
    }

    private static long size(String[] texts) {
        long size = 0;
        if (texts != null) {
            for (String text : texts) {
                size += text == null || !PrintedValues.isSent(text) ? 8 : 56 + 2L * text.length();
            }
        }
        return size;
    }
}
