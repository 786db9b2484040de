INSERT INTO t(id) VALUES (1);
INSERT INTO t(id, n, d, i, k) VALUES (2, 1.5, '2024-01-01', 5, 1);
