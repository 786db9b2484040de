package dev.sluice.translate;

/** Ends a translation with its reason; never leaves the package. */
final class Untranslatable extends RuntimeException {

    Untranslatable(String reason) {
        super(reason, null, false, false);
    }
}
