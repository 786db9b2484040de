package dev.sluice.cutover;

import dev.sluice.change.Position;
import dev.sluice.cutover.Simulation.BeyondBounds;
import dev.sluice.cutover.Simulation.Fate;
import dev.sluice.cutover.Simulation.Source;
import dev.sluice.cutover.Simulation.Target;
import dev.sluice.cutover.Simulation.Transaction;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Walks the protocol through every interleaving, breadth first. A world is both sides, two daemons (each may have
 * died, and another been started in its place) and a transaction that is under way although its sender has given up.
 * In each world everything is tried that could happen next.
 */
final class Exploration {

    /**
     * How far it goes.
     *
     * @param writes acknowledged on each side
     * @param versions of the register
     * @param generations that are taken
     * @param daemons that are ever started, of which at most two are alive at once
     * @param pieceMax writes that one transaction applies
     * @param targetFirst a daemon takes its generation in PostgreSQL first
     * @param ends whether it is also checked that from every state an end is reached
     */
    record Bounds(int writes, int versions, int generations, int daemons, int pieceMax, boolean targetFirst,
            boolean ends) {}

    /** A daemon: what the protocol holds, and how many writes its target side believes to be applied. */
    record Daemon(State state, int seen) {}

    /** What came of a walk; {@code violation} is null if all held, else it ends with what was broken. */
    record Result(int states, long transitions, int ends, List<String> violation) {}

    private static final Daemon DEAD = new Daemon(State.known(Place.OUTDATED, 0), Simulation.NOTHING);
    private static final Daemon FRESH = new Daemon(State.start(), Simulation.NOTHING);
    private static final int STEPS_MAX = 60;

    private final Bounds bounds;
    private final Simulation sides;
    private final Protocol protocol;
    private final Simulation unbounded;
    private final Protocol endless;

    private final Interned<Source> sources = new Interned<>(11);
    private final Interned<Target> targets = new Interned<>(12);
    private final Interned<Daemon> daemons = new Interned<>(14);
    private final Interned<Transaction> airs = new Interned<>(11);
    private final Interned<String> names = new Interned<>(16);

    private final int dead = daemons.id(DEAD);
    private final int fresh = daemons.id(FRESH);
    private final int nothing = airs.id(null);
    private final int writesSource = names.id("the application writes SQLite");
    private final int writesTarget = names.id("the application writes PostgreSQL");
    private final int starts = names.id("a daemon starts");
    private final int dies = names.id("a daemon dies");
    private final int late = names.id("what was under way arrives late");
    private final int lost = names.id("what was under way is lost");

    private final Worlds worlds = new Worlds();
    private final Memory moves = new Memory();
    private final Memory lates = new Memory();
    private long transitions;
    private int ends;
    private int current;
    private String wrong;

    Exploration(Bounds bounds, Set<Rule> leftOut) {
        this.bounds = bounds;
        sides = new Simulation(leftOut, bounds.versions, bounds.generations, bounds.pieceMax);
        protocol = new LeftOut(sides, leftOut);
        unbounded = new Simulation(leftOut, Integer.MAX_VALUE, Integer.MAX_VALUE, bounds.pieceMax);
        endless = new LeftOut(unbounded, leftOut);
    }

    Result run() {
        add(sources.id(Simulation.SOURCE), targets.id(Simulation.TARGET), fresh, dead, nothing, 1, 0);
        for (current = 0; current < worlds.size() && wrong == null; current++) {
            expand(worlds.at(current));
        }
        return new Result(worlds.size(), transitions, ends, wrong == null ? null : trace());
    }

    // ---- worlds ----

    private void add(int source, int target, int one, int other, int air, int count, int name) {
        transitions++;
        int low = Math.min(one, other); // which daemon is which makes no difference
        long sides = (long) source << 12 | target;
        long world = ((sides << 14 | low) << 14 | one + other - low) << 13 | air << 2 | count;
        if (worlds.add(world, current, name) && wrong == null) {
            String broken = Simulation.broken(sources.at(source), targets.at(target));
            if (broken != null) {
                wrong = broken;
            }
        }
    }

    private void expand(long world) {
        int count = (int) world & 3;
        int air = (int) (world >>> 2) & 2047;
        int two = (int) (world >>> 13) & 16383;
        int one = (int) (world >>> 27) & 16383;
        int t = (int) (world >>> 41) & 4095;
        int s = (int) (world >>> 53);
        Source source = sources.at(s);
        Target target = targets.at(t);
        if (Simulation.takesWrites(source) && source.writes() < bounds.writes) {
            add(sources.id(Simulation.written(source)), t, one, two, air, count, writesSource);
        }
        if (Simulation.takesWrites(target) && target.writes() < bounds.writes) {
            add(s, targets.id(Simulation.written(target)), one, two, air, count, writesTarget);
        }
        if (air != nothing) {
            for (int after : lates.get((long) t << 20 | air, () -> late(target, airs.at(air)))) {
                add(s, after, one, two, nothing, count, after == t ? lost : late);
            }
        }
        act(s, t, one, two, air, count);
        if (two != one) {
            act(s, t, two, one, air, count);
        }
        if (count < bounds.daemons && (one == dead || two == dead)) {
            add(s, t, one == dead ? two : one, fresh, air, count + 1, starts);
        }
    }

    private void act(int s, int t, int who, int other, int air, int count) {
        if (who == dead) {
            return;
        }
        int[] known = moves.get((long) s << 40 | (long) t << 20 | who, () -> moves(s, t, who));
        for (int i = 0; i < known.length; i += 5) {
            int sent = known[i + 3];
            if (sent == 0) {
                add(known[i], known[i + 1], known[i + 2], other, air, count, known[i + 4]);
            } else if (air == nothing) {
                add(known[i], known[i + 1], known[i + 2], other, sent, count, known[i + 4]);
            }
        }
        add(s, t, dead, other, air, count, dies);
    }

    /** The targets that can come of what is under way. */
    private int[] late(Target target, Transaction transaction) {
        int same = targets.id(target);
        try {
            Target after = sides.execute(transaction, target);
            return after == null || after.equals(target) ? new int[] {same} : new int[] {same, targets.id(after)};
        } catch (BeyondBounds e) {
            return new int[] {same};
        }
    }

    // ---- what a daemon can do ----

    /** Each in five numbers: source, target, daemon, what is under way (0: nothing more than before), name. */
    private int[] moves(int s, int t, int who) {
        Daemon daemon = daemons.at(who);
        List<Integer> found = new ArrayList<>();
        Set<Step> steps = EnumSet.noneOf(Step.class);
        for (Wish wish : Wish.values()) {
            Protocol.next(daemon.state, wish).ifPresent(steps::add);
        }
        for (Step step : steps) {
            for (Fate fate : Fate.values()) {
                if (mayMeet(step, fate)) {
                    attempt(s, t, daemon, fate, step.label(), found, () -> move(sides, protocol, daemon.state, step));
                }
            }
        }
        Place place = daemon.state.place();
        if (place == Place.REPLICATING || place == Place.BEGUN) {
            Position head = new Position(sources.at(s).writes(), 0);
            for (Fate fate : List.of(Fate.ANSWERED, Fate.LOST_BEFORE, Fate.LOST_AFTER, Fate.UNDER_WAY)) {
                if (daemon.seen < head.seq()) {
                    attempt(s, t, daemon, fate, "replicates", found, () -> follow(daemon.state, head));
                }
            }
        }
        if (place != Place.START && place != Place.STARTED) {
            attempt(s, t, daemon, Fate.ANSWERED, "reverse-applies", found, () -> {
                sides.receive(daemon.state.generation());
                return daemon.state;
            });
        }
        String broken = bounds.ends ? end(sources.at(s), targets.at(t), daemon) : null;
        if (broken != null && wrong == null) {
            wrong = broken;
        }
        return found.stream().mapToInt(i -> i).toArray();
    }

    private State move(Simulation at, Protocol by, State state, Step step) {
        if (step == Step.TAKE_SOURCE && bounds.targetFirst && state.generation() == 0) {
            try {
                return at.takeNextGeneration() ? State.known(Place.START, at.target.generation()) : state;
            } catch (AnswerLost e) {
                return state;
            }
        }
        return by.take(state, step).to();
    }

    private State follow(State state, Position head) {
        try {
            return sides.target().drain(state.generation(), head) == TargetSide.Drained.REFUSED
                    ? State.unknown(state.generation()) : state;
        } catch (AnswerLost e) {
            return State.unknown(state.generation());
        }
    }

    private boolean mayMeet(Step step, Fate fate) {
        boolean inSource = switch (step) {
            case TAKE_SOURCE -> !bounds.targetFirst;
            case LOOK, REFENCE, FENCE_SOURCE, NOTE_FLIP, RECALL, SET_SOURCE_SEQUENCES, LIFT, DRAIN_REVERSE -> true;
            default -> false;
        };
        return switch (fate) {
            case ANSWERED, LOST_BEFORE, LOST_AFTER -> true;
            case UNDER_WAY -> !inSource && step != Step.ASK;
            case SCHEMA_CHANGED -> step == Step.NOTE_FLIP;
        };
    }

    private interface Act {
        State take();
    }

    private void attempt(int s, int t, Daemon daemon, Fate fate, String name, List<Integer> found, Act act) {
        sides.source = sources.at(s);
        sides.target = targets.at(t);
        sides.seen = daemon.seen;
        sides.fate = fate;
        sides.air = null;
        State after;
        try {
            after = act.take();
        } catch (BeyondBounds e) {
            return;
        }
        Daemon next = after.place() == Place.OUTDATED ? DEAD : new Daemon(after, remembered(after, sides.seen));
        int air = sides.air == null ? 0 : airs.id(sides.air);
        int from = sources.id(sides.source);
        int to = targets.id(sides.target);
        if (air != 0 || from != s || to != t || !next.equals(daemon)) {
            found.addAll(List.of(from, to, daemons.id(next), air, names.id(
                    "generation " + daemon.state.generation() + " " + name
                            + (fate == Fate.ANSWERED ? "" : " (" + fate + ")"))));
        }
    }

    /** A side forgets the watermark where it is of no use: fewer worlds. It asks when it needs it. */
    private static int remembered(State state, int seen) {
        return switch (state.place()) {
            case REPLICATING, BEGUN, FENCED -> seen;
            default -> Simulation.NOTHING;
        };
    }

    // ---- does it end? ----

    /**
     * If from here on nothing fails and this daemon (or one that is started now) is alone, every wish comes to its
     * end.
     */
    private String end(Source source, Target target, Daemon daemon) {
        long generation = daemon.state.generation();
        // a daemon that is outdated need not have noticed, and has no say
        boolean outdated = source.generation() > generation || target.generation() > generation;
        for (Daemon alone : outdated ? List.of(FRESH) : List.of(daemon, FRESH)) {
            for (Wish wish : Wish.values()) {
                unbounded.targetGone = false;
                State state = walk(source, target, alone, wish);
                boolean writable = !unbounded.source.fenced() || !unbounded.target.fenced();
                boolean right = switch (wish) {
                    case CUT_OVER -> !unbounded.target.fenced();
                    case ROLL_BACK -> !unbounded.source.fenced();
                    case SETTLE -> state.place().isSettled();
                };
                String broken = Simulation.broken(unbounded.source, unbounded.target);
                if (!writable || !right || broken != null) {
                    return "no end: " + alone + " wishes " + wish + " and comes to " + state.place() + " with "
                            + unbounded.source + " " + unbounded.target + (broken == null ? "" : ": " + broken);
                }
            }
            // PostgreSQL is gone: a fence that is marked is lifted all the same, any other stays
            if (bounds.targetFirst && alone.state.place() == Place.START) {
                continue; // can't start
            }
            unbounded.targetGone = true;
            State state = walk(source, target, alone, Wish.SETTLE);
            boolean decided = alone.state.place() == Place.DECIDED;
            if (source.fenced() && unbounded.source.fenced() == (source.recallable() || decided)) {
                return "PostgreSQL is gone: " + alone + " comes to " + state.place() + " with " + unbounded.source;
            }
        }
        return null;
    }

    private State walk(Source source, Target target, Daemon daemon, Wish wish) {
        ends++;
        unbounded.source = source;
        unbounded.target = target;
        unbounded.seen = daemon.seen;
        State state = daemon.state;
        for (int i = 0; i < STEPS_MAX; i++) {
            Optional<Step> step = Protocol.next(state, wish);
            if (step.isEmpty()) {
                return state;
            }
            if (step.get() == Step.DRAIN_REVERSE && !unbounded.targetGone) {
                unbounded.receive(state.generation());
            }
            state = move(unbounded, endless, state, step.get());
        }
        return state;
    }

    // ---- how it came to this ----

    private List<String> trace() {
        List<String> trace = new ArrayList<>();
        int from = current - 1;
        int at = wrong.startsWith("no end") || wrong.startsWith("PostgreSQL is gone") ? from : worlds.firstBroken();
        for (; at > 0; at = worlds.parent(at)) {
            trace.add(names.at(worlds.name(at)));
        }
        Collections.reverse(trace);
        trace.add("BROKEN: " + wrong);
        return trace;
    }

    /** Small numbers for values. */
    private static final class Interned<T> {
        private final int max;
        private final Map<T, Integer> ids = new HashMap<>();
        private final List<T> values = new ArrayList<>();

        Interned(int bits) {
            max = 1 << bits;
            values.add(null); // 0 is no value
        }

        int id(T value) {
            Integer id = ids.get(value);
            if (id == null) {
                id = values.size();
                if (id == max) {
                    throw new IllegalStateException("more than " + max + " values like " + value);
                }
                ids.put(value, id);
                values.add(value);
            }
            return id;
        }

        T at(int id) {
            return values.get(id);
        }
    }

    /** What was found out once, by number. */
    private static final class Memory {
        private long[] keys = new long[1 << 16];
        private int[][] values = new int[1 << 16][];
        private int size;

        int[] get(long key, Supplier<int[]> find) {
            int at = slot(key);
            if (values[at] != null) {
                return values[at];
            }
            int[] found = find.get();
            if (++size * 2 > keys.length) {
                long[] oldKeys = keys;
                int[][] oldValues = values;
                keys = new long[oldKeys.length * 2];
                values = new int[oldKeys.length * 2][];
                for (int i = 0; i < oldKeys.length; i++) {
                    if (oldValues[i] != null) {
                        int to = slot(oldKeys[i]);
                        keys[to] = oldKeys[i];
                        values[to] = oldValues[i];
                    }
                }
                at = slot(key);
            }
            keys[at] = key;
            values[at] = found;
            return found;
        }

        private int slot(long key) {
            int mask = keys.length - 1;
            int at = mixed(key) & mask;
            while (values[at] != null && keys[at] != key) {
                at = at + 1 & mask;
            }
            return at;
        }
    }

    private static int mixed(long key) {
        return (int) (key * 0x9E3779B97F4A7C15L >>> 32);
    }

    /**
     * The worlds that were met, in order, each with the one it came from. In blocks, so that growing copies nothing.
     */
    private final class Worlds {
        private static final int BLOCK = 1 << 18;

        private final List<long[]> worlds = new ArrayList<>();
        private final List<int[]> parents = new ArrayList<>();
        private final List<short[]> came = new ArrayList<>();
        private int[] table = new int[1 << 17]; // of indices, 1 the first
        private int size;

        boolean add(long world, int parent, int name) {
            int at = slot(world);
            if (table[at] != 0) {
                return false;
            }
            if (size % BLOCK == 0) {
                worlds.add(new long[BLOCK]);
                parents.add(new int[BLOCK]);
                came.add(new short[BLOCK]);
            }
            worlds.get(size / BLOCK)[size % BLOCK] = world;
            parents.get(size / BLOCK)[size % BLOCK] = parent;
            came.get(size / BLOCK)[size % BLOCK] = (short) name;
            table[at] = ++size;
            if (size > table.length / 4 * 3) {
                table = new int[table.length * 2];
                for (int i = 0; i < size; i++) {
                    table[slot(at(i))] = i + 1;
                }
            }
            return true;
        }

        private int slot(long world) {
            int mask = table.length - 1;
            int at = mixed(world) & mask;
            while (table[at] != 0 && at(table[at] - 1) != world) {
                at = at + 1 & mask;
            }
            return at;
        }

        int size() {
            return size;
        }

        long at(int index) {
            return worlds.get(index / BLOCK)[index % BLOCK];
        }

        int parent(int index) {
            return parents.get(index / BLOCK)[index % BLOCK];
        }

        int name(int index) {
            return came.get(index / BLOCK)[index % BLOCK];
        }

        int firstBroken() {
            for (int i = 0; i < size; i++) {
                long world = at(i);
                Target target = targets.at((int) (world >>> 41) & 4095);
                if (Simulation.broken(sources.at((int) (world >>> 53)), target) != null) {
                    return i;
                }
            }
            throw new IllegalStateException("no world is broken");
        }
    }
}
