package dev.sluice.demo;

/**
 * How the demo is run.
 *
 * @param keep true to leave files and the PostgreSQL server for a look around
 * @param seconds how long PostgreSQL follows before it is verified, 1 to 3600
 * @param rows about how many the application begins with, 1,000 to 10,000,000
 * @param json true to end with one JSON object on standard output; the steps are then told on standard error
 */
public record DemoOptions(boolean keep, int seconds, long rows, boolean json) {

    public static final DemoOptions DEFAULT = new DemoOptions(false, 6, 60_000, false);

    private static final int SECONDS_MAX = 3_600;
    private static final long ROWS_MIN = 1_000;
    private static final long ROWS_MAX = 10_000_000;

    public DemoOptions {
        if (seconds < 1 || seconds > SECONDS_MAX) {
            throw new IllegalArgumentException("--seconds must be 1 to " + SECONDS_MAX + ", not " + seconds);
        }
        if (rows < ROWS_MIN || rows > ROWS_MAX) {
            throw new IllegalArgumentException("--rows must be " + ROWS_MIN + " to " + ROWS_MAX + ", not " + rows);
        }
    }
}
