package dev.sluice.cli;

import dev.sluice.postgres.EmbeddedTarget;
import dev.sluice.postgres.Secret;
import dev.sluice.postgres.Target;
import dev.sluice.postgres.TargetUrl;
import dev.sluice.settings.Settings;
import java.time.Duration;

/**
 * The target that the settings name; an embedded one is started from the state directory, and stopped on close.
 *
 * @param server null unless embedded
 */
record OpenTarget(Target target, EmbeddedTarget server) implements AutoCloseable {

    private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(30);

    static OpenTarget of(Settings settings) {
        TargetUrl url = settings.requireTarget();
        Secret password = settings.target().password();
        EmbeddedTarget server = null;
        if (url.embedded()) {
            server = EmbeddedTarget.persistent(settings.stateDir().resolve("embedded-postgres"));
            url = server.url();
            password = server.password();
        }
        return new OpenTarget(Target.open(url.withSchema(settings.target().schema()), password,
                new Target.Options(settings.target().poolSize(), LOCK_TIMEOUT, Math.max(4, 2 + settings.copy().workers()))),
                server);
    }

    @Override
    public void close() {
        target.close();
        if (server != null) {
            server.close();
        }
    }
}
