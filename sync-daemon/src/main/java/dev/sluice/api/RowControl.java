package dev.sluice.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * What a daemon lets its operator do with single rows, and with the audit log. Called on the API's threads, several at a time;
 * every call returns within a minute. What the operator must decide or mend is said by a {@link DaemonControl.Refused}.
 */
public interface RowControl {

    /** For who has no rows: keeps no audit, and knows of nothing. */
    RowControl NONE = new RowControl() {
        @Override
        public JsonNode look(What what, String id, boolean values) {
            throw new DaemonControl.Unknown("there are no rows here");
        }

        @Override
        public JsonNode act(Act act, String id, JsonNode order, String actor) {
            throw new DaemonControl.Unknown("there are no rows here");
        }

        @Override
        public JsonNode audit(long after, int max) {
            return JsonNodeFactory.instance.objectNode();
        }

        @Override
        public JsonNode verifyAudit() {
            return JsonNodeFactory.instance.objectNode();
        }

        @Override
        public void audited(String actor, String act, ObjectNode detail) {}
    };

    /** What can be looked at. */
    enum What { PARKED, CONFLICT }

    /** What can be done with one. */
    enum Act {
        /** A parked row is tried again. */
        RETRY,
        /** A parked row is brought over with other values: {@code columns} of the order, text or null by name. */
        EDIT,
        /** A parked row is forgotten; {@code reason} of the order says why. */
        DISCARD,
        /** One version of a conflict is taken: {@code take} of the order is {@code source} or {@code target}. */
        RESOLVE
    }

    /**
     * One row, or a list.
     *
     * @param id null for the list: of conflicts those that are open, unless {@code values} asks for all
     * @param values true to have a row's values
     */
    JsonNode look(What what, String id, boolean values);

    /** @param actor who asks, for the audit log */
    JsonNode act(Act act, String id, JsonNode order, String actor);

    /** Entries of the audit log behind {@code after}, oldest first, as {@code entries}. */
    JsonNode audit(long after, int max);

    /** Looks for what was done to the audit log; {@code whole} is true where nothing was found. */
    JsonNode verifyAudit();

    /** Writes down what is about to be done. */
    void audited(String actor, String act, ObjectNode detail);
}
