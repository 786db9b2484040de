package dev.sluice.apply;

import dev.sluice.change.RowKey;
import dev.sluice.change.Value;
import dev.sluice.mapping.Codec;
import dev.sluice.translate.Identifiers;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.StringJoiner;

/** Finds rows of the target by their keys, in whatever spelling it has them: a join with the keys as arrays of text. */
public final class KeyJoin {

    private final List<Part> parts;

    /** One column of the key. */
    public record Part(String target, Codec codec) {}

    public KeyJoin(List<Part> parts) {
        this.parts = List.copyOf(parts);
    }

    /** What follows FROM: {@code table} as {@code t}, joined with one array parameter for each part of the key. */
    public String from(String table) {
        StringJoiner arrays = new StringJoiner(", ");
        StringJoiner names = new StringJoiner(", ");
        StringJoiner where = new StringJoiner(" AND ");
        for (int i = 0; i < parts.size(); i++) {
            String type = parts.get(i).codec.castType();
            arrays.add("?::text[]");
            names.add("c" + i);
            where.add("t." + Identifiers.quote(parts.get(i).target) + " = u.c" + i + (type.equals("text") ? "" : "::" + type));
        }
        return "unnest(" + arrays + ") AS u (" + names + ") JOIN " + table + " t ON " + where;
    }

    /** Every spelling of the keys; keys that the target's types can't hold have none. */
    public List<List<Value>> spellings(Collection<RowKey> keys) {
        List<Codec> codecs = parts.stream().map(Part::codec).toList();
        return keys.stream().flatMap(key -> KeySpellings.of(key, codecs).stream()).toList();
    }

    /** Sets the parameters, which are the statement's first. */
    public void bind(PreparedStatement query, List<List<Value>> spellings) throws SQLException {
        for (int i = 0; i < parts.size(); i++) {
            int part = i;
            Codec codec = parts.get(i).codec;
            query.setArray(i + 1, query.getConnection().createArrayOf("text",
                    spellings.stream().map(key -> codec.text(key.get(part))).toArray(String[]::new)));
        }
    }
}
