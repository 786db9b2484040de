package dev.sluice.verify;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** An evidence file as one page of HTML without scripts, images or links. Immutable. */
final class EvidencePage {

    private static final String STYLE = """
            body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#1b1f24;background:#fff}
            h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}
            .verdict{padding:.8em 1em;border-radius:6px;font-weight:600}
            .good{background:#e3f5e7;color:#12492a}.bad{background:#fbe4e1;color:#7a1c10}
            table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3em .8em .3em 0;border-bottom:1px solid #d9dde2;
            vertical-align:top}td.n{text-align:right}code{font-size:.85em;overflow-wrap:anywhere}
            @media (prefers-color-scheme:dark){body{background:#14171a;color:#e6e8ea}.good{background:#12351f;color:#bfe8cc}
            .bad{background:#46150e;color:#f6cbc4}td,th{border-color:#343a40}}
            """;

    private final JsonNode json;
    private final StringBuilder out = new StringBuilder();

    EvidencePage(JsonNode json) {
        this.json = json;
    }

    String html() {
        boolean equal = json.path("equal").asBoolean();
        out.append("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\""
                + " content=\"width=device-width\"><title>Verification ").append(json.path("run").asLong()).append(" of ")
                .append(text("migration")).append("</title><style>").append(STYLE).append("</style><h1>Verification ")
                .append(json.path("run").asLong()).append(" of ").append(text("migration")).append("</h1>");
        long rows = 0;
        for (JsonNode table : json.path("tables")) {
            rows += table.path("rows").asLong();
        }
        out.append("<p class=\"verdict ").append(equal ? "good" : "bad").append("\">").append(equal
                ? String.format("Equal: %,d rows in %d tables.", rows, json.path("tables").size())
                : "Not proven equal: " + text("state") + (json.path("reason").isTextual() ? ", " + text("reason") : "") + ".")
                .append("</p>");
        facts();
        tables();
        differences();
        findings();
        out.append("<h2>This file</h2><p>SHA-256 over everything but this and the signature: <code>").append(text("sha256"))
                .append("</code></p>");
        if (json.path("signature").isObject()) {
            out.append("<p>Signed with Ed25519 by <code>").append(escaped(json.path("signature").path("publicKey").asText()))
                    .append("</code>; <code>sluice audit verify</code> checks the JSON file.</p>");
        }
        return out.append("</html>\n").toString();
    }

    private void facts() {
        out.append("<table>");
        fact("Source", text("source"));
        fact("Target", text("target"));
        fact("Compared", text("startedAt") + " to " + text("endedAt"));
        fact("Changelog rows", json.path("fromSeq").asLong() + " to " + json.path("toSeq").asLong());
        fact("Writes", text("traffic") + ", epoch " + json.path("epoch").asLong());
        fact("Scope", json.path("whole").asBoolean() ? "every row" : "what had changed since both sides were last compared");
        fact("Schema", "<code>" + text("schemaHash") + "</code>");
        fact("Plan", "<code>" + text("planHash") + "</code>");
        fact("Root, source", "<code>" + text("sourceRoot") + "</code>");
        fact("Root, target", "<code>" + text("targetRoot") + "</code>");
        fact("Audit log", "entry " + json.path("audit").path("ordinal").asLong() + " <code>"
                + escaped(json.path("audit").path("hash").asText()) + "</code>");
        fact("By", text("actor") + ", Sluice " + text("toolVersion"));
        out.append("</table>");
    }

    private void fact(String name, String value) {
        out.append("<tr><th>").append(name).append("</th><td>").append(value).append("</td></tr>");
    }

    private void tables() {
        out.append("<h2>Tables</h2><table><tr><th>Table</th><th></th><th>Rows</th><th>Differences</th><th>Mended</th>"
                + "<th>Parked</th><th>Root</th></tr>");
        for (JsonNode table : json.path("tables")) {
            out.append("<tr><td>").append(escaped(table.path("table").asText())).append("</td><td>")
                    .append(table.path("equal").asBoolean() ? "equal" : "<b>different</b>").append("</td>");
            for (String number : List.of("rows", "differences", "repaired", "parked")) {
                out.append("<td class=\"n\">").append(String.format("%,d", table.path(number).asLong())).append("</td>");
            }
            out.append("<td><code>").append(escaped(table.path("sourceRoot").asText())).append("</code></td></tr>");
        }
        out.append("</table>");
    }

    private void differences() {
        boolean any = false;
        for (JsonNode table : json.path("tables")) {
            for (JsonNode difference : table.path("first")) {
                if (!any) {
                    out.append("<h2>Differences</h2><table><tr><th>Table</th><th>Kind</th><th>Key</th><th>Columns</th></tr>");
                    any = true;
                }
                List<String> key = new ArrayList<>();
                difference.path("key").forEach(part -> key.add(part.asText()));
                List<String> cells = new ArrayList<>();
                difference.path("cells").forEach(cell -> cells.add(escaped(cell.path("column").asText()) + ": "
                        + escaped(cell.path("sourceType").asText()) + " <code>" + escaped(cell.path("sourceHash").asText())
                        + "</code> against " + escaped(cell.path("targetType").asText()) + " <code>"
                        + escaped(cell.path("targetHash").asText()) + "</code>"));
                out.append("<tr><td>").append(escaped(table.path("table").asText())).append("</td><td>")
                        .append(escaped(difference.path("kind").asText())).append("</td><td>")
                        .append(escaped(String.join(", ", key))).append("</td><td>").append(String.join("<br>", cells))
                        .append("</td></tr>");
            }
        }
        out.append(any ? "</table>" : "");
    }

    private void findings() {
        if (json.path("findings").size() > 0) {
            out.append("<h2>Beside rows</h2><ul>");
            json.path("findings").forEach(finding -> out.append("<li>").append(finding.path("fatal").asBoolean() ? "<b>" : "")
                    .append(escaped(finding.path("says").asText())).append(finding.path("fatal").asBoolean() ? "</b>" : "")
                    .append("</li>"));
            out.append("</ul>");
        }
    }

    private String text(String field) {
        return escaped(json.path(field).asText());
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}
