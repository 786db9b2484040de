package dev.sluice.verify;

import dev.sluice.plan.MigrationPlan;
import dev.sluice.store.MigrationStore;
import dev.sluice.tail.Limits;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Compares tables from beginning to end while the source takes the writes, and keeps nothing but the report. Rows that
 * change behind the scan are the applier's business; what it does is what the next verification sees.
 */
public final class Verifier {

    /** Rows of a leaf: what is read again at least when one of them has changed. */
    static final int LEAF_ROWS = 2_000;

    private final ForwardComparison comparison;

    /** Told after every step; {@code done} of {@code table}'s rows are compared. */
    public interface Listener {
        void compared(String table, long done);
    }

    /** It was told to stop. Half a verification proves nothing, so it has no report. */
    public static final class Stopped extends RuntimeException {
        public Stopped() {
            super("the verification was stopped before every table was compared: run it again");
        }
    }

    /** @param repair true to mend every difference from the source, in the transaction that found it */
    public Verifier(MigrationPlan plan, MigrationStore store, SamePoint samePoint, Limits limits, boolean repair) {
        this.comparison = new ForwardComparison(plan, store, samePoint, limits,
                new ForwardComparison.Choice(repair, LEAF_ROWS, false));
    }

    public VerifyReport verify(List<Subject> subjects, Listener listener, BooleanSupplier stopped)
            throws SQLException, InterruptedException {
        Instant start = Instant.now();
        long fromSeq = comparison.seq();
        List<TableReport> reports = new ArrayList<>();
        for (Subject subject : subjects) {
            reports.add(new TableScan(subject, comparison, new Tree(null, List.of()),
                    (scan, index, replaced, with) -> listener.compared(subject.plan().source(), scan.done()), () -> {
                        if (stopped.getAsBoolean()) {
                            throw new Stopped();
                        }
                    }).run(false, true));
        }
        return new VerifyReport(reports, fromSeq, comparison.seq(), start, Instant.now(), List.of());
    }
}
