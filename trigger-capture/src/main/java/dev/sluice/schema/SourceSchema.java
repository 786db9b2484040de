package dev.sluice.schema;

import dev.sluice.sqlite.SqlText;
import java.util.List;
import java.util.Set;

/**
 * All that a file declares, without anything of ours and without SQLite's internal and shadow tables.
 *
 * @param tables ordinary tables in order of creation
 * @param views in order of creation
 * @param triggers in order of creation
 * @param virtualTables FTS, R-tree and others; their shadow tables are not in {@code tables}
 * @param encoding {@code UTF-8}, {@code UTF-16le} or {@code UTF-16be}
 * @param hash SHA-256 (hex) over the text of every schema row that is not ours: equal hash, equal schema
 */
public record SourceSchema(
        List<SourceTable> tables, List<SourceObject> views, List<SourceObject> triggers,
        List<SourceObject> virtualTables, String encoding, String hash) {

    /** Finds a table without regard to ASCII case, as SQLite does; null if there is none. */
    public SourceTable table(String name) {
        return tables.stream().filter(t -> SqlText.sameName(t.name(), name)).findFirst().orElse(null);
    }

    /** The same schema with some of its tables only, by their exact names. */
    public SourceSchema only(Set<String> names) {
        return new SourceSchema(tables.stream().filter(table -> names.contains(table.name())).toList(), views, triggers,
                virtualTables, encoding, hash);
    }
}
