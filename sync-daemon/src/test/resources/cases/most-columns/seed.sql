INSERT INTO wide(id, c0, c1598) VALUES (1, 5, 7);
INSERT INTO wide(id) VALUES (2);
