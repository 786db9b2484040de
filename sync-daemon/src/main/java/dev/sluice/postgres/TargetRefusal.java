package dev.sluice.postgres;

import java.util.ArrayList;
import java.util.List;

/** The target can't be used as it is; the message is one sentence that says what, where and what to do. */
public final class TargetRefusal extends RuntimeException {

    private final String head;
    private final List<String> details;

    public TargetRefusal(String message) {
        this(message, (Throwable) null);
    }

    public TargetRefusal(String message, Throwable cause) {
        super(message, cause);
        this.head = message;
        this.details = List.of();
    }

    /** Several things are wrong at once; the message is {@code head} and all of {@code details}. */
    public TargetRefusal(String head, List<String> details) {
        super(head + ": " + String.join("; ", details));
        this.head = head;
        this.details = List.copyOf(details);
    }

    /** The message as lines, for a terminal. */
    public List<String> lines() {
        if (details.size() < 2) {
            return List.of(getMessage());
        }
        List<String> lines = new ArrayList<>(List.of(head + ":"));
        details.forEach(detail -> lines.add("  - " + detail));
        return lines;
    }
}
