package dev.sluice.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.api.SwitchAct;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code cutover}. */
@Command(name = "cutover", description = "Moves the writes from SQLite to PostgreSQL; until it has happened any failure leaves"
        + " them where they are.")
final class CutoverCommand extends SwitchCommand {

    @Option(names = "--dry-run", description = "look at every gate and say what would happen; changes nothing")
    private boolean dryRun;

    @Option(names = "--timeout", paramLabel = "DURATION", defaultValue = "10s", converter = DurationOption.class,
            description = "how long writes may be refused before it is given up (default: ${DEFAULT-VALUE})")
    private Duration timeout;

    @Option(names = "--max-lag", paramLabel = "CHANGES", defaultValue = "1000",
            description = "how many changes may be waiting when it begins (default: ${DEFAULT-VALUE})")
    private long maxLag;

    @Option(names = "--force", paramLabel = "GATE", description = "go through this closed gate all the same; may be given"
            + " several times, and is written into the audit log")
    private List<String> forced = new ArrayList<>();

    CutoverCommand() {
        super(SwitchAct.CUTOVER);
    }

    @Override
    void order(ObjectNode order) {
        order.put("dryRun", dryRun).put("timeoutMs", timeout.toMillis()).put("maxLag", maxLag);
        ArrayNode gates = order.putArray("force");
        forced.forEach(gates::add);
    }
}
