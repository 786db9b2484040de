package dev.sluice.cutover;

import java.util.Locale;

/** Who takes the application's writes, as the register in PostgreSQL ({@code sluice.control.traffic}) says. */
public enum Traffic {
    /** SQLite has them, or is fenced for a cutover that is not decided. */
    SQLITE,
    /** PostgreSQL had them and is fenced for a rollback that is not decided: nobody. */
    FENCED,
    /** PostgreSQL has them. */
    POSTGRES;

    /** As it is written in SQL and JSON. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Traffic of(String label) {
        return valueOf(label.toUpperCase(Locale.ROOT));
    }
}
