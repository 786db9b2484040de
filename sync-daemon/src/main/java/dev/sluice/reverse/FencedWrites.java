package dev.sluice.reverse;

import dev.sluice.capture.Capture;
import dev.sluice.sqlite.SqliteSession;
import java.sql.SQLException;

/** The way through the source's fence for what came from PostgreSQL. */
final class FencedWrites {

    private FencedWrites() {}

    static void run(SqliteSession writer, long generation, Ledger.Act body) throws SQLException {
        Ledger.alone(writer, generation, () -> {
            Capture.State state = Capture.state(writer);
            if (!state.fenced()) {
                throw new IllegalStateException("the source is not fenced: the application may be writing to it");
            }
            writer.execute("UPDATE \"_sluice_control\" SET fenced = 0 WHERE id = 1");
            body.run();
            writer.execute("DELETE FROM \"_sluice_changelog\" WHERE seq > " + state.head().seq());
            writer.execute("UPDATE \"_sluice_control\" SET fenced = 1 WHERE id = 1");
        });
    }
}
