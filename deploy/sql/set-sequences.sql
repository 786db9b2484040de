-- Raises every sequence that a column of the schema owns past the column's largest value; never lowers one. To be run after the
-- application has stopped writing to SQLite and before it starts on PostgreSQL:
--
--     psql -d app -v schema=public -f set-sequences.sql
--
\set ON_ERROR_STOP on
SELECT format('SELECT setval(%L, m.top) FROM (SELECT max(%I) AS top FROM %I.%I) m, %s s'
              || ' WHERE m.top > s.last_value OR m.top = s.last_value AND NOT s.is_called',
              owned.sequence, owned.attname, owned.nspname, owned.relname, owned.sequence)
FROM (SELECT n.nspname, c.relname, a.attname,
             pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) AS sequence
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = :'schema' AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped) owned
WHERE owned.sequence IS NOT NULL
\gexec
