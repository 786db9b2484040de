INSERT INTO t VALUES (NULL, 1), (NULL, 2), ('a', 3), ('', 4);
INSERT INTO composite VALUES ('a', NULL, 'x'), ('a', NULL, 'y'), (NULL, NULL, 'z'), ('a', 1, 'w');
INSERT INTO parent_of_null VALUES (NULL), ('p');
INSERT INTO child VALUES (1, 'p'), (2, NULL);
INSERT INTO descending VALUES (1, 'a'), (NULL, 'b'), (NULL, 'c');
