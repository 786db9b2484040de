package dev.sluice.cutover;

import dev.sluice.change.Position;
import java.util.Optional;
import java.util.Set;

/**
 * Both sides without a database: two immutable values that the methods of the interfaces replace. What becomes of a
 * transaction is said beforehand ({@link #fate}).
 */
final class Simulation implements SourceSide, ReverseSide {

    /**
     * SQLite.
     *
     * @param writes how many application writes it has acknowledged
     * @param received how many of PostgreSQL's writes it has
     * @param met the epoch of the last marker that came with them
     * @param numbers for how many of PostgreSQL's writes its sequences account
     */
    record Source(
            boolean fenced, boolean recallable, int generation, int writes, int received, int met, int numbers) {}

    /**
     * PostgreSQL.
     *
     * @param applied how many of SQLite's writes it has
     * @param writes how many application writes it has acknowledged
     * @param numbers for how many of SQLite's writes its sequences account; -1 if they were set back behind its own
     *     writes
     * @param marker the epoch of its last fence, whose update of the register is in the reverse stream
     * @param twice a write of SQLite's was applied a second time
     */
    record Target(boolean fenced, Traffic traffic, int version, int generation, int applied, int writes, int epoch,
            int numbers, int marker, boolean twice) {}

    /** What a transaction in PostgreSQL does. */
    enum Kind {
        TAKE,
        TAKE_NEXT,
        APPLY,
        NUMBER,
        BEGIN,
        SUPERSEDE,
        FLIP,
        FENCE,
        UNFENCE,
        SETTLE
    }

    /** A transaction in PostgreSQL; what {@code a} and {@code b} are depends on its kind. */
    record Transaction(Kind kind, int generation, int version, int a, int b) {}

    /** What becomes of the next transaction. */
    enum Fate {
        ANSWERED,
        LOST_BEFORE,
        LOST_AFTER,
        /** In PostgreSQL: it may come later, after its sender has given up. */
        UNDER_WAY,
        /** In SQLite: the schema is found changed. */
        SCHEMA_CHANGED
    }

    /** Cuts the exploration where it would go on for ever. */
    static final class BeyondBounds extends RuntimeException {
        private static final long serialVersionUID = 1L;

        BeyondBounds() {
            super(null, null, false, false);
        }
    }

    static final Source SOURCE = new Source(false, false, 0, 0, 0, 0, 0);
    static final Target TARGET = new Target(true, Traffic.SQLITE, 0, 0, 0, 0, 0, 0, 0, false);
    static final int NOTHING = -1;

    private static final AnswerLost NO_ANSWER = new AnswerLost("no answer");

    Source source = SOURCE;
    Target target = TARGET;
    Fate fate = Fate.ANSWERED;
    /** The transaction that was sent with {@link Fate#UNDER_WAY}. */
    Transaction air;
    /** How many of SQLite's writes this daemon believes to be applied. */
    int seen = NOTHING;
    /** PostgreSQL does not answer any more, and never gets to see a transaction. */
    boolean targetGone;

    private final TargetSide postgres = new Postgres();

    private final Set<Rule> leftOut;
    private final int versions;
    private final int generations;
    private final int pieceMax;

    /**
     * @param versions the greatest version of the register
     * @param generations the greatest generation
     * @param pieceMax how many writes one transaction applies
     */
    Simulation(Set<Rule> leftOut, int versions, int generations, int pieceMax) {
        this.leftOut = leftOut;
        this.versions = versions;
        this.generations = generations;
        this.pieceMax = pieceMax;
    }

    static boolean takesWrites(Source source) {
        return !source.fenced;
    }

    static boolean takesWrites(Target target) {
        return !target.fenced;
    }

    /** What must never be; null if all is well. */
    static String broken(Source source, Target target) {
        if (!source.fenced && !target.fenced) {
            return "both sides take writes";
        }
        if (!target.fenced) {
            if (target.applied != source.writes) {
                return "PostgreSQL takes writes without all of SQLite's";
            }
            if (target.twice) {
                return "PostgreSQL takes writes and has one of SQLite's twice";
            }
            return target.numbers == source.writes ? null : "PostgreSQL gives a number a second time";
        }
        if (!source.fenced) {
            if (source.received != target.writes) {
                return "SQLite takes writes without all of PostgreSQL's";
            }
            return source.numbers == target.writes ? null : "SQLite gives a number a second time";
        }
        return null;
    }

    // ---- the application, and the reverse stream ----

    static Source written(Source s) {
        return new Source(s.fenced, s.recallable, s.generation, s.writes + 1, s.received, s.met, s.numbers);
    }

    static Target written(Target t) {
        return new Target(t.fenced, t.traffic, t.version, t.generation, t.applied, t.writes + 1, t.epoch, t.numbers,
                t.marker, t.twice);
    }

    /** One SQLite transaction: all that PostgreSQL has committed, markers too. False if nothing came of it. */
    boolean receive(long generation) {
        boolean news = source.received < target.writes || source.met < target.marker;
        if (!news || !isMine(generation)) {
            return false;
        }
        source = new Source(source.fenced, source.recallable, source.generation, source.writes, target.writes,
                target.marker, source.numbers);
        return true;
    }

    @Override
    public boolean drainedTo(long epoch) {
        return source.met >= (leftOut.contains(Rule.MARKER) ? epoch - 1 : epoch);
    }

    // ---- SQLite ----

    private boolean isMine(long generation) {
        return leftOut.contains(Rule.GENERATION) || source.generation == generation;
    }

    private void commit(Source next) throws AnswerLost {
        if (fate == Fate.LOST_BEFORE) {
            throw NO_ANSWER;
        }
        source = next;
        if (fate == Fate.LOST_AFTER) {
            throw NO_ANSWER;
        }
    }

    private Source fence(boolean fenced, boolean recallable) {
        return new Source(fenced, recallable, source.generation, source.writes, source.received, source.met,
                source.numbers);
    }

    @Override
    public long takeGeneration(long min) throws AnswerLost {
        int taken = Math.max(source.generation + 1, (int) min);
        if (taken > generations) {
            throw new BeyondBounds();
        }
        commit(new Source(source.fenced, source.recallable, taken, source.writes, source.received, source.met,
                source.numbers));
        return taken;
    }

    @Override
    public SourceLook look() throws AnswerLost {
        commit(source);
        return new SourceLook(source.generation, source.fenced, source.recallable, new Position(source.writes, 0));
    }

    @Override
    public Optional<Position> fence(long generation, long epoch, boolean recallable) throws AnswerLost {
        boolean mine = isMine(generation);
        commit(mine ? fence(true, recallable) : source);
        return mine ? Optional.of(new Position(source.writes, 0)) : Optional.empty();
    }

    @Override
    public Noted noteFlip(long generation) throws AnswerLost {
        if (fate == Fate.SCHEMA_CHANGED) {
            return Noted.SCHEMA_CHANGED;
        }
        boolean mine = isMine(generation);
        commit(mine ? fence(source.fenced, false) : source);
        return mine ? Noted.DONE : Noted.OUTDATED;
    }

    @Override
    public boolean recall(long generation) throws AnswerLost {
        boolean may = isMine(generation) && source.fenced && source.recallable;
        commit(may ? fence(false, false) : source);
        return may;
    }

    @Override
    public boolean setSequences(long generation) throws AnswerLost {
        if (targetGone) {
            throw NO_ANSWER;
        }
        boolean mine = isMine(generation);
        commit(mine ? new Source(source.fenced, source.recallable, source.generation, source.writes, source.received,
                source.met, target.writes) : source);
        return mine;
    }

    @Override
    public boolean lift(long generation, long epoch) throws AnswerLost {
        boolean mine = isMine(generation);
        commit(mine ? fence(false, false) : source);
        return mine;
    }

    // ---- PostgreSQL ----

    TargetSide target() {
        return postgres;
    }

    private final class Postgres implements TargetSide {

        @Override
        public boolean takeGeneration(long generation) throws AnswerLost {
            return send(new Transaction(Kind.TAKE, (int) generation, 0, 0, 0));
        }

        @Override
        public Register ask() throws AnswerLost {
            if (targetGone || fate != Fate.ANSWERED) {
                throw NO_ANSWER;
            }
            seen = target.applied;
            return new Register(target.traffic, target.epoch, target.version, target.generation);
        }

        @Override
        public Drained drain(long generation, Position head) throws AnswerLost {
            int to = (int) Math.min(head.seq(), (long) seen + pieceMax);
            if (seen == NOTHING || seen > head.seq()) {
                return Drained.REFUSED;
            }
            if (seen < head.seq() && !send(new Transaction(Kind.APPLY, (int) generation, 0, seen, to))) {
                return Drained.REFUSED;
            }
            seen = to;
            return seen == head.seq() ? Drained.DONE : Drained.MORE;
        }

        @Override
        public boolean setSequences(Claim claim) throws AnswerLost {
            return send(new Transaction(Kind.NUMBER, (int) claim.generation(), (int) claim.version(), source.writes,
                    target.writes));
        }

        @Override
        public boolean begin(Claim claim) throws AnswerLost {
            return change(Kind.BEGIN, claim);
        }

        @Override
        public boolean supersede(Claim claim) throws AnswerLost {
            return change(Kind.SUPERSEDE, claim);
        }

        @Override
        public boolean flip(Claim claim) throws AnswerLost {
            return change(Kind.FLIP, claim);
        }

        @Override
        public boolean fence(Claim claim) throws AnswerLost {
            return change(Kind.FENCE, claim);
        }

        @Override
        public boolean unfence(Claim claim) throws AnswerLost {
            return change(Kind.UNFENCE, claim);
        }

        @Override
        public boolean settle(Claim claim) throws AnswerLost {
            return change(Kind.SETTLE, claim);
        }
    }

    /** As the store does it when a daemon starts: one more than the present one. */
    boolean takeNextGeneration() throws AnswerLost {
        return send(new Transaction(Kind.TAKE_NEXT, 0, 0, 0, 0));
    }

    private boolean change(Kind kind, Claim claim) throws AnswerLost {
        return send(new Transaction(kind, (int) claim.generation(), (int) claim.version(), (int) claim.epoch(), 0));
    }

    private boolean send(Transaction transaction) throws AnswerLost {
        if (fate == Fate.UNDER_WAY) {
            air = transaction;
        }
        if (targetGone || fate == Fate.LOST_BEFORE || fate == Fate.UNDER_WAY) {
            seen = NOTHING;
            throw NO_ANSWER;
        }
        Target next = execute(transaction, target);
        target = next == null ? target : next;
        if (fate == Fate.LOST_AFTER) {
            seen = NOTHING;
            throw NO_ANSWER;
        }
        return next != null;
    }

    /** The target after the transaction, null where a condition fails and it rolls back. */
    Target execute(Transaction x, Target t) {
        if (x.kind == Kind.TAKE) {
            return x.generation < t.generation ? null : new Target(t.fenced, t.traffic, t.version, x.generation,
                    t.applied, t.writes, t.epoch, t.numbers, t.marker, t.twice);
        }
        if (x.kind == Kind.TAKE_NEXT) {
            if (t.generation == generations) {
                throw new BeyondBounds();
            }
            return new Target(t.fenced, t.traffic, t.version, t.generation + 1, t.applied, t.writes, t.epoch, t.numbers,
                    t.marker, t.twice);
        }
        if (!leftOut.contains(Rule.GENERATION) && x.generation != t.generation) {
            return null;
        }
        if (x.kind == Kind.APPLY) {
            boolean expected = t.applied == x.a;
            return !expected && !leftOut.contains(Rule.WATERMARK) ? null : new Target(t.fenced, t.traffic, t.version,
                    t.generation, x.b, t.writes, t.epoch, t.numbers, t.marker, t.twice || !expected);
        }
        boolean holds = leftOut.contains(Rule.VERSION) || x.version == t.version;
        if (x.kind == Kind.NUMBER) {
            boolean claimed = holds && t.traffic == Traffic.SQLITE || leftOut.contains(Rule.SEQUENCES_CLAIMED);
            return !claimed ? null : new Target(t.fenced, t.traffic, t.version, t.generation, t.applied, t.writes,
                    t.epoch, x.b == t.writes ? x.a : -1, t.marker, t.twice);
        }
        Traffic from = switch (x.kind) {
            case BEGIN, FLIP -> Traffic.SQLITE;
            case SUPERSEDE -> t.traffic;
            case FENCE -> Traffic.POSTGRES;
            default -> Traffic.FENCED;
        };
        if (!holds || t.traffic != from) {
            return null;
        }
        if (t.version == versions) {
            throw new BeyondBounds();
        }
        Traffic to = switch (x.kind) {
            case FLIP, UNFENCE -> Traffic.POSTGRES;
            case FENCE -> Traffic.FENCED;
            case SUPERSEDE -> t.traffic;
            default -> Traffic.SQLITE;
        };
        return new Target(to != Traffic.POSTGRES, to, t.version + 1, t.generation, t.applied, t.writes, x.a, t.numbers,
                x.kind == Kind.FENCE ? x.a : t.marker, t.twice);
    }
}
