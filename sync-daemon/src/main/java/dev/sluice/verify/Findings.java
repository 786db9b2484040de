package dev.sluice.verify;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.List;

/** What is not as it should be beside rows. */
public final class Findings {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private Findings() {}

    /**
     * One of them.
     *
     * @param kind short and stable: {@code sequence}, {@code declaration}, {@code constraint}, {@code foreign_key}
     * @param object what it is about
     * @param fatal false for something to know that makes both sides no less equal
     * @param says one sentence: what was found, and what to do
     */
    public record Finding(String kind, String object, boolean fatal, String says) {}

    /** As JSON, for the target and the evidence file. */
    public static String json(List<Finding> findings) {
        ArrayNode listed = MAPPER.createArrayNode();
        for (Finding finding : findings) {
            listed.addObject().put("kind", finding.kind()).put("object", finding.object()).put("fatal", finding.fatal())
                    .put("says", finding.says());
        }
        return listed.toString();
    }
}
