INSERT INTO t VALUES (1, 1, 'a', NULL), (2, 2, 'b', '2024-01-01 00:00:00');
UPDATE t SET b = 'c', updated_at = '2024-01-02 00:00:00' WHERE id = 2;
UPDATE t SET updated_at = '2024-01-02 00:00:00';
DELETE FROM t WHERE id = 1;
