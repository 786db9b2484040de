package dev.sluice.follow;

/** The source is not what the watermark speaks of any more; following it blindly would lose changes. */
public final class SourceChanged extends RuntimeException {

    /** What happened to the source. */
    public enum Kind {
        /** Another file lies under the path. */
        REPLACED,
        /** Its schema is not the one that the plan was made for, or a capture trigger is missing. */
        SCHEMA,
        /** Its changelog is not the one that was read: restored, or rolled back by a power loss. */
        HISTORY
    }

    private final Kind kind;

    public SourceChanged(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
