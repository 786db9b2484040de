package dev.sluice.daemon;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.api.DaemonControl;
import dev.sluice.api.RowControl;
import dev.sluice.audit.AuditLines;
import dev.sluice.audit.AuditMirror;
import dev.sluice.change.Value;
import dev.sluice.migration.Preparation;
import dev.sluice.migration.RowActs;
import dev.sluice.store.Audit;
import dev.sluice.store.Conflict;
import dev.sluice.store.ConflictStore;
import dev.sluice.store.Keys;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The acts on single rows, in the API's words. Thread-safe. */
final class DaemonRows implements RowControl {

    private static final int LISTED_MAX = 1_000;
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private static final Logger LOG = LoggerFactory.getLogger(DaemonRows.class);

    private final String migration;
    private final RowActs rows;

    DaemonRows(String migration, RowActs rows) {
        this.migration = migration;
        this.rows = rows;
    }

    /** The list of parked rows, both ways. */
    ObjectNode parked() {
        return Daemon.refusing(() -> {
            ObjectNode json = JsonNodeFactory.instance.objectNode();
            ArrayNode listed = json.putArray("rows");
            rows.parked(LISTED_MAX).forEach(row -> listed.add(parked(row)));
            return json;
        });
    }

    private static ObjectNode parked(RowActs.Parked row) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("id", row.id()).put("direction", ConflictStore.label(row.direction())).put("table", row.table());
        json.set("key", MAPPER.valueToTree(row.key()));
        json.put("column", row.column()).put("code", row.code()).put("reason", row.reason()).put("seq", row.position());
        json.put("parkedAt", row.parkedAt() == null ? null : row.parkedAt().toString());
        if (!row.hash().isEmpty()) {
            json.put("hash", row.hash());
        }
        if (row.values() != null) {
            json.set("values", MAPPER.valueToTree(row.values()));
        }
        return json;
    }

    private static ObjectNode conflict(Conflict conflict, boolean values) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("id", conflict.id()).put("direction", ConflictStore.label(conflict.direction())).put("table", conflict.table());
        json.set("key", MAPPER.valueToTree(Keys.texts(conflict.key().parts())));
        json.put("kind", conflict.kind().code()).put("act", ConflictStore.label(conflict.act()));
        json.set("keptColumns", MAPPER.valueToTree(conflict.kept()));
        json.put("sourceHash", conflict.of(true) == Conflict.Decision.INCOMING ? conflict.incomingHash()
                : conflict.existingHash());
        json.put("targetHash", conflict.of(true) == Conflict.Decision.INCOMING ? conflict.existingHash()
                : conflict.incomingHash());
        json.put("seq", conflict.seq()).put("state", ConflictStore.label(conflict.state()));
        if (conflict.decision() != null) {
            json.put("taken", conflict.decision() == conflict.of(true) ? "source" : "target");
            json.put("decidedBy", conflict.decidedBy()).put("decidedAt", conflict.decidedAt().toString());
        }
        json.put("at", conflict.at().toString());
        if (values) {
            boolean forward = conflict.of(true) == Conflict.Decision.INCOMING;
            json.set("source", MAPPER.valueToTree(named(conflict, forward ? conflict.incoming() : conflict.existing())));
            json.set("target", MAPPER.valueToTree(named(conflict, forward ? conflict.existing() : conflict.incoming())));
        }
        return json;
    }

    private static Map<String, String> named(Conflict conflict, List<Value> version) {
        if (version == null) {
            return null;
        }
        String[] texts = Keys.texts(version);
        Map<String, String> named = new LinkedHashMap<>();
        for (int i = 0; i < texts.length; i++) {
            named.put(conflict.columns().get(i), texts[i]);
        }
        return named;
    }

    @Override
    public JsonNode look(What what, String id, boolean values) {
        return Daemon.refusing(() -> switch (what) {
            case PARKED -> parked(rows.parkedRow(id, values));
            case CONFLICT -> id == null ? conflicts(values) : conflict(rows.conflict(number(id)), values);
        });
    }

    private JsonNode conflicts(boolean all) throws Exception {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        ArrayNode listed = json.putArray("conflicts");
        rows.conflicts(!all, LISTED_MAX).forEach(conflict -> listed.add(conflict(conflict, false)));
        return json;
    }

    @Override
    public JsonNode act(Act act, String id, JsonNode order, String actor) {
        return Daemon.refusing(() -> {
            ObjectNode done = JsonNodeFactory.instance.objectNode();
            switch (act) {
                case RETRY -> done.put("arrived", rows.retry(id, actor));
                case EDIT -> {
                    Map<String, String> edits = new LinkedHashMap<>();
                    order.path("columns").properties().forEach(column -> edits.put(column.getKey(),
                            column.getValue().isNull() ? null : column.getValue().asText()));
                    rows.edit(id, edits, actor);
                    done.put("arrived", true);
                }
                case DISCARD -> {
                    rows.discard(id, order.path("reason").asText(null), actor);
                    done.put("discarded", true);
                }
                case RESOLVE -> {
                    String take = order.path("take").asText("");
                    if (!Arrays.asList("source", "target").contains(take)) {
                        throw new DaemonControl.Refused("take must be source or target: whose version is right");
                    }
                    return conflict(rows.resolve(number(id), take.equals("source"), actor), false);
                }
            }
            return done;
        });
    }

    private static long number(String id) {
        if (!id.matches("[0-9]{1,18}")) {
            throw new DaemonControl.Unknown("a conflict is named by its number: sluice conflicts list");
        }
        return Long.parseLong(id);
    }

    @Override
    public JsonNode audit(long after, int max) {
        return Daemon.refusing(() -> {
            ObjectNode json = JsonNodeFactory.instance.objectNode();
            ArrayNode entries = json.putArray("entries");
            for (Audit.Entry entry : rows.audit(after, max)) {
                entries.add(AuditLines.json(migration, entry));
            }
            return json;
        });
    }

    @Override
    public JsonNode verifyAudit() {
        return Daemon.refusing(() -> {
            AuditMirror.Report report = rows.verifyAudit();
            ObjectNode json = JsonNodeFactory.instance.objectNode();
            json.put("whole", report.findings().isEmpty()).put("entries", report.entries());
            json.set("files", MAPPER.valueToTree(report.files()));
            ArrayNode findings = json.putArray("findings");
            report.findings().forEach(finding -> findings.addObject().put("damage", ConflictStore.label(finding.damage()))
                    .put("where", finding.where()).put("ordinal", finding.ordinal()).put("says", finding.says()));
            return json;
        });
    }

    @Override
    public void audited(String actor, String act, ObjectNode detail) {
        try {
            rows.audited(actor, act, detail);
        } catch (SQLException e) {
            // a target that is away, or knows nothing yet, must not keep anybody from cancelling
            LOG.warn("event=not_audited migration={} actor=\"{}\" act={} reason=\"{}\"", migration, actor, act,
                    Preparation.sentence(e));
        }
    }
}
