package dev.sluice.cutover;

import java.util.Set;

/** The protocol without some of its rules. */
final class LeftOut extends Protocol {

    private final Simulation sides;
    private final Set<Rule> rules;

    LeftOut(Simulation sides, Set<Rule> rules) {
        super(sides, sides.target(), sides);
        this.sides = sides;
        this.rules = rules;
    }

    @Override
    public Move take(State state, Step step) {
        if (step == Step.DRAIN && rules.contains(Rule.DRAIN_AFTER_FENCE)) {
            return Move.yes(step, state.further(Place.DRAINED));
        }
        if (step == Step.SET_TARGET_SEQUENCES && rules.contains(Rule.TARGET_SEQUENCES)) {
            return Move.yes(step, state.further(Place.NUMBERED));
        }
        if (step == Step.NOTE_FLIP && rules.contains(Rule.INTENT)) {
            return Move.yes(step, state.noted()); // the mark stays
        }
        if (step == Step.GIVE_UP && rules.contains(Rule.DECIDE_GIVING_UP)) {
            Move lifted = super.take(state, Step.LIFT);
            boolean lost = lifted.answer() == Move.Answer.LOST;
            return new Move(step, lifted.answer(), lost ? State.unknown(state.generation()) : lifted.to(), "");
        }
        if (step == Step.CONFIRM && rules.contains(Rule.CONFIRM)) {
            return Move.yes(step, new State(Place.SWITCHED, state.generation(), state.version(), state.epoch(), false,
                    false, null));
        }
        if (step == Step.DECIDE && rules.contains(Rule.DECIDE_ROLLBACK) && sides.source.fenced()) {
            Move lifted = super.take(state, Step.LIFT);
            return new Move(step, lifted.answer(), lifted.answer() == Move.Answer.YES ? state : lifted.to(), "");
        }
        if (step == Step.DRAIN_REVERSE && rules.contains(Rule.DRAIN_REVERSE)) {
            return Move.yes(step, state.further(Place.RETURNED));
        }
        if (step == Step.SET_SOURCE_SEQUENCES && rules.contains(Rule.SOURCE_SEQUENCES)) {
            return Move.yes(step, state.further(Place.RENUMBERED));
        }
        return super.take(state, step);
    }
}
