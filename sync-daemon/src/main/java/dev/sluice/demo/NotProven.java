package dev.sluice.demo;

/** The demo could not show what it promises; the message is one sentence. */
final class NotProven extends RuntimeException {

    NotProven(String message) {
        super(message);
    }
}
