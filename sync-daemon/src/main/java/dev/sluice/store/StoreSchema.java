package dev.sluice.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/** Creates the tables of schema {@code sluice}; everything in them is keyed by the migration's name. */
public final class StoreSchema {

    private static final String[] TABLES = {
        """
        CREATE TABLE IF NOT EXISTS sluice.migration (
            name          text PRIMARY KEY,
            source        text NOT NULL,
            target_schema text NOT NULL,
            mode          text NOT NULL,
            phase         text NOT NULL,
            paused        boolean NOT NULL DEFAULT false,
            plan          text NOT NULL,
            tool_version  text NOT NULL,
            created_at    timestamptz NOT NULL DEFAULT now(),
            phase_since   timestamptz NOT NULL DEFAULT now())
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice.control (
            migration     text PRIMARY KEY REFERENCES sluice.migration ON DELETE CASCADE,
            traffic       text NOT NULL,
            epoch         bigint NOT NULL,
            version       bigint NOT NULL,
            generation    bigint NOT NULL,
            source_epoch  text,
            source_device bigint,
            source_inode  bigint,
            schema_hash   text,
            schema_version bigint)
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice.watermark (
            migration  text PRIMARY KEY REFERENCES sluice.migration ON DELETE CASCADE,
            seq        bigint NOT NULL,
            nonce      bigint NOT NULL,
            generation bigint NOT NULL,
            consistent boolean NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now())
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice.chunk (
            migration text NOT NULL REFERENCES sluice.migration ON DELETE CASCADE,
            source_table text NOT NULL,
            part      int NOT NULL,
            after_key text[],
            until_key text[],
            rows      bigint NOT NULL DEFAULT 0,
            bytes     bigint NOT NULL DEFAULT 0,
            done      boolean NOT NULL DEFAULT false,
            head_seq  bigint,
            head_nonce bigint,
            PRIMARY KEY (migration, source_table, part))
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice.parked_row (
            migration    text NOT NULL REFERENCES sluice.migration ON DELETE CASCADE,
            source_table text NOT NULL,
            key_hash     bytea NOT NULL,
            key          text[] NOT NULL,
            row          text[],
            code         text NOT NULL,
            reason       text NOT NULL,
            column_name  text,
            seq          bigint,
            parked_at    timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (migration, source_table, key_hash))
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice.key_journal (
            migration  text NOT NULL REFERENCES sluice.migration ON DELETE CASCADE,
            to_seq     bigint NOT NULL,
            seqs       bigint[] NOT NULL,
            nonces     bigint[] NOT NULL,
            table_ids  int[] NOT NULL,
            keys       text[] NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (migration, to_seq))
        """,
        // it lives for minutes: to compress it took a tenth of the server's time for a change
        """
        ALTER TABLE sluice.key_journal ALTER COLUMN seqs SET STORAGE EXTERNAL, ALTER COLUMN nonces SET STORAGE EXTERNAL,
            ALTER COLUMN table_ids SET STORAGE EXTERNAL, ALTER COLUMN keys SET STORAGE EXTERNAL
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice.recheck (
            migration    text NOT NULL REFERENCES sluice.migration ON DELETE CASCADE,
            source_table text NOT NULL,
            PRIMARY KEY (migration, source_table))
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice.declaration (
            migration text NOT NULL REFERENCES sluice.migration ON DELETE CASCADE,
            ordinal   int NOT NULL,
            stage     text NOT NULL,
            object    text NOT NULL,
            status    text NOT NULL,
            reason    text,
            PRIMARY KEY (migration, ordinal))
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice.audit (
            migration text NOT NULL REFERENCES sluice.migration ON DELETE CASCADE,
            ordinal   bigint NOT NULL,
            at        timestamptz NOT NULL,
            actor     text NOT NULL,
            act       text NOT NULL,
            detail    text NOT NULL,
            previous  text NOT NULL,
            hash      text NOT NULL,
            PRIMARY KEY (migration, ordinal))
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice.verification (
            migration    text NOT NULL REFERENCES sluice.migration ON DELETE CASCADE,
            run          bigint NOT NULL,
            state        text NOT NULL,
            tables       text[] NOT NULL,
            whole        boolean NOT NULL,
            repair       boolean NOT NULL,
            share        int NOT NULL,
            actor        text NOT NULL,
            traffic      text NOT NULL,
            epoch        bigint NOT NULL,
            schema_hash  text NOT NULL,
            plan_hash    text NOT NULL,
            tool_version text NOT NULL,
            from_seq     bigint NOT NULL DEFAULT 0,
            to_seq       bigint NOT NULL DEFAULT 0,
            created_at   timestamptz NOT NULL DEFAULT now(),
            started_at   timestamptz,
            ended_at     timestamptz,
            reason       text,
            findings     text,
            evidence     text,
            PRIMARY KEY (migration, run))
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice.verification_table (
            migration    text NOT NULL REFERENCES sluice.migration ON DELETE CASCADE,
            run          bigint NOT NULL,
            ordinal      int NOT NULL,
            source_table text NOT NULL,
            state        text NOT NULL,
            rows_total   bigint NOT NULL,
            rows_done    bigint NOT NULL DEFAULT 0,
            rows         bigint NOT NULL DEFAULT 0,
            parked       bigint NOT NULL DEFAULT 0,
            source_root  text,
            target_root  text,
            differences  bigint NOT NULL DEFAULT 0,
            repaired     bigint NOT NULL DEFAULT 0,
            remaining    bigint NOT NULL DEFAULT 0,
            restless     bigint NOT NULL DEFAULT 0,
            listed       text,
            PRIMARY KEY (migration, run, ordinal))
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice.verification_leaf (
            migration    text NOT NULL REFERENCES sluice.migration ON DELETE CASCADE,
            source_table text NOT NULL,
            ordinal      int NOT NULL,
            after_key    text[],
            last_key     text[],
            rows         bigint NOT NULL,
            parked       bigint NOT NULL,
            source_hash  bytea NOT NULL,
            target_hash  bytea NOT NULL,
            seq          bigint NOT NULL,
            lsn          bigint NOT NULL,
            dirty        boolean NOT NULL,
            PRIMARY KEY (migration, source_table, ordinal))
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice.verification_bound (
            migration    text PRIMARY KEY REFERENCES sluice.migration ON DELETE CASCADE,
            journal_seq  bigint NOT NULL,
            lost         boolean NOT NULL DEFAULT false,
            streaming    boolean NOT NULL DEFAULT false,
            plan_hash    text NOT NULL)
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice.version_table (
            migration    text NOT NULL REFERENCES sluice.migration ON DELETE CASCADE,
            source_table text NOT NULL,
            form         text NOT NULL,
            era          bigint NOT NULL,
            read_to      text[],
            whole        boolean NOT NULL DEFAULT false,
            PRIMARY KEY (migration, source_table))
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice.version (
            migration    text NOT NULL REFERENCES sluice.migration ON DELETE CASCADE,
            source_table text NOT NULL,
            key_hash     bytea NOT NULL,
            print        bytea NOT NULL,
            era          bigint NOT NULL,
            PRIMARY KEY (migration, source_table, key_hash))
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice.conflict (
            migration     text NOT NULL REFERENCES sluice.migration ON DELETE CASCADE,
            id            bigint NOT NULL,
            direction     text NOT NULL,
            source_table  text NOT NULL,
            key_hash      bytea NOT NULL,
            key           text[] NOT NULL,
            kind          text NOT NULL,
            act           text NOT NULL,
            kept_columns  text[] NOT NULL,
            incoming      text[],
            incoming_hash text NOT NULL,
            existing      text[],
            existing_hash text NOT NULL,
            columns       text[] NOT NULL,
            seq           bigint NOT NULL,
            state         text NOT NULL,
            decision      text,
            decided_by    text,
            at            timestamptz NOT NULL DEFAULT now(),
            decided_at    timestamptz,
            PRIMARY KEY (migration, id))
        """,
        """
        CREATE INDEX IF NOT EXISTS conflict_key ON sluice.conflict (migration, source_table, key_hash)
        """
    };

    private StoreSchema() {}

    /** Idempotent, and brings a schema of an older release up to date; {@link #lock}ed. */
    public static void create(Connection connection) throws SQLException {
        lock(connection); // CREATE … IF NOT EXISTS alone can collide with itself
        try (Statement statement = connection.createStatement()) {
            if (!exists(statement)) { // asked first: even IF NOT EXISTS wants the privilege to create schemas
                statement.execute("CREATE SCHEMA sluice");
            }
            for (String table : TABLES) {
                statement.execute(table);
            }
        }
    }

    /** Adds what an older release did not have yet, where anything is missing. */
    public static void renew(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                var row = statement.executeQuery("SELECT to_regclass('sluice.verification_bound') IS NULL")) {
            row.next();
            if (row.getBoolean(1)) {
                create(connection);
            }
        }
    }

    /** Whoever changes what schema {@code sluice} consists of does so one after the other, until its transaction ends. */
    public static void lock(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_advisory_xact_lock(126896516588389)"); // 'sluice' in ASCII
        }
    }

    private static boolean exists(Statement statement) throws SQLException {
        try (var row = statement.executeQuery("SELECT to_regnamespace('sluice') IS NOT NULL")) {
            row.next();
            return row.getBoolean(1);
        }
    }

    /** Removes the migration's rows, and the schema itself with the last migration. */
    public static void remove(Connection connection, String migration) throws SQLException {
        lock(connection); // another migration may be created just now
        try (var delete = connection.prepareStatement("DELETE FROM sluice.migration WHERE name = ?")) {
            delete.setString(1, migration);
            delete.executeUpdate();
        }
        try (Statement statement = connection.createStatement();
                var left = statement.executeQuery("SELECT count(*) FROM sluice.migration")) {
            left.next();
            if (left.getLong(1) == 0) {
                statement.execute("DROP SCHEMA sluice CASCADE");
            }
        }
    }
}
