package dev.sluice.migration;

import java.time.Duration;
import java.util.Set;

/**
 * What an operator asks for.
 *
 * @param dryRun true to say only what would happen
 * @param timeout how long writes may be refused before it is given up
 * @param maxLag changes that may wait when a cutover begins
 * @param forced gates to go through although they are closed
 * @param actor who asks, for the audit log
 */
public record SwitchOrder(boolean dryRun, Duration timeout, long maxLag, Set<Gate> forced, String actor) {

    public static final Duration TIMEOUT = Duration.ofSeconds(10);
    public static final long MAX_LAG = 1_000;
}
