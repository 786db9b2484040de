package dev.sluice.migration;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The gates of one cutover as they are looked at, one after the other. Used by one thread. */
final class Gates {

    private final Set<Gate> forced;
    private final List<Gate.Look> looks = new ArrayList<>();

    Gates(Set<Gate> forced) {
        this.forced = forced;
    }

    /** @param says what was found; what to do where it is closed */
    void look(Gate gate, boolean open, String says) {
        looks.add(new Gate.Look(gate, open, !open && forced.contains(gate), says));
    }

    List<Gate.Look> looks() {
        return List.copyOf(looks);
    }
}
