package dev.sluice.api;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Verifications that go on by themselves. Called on the API's threads, several at a time; every call returns within a minute.
 * What the operator must decide or mend is said by a {@link DaemonControl.Refused}.
 */
public interface VerificationControl {

    /**
     * Makes a run, which begins at once.
     *
     * @param order what was chosen: {@code tables}, {@code changed}, {@code repair}, {@code share}, {@code showValues},
     *     {@code actor}; what is left out has its default
     */
    JsonNode create(JsonNode order);

    /** The newest runs, newest first. */
    JsonNode runs();

    /** One run; the newest where {@code run} is 0. Cheap: asked several times a second while somebody waits. */
    JsonNode run(long run);

    JsonNode stop(long run);

    /** Goes on with a run that was stopped. */
    JsonNode resume(long run);

    /** The evidence file of a run that has ended. */
    JsonNode evidence(long run);

    /** The same for people, as one page of HTML that needs nothing else. */
    String page(long run);
}
