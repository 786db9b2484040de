package dev.sluice.verify;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.store.Keys;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Differences as JSON, the same in the target, the API and the evidence file. */
public final class DifferenceJson {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private DifferenceJson() {}

    /** @param values false to leave values out even where they are known */
    public static ArrayNode of(List<Difference> differences, boolean values) {
        ArrayNode listed = MAPPER.createArrayNode();
        for (Difference difference : differences) {
            ObjectNode one = listed.addObject();
            one.put("kind", difference.kind().name().toLowerCase(Locale.ROOT));
            one.set("key", MAPPER.valueToTree(Keys.texts(difference.key().parts())));
            one.set("columns", MAPPER.valueToTree(difference.columns()));
            ArrayNode cells = one.putArray("cells");
            for (Difference.Cell cell : difference.cells()) {
                ObjectNode node = cells.addObject().put("column", cell.column()).put("sourceType", cell.sourceType())
                        .put("sourceHash", cell.sourceHash()).put("targetType", cell.targetType())
                        .put("targetHash", cell.targetHash());
                if (values && cell.sourceValue() != null) {
                    node.put("sourceValue", cell.sourceValue()).put("targetValue", cell.targetValue());
                }
            }
        }
        return listed;
    }

    /** What {@link #of} gave, without values. */
    static List<Difference> read(String json) {
        List<Difference> differences = new ArrayList<>();
        try {
            for (JsonNode one : MAPPER.readTree(json == null ? "[]" : json)) {
                List<Difference.Cell> cells = new ArrayList<>();
                for (JsonNode cell : one.path("cells")) {
                    cells.add(new Difference.Cell(cell.path("column").asText(), cell.path("sourceType").asText(),
                            cell.path("sourceHash").asText(), cell.path("targetType").asText(),
                            cell.path("targetHash").asText(), null, null));
                }
                differences.add(new Difference(Difference.Kind.valueOf(one.path("kind").asText().toUpperCase(Locale.ROOT)),
                        Keys.key(MAPPER.convertValue(one.path("key"), String[].class)), cells));
            }
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("differences in sluice.verification_table can't be read", e);
        }
        return differences;
    }
}
