package dev.sluice.schema;

import java.util.List;

/**
 * A foreign key as declared; SQLite does not check that the parent exists.
 *
 * @param name the constraint's name, or null
 * @param parent the parent table as spelled
 * @param parentColumns empty if the declaration names none: then the parent's primary key is meant
 * @param onUpdate for example {@code NO ACTION} or {@code CASCADE}, as SQLite's pragma spells it
 * @param onDelete likewise
 * @param initiallyDeferred true if declared DEFERRABLE INITIALLY DEFERRED
 */
public record SourceForeignKey(
        String name, List<String> columns, String parent, List<String> parentColumns,
        String onUpdate, String onDelete, boolean initiallyDeferred) {}
