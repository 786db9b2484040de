package dev.sluice.assess;

import java.util.List;

/**
 * A feature of SQLite that the source uses.
 *
 * @param code stable for scripts, for example {@code partial-index}
 * @param label for people
 * @param names where: the objects' names
 */
public record Feature(String code, String label, List<String> names) {}
