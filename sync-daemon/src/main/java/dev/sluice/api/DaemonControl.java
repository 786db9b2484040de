package dev.sluice.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.announce.TrafficFeed;
import java.util.List;

/**
 * What a daemon lets its operator do. Called on the API's threads, several at a time. What the operator must decide or
 * mend is said by a {@link Refused}; every call but {@link #verify} and {@link #move} returns within a minute.
 */
public interface DaemonControl {

    /** Where the migration stands; has {@code phase}. Cheap: asked several times a second while somebody waits. */
    JsonNode status();

    /** Everything that is measured, in Prometheus's text format. */
    String metrics();

    /** Why the daemon can't do its work at present, each one sentence; empty if it can. */
    List<String> unready();

    /** Which side takes writes; the same object at every call. */
    TrafficFeed traffic();

    void pause();

    void resume();

    /** Ends the migration and leaves the source without a trace of ours. */
    void cancel();

    /**
     * Compares both sides and returns the report; may take as long as it needs, on a thread of its own, never twice at
     * the same time. An interrupt asks it to stop.
     *
     * @param tables the source's table names; empty means all
     */
    JsonNode verify(List<String> tables) throws InterruptedException;

    /** Verifications that go on by themselves; the same object at every call. */
    VerificationControl verifications();

    JsonNode parked();

    /** Applies the parked rows again and returns what became of them. */
    JsonNode retryParked();

    /** Copies one table anew. */
    void resync(String table);

    /**
     * Moves the writes, or says what would happen; a thread of its own, one act at a time. An interrupt asks it to stop.
     *
     * @param order what was chosen: {@code timeoutMs}, {@code maxLag}, {@code dryRun}, {@code force} (names of gates),
     *     {@code actor}; what is left out has its default
     * @return what was done, step by step, and whether it is {@code done}
     */
    JsonNode move(SwitchAct act, JsonNode order) throws InterruptedException;

    /** What is done with single rows, and the audit log; the same object at every call. */
    default RowControl rows() {
        return RowControl.NONE;
    }

    /** The daemon says no; the message is one sentence with what to do. */
    class Refused extends RuntimeException {

        public Refused(String message) {
            super(message);
        }
    }

    /** What was named is not there; the message is one sentence. */
    final class Unknown extends Refused {

        public Unknown(String message) {
            super(message);
        }
    }
}
