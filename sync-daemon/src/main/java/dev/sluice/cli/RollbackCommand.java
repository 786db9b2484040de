package dev.sluice.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.api.SwitchAct;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code rollback}. */
@Command(name = "rollback", description = "Moves the writes back to SQLite with everything that was written on PostgreSQL.")
final class RollbackCommand extends SwitchCommand {

    @Option(names = "--dry-run", description = "say what would happen; changes nothing")
    private boolean dryRun;

    @Option(names = "--timeout", paramLabel = "DURATION", defaultValue = "10s", converter = DurationOption.class,
            description = "how long writes may be refused before it is given up (default: ${DEFAULT-VALUE})")
    private Duration timeout;

    RollbackCommand() {
        super(SwitchAct.ROLLBACK);
    }

    @Override
    void order(ObjectNode order) {
        order.put("dryRun", dryRun).put("timeoutMs", timeout.toMillis());
    }
}
