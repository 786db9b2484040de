package dev.sluice.translate;

import java.util.List;

/** What became of an SQL fragment. */
public sealed interface Translation permits Translation.Sql, Translation.Refused {

    /**
     * PostgreSQL's SQL with the same answer.
     *
     * @param text an expression in parentheses where it needs them, or a whole SELECT
     * @param kind what it yields; {@link PgKind#OTHER} for a SELECT
     * @param notes what the operator should know, each one sentence
     */
    record Sql(String text, PgKind kind, List<String> notes) implements Translation {

        public Sql(String text, PgKind kind) {
            this(text, kind, List.of());
        }
    }

    /**
     * PostgreSQL could give another answer, or none.
     *
     * @param reason one sentence in plain words, without a full stop
     */
    record Refused(String reason) implements Translation {}
}
