package dev.sluice.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.api.SwitchAct;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code repair}. */
@Command(name = "repair", description = "Brings a cutover or rollback that stands half way to an end, and says what it did.")
final class RepairCommand extends SwitchCommand {

    @Option(names = "--target-is-lost", description = "PostgreSQL is gone for good and can't be asked whether it took the"
            + " writes: give them back to SQLite. If PostgreSQL did take writes, they are lost, and if it comes back with"
            + " applications connected there are two writers: make sure that nothing can reach it")
    private boolean targetIsLost;

    RepairCommand() {
        super(SwitchAct.REPAIR);
    }

    @Override
    void order(ObjectNode order) {
        order.put("targetIsLost", targetIsLost);
    }
}
