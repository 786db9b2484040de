package dev.sluice.assess;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.census.ColumnCensus;
import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Evidence;

/** An assessment for scripts. Field names are stable: fields are added, never renamed or taken away. */
public final class AssessJson {

    private static final ObjectMapper MAPPER = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private AssessJson() {}

    /** One JSON object, indented, ending with a line feed. */
    public static String of(Assessment assessment) {
        try {
            return MAPPER.writeValueAsString(tree(assessment)) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of strings and numbers can always be written", e);
        }
    }

    /** The same as a tree, to put into a larger document. */
    public static ObjectNode tree(Assessment assessment) {
        ObjectNode root = MAPPER.createObjectNode();
        root.put("format", 1);
        root.put("verdict", assessment.verdict().toString());
        root.put("takenAt", assessment.takenAt().toString());
        root.put("elapsedMs", assessment.elapsed().toMillis());
        source(root.putObject("source"), assessment.source());
        Estimate estimate = assessment.estimate();
        root.putObject("estimate").put("rows", estimate.rows()).put("contentBytes", estimate.contentBytes())
                .put("targetBytes", estimate.targetBytes()).put("copySeconds", estimate.copyTime().toSeconds())
                .put("assumption", estimate.assumption());
        ArrayNode notes = root.putArray("notes");
        for (Note note : assessment.notes()) {
            notes.addObject().put("code", note.code()).put("severity", note.severity().name()
                    .toLowerCase(java.util.Locale.ROOT))
                    .put("table", note.table()).put("place", note.place()).put("sentence", note.sentence())
                    .put("advice", note.advice());
        }
        ArrayNode features = root.putArray("features");
        for (Feature feature : assessment.features()) {
            ObjectNode node = features.addObject().put("code", feature.code()).put("label", feature.label());
            feature.names().forEach(node.putArray("names")::add);
        }
        ArrayNode tables = root.putArray("tables");
        for (TableAssessment table : assessment.tables()) {
            ObjectNode node = tables.addObject().put("name", table.name()).put("key", table.key()).put("rows",
                    table.rows())
                    .put("contentBytes", table.contentBytes()).put("fileBytes", table.fileBytes())
                    .put("indexes", table.indexes()).put("foreignKeys", table.foreignKeys())
                    .put("targetBytes", table.targetBytes());
            ArrayNode columns = node.putArray("columns");
            table.columns().forEach(column -> column(columns.addObject(), column));
        }
        return root;
    }

    private static void source(ObjectNode node, SourceFacts source) {
        node.put("path", source.path().toString()).put("bytes", source.bytes()).put("walBytes", source.walBytes())
                .put("pageSize", source.pageSize()).put("pages", source.pages()).put("freePages", source.freePages())
                .put("encoding", source.encoding()).put("journalMode", source.journalMode())
                .put("lastWriter", source.lastWriter()).put("applicationId", source.applicationId())
                .put("userVersion", source.userVersion()).put("fileSystem", source.fileSystem())
                .put("networkFileSystem", source.networkFileSystem()).put("writable", source.writable());
    }

    private static void column(ObjectNode node, ColumnMapping column) {
        ColumnCensus census = column.census();
        node.put("name", column.name()).put("declaredType", census.declaredType()).put("type", column.type())
                .put("codec", id(census.chosen())).put("evidence", column.evidence());
        Evidence.Refused refused = census.refused();
        if (refused == null) {
            node.putNull("refused");
        } else {
            ObjectNode why = node.putObject("refused").put("type", refused.codec().type())
                    .put("codec", refused.codec().id()).put("broken", refused.broken()).put("sentence",
                    column.refused());
            refused.rows().forEach(why.putArray("rows")::add);
        }
        ObjectNode values = node.putObject("values");
        ColumnCensus.Classes classes = census.classes();
        values.put("null", classes.nulls()).put("integer", classes.integers()).put("real", classes.reals())
                .put("text", classes.texts()).put("blob", classes.blobs()).put("bytes", census.bytes())
                .put("emptyText", census.emptyTexts());
        if (census.range() != null) {
            number(values, "min", census.range().min());
            number(values, "max", census.range().max());
        }
        if (census.lengths() != null) {
            values.put("lengthMin", census.lengths().min()).put("lengthMax", census.lengths().max())
                    .put("lengthAverage", Math.round(census.lengths().average() * 10) / 10.0)
                    .put("charactersMax", census.charactersMax());
        }
        values.put("zero", census.truth().zeros()).put("one", census.truth().ones())
                .put("trueWord", census.truth().trueWords()).put("falseWord", census.truth().falseWords());
        ObjectNode times = values.putObject("times");
        census.times().forEach(times::put);
        values.put("zeroTime", census.zeroTimes()).put("json", census.json()).put("jsonValid", census.jsonValid())
                .put("nulText", census.nulTexts()).put("invalidText", census.invalidTexts())
                .put("outsideDeclaredType", census.outsideType()).put("overDeclaredLength", census.overLength())
                .put("infinity", census.infinities()).put("negativeZero", census.negativeZeros())
                .put("tooLarge", census.tooLarge());
    }

    private static String id(Codec codec) {
        return codec == null ? null : codec.id();
    }

    /** JSON knows no infinity: then it is a string. */
    private static void number(ObjectNode node, String name, Number number) {
        if (number instanceof Long whole) {
            node.put(name, whole);
        } else if (Double.isFinite(number.doubleValue())) {
            node.put(name, number.doubleValue());
        } else {
            node.put(name, number.toString());
        }
    }
}
