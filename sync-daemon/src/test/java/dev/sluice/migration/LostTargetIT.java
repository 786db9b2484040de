package dev.sluice.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.announce.TrafficFeed.Subscription;
import dev.sluice.cutover.Traffic;
import dev.sluice.phase.Phase;
import dev.sluice.postgres.TargetRefusal;
import dev.sluice.testing.LiveGround;
import dev.sluice.testing.OwnServer;
import dev.sluice.testing.SameRows;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** PostgreSQL goes away while the writes are being moved, and stays away: whoever asked for the move is answered all the same. */
class LostTargetIT {

    private static final SwitchOrder ORDER = new SwitchOrder(false, Duration.ofSeconds(8), 1_000, Set.of(), "test");

    @TempDir
    Path folder;

    private OwnServer server;

    @BeforeEach
    void startServer() throws Exception {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        server = new OwnServer(folder.resolve("postgres"));
    }

    @AfterEach
    void stopServer() {
        server.close();
    }

    private LiveGround ground() throws Exception {
        LiveGround ground = new LiveGround(folder, server.fresh(), "CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT)",
                "INSERT INTO kv VALUES ('a', '1')").startAndFollow();
        assertThat(ground.verify().isEqual()).isTrue();
        return ground;
    }

    @Test
    void cutoverIsAnsweredAlthoughPostgresStaysAway() throws Exception {
        try (LiveGround ground = ground()) {
            Connection other = ground.target().dedicated(Duration.ZERO); // it ends with the server
            other.setAutoCommit(false);
            other.createStatement().execute("LOCK TABLE kv IN ACCESS SHARE MODE"); // the flip has to wait for it
            CountDownLatch fenced = new CountDownLatch(1);
            Subscription subscription = ground.migration().traffic().subscribe(now -> {
                if (now.side() == Traffic.FENCED) {
                    fenced.countDown();
                }
            }).orElseThrow();
            CompletableFuture<SwitchReport> cutover = CompletableFuture.supplyAsync(() -> {
                try {
                    return ground.migration().cutover(ORDER);
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            assertThat(fenced.await(60, TimeUnit.SECONDS)).isTrue();
            subscription.close();
            server.stop();
            SwitchReport report = cutover.get(60, TimeUnit.SECONDS);
            assertThat(report.done()).as(report.summary()).isFalse();
            assertThatThrownBy(() -> ground.migration().cutover(ORDER)).isInstanceOf(TargetRefusal.class)
                    .hasMessageContaining("the target at"); // whether or not that was noticed before
            server.start();
            ground.awaitReplicating();
            Awaitility.await().atMost(Duration.ofSeconds(30)).ignoreExceptions().untilAsserted(() -> {
                ground.app("INSERT OR REPLACE INTO kv VALUES ('b', '2')");
                assertThat(ground.migration().status().run()).isEqualTo("running");
            });
            ground.awaitArrival();
            SameRows.assertSame(ground);
            Awaitility.await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> assertThat(ground.target(
                    "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()")).containsExactly("0"));
            assertThat(ground.verify().isEqual()).isTrue();
            SwitchReport again = ground.migration().cutover(ORDER);
            assertThat(again.done()).as(again.summary()).isTrue();
            assertThat(ground.migration().phase()).isEqualTo(Phase.SWITCHED);
        }
    }
}
