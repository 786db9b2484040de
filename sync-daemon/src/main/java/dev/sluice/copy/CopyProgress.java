package dev.sluice.copy;

/** Hears how the copy goes, on the copying threads; must return at once. */
public interface CopyProgress {

    /** For whom nobody listens. */
    CopyProgress NONE = new CopyProgress() {
        @Override
        public void copied(String table, long rows, long bytes) {}

        @Override
        public void parked(String table, long rows) {}

        @Override
        public void finished(String table) {}
    };

    /** {@code rows} and {@code bytes} more of {@code table} are in the target. */
    void copied(String table, long rows, long bytes);

    /** Rows that were parked instead. */
    void parked(String table, long rows);

    /** All rows of {@code table} are in. */
    void finished(String table);
}
