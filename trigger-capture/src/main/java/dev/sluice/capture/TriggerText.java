package dev.sluice.capture;

import dev.sluice.schema.SqlToken;
import java.util.List;

/** What matters to us in the text of one of the application's triggers. */
record TriggerText(Timing timing, List<SqlToken> tokens) {

    /** When it fires; a trigger that does not say so is a BEFORE trigger. */
    enum Timing {
        BEFORE,
        AFTER,
        INSTEAD_OF
    }

    static TriggerText of(String sql) {
        List<SqlToken> tokens = SqlToken.tokens(sql);
        int at = 1; // CREATE
        if (tokens.get(at).is("TEMP") || tokens.get(at).is("TEMPORARY")) {
            at++;
        }
        at++; // TRIGGER
        if (tokens.get(at).is("IF") && tokens.get(at + 1).is("NOT")) {
            at += 3;
        }
        at++; // its name
        if (tokens.get(at).isOperator(".")) {
            at += 2;
        }
        Timing timing = tokens.get(at).is("AFTER") ? Timing.AFTER
                : tokens.get(at).is("INSTEAD") ? Timing.INSTEAD_OF : Timing.BEFORE;
        return new TriggerText(timing, tokens);
    }

    boolean raisesIgnore() {
        for (int i = 0; i + 2 < tokens.size(); i++) {
            if (tokens.get(i).is("RAISE") && tokens.get(i + 2).is("IGNORE")) {
                return true;
            }
        }
        return false;
    }

    boolean calls(String function) {
        for (int i = 0; i + 1 < tokens.size(); i++) {
            if (tokens.get(i).is(function) && tokens.get(i + 1).isOperator("(")) {
                return true;
            }
        }
        return false;
    }
}
