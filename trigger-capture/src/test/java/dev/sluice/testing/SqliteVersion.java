package dev.sluice.testing;

/** A version of the SQLite library, comparable. */
public record SqliteVersion(int number) {

    /** Reads {@code 3.8.11}; what comes behind a third part is a matter of the packager. */
    public static SqliteVersion of(String text) {
        String[] parts = text.split("[.-]");
        int number = 0;
        for (int i = 0; i < 3; i++) {
            number = number * 1000 + (i < parts.length ? Integer.parseInt(parts[i]) : 0);
        }
        return new SqliteVersion(number);
    }

    public boolean atLeast(String version) {
        return number >= of(version).number;
    }

    @Override
    public String toString() {
        return number / 1_000_000 + "." + number / 1000 % 1000 + "." + number % 1000;
    }
}
