INSERT INTO flags VALUES (1, 1, 't', 'true', 1, 0, 'yes', 1, NULL, '1');
INSERT INTO flags VALUES (2, 0, 'f', 'false', 't', 1, 'no', 0, NULL, 0);
INSERT INTO flags VALUES (3, 1, NULL, NULL, 'false', 2, NULL, 1, NULL, 1);
