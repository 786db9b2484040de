package dev.sluice.audit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.store.Audit.Entry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Entries of the audit log as lines of JSON. Stateless. */
public final class AuditLines {

    private static final ObjectMapper JSON = new ObjectMapper();

    private AuditLines() {}

    /**
     * What a file holds.
     *
     * @param migration whose log it is; null if no line says so
     * @param entries in the order of the lines
     * @param unreadable numbers of the lines, from 1, that are no entries
     * @param wholeBytes where the last line that ended begins its successor; the file may have more, of a line cut off
     */
    public record Content(String migration, List<Entry> entries, List<Integer> unreadable, long wholeBytes) {}

    public static ObjectNode json(String migration, Entry entry) {
        return JsonNodeFactory.instance.objectNode().put("migration", migration).put("ordinal", entry.ordinal())
                .put("at", entry.at()).put("actor", entry.actor()).put("act", entry.act()).put("detail", entry.detail())
                .put("previous", entry.previous()).put("hash", entry.hash());
    }

    /** The entry as a line, with its end. */
    public static String line(String migration, Entry entry) {
        return json(migration, entry) + "\n";
    }

    /** Null where {@code node} is no entry. */
    public static Entry entry(JsonNode node) {
        for (String text : List.of("at", "actor", "act", "detail", "previous", "hash")) {
            if (!node.path(text).isTextual()) {
                return null;
            }
        }
        return node.path("ordinal").isIntegralNumber() ? new Entry(node.path("ordinal").asLong(), node.path("at").asText(),
                node.path("actor").asText(), node.path("act").asText(), node.path("detail").asText(),
                node.path("previous").asText(), node.path("hash").asText()) : null;
    }

    /** Reads the file; a last line without an end was cut off by a crash and does not count. */
    public static Content read(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        List<Entry> entries = new ArrayList<>();
        List<Integer> unreadable = new ArrayList<>();
        String migration = null;
        int from = 0;
        for (int number = 1; from < bytes.length; number++) {
            int to = from;
            while (to < bytes.length && bytes[to] != '\n') {
                to++;
            }
            if (to == bytes.length) {
                break;
            }
            JsonNode node = node(new String(bytes, from, to - from, StandardCharsets.UTF_8));
            Entry entry = entry(node);
            String named = node.path("migration").asText(null);
            if (entry == null || named == null || migration != null && !migration.equals(named)) {
                unreadable.add(number);
            } else {
                migration = named;
                entries.add(entry);
            }
            from = to + 1;
        }
        return new Content(migration, entries, unreadable, from);
    }

    private static JsonNode node(String line) {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            return JSON.missingNode();
        }
    }
}
