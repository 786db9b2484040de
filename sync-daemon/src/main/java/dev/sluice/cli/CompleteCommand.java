package dev.sluice.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.api.SwitchAct;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code complete}. */
@Command(name = "complete", description = "Ends the migration on PostgreSQL: nothing flows back any more, and nothing of Sluice"
        + " stays there.")
final class CompleteCommand extends SwitchCommand {

    @Option(names = "--clean-source", description = "also remove Sluice from the SQLite file; without the fence an old"
            + " application could write to it again")
    private boolean cleanSource;

    @Option(names = "--dry-run", description = "say what would happen; changes nothing")
    private boolean dryRun;

    CompleteCommand() {
        super(SwitchAct.COMPLETE);
    }

    @Override
    void order(ObjectNode order) {
        order.put("cleanSource", cleanSource).put("dryRun", dryRun);
    }
}
