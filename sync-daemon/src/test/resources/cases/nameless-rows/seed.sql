INSERT INTO nameless VALUES (1, 1, 1), (1, 1, 1);
INSERT INTO keyed VALUES (1, 1, 1), (2, 1, 1);
