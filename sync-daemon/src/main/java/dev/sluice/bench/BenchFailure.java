package dev.sluice.bench;

/** The bench can't go on; the message is for the user. */
public final class BenchFailure extends RuntimeException {
    BenchFailure(String message) {
        super(message);
    }
}
