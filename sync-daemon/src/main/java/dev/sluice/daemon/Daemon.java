package dev.sluice.daemon;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.announce.TrafficFeed;
import dev.sluice.api.ApiServer;
import dev.sluice.api.DaemonControl;
import dev.sluice.api.RowControl;
import dev.sluice.api.SwitchAct;
import dev.sluice.api.VerificationControl;
import dev.sluice.migration.Gate;
import dev.sluice.metrics.Meters;
import dev.sluice.migration.LiveMigration;
import dev.sluice.migration.Preparation;
import dev.sluice.migration.SwitchOrder;
import dev.sluice.phase.RunState;
import dev.sluice.postgres.Secret;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One live migration and the API that commands it; ends when the migration does, or when it is asked to stop. */
public final class Daemon implements AutoCloseable, DaemonControl {

    private static final Logger LOG = LoggerFactory.getLogger(Daemon.class);

    private final LiveMigration migration;
    private final VerificationControl verifications;
    private final DaemonRows rows;
    private final Meters meters;
    private final ApiServer api;
    private final Systemd systemd;
    private boolean stopped; // guarded by this

    /** Where the API listens. */
    public record ApiAddress(String host, int port, boolean allowRemote) {}

    /** @param meters that watch the migration */
    public Daemon(LiveMigration migration, Meters meters, Secret token, ApiAddress address) {
        this.migration = migration;
        this.verifications = new DaemonVerifications(migration);
        this.rows = new DaemonRows(migration.name(), migration.rows());
        this.meters = meters;
        this.api = ApiServer.start(this, token, address.host(), address.port(), address.allowRemote());
        migration.start();
        this.systemd = Systemd.of(System.getenv(), () -> migration.phase().label() + ", " + migration.run().label(),
                migration::isAlive);
        LOG.info("event=started api={}", api.uri());
    }

    public URI uri() {
        return api.uri();
    }

    /** Waits until the migration ends by itself; throws what ended it, if it was a failure. */
    public void awaitEnd() throws Exception {
        while (!migration.awaitEnd(Duration.ofMinutes(1))) {
            LOG.trace("still running"); // a bounded wait, so that nothing hangs on a lost signal
        }
        if (migration.failure() != null) {
            throw migration.failure();
        }
    }

    @Override
    public JsonNode status() {
        return Reports.of(migration.status());
    }

    @Override
    public String metrics() {
        return meters.scrape();
    }

    @Override
    public List<String> unready() {
        RunState run = migration.run();
        return run.kind() == RunState.Kind.BLOCKED ? List.of(run.reason()) : List.of();
    }

    @Override
    public TrafficFeed traffic() {
        return migration.traffic();
    }

    @Override
    public RowControl rows() {
        return rows;
    }

    @Override
    public void pause() {
        refusing(() -> {
            migration.pause();
            return null;
        });
    }

    @Override
    public void resume() {
        refusing(() -> {
            migration.resume();
            return null;
        });
    }

    @Override
    public void cancel() {
        refusing(() -> {
            migration.cancel();
            return null;
        });
    }

    @Override
    public JsonNode verify(List<String> tables) {
        return refusing(() -> Reports.of(migration.verify(tables, false)));
    }

    @Override
    public VerificationControl verifications() {
        return verifications;
    }

    @Override
    public JsonNode parked() {
        return rows.parked();
    }

    @Override
    public JsonNode retryParked() {
        return refusing(() -> {
            migration.retryParked();
            return rows.parked().put("phase", migration.phase().label());
        });
    }

    @Override
    public void resync(String table) {
        refusing(() -> migration.resync(table));
    }

    @Override
    public JsonNode move(SwitchAct act, JsonNode order) throws InterruptedException {
        return refusing(() -> {
            SwitchOrder chosen = order(order);
            return Reports.of(switch (act) {
                case CUTOVER -> migration.cutover(chosen);
                case ROLLBACK -> migration.rollback(chosen);
                case COMPLETE -> migration.complete(chosen, order.path("cleanSource").asBoolean());
                case REPAIR -> migration.repair(chosen, order.path("targetIsLost").asBoolean());
            });
        });
    }

    private static SwitchOrder order(JsonNode order) {
        List<String> forced = new ArrayList<>();
        order.path("force").forEach(gate -> forced.add(gate.asText()));
        return new SwitchOrder(order.path("dryRun").asBoolean(),
                Duration.ofMillis(order.path("timeoutMs").asLong(SwitchOrder.TIMEOUT.toMillis())),
                order.path("maxLag").asLong(SwitchOrder.MAX_LAG), Gate.forced(forced), order.path("actor").asText("api"));
    }

    static <T> T refusing(Callable<T> work) {
        try {
            return work.call();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Refused("stopped");
        } catch (Refused e) {
            throw e;
        } catch (SQLException | RuntimeException e) {
            LOG.debug("request refused", e);
            throw new Refused(Preparation.sentence(e));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** Takes no more requests, then stops the migration at the next chunk or batch. */
    public synchronized void stop() {
        if (stopped) {
            return;
        }
        stopped = true;
        systemd.close();
        api.close();
        migration.close();
        meters.close();
        LOG.info("event=stopped phase={}", migration.phase().label());
    }

    @Override
    public void close() {
        stop();
    }
}
