-- The role that Sluice logs in as, with no more than it needs. Run as a superuser, connected to the database that
-- receives the tables. Change the names in the next lines; the password is asked for.
--
--     psql -d app -f target-role.sql
--
\set ON_ERROR_STOP on
\if :{?role}
\else
  \set role sluice
\endif
\if :{?schema}
  -- given with -v schema=…
\else
  \set schema public
\endif

\if :{?password}
\else
  \prompt 'password of the new role: ' password
\endif

SELECT current_database() AS database \gset

-- REPLICATION: a cutover streams PostgreSQL's commits back into SQLite, so that a rollback loses nothing.
CREATE ROLE :"role" LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE REPLICATION;

-- CREATE: makes the schema "sluice" (its own state) and, where it is absent, the schema of the tables.
-- TEMPORARY: big batches pass through a temporary table.
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE :"database" TO :"role";

-- The tables are created in here, and so belong to this role.
CREATE SCHEMA IF NOT EXISTS :"schema";
GRANT USAGE, CREATE ON SCHEMA :"schema" TO :"role";

-- PostgreSQL 15 and newer: foreign keys and triggers of the target stay silent for replicated rows, whose effects arrive as
-- rows of their own. Without it Sluice works too, see docs/operating/privileges.md for the difference.
SELECT current_setting('server_version_num')::int >= 150000 AS can_grant_parameter \gset
\if :can_grant_parameter
  GRANT SET ON PARAMETER session_replication_role TO :"role";
\endif
