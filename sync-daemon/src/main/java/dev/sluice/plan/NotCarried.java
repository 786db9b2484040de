package dev.sluice.plan;

/**
 * Something that the source declares and the target will not have.
 *
 * @param object for people, for example {@code trigger "users_touch" on "users"}
 * @param text its SQL in the source
 * @param reason one clause: why not, and where it helps, what to do
 */
public record NotCarried(String object, String text, String reason) {}
