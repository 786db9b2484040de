package dev.sluice.conflict;

import dev.sluice.change.Value;
import java.util.List;

/** What is known of the last version of a row that both sides had. Implementations remember hashes, not values. */
public interface Baseline {

    /** Nothing is known: no disagreement can be told from a plain change. */
    Baseline UNKNOWN = new Baseline() {
        @Override
        public Same row(List<Value> version) {
            return Same.UNKNOWN;
        }

        @Override
        public Same column(int column, Value value) {
            return Same.UNKNOWN;
        }
    };

    /** Neither side had the row; for a merge that is as if all its columns had been NULL. */
    Baseline ABSENT = new Baseline() {
        @Override
        public Same row(List<Value> version) {
            return version == null ? Same.YES : Same.NO;
        }

        @Override
        public Same column(int column, Value value) {
            return Same.of(value.isNull());
        }
    };

    /** An answer that may be missing. */
    enum Same {
        YES,
        NO,
        UNKNOWN;

        public static Same of(boolean same) {
            return same ? YES : NO;
        }
    }

    /** Whether {@code version} is the one that both had; null is a row that is not there. */
    Same row(List<Value> version);

    /** Whether {@code value} is what both had in the column; unknown where only whole rows are remembered. */
    Same column(int column, Value value);

    /** A baseline of which the values themselves are at hand. */
    static Baseline of(List<Value> values) {
        return new Baseline() {
            @Override
            public Same row(List<Value> version) {
                return Same.of(values.equals(version));
            }

            @Override
            public Same column(int column, Value value) {
                return Same.of(values.get(column).equals(value));
            }
        };
    }
}
