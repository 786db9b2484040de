package dev.sluice.api;

import java.util.Locale;

/** What an operator may do about who takes the writes. */
public enum SwitchAct {
    CUTOVER,
    ROLLBACK,
    COMPLETE,
    REPAIR;

    /** As in the command and in the API's path. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
