CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b TEXT, updated_at DATETIME);
CREATE VIEW simple AS SELECT id, a FROM t WHERE a > 1;
CREATE VIEW nested AS SELECT count(*) AS n, sum(a) AS total FROM simple;
CREATE VIEW named(x, y) AS SELECT id, b FROM t;
CREATE VIEW of_sqlite_only AS SELECT strftime('%s', updated_at) AS s, group_concat(b) AS g, rowid AS r FROM t GROUP BY a;
CREATE VIEW broken AS SELECT lost FROM nowhere;
CREATE TRIGGER touch AFTER UPDATE ON t BEGIN
  UPDATE t SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;
  SELECT CASE WHEN NEW.a < 0 THEN RAISE(ABORT, 'negative; not allowed') END;
END;
CREATE TRIGGER through INSTEAD OF INSERT ON simple BEGIN INSERT INTO t(id, a) VALUES (NEW.id, NEW.a); END;
CREATE TRIGGER skip BEFORE DELETE ON t WHEN OLD.id = 1 BEGIN SELECT RAISE(IGNORE); END;
