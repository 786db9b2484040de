package dev.sluice.plan;

import dev.sluice.mapping.Codec;
import dev.sluice.mapping.Codecs;

/**
 * Where one stored column goes.
 *
 * @param source the source column's name
 * @param index its place among the stored columns of the source table, 0-based: its place in a row
 * @param target the target column's name, unquoted
 * @param codecId names the codec, see {@link Codecs#parse}
 * @param using an expression that the operator gave for the target's value, over {@code $1} as text; or null
 */
public record ColumnPlan(String source, int index, String target, String codecId, String using) {

    public Codec codec() {
        return Codecs.parse(codecId);
    }

    public ColumnPlan withCodec(Codec codec) {
        return new ColumnPlan(source, index, target, codec.id(), using);
    }
}
