package dev.sluice.plan;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;

/**
 * All that was decided before the first row moves. It is stored in the target, so that a restarted daemon goes on
 * with the same decisions.
 *
 * @param schema the target schema's name, unquoted
 * @param tables in the order in which they are copied
 * @param declarations in the order in which they run
 * @param notCarried named with the reason
 * @param notes sentences worth knowing: renamed identifiers, widened types
 * @param problems sentences about what does not fit; a plan with problems is not run
 * @param schemaHash of the source schema that the plan was made for
 * @param taken names of relations that stood in the target schema before us, which ours give way to
 * @param held tables that can't be followed at present
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record MigrationPlan(
        String schema, List<TablePlan> tables, List<Declaration> declarations, List<NotCarried> notCarried,
        List<String> notes, List<String> problems, String schemaHash, List<String> taken, List<Held> held) {

    /**
     * A table whose changes wait: the source's schema was changed in a way that the target could not follow.
     *
     * @param target the target table's name, which keeps the rows that it has
     * @param ours true if we made the target table, so that it may be made anew
     * @param reason one sentence: why, and what to do
     */
    public record Held(String source, String target, boolean ours, String reason) {}

    public MigrationPlan {
        taken = taken == null ? List.of() : List.copyOf(taken);
        held = held == null ? List.of() : List.copyOf(held);
    }

    private static final ObjectMapper MAPPER = new ObjectMapper();

    /** The plan of a source table, without regard to ASCII case; null if it is not carried. */
    public TablePlan table(String sourceName) {
        return tables.stream().filter(t -> t.source().equalsIgnoreCase(sourceName)).findFirst().orElse(null);
    }

    /** True if {@code object} is named among what is not carried. */
    public boolean leavesOut(String object) {
        return notCarried.stream().anyMatch(left -> left.object().equals(object));
    }

    public long rows() {
        return tables.stream().mapToLong(TablePlan::rows).sum();
    }

    public List<Declaration> declarations(Declaration.Stage stage) {
        return declarations.stream().filter(declaration -> declaration.stage() == stage).toList();
    }

    public MigrationPlan withTable(TablePlan changed) {
        List<TablePlan> all = new ArrayList<>(tables);
        all.replaceAll(table -> table.source().equals(changed.source()) ? changed : table);
        return new MigrationPlan(schema, all, declarations, notCarried, notes, problems, schemaHash, taken, held);
    }

    /** For a target schema that is there. */
    public MigrationPlan withoutSchema() {
        List<Declaration> kept = declarations.stream()
                .filter(declaration -> !declaration.sql().startsWith("CREATE SCHEMA ")).toList();
        return with(kept, notCarried, problems);
    }

    /** With other declarations, and what came out when they were looked at. */
    public MigrationPlan with(List<Declaration> others, List<NotCarried> left, List<String> found) {
        return new MigrationPlan(schema, tables, others, left, notes, found, schemaHash, taken, held);
    }

    /** How a table is held, without regard to ASCII case; null if it is not. */
    public Held held(String sourceName) {
        return held.stream().filter(table -> table.source().equalsIgnoreCase(sourceName)).findFirst().orElse(null);
    }

    public String toJson() {
        try {
            return MAPPER.writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a plan that can't be written as JSON", e);
        }
    }

    public static MigrationPlan fromJson(String json) {
        try {
            return MAPPER.readValue(json, MigrationPlan.class);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the plan stored in sluice.migration can't be read", e);
        }
    }
}
