package dev.sluice.daemon;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.api.DaemonControl;
import dev.sluice.api.VerificationControl;
import dev.sluice.migration.LiveMigration;
import dev.sluice.migration.Verifications;
import java.util.ArrayList;
import java.util.List;

/** The verifications of one live migration as the API offers them. */
final class DaemonVerifications implements VerificationControl {

    private final LiveMigration migration;

    DaemonVerifications(LiveMigration migration) {
        this.migration = migration;
    }

    @Override
    public JsonNode create(JsonNode order) {
        List<String> tables = new ArrayList<>();
        order.path("tables").forEach(table -> tables.add(table.asText()));
        int share = order.path("share").asInt(100);
        if (share < 1 || share > 100) {
            throw new DaemonControl.Refused("share must be between 1 and 100 percent");
        }
        return Daemon.refusing(() -> run(migration.verifications().create(new Verifications.Order(tables,
                !order.path("changed").asBoolean(), order.path("repair").asBoolean(), share,
                order.path("showValues").asBoolean(), order.path("actor").asText("api"))).run()));
    }

    @Override
    public JsonNode runs() {
        return Daemon.refusing(() -> {
            ObjectNode json = JsonNodeFactory.instance.objectNode();
            ArrayNode runs = json.putArray("runs");
            migration.verifications().views().forEach(view -> runs.add(Reports.summary(view)));
            return json;
        });
    }

    @Override
    public JsonNode run(long run) {
        return Daemon.refusing(() -> Reports.of(view(run)));
    }

    private Verifications.View view(long run) throws Exception {
        Verifications.View view = migration.verifications().view(run);
        if (view == null) {
            throw new DaemonControl.Unknown(run == 0 ? "nothing was verified yet: sluice verify"
                    : "there is no verification " + run + " (any more)");
        }
        return view;
    }

    @Override
    public JsonNode stop(long run) {
        return Daemon.refusing(() -> {
            long number = view(run).run().run();
            if (!migration.verifications().stop(number)) {
                throw new DaemonControl.Refused("verification " + number + " is not under way: it is "
                        + view(number).state().label());
            }
            return Reports.summary(view(number));
        });
    }

    @Override
    public JsonNode resume(long run) {
        return Daemon.refusing(() -> {
            long number = view(run).run().run();
            if (!migration.verifications().resume(number)) {
                throw new DaemonControl.Refused("verification " + number + " was not stopped: it is "
                        + view(number).state().label());
            }
            return Reports.summary(view(number));
        });
    }

    @Override
    public JsonNode evidence(long run) {
        return Daemon.refusing(() -> migration.verifications().evidence(view(run)).json());
    }

    @Override
    public String page(long run) {
        return Daemon.refusing(() -> migration.verifications().evidence(view(run)).html());
    }
}
