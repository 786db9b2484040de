package dev.sluice.daemon;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.change.RowKey;
import dev.sluice.migration.StatusSnapshot;
import dev.sluice.migration.SwitchReport;
import dev.sluice.migration.Verifications;
import dev.sluice.plan.NotCarried;
import dev.sluice.store.Keys;
import dev.sluice.store.ParkedRow;
import dev.sluice.store.StoredRun;
import dev.sluice.verify.Difference;
import dev.sluice.verify.DifferenceJson;
import dev.sluice.verify.TableReport;
import dev.sluice.verify.VerifyReport;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;

/** Status, verification and parked rows as JSON, the same for API and command line. */
public final class Reports {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private Reports() {}

    public static JsonNode of(StatusSnapshot status) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("migration", status.migration());
        json.put("source", status.source());
        json.put("target", status.target());
        json.put("phase", status.phase());
        json.put("meaning", status.meaning());
        json.put("run", status.run());
        json.put("traffic", status.traffic());
        json.put("seq", status.seq());
        json.put("lagChanges", status.lagChanges());
        json.put("lagSeconds", status.lagSeconds());
        json.put("rowsTotal", status.rowsTotal());
        json.put("rowsCopied", status.rowsCopied());
        json.put("changesApplied", status.changesApplied());
        json.put("parked", status.parked());
        json.put("verification", status.verification());
        json.put("verifiedAt", status.verifiedAt() == null ? null : status.verifiedAt().toString());
        json.put("startedAt", status.startedAt().toString());
        ArrayNode tables = json.putArray("tables");
        status.tables().forEach(table -> tables.addObject().put("source", table.source()).put("target", table.target())
                .put("rows", table.rows()).put("copied", table.copied()).put("parked", table.parked()));
        ArrayNode notes = json.putArray("notes");
        status.notes().forEach(notes::add);
        json.put("next", status.next());
        return json;
    }

    public static ObjectNode of(VerifyReport report) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("equal", report.isEqual());
        json.put("rows", report.rows());
        json.put("differences", report.differenceCount());
        json.put("parked", report.parked());
        ArrayNode held = json.putArray("held");
        report.held().forEach(held::add);
        json.put("fromSeq", report.fromSeq());
        json.put("toSeq", report.toSeq());
        json.put("startedAt", report.startedAt().toString());
        json.put("endedAt", report.endedAt().toString());
        ArrayNode tables = json.putArray("tables");
        for (TableReport table : report.tables()) {
            ObjectNode node = tables.addObject();
            node.put("table", table.table());
            node.put("equal", table.isEqual());
            node.put("rows", table.rows());
            node.put("parked", table.parked());
            node.put("sourceHash", table.sourceHash());
            node.put("targetHash", table.targetHash());
            node.put("differences", table.differenceCount());
            node.put("repaired", table.repaired());
            node.set("first", DifferenceJson.of(table.differences(), false));
        }
        return json;
    }

    /** A run as it stands, with its tables and what differs. */
    public static ObjectNode of(Verifications.View view) {
        ObjectNode json = summary(view);
        ArrayNode tables = json.putArray("tables");
        for (StoredRun.Table table : view.tables()) {
            ObjectNode node = tables.addObject();
            node.put("table", table.table());
            node.put("state", table.state());
            node.put("equal", table.isEqual());
            node.put("rows", table.isDone() ? table.rows() : table.done());
            node.put("rowsDone", table.done());
            node.put("rowsTotal", table.total());
            node.put("parked", table.parked());
            node.put("sourceHash", table.sourceRoot());
            node.put("targetHash", table.targetRoot());
            node.put("differences", table.differences());
            node.put("repaired", table.repaired());
            node.put("remaining", table.remaining());
            node.put("restless", table.restless());
            List<Difference> values = view.shown().get(table.table());
            node.set("first", values != null ? DifferenceJson.of(values, true) : read(table.listed()));
        }
        json.set("findings", read(view.run().findings()));
        return json;
    }

    /** A run as it stands, in short. */
    public static ObjectNode summary(Verifications.View view) {
        StoredRun run = view.run();
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("run", run.run());
        json.put("state", view.state().label());
        json.put("open", run.state().isOpen());
        json.put("equal", run.state() == StoredRun.State.VERIFIED);
        json.put("reason", view.because());
        json.put("whole", run.whole());
        json.put("repair", run.repair());
        json.put("share", run.share());
        json.put("traffic", run.traffic());
        json.put("epoch", run.epoch());
        json.put("rowsDone", view.rowsDone());
        json.put("rowsTotal", view.rowsTotal());
        json.put("etaSeconds", view.eta() == null ? null : (Double) (view.eta().toMillis() / 1e3));
        json.put("rows", view.tables().stream().mapToLong(StoredRun.Table::rows).sum());
        json.put("differences", view.tables().stream().mapToLong(StoredRun.Table::differences).sum());
        json.put("remaining", view.tables().stream().mapToLong(StoredRun.Table::remaining).sum());
        json.put("parked", view.tables().stream().mapToLong(StoredRun.Table::parked).sum());
        json.put("fromSeq", run.fromSeq());
        json.put("toSeq", run.toSeq());
        json.put("createdAt", text(run.createdAt()));
        json.put("startedAt", text(run.startedAt()));
        json.put("endedAt", text(run.endedAt()));
        return json;
    }

    private static String text(Instant at) {
        return at == null ? null : at.toString();
    }

    private static JsonNode read(String json) {
        try {
            return MAPPER.readTree(json == null ? "[]" : json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("what a verification has stored can't be read", e);
        }
    }

    public static ObjectNode of(SwitchReport report) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("done", report.done());
        json.put("summary", report.summary());
        json.put("epoch", report.epoch());
        json.put("pauseMs", report.pause() == null ? null : report.pause().toNanos() / 1e6);
        ArrayNode gates = json.putArray("gates");
        report.gates().forEach(gate -> gates.addObject().put("gate", gate.gate().label()).put("open", gate.open())
                .put("forced", gate.forced()).put("says", gate.says()));
        ArrayNode steps = json.putArray("steps");
        report.steps().forEach(step -> steps.addObject().put("step", step.name()).put("meaning", step.meaning())
                .put("ms", step.took().toNanos() / 1e6));
        ArrayNode would = json.putArray("would");
        report.would().forEach(would::add);
        ArrayNode notes = json.putArray("notes");
        report.notes().forEach(notes::add);
        return json;
    }

    public static ObjectNode of(List<ParkedRow> rows) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        ArrayNode listed = json.putArray("rows");
        for (ParkedRow row : rows) {
            ObjectNode one = listed.addObject();
            one.put("table", row.table());
            one.set("key", MAPPER.valueToTree(Keys.texts(row.key().parts())));
            one.put("column", row.column());
            one.put("code", row.code());
            one.put("reason", row.reason());
            one.put("seq", row.seq());
            one.put("parkedAt", row.parkedAt() == null ? null : row.parkedAt().toString());
        }
        return json;
    }

    public static JsonNode notCarried(List<NotCarried> all) {
        return MAPPER.valueToTree(all);
    }

    /** The key of a parked row or difference for people. */
    public static String key(RowKey key) {
        return String.join(", ", Arrays.stream(Keys.texts(key.parts())).map(String::valueOf).toList());
    }
}
