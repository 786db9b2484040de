package dev.sluice.announce;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cutover.Traffic;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.TargetUrl;
import dev.sluice.settings.Settings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class TrafficTest {

    private static final Path SOURCE = Path.of("/srv/app/app.db");

    @Test
    void addressesAreMadeOfTheTwoSides() {
        Settings.Traffic nothing = new Settings.Traffic(Path.of("f"), null, null);
        Addresses plain = Addresses.of(nothing, SOURCE, TargetUrl.parse("postgres://app@db.example/app"));
        assertThat(plain.at(Traffic.SQLITE, 1).databaseUrl()).isEqualTo("sqlite:////srv/app/app.db");
        assertThat(plain.at(Traffic.POSTGRES, 1).databaseUrl()).isEqualTo("postgresql://app@db.example:5432/app");
        assertThat(plain.holdsPassword()).isFalse();
        assertThat(plain.fenced(Traffic.SQLITE, 2).databaseUrl()).isEqualTo("sqlite:////srv/app/app.db");
        assertThat(Addresses.of(nothing, SOURCE, TargetUrl.parse(
                "jdbc:postgresql://[::1]:6000/my db?user=ann lee&sslmode=require&connectTimeout=3&schema=shop")).postgres())
                .isEqualTo("postgresql://ann%20lee@[::1]:6000/my%20db?sslmode=require"
                        + "&options=-csearch_path%3D%22shop%22");
    }

    @Test
    void passwordOfAnAddressIsNoticedAndNotPrinted() {
        for (String url : List.of("postgres://app:topsecret@db/app", "jdbc:postgresql://db/app?password=topsecret")) {
            Addresses secret = Addresses.of(new Settings.Traffic(Path.of("f"), "file:app.db", Secret.of(url)), SOURCE,
                    TargetUrl.parse("postgres://db/app"));
            assertThat(secret.holdsPassword()).as(url).isTrue();
            assertThat(secret.at(Traffic.POSTGRES, 3).databaseUrl()).isEqualTo(url);
            assertThat(secret + " " + secret.at(Traffic.POSTGRES, 3)).doesNotContain("topsecret");
        }
        for (String url : List.of("postgres://app@db:5432/app", "postgres://db:5432/a@b", "host=db user=app")) {
            assertThat(Addresses.of(new Settings.Traffic(Path.of("f"), null, Secret.of(url)), SOURCE,
                    TargetUrl.parse("postgres://db/app")).holdsPassword()).as(url).isFalse();
        }
    }

    @Test
    void feedTellsEveryChangeOnceAndNothingOlder() {
        TrafficFeed feed = new TrafficFeed();
        List<String> heard = new ArrayList<>();
        assertThat(feed.now()).isEmpty();
        TrafficFeed.Subscription subscription = feed.subscribe(traffic -> heard.add(traffic.mark())).orElseThrow();
        feed.set(traffic(Traffic.SQLITE, 1));
        feed.set(traffic(Traffic.SQLITE, 1));
        feed.set(traffic(Traffic.FENCED, 2));
        feed.set(traffic(Traffic.SQLITE, 1));
        feed.set(traffic(Traffic.FENCED, 2));
        feed.set(traffic(Traffic.POSTGRES, 2));
        feed.set(traffic(Traffic.FENCED, 1));
        feed.set(traffic(Traffic.SQLITE, 1));
        subscription.close();
        feed.set(traffic(Traffic.FENCED, 3));
        assertThat(heard).as("a switch given up goes back, nothing else does")
                .containsExactly("1-sqlite", "2-fenced", "1-sqlite", "2-fenced", "2-postgres");
        feed.subscribe(traffic -> heard.add(traffic.mark()));
        assertThat(heard).as("what is true already").endsWith("3-fenced");
    }

    @Test
    void feedTakesABoundedNumberOfListeners() {
        TrafficFeed feed = new TrafficFeed();
        TrafficFeed.Subscription first = feed.subscribe(traffic -> { }).orElseThrow();
        int count = 1;
        while (feed.subscribe(traffic -> { }).isPresent()) {
            count++;
        }
        assertThat(count).isLessThan(1000);
        first.close();
        assertThat(feed.subscribe(traffic -> { })).isPresent();
    }

    @Test
    void feedCanBeWaitedFor() throws Exception {
        TrafficFeed feed = new TrafficFeed();
        assertThat(feed.awaitOther(null, Duration.ofMillis(20))).isEmpty();
        feed.set(traffic(Traffic.SQLITE, 1));
        assertThat(feed.awaitOther(traffic(Traffic.SQLITE, 1), Duration.ofMillis(20))).contains(traffic(Traffic.SQLITE, 1));
        CompletableFuture<Announcement> waiting = CompletableFuture.supplyAsync(() -> {
            try {
                return feed.awaitOther(traffic(Traffic.SQLITE, 1), Duration.ofMinutes(1)).orElseThrow();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        feed.set(traffic(Traffic.FENCED, 2));
        assertThat(waiting.get(30, TimeUnit.SECONDS).mark()).isEqualTo("2-fenced");
    }

    private static Announcement traffic(Traffic side, long epoch) {
        return new Announcement(side, epoch, "postgresql://db/app");
    }
}
