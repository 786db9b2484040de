INSERT INTO users VALUES (1, 'A@example.org', 'Ada', 'x '), (2, 'b@example.org', 'ada', 'x'), (3, 'Ä@example.org', NULL, ''), (4, 'ä@example.org', '', NULL), (5, NULL, NULL, NULL), (6, NULL, NULL, NULL);
INSERT INTO keyed VALUES ('Ada', 1), ('ÄDA', 2), ('äda', 3);
INSERT INTO child VALUES (1, 'ADA'), (2, 'Ada'), (3, NULL);
