package dev.sluice.metrics;

import dev.sluice.copy.CopyProgress;
import dev.sluice.migration.Gate;
import dev.sluice.migration.LiveMigration;
import dev.sluice.migration.MigrationEvents;
import dev.sluice.migration.Sizes;
import dev.sluice.migration.StatusSnapshot;
import dev.sluice.migration.SwitchReport;
import dev.sluice.phase.Phase;
import dev.sluice.phase.RunState;
import dev.sluice.postgres.Target;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/**
 * The meters of one live migration, as {@code GET /metrics} gives them. Every label has a fixed set of values, but for tables:
 * of these the largest have a label of their own and the rest are {@link #OTHER}. Thread-safe.
 */
public final class Meters implements MigrationEvents, AutoCloseable {

    /** The label of all tables that have none of their own. */
    public static final String OTHER = "(other)";

    static final int TABLES_MAX = 100;

    private static final double[] VISIBLE_BUCKETS = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60,
        300};

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final JvmGcMetrics collections = new JvmGcMetrics();
    private final MultiGauge copied = many("sluice.copy.rows", "Rows that the bulk copy has brought, by table.", "rows");
    private final MultiGauge planned = many("sluice.copy.planned.rows", "Rows that the plan counted, by table.", "rows");
    private final MultiGauge parked = many("sluice.parked.rows", "Rows parked in PostgreSQL, by table.", "rows");
    private final MultiGauge steps = many("sluice.switch.step", "How long each step of the last move of the writes took.",
            "seconds");
    private final MultiGauge gates = many("sluice.gate.open", "1 for an open gate, when the gates were last looked at.", null);
    private final Timer visible = Timer.builder("sluice.commit.to.visible")
            .description("Age of the oldest commit of the source when it could be read in PostgreSQL, at most, by turn.")
            .serviceLevelObjectives(Arrays.stream(VISIBLE_BUCKETS).mapToObj(s -> Duration.ofNanos(Math.round(s * 1e9)))
                    .toArray(Duration[]::new))
            .register(registry);
    private final Counter copiedBytes = Counter.builder("sluice.copied").baseUnit("bytes")
            .description("Bytes of rows that the bulk copy has brought since this daemon started.").register(registry);
    private final Set<String> labelled = ConcurrentHashMap.newKeySet(); // tables with a label of their own
    private final Map<String, Double> pauses = new ConcurrentHashMap<>();
    private volatile LiveMigration migration;
    private volatile StatusSnapshot status;
    private volatile Sizes sizes;
    private volatile double gatesLookedAt = Double.NaN;

    /** @param version of the program */
    public Meters(String version) {
        Gauge.builder("sluice.build.info", () -> 1).description("1; which program this is.")
                .tags("version", version, "java", Runtime.version().toString()).register(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ClassLoaderMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new FileDescriptorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
        collections.bindTo(registry);
    }

    /** Counts what {@code progress} hears. */
    public CopyProgress counting(CopyProgress progress) {
        return new CopyProgress() {
            @Override
            public void copied(String table, long rows, long bytes) {
                copiedBytes.increment(bytes);
                progress.copied(table, rows, bytes);
            }

            @Override
            public void parked(String table, long rows) {
                progress.parked(table, rows);
            }

            @Override
            public void finished(String table) {
                progress.finished(table);
            }
        };
    }

    /** Watches a migration that has not been started yet, and its target's connections. */
    public void watch(LiveMigration watched, Target target) {
        migration = watched;
        watched.listen(this);
        target.meter(registry);
        gauge("sluice.replication.lag", "seconds", "How long ago PostgreSQL last equalled SQLite (after a cutover: the other way"
                + " round); 0 while it does.", now -> now.lagSeconds());
        gauge("sluice.replication.lag.changes", null, "Changelog rows that PostgreSQL lacks; -1 if the source can't be asked.",
                now -> now.lagChanges());
        gauge("sluice.consistent.timestamp", "seconds", "When PostgreSQL last equalled SQLite, in Unix time; goes on telling"
                + " the truth when the daemon has stopped.", now -> Instant.now().toEpochMilli() / 1e3 - now.lagSeconds());
        gauge("sluice.applied.seq", null, "Number of the newest changelog row that PostgreSQL has.", now -> now.seq());
        Gauge.builder("sluice.epoch", this, m -> m.migration.epoch()).description("How often the writes have moved.")
                .register(registry);
        FunctionCounter.builder("sluice.applied.changes", this, m -> m.status == null ? 0 : m.status.changesApplied())
                .description("Changelog rows applied since this daemon started.").register(registry);
        size("sluice.changelog.rows", null, "Changelog rows in the source, applied or not.", Sizes::changelogRows);
        size("sluice.changelog", "bytes", "What the changelog takes in the source, estimated.", Sizes::changelogBytes);
        size("sluice.source.wal", "bytes", "The source's write-ahead log.", Sizes::walBytes);
        size("sluice.slot.retained", "bytes", "Log that PostgreSQL keeps for the stream back.", Sizes::slotRetainedBytes);
        size("sluice.slot.safe", "bytes", "Log that may still be written before PostgreSQL drops the slot; -1 without a limit.",
                Sizes::slotSafeBytes);
        size("sluice.stream.behind", "bytes", "PostgreSQL's log that SQLite has not got back yet.", Sizes::streamBehindBytes);
        for (Phase phase : Phase.values()) {
            state("sluice.phase", "phase", phase.label(), "1 for the phase that the migration is in.", StatusSnapshot::phase);
        }
        for (RunState.Kind kind : RunState.Kind.values()) {
            state("sluice.run", "state", kind.name().toLowerCase(Locale.ROOT), "1 for running, paused or blocked.",
                    now -> now.run().replaceFirst("\\(.*", ""));
        }
        for (String side : List.of("sqlite", "fenced", "postgres")) {
            state("sluice.traffic", "side", side, "1 for the side that takes writes; fenced: none does.", StatusSnapshot::traffic);
        }
        for (String verification : List.of("unverified", "verifying", "verified", "mismatched", "stale")) {
            state("sluice.verification", "state", verification, "1 for how the last whole verification ended.",
                    StatusSnapshot::verification);
        }
        gauge("sluice.verified.timestamp", "seconds", "When the last whole verification ended, in Unix time; NaN before one.",
                now -> now.verifiedAt() == null ? Double.NaN : now.verifiedAt().toEpochMilli() / 1e3);
        for (String act : List.of("cutover", "rollback")) {
            Gauge.builder("sluice.write.pause", pauses, known -> known.getOrDefault(act, Double.NaN)).baseUnit("seconds")
                    .tag("act", act).description("How long no side took writes when they were last moved.").register(registry);
        }
        Gauge.builder("sluice.gates.looked.timestamp", this, m -> m.gatesLookedAt).baseUnit("seconds")
                .description("When the gates of a cutover were last looked at, in Unix time.").register(registry);
        FunctionCounter.builder("sluice.target.retries", watched, LiveMigration::targetRetries)
                .description("How often work in PostgreSQL was tried again since this daemon started.").register(registry);
        for (String breaker : List.of("closed", "open", "half_open")) {
            Gauge.builder("sluice.target.breaker", watched, m -> m.targetBreaker().equals(breaker) ? 1 : 0)
                    .tag("state", breaker).description("1 for the state of the breaker before the target.").register(registry);
        }
    }

    /** What Prometheus reads: the text format, with everything as it stands now. */
    public String scrape() {
        StatusSnapshot now = migration.status();
        sizes = migration.sizes();
        status = now;
        copied.register(rows(now, StatusSnapshot.TableStatus::copied), true);
        planned.register(rows(now, StatusSnapshot.TableStatus::rows), true);
        parked.register(rows(now, StatusSnapshot.TableStatus::parked), true);
        return registry.scrape();
    }

    @Override
    public void visible(Duration atMost) {
        visible.record(atMost);
    }

    @Override
    public void applied(String table, long upserts, long deletes) {
        count(table, "upsert", upserts);
        count(table, "delete", deletes);
    }

    private void count(String table, String kind, long rows) {
        if (rows > 0) {
            String label = labelled.size() < TABLES_MAX && labelled.add(table) || labelled.contains(table) ? table : OTHER;
            Counter.builder("sluice.applied.rows").description("Rows that following has upserted or deleted in PostgreSQL.")
                    .tags("table", label, "kind", kind).register(registry).increment(rows);
        }
    }

    @Override
    public void moved(String act, SwitchReport report) {
        Counter.builder("sluice.switches").description("Moves of the writes, by how they ended.")
                .tags("act", act, "outcome", report.done() ? "done" : "given_up").register(registry).increment();
        if (report.pause() != null) {
            pauses.put(act, report.pause().toNanos() / 1e9);
        }
        Map<String, Double> took = new TreeMap<>();
        report.steps().forEach(step -> took.merge(step.name(), step.took().toNanos() / 1e9, Double::sum));
        steps.register(took.entrySet().stream().map(step -> MultiGauge.Row.of(Tags.of("act", act, "step", step.getKey()),
                step.getValue())).toList(), true);
    }

    @Override
    public void looked(List<Gate.Look> looks) {
        gatesLookedAt = System.currentTimeMillis() / 1e3;
        gates.register(looks.stream().map(look -> MultiGauge.Row.of(Tags.of("gate", look.gate().label()), look.open() ? 1 : 0))
                .toList(), true);
    }

    @Override
    public void close() {
        collections.close();
        registry.close();
    }

    private static List<MultiGauge.Row<?>> rows(StatusSnapshot now, ToDoubleFunction<StatusSnapshot.TableStatus> value) {
        List<StatusSnapshot.TableStatus> largest = now.tables().stream()
                .sorted((one, other) -> Long.compare(other.rows(), one.rows())).toList();
        Stream<MultiGauge.Row<?>> own = largest.stream().limit(TABLES_MAX)
                .map(table -> MultiGauge.Row.of(Tags.of("table", table.source()), value.applyAsDouble(table)));
        return largest.size() <= TABLES_MAX ? own.toList() : Stream.concat(own, Stream.of(MultiGauge.Row.of(
                Tags.of("table", OTHER), largest.stream().skip(TABLES_MAX).mapToDouble(value).sum()))).toList();
    }

    private MultiGauge many(String name, String description, String unit) {
        return MultiGauge.builder(name).description(description).baseUnit(unit).register(registry);
    }

    private void gauge(String name, String unit, String description, ToDoubleFunction<StatusSnapshot> value) {
        Gauge.builder(name, this, m -> m.status == null ? Double.NaN : value.applyAsDouble(m.status)).baseUnit(unit)
                .description(description).register(registry);
    }

    private void size(String name, String unit, String description, ToDoubleFunction<Sizes> value) {
        Gauge.builder(name, this, m -> m.sizes == null ? Double.NaN : value.applyAsDouble(m.sizes)).baseUnit(unit)
                .description(description).register(registry);
    }

    private void state(String name, String label, String state, String description,
            Function<StatusSnapshot, String> value) {
        Gauge.builder(name, this, m -> m.status != null && value.apply(m.status).equals(state) ? 1 : 0).tag(label, state)
                .description(description).register(registry);
    }
}
