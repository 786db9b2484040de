package dev.sluice.census;

import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Codecs;
import dev.sluice.schema.RowIdentity;
import dev.sluice.schema.SourceColumn;
import dev.sluice.schema.SourceTable;
import java.util.List;

/** Says which codecs a column may get; asked once per column, by several threads. */
public interface CandidateSource {

    Candidates of(SourceTable table, SourceColumn column);

    /**
     * The codecs that one column may get.
     *
     * @param candidates best first
     * @param withoutValues what a column gets that holds no value
     */
    record Candidates(List<Codec> candidates, Codec withoutValues) {}

    /** The candidates where we create the tables ourselves. */
    static CandidateSource forNewTarget(Codecs.JsonChoice json) {
        return (table, column) -> {
            boolean key = isIntegerKey(table, column);
            return new Candidates(Codecs.forNew(column, key, json), Codecs.withoutEvidence(column, key, json));
        };
    }

    /** True for an INTEGER PRIMARY KEY, the one column of SQLite that holds nothing but integers. */
    static boolean isIntegerKey(SourceTable table, SourceColumn column) {
        RowIdentity identity = table.identity();
        return identity != null && identity.kind() == RowIdentity.Kind.INTEGER_KEY
                && identity.columns().get(0).equalsIgnoreCase(column.name());
    }
}
