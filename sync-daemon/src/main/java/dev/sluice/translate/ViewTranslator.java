package dev.sluice.translate;

import dev.sluice.schema.Affinity;
import dev.sluice.schema.SourceObject;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Translates views. A view's columns get the names that SQLite gives them, by the identifier policy; a view may read
 * other views, in whatever order they were created. Not thread-safe.
 */
public final class ViewTranslator {

    private final Catalog tables;
    private final Identifiers identifiers;
    private final Map<String, SourceObject> sources = new HashMap<>();
    private final Map<String, View> done = new HashMap<>();
    private final Map<String, List<Queries.Output>> outputs = new HashMap<>();
    private final List<View> ordered = new ArrayList<>();
    private final Set<String> underWay = new HashSet<>();

    /** @param identifiers the schema's: every view claims its name among the relations, every column its own */
    public ViewTranslator(Catalog tables, Identifiers identifiers) {
        this.tables = tables;
        this.identifiers = identifiers;
    }

    /**
     * A view of the source and what became of it.
     *
     * @param targetName its name in PostgreSQL, unquoted
     * @param translation the text behind {@code CREATE VIEW name AS}
     * @param columns what it shows, empty if it was refused
     */
    public record View(SourceObject source, String targetName, Translation translation,
            List<Catalog.NamedColumn> columns) {}

    /** Translates all views; in the answer a view stands behind every view that it reads. */
    public List<View> translate(List<SourceObject> views) {
        for (SourceObject view : views) {
            sources.put(Identifiers.foldAscii(view.name()), view);
        }
        for (SourceObject view : views) {
            view(view);
        }
        return List.copyOf(ordered);
    }

    private View view(SourceObject source) {
        String key = Identifiers.foldAscii(source.name());
        View known = done.get(key);
        if (known != null) {
            return known;
        }
        if (!underWay.add(key)) {
            throw new Untranslatable("it reads itself through other views");
        }
        String targetName = identifiers.relations().claim(source.name());
        View view;
        try {
            view = translated(source, targetName);
        } catch (Untranslatable e) {
            view = new View(source, targetName, new Translation.Refused(e.getMessage()), List.of());
        }
        underWay.remove(key);
        done.put(key, view);
        ordered.add(view);
        return view;
    }

    private View translated(SourceObject source, String targetName) {
        Parser.View parsed = Parser.view(source.sql());
        Queries queries = new Queries(new Relations(), identifiers);
        Queries.Rendered rendered = queries.render(parsed.query(), parsed.columns());
        outputs.put(Identifiers.foldAscii(source.name()), rendered.outputs());
        List<Catalog.NamedColumn> columns = new ArrayList<>();
        for (Queries.Output output : rendered.outputs()) {
            Term term = output.term();
            columns.add(new Catalog.NamedColumn(output.sourceName(),
                    new Columns.Column(output.targetName(), term.kind(),
                    term.affinity() == null ? Affinity.BLOB : term.affinity(),
                    term.collation() == null ? "BINARY" : term.collation(), term.form())));
        }
        return new View(source, targetName,
                new Translation.Sql(rendered.sql(), PgKind.OTHER, List.copyOf(queries.notes)), columns);
    }

    private final class Relations implements Queries.Relations {

        @Override
        public Catalog.Relation table(String name) {
            return tables.find(name);
        }

        @Override
        public Queries.View view(String name) {
            SourceObject source = sources.get(Identifiers.foldAscii(name));
            if (source == null) {
                return null;
            }
            View view = ViewTranslator.this.view(source);
            if (view.translation() instanceof Translation.Refused) {
                throw new Untranslatable("it reads the view " + source.name() + ", which could not be translated");
            }
            return new Queries.View(view.targetName(), outputs.get(Identifiers.foldAscii(name)));
        }
    }
}
