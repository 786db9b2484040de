package dev.sluice.store;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalLong;

/**
 * What operators did, as a chain: every entry holds the hash of the one before it, so that none can be altered or taken
 * out of the middle without a trace ({@code sluice.audit}). That the end was cut off only shows who has noted the last hash
 * elsewhere. Runs in the caller's transaction. Stateless but for the name.
 */
public final class Audit {

    /** What the first entry names as the one before it. */
    public static final String START = "";

    /** Who did what nobody asked for by name. */
    public static final String DAEMON = "daemon";

    private final String migration;

    public Audit(String migration) {
        this.migration = migration;
    }

    /**
     * One act.
     *
     * @param ordinal from 1, without gaps
     * @param at UTC with microseconds, {@code 2026-01-31T23:59:59.000001Z}, by PostgreSQL's clock
     * @param actor who: a user of the operating system, a token's name, or {@code daemon}
     * @param act one word: {@code cutover}, {@code rollback}, {@code force} …
     * @param detail JSON, exactly as it was hashed; never a value of a user column or a secret
     * @param previous the hash of the entry before, {@link #START} for the first
     * @param hash SHA-256 (hex) over all the others and the migration's name, each as UTF-8 with its length before it
     */
    public record Entry(long ordinal, String at, String actor, String act, String detail, String previous, String hash) {}

    /** Appends an act; two daemons that do so at once do it one after the other. Returns the entry. */
    public Entry append(Connection connection, String actor, String act, String detail) throws SQLException {
        lock(connection);
        try (PreparedStatement query = connection.prepareStatement("""
                SELECT coalesce(a.ordinal, 0) + 1, coalesce(a.hash, ''),
                       to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
                FROM (VALUES (1)) one LEFT JOIN LATERAL (
                    SELECT ordinal, hash FROM sluice.audit WHERE migration = ? ORDER BY ordinal DESC LIMIT 1) a ON true
                """)) {
            query.setString(1, migration);
            try (ResultSet row = query.executeQuery()) {
                row.next();
                Entry entry = chained(migration, row.getLong(1), row.getString(3), actor, act, detail, row.getString(2));
                insert(connection, entry);
                return entry;
            }
        }
    }

    /** Whoever writes down what was done does so one after the other, until the transaction ends. */
    void lock(Connection connection) throws SQLException {
        try (PreparedStatement lock = connection.prepareStatement(
                "SELECT pg_advisory_xact_lock(hashtextextended('sluice.audit ' || ?, 0))")) {
            lock.setString(1, migration);
            lock.execute();
        }
    }

    /** The entry with its hash. */
    public static Entry chained(String migration, long ordinal, String at, String actor, String act, String detail,
            String previous) {
        Entry open = new Entry(ordinal, at, actor, act, detail, previous, null);
        return new Entry(ordinal, at, actor, act, detail, previous, hash(migration, open));
    }

    private void insert(Connection connection, Entry entry) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement("""
                INSERT INTO sluice.audit (migration, ordinal, at, actor, act, detail, previous, hash)
                VALUES (?, ?, ?::timestamptz, ?, ?, ?, ?, ?)
                """)) {
            insert.setString(1, migration);
            insert.setLong(2, entry.ordinal());
            insert.setString(3, entry.at());
            insert.setString(4, entry.actor());
            insert.setString(5, entry.act());
            insert.setString(6, entry.detail());
            insert.setString(7, entry.previous());
            insert.setString(8, entry.hash());
            insert.executeUpdate();
        }
    }

    /** All entries, oldest first. */
    public List<Entry> entries(Connection connection) throws SQLException {
        return entriesAfter(connection, 0);
    }

    /** The entry of that ordinal, or null. */
    public Entry entry(Connection connection, long ordinal) throws SQLException {
        List<Entry> found = entries(connection, ordinal, ordinal);
        return found.isEmpty() ? null : found.get(0);
    }

    /** Entries behind {@code ordinal}, oldest first. */
    public List<Entry> entriesAfter(Connection connection, long ordinal) throws SQLException {
        return entries(connection, ordinal + 1, Long.MAX_VALUE);
    }

    private List<Entry> entries(Connection connection, long from, long to) throws SQLException {
        List<Entry> entries = new ArrayList<>();
        try (PreparedStatement query = connection.prepareStatement("""
                SELECT ordinal, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), actor, act, detail,
                       previous, hash
                FROM sluice.audit WHERE migration = ? AND ordinal BETWEEN ? AND ? ORDER BY ordinal
                """)) {
            query.setString(1, migration);
            query.setLong(2, from);
            query.setLong(3, to);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    entries.add(new Entry(row.getLong(1), row.getString(2), row.getString(3), row.getString(4),
                            row.getString(5), row.getString(6), row.getString(7)));
                }
            }
        }
        return entries;
    }

    /** The ordinal at which the chain is broken first: where an entry is missing or not what was written; empty if whole. */
    public static OptionalLong brokenAt(String migration, List<Entry> entries) {
        String previous = START;
        long ordinal = 1;
        for (Entry entry : entries) {
            if (entry.ordinal() != ordinal || !entry.previous().equals(previous)
                    || !entry.hash().equals(hash(migration, entry))) {
                return OptionalLong.of(ordinal);
            }
            previous = entry.hash();
            ordinal++;
        }
        return OptionalLong.empty();
    }

    /** True if nothing of the entry was altered since it was written; says nothing of those around it. */
    public static boolean isAsWritten(String migration, Entry entry) {
        return entry.hash().equals(hash(migration, entry));
    }

    private static String hash(String migration, Entry entry) {
        MessageDigest sha;
        try {
            sha = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
        for (String part : new String[] {migration, Long.toString(entry.ordinal()), entry.at(), entry.actor(), entry.act(),
                entry.detail(), entry.previous()}) {
            byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
            sha.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII)); // keeps "a" + "bc" and "ab" + "c" apart
            sha.update(bytes);
        }
        return HexFormat.of().formatHex(sha.digest());
    }
}
