package dev.sluice.translate;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which name a SQLite name gets in PostgreSQL, so that the application's queries still find it. Names are given out
 * once per scope (relations of the schema, columns of a table, constraints of a table); a name that had to change
 * further than PostgreSQL itself would change it is reported. Not thread-safe.
 */
public final class Identifiers {

    /** How names are carried over. */
    public enum Policy {
        /**
         * The name to which PostgreSQL resolves the application's spelling: a name that can be written without quotes
         * is folded to lower case (ASCII only, as PostgreSQL does in UTF-8), one that must be quoted keeps its
         * spelling.
         */
        FOLD,
        /** The exact spelling; queries must quote every name that is not lower case. */
        PRESERVE
    }

    /**
     * A name that changed beyond folding and cutting.
     *
     * @param scope for example {@code relation} or {@code column of "orders"}
     * @param reason one sentence
     */
    public record Rename(String scope, String sourceName, String targetName, String reason) {}

    /** NAMEDATALEN - 1: PostgreSQL cuts longer names, in queries as well. */
    static final int BYTES_MAX = 63;

    private static final Set<String> SYSTEM_COLUMNS = Set.of("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid");

    /**
     * Words that are no column or table name without quotes: reserved words, and those reserved but for functions and
     * types (PostgreSQL 13 to 18, appendix C of its manual).
     */
    private static final Set<String> RESERVED = Set.of((
            "all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate "
            + "collation column concurrently constraint create cross current_catalog current_date current_role "
            + "current_schema current_time current_timestamp current_user default deferrable desc distinct do else end "
            + "except false fetch for foreign freeze from full grant group having ilike in initially inner intersect "
            + "into is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null "
            + "offset on only or order outer overlaps placing primary references returning right select session_user "
            + "similar some symmetric system_user table tablesample then to trailing true union unique user using "
            + "variadic verbose when where window with").split(" "));

    private final Policy policy;
    private final Map<String, Scope> scopes = new HashMap<>();
    private final List<Rename> renames = new ArrayList<>();

    public Identifiers(Policy policy) {
        this.policy = policy;
    }

    /** The name in double quotes, as it can stand anywhere in PostgreSQL's SQL. */
    public static String quote(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    /** The target's name for a source name, before any collision is looked at. */
    public String targetName(String sourceName) {
        return cut(policy == Policy.FOLD && canStandUnquoted(sourceName) ? foldAscii(sourceName) : sourceName,
                BYTES_MAX);
    }

    /** Tables, views, indexes and sequences: one namespace in a PostgreSQL schema. */
    public Scope relations() {
        return scopes.computeIfAbsent("relation", name -> new Scope(name, Set.of()));
    }

    /** The columns of a table or view. */
    public Scope columns(String table) {
        return scopes.computeIfAbsent("column of " + quote(table), name -> new Scope(name, SYSTEM_COLUMNS));
    }

    /** The constraints of a table; a key's constraint also needs a free name among {@link #relations}. */
    public Scope constraints(String table) {
        return scopes.computeIfAbsent("constraint of " + quote(table), name -> new Scope(name, Set.of()));
    }

    /** Every name that had to change further than folding and cutting, in the order in which they were claimed. */
    public List<Rename> renames() {
        return List.copyOf(renames);
    }

    /** Names that must differ from each other. */
    public final class Scope {

        private final String what;
        private final Set<String> forbidden;
        private final Set<String> taken = new HashSet<>();
        private final Map<String, String> targetNames = new HashMap<>();

        private Scope(String what, Set<String> forbidden) {
            this.what = what;
            this.forbidden = forbidden;
        }

        /** The target name of a source name, always the same for the same source name (ASCII case does not count). */
        public String claim(String sourceName) {
            String known = targetNames.get(foldAscii(sourceName));
            if (known != null) {
                return known;
            }
            String wanted = sourceName.isEmpty() ? "unnamed" : targetName(sourceName);
            String name = wanted;
            for (int n = 2; forbidden.contains(name) || taken.contains(name); n++) {
                name = shortened(wanted, "_" + n);
            }
            if (sourceName.isEmpty()) {
                renames.add(new Rename(what, "\"\"", name, "PostgreSQL has no empty names"));
            } else if (!name.equals(wanted)) {
                renames.add(new Rename(what, sourceName, name, forbidden.contains(wanted)
                        ? quote(wanted) + " is a system column of every PostgreSQL table"
                        : quote(wanted) + " is taken already, as PostgreSQL keeps 63 bytes of a name"));
            }
            taken.add(name);
            targetNames.put(foldAscii(sourceName), name);
            return name;
        }

        /** Claims all, names that fit into 63 bytes first: what can keep its name does. Keeps the given order. */
        public Map<String, String> claimAll(Collection<String> sourceNames) {
            for (String name : sourceNames) {
                if (utf8Length(name) <= BYTES_MAX && !forbidden.contains(targetName(name))) {
                    claim(name);
                }
            }
            Map<String, String> claimed = new LinkedHashMap<>();
            for (String name : sourceNames) {
                claimed.put(name, claim(name));
            }
            return claimed;
        }

        /** Makes a name of our own (a sequence, a key column) that collides with nothing; not reported. */
        public String invent(String wantedName) {
            String name = cut(wantedName, BYTES_MAX);
            for (int n = 2; forbidden.contains(name) || taken.contains(name); n++) {
                name = shortened(wantedName, "_" + n);
            }
            taken.add(name);
            return name;
        }
    }

    /** True if PostgreSQL takes the bare word for a column or table name. */
    static boolean canStandUnquoted(String name) {
        if (name.isEmpty() || RESERVED.contains(foldAscii(name))) {
            return false;
        }
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            boolean letter = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80;
            boolean later = c >= '0' && c <= '9' || c == '$';
            if (!letter && !(later && i > 0)) {
                return false;
            }
        }
        return true;
    }

    /** Lower case for A to Z only, as SQLite and PostgreSQL fold names. */
    static String foldAscii(String text) {
        StringBuilder folded = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            folded.append(c >= 'A' && c <= 'Z' ? (char) (c + 32) : c);
        }
        return folded.toString();
    }

    /** A name with a suffix, cut so that both fit. */
    static String shortened(String name, String suffix) {
        return cut(name, BYTES_MAX - suffix.length()) + suffix;
    }

    private static int utf8Length(String name) {
        return name.getBytes(StandardCharsets.UTF_8).length;
    }

    /** At most so many bytes of UTF-8, never half a character. */
    private static String cut(String name, int bytesMax) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (bytes.length <= bytesMax) {
            return name;
        }
        int end = bytesMax;
        while ((bytes[end] & 0xC0) == 0x80) {
            end--;
        }
        return new String(bytes, 0, end, StandardCharsets.UTF_8);
    }
}
