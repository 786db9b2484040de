package dev.sluice.cutover;

import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Drives the {@link Protocol} until a wish is fulfilled or given up. When time is up before the flip was sent, SQLite
 * takes writes again although PostgreSQL may be gone; when a flip was sent and its outcome can't be asked, the fence
 * stays and it is asked again for as long as patience lasts. Thread rule: one thread, that of the caller.
 */
public final class Switchover {

    private final Protocol protocol;
    private final Observer observer;
    private final LongSupplier nanos;

    /** @param nanos a clock that only moves forward, as {@link System#nanoTime} */
    public Switchover(Protocol protocol, Observer observer, LongSupplier nanos) {
        this.protocol = protocol;
        this.observer = observer;
        this.nanos = nanos;
    }

    /**
     * One attempt. A daemon that starts runs {@link Wish#SETTLE} first, and runs it again after every outcome
     * {@link Outcome.Kind#UNKNOWN} and after every exception that comes out of here.
     *
     * @param from {@link State#start}, {@link State#unknown}, or where the last one ended
     * @throws InterruptedException if the thread is asked to stop; things are left as they are
     */
    public Outcome run(State from, Wish wish, Patience patience) throws InterruptedException {
        return new Attempt(from, wish, patience).run();
    }

    private final class Attempt {

        private final Wish wished;
        private final Patience patience;
        private State state;
        private Wish wish;
        private String reason = "";
        private int failures;
        private boolean noWriter;
        private long noWriterSince;
        private Optional<Duration> pause = Optional.empty();

        Attempt(State from, Wish wish, Patience patience) {
            this.state = from;
            this.wished = wish;
            this.wish = wish;
            this.patience = patience;
        }

        Outcome run() throws InterruptedException {
            while (true) {
                patience.giveUp().ifPresent(this::takeBack);
                Optional<Step> next = Protocol.next(state, wish);
                if (next.isEmpty() || neverBegan()) {
                    return ended();
                }
                if (!mayTake(next.get())) {
                    continue;
                }
                Move move = take(next.get());
                if (move.answer() == Move.Answer.YES) {
                    failures = changesNothing(move.step()) ? failures : 0;
                } else if (move.answer() != Move.Answer.NOT_YET && state.place() != Place.OUTDATED) {
                    if (state.place() == Place.SPOILED) {
                        takeBack(move.reason());
                    } else if (!patience.again(++failures)) {
                        return new Outcome(Outcome.Kind.UNKNOWN, state, move.reason(), pause);
                    }
                }
            }
        }

        /**
         * A cutover that is given up while SQLite is seen without a fence: there is nothing that PostgreSQL need be
         * asked.
         */
        private boolean neverBegan() {
            return wished == Wish.CUT_OVER && wish == Wish.SETTLE && state.place() == Place.LOOKED && !state.fenced();
        }

        private void takeBack(String why) {
            if (wish != Wish.SETTLE) {
                wish = Wish.SETTLE;
                reason = why;
            }
        }

        /** False if the observer's veto changed what comes next. */
        private boolean mayTake(Step step) {
            try {
                observer.before(step, state.epoch());
                return true;
            } catch (Observer.Vetoed e) {
                takeBack(e.getMessage());
                return Protocol.next(state, wish).filter(step::equals).isPresent();
            }
        }

        private Move take(Step step) {
            long start = nanos.getAsLong();
            Move move = protocol.take(state, step);
            long end = nanos.getAsLong();
            state = move.to();
            boolean fences = step == Step.FENCE_SOURCE || step == Step.FENCE_TARGET;
            boolean lost = move.answer() == Move.Answer.LOST;
            if (fences && !noWriter && (lost || move.answer() == Move.Answer.YES)) {
                noWriter = true;
                noWriterSince = lost ? start : end;
            } else if (noWriter && (state.place().isSettled() || state.place() == Place.FOUND_SWITCHED)) {
                noWriter = false;
                pause = Optional.of(Duration.ofNanos(end - noWriterSince));
            }
            observer.after(move, Duration.ofNanos(end - start));
            return move;
        }

        private Outcome ended() {
            boolean fulfilled = switch (wished) {
                case CUT_OVER -> state.place() == Place.SWITCHED;
                case ROLL_BACK -> state.place() == Place.REPLICATING || state.place() == Place.RECALLED;
                case SETTLE -> state.place().isSettled();
            };
            if (state.place() == Place.OUTDATED) {
                return new Outcome(Outcome.Kind.OUTDATED, state, "a newer daemon has taken over", pause);
            }
            return fulfilled ? new Outcome(Outcome.Kind.DONE, state, "", pause)
                    : new Outcome(Outcome.Kind.GIVEN_UP, state, reason, pause);
        }
    }

    private static boolean changesNothing(Step step) {
        return step == Step.LOOK || step == Step.ASK;
    }
}
