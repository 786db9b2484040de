package dev.sluice.translate;

import dev.sluice.change.Value;

/** What a column's DEFAULT means. */
public sealed interface Default permits Default.Literal, Default.Expression, Default.Refused {

    /** The value that SQLite stores, after the column's affinity was applied. */
    record Literal(Value value) implements Default {}

    /**
     * An expression of the column's type in PostgreSQL.
     *
     * @param pgSql PostgreSQL's SQL, valid behind DEFAULT
     * @param form for the current time: how SQLite writes it, as a strftime pattern ({@code %s} for epoch seconds,
     *     {@code %s000} for seconds times 1000); otherwise null. A date or time column stored in another form must not
     *     take this default
     */
    record Expression(String pgSql, String form) implements Default {

        public Expression(String pgSql) {
            this(pgSql, null);
        }
    }

    /** It can't be said in PostgreSQL; the reason is one sentence in plain words, without a full stop. */
    record Refused(String reason) implements Default {}
}
