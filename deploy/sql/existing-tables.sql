-- What the role needs besides target-role.sql where the application's own migrations made the tables. Run as their owner
-- or as a superuser, connected to that database, after the tables exist:
--
--     psql -d app -v schema=public -v role=sluice -f existing-tables.sql
--
\set ON_ERROR_STOP on
-- CREATE is asked for before anything is moved, although nothing is created where every table exists already.
GRANT USAGE, CREATE ON SCHEMA :"schema" TO :"role";
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA :"schema" TO :"role";
-- sequences are set past the largest key
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA :"schema" TO :"role";
