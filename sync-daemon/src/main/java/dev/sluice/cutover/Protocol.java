package dev.sluice.cutover;

import dev.sluice.change.Position;
import java.util.Optional;

/**
 * Cutover and rollback, one step at a time. Which step comes next is a function of where the daemon is and what is
 * wished; a step is at most one transaction on one side. There is no clock, no memory and no thread in it: a daemon
 * that was killed anywhere goes on from {@link State#start}. Why there are never two writers: docs/design/cutover.md;
 * the same code is walked through every interleaving by {@code CutoverModelTest}. Thread rule: one thread.
 */
public class Protocol {

    private final SourceSide source;
    private final TargetSide target;
    private final ReverseSide reverse;

    public Protocol(SourceSide source, TargetSide target, ReverseSide reverse) {
        this.source = source;
        this.target = target;
        this.reverse = reverse;
    }

    /** The step that comes next; empty where the wish is fulfilled, or nothing is left to be settled. */
    public static Optional<Step> next(State state, Wish wish) {
        return Optional.ofNullable(switch (state.place()) {
            case START -> Step.TAKE_SOURCE;
            case STARTED -> Step.TAKE_TARGET;
            case UNKNOWN -> Step.LOOK;
            // the mark stands, so no flip was sent: an attempt that is not wanted ends here, PostgreSQL may be gone
            case LOOKED -> state.recallable() && wish != Wish.CUT_OVER ? Step.RECALL : Step.ASK;
            case REPLICATING -> wish == Wish.CUT_OVER ? Step.BEGIN : null;
            case BEGUN -> wish == Wish.CUT_OVER ? Step.FENCE_SOURCE : null;
            case FENCED -> wish == Wish.CUT_OVER ? Step.DRAIN : back(state);
            case DRAINED -> wish == Wish.CUT_OVER ? Step.SET_TARGET_SEQUENCES : back(state);
            case NUMBERED -> wish == Wish.CUT_OVER ? Step.NOTE_FLIP : back(state);
            case NOTED -> wish == Wish.CUT_OVER ? Step.FLIP : back(state);
            case SPOILED -> back(state);
            case RECALLED -> wish == Wish.CUT_OVER ? Step.LOOK : null;
            // an unanswered fence could come while nobody looks any more, and stop all writes
            case FOUND_SWITCHED -> wish == Wish.ROLL_BACK ? Step.FENCE_TARGET : Step.CONFIRM;
            case SWITCHED -> wish == Wish.ROLL_BACK ? Step.FENCE_TARGET : null;
            case TURNING -> wish == Wish.ROLL_BACK ? Step.DRAIN_REVERSE : Step.UNFENCE;
            case RETURNED -> wish == Wish.ROLL_BACK ? Step.SET_SOURCE_SEQUENCES : Step.UNFENCE;
            case RENUMBERED -> wish == Wish.ROLL_BACK ? Step.DECIDE : Step.UNFENCE;
            case DECIDED -> Step.LIFT;
            case EXPOSED -> Step.REFENCE;
            case OUTDATED -> null;
        });
    }

    private static Step back(State state) {
        return state.recallable() ? Step.RECALL : Step.GIVE_UP;
    }

    /** Takes the step that {@link #next} names. */
    public Move take(State state, Step step) {
        try {
            return done(state, step);
        } catch (AnswerLost e) {
            return new Move(step, Move.Answer.LOST, unanswered(state, step), e.getMessage());
        }
    }

    /** Where a lost answer leads: to looking and asking, unless the step changes nothing or can as well be repeated. */
    private static State unanswered(State state, Step step) {
        return switch (step) {
            case TAKE_SOURCE, LOOK, DRAIN_REVERSE, SET_SOURCE_SEQUENCES -> state;
            case LIFT -> state; // decided is decided, also when PostgreSQL can't be asked any more
            default -> State.unknown(state.generation());
        };
    }

    private Move done(State state, Step step) throws AnswerLost {
        long generation = state.generation();
        long epoch = state.epoch();
        return switch (step) {
            case TAKE_SOURCE -> Move.yes(step, State.known(Place.STARTED, source.takeGeneration(generation)));
            case TAKE_TARGET -> target.takeGeneration(generation)
                    ? Move.yes(step, State.unknown(generation)) : outdated(state, step);
            case LOOK -> look(state);
            case ASK -> ask(state);
            case REFENCE -> source.fence(generation, epoch, false).isPresent()
                    ? Move.yes(step, State.unknown(generation)) : refused(state, step);
            case BEGIN -> change(state, step, Place.BEGUN, epoch);
            case FENCE_SOURCE -> {
                Optional<Position> head = source.fence(generation, epoch + 1, true);
                yield head.isPresent() ? Move.yes(step, state.fenced(true, head.get())) : refused(state, step);
            }
            case DRAIN -> switch (target.drain(generation, state.head())) {
                case DONE -> Move.yes(step, state.further(Place.DRAINED));
                case MORE -> Move.yes(step, state);
                case REFUSED -> refused(state, step);
            };
            case SET_TARGET_SEQUENCES -> target.setSequences(state.claim(epoch))
                    ? Move.yes(step, state.further(Place.NUMBERED)) : refused(state, step);
            case NOTE_FLIP -> switch (source.noteFlip(generation)) {
                case DONE -> Move.yes(step, state.noted());
                case SCHEMA_CHANGED -> Move.no(step, state.further(Place.SPOILED),
                        "the schema of the source was changed: let that be replicated, then cut over again");
                case OUTDATED -> refused(state, step);
            };
            case FLIP -> change(state, step, Place.SWITCHED, epoch + 1);
            case RECALL -> source.recall(generation)
                    ? Move.yes(step, State.known(Place.RECALLED, generation)) : refused(state, step);
            case GIVE_UP -> change(state, step, Place.DECIDED, epoch);
            case FENCE_TARGET -> change(state, step, Place.TURNING, epoch + 1);
            case DRAIN_REVERSE -> reverse.drainedTo(epoch) ? Move.yes(step, state.further(Place.RETURNED))
                    : new Move(step, Move.Answer.NOT_YET, state, "");
            case SET_SOURCE_SEQUENCES -> source.setSequences(generation)
                    ? Move.yes(step, state.further(Place.RENUMBERED)) : refused(state, step);
            case DECIDE -> change(state, step, Place.DECIDED, epoch);
            case CONFIRM -> change(state, step, Place.SWITCHED, epoch);
            case UNFENCE -> change(state, step, Place.SWITCHED, epoch);
            case LIFT -> source.lift(generation, epoch)
                    ? Move.yes(step, state.further(Place.REPLICATING)) : refused(state, step);
        };
    }

    private Move look(State state) throws AnswerLost {
        SourceLook look = source.look();
        if (look.generation() > state.generation()) {
            return outdated(state, Step.LOOK);
        }
        if (look.generation() < state.generation()) { // the file is an older one than that in which we took it
            return Move.no(Step.LOOK, State.known(Place.START, state.generation()),
                    "SQLite does not know our generation any more");
        }
        return Move.yes(Step.LOOK, state.looked(look));
    }

    private Move ask(State state) throws AnswerLost {
        Register register = target.ask();
        if (register.generation() > state.generation()) {
            return outdated(state, Step.ASK);
        }
        if (register.generation() < state.generation()) {
            return Move.no(Step.ASK, State.known(Place.STARTED, state.generation()),
                    "PostgreSQL does not know our generation");
        }
        return Move.yes(Step.ASK, state.asked(register));
    }

    /** A change of the register, compare-and-set on its version. */
    private Move change(State state, Step step, Place next, long epochAfter) throws AnswerLost {
        Claim claim = state.claim(epochAfter);
        boolean changed = switch (step) {
            case BEGIN -> target.begin(claim);
            case FLIP -> target.flip(claim);
            case GIVE_UP, CONFIRM -> target.supersede(claim);
            case FENCE_TARGET -> target.fence(claim);
            case DECIDE -> target.settle(claim);
            case UNFENCE -> target.unfence(claim);
            default -> throw new IllegalArgumentException(step + " does not change the register");
        };
        return changed ? Move.yes(step, state.changed(next, claim)) : refused(state, step);
    }

    private static Move refused(State state, Step step) {
        return Move.no(step, State.unknown(state.generation()),
                "things are not as they were when this daemon last asked");
    }

    private static Move outdated(State state, Step step) {
        return Move.no(step, State.known(Place.OUTDATED, state.generation()),
                "a newer daemon has taken over from generation " + state.generation());
    }
}
