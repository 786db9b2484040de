package dev.sluice.migration;

import dev.sluice.announce.Announcement;
import dev.sluice.capture.Capture;
import dev.sluice.copy.Valve;
import dev.sluice.phase.Phase;
import dev.sluice.phase.RunState;
import dev.sluice.plan.MigrationPlan;
import dev.sluice.plan.TablePlan;
import dev.sluice.sqlite.SqliteFile;
import dev.sluice.sqlite.SqliteSession;
import dev.sluice.store.ControlRow;
import dev.sluice.store.Watermark;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a live migration stands. Its follow thread writes it (but for {@link #run}, which whoever asks for a pause sets); every thread may read it.
 */
final class Standing {

    private static final Logger LOG = LoggerFactory.getLogger(LiveMigration.class); // operators know one name
    private static final Duration LOOK_WAIT = Duration.ofMillis(200);

    private final String name;
    private final SqliteFile file;
    private final Valve valve;
    private final Instant startedAt = Instant.now();
    private List<String> notes = List.of(); // under this object's lock
    private Map<String, Long> parked = Map.of(); // likewise

    /** Rows that the bulk copy has brought, by source table. */
    final Map<String, Long> copied = new ConcurrentHashMap<>();
    volatile Phase phase = Phase.CREATED;
    volatile RunState run = RunState.RUNNING;
    /** Null before there is one. */
    volatile MigrationPlan plan;
    /** Null while it is not known. */
    volatile Watermark watermark;
    /** When the target equalled a commit of the source, as far as is known; null if it never did. */
    volatile Instant consistentAt;
    volatile long changesApplied;
    volatile long appliedNanos;
    /** The control row as it was last read, or null. */
    volatile ControlRow.Content register;
    /** Rows on which the sides disagree, and nobody has decided. */
    volatile long openConflicts;
    volatile MigrationEvents events = MigrationEvents.NONE;
    /** Why the migration ended by itself, or null. */
    volatile Exception failure;

    Standing(String name, SqliteFile file, Valve valve) {
        this.name = name;
        this.file = file;
        this.valve = valve;
    }

    void block(String reason) {
        if (run.kind() != RunState.Kind.PAUSED && !run.reason().equals(reason)) {
            LOG.warn("event=blocked migration={} reason=\"{}\"", name, reason);
            run = RunState.blocked(reason);
        }
    }

    void unblock() {
        if (run.kind() == RunState.Kind.BLOCKED) {
            LOG.info("event=healed migration={}", name);
            run = valve.isPaused() ? RunState.PAUSED : RunState.RUNNING;
        }
    }

    /** A sentence that the operator should know, from now on. */
    synchronized void note(String sentence) {
        if (!notes.contains(sentence)) {
            List<String> all = new ArrayList<>(notes);
            all.add(sentence);
            notes = List.copyOf(all);
            LOG.info("event=note migration={} note=\"{}\"", name, sentence);
        }
    }

    private synchronized List<String> notes() {
        return notes;
    }

    /** Parked rows by source table. */
    synchronized Map<String, Long> parked() {
        return parked;
    }

    synchronized void parked(Map<String, Long> counts) {
        parked = counts;
    }

    /** Some more that the bulk copy has parked. */
    synchronized void addParked(String table, long rows) {
        Map<String, Long> counts = new TreeMap<>(parked);
        counts.merge(table, rows, Long::sum);
        parked = counts;
    }

    long parkedRows() {
        return parked().values().stream().mapToLong(Long::longValue).sum();
    }

    /** How often writes have moved. */
    long epoch() {
        ControlRow.Content now = register;
        return now == null ? 0 : now.epoch();
    }

    /** Changelog rows behind the watermark, asked of the source itself: also while the target is away; -1 if not known. */
    long lag() {
        Watermark at = watermark;
        if (at == null) {
            return -1;
        }
        try (SqliteSession look = file.openReader(LOOK_WAIT)) {
            return Math.max(0, Capture.head(look).seq() - at.seq());
        } catch (SQLException | RuntimeException e) {
            LOG.debug("the source can't be asked for its newest change", e);
            return -1;
        }
    }

    /** All changelog rows of the source, applied or not; -1 if not known. */
    long changelogRows() {
        try (SqliteSession look = file.openReader(LOOK_WAIT)) {
            return Capture.rows(look);
        } catch (SQLException | RuntimeException e) {
            LOG.debug("the source can't be asked for its changelog", e);
            return -1;
        }
    }

    StatusSnapshot snapshot(String target, TrafficSwitch traffic, Verifications.Proof proof) {
        MigrationPlan planned = plan;
        Watermark at = watermark;
        Map<String, Long> parkedNow = parked();
        List<StatusSnapshot.TableStatus> tables = new ArrayList<>();
        long rowsCopied = 0;
        if (planned != null) {
            for (TablePlan table : planned.tables()) {
                long done = copied.getOrDefault(table.source(), 0L);
                rowsCopied += done;
                tables.add(new StatusSnapshot.TableStatus(table.source(), table.target(), table.rows(), done,
                        parkedNow.getOrDefault(table.source(), 0L)));
            }
        }
        long lag = phase == Phase.SWITCHED ? 0 : lag();
        return new StatusSnapshot(name, file.path().toString(), target, phase.label(), phase.meaning(), run.label(),
                trafficLabel(traffic), at == null ? 0 : at.seq(), lag, lagSeconds(lag, traffic), planned == null ? 0 : planned.rows(),
                rowsCopied, changesApplied, parkedRows(), proof.label(), proof.at(),
                startedAt, tables, notes(planned, traffic), next(proof));
    }

    private double lagSeconds(long lag, TrafficSwitch traffic) {
        if (phase == Phase.SWITCHED) {
            return traffic.secondsBehind();
        }
        if (phase == Phase.REPLICATING && lag == 0) {
            return 0;
        }
        Instant last = consistentAt;
        return Duration.between(last == null ? startedAt : last, Instant.now()).toMillis() / 1e3;
    }

    /** As applications are told, so that the moment in which nobody takes writes shows. */
    private static String trafficLabel(TrafficSwitch traffic) {
        return traffic.settings().announcer().feed().now().map(Announcement::label).orElse(ControlRow.SQLITE);
    }

    /** True while the writes are being moved. */
    private boolean isBetween() {
        return phase == Phase.CUTTING_OVER || phase == Phase.ROLLING_BACK;
    }

    private List<String> notes(MigrationPlan planned, TrafficSwitch traffic) {
        List<String> all = new ArrayList<>();
        if (isBetween() && run.kind() == RunState.Kind.BLOCKED) {
            all.add("NO SIDE TAKES WRITES: what was sent to PostgreSQL may be done or not, and it can't be asked; this ends by"
                    + " itself when it answers, and if it is gone for good there is sluice repair");
        }
        all.addAll(traffic.notes());
        if (planned != null) {
            planned.held().forEach(table -> all.add("table " + table.source() + " is held: " + table.reason()));
        }
        if (openConflicts > 0) {
            all.add(openConflicts + " conflicts are open, in which the sides hold different versions of a row: sluice conflicts");
        }
        all.addAll(notes());
        return all;
    }

    private String next(Verifications.Proof proof) {
        if (run.kind() == RunState.Kind.BLOCKED) {
            return "it goes on by itself once this is mended: " + run.reason();
        }
        if (run.kind() == RunState.Kind.PAUSED) {
            return "sluice resume";
        }
        return switch (phase) {
            case CREATED, COPYING, CATCHING_UP -> "wait: sluice status --wait replicating";
            case REPLICATING -> !plan.held().isEmpty() ? "see to the tables that are held (in the notes), then sluice resync TABLE"
                    : parkedRows() > 0 ? "look at the parked rows: sluice parked"
                    : switch (proof.label()) {
                        case "verifying" -> "wait for the verification: sluice verify show";
                        case "verified" -> "PostgreSQL follows SQLite and was proven equal";
                        case "mismatched" -> "see what differs: sluice verify show";
                        default -> "prove that both sides are equal: sluice verify";
                    };
            case CUTTING_OVER, ROLLING_BACK -> "wait a moment; if it does not end: sluice repair";
            case SWITCHED -> "watch PostgreSQL; then sluice complete, or sluice rollback";
            case COMPLETED -> "nothing: the migration has ended on PostgreSQL";
            case CANCELLED -> "nothing: the migration has ended and the source is free of it";
        };
    }
}
